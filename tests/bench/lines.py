"""What the bench prints: one line for each figure, beside the bound that it was promised to keep."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Line:
    """A figure. `least` or `most` is its bound, if it has one; `of` says what was measured."""

    what: str
    figure: float
    unit: str
    of: str = ""
    most: float | None = None
    least: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether it keeps its bound; None without one."""
        if self.most is not None:
            return self.figure <= self.most
        return self.figure >= self.least if self.least is not None else None

    @property
    def bound(self) -> str:
        """The bound in words."""
        if self.most is not None:
            return f"at most {_number(self.most)}"
        return f"at least {_number(self.least)}" if self.least is not None else ""

    def content(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "met": self.met}


def show(title: str, lines: Iterable[Line]) -> None:
    """Print lines as a table."""
    table = Table("what", "figure", "promised", "", "of", title=title)
    words = {True: "kept", False: "MISSED", None: ""}
    for line in lines:
        figure = f"{_number(line.figure)} {line.unit}".strip()
        table.add_row(line.what, figure, line.bound, words[line.met], line.of)
    Console(width=150).print(table)


def _number(value: float) -> str:
    """Three digits of it, at least all before the point."""
    digits = max(0, 2 - len(str(int(abs(value)))) + 1) if value else 0
    return f"{value:,.{digits}f}"
