"""Pages as integrator.io serves them (contract 1.6), oddities included.

A cursor is opaque to clients. It names the last row served, not an offset, so rows
that come or go between two pages neither repeat nor get lost.
"""

import base64
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from exporter.simulator.messages import Answer, Request, bad_query
from exporter.simulator.resources import JsonObject

Row = TypeVar("Row")
Key = tuple[int, str]

# Answers name a host that no client can reach; only path and query are of use.
FOREIGN_HOST = "https://api-worker-7.integrator.internal:3443"


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a page begins: page number, key of the row before it, and the first call's body."""

    page: int
    at: int
    row_id: str
    body: JsonObject = {}

    def encode(self) -> str:
        """Return the cursor as it stands in a URL."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @classmethod
    def read(cls, request: Request) -> "Cursor | None":
        """Return the cursor of a request, None on a first page; refuses a foreign one with 400."""
        text = request.get("after")
        if text is None:
            return None
        try:
            return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=cls)
        except (ValueError, msgspec.DecodeError):
            raise bad_query("The cursor is not known.") from None


def cut(
    rows: Sequence[Row], key: Callable[[Row], Key], cursor: Cursor | None, size: int
) -> tuple[Sequence[Row], Row | None]:
    """Return one page of rows, which are in rising order of `key`, and its last row if more follow."""
    if cursor is not None:
        after = (cursor.at, cursor.row_id)
        rows = [row for row in rows if key(row) > after]
    page = rows[:size]
    return page, page[-1] if len(rows) > size else None


def page_limit(request: Request, default: int) -> int:
    """Return the page size: `limit` is obeyed up to 1,000; refuses nonsense with 400."""
    text = request.get("limit")
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1000:
        raise bad_query("limit must be a number from 1 to 1000.")
    return int(text)


def link_page(request: Request, rows: Sequence[JsonObject], cursor: Cursor | None) -> Answer:
    """Return a resource list with its `Link` header (scheme A); 204 when it is empty."""
    if not rows:
        return Answer(204)
    if cursor is None:
        return Answer(200, rows)
    target = request.target(after=cursor.encode())
    return Answer(200, rows, (("Link", f'<{FOREIGN_HOST}{target}>; rel="next"'),))


def body_page(request: Request, field: str, rows: Sequence[JsonObject], cursor: Cursor | None) -> Answer:
    """Return a page with `nextPageURL` in the body (scheme B); 204 when it is empty.

    The URL comes in three forms, which take turns by page and endpoint.
    """
    if not rows:
        return Answer(204)
    content: JsonObject = {field: rows}
    if cursor is not None:
        target = request.target(after=cursor.encode())
        forms = (target, "/api" + target.removeprefix("/v1"), FOREIGN_HOST + target)
        content["nextPageURL"] = forms[(cursor.page + len(request.path)) % len(forms)]
    return Answer(200, content)
