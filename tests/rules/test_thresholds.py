"""Thresholds: every number once, changed by a small file, with one clear line for each mistake."""

import re
from pathlib import Path

import pytest
import yaml

from exporter.config.file import FILE_BYTES
from exporter.config.problem import ConfigError
from exporter.config.quantity import parse_duration
from exporter.rules.thresholds import (
    DEFAULTS,
    Thresholds,
    default_thresholds,
    parse_thresholds,
    read_thresholds,
)

WRITTEN = yaml.safe_load(DEFAULTS.read_text(encoding="utf-8"))


def problem_of(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_thresholds(text, "FILE")
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    return line


@pytest.mark.parametrize("name", WRITTEN)
def test_a_default_is_what_the_file_says(name: str) -> None:
    value, written = default_thresholds().values[name], str(WRITTEN[name])
    seconds = parse_duration(written)
    assert value == written or parse_duration(value) == seconds or float(value) == float(written)


@pytest.mark.parametrize("name", WRITTEN)
def test_every_threshold_stands_under_a_heading_and_durations_are_ones_that_prometheus_takes(name: str) -> None:
    text = DEFAULTS.read_text(encoding="utf-8")
    assert "# ---" in text[: text.index(f"\n{name}:")]
    value = default_thresholds().values[name]
    if parse_duration(value) is not None:
        assert re.fullmatch(r"(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?", value)


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}\n"], ids=["empty", "comment", "no entry"])
def test_a_file_that_changes_nothing_gives_the_defaults(text: str) -> None:
    assert parse_thresholds(text, "FILE") == default_thresholds()


def test_what_a_file_changes_is_changed_and_nothing_else() -> None:
    changed = parse_thresholds("missed_runs: 5\nstalled: 2h\nthrottled_ratio: 0.2\njob: celigo-prod\n", "FILE").values
    defaults = default_thresholds().values
    assert {name: changed[name] for name in changed if changed[name] != defaults[name]} == {
        "missed_runs": "5",
        "stalled": "2h",
        "throttled_ratio": "0.2",
        "job": "celigo-prod",
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("mised_runs: 3", "FILE:1: unknown key `mised_runs`; did you mean `missed_runs`?"),
        ("\nmissed_runs: many", 'FILE:2: missed_runs: expected a whole number from 0 to 1000000000, got "many"'),
        ("missed_runs: 2.5", "FILE:1: missed_runs: expected a whole number from 0 to 1000000000, got 2.5"),
        ("throttled_ratio: -1", "FILE:1: throttled_ratio: expected a number from 0 to 100000, got -1"),
        ("stalled: 1800", "FILE:1: stalled: expected a duration from 1s to 366d, such as 30s or 1h30m, got 1800"),
        ("stalled: 0s", "FILE:1: stalled: expected a duration from 1s to 366d, such as 30s or 1h30m, got"),
        ("stalled: [1h]", "FILE:1: stalled: expected a duration from 1s to 366d, such as 30s or 1h30m, got a list"),
        ("job: 'a\"b'", "FILE:1: job: expected a regular expression without quotes and backslashes"),
        ("job: '('", "FILE:1: job: expected a regular expression"),
        ("job: 'a{99999999999}'", "FILE:1: job: expected a regular expression"),
        ("app_url: ''", "FILE:1: app_url: expected 1 to 500 characters, got 0"),
        ("- missed_runs", "FILE:1: expected a mapping of thresholds"),
        ("missed_runs: 3\nmissed_runs: 4", "FILE:2: `missed_runs` is given twice; first on line 1"),
        ("missed_runs: 3: 4", "FILE:1: not valid YAML: a `:` where none can be"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(text: str, line: str) -> None:
    problem = problem_of(text)
    assert problem.startswith(line)
    assert len(problem) < 200


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yml: this file does not exist"):
        read_thresholds(str(tmp_path / "nowhere.yml"))
    with pytest.raises(ConfigError, match="this file cannot be read"):
        read_thresholds("a\0b")
    (tmp_path / "binary.yml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not valid UTF-8"):
        read_thresholds(str(tmp_path / "binary.yml"))
    (tmp_path / "huge.yml").write_bytes(b"#" * (FILE_BYTES + 1))
    with pytest.raises(ConfigError, match="the file is over"):
        read_thresholds(str(tmp_path / "huge.yml"))


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("x > ${count}", "x > 3"),
        ("x[${window}]", "x[1h30m]"),
        ("x > ${window.seconds}", "x > 5400"),
        ("x > ${long.seconds}", "x > 2592000"),
        ("x > ${share}", "x > 0.05"),
        ("{{ $labels.flow_id }} ${count}", "{{ $labels.flow_id }} 3"),
    ],
)
def test_a_placeholder_becomes_its_value(text: str, filled: str) -> None:
    values = {"count": "3", "window": "1h30m", "long": "30d", "share": "0.05"}
    assert Thresholds(values).fill(text) == filled


def test_a_placeholder_of_no_threshold_is_a_mistake_of_the_source() -> None:
    with pytest.raises(KeyError):
        Thresholds({}).fill("${nothing}")
