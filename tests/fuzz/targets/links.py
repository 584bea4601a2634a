"""Headers of an answer: `Link` and the next page in it, `Retry-After`, `Date`; and `nextPageURL` of a body."""

import math
from urllib.parse import urlsplit

import requests

from exporter.api.endpoints import Call, Endpoint
from exporter.api.errors import UnexpectedShape
from exporter.api.failures import server_time
from exporter.api.paging import iso, link_next, next_target
from exporter.api.retry import parse_retry_after
from exporter.api.server_clock import ServerClock
from tests.clocks import EPOCH, ManualClock
from tests.fuzz.target import CANARY, Target, keeps_secret, require

BASE = "https://api.integrator.io"
CALLS = (
    Call(Endpoint.FLOWS),
    Call(Endpoint.JOBS, query=(("type", "flow"),)),
    Call(Endpoint.STEP_ERRORS, ("64b2e1d3c5f6a70023bc45d2", "64b2e1d3c5f6a70023bc45d3")),
)
MOST_SECONDS = 120.0


def check(held: bytes) -> None:
    """The first byte chooses what the rest is taken for."""
    kind, text = held[:1], held[1:].decode("latin-1")
    if kind in (b"L", b"U"):
        _next_page(link_next(text) if kind == b"L" else held[1:].decode("utf-8", "replace"))
    elif kind == b"P":
        _planted(text)
    else:
        _times(text)


def _next_page(url: str | None) -> None:
    for call in CALLS:
        try:
            target = next_target(url, call)
        except UnexpectedShape as error:
            keeps_secret(f"{error} {error!r} {vars(error)}")
            continue
        require((target is None) == (url is None), "a next page is lost or made up")
        if target is not None:
            _pinned(target, call)


def _pinned(target: str, call: Call) -> None:
    """What is really sent goes to the configured host and to the listing's own path."""
    sent = requests.Request("GET", BASE + target).prepare()
    parts = urlsplit(sent.url or "")
    require((parts.scheme, parts.netloc, parts.fragment) == ("https", "api.integrator.io", ""), "another host")
    require(parts.path == call.path, "another path")
    line = sent.path_url
    require(line.isascii() and line.isprintable() and " " not in line, "a request line that can be broken up")


def _planted(text: str) -> None:
    """A header that was put together of parts gives back its part."""
    url, _, rest = text.partition("\n")
    url, rest = url.translate(_NO_BRACKETS).strip(), rest.translate(_NO_BRACKETS)
    header = f'<https://a.example/{rest.replace(",", "")}>; rel="prev", <{url}>; title="x, <y>"; Rel="first NEXT"'
    found = link_next(header)
    require(found == url, f"of {header!r} was read {found!r}")


_NO_BRACKETS = str.maketrans("", "", '<>"\r\n')


def _times(text: str) -> None:
    clock = ManualClock()
    for now in (0.0, EPOCH, 4e9):
        wait = parse_retry_after(text, now, MOST_SECONDS)
        require(wait is None or 0.0 <= wait <= MOST_SECONDS, f"a wait of {wait}")
    at = server_time(text)
    if at is None:
        return
    require(math.isfinite(at), f"a time of {at}")
    server = ServerClock(clock)
    server.heard(at, clock.monotonic())
    iso(server.now())
    iso(server.now() - 400 * 86_400)


TARGET = Target(
    "links",
    "a next page stays at the configured host and path; waits and times are bounded; anything else is refused",
    check,
    words=(
        *(
            b"<",
            b">",
            b"; rel=next",
            b'; rel="next"',
            b",",
            b"https://",
            b"//evil.example",
            b"/v1/flows",
            b"/api/flows",
        ),
        *(b"/v1/jobs?after=1", b"/..", b"%2e%2e/", b"@", b"\\", b"#", b"?", b":443", b"[::1]", b"javascript:"),
        *(b"Mon, 31 Dec 2029 23:59:59 GMT", b"-0000", b"+2359", b"120", b"9999", b"Sat,", b"0001", b" 00:00:00", b"AM"),
        CANARY.encode(),
    ),
    longest=9000,
)
