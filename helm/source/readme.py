"""The chart's README: an introduction written by hand and a table of all values from their comments."""

from pathlib import Path

from helm.source.comments import values

_INTRODUCTION = Path(__file__).with_name("introduction.md")
_LONGEST = 60


def text(source: str) -> str:
    """The page for the values.yaml with the text `source`; raises Uncommented for a value without a meaning."""
    rows = [f"| `{value.path}` | {_shown(value.default)} | {_cell(value.meaning)} |" for value in values(source)]
    table = "\n".join(("| Value | Default | Meaning |", "| --- | --- | --- |", *rows))
    return _INTRODUCTION.read_text(encoding="utf-8").rstrip("\n") + f"\n\n## Values\n\n{table}\n"


def _shown(default: str) -> str:
    return f"`{_cell(default)}`" if len(default) <= _LONGEST else "see values.yaml"


def _cell(content: str) -> str:
    return content.replace("|", "\\|")
