"""Failures below HTTP, raised as requests raises them: no name, no trust, no connection."""

import socket
import ssl
from unittest import mock

import requests
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NameResolutionError, NewConnectionError, SSLError

from tests.simulation.clock import VirtualClock

CONNECT_SECONDS = 5.0
"""The exporter's connect timeout, which a connection that nobody answers takes."""

_UNSEEN: mock.Mock = mock.sentinel.connection


def cut(kind: str, request: requests.PreparedRequest, clock: VirtualClock) -> None:
    """Raise what sending `request` over a wire that is cut in this way raises."""
    url = request.url or ""
    match kind:
        case "dns":
            unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            raise requests.exceptions.ConnectionError(
                MaxRetryError(_UNSEEN, url, NameResolutionError("api.integrator.io", _UNSEEN, unknown)), request=request
            )
        case "tls":
            distrust = ssl.SSLCertVerificationError(1, "certificate verify failed: certificate has expired")
            raise requests.exceptions.SSLError(MaxRetryError(_UNSEEN, url, SSLError(distrust)), request=request)
        case "connect_timeout":
            clock.advance(CONNECT_SECONDS)
            late = ConnectTimeoutError(_UNSEEN, "Connection timed out.")
            raise requests.exceptions.ConnectTimeout(MaxRetryError(_UNSEEN, url, late), request=request)
        case _:
            refused = NewConnectionError(_UNSEEN, "[Errno 111] Connection refused")
            raise requests.exceptions.ConnectionError(MaxRetryError(_UNSEEN, url, refused), request=request)
