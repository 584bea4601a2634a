"""What the dashboards cost: a real Prometheus answers everything that each board asks about an account in profile full.

The present is what `lived` makes. Then all that the boards' queries look back at is given a past, of what was scraped
and of what was recorded, and a Prometheus that has nothing else to do answers each query a few times.
"""

import os
import statistics
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from exporter.dashboards.bundle import boards
from exporter.rules.thresholds import default_thresholds
from tests.bench import growth
from tests.bench.lived import Lived, live
from tests.bench.past import BLOCK, write_samples
from tests.bench.reads import Reads
from tests.dashboards.asking import Answered, Opened, opened
from tests.dashboards.reading import Panel, read
from tests.dashboards.source import Answer, DataSource, Request
from tests.e2e.processes import Program, Prometheus

MOST = 3.0
"""Seconds in which all panels of a board are answered, one after the other, and all of its closed rows."""

TIMES = 3
SLOWEST = 3

Boards = Mapping[str, Opened]
"""By file name."""


@dataclass(frozen=True, slots=True)
class Timed:
    """What one board asked, with the time of each query; `cpu` is what the panels cost Prometheus, whoever else ran.

    `closed` are the panels in closed rows: Grafana asks what they show when somebody opens the row.
    """

    cpu: float
    panels: Sequence[Answered]
    closed: Sequence[Answered]
    variables: Sequence[Answered]
    annotations: Sequence[Answered]

    @property
    def seconds(self) -> float:
        """Of all panels."""
        return total(self.panels)

    @property
    def errors(self) -> list[str]:
        """What Prometheus did not like."""
        parts = (*self.panels, *self.closed, *self.variables, *self.annotations)
        return [error for part in parts for error in part.errors]

    @property
    def quick(self) -> bool:
        """True when it is answered in time and without an error."""
        return self.seconds < MOST and total(self.closed) < MOST and not self.errors

    def slowest(self) -> Sequence[Answered]:
        """The panels that took longest."""
        return sorted((*self.panels, *self.closed), key=lambda panel: -panel.seconds)[:SLOWEST]


@dataclass(frozen=True, slots=True)
class Timings:
    """Every board's; `samples` lie in the past of an account with so many series."""

    series: int
    samples: int
    boards: Mapping[str, Timed]

    @property
    def all_quick(self) -> bool:
        """True when every board is."""
        return all(timed.quick for timed in self.boards.values())


def total(parts: Iterable[Answered]) -> float:
    """Seconds of all of them."""
    return sum(part.seconds for part in parts)


def measure(document: str, only: str | None = None) -> Timings:
    """The times for an account that has this document, of the board `only` or of all."""
    lines = list(growth.after(document))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        lived = live(place, "\n".join(lines) + "\n", partial(_opened, only))
        samples = _give_past(place, lines, lived)
        flags = (f"--storage.tsdb.max-block-duration={BLOCK}",)  # or it would merge blocks meanwhile
        with Prometheus("prometheus", place, [], "60s", flags=flags) as prometheus:
            prometheus.answering(f"{prometheus.url}/-/ready")
            source = DataSource(prometheus.url, lived.now)
            timed = {name: _timed(board, source, prometheus) for name, board in lived.seen.items()}
    return Timings(sum(not line.startswith("#") for line in lines), samples, timed)


def _opened(only: str | None, prometheus: Prometheus, now: int) -> Boards:
    source = DataSource(prometheus.url, now)
    found = boards(default_thresholds())
    chosen = found if only is None else {f"{only}.json": found[f"{only}.json"]}
    return {name: opened(read(text), source) for name, text in chosen.items()}


def _give_past(place: Path, lines: Sequence[str], lived: Lived[Boards]) -> int:
    """A sample wherever a board looks back; how many."""
    reads = Reads(lived.now, lived.begun)
    for board in lived.seen.values():
        for panel in _asking(board):
            for request in board.requests(panel):
                reads.add(request)
    return write_samples(place, reads.past((*lines, *lived.recorded), lived.scraped), lived.now)


def _asking(board: Opened) -> Iterator[Panel]:
    yield from board.board.asking()
    yield from (mark.panel() for mark in board.board.marks)


def _timed(board: Opened, source: DataSource, prometheus: Prometheus) -> Timed:
    chosen = [opened(board.board, source).variables for _ in range(TIMES)]
    marks = [_answered(board, mark.panel(), source) for mark in board.board.marks]
    before = _cpu_seconds(prometheus)
    panels = [_answered(board, panel, source) for panel in board.board.open_panels()]
    closed = [_answered(board, panel, source) for panel in board.board.closed_panels()]
    cpu = (_cpu_seconds(prometheus) - before) / TIMES
    return Timed(cpu, panels, closed, [_in_between(parts) for parts in zip(*chosen, strict=True)], marks)


def _cpu_seconds(program: Program) -> float:
    """What a running program has used so far."""
    assert program.process is not None
    fields = Path(f"/proc/{program.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _answered(board: Opened, panel: Panel, source: DataSource) -> Answered:
    return Answered(panel.title, panel.type, [_median(source, request) for request in board.requests(panel)])


def _median(source: DataSource, request: Request) -> Answer:
    answers = [source.answer(request) for _ in range(TIMES)]
    return replace(answers[0], seconds=statistics.median(answer.seconds for answer in answers))


def _in_between(parts: Sequence[Answered]) -> Answered:
    """That of several tries that took neither shortest nor longest."""
    return sorted(parts, key=lambda part: part.seconds)[len(parts) // 2]


def show(flows: int, timings: Timings) -> None:
    """Print the figures as a table."""
    title = f"boards over {flows:,} flows: {timings.series:,} series, {timings.samples:,} samples of the past"
    columns = ("panels", "queries", "seconds", "closed rows", f"under {MOST:g} s", "CPU s", "choosing", "marks")
    table = Table("board", *columns, title=title)
    for name, timed in timings.boards.items():
        panels = (*timed.panels, *timed.closed)
        queries = sum(len(panel.answers) for panel in panels)
        seconds = (f"{timed.seconds:.3f}", f"{total(timed.closed):.3f}")
        others = (timed.cpu, total(timed.variables), total(timed.annotations))
        numbers = (f"{part:.3f}" for part in others)
        quick = "yes" if timed.quick else "NO"
        table.add_row(name, str(len(panels)), str(queries), *seconds, quick, *numbers, style="bold")
        for panel in timed.slowest():
            figures = (str(len(panel.answers)), f"{panel.seconds:.3f}", "", f"{panel.series} series")
            table.add_row(f"  {panel.title}", "", *figures)
    console = Console(width=130)
    console.print(table)
    for name, timed in timings.boards.items():
        for error in timed.errors:
            console.print(f"{name}: {error}", markup=False)
    console.print(f"every board under {MOST:g} s: {'yes' if timings.all_quick else 'no'}")
