"""The package knows schedules and nothing else."""

import ast
from pathlib import Path

import exporter.schedule
import exporter.simulator

ALLOWED = {
    "bisect",
    "calendar",
    "collections",
    "copy",
    "cronsim",
    "dataclasses",
    "datetime",
    "functools",
    "math",
    "re",
    "typing",
    "zoneinfo",
}


def _imported(package: str) -> set[str]:
    names: set[str] = set()
    for path in Path(package).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                names.add(node.module or ".")
            elif isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
    return names


def test_schedules_use_the_calendar_and_themselves_alone() -> None:
    own = {name for name in _imported(exporter.schedule.__file__) if name.startswith("exporter.schedule.")}
    others = {name.partition(".")[0] for name in _imported(exporter.schedule.__file__) - own}
    assert others <= ALLOWED


def test_the_simulator_reads_schedules_for_itself() -> None:
    names = _imported(exporter.simulator.__file__)
    assert "cronsim" in names
    assert not {name for name in names if name.startswith("exporter.schedule")}
