"""Whether an exporter on this machine answers: the health check of containers that have neither shell nor curl."""

import http.client
import socket
import ssl
from dataclasses import dataclass

from exporter.config.address import ListenAddress
from exporter.web.settings import Tls

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


def ask(address: ListenAddress, tls: Tls | None = None) -> Health:
    """The health of the exporter that listens on `address`, asked over the loopback where it listens everywhere.

    With `tls` it has to present the certificate that this names, whatever the names in that. Who wants a client's
    certificate is alive when it presented its own: the check has none to give.
    """
    host = _EVERYWHERE.get(address.host, address.host)
    try:
        if tls is None:
            return _asked(http.client.HTTPConnection(host, address.port, timeout=TIMEOUT_SECONDS))
        context = _trusting(tls)
        if tls.client_auth_type == "RequireAndVerifyClientCert":
            return _greeted(host, address.port, context)
        return _asked(http.client.HTTPSConnection(host, address.port, timeout=TIMEOUT_SECONDS, context=context))
    except TimeoutError:
        return Health(alive=False, seen=f"no answer within {TIMEOUT_SECONDS:g} s")
    except (OSError, http.client.HTTPException) as failure:
        return Health(alive=False, seen=_words(failure))


def _asked(connection: http.client.HTTPConnection) -> Health:
    try:
        connection.request("GET", PATH)
        status = connection.getresponse().status
    finally:
        connection.close()
    return Health(alive=status in _ALIVE, seen=f"{PATH} answers {status}")


def _greeted(host: str, port: int, context: ssl.SSLContext) -> Health:
    """What TLS alone tells. Before TLS 1.3 it is refused for want of a certificate, which is an answer as well."""
    wants = Health(alive=True, seen="it wants a client's certificate")
    with socket.create_connection((host, port), timeout=TIMEOUT_SECONDS) as connection:
        try:
            with context.wrap_socket(connection):
                return wants
        except ssl.SSLError as refused:
            if "ALERT" in (refused.reason or ""):
                return wants
            raise


def _trusting(tls: Tls) -> ssl.SSLContext:
    """Trusts the configured certificate itself, whoever signed it and for which names. Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    text = tls.certificate.text
    context.load_verify_locations(cafile=tls.certificate.path, cadata=None if text is None else text.reveal())
    return context


def _words(failure: Exception) -> str:
    if isinstance(failure, ssl.SSLCertVerificationError):
        return "it presents another certificate than the one that is configured"
    if isinstance(failure, ssl.SSLError):
        return "the answer is not TLS, or not that of the configuration"
    if isinstance(failure, socket.gaierror):
        return "the host of the address is unknown"
    if isinstance(failure, OSError) and failure.strerror:
        return failure.strerror
    return "the answer is not HTTP"
