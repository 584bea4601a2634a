"""Asks a real Prometheus everything that a board asks it, as Grafana would when somebody opens the board."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.dashboards import steps
from tests.dashboards.choosing import Option, chosen, options
from tests.dashboards.filling import Value, Values, filled, plain
from tests.dashboards.reading import Board, Panel, Target, Variable
from tests.dashboards.source import Answer, DataSource, Request, text_of, variable_request


@dataclass(frozen=True, slots=True)
class Answered:
    """A panel, a variable or an annotation with the answers to its queries."""

    title: str
    kind: str
    answers: Sequence[Answer]

    @property
    def series(self) -> int:
        """Of all queries together."""
        return sum(answer.series for answer in self.answers)

    @property
    def seconds(self) -> float:
        """Of all queries, one after the other."""
        return sum(answer.seconds for answer in self.answers)

    @property
    def errors(self) -> list[str]:
        """What Prometheus did not like."""
        return [f"{self.title}: {answer.error}: {answer.query}" for answer in self.answers if answer.error]


@dataclass(frozen=True, slots=True)
class Opened:
    """A board with its variables filled, as of a time."""

    board: Board
    now: float
    values: Values = field(default_factory=dict)
    variables: Sequence[Answered] = ()

    def requests(self, panel: Panel) -> Iterator[Request]:
        """What the panel asks."""
        for target in panel.targets:
            taken = self._step(panel, target)
            query = filled(target.expr, {**self.values, **self._times(taken, steps.seconds(target.interval))})
            if target.instant:
                yield Request("query", {"query": query, "time": f"{self.now:.3f}"}, query)
            if target.range or not target.instant:
                start, end = steps.grid(self.now - self.board.span, self.now, taken)
                params = {"query": query, "start": str(start), "end": str(end), "step": str(taken)}
                yield Request("query_range", params, query)

    def _step(self, panel: Panel, target: Target) -> int:
        return steps.step(self.board.span, panel.max_data_points, steps.seconds(target.interval))

    def _times(self, taken: int, least: int) -> Values:
        own = plain({"__interval": f"{taken}s", "__rate_interval": f"{steps.rate_interval(taken, least)}s"})
        return {**own, **_range(self.board)}


def opened(board: Board, source: DataSource, wanted: Mapping[str, str] | None = None) -> Opened:
    """The board as it is when somebody opens it and then chooses `wanted`, by variable a text or a value."""
    values: dict[str, Value] = {}
    found: list[Answered] = []
    for variable in board.variables:
        answers, offered = _offered(variable, board, source, values)
        values[variable.name] = chosen(variable, offered, (wanted or {}).get(variable.name))
        if answers:
            found.append(Answered(variable.name, "variable", answers))
    return Opened(board, source.now, values, found)


def asked(board: Opened, source: DataSource, panels: Iterable[Panel]) -> list[Answered]:
    """Every panel with its answers."""
    return [
        Answered(panel.title, panel.type, [source.answer(request) for request in board.requests(panel)])
        for panel in panels
    ]


def _offered(
    variable: Variable, board: Board, source: DataSource, values: Values
) -> tuple[Sequence[Answer], Sequence[Option]]:
    """What can be chosen, and the answer where Prometheus is asked for it."""
    match variable.type:
        case "query":
            query = filled(variable.asked, {**values, **_range(board)})
            answer, found = source.ask(variable_request(query, source.now, board.span))
            return [answer], options(variable, map(text_of, found))
        case "custom":
            return [], [_written(part.strip()) for part in variable.asked.split(",")]
        case "constant" | "textbox" | "datasource":
            return [], [Option(variable.asked, variable.asked)]
    raise ValueError(f"{variable.name}: {variable.type} is not known here")


def _written(part: str) -> Option:
    text, colon, value = part.partition(" : ")
    return Option(text, value if colon else text)


def _range(board: Board) -> Values:
    return plain({"__range": f"{board.span}s", "__range_s": str(board.span)})
