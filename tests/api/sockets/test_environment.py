"""The token goes to the configured host alone: not along a redirect, not replaced by a netrc, not shown to a proxy."""

from pathlib import Path

import pytest

from exporter.api import errors
from exporter.api.endpoints import Endpoint
from tests.api.kit import CALLS, TOKEN, Kit, failure_of
from tests.api.sockets.conftest import Connect, Serve
from tests.api.sockets.server import Connection, answering, header, response

NOBODY = "http://account.invalid"
"""A host that only a proxy can reach."""


def token_failure(api: Kit) -> errors.ApiError:
    return failure_of(CALLS[Endpoint.TOKEN_INFO], api)


@pytest.mark.parametrize(
    "status", ["300 Choices", "301 Moved", "302 Found", "303 Other", "307 Temporary", "308 Permanent"]
)
def test_a_redirect_is_never_followed(serve: Serve, connect: Connect, status: str) -> None:
    elsewhere = serve(answering(response()))
    server = serve(answering(response(b"", status, (f"Location: {elsewhere.url}/v1/tokenInfo",))))
    failure = token_failure(connect(server.url, attempts=4))
    assert isinstance(failure, errors.Redirected)
    assert (len(server.requests), elsewhere.connections) == (1, 0)


def test_the_body_of_a_redirect_changes_nothing(serve: Serve, connect: Connect) -> None:
    elsewhere = serve(answering(response()))
    server = serve(answering(response(b"<html>", "302 Found", (f"Location: {elsewhere.url}/v1/tokenInfo",))))
    assert isinstance(token_failure(connect(server.url)), errors.Redirected)
    assert elsewhere.connections == 0


def test_a_redirect_to_the_same_host_is_not_followed_either(serve: Serve, connect: Connect) -> None:
    server = serve(answering(response(b"", "302 Found", ("Location: /v1/integrations",)), response()))
    assert isinstance(token_failure(connect(server.url)), errors.Redirected)
    assert len(server.requests) == 1


@pytest.mark.parametrize("link", ["{}/v1/integrations?after=1", "//{}/v1/integrations?after=1"], ids=["absolute", "//"])
def test_a_next_page_of_another_host_is_asked_at_the_configured_one(serve: Serve, connect: Connect, link: str) -> None:
    elsewhere = serve(answering(response(b"[]")))
    target = link.format(elsewhere.url if link.startswith("{") else elsewhere.url.removeprefix("http://"))
    server = serve(answering(response(b"[]", headers=(f'Link: <{target}>; rel="next"',)), response(b"[]")))
    api = connect(server.url)
    assert api.client.integrations(api.refresh()).complete
    assert (len(server.requests), elsewhere.connections) == (2, 0)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_the_operator_s_proxy_is_used(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    proxy = serve(answering(response()))
    monkeypatch.setenv(variable, proxy.url)
    api = connect(NOBODY)
    assert api.client.token_info(api.refresh()).scope == "*"
    (request,) = proxy.requests
    assert request.startswith(b"GET http://account.invalid/v1/tokenInfo HTTP/1.1\r\n")


def test_hosts_excepted_from_the_proxy_are_asked_directly(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, server = serve(answering(response())), serve(answering(response()))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    api = connect(server.url)
    api.client.token_info(api.refresh())
    assert (proxy.connections, len(server.requests)) == (0, 1)


def refuse_tunnel(connection: Connection) -> None:
    connection.request()
    connection.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")


def test_a_proxy_that_refuses_the_tunnel_is_a_failed_connection_and_sees_no_token(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(refuse_tunnel)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    failure = token_failure(connect(NOBODY.replace("http:", "https:")))
    assert isinstance(failure, errors.ConnectFailed)
    (request,) = proxy.requests
    assert request.startswith(b"CONNECT account.invalid:443 HTTP/1.")
    assert TOKEN.encode() not in request


def test_a_proxy_that_is_down_is_a_failed_connection(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(answering(response()))
    proxy.close()
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    assert isinstance(token_failure(connect(NOBODY)), errors.ConnectFailed)


def test_a_proxy_that_wants_a_password_is_a_status_of_its_own(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = ('Proxy-Authenticate: Basic realm="x"',)
    proxy = serve(answering(response(b"", "407 Proxy Authentication Required", headers)))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    assert isinstance(token_failure(connect(NOBODY)), errors.OtherStatus)


def test_the_proxy_s_own_password_does_not_replace_the_token(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(answering(response()))
    monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("http://", "http://user:password@"))
    api = connect(NOBODY)
    api.client.token_info(api.refresh())
    (request,) = proxy.requests
    assert header(request, "Authorization") == f"Bearer {TOKEN}"
    assert (header(request, "Proxy-Authorization") or "").startswith("Basic ")


def test_a_netrc_never_replaces_the_token(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in (".netrc", "_netrc", "other"):
        (tmp_path / name).write_text("machine 127.0.0.1 login mallory password stolen\n")
        (tmp_path / name).chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "other"))
    server = serve(answering(response()))
    api = connect(server.url)
    api.client.token_info(api.refresh())
    assert header(server.requests[0], "Authorization") == f"Bearer {TOKEN}"


def test_a_cookie_of_the_server_is_not_sent_to_another_account(serve: Serve, connect: Connect) -> None:
    server = serve(answering(response(headers=("Set-Cookie: session=abc; Path=/",))))
    one, other = connect(server.url), connect(server.url)
    one.client.token_info(one.refresh())
    other.client.token_info(other.refresh())
    assert [header(request, "Cookie") for request in server.requests] == [None, None]
