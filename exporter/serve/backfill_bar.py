"""A bar on a terminal while the history of the accounts is read; nothing at all where nobody looks."""

import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

_LOOK_SECONDS = 1.0

Ratios = Mapping[str, float | None]
"""How much of each account's history has been read, 0 to 1; None while that is not known."""


class BackfillBar:
    """Use it in `with`: shows a line for each account until its history has been read, then takes it away again.

    `ratios` is asked once a second, by a thread of its own, and only when `console` is a terminal.
    """

    def __init__(self, ratios: Callable[[], Ratios], console: Console | None = None) -> None:
        self._ratios = ratios
        self._console = console or Console(stderr=True)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._thread = threading.Thread(target=self._show, name="backfill-bar", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _show(self) -> None:
        columns = (
            TextColumn("history of {task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._console, transient=True) as progress:
            bars: dict[str, TaskID] = {}
            while not draw(progress, bars, self._ratios()) and not self._stop.wait(_LOOK_SECONDS):
                pass


def draw(progress: Progress, bars: dict[str, TaskID], ratios: Ratios) -> bool:
    """Bring the bars up to date; whether every account's history has been read."""
    for name, ratio in ratios.items():
        if ratio is not None and (name in bars or ratio < 1.0):
            if name not in bars:
                bars[name] = progress.add_task(name, total=1.0)
            progress.update(bars[name], completed=ratio, visible=ratio < 1.0)
    for name in bars.keys() - ratios.keys():
        progress.update(bars[name], visible=False)
    return bool(ratios) and all(ratio == 1.0 for ratio in ratios.values())
