"""Both commands that write bundled files: what they write, and that they refuse what cannot be, in one line."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from exporter.dashboards.bundle import boards
from exporter.rules.thresholds import default_thresholds
from tests.cli.conftest import Call

COMMANDS = pytest.mark.parametrize("command", ["rules", "dashboards"])


def line_of(call: Call, *arguments: str) -> str:
    """What is said of a mistake: one line, nothing else, and status 2."""
    ended = call(*arguments, environ={})
    assert (ended.status, ended.out) == (2, "")
    assert len(ended.err.splitlines()) == 1
    return ended.err.rstrip("\n")


def steps_of(board: Mapping[str, Any], title: str) -> list[object]:
    """Where the colours of the panel `title` begin."""
    (panel,) = [panel for panel in board["panels"] if panel["title"] == title]
    return [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]


def test_dashboards_have_the_thresholds_of_a_file_in_limits_queries_and_texts(call: Call, tmp_path: Path) -> None:
    own, made = tmp_path / "own.yml", tmp_path / "made" / "here"
    own.write_text("api_errors_ratio: 0.25\napi_slow: 1m30s\nstalled: 2h\njob: other\n")
    ended = call("dashboards", "export", str(made), f"--thresholds={own}", environ={})
    paths = [made / name for name in (*boards(default_thresholds()), "provisioning.yml")]
    assert (ended.status, ended.err, ended.out.splitlines()) == (0, "", [str(path) for path in paths])
    board = json.loads((made / "celigo-fleet.json").read_text(encoding="utf-8"))
    assert steps_of(board, "Is it Celigo? Calls that fail") == [None, 0.25]
    assert steps_of(board, "Is it slow? p95 of a call") == [None, 90]
    assert 'up{job=~"other"}' in board["panels"][0]["targets"][0]["expr"]
    assert any("has not moved for 2h" in panel["description"] for panel in board["panels"] if "description" in panel)


def test_rules_have_the_thresholds_of_a_file_in_them(call: Call, tmp_path: Path) -> None:
    own, made = tmp_path / "own.yml", tmp_path / "made"
    own.write_text("down_for: 7m30s\n")
    ended = call("rules", "export", str(made), f"--thresholds={own}", environ={})
    names = ("celigo.rules.yml", "thresholds.yml", "alertmanager.example.yml")
    assert (ended.status, ended.err, ended.out.splitlines()) == (0, "", [str(made / name) for name in names])
    assert "for: 7m30s" in (made / "celigo.rules.yml").read_text(encoding="utf-8")


@COMMANDS
def test_what_was_written_before_is_replaced(call: Call, command: str, tmp_path: Path) -> None:
    assert call(command, "export", str(tmp_path), environ={}).status == 0
    first = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for path in first:
        path.write_text("old")
    assert call(command, "export", str(tmp_path), environ={}).status == 0
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == first


@COMMANDS
def test_without_a_folder_the_line_says_what_is_missing(call: Call, command: str) -> None:
    assert line_of(call, command, "export") == f"celigo-exporter {command} export: Missing argument 'DIR'."


@COMMANDS
def test_a_file_is_no_folder(call: Call, command: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert "/file' is a file." in line_of(call, command, "export", f"{tmp_path}/file")
    below = f"{tmp_path}/file/below"
    assert line_of(call, command, "export", below) == f"{below}: cannot be written: Not a directory"
    assert (tmp_path / "file").read_text() == "mine"


@COMMANDS
def test_a_folder_that_cannot_be_written_is_named_with_the_reason(call: Call, command: str) -> None:
    # Nobody can make a folder there, not even root.
    line = line_of(call, command, "export", "/proc/celigo")
    assert line.startswith("/proc/celigo: cannot be written: ")


@COMMANDS
def test_a_file_that_cannot_be_written_is_a_mistake_as_well(call: Call, command: str, tmp_path: Path) -> None:
    for name in ("celigo.rules.yml", "celigo-fleet.json"):
        (tmp_path / name).mkdir()
    assert line_of(call, command, "export", str(tmp_path)) == f"{tmp_path}: cannot be written: Is a directory"


@COMMANDS
def test_a_mistake_in_the_thresholds_is_named_and_nothing_is_written(call: Call, command: str, tmp_path: Path) -> None:
    own, made = tmp_path / "own.yml", tmp_path / "made"
    own.write_text("stalled: 1h\nmised_runs: 3\n")
    line = line_of(call, command, "export", str(made), f"--thresholds={own}")
    assert line.startswith(f"{own}:2: unknown key `mised_runs`; did you mean `missed_runs`?")
    assert (
        line_of(call, command, "export", str(made), "--thresholds=/none.yml") == "/none.yml: this file does not exist"
    )
    assert not made.exists()
