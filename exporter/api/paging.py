"""The three ways in which integrator.io pages (contract 1.6, 3.7), lazily and with guards.

Next pages are pinned to the configured host: only path and query of a next URL are followed, and only when the path is
the listing's own. A listing that is cut says so on its last page; it is never presented as whole.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor
from typing import TypeVar
from urllib.parse import SplitResult, urlencode, urlsplit

from exporter.api.endpoints import Call
from exporter.api.errors import UnexpectedShape
from exporter.api.listing import ROWS, Page
from exporter.api.models import Job, Row

R = TypeVar("R", bound=Row)

TARGET_CHARACTERS = 8192
"""Longest address of a next page."""

_EPOCH = datetime(1970, 1, 1)
_LAST_MILLISECOND = 253_402_300_799_999
_SHORT_PAGE = 0.9
"""A page with fewer rows than this share of the first one is the last (contract 3.7: clearly shorter)."""


@dataclass(frozen=True, slots=True)
class RawPage(Page[R]):
    """A page as it arrived, with the target of the next one."""

    next: str | None = None


Fetch = Callable[[str], RawPage[R]]
"""Reads the page at a target (path and query)."""


def linked_pages(call: Call, fetch: Fetch[R], identity: Callable[[R], str], max_pages: int) -> Iterator[Page[R]]:
    """Pages that name their next one, by `Link` header or `nextPageURL`. Raises ApiError from `fetch`."""
    target: str | None = first_target(call)
    visited: set[str] = set()
    seen: set[str] = set()
    while target is not None:
        visited.add(target)
        page = fetch(target)
        target = page.next
        rows = _new_rows(page.rows, identity, seen)
        cut = target is not None and (target in visited or len(visited) >= max_pages or len(seen) >= ROWS)
        yield Page(rows, cut, page.rejected, page.unread)
        if cut:
            return


def job_window_pages(
    call_for: Callable[[str | None], Call], fetch: Fetch[Job], upper: str | None, max_pages: int
) -> Iterator[Page[Job]]:
    """Pages of the jobs listing, newest first; the next one starts at the last row's creation (contract 3.7).

    `call_for` builds the call for an upper bound. The bound is repeated unchanged and rows seen are dropped, since
    several rows may share a millisecond. When a full page brings nothing new, what lies behind is out of reach: cut.
    """
    seen: set[str] = set()
    first_size = 0
    for number in range(1, max_pages + 1):
        page = fetch(first_target(call_for(upper)))
        size = len(page.rows) + sum(page.rejected.values())
        first_size = first_size or size
        rows = _new_rows(page.rows, _job_id, seen)
        bound = _oldest(page.rows)
        full = size >= _SHORT_PAGE * first_size
        repeats = number > 1 and not rows
        stuck = bound is None or repeats
        ends = size == 0 or not full or (repeats and size < SMALLEST_PAGE)
        cut = not ends and (stuck or number == max_pages or len(seen) >= ROWS)
        yield Page(rows, cut, page.rejected, page.unread)
        if ends or cut:
            return
        upper = bound


SMALLEST_PAGE = 100
"""No page size under this was ever documented or seen (contract 1.6, 3.7): fewer rows that repeat are all there are."""


def first_target(call: Call) -> str:
    """Path and query of a call; values are quoted where needed."""
    return call.path + (f"?{urlencode(call.query, safe=',')}" if call.query else "")


def next_target(url: str | None, call: Call) -> str | None:
    """Path and query of a next URL: host dropped, `/api/` read as `/v1/` (contract 1.6).

    None when there is no next page. Raises UnexpectedShape when it leads anywhere but to the listing's own path.
    """
    if url is None:
        return None
    parts = _split(url)
    path = parts.path if parts is not None else ""
    if path.startswith("/api/"):
        path = "/v1/" + path.removeprefix("/api/")
    if parts is None or path.rstrip("/") != call.path:
        detail = "the next page leads elsewhere"
        raise UnexpectedShape(call.endpoint.value, method=call.endpoint.method, status=200, detail=detail)
    return call.path + (f"?{parts.query}" if parts.query else "")


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url) if len(url) <= TARGET_CHARACTERS and url.isprintable() and url.isascii() else None
    except ValueError:
        return None


def link_next(header: str | None) -> str | None:
    """The `rel="next"` URL of a Link header (RFC 8288); None when there is none."""
    for link in _LINK.finditer(header or ""):
        for name, quoted, bare in _PARAMETER.findall(link["parameters"]):
            if name.lower() == "rel" and "next" in (quoted or bare).lower().split():
                return link["url"].strip()
    return None


_LINK = re.compile(r"<(?P<url>[^<>]*)>(?P<parameters>(?:\s*;\s*[^\s=;,\"]+\s*(?:=\s*(?:\"[^\"]*\"|[^\s;,\"]*))?)*)")
_PARAMETER = re.compile(r";\s*([^\s=;,\"]+)\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]*))")


def iso(seconds: float) -> str:
    """An instant as the API takes it: UTC with milliseconds, rounded down, and not past the end of the year 9999."""
    at = _EPOCH + timedelta(milliseconds=min(floor(seconds * 1000), _LAST_MILLISECOND))
    return at.isoformat(timespec="milliseconds") + "Z"


def _oldest(rows: tuple[Job, ...]) -> str | None:
    instants = [row.created_at for row in rows if row.created_at is not None]
    return iso(min(instants) + 0.0005) if instants else None


def _job_id(row: Job) -> str:
    return row.id


def _new_rows(rows: tuple[R, ...], identity: Callable[[R], str], seen: set[str]) -> tuple[R, ...]:
    keys = list(map(identity, rows))
    if len(fresh := set(keys)) == len(keys) and fresh.isdisjoint(seen):  # so it is nearly always
        seen |= fresh
        return rows
    new = []
    for key, row in zip(keys, rows, strict=True):
        if key not in seen:
            seen.add(key)
            new.append(row)
    return tuple(new)
