"""The way in for requests: rate limit, headers, passwords, no bodies; then the application.

Everything is behind it, `/-/healthy` and `/-/ready` as well, as with every exporter that reads such a file.
"""

import base64
import binascii
import math
from collections.abc import Mapping

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.clock import Clock
from exporter.web.keeper import WebKeeper
from exporter.web.limits import CHUNK_BYTES
from exporter.web.passwords import Passwords
from exporter.web.rate import RequestBucket
from exporter.web.settings import WebConfig
from exporter.web.tally import Tally
from exporter.web.throttle import peer_of

_CHALLENGE = {"WWW-Authenticate": "Basic"}
_NO_SNIFF = {"X-Content-Type-Options": "nosniff"}


class Gate:
    """An ASGI application in front of `app`. Belongs to one event loop."""

    def __init__(self, app: ASGIApp, keeper: WebKeeper, passwords: Passwords, tally: Tally, clock: Clock) -> None:
        self._app = app
        self._keeper = keeper
        self._tally = tally
        self._clock = clock
        self._passwords = passwords
        self._bucket: RequestBucket | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request in, or answer it here."""
        config = (await self._keeper.current()).config
        refusal = await self._refusal(scope, config)
        answer = self._app if refusal is None else refusal
        await answer(scope, receive, _with_headers(_in_pieces(send), config))

    async def _refusal(self, scope: Scope, config: WebConfig) -> PlainTextResponse | None:
        headers: dict[bytes, bytes] = {name.lower(): value for name, value in reversed(scope["headers"])}
        if not self._has_token(config):
            self._tally.add("rate_limit")
            return _answer(429, "too many requests")
        if headers.get(b"content-length", b"0").strip(b"0") or b"transfer-encoding" in headers:
            self._tally.add("body")
            return _answer(413, "requests have no body here", {"Connection": "close"})
        if not config.users:
            return None
        return await self._authentication(headers.get(b"authorization", b""), config, scope["client"])

    def _has_token(self, config: WebConfig) -> bool:
        if config.rate_limit is None:
            self._bucket = None
            return True
        if self._bucket is None or self._bucket.rate != config.rate_limit:
            self._bucket = RequestBucket(config.rate_limit, self._clock)
        return self._bucket.admit()

    async def _authentication(
        self, header: bytes, config: WebConfig, client: tuple[str, int] | None
    ) -> PlainTextResponse | None:
        credentials = basic_credentials(header)
        if credentials is None:
            self._tally.add("no_credentials")
            return _answer(401, "user and password are needed", _CHALLENGE)
        user, password = credentials
        verdict = await self._passwords.verify(user, password, config.users, peer_of(client[0] if client else ""))
        if verdict.right:
            return None
        if verdict.retry_after is not None:
            self._tally.add("too_many_attempts")
            wait = {"Retry-After": str(math.ceil(verdict.retry_after))}
            return _answer(429, "too many wrong passwords from this address", wait)
        self._tally.add("wrong_credentials")
        return _answer(401, "wrong user or password", _CHALLENGE)


def basic_credentials(header: bytes) -> tuple[str, bytes] | None:
    """User and password of an `Authorization` header; None when it has none. A password may hold any byte."""
    scheme, _, encoded = header.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (user.decode(errors="surrogateescape"), password) if colon else None


def _answer(status: int, text: str, headers: Mapping[str, str] | None = None) -> PlainTextResponse:
    return PlainTextResponse(text + "\n", status, {**_NO_SNIFF, **(headers or {})})


def _with_headers(send: Send, config: WebConfig) -> Send:
    """Add the configured headers to an answer; what it has itself stays: the page knows its policy best."""
    if not config.headers:
        return send
    extra = [(name.lower().encode(), value.encode()) for name, value in config.headers]

    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = list(message.get("headers", []))
            names = {name.lower() for name, _ in own}
            message = {**message, "headers": own + [pair for pair in extra if pair[0] not in names]}
        await send(message)

    return adding


def _in_pieces(send: Send) -> Send:
    """Hand a long answer over piece by piece, each when the one before has mostly gone out."""

    async def cutting(message: Message) -> None:
        body = message.get("body", b"") if message["type"] == "http.response.body" else b""
        if len(body) <= CHUNK_BYTES:
            await send(message)
            return
        last = (len(body) - 1) // CHUNK_BYTES * CHUNK_BYTES
        for start in range(0, last, CHUNK_BYTES):
            await send({**message, "body": body[start : start + CHUNK_BYTES], "more_body": True})
        await send({**message, "body": body[last:]})

    return cutting
