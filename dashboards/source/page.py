"""docs/dashboards.md: what each board answers, with its picture, and on which panel an alert shows.

`python -m dashboards.source.page docs` writes it; a test compares the committed file.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from grafana_foundation_sdk.models.dashboard import Panel

from dashboards.source.board import Board
from dashboards.source.boards import BOARDS
from dashboards.source.where import WHERE
from exporter.dashboards.bundle import with_thresholds
from exporter.rules.thresholds import default_thresholds

FILE_NAME = "dashboards.md"
_DEFAULTS = default_thresholds()
INTRODUCTION = Path(__file__).with_name("introduction.md")
"""What stands above the boards, written by hand."""
WAYS_IN = Path(__file__).with_name("ways_in.md")
"""How they come into Grafana, by hand as well; stands at the end."""


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION.read_text(encoding="utf-8"), *map(_section, BOARDS), "\n".join(_where()) + "\n"]
    return "\n".join([*parts, WAYS_IN.read_text(encoding="utf-8")])


def _section(board: Board) -> str:
    lines = [
        f"## {board.title}",
        "",
        f"[{board.uid}.json](../dashboards/{board.uid}.json)",
        "",
        *(f"- {answer}" for answer in board.answers),
        "",
        f"![Preview of {board.title} on a simulated day](images/dashboards/{board.uid}.png)",
        "",
        "| Panel | Shows |",
        "| --- | --- |",
        *map(_line, _panels(board)),
        "",
    ]
    return "\n".join(lines)


def _panels(board: Board) -> Iterator[Panel]:
    for row in board.rows:
        yield from (placed.panel for placed in row.panels)


def _line(panel: Panel) -> str:
    told = with_thresholds(panel.description or "", _DEFAULTS)
    return f"| {panel.title} | {told} |".replace("\n", " ")


def _where() -> Iterator[str]:
    titles = {board.uid: board.title for board in BOARDS}
    yield from (
        "## Where an alert shows",
        "",
        "Every incident that an alert is about can be seen on this panel while it lasts. `python -m tests.incidents`",
        "plays the incidents and asks the panel before and while the alert fires.",
        "",
        "| Alert | Board | Panel |",
        "| --- | --- | --- |",
    )
    for alert, (uid, panel) in WHERE.items():
        title = titles[uid]
        yield f"| [{alert}](runbooks.md#{alert.lower()}) | [{title}](#{_anchor(title)}) | {panel} |"


def _anchor(title: str) -> str:
    return "".join(sign for sign in title.lower().replace(" ", "-") if sign.isalnum() or sign == "-")


def write(folder: Path) -> Path:
    """Write the page into `folder`; its path."""
    path = folder / FILE_NAME
    path.write_text(page(), encoding="utf-8")
    return path


if __name__ == "__main__":
    write(Path(sys.argv[1]))
