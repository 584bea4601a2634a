"""`make bench` measures what it says it does, in small: real processes, an account of ten flows, every line."""

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from subprocess import run
from typing import Any, cast

import pytest

from tests.bench import cost, lines, plan
from tests.bench.cost import Cost, Loops, Size, lines_of
from tests.bench.lines import Line
from tests.bench.refreshes import Bench, Refresh
from tests.bench.scrapes import Scrapes
from tests.conftest import required_tool

FLOWS = 10

SCRAPE = Scrapes(
    series=300_000,
    bytes=40_000_000,
    bytes_compressed=4_000_000,
    exporter=10.0,
    bare=5.0,
    library=2500.0,
    pushgateway=500.0,
    quiet=10.0,
    beside=30.0,
    beside_slowest=90.0,
    beside_count=99,
    requests_nothing_due=0,
    requests_one_scraper=240,
    requests_many_scrapers=251,
)
"""Each figure exactly at its bound."""

REFRESH = Refresh(requests=220.0, drilled=0.0, cpu_seconds=1.0, wall_seconds=1.2)
KEPT = Cost(
    10_000,
    SCRAPE,
    REFRESH,
    replace(REFRESH, cpu_seconds=1.5, requests=420.0),
    250.0,
    Loops(requests=37_000.0, cpu_seconds=20.0),
    [Size(1_000, replace(REFRESH, cpu_seconds=0.1, requests=30), REFRESH, 60.0), Size(10_000, REFRESH, REFRESH, 200.0)],
)


@pytest.fixture(scope="module")
def measured() -> Mapping[str, Any]:
    required_tool("prometheus-pushgateway")
    command = [sys.executable, "-m", "tests.bench", f"--flows={FLOWS}", "--json"]
    found: Mapping[str, Any] = json.loads(run(command, check=True, capture_output=True, text=True).stdout)
    return found


def line(found: list[Line], words: str) -> Line:
    (one,) = (each for each in found if words in each.what)
    return one


def test_every_promise_at_its_bound_is_kept() -> None:
    assert [each.what for each in lines_of(KEPT) if each.met is False] == []
    assert sum(each.met is True for each in lines_of(KEPT)) >= 13


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({"exporter": 10.1}, ["scrape / bare copy", "Pushgateway / scrape", "prometheus-client's server"]),
        ({"bare": 4.9}, ["scrape / bare copy"]),
        ({"pushgateway": 499.0}, ["Pushgateway / scrape"]),
        ({"pushgateway": None}, ["Pushgateway / scrape"]),
        ({"library": 2499.0}, ["prometheus-client's server"]),
        ({"beside": 30.1}, ["while a refresh runs"]),
        ({"requests_nothing_due": 1}, ["at once: requests"]),
        ({"requests_many_scrapers": 252}, ["at once: more requests"]),
    ],
)
def test_a_scrape_that_costs_more_misses_its_line(changes: dict[str, Any], missed: list[str]) -> None:
    found = lines_of(replace(KEPT, scrape=replace(SCRAPE, **changes)))
    assert [each.what for each in found if each.met is False] == [line(found, words).what for words in missed]


@pytest.mark.parametrize(
    ("part", "figure", "missed"),
    [
        ("unchanged", replace(REFRESH, cpu_seconds=1.01), "nothing changed: CPU"),
        ("unchanged", replace(REFRESH, requests=349.0), "nothing changed: requests"),
        ("percent", replace(REFRESH, cpu_seconds=1.51), "1 % of the flows changed: CPU"),
        ("percent", replace(REFRESH, requests=549.0), "1 % of the flows changed: requests"),
        ("resident_mib", 251.0, "memory"),
    ],
)
def test_a_refresh_that_costs_more_misses_its_line(part: str, figure: Any, missed: str) -> None:
    found = lines_of(replace(KEPT, **{part: figure}))
    assert [missed in each.what for each in found if each.met is False] == [True]


