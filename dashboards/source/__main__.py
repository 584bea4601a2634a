"""`python -m dashboards.source [FOLDER]`: writes every board, with placeholders, where the package keeps them."""

import sys
from pathlib import Path

from dashboards.source.boards import BOARDS
from exporter.dashboards.bundle import FOLDER


def main(arguments: list[str]) -> None:
    """Write a file for each board."""
    folder = Path(arguments[0]) if arguments else FOLDER
    for board in BOARDS:
        (folder / f"{board.uid}.json").write_text(board.text(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
