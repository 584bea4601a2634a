"""One account in full."""

from collections.abc import Iterator

from exporter.account import AccountRuntime
from exporter.app_pages import app_page
from exporter.collect.active import ActiveRunsView
from exporter.collect.connections import ConnectionsView
from exporter.serve.page import cost
from exporter.serve.page.flows import Named, offline, worst_flows
from exporter.serve.page.moment import Moment
from exporter.serve.page.standing import checks, notices, standing
from exporter.serve.page.trouble import Trouble, length
from exporter.serve.page.views import AccountPage, Tile, tone_of
from exporter.serve.page.words import UNKNOWN, count, counted, share, span, visible


def account_page(moment: Moment, runtime: AccountRuntime) -> AccountPage:
    """Everything about one account, from memory."""
    now, server_now = moment.now, moment.server_now(runtime)
    account, trouble = runtime.account, moment.trouble(runtime)
    names = Named(account, trouble, server_now)
    return AccountPage(
        name=visible(account.name),
        mark=standing(runtime, now).mark,
        place=f"{visible(account.environment)} · {visible(account.host)}",
        app=app_page(account, "account"),
        notices=notices(runtime, now, moment.wall),
        checks=checks(runtime, now),
        tiles=tuple(_tiles(runtime, trouble, now, server_now)),
        sections=(
            worst_flows(names),
            offline(names),
            cost.collectors(runtime, moment.wall),
            cost.calls(runtime),
            cost.series(runtime, moment.settings.limits.series),
        ),
    )


def _tiles(runtime: AccountRuntime, trouble: Trouble, now: float, server_now: float) -> Iterator[Tile]:
    yield Tile("Flows", count(length(trouble.flows)), "" if trouble.enabled is None else f"{count(trouble.enabled)} on")
    yield from trouble_tiles(trouble, server_now)
    yield _connections(runtime, trouble, now)
    yield _runs(runtime, now)
    yield _read(runtime, server_now)
    yield _history(runtime)


def trouble_tiles(trouble: Trouble, server_now: float) -> Iterator[Tile]:
    """What people look for first."""
    late = length(trouble.overdue(server_now))
    yield Tile("Overdue", count(late), "should have run", tone_of(late, "bad"), "#overdue")
    failing = length(trouble.failing)
    yield Tile("Failing", count(failing), "newest run failed", tone_of(failing, "bad"), "#failing")
    errors, flows = trouble.open_errors, length(trouble.errors)
    note = "" if flows is None else f"in {counted(flows, 'flow')}"
    yield Tile("Open errors", count(errors), note, tone_of(errors, "warn"), "#errors")


def _connections(runtime: AccountRuntime, trouble: Trouble, now: float) -> Tile:
    view = runtime.model.view("connections", ConnectionsView, now)
    down = length(trouble.offline)
    note = "" if view is None else f"of {counted(len(view.connections), 'connection')}"
    return Tile("Offline", count(down), note, tone_of(down, "bad"), "#offline")


def _runs(runtime: AccountRuntime, now: float) -> Tile:
    view = runtime.model.view("active_runs", ActiveRunsView, now)
    statuses = view.by_status() if view is not None else {}
    waiting = ", ".join(f"{number} {status}" for status, number in sorted(statuses.items()) if status != "running")
    return Tile("In progress", count(None if view is None else len(view.runs)), waiting or "runs")


def _read(runtime: AccountRuntime, server_now: float) -> Tile:
    """Up to when the finished runs have been read."""
    watermark, ratio = runtime.runs_watermark, runtime.catch_up
    if watermark is None:
        return Tile("Runs read up to", "not yet", "", "wait")
    behind = ratio is not None and ratio < 1.0
    note = f"{share(ratio, 1.0)} of the gap caught up" if behind and ratio is not None else ""
    return Tile("Runs read up to", f"{span(server_now - watermark)} ago", note, "warn" if behind else None)


def _history(runtime: AccountRuntime) -> Tile:
    """How much of the past has been read for baselines."""
    if not runtime.reads_history:
        return Tile("Back-fill", "off", "no history is read")
    ratio = runtime.backfill
    if ratio is None:
        return Tile("Back-fill", UNKNOWN, "not begun", "wait")
    return Tile("Back-fill", share(ratio, 1.0), "of the history", "good" if ratio >= 1.0 else "wait")