def test_growth_beyond_the_size_misses_its_line() -> None:
    first, last = KEPT.sizes
    grown = replace(last, unchanged=replace(REFRESH, cpu_seconds=1.01))
    found = lines_of(replace(KEPT, sizes=[first, grown]))
    assert [each.what for each in found if each.met is False] == ["1,000 to 10,000 flows: CPU of a refresh"]


def test_growth_is_held_against_the_size_from_a_thousand_flows_on_and_told_from_each_to_the_next() -> None:
    sizes = [Size(number, REFRESH, REFRESH, 60.0) for number in (10, 100, 1_000, 10_000, 50_000)]
    found = [each for each in lines_of(replace(KEPT, sizes=sizes)) if "CPU of a refresh" in each.what]
    assert [(each.what.split(" flows")[0], each.most) for each in found] == [
        ("1,000 to 10,000", 10.0),
        ("1,000 to 50,000", 50.0),
        ("10,000 to 50,000", None),
    ]


def test_a_change_that_costs_more_the_more_flows_did_not_change_misses_its_line() -> None:
    def size(flows: int, more: float) -> Size:
        return Size(flows, REFRESH, replace(REFRESH, cpu_seconds=REFRESH.cpu_seconds + more), 60.0)

    words = "more CPU of 10 changed ones"
    for more, met in ((0.5, True), (0.51, False)):
        sizes = [size(1_000, 0.05), size(10_000, 9.0), size(50_000, more)]
        found = [each for each in lines_of(replace(KEPT, sizes=sizes)) if words in each.what]
        assert [(each.most, each.met) for each in found] == [(None, None), (10.0, met)]
        assert found[1].figure == pytest.approx(more / 0.05)


def test_of_two_half_hours_the_quieter_one_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Bench(cast("Any", None), cast("Any", None), [], 100)
    told = {"unchanged": [1.2, 1.0], "changed": [1.3, 1.6]}
    monkeypatch.setattr(Bench, "unchanged", lambda *_: replace(REFRESH, cpu_seconds=told["unchanged"].pop(0)))
    monkeypatch.setattr(Bench, "changed", lambda *_: replace(REFRESH, cpu_seconds=told["changed"].pop(0)))
    assert [each.cpu_seconds for each in held.both(10)] == [1.0, 1.3]


def test_the_plan_is_that_of_the_contract() -> None:
    assert plan.requests_of_a_round(10_000) == 11 + 201 + 30 + 1 + 5 + 100
    assert plan.requests_of_a_round(50_000) - plan.requests_of_a_round(10_000) == 4 * (200 + 30 + 1)


def test_figures_are_told_with_three_digits() -> None:
    shown = [lines._number(value) for value in (0, 0.123, 1.234, 12.34, 123.4, 1234.5)]
    assert shown == ["0", "0.12", "1.23", "12.3", "123", "1,234"]


def test_a_run_in_small_has_every_line(measured: Mapping[str, Any]) -> None:
    small = {each["what"] for each in measured["lines"]}
    assert {each.what for each in lines_of(replace(KEPT, sizes=()))} <= small
    assert measured["flows"] == FLOWS
    assert [each["flows"] for each in measured["sizes"]] == [FLOWS]


def test_what_is_measured_in_small_is_what_happened(measured: Mapping[str, Any]) -> None:
    scrape, changed = measured["scrape"], measured["sizes"][0]["changed"]
    assert scrape["requests_nothing_due"] == 0
    assert scrape["requests_one_scraper"] > 0
    assert scrape["requests_many_scrapers"] > 0
    assert scrape["series"] > FLOWS
    assert scrape["pushgateway"] > 0
    assert measured["unchanged"]["drilled"] == 0
    assert changed["drilled"] > 0
    assert measured["loops"]["requests"] > 3 * FLOWS


def test_the_table_tells_the_same_as_json(measured: Mapping[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    del measured
    cost.show(KEPT)
    told = capsys.readouterr().out
    for each in lines_of(KEPT):
        assert each.what in told
    assert "kept" in told
    assert "MISSED" not in told
