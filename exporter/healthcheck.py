"""Whether an exporter on this machine answers: the health check of containers that have neither shell nor curl."""

import http.client
import socket
from dataclasses import dataclass

from exporter.config.address import ListenAddress

PATH = "/-/healthy"
TIMEOUT_SECONDS = 5.0

_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
_ALIVE = {http.client.OK, http.client.UNAUTHORIZED}
"""401 too: who asks for a password is alive, and the check has none to give."""


@dataclass(frozen=True, slots=True)
class Health:
    """`alive`, and in `seen` what was seen, for people."""

    alive: bool
    seen: str


def ask(address: ListenAddress) -> Health:
    """The health of the exporter that listens on `address`, asked over the loopback where it listens everywhere."""
    host = _EVERYWHERE.get(address.host, address.host)
    connection = http.client.HTTPConnection(host, address.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", PATH)
        status = connection.getresponse().status
    except TimeoutError:
        return Health(alive=False, seen=f"no answer within {TIMEOUT_SECONDS:g} s")
    except (OSError, http.client.HTTPException) as failure:
        return Health(alive=False, seen=_words(failure))
    finally:
        connection.close()
    return Health(alive=status in _ALIVE, seen=f"{PATH} answers {status}")


def _words(failure: Exception) -> str:
    if isinstance(failure, socket.gaierror):
        return "the host of the address is unknown"
    if isinstance(failure, OSError) and failure.strerror:
        return failure.strerror
    return "the answer is not HTTP"
