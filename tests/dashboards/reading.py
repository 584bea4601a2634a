"""What of an exported board concerns its questions to Prometheus."""

from collections.abc import Iterator

import msgspec

from tests.dashboards.steps import seconds

WINDOW_PIXELS = 1920
"""What Grafana takes as number of points where a board gives none: a wide screen."""


class Target(msgspec.Struct, frozen=True, rename="camel"):
    """A query of a panel."""

    expr: str
    ref_id: str = ""
    instant: bool = False
    range: bool | None = None
    interval: str = "1m"
    legend_format: str = ""


class Panel(msgspec.Struct, frozen=True, rename="camel"):
    """A panel, or a row that has some."""

    type: str
    title: str = ""
    max_data_points: int = WINDOW_PIXELS
    targets: tuple[Target, ...] = ()
    panels: tuple["Panel", ...] = ()


class VariableQuery(msgspec.Struct, frozen=True):
    """The newer form of a variable's query."""

    query: str


class Variable(msgspec.Struct, frozen=True, rename="camel"):
    """What can be chosen at the top of a board."""

    name: str
    type: str
    query: str | VariableQuery = ""
    regex: str = ""
    sort: int = 0
    multi: bool = False
    include_all: bool = False
    all_value: str = ""

    @property
    def asked(self) -> str:
        """The query as text."""
        return self.query if isinstance(self.query, str) else self.query.query

    @property
    def many(self) -> bool:
        """Whether several may be chosen: then a value is a regular expression."""
        return self.multi or self.include_all


class Mark(msgspec.Struct, frozen=True, rename="camel"):
    """An annotation."""

    name: str
    expr: str
    step: str = "60s"
    title_format: str = ""
    text_format: str = ""

    def panel(self) -> Panel:
        """As Grafana asks: for the whole width of the window."""
        return Panel("annotation", self.name, targets=(Target(self.expr, range=True, interval=self.step),))


class _Variables(msgspec.Struct, frozen=True):
    list: tuple[Variable, ...] = ()


class _Marks(msgspec.Struct, frozen=True):
    list: tuple[Mark, ...] = ()


class Shown(msgspec.Struct, frozen=True, rename={"since": "from"}):
    """The range of time that is shown."""

    since: str
    to: str


class Board(msgspec.Struct, frozen=True):
    """A board as it is exported."""

    title: str
    time: Shown
    panels: tuple[Panel, ...]
    templating: _Variables = _Variables()
    annotations: _Marks = _Marks()

    @property
    def variables(self) -> tuple[Variable, ...]:
        """In the order in which they are resolved."""
        return self.templating.list

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Its annotations."""
        return self.annotations.list

    @property
    def span(self) -> int:
        """Seconds before now that it shows at first."""
        if self.time.to != "now" or not self.time.since.startswith("now-"):
            raise ValueError(f"{self.title}: {self.time.since} to {self.time.to} does not end now")
        return seconds(self.time.since.removeprefix("now-"))

    def asking(self) -> Iterator[Panel]:
        """Every panel that asks something, those in closed rows too."""
        yield from self.open_panels()
        yield from self.closed_panels()

    def open_panels(self) -> Iterator[Panel]:
        """What asks something as soon as somebody opens the board."""
        return (panel for panel in self.panels if panel.targets)

    def closed_panels(self) -> Iterator[Panel]:
        """What asks something when somebody opens its row."""
        return (panel for row in self.panels for panel in row.panels if panel.targets)


def read(text: str) -> Board:
    """The board in `text`, Grafana's JSON."""
    return msgspec.json.decode(text, type=Board)
