"""The figures of docs/scaling.md are measured on what they say: accounts that live, a Prometheus that keeps series."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.arithmetic import inputs
from tests.bench import fleet, head
from tests.bench.fleet import Hour
from tests.bench.head import Head
from tests.conftest import required_tool

PAGE = Path(__file__).parents[2] / "docs/scaling.md"

ONE = Hour(1, 1000, 900, 7.0, 90.0, 13, 30_000, 4_000_000, 500_000)
TEN = replace(ONE, accounts=10, requests=9000, cpu_seconds=88.0, resident_mib=243.0, threads=94)


@pytest.fixture(scope="module")
def hours() -> list[Hour]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fleet, "ACCOUNTS", (1, 3))
        return fleet.measure(flows=10, minutes=5)


def test_one_account_more_is_what_the_processes_differ_in() -> None:
    found = fleet.one_account([ONE, TEN])
    assert found["requests"] == 900
    assert found["cpu_seconds"] == 9
    assert found["resident_mib"] == 17
    assert found["process_mib"] == 73
    assert found["threads"] == 9


def test_every_account_is_read_by_itself(hours: list[Hour]) -> None:
    one, three = hours
    assert one.requests > 0
    assert 2 < three.requests / one.requests < 4
    assert (one.accounts, three.accounts) == (1, 3)


def test_the_document_is_that_of_one_account(hours: list[Hour]) -> None:
    one, three = hours
    assert three.series == pytest.approx(one.series, rel=0.1)
    assert 0 < three.bytes_compressed < three.bytes


def test_an_hour_is_told_in_a_table_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    fleet.show([ONE, TEN])
    told = capsys.readouterr().out
    assert "9,000" in told
    assert "resident_mib" in told
    assert fleet.content([ONE, TEN])["one_account"] == fleet.one_account([ONE, TEN])


def test_prometheus_keeps_every_series_of_the_document() -> None:
    required_tool("prometheus")
    found = head.kept(b"".join(b'celigo_flow_enabled{flow_id="%d"} 1\n' % number for number in range(900)), samples=2)
    assert 900 < found.series < 920  # those of the scrape itself come besides
    assert found.scrape_seconds > 0


def test_what_a_series_takes_is_what_all_of_them_take() -> None:
    found = Head(series=1000, samples=120, resident=5_120_000.0, heap=4_096_000.0, scrape_seconds=0.3)
    assert found.resident_of_a_series == 5120
    assert head.content(found)["heap_of_a_series"] == 4096


def test_the_page_reckons_with_everything_that_is_measured_here() -> None:
    basis = " ".join(f"{each.name} {each.basis}" for each in inputs(PAGE.read_text()))
    assert basis.count("--fleet") == 6
    assert basis.count("--prometheus") == 3
