"""The one place that sends a request.

A `requests.Session` for each request that is under way, a few of which are kept with their connections open; both
timeouts always set; redirects not followed; TLS always verified (`REQUESTS_CA_BUNDLE` and proxy variables are honoured,
`.netrc` and cookies are not); the body bounded after decompression and by the deadline. Every way to fail becomes one
leaf of `exporter.api.errors`.

One limit: the head of an answer is read by http.client, which looks at no deadline. A peer that sends a byte of it now
and then, each within the read timeout, holds its worker until the head ends.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy

import requests
from urllib3.exceptions import DecodeError, HTTPError, IncompleteRead, ProtocolError, ReadTimeoutError

from exporter import __version__
from exporter.api.endpoints import Call, Endpoint
from exporter.api.errors import ApiError, InvalidJson, Timeout, TooLarge, Truncated
from exporter.api.failures import status_error, transport_error
from exporter.api.refresh import Refresh
from exporter.api.trust import SharedTrust
from exporter.config.settings import Limits
from exporter.logs import well_formed_id
from exporter.secret import Secret

BYTES_A_VALUE = 16
"""An answer may have as many values as one of the largest size has when each takes so many bytes on average. A list of
nothing but digits and commas would take forty times its size in memory."""

KEPT_SESSIONS = 4
"""Connections to the API that an account keeps open, at most, while nobody uses them."""

_HEADERS = {
    "User-Agent": f"celigo-exporter/{__version__}",
    "Accept-Encoding": "gzip",
    "Accept": "application/json",
    "Connection": "keep-alive",
}
_CHUNK = 64 * 1024
_SUCCESS = (200, 201, 204)


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer: status, decompressed body, and the headers that the client reads."""

    status: int
    body: bytes
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """What one attempt brought: an answer or a failure, when, and how large.

    `code` is the HTTP status as text, `none` without a response. `date` is the response's Date header. `request_id` is
    what the server called the request, if it says so in a form that can be logged.
    """

    outcome: Answer | ApiError
    code: str
    seconds: float
    body_bytes: int = 0
    date: str | None = None
    request_id: str | None = None


