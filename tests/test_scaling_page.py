"""docs/scaling.md: its arithmetic is right, and what it takes from the code is what the code has."""

import json
import re
from dataclasses import MISSING, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from exporter.collectors import COLLECTORS
from exporter.config.settings import Collectors
from tests.arithmetic import inputs, mistakes, number, precision, reckoned, results

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/scaling.md").read_text(encoding="utf-8")
INPUTS = inputs(PAGE)
OF_THE_CODE = [each for each in INPUTS if "exporter." in each.basis]
OF_SERIES = [each for each in INPUTS if "series.json" in each.basis]


def in_code(name: str) -> float:
    """A constant of a module, or the default of a dataclass' field."""
    holder, _, last = name.rpartition(".")
    try:
        return float(getattr(import_module(holder), last))
    except ModuleNotFoundError:
        module, _, owner = holder.rpartition(".")
        kind = getattr(import_module(module), owner)
        assert is_dataclass(kind)
        (default,) = (each.default for each in fields(kind) if each.name == last)
        assert default is not MISSING
        return float(default)


def test_every_result_is_what_its_formula_gives() -> None:
    assert mistakes(PAGE) == []
    assert len(results(PAGE)) >= 15


@pytest.mark.parametrize("given", OF_THE_CODE, ids=lambda each: each.name)
def test_what_the_code_decides_is_told_as_it_is(given: Any) -> None:
    (name,) = re.findall(r"`(exporter\.[\w.]+)`", given.basis)
    assert given.value == pytest.approx(in_code(name))


@pytest.mark.parametrize("given", OF_SERIES, ids=lambda each: each.name)
def test_series_of_a_flow_are_those_that_were_counted(given: Any) -> None:
    held = json.loads((ROOT / "docs/series.json").read_text())
    counted = sum(held["profiles"][given.name.removeprefix("series_")].values()) / held["flows"]
    assert given.value == pytest.approx(counted, abs=0.05)


def test_every_profile_is_told() -> None:
    assert {each.name for each in OF_SERIES} == {"series_lean", "series_standard", "series_full"}
    assert len(OF_THE_CODE) >= 5


def test_every_input_has_a_basis_that_can_be_looked_up() -> None:
    for each in INPUTS:
        known = ("the example", "exporter.", "series.json", "make bench", "contract", "docs/", "alerting.md")
        assert any(word in each.basis for word in known), each.name


def test_an_account_has_no_more_threads_than_collectors() -> None:
    (told,) = (each.value for each in INPUTS if each.name == "threads_an_account")
    assert told == len(COLLECTORS)


def test_every_input_is_used() -> None:
    text = " ".join(each.formula for each in results(PAGE))
    used = set(re.findall(r"[a-z_]\w*", text))
    assert {each.name for each in INPUTS} - used == set()


def test_every_bench_that_is_named_has_its_flag() -> None:
    named = set(re.findall(r"make bench ARGS=\"([^\"]+)\"", PAGE))
    main = (ROOT / "tests/bench/__main__.py").read_text()
    assert named
    for flag in {word for each in named for word in each.split() if word.startswith("--")}:
        assert f'"{flag}"' in main, flag


def test_the_page_is_linked() -> None:
    for page in ("README.md", "docs/scraping.md", "docs/limits.md"):
        assert "scaling.md" in (ROOT / page).read_text(), page


def test_the_keys_that_are_to_be_turned_exist() -> None:
    collectors = [each.name for each in fields(Collectors)]
    for key in re.findall(r"^\| `(collectors\.[\w.]+)`", PAGE, re.MULTILINE):
        _, name, field = key.split(".")
        for settings in [name] if name != "NAME" else collectors:
            assert hasattr(getattr(Collectors(), settings), field), key
    assert "`slow_interval`" in PAGE
    assert "slow_interval:" in (ROOT / "exporter/rules/thresholds.yml").read_text()


SMALL = """
| Name | Value | What | Basis |
| --- | --- | --- | --- |
| `flows` | 1,000 | flows | the example |
| `bytes` | 1.5 KiB | of one | the example |

| Result | Reckoned as | Comes to |
| --- | --- | --- |
| `all`: bytes | `flows * bytes` | 1.46 MiB |
| twice | `2 * all` | 2.93 MiB |
"""


def test_arithmetic_that_is_right_has_no_mistake() -> None:
    assert mistakes(SMALL) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("1.46 MiB", "1.47 MiB"), ("1,000", "1,010"), ("1.5 KiB", "1.6 KiB"), ("2 * all", "3 * all"), ("MiB", "KiB")],
)
def test_arithmetic_that_is_wrong_would_be_found(right: str, wrong: str) -> None:
    assert mistakes(SMALL.replace(right, wrong)) != []


@pytest.mark.parametrize(
    ("text", "value", "off"),
    [("38.5 million", 38.5e6, 5e4), ("12 %", 0.12, 0.005), ("1,000", 1000, 0.5), ("3 cores", 3, 0.5)],
)
def test_numbers_are_read_as_people_write_them(text: str, value: float, off: float) -> None:
    assert number(text) == pytest.approx(value)
    assert precision(text) == pytest.approx(off)


@pytest.mark.parametrize("formula", ["__import__('os')", "a.b", "[1]", "'x'", "open(1)"])
def test_nothing_but_arithmetic_is_reckoned(formula: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        reckoned(formula, {})
