"""Connections are kept for the next request, a few of them, and what they trust is in memory once."""

import gc
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from exporter.api.transport import KEPT_SESSIONS
from exporter.api.trust import trust
from tests.api.kit import Kit
from tests.api.sockets.conftest import Connect, Serve
from tests.api.sockets.server import Connection, Conversation, RawServer, answering, response


def ask(api: Kit, *_: object) -> None:
    assert api.client.token_info(api.refresh()).scope == "*"


def meeting(before: Callable[[], object]) -> Conversation:
    """Answers each request after `before` has returned."""

    def converse(connection: Connection) -> None:
        while connection.request() is not None:
            before()
            connection.send(response())

    return converse


def test_threads_that_come_and_go_use_one_connection(serve: Serve, connect: Connect) -> None:
    server = serve(answering(response()))
    api = connect(server.url)
    for _ in range(5):
        thread = threading.Thread(target=ask, args=(api,))
        thread.start()
        thread.join(30)
    assert (len(server.requests), server.connections) == (5, 1)


def test_those_who_ask_at_once_have_one_each_and_few_are_kept(serve: Serve, connect: Connect) -> None:
    together, barrier = 2 * KEPT_SESSIONS, threading.Barrier(2 * KEPT_SESSIONS)
    server = serve(meeting(lambda: barrier.wait(30)))
    api = connect(server.url)
    with ThreadPoolExecutor(together) as pool:
        list(pool.map(lambda _: ask(api), range(together)))
    assert server.connections == together
    assert len(api.client._transport._idle) == KEPT_SESSIONS


def test_after_the_end_no_connection_is_kept(serve: Serve, connect: Connect) -> None:
    arrived, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        arrived.set()
        assert let_go.wait(30)

    api = connect(serve(meeting(hold)).url)
    thread = threading.Thread(target=ask, args=(api,))
    thread.start()
    assert arrived.wait(30)
    api.client.close()
    let_go.set()
    thread.join(30)
    assert api.client._transport._idle == []


class TestTrust:
    def test_it_is_loaded_once_for_all(self) -> None:
        assert trust(True) is trust(True)

    def test_a_bundle_that_changed_is_read_again(self, tmp_path: Path) -> None:
        path = tmp_path / "authority.pem"
        trustme.CA().cert_pem.write_to_path(path)
        before = trust(str(path))
        assert trust(str(path)) is before
        trustme.CA().cert_pem.write_to_path(path, append=True)
        assert trust(str(path)) is not before
        assert (len(before.get_ca_certs()), len(trust(str(path)).get_ca_certs())) == (1, 2)

    def test_a_folder_of_certificates_is_one_too(self, tmp_path: Path) -> None:
        assert isinstance(trust(str(tmp_path)), ssl.SSLContext)

    def test_no_bundle_is_an_error_and_never_no_check(self, tmp_path: Path) -> None:
        with pytest.raises(OSError, match="No such file"):
            trust(str(tmp_path / "none.pem"))
        (tmp_path / "empty.pem").touch()
        with pytest.raises(ssl.SSLError):
            trust(str(tmp_path / "empty.pem"))

    def test_every_context_checks_certificates_and_names(self) -> None:
        context = trust(True)
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
        assert len(context.get_ca_certs()) > 50


def test_many_connections_of_many_accounts_share_what_they_trust(
    stack: ExitStack, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each store takes a megabyte, and two hundred accounts keep hundreds of connections."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    server = stack.enter_context(RawServer(answering(response()), context))
    before = contexts()
    for _ in range(10):
        ask(connect(server.url))
    assert server.connections == 10
    assert contexts() <= before + 1


def contexts() -> int:
    gc.collect()
    return sum(isinstance(each, ssl.SSLContext) for each in gc.get_objects())
