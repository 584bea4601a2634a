"""Bodies of replies that a fault puts in place of the true one."""

import zlib
from collections.abc import Iterator
from email.utils import formatdate
from functools import lru_cache, partial

from exporter.simulator.messages import bare, envelope
from exporter.simulator.wire import Reply, plain_reply

JSON_HEADERS = (("Content-Type", "application/json; charset=utf-8"),)
STATUS_BODIES = ("json", "message", "html")

_HTML = b"<!DOCTYPE html><html><head><title>Gateway</title></head><body><h1>It did not work</h1></body></html>"
_BLOCK = 64 * 1024
_WORDS = {400: "bad_request", 401: "unauthorized", 403: "forbidden", 404: "not_found", 409: "conflict"}


def status_reply(status: int, body: str) -> Reply:
    """Return a reply of any status with a JSON envelope, a bare message or an HTML page."""
    if body == "html":
        return Reply(status, (("Content-Type", "text/html; charset=utf-8"),), _HTML)
    if body == "message":
        return plain_reply(bare(status, {401: "Unauthorized", 403: "Forbidden"}.get(status, "Failed")))
    return plain_reply(envelope(status, _WORDS.get(status, "internal_error"), "Made to fail."))


def rate_limited(seconds: int, now: float | None) -> Reply:
    """Return a 429 whose Retry-After is in seconds or, with `now`, an HTTP date."""
    value = str(seconds) if now is None else formatdate(now + seconds, usegmt=True)
    return plain_reply(envelope(429, "rate_limited", "Too many requests.", (("Retry-After", value),)))


def broken(body: bytes) -> bytes:
    """Return bytes that begin like JSON and are none."""
    return (body[: len(body) // 2] or b"[") + b'{"_id": nonsense'


def huge(size: int) -> Reply:
    """Return valid JSON of `size` bytes (at least 2), made while it is sent."""
    size = max(2, size)
    return Reply(200, JSON_HEADERS, blocks=partial(_blanks, size), length=size)


def gzip_bomb(size: int) -> Reply:
    """Return a small gzip body that expands to `size` bytes of valid JSON."""
    return Reply(200, (*JSON_HEADERS, ("Content-Encoding", "gzip")), _packed_blanks(max(2, size)))


def _blanks(size: int) -> Iterator[bytes]:
    yield b"["
    left = size - 2
    while left > 0:
        yield b" " * min(left, _BLOCK)
        left -= _BLOCK
    yield b"]"


@lru_cache(maxsize=4)
def _packed_blanks(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([packer.compress(block) for block in _blanks(size)] + [packer.flush()])
