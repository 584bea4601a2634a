"""The file stays as large as what the ledger remembers: weeks of runs do not make it grow."""

from pathlib import Path

import pytest

from exporter.ledger import sqlite
from exporter.ledger.runs import RunLedger
from tests.clocks import EPOCH
from tests.ledger.rows import finished
from tests.ledger.sqlite_child import ACCOUNT
from tests.ledger.sqlite_kit import memory_folder, opened, proving, state_in

HOURS = 1000
WARM_UP = 50
OVERLAP = 7200.0
RUNS_AN_HOUR = 20


def test_a_thousand_hours_of_runs_leave_the_file_flat() -> None:
    sizes, on_disk = [], []
    with memory_folder() as folder, opened(folder / "state") as file:
        ledger = RunLedger(file.account(ACCOUNT))
        ledger.observe([], "flow", EPOCH)
        for hour in range(HOURS):
            start, end = hour * 3600.0, (hour + 1) * 3600.0
            rows = [finished(f"{hour}-{n}", start + 60 + n, flow_id=f"flow-{n}") for n in range(RUNS_AN_HOUR)]
            ledger.observe(rows, "flow", EPOCH + end)
            ledger.advance("flow", EPOCH + end, OVERLAP, EPOCH + end)
            sizes.append(file.status.size_bytes or 0)
            on_disk.append(sum(each.stat().st_size for each in folder.iterdir()))
        assert file.status.persistent
        file.close()
        kept = state_in(folder / "state")
    half = HOURS // 2
    assert max(sizes[half:]) <= 1.05 * max(sizes[WARM_UP:half])
    assert max(on_disk[half:]) <= 1.05 * max(on_disk[WARM_UP:half])
    assert len(kept.counted) <= 4 * RUNS_AN_HOUR
    assert sum(tally.runs[0] for tally in kept.flows.values()) == HOURS * RUNS_AN_HOUR
    if proving():
        print(f"\nstate file: at most {max(sizes)} bytes in {HOURS} hours of {RUNS_AN_HOUR} runs")


def test_the_stated_size_is_that_of_the_file_and_its_log(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as file:
        RunLedger(file.account(ACCOUNT)).observe([finished("a", 10)], "flow", EPOCH + 20)
        assert file.status.size_bytes == sum(each.stat().st_size for each in tmp_path.iterdir())


def test_the_file_has_a_largest_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "FILE_BYTES", 400 * 1024)
    with opened(tmp_path / "state") as file:
        ledger = RunLedger(file.account(ACCOUNT))
        ledger.observe([], "flow", EPOCH)
        for page in range(40):
            ledger.observe([finished(f"{page}-{n}-{'x' * 100}", 10) for n in range(100)], "flow", EPOCH + 20)
        assert file.status.trouble == "full"
        assert (tmp_path / "state").stat().st_size <= 400 * 1024
        assert sum(tally.runs[0] for tally in ledger.tallies().flows.values()) == 4000
