"""Where the exporter listens, and what is said when it cannot."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from exporter.config.problem import ConfigError
from exporter.serve.sockets import open_sockets, url_of


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def opened(stack: ExitStack, *addresses: str) -> list[socket.socket]:
    return [stack.enter_context(each) for each in open_sockets(addresses)]


def reaches(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=5):
            return True
    except OSError:
        return False


def test_a_host_and_any_free_port(stack: ExitStack) -> None:
    (listener,) = opened(stack, "127.0.0.1:0")
    port = listener.getsockname()[1]
    assert reaches("127.0.0.1", port)
    assert url_of(listener) == f"http://127.0.0.1:{port}"


def test_no_host_means_every_interface_of_both_kinds(stack: ExitStack) -> None:
    (listener,) = opened(stack, ":0")
    port = listener.getsockname()[1]
    assert reaches("127.0.0.1", port)
    assert not socket.has_dualstack_ipv6() or reaches("::1", port)
    assert url_of(listener) == f"http://localhost:{port}"


def test_an_ipv6_address_is_shown_in_brackets(stack: ExitStack) -> None:
    (listener,) = opened(stack, "[::1]:0")
    port = listener.getsockname()[1]
    assert reaches("::1", port)
    assert url_of(listener) == f"http://[::1]:{port}"


def test_several_addresses_are_all_opened(stack: ExitStack) -> None:
    listeners = opened(stack, "127.0.0.1:0", "[::1]:0")
    assert len({each.getsockname()[:2] for each in listeners}) == 2


def test_a_taken_port_is_one_line_and_leaves_nothing_open(stack: ExitStack) -> None:
    taken = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    port = taken.getsockname()[1]
    with pytest.raises(ConfigError) as refused:
        open_sockets(["127.0.0.1:0", f"127.0.0.1:{port}"])
    assert f"127.0.0.1:{port}" in str(refused.value)
    assert "in use" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_address_of_another_machine_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"cannot listen on 192\.0\.2\.1:1"):
        open_sockets(["192.0.2.1:1"])


def test_a_name_that_does_not_resolve_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"cannot listen on nosuch\.invalid:0"):
        open_sockets(["nosuch.invalid:0"])