class _Session(requests.Session):
    """Sees no redirect: requests would read its whole body, unbounded, only to prepare a request that nobody wants.

    What the environment says of proxies and certificates is looked up once: all requests go to one host, and looking it
    up takes as long as sending one.
    """

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self.mount("https://", SharedTrust())
        self._base_url = base_url
        found = self.merge_environment_settings(base_url, {}, None, None, None)
        self.proxies, self.verify, self.trust_env = found["proxies"], found["verify"], False

    def prepared(self, call: Call, target: str, token: Secret) -> requests.PreparedRequest:
        """The request of `call`. Session.request would merge settings that nobody sets, at twice the cost of sending.

        The token's header is set here, so that requests does not look into ~/.netrc.
        """
        body = {"Content-Type": "application/json"} if call.body is not None else {}
        request = requests.PreparedRequest()
        request.prepare_method(call.method)
        request.prepare_url(self._base_url + target, None)
        request.prepare_headers({**_HEADERS, **body, "Authorization": f"Bearer {token.reveal()}"})
        request.prepare_body(call.body, None)
        return request

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nothing is ever a redirect here; the status becomes `Redirected`."""
        del resp


class Transport:
    """Sends calls to one base URL. Thread-safe: no session is used by two threads at once; `close` closes them all."""

    def __init__(self, base_url: str, limits: Limits) -> None:
        self._base_url = base_url
        self._limits = limits
        self._idle: list[_Session] = []
        self._closed = False
        self._lock = threading.Lock()  # guards _idle and _closed

    def close(self) -> None:
        """Close the connections that nobody uses; the others are closed by who uses them."""
        with self._lock:
            idle, self._idle, self._closed = self._idle, [], True
        for session in idle:
            session.close()

    def send(self, call: Call, target: str, token: Secret, refresh: Refresh, now: float) -> Exchange:
        """Send `call` to `target` (its path and query, or its next page's) once. Raises nothing but bugs.

        `now` is Unix seconds, to read a `Retry-After` date.
        """
        started = refresh.clock.monotonic()
        seen = _Seen()
        outcome: Answer | ApiError
        try:
            with self._session() as session, refresh.away(False):  # noqa: FBT003 - see `Away`
                outcome = self._send(session, call, target, token, refresh, now, seen)
        except ApiError as failure:
            outcome = failure.detached()
        except (requests.RequestException, HTTPError, OSError, ValueError) as failure:
            outcome = transport_error(failure, call.endpoint)
        seconds = refresh.clock.monotonic() - started
        return Exchange(outcome, seen.code, seconds, seen.body_bytes, seen.date, seen.request_id)

    def _send(
        self, session: _Session, call: Call, target: str, token: Secret, refresh: Refresh, now: float, seen: "_Seen"
    ) -> Answer:
        connect = max(0.001, min(self._limits.connect_timeout, refresh.remaining))
        read = max(0.001, min(self._limits.read_timeout, refresh.remaining))
        response = session.send(
            session.prepared(call, target, token),
            timeout=(connect, read),
            allow_redirects=False,
            stream=True,
            proxies=session.proxies,
            verify=session.verify,
            cert=None,
        )
        with response:
            seen.look(response)
            body = self._body(response, call.endpoint, refresh, seen)
        if response.status_code not in _SUCCESS:
            raise status_error(response, body, call.endpoint, now, self._limits.retry_after_max)
        if body.count(b",") > self._limits.response_bytes // BYTES_A_VALUE:
            raise TooLarge(call.endpoint.value, method=call.endpoint.method, status=response.status_code)
        return Answer(response.status_code, body, response.headers.get("Link"))

    def _body(self, response: requests.Response, endpoint: Endpoint, refresh: Refresh, seen: "_Seen") -> bytes:
        chunks: list[bytes] = []
        status = response.status_code
        if _declared_length(response) > self._limits.response_bytes:
            raise TooLarge(endpoint.value, method=endpoint.method, status=status)
        try:
            # read1 hands over what has arrived, so that a dripping body meets the deadline.
            while chunk := response.raw.read1(_CHUNK, decode_content=True):
                chunks.append(chunk)
                seen.body_bytes += len(chunk)
                if seen.body_bytes > self._limits.response_bytes:
                    raise TooLarge(endpoint.value, method=endpoint.method, status=status)
                if refresh.remaining <= 0:
                    raise Timeout(endpoint.value, method=endpoint.method, status=status, detail="body too slow")
        except ReadTimeoutError:
            raise Timeout(endpoint.value, method=endpoint.method, status=status, detail="body too slow") from None
        except DecodeError:
            detail = "the body's compression is broken"
            raise InvalidJson(endpoint.value, method=endpoint.method, status=status, detail=detail) from None
        except (IncompleteRead, ProtocolError):
            raise Truncated(endpoint.value, method=endpoint.method, status=status) from None
        if not chunks and status == 200 and not _declared_empty(response):
            # http.client takes a connection that ends inside the head for a finished head without a body.
            raise Truncated(endpoint.value, method=endpoint.method, status=status)
        if not chunks and response.raw.tell() > 0:
            detail = "the body's compression is broken"
            raise InvalidJson(endpoint.value, method=endpoint.method, status=status, detail=detail)
        return b"".join(chunks)

    @contextmanager
    def _session(self) -> Iterator[_Session]:
        """A session that nobody else uses meanwhile: the one that was used last, whose connection is the freshest."""
        with self._lock:
            session = self._idle.pop() if self._idle else None
        session = session or _Session(self._base_url)
        try:
            yield session
        finally:
            with self._lock:
                kept = not self._closed and len(self._idle) < KEPT_SESSIONS
                if kept:
                    self._idle.append(session)
            if not kept:
                session.close()


def _declared_empty(response: requests.Response) -> bool:
    return "Content-Length" in response.headers or "Transfer-Encoding" in response.headers


def _declared_length(response: requests.Response) -> int:
    declared = response.headers.get("Content-Length", "")
    return int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else 0


class _Seen:
    """What was learned of a response before anything failed."""

    def __init__(self) -> None:
        self.code = "none"
        self.body_bytes = 0
        self.date: str | None = None
        self.request_id: str | None = None

    def look(self, response: requests.Response) -> None:
        """Take the status and the headers that are of use."""
        self.code = str(response.status_code)
        self.date = response.headers.get("Date")
        self.request_id = well_formed_id(response.headers.get("X-Request-Id"))
