"""The page keeps to itself: one style, one script, no foreign resource, in keeping with its own policy."""

import base64
import hashlib
import re
from dataclasses import replace

import pytest

from exporter.config.settings import Web
from exporter.serve.page.render import page_headers
from tests.serve.page.reading import links
from tests.serve.rig import rig


def digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


@pytest.mark.parametrize(("element", "directive"), [("style", "style-src"), ("script", "script-src")])
def test_what_the_page_carries_is_what_the_policy_allows(element: str, directive: str) -> None:
    with rig() as exporter:
        answer = exporter.get("/")
    (found,) = re.findall(f"<{element}>(.*?)</{element}>", answer.text, re.DOTALL)
    assert f"{directive} '{digest(found)}'" in answer.headers["Content-Security-Policy"]


def test_the_policy_allows_nothing_else() -> None:
    policy = page_headers()["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "form-action 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_the_page_is_served_with_its_policy_and_is_not_kept() -> None:
    with rig() as exporter:
        answer = exporter.get("/")
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert {name: answer.headers[name] for name in page_headers()} == dict(page_headers())
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_nothing_on_the_page_comes_from_elsewhere() -> None:
    with rig() as exporter:
        page = exporter.get("/").text
    assert not re.search(r"\bsrc=", page)
    assert re.findall(r'<link [^>]*href="(\w+:)', page) == ["data:"]
    assert " style=" not in page
    assert not re.search(r"\son\w+=", page.split("<body>")[1].split("<script>")[0])


@pytest.mark.parametrize("external_url", [None, "https://ops.example.com/celigo"])
def test_links_lead_to_what_is_served_behind_a_proxy_too(external_url: str | None) -> None:
    web = replace(Web(), telemetry_path="/of/celigo", external_url=external_url)
    with rig(accounts=2, web=web) as exporter:
        prefix = "/celigo" if external_url else ""
        targets = {target for target in links(exporter.get("/").text) if not target.startswith("#")}
        assert f"{prefix}/of/celigo" in targets
        assert f"{prefix}/?account=account-1" in targets
        assert all(target.startswith(f"{prefix}/") for target in targets)
        of_one = set(links(exporter.get("/?account=account-1").text))
        assert f"{prefix}/probe?account=account-1" in of_one
        assert f"{prefix}/of/celigo" not in of_one
        targets.add(f"{prefix}/probe?account=account-1")
        exporter.get("/of/celigo")
        assert {exporter.get(target.removeprefix(prefix)).status_code for target in targets} == {200}


def test_the_page_is_compressed_for_those_that_ask() -> None:
    with rig() as exporter:
        plain, small = exporter.raw("GET", "/"), exporter.raw("GET", "/", {"Accept-Encoding": "gzip"})
        assert "content-encoding" not in plain.headers
        assert small.headers["content-encoding"] == "gzip"
        assert small.headers["vary"] == "Accept-Encoding"
        assert len(small.body) < len(plain.body) / 2


def test_head_has_the_headers_and_no_body() -> None:
    with rig() as exporter:
        answer = exporter.raw("HEAD", "/")
        assert (answer.status, answer.body) == (200, b"")
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; ")
