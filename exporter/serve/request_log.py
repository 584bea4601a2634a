"""An id and, at debug, a line for every request to the exporter itself.

The id is the caller's `X-Request-Id` when that is well-formed, else a new one. The answer carries it, and so does every
line that the request led to, those of the collectors that a scrape started included.
"""

import logging
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter import logs
from exporter.clock import Clock

_log = logging.getLogger(__name__)


class RequestLog:
    """Middleware around the whole application. Of the path only one of `paths` is told, of the query nothing."""

    def __init__(self, app: ASGIApp, paths: Collection[str], clock: Clock) -> None:
        self._app = app
        self._paths = frozenset(paths)
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer, and tell of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = logs.well_formed_id(Headers(scope=scope).get("X-Request-Id")) or logs.new_id()
        answer = _Answer(send, request_id)
        started = self._clock.monotonic()
        with logs.context(request_id=request_id):
            try:
                await self._app(scope, receive, answer)
            finally:
                self._tell(scope, answer, self._clock.monotonic() - started)
                logs.tell_ended()

    def _tell(self, scope: Scope, answer: "_Answer", seconds: float) -> None:
        client = scope.get("client")
        _log.debug(
            "a request was answered",
            extra={
                "fields": {
                    "method": scope["method"] if scope["method"] in {"GET", "HEAD", "POST"} else "other",
                    "path": scope["path"] if scope["path"] in self._paths else "other",
                    "status": answer.status,
                    "duration_seconds": seconds,
                    "body_bytes": answer.body_bytes,
                    "client": client[0] if client else "",
                }
            },
        )


class _Answer:
    """Passes an answer on with the request's id, and notes what it was. `status` is None when there was none."""

    def __init__(self, send: Send, request_id: str) -> None:
        self.status: int | None = None
        self.body_bytes = 0
        self._send = send
        self._request_id = request_id

    async def __call__(self, message: Message) -> None:
        """Pass one message on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message)["X-Request-Id"] = self._request_id
        elif message["type"] == "http.response.body":
            self.body_bytes += len(message.get("body", b""))
        await self._send(message)
