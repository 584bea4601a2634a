"""Ways from one board to the next, and into integrator.io."""

from dataclasses import dataclass
from urllib.parse import quote

from grafana_foundation_sdk.models.dashboard import DashboardLink, DashboardLinkType

TAG = "celigo"
_CHOSEN = "var-datasource=${datasource}&${__url_time_range}"
_FIELD = "${{__data.fields.{0}:percentencode}}"


@dataclass(frozen=True, slots=True)
class Link:
    """A link in a cell or on a series."""

    title: str
    url: str
    new_tab: bool = False

    def data_link(self) -> dict[str, object]:
        """As a field's configuration has it."""
        return {"title": self.title, "url": self.url, "targetBlank": self.new_tab}


def to_board(uid: str, title: str, **variables: str) -> Link:
    """To the board `uid`, with the value of a column for each of its variables."""
    chosen = "&".join(f"var-{name}={_FIELD.format(column)}" for name, column in variables.items())
    return Link(title, f"/d/{uid}/{quote(uid)}?{chosen}&{_CHOSEN}")


def to_same_accounts(uid: str, title: str) -> Link:
    """To the board `uid`, about the accounts that are chosen here."""
    return Link(title, f"/d/{uid}/{quote(uid)}?${{account:queryparam}}&${{environment:queryparam}}&{_CHOSEN}")


def to_where_it_is() -> Link:
    """To the board of whatever a row is about, which its column `way` names."""
    chosen = "&".join(f"var-{name}={_FIELD.format(name)}" for name in ("account", "environment"))
    return Link("Where it is", f"/d/${{__data.fields.way}}&{chosen}&{_CHOSEN}")


def to_integration() -> Link:
    """To the integration of a row."""
    fields = {"account": "account", "environment": "environment", "integration": "integration_id"}
    return to_board("celigo-integration", "This integration", **fields)


def to_flow() -> Link:
    """To the flow of a row."""
    fields = {"account": "account", "environment": "environment", "integration": "integration_id", "flow": "flow_id"}
    return to_board("celigo-flow", "This flow", **fields)


def to_connection() -> Link:
    """To the connection of a row."""
    fields = {"account": "account", "environment": "environment", "connection": "connection_id"}
    return to_board("celigo-connections", "This connection", **fields)


def into_integrator(path: str) -> Link:
    """Into integrator.io, for rows with an `app`; `{name}` in `path` is the value of a column."""
    filled = path.replace("{", "${__data.fields.")
    return Link("Open in integrator.io", "${__data.fields.app}" + filled, new_tab=True)


def board_links() -> list[DashboardLink]:
    """The links above every board."""
    boards = DashboardLink(
        title="Celigo",
        type_val=DashboardLinkType.DASHBOARDS,
        tags=[TAG],
        as_dropdown=True,
        include_vars=True,
        keep_time=True,
        icon="external link",
    )
    return [boards]


def page_link(title: str, path: str) -> DashboardLink:
    """A link above a board into integrator.io; `path` may have the board's variables in it."""
    return DashboardLink(title=title, url="${app}" + path, target_blank=True, icon="external link")
