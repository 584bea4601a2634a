"""Certificates are always checked; only a bundle that the operator names adds trust."""

import datetime
import ssl
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from exporter.api import errors
from exporter.api.endpoints import Endpoint
from tests.api.kit import CALLS, Kit, failure_of
from tests.api.sockets.conftest import Connect, Serve
from tests.api.sockets.server import RawServer, answering, response

ServeTls = Callable[..., RawServer]
PAST = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def serve_tls(stack: ExitStack, authority: trustme.CA) -> ServeTls:
    def serve(name: str = "127.0.0.1", expires: datetime.datetime | None = None) -> RawServer:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name, not_after=expires).configure_cert(context)
        return stack.enter_context(RawServer(answering(response()), context))

    return serve


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def token_failure(api: Kit) -> errors.ApiError:
    return failure_of(CALLS[Endpoint.TOKEN_INFO], api)


def test_an_unknown_authority_is_refused_once_and_for_all(serve_tls: ServeTls, connect: Connect) -> None:
    server = serve_tls()
    api = connect(server.url, attempts=4)
    assert isinstance(token_failure(api), errors.TlsFailed)
    assert api.last.requests == 1
    assert server.requests == []


def test_the_operator_s_bundle_adds_trust(
    serve_tls: ServeTls, connect: Connect, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    api = connect(serve_tls().url)
    assert api.client.token_info(api.refresh()).scope == "*"


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PYTHONHTTPSVERIFY", "SSL_VERIFY"])
@pytest.mark.parametrize("value", ["", "0", "false"])
def test_no_variable_switches_the_check_off(
    serve_tls: ServeTls, connect: Connect, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    server = serve_tls()
    assert isinstance(token_failure(connect(server.url)), errors.TlsFailed | errors.ConnectFailed)
    assert server.requests == []


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_another_host_is_refused(serve_tls: ServeTls, connect: Connect) -> None:
    server = serve_tls("api.integrator.io")
    assert isinstance(token_failure(connect(server.url)), errors.TlsFailed)
    assert server.requests == []


@pytest.mark.usefixtures("trusted")
def test_an_expired_certificate_is_refused(serve_tls: ServeTls, connect: Connect) -> None:
    server = serve_tls(expires=PAST)
    assert isinstance(token_failure(connect(server.url)), errors.TlsFailed)
    assert server.requests == []


@pytest.fixture
def trusted(bundle: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)


def test_plain_http_on_a_tls_port_is_a_tls_failure(serve: Serve, connect: Connect) -> None:
    server = serve(lambda connection: connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 20))
    assert isinstance(token_failure(connect(server.url.replace("http:", "https:"))), errors.TlsFailed)


def test_tls_on_a_plain_port_sends_nothing_usable(serve_tls: ServeTls, connect: Connect) -> None:
    server = serve_tls()
    assert isinstance(token_failure(connect(server.url.replace("https:", "http:"), read=3.0)), errors.TransportError)
    assert server.requests == []
