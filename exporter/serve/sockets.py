"""Sockets to listen on, opened before anything else starts, so that a taken port is one clear line."""

import socket
from collections.abc import Sequence

from exporter.config.address import ListenAddress, parse_listen_address
from exporter.config.problem import ConfigError

_BACKLOG = 2048


def open_sockets(addresses: Sequence[str]) -> list[socket.socket]:
    """Listening sockets, one an address; an empty host means all interfaces. Raises ConfigError."""
    opened: list[socket.socket] = []
    try:
        for text in addresses:
            opened.append(_open(parse_listen_address(text)))
    except OSError as failure:
        for each in opened:
            each.close()
        raise ConfigError(f"--web.listen-address: cannot listen on {text}: {failure.strerror or failure}") from None
    return opened


def url_of(listener: socket.socket, scheme: str = "http") -> str:
    """An address that a browser on this machine can open."""
    host, port = listener.getsockname()[:2]
    if host in {"::", "0.0.0.0"}:  # noqa: S104 - compared, not bound
        host = "localhost"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _open(address: ListenAddress) -> socket.socket:
    if address.host == "" and socket.has_dualstack_ipv6():
        return socket.create_server(
            ("", address.port), family=socket.AF_INET6, backlog=_BACKLOG, dualstack_ipv6=True, reuse_port=False
        )
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    return socket.create_server((address.host, address.port), family=family, backlog=_BACKLOG)
