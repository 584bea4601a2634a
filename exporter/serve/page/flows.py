"""The flows that need somebody, and what is offline: tables of an account, the worst first and never many."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exporter.app_pages import app_page
from exporter.config.settings import Account
from exporter.serve.page.trouble import Erroneous, Failing, Late, Offline, Trouble
from exporter.serve.page.views import Cell, Column, Row, Section, Table
from exporter.serve.page.words import ago, count, in_words, span, visible

ROWS = 10
"""How many flows or connections a table has."""

_FLOW, _INTEGRATION = Column("Flow"), Column("Integration")


@dataclass(frozen=True, slots=True)
class Named:
    """Names and links of one account's flows. `now` is Unix seconds by the server's clock."""

    account: Account
    trouble: Trouble
    now: float

    def flow(self, flow_id: str) -> tuple[Cell, Cell]:
        """The flow and its integration, with links to their pages."""
        flow = (self.trouble.flows or {}).get(flow_id)
        if flow is None:
            return named(flow_id, None), Cell("")
        home = flow.integration_id
        name = flow.name if flow.enabled else f"{flow.name} (off)"
        flow_page = app_page(self.account, "flow", integration_id=home, flow_id=flow_id)
        home_page = app_page(self.account, "integration", integration_id=home)
        return named(name, flow_page), named((self.trouble.integrations or {}).get(home, home), home_page)


def named(name: str, href: str | None) -> Cell:
    """A name that somebody gave; told in full on hovering when it may be cut."""
    shown = visible(name).strip() or "(no name)"
    return Cell(shown, href=href, title=shown if len(shown) > 24 else "")


def instant(at: float | None, now: float) -> Cell:
    """How long ago something was, and when exactly on hovering."""
    return Cell(ago(at, now), title="" if at is None else in_words(at))


def worst_flows(names: Named) -> Section:
    """Overdue, failing, and with the oldest errors."""
    trouble = names.trouble
    return Section(
        "flows",
        "Flows that need somebody",
        (
            _overdue(names, trouble.overdue(names.now)),
            _failing(names, trouble.failing),
            _erroneous(names, trouble.errors),
        ),
    )


def _overdue(names: Named, late: Sequence[Late] | None) -> Table:
    columns = (_FLOW, _INTEGRATION, Column("Was due"), Column("Missed", numeric=True))
    rows = (
        Row(each.flow_id, (*names.flow(each.flow_id), instant(each.due, names.now), Cell(count(each.missed))))
        for each in (late or ())[:ROWS]
    )
    nothing = (
        Cell("Which flows are overdue is not known.", "wait") if late is None else Cell("No flow is overdue.", "good")
    )
    return _table("overdue", "Overdue, longest first", columns, rows, late, nothing)


def _failing(names: Named, failing: Sequence[Failing] | None) -> Table:
    columns = (_FLOW, _INTEGRATION, Column("Newest failed"), Column("In a row", numeric=True))
    rows = (
        Row(each.flow_id, (*names.flow(each.flow_id), instant(each.ended_at, names.now), Cell(count(each.runs))))
        for each in (failing or ())[:ROWS]
    )
    nothing = (
        Cell("Which flows fail is not known.", "wait")
        if failing is None
        else Cell("The newest run of every flow did not fail.", "good")
    )
    return _table("failing", "Newest run failed, most in a row first", columns, rows, failing, nothing)


def _erroneous(names: Named, errors: Sequence[Erroneous] | None) -> Table:
    columns = (_FLOW, _INTEGRATION, Column("Oldest error"), Column("Open errors", numeric=True))
    rows = (
        Row(each.flow_id, (*names.flow(each.flow_id), _oldest(each, names.now), Cell(count(each.open_errors))))
        for each in (errors or ())[:ROWS]
    )
    nothing = (
        Cell("Which flows have open errors is not known.", "wait")
        if errors is None
        else Cell("No flow has open errors.", "good")
    )
    return _table("errors", "Open errors, oldest first", columns, rows, errors, nothing)


def _oldest(each: Erroneous, now: float) -> Cell:
    return Cell("not read yet") if each.oldest is None else Cell(span(now - each.oldest), title=in_words(each.oldest))


def offline(names: Named) -> Section:
    """Connections and agents that are offline."""
    return Section("offline", "Offline", (_connections(names, names.trouble.offline), *_agents(names)))


def _connections(names: Named, rows: Sequence[Offline] | None) -> Table:
    columns = (
        Column("Connection"),
        Column("Type"),
        Column("Flows on it", numeric=True),
        Column("Messages waiting", numeric=True),
    )
    held = (
        Row(
            each.id,
            (
                named(each.name, app_page(names.account, "connection", connection_id=each.id)),
                Cell(visible(each.type)),
                Cell(count(each.flows)),
                Cell(count(each.queued)),
            ),
        )
        for each in (rows or ())[:ROWS]
    )
    nothing = (
        Cell("Which connections are offline is not known.", "wait")
        if rows is None
        else Cell("Every connection is online.", "good")
    )
    return _table("connections", "Connections that are offline", columns, held, rows, nothing)


def _agents(names: Named) -> Iterable[Table]:
    offline_agents = names.trouble.agents_offline
    if offline_agents:
        page = app_page(names.account, "agent")
        rows = (Row(name[:64], (named(name, page),)) for name in offline_agents[:ROWS])
        yield _table("agents", "Agents that are offline", (Column("Agent"),), rows, offline_agents, Cell(""))


def _table(
    name: str,
    caption: str,
    columns: Sequence[Column],
    rows: Iterable[Row],
    found: Sequence[object] | None,
    nothing: Cell,
) -> Table:
    return Table(name, caption, columns, tuple(rows), max(0, len(found or ()) - ROWS), nothing)
