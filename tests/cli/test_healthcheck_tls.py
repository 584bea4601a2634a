"""`healthcheck` of an exporter with a web configuration: TLS with the certificate that is configured, and no other."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from tests.cli.conftest import Call, Ended

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two certificates of a name that is not this machine's, and a web configuration for the first one."""
    place = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    for name in ("own", "other"):
        issued = authority.issue_cert("celigo-exporter.example.com")
        (place / f"{name}.crt").write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        (place / f"{name}.key").write_bytes(issued.private_key_pem.bytes())
    authority.cert_pem.write_to_path(str(place / "ca.crt"))
    text = "tls_server_config: {cert_file: own.crt, key_file: own.key"
    (place / "web.yml").write_text(f"{text}}}\n")
    asking = "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt"
    (place / "mutual.yml").write_text(f"{text}, {asking}}}\n")
    return place


@contextmanager
def serving(context: ssl.SSLContext | None) -> Iterator[int]:
    """A server of one connection, with or without TLS; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection = context.wrap_socket(connection, server_side=True) if context else connection
                with connection:
                    connection.recv(4096)
                    connection.sendall(ANSWER)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            thread.join()


def server(folder: Path, name: str = "own", newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
    context.maximum_version = newest
    return context


def checked(call: Call, port: int, config: Path) -> Ended:
    return call("healthcheck", f"--web.listen-address=:{port}", f"--web.config.file={config}", environ={})


def test_the_configured_certificate_is_trusted_whatever_its_names(call: Call, folder: Path) -> None:
    with serving(server(folder)) as port:
        ended = checked(call, port, folder / "web.yml")
    assert (ended.status, ended.out) == (0, "healthy: /-/healthy answers 200\n")


def test_another_certificate_of_the_same_authority_is_not(call: Call, folder: Path) -> None:
    with serving(server(folder, "other")) as port:
        ended = checked(call, port, folder / "web.yml")
    line = "not healthy: it presents another certificate than the one that is configured\n"
    assert (ended.status, ended.out) == (1, line)


def test_plain_http_where_tls_is_configured_is_not_healthy(call: Call, folder: Path) -> None:
    with serving(None) as port:
        ended = checked(call, port, folder / "web.yml")
    assert (ended.status, ended.out) == (1, "not healthy: the answer is not TLS, or not that of the configuration\n")


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_who_wants_a_clients_certificate_is_alive(call: Call, folder: Path, newest: ssl.TLSVersion) -> None:
    context = server(folder, newest=newest)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(folder / "ca.crt")
    with serving(context) as port:
        ended = checked(call, port, folder / "mutual.yml")
    assert (ended.status, ended.out) == (0, "healthy: it wants a client's certificate\n")


def test_another_certificate_is_not_alive_either_where_a_clients_is_wanted(call: Call, folder: Path) -> None:
    with serving(server(folder, "other")) as port:
        assert checked(call, port, folder / "mutual.yml").status == 1


def test_a_configuration_without_tls_is_asked_in_plain(call: Call, folder: Path) -> None:
    (folder / "plain.yml").write_text("http_server_config: {headers: {X-Frame-Options: deny}}\n")
    with serving(None) as port:
        assert checked(call, port, folder / "plain.yml").status == 0


def test_a_certificate_that_is_not_there_is_said(call: Call, folder: Path) -> None:
    (folder / "gone.yml").write_text("tls_server_config: {cert_file: gone.crt, key_file: gone.key}\n")
    ended = checked(call, 1, folder / "gone.yml")
    assert (ended.status, ended.out) == (1, "not healthy: No such file or directory\n")


def test_a_bad_configuration_is_a_mistake(call: Call, folder: Path) -> None:
    (folder / "bad.yml").write_text("tls_server_config: {cert: own.crt}\n")
    ended = checked(call, 1, folder / "bad.yml")
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
