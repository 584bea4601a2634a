"""The worked example of CONTRIBUTING.md as edits, which can be made in a copy of the repository.

    python -m tests.contributing FOLDER

makes them in the checkout at FOLDER.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
NEW, END = "a new file", "at the end"

_STEP = re.compile(
    r"^\*\*`(?P<path>[^`]+)`\*\*, (?P<place>[^\n]*):\n\n```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)


class Unclear(ValueError):
    """A step that cannot be followed as it is written."""


@dataclass(frozen=True)
class Edit:
    """One step: lines that go into a file."""

    path: str
    place: str
    code: str

    def make(self, folder: Path) -> None:
        """Follow it in the checkout at `folder`. Raises Unclear."""
        path = folder / self.path
        if self.place == NEW:
            if path.exists():
                raise Unclear(f"{self.path} exists")
            path.write_text(self.code, encoding="utf-8")
        elif self.place == END:
            path.write_text(path.read_text(encoding="utf-8") + self.code, encoding="utf-8")
        else:
            self._insert(path)

    def _insert(self, path: Path) -> None:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        after = self.place.removeprefix("after `").removesuffix("`")
        found = [number for number, line in enumerate(lines) if line.strip() == after]
        if len(found) != 1:
            raise Unclear(f"CONTRIBUTING.md: {self.path} has the line {after!r} {len(found)} times, not once")
        lines.insert(found[0] + 1, self.code)
        path.write_text("".join(lines), encoding="utf-8")


def edits(text: str = TEXT) -> Iterator[Edit]:
    """Every edit of the worked example, in its order."""
    section = text.partition("## A collector in ten minutes")[2].partition("\n## ")[0]
    yield from (Edit(*step.group("path", "place", "code")) for step in _STEP.finditer(section))


if __name__ == "__main__":
    for edit in edits():
        edit.make(Path(sys.argv[1]))
        sys.stdout.write(f"{edit.path}: {edit.place}\n")
