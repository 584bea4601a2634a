"""Addresses and URLs: what is accepted, what it becomes, and what would send a token to the wrong place."""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.config.address import (
    ListenAddress,
    parse_base_url,
    parse_external_url,
    parse_listen_address,
    parse_telemetry_path,
)
from tests.config.speed import ANY_SPEED

Value = TypeVar("Value")


def outcome(parse: Callable[[str], Value], text: str) -> tuple[Value | None, str]:
    """The value and no words, or no value and the words of the ValueError."""
    try:
        return parse(text), ""
    except ValueError as error:
        return None, str(error)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://api.integrator.io", "https://api.integrator.io"),
        ("https://api.integrator.io/", "https://api.integrator.io"),
        ("https://api.integrator.io/v1", "https://api.integrator.io"),
        ("https://api.integrator.io/v1/", "https://api.integrator.io"),
        ("HTTPS://API.Integrator.IO:443", "https://api.integrator.io:443"),
        ("https://192.0.2.7", "https://192.0.2.7"),
        ("https://[2001:db8::1]:8443/v1", "https://[2001:db8::1]:8443"),
        ("https://celigo-mock_1.internal", "https://celigo-mock_1.internal"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://LOCALHOST", "http://localhost"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("http://127.8.9.10", "http://127.8.9.10"),
        ("http://[::1]:8080/v1/", "http://[::1]:8080"),
    ],
)
def test_a_base_url_is_reduced_to_scheme_host_and_port(text: str, url: str) -> None:
    assert parse_base_url(text) == url
    assert parse_base_url(url) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https",
        "//api.integrator.io",
        "https:/api.integrator.io",
        "https://",
        "https://:443",
        "https://-api.integrator.io",
        "https://api..integrator.io",
        "https://api.integrator.io:x",
        "https://api.integrator.io:65536",
        "https://api.integrator.io:-1",
        "https://api.integrator.io/api/v1",
        "https://api.integrator.io/v1/v1",
        "https://api.integrator.io;x",
        "https://api.integrator.io?",
        "https://api.integrator.io#",
        "https://a@b",
        "https://@b",
        "https://[::1",
        "https://[v1.x]",
        "https://[::1%25eth0]",
        "https://2001:db8::1",
        "https://api.integrator.io\n",
        " https://api.integrator.io",
        "https://api.integrator.io\t",
        "https://api.integrator.io\0",
        "https://a%2eb",
        "file:///etc/passwd",
        "javascript:alert(1)",
    ],
    ids=repr,
)
def test_what_is_no_base_url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_base_url(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://api.integrator.io",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "http://[::ffff:10.0.0.1]",
        "http://2130706433",
        "http://127.1",
    ],
)
def test_plain_http_is_refused_for_everything_but_this_machine(text: str) -> None:
    with pytest.raises(ValueError, match="in the clear"):
        parse_base_url(text)


@ANY_SPEED
@example("https://user:prober-token-4f1c@host/")
@given(st.text(max_size=60) | st.from_regex(r"https?://[a-z@:\[\]./?#%\\]{0,30}", fullmatch=True))
def test_a_base_url_from_any_text_is_plain_or_refused_without_repeating_it(text: str) -> None:
    url, refusal = outcome(parse_base_url, text)
    assert len(text) < 12 or text not in refusal
    if url is None:
        return
    parts = urlsplit(url)
    assert parts.scheme in {"http", "https"}
    assert parts.hostname
    assert (parts.username, parts.path, parts.query, parts.fragment) == (None, "", "", "")
    assert parts.geturl() == url


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":10940", ListenAddress("", 10940)),
        ("127.0.0.1:0", ListenAddress("127.0.0.1", 0)),
        ("localhost:65535", ListenAddress("localhost", 65535)),
        ("metrics.internal:80", ListenAddress("metrics.internal", 80)),
        ("[::1]:10940", ListenAddress("::1", 10940)),
        ("[::]:10940", ListenAddress("::", 10940)),
    ],
)
def test_a_listen_address_is_host_and_port(text: str, address: ListenAddress) -> None:
    assert parse_listen_address(text) == address


@pytest.mark.parametrize(
    "text",
    ["", ":", "10940", "localhost", "localhost:", "localhost:http", ":65536", ":-1", ":1.5", "::1:80", "[::1]", "[]:80",
     "[127.0.0.1]:80", "[::1]]:80", "a b:80", "http://localhost:80", "localhost:80/metrics", ":\u0668\u0660",
     ": 80", ":80\n", "a" * 300 + ":80"],
    ids=repr,
)  # fmt: skip
def test_what_is_no_listen_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected HOST:PORT, :PORT or \[IPv6\]:PORT"):
        parse_listen_address(text)


@pytest.mark.parametrize("path", ["/metrics", "/a/b-c_d.e~f", "/metrics2", "/probe/metrics"])
def test_a_telemetry_path_is_kept(path: str) -> None:
    assert parse_telemetry_path(path) == path


@pytest.mark.parametrize(
    "path",
    ["", "/", "metrics", "/metrics/", "//metrics", "/-/healthy", "/-/metrics", "/a/../b", "/./a", "/m?x", "/m#x",
     "/probe", "/sd", "/m x",      "/mé", "/{name}", "/m\n"],
    ids=repr,
)  # fmt: skip
def test_a_telemetry_path_that_could_hide_or_be_another_page_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="expected a path such as /metrics"):
        parse_telemetry_path(path)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://monitoring.example.com", "https://monitoring.example.com"),
        ("http://Monitoring.example.com:8080/", "http://monitoring.example.com:8080"),
        ("https://example.com/celigo/exporter/", "https://example.com/celigo/exporter"),
    ],
)
def test_an_external_url_may_have_a_path_and_be_plain_http(text: str, url: str) -> None:
    assert parse_external_url(text) == url


@pytest.mark.parametrize(
    "text", ["", "/celigo", "ftp://x", "https://a@b", "https://a?b", 'https://a/"><script>', "https://a//b"]
)
def test_an_external_url_that_could_break_a_page_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_external_url(text)


@pytest.mark.parametrize("parse", [parse_listen_address, parse_base_url, parse_external_url, parse_telemetry_path])
@ANY_SPEED
@given(st.text(max_size=40))
def test_any_text_is_a_value_or_a_value_error(parse: Callable[[str], object], text: str) -> None:
    value, refusal = outcome(parse, text)
    assert len(refusal.splitlines()) == (1 if value is None else 0)
