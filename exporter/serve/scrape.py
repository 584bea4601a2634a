"""One scrape: which collectors it wants, how long it may wait, and the waiting itself."""

import asyncio
import math
from collections.abc import Collection, Sequence

from exporter.expose.document import Selection
from exporter.serve.fleet import SELECTABLE, Fleet
from exporter.serve.roster import Roster

DEFAULT_SECONDS = 10.0
"""Prometheus' own default timeout, for scrapers that do not tell theirs."""

SHORTEST_SECONDS, LONGEST_SECONDS = 0.1, 300.0

PARAMETERS = ("collect[]", "exclude[]")

_LOOK_SECONDS = 0.2
"""How often a waiting scrape looks whether the exporter ends."""


class BadSelection(ValueError):
    """A selection that cannot be; the text is one line for people."""


def check_parameters(names: Collection[str]) -> None:
    """Raise BadSelection when a query has other parameters: `collect=jobs` would serve everything."""
    unknown = sorted(set(names) - set(PARAMETERS))
    if unknown:
        raise BadSelection(f"unknown parameter {unknown[0][:40]!a}; known: {', '.join(PARAMETERS)}")


def selection(collect: Sequence[str], exclude: Sequence[str]) -> Selection:
    """The collectors that `collect[]` names, or all but those of `exclude[]`; None for all. Raises BadSelection."""
    if collect and exclude:
        raise BadSelection("collect[] and exclude[] cannot be used together")
    unknown = sorted({name for name in (*collect, *exclude) if name not in SELECTABLE})
    if unknown:
        shown = ascii(unknown[0][:40])
        raise BadSelection(f"unknown collector {shown}; known: {', '.join(SELECTABLE)}")
    if collect:
        return frozenset(collect)
    return frozenset(SELECTABLE) - frozenset(exclude) if exclude else None


def wait_seconds(timeout_header: str | None, offset: float) -> float:
    """How long a scrape may wait for collectors: the scraper's own timeout minus `offset`, within bounds.

    `X-Prometheus-Scrape-Timeout-Seconds` may hold anything; what is no positive number counts as not sent.
    """
    try:
        timeout = float((timeout_header or "")[:32])
    except ValueError:
        timeout = DEFAULT_SECONDS
    if not math.isfinite(timeout) or timeout <= 0:
        timeout = DEFAULT_SECONDS
    return min(max(timeout - offset, SHORTEST_SECONDS), LONGEST_SECONDS)


async def refresh(fleet: Fleet, roster: Roster, wanted: Selection, seconds: float) -> None:
    """Start what is due in `roster` and wait for it and for what is under way, at most `seconds`; the rest goes on.

    A run that has outlived the wait of one scrape is not waited for by the next: a collector that reads for minutes
    must not make every scrape meanwhile as slow as it may be. When the exporter is told to end, the wait ends too, so
    that the scrape is answered with what is there.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    awaited = {asyncio.wrap_future(each): each for each in roster.trigger(wanted) if each not in fleet.outlived}
    under_way = set(awaited)
    while under_way and not fleet.stopping and (left := deadline - loop.time()) > 0:
        _, under_way = await asyncio.wait(under_way, timeout=min(left, _LOOK_SECONDS))
    fleet.outlived.update(awaited[each] for each in under_way)
