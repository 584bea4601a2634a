"""What goes over the socket, including what should not."""

import gzip
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from exporter.simulator.messages import Answer

Delivery = Literal["whole", "truncated", "reset", "hang"]
Headers = tuple[tuple[str, str], ...]

_JSON = ("Content-Type", "application/json; charset=utf-8")
_WORTH_PACKING = 4096


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP response and how it is delivered.

    `blocks` replaces `body` where the body is too large to build; `length` is then its
    size in bytes. `truncated` announces more than it sends and closes; `reset` closes
    without an answer; `hang` says nothing until the other side or the simulator ends it.
    `delay_seconds` of real time pass before the first byte.
    """

    status: int
    headers: Headers = ()
    body: bytes = b""
    blocks: Callable[[], Iterator[bytes]] | None = None
    length: int | None = None
    delivery: Delivery = "whole"
    delay_seconds: float = 0.0

    @property
    def content_length(self) -> int:
        """The announced size of the body."""
        return len(self.body) if self.length is None else self.length


def plain_reply(answer: Answer) -> Reply:
    """Return the undistorted response of an answer."""
    body = answer.encoded()
    headers = (_JSON, *answer.headers) if body else answer.headers
    return Reply(answer.status, headers, body)


def packed(reply: Reply, request_headers: Mapping[str, str]) -> Reply:
    """Return the reply compressed, when it is worth it and the client accepts gzip."""
    accepts = "gzip" in request_headers.get("accept-encoding", "")
    packed_already = any(name == "Content-Encoding" for name, _ in reply.headers)
    if not accepts or packed_already or len(reply.body) < _WORTH_PACKING or reply.length is not None:
        return reply
    headers = (*reply.headers, ("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding"))
    # A fixed time stamp keeps equal answers equal byte for byte.
    return Reply(
        reply.status,
        headers,
        gzip.compress(reply.body, 1, mtime=0),
        delivery=reply.delivery,
        delay_seconds=reply.delay_seconds,
    )
