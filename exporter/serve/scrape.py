"""One scrape: which account and collectors it wants, how long it may wait, and the waiting itself."""

import asyncio
import math
from collections.abc import Collection, Sequence

from anyio import move_on_after, to_thread

from exporter.expose.document import Selection
from exporter.serve.fleet import SELECTABLE, Fleet
from exporter.serve.roster import Group, Roster

DEFAULT_SECONDS = 10.0
"""Prometheus' own default timeout, for scrapers that do not tell theirs."""

SHORTEST_SECONDS, LONGEST_SECONDS = 0.1, 300.0

PARAMETERS = ("collect[]", "exclude[]")

ACCOUNT = "account"
"""The parameter of a scrape of one account, beside `PARAMETERS`."""

_LOOK_SECONDS = 0.2
"""How often a waiting scrape looks whether the exporter ends."""


class BadSelection(ValueError):
    """A selection that cannot be; the text is one line for people."""

    status = 400


class UnknownAccount(BadSelection):
    """The account that was asked for is not there, or not any more."""

    status = 404


def check_parameters(names: Collection[str], known: Sequence[str] = PARAMETERS) -> None:
    """Raise BadSelection when a query has other parameters than `known`: `collect=jobs` would serve everything."""
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise BadSelection(f"unknown parameter {unknown[0][:40]!a}; known: {', '.join(known)}")


def chosen_account(roster: Roster, names: Sequence[str]) -> Group:
    """The one account that `account` names; raises BadSelection unless there is one name, and UnknownAccount.

    The line tells nothing of the accounts that there are.
    """
    if len(names) > 1:
        raise BadSelection("account is given more than once; a request reads one account")
    if not names or not names[0]:
        raise BadSelection("account is missing; give the name of one, as in ?account=NAME")
    if names[0] not in roster.alone:
        raise UnknownAccount(f"unknown account {names[0][:40]!a}")
    return roster.alone[names[0]]


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


async def refresh(fleet: Fleet, group: Group, wanted: Selection, seconds: float) -> None:
    """Let `group` have what is due now and what other replicas read, in at most `seconds`; the rest goes on.

    Where replicas share the accounts, collectors are waited for only as long as there is time left for Redis, so that
    the scrape has what they read.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    await _collected(fleet, group, wanted, deadline - min(group.freshening_seconds, seconds / 2))
    if group.desk is not None:
        with move_on_after(deadline - loop.time()):
            await to_thread.run_sync(group.freshen, abandon_on_cancel=True)


async def _collected(fleet: Fleet, group: Group, wanted: Selection, deadline: float) -> None:
    """Start what is due in `group` and wait for it and for what is under way, until `deadline`; the rest goes on.

    A run that has outlived the wait of one scrape is not waited for by the next: a collector that reads for minutes
    must not make every scrape meanwhile as slow as it may be. When the exporter is told to end, the wait ends too, so
    that the scrape is answered with what is there.
    """
    loop = asyncio.get_running_loop()
    awaited = {asyncio.wrap_future(each): each for each in group.trigger(wanted) if each not in fleet.outlived}
    under_way = set(awaited)
    while under_way and not fleet.stopping and (left := deadline - loop.time()) > 0:
        _, under_way = await asyncio.wait(under_way, timeout=min(left, _LOOK_SECONDS))
    fleet.outlived.update(awaited[each] for each in under_way)
