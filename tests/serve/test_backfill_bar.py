"""The bar that shows how much of the history has been read: on a terminal only, and gone once it is done."""

import io
import threading
from typing import Any

import pytest
from rich.console import Console
from rich.progress import Progress

from exporter.serve.backfill_bar import BackfillBar, Ratios, draw


def console(*, terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=80)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


class Told:
    """Ratios that go on whenever somebody asks."""

    def __init__(self, *ratios: float | None) -> None:
        self._left = list(ratios)
        self.asked = threading.Event()
        self.done = threading.Event()

    def __call__(self) -> Ratios:
        self.asked.set()
        ratio = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        if ratio == 1.0:
            self.done.set()
        return {"acme": ratio}


def test_nothing_is_asked_or_printed_where_nobody_looks() -> None:
    told, there = Told(0.5), console(terminal=False)
    with BackfillBar(told, there):
        pass
    assert not told.asked.is_set()
    assert printed(there) == ""


def test_a_terminal_shows_the_account_and_how_far_its_history_is_read() -> None:
    told, there = Told(0.42), console(terminal=True)
    with BackfillBar(told, there):
        assert told.asked.wait(20)
    assert "history of acme" in printed(there)
    assert "42%" in printed(there)


def test_it_goes_away_when_everything_has_been_read() -> None:
    told, there = Told(1.0), console(terminal=True)
    with BackfillBar(told, there) as bar:
        assert told.done.wait(20)
        assert bar is not None
    assert "acme" not in printed(there)


@pytest.mark.parametrize(
    ("ratios", "done"),
    [
        ({}, False),
        ({"a": None}, False),
        ({"a": 0.2}, False),
        ({"a": 1.0}, True),
        ({"a": 1.0, "b": 0.9}, False),
        ({"a": 1.0, "b": None}, False),
        ({"a": 1.0, "b": 1.0}, True),
    ],
    ids=str,
)
def test_it_is_done_when_the_history_of_every_account_is_known_and_read(ratios: Ratios, done: bool) -> None:
    assert draw(Progress(console=console(terminal=True)), {}, ratios) == done


def test_an_account_that_needs_no_reading_has_no_bar() -> None:
    progress, bars = Progress(console=console(terminal=True)), {}  # type: ignore[var-annotated]  # filled by draw
    draw(progress, bars, {"read": 1.0, "reading": 0.5, "unknown": None})
    assert set(bars) == {"reading"}


def test_a_bar_follows_its_account_and_is_hidden_at_its_end() -> None:
    progress, bars = Progress(console=console(terminal=True)), {}  # type: ignore[var-annotated]  # filled by draw
    draw(progress, bars, {"a": 0.25})
    (task,) = progress.tasks
    assert (task.completed, task.visible) == (0.25, True)
    draw(progress, bars, {"a": 1.0})
    assert (task.completed, task.visible) == (1.0, False)


def test_the_bar_of_an_account_that_is_no_longer_there_goes_away_and_comes_back_with_it() -> None:
    there = console(terminal=True)
    with Progress(console=there) as progress:
        bars: dict[str, Any] = {}

        def shown(ratios: Ratios) -> set[str]:
            draw(progress, bars, ratios)
            return {task.description for task in progress.tasks if task.visible}

        assert shown({"acme": 0.5, "beta": 0.5}) == {"acme", "beta"}
        assert shown({"beta": 0.6}) == {"beta"}
        assert shown({"acme": 0.5, "beta": 0.7}) == {"acme", "beta"}
