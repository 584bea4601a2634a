"""The harness itself: deterministic, judged by mutants, and readable by a real Prometheus."""

import subprocess
from pathlib import Path
from typing import Any
from unittest import mock

from exporter.ledger.draft import Draft
from exporter.ledger.runs import RunLedger
from tests.conftest import required_tool
from tests.simulation.storm import Plan, weather
from tests.simulation.world import HOUR, JOBS_ONLY, World

SEED: dict[str, Any] = {"seed": 3, "flows": 12, "history_seconds": HOUR}


def life(folder: Path, seed: int = 3) -> World:
    """An hour with faults and two deaths."""
    with World(folder, collectors=JOBS_ONLY, **{**SEED, "seed": seed}) as world:
        world.simulator.inject("status", status=500, probability=0.1)
        world.minutes(20)
        world.kill_before_request = 2
        world.minutes(2)
        world.start()
        world.minutes(20)
        world.kill_at_commit = 1
        world.minutes(5)
        world.start()
        world.minutes(15)
    return world


def test_the_same_seed_gives_the_same_scrapes(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    first, second, other = life(folders[0]), life(folders[1]), life(folders[2], seed=4)
    assert first.scraped.at == second.scraped.at
    volatile = ("celigo_exporter_build_info", "celigo_exporter_state_size_bytes")
    assert {key: value for key, value in first.scraped.points.items() if not key.decode().startswith(volatile)} == {
        key: value for key, value in second.scraped.points.items() if not key.decode().startswith(volatile)
    }
    assert first.scraped.points != other.scraped.points


def test_a_death_happens_where_it_was_asked_for(tmp_path: Path) -> None:
    with World(tmp_path, collectors=JOBS_ONLY, **SEED) as world:
        world.minutes(3)
        sent = len(world.simulator.requests())
        world.kill_before_request = 2
        world.minutes(1)
        assert world.fleet is None
        assert len(world.simulator.requests()) == sent + 2
        world.minutes(5)
        assert len(world.simulator.requests()) == sent + 2
        world.start()
        world.minutes(2)
        assert world.differences() == []


SMALL_STORM = Plan(seed=2, days=0.25, flows=12, kills=5, outages=1, longest_outage_hours=0.5)


def counted_twice(self: Draft, job: object, *more: object, **most: object) -> None:
    """A ledger that forgets which ids it counted."""
    self._all_counted = self._all_counted.__class__({})
    real_finished(self, job, *more, **most)  # type: ignore[arg-type]  # handed through


real_finished = Draft.finished


class TestTheJudgeSeesWhatIsWrong:
    """A harness that finds no difference is worth what it finds in a ledger that is broken on purpose."""

    def test_ids_forgotten(self) -> None:
        with mock.patch.object(Draft, "finished", counted_twice):
            assert any("above the truth" in line for line in weather(SMALL_STORM).wrong)

    def test_a_watermark_that_runs_ahead(self) -> None:
        real = RunLedger.advance

        def ahead(self: RunLedger, kind: object, watermark: float, overlap: float, now: float) -> None:
            real(self, kind, watermark + 3 * HOUR, overlap, now)  # type: ignore[arg-type]  # handed through

        with mock.patch.object(RunLedger, "advance", ahead):
            report = weather(Plan(seed=2, days=0.3, flows=12, kills=2, outages=2, longest_outage_hours=3))
        assert any("truth" in line for line in report.wrong)


def test_a_real_prometheus_reads_what_was_scraped(tmp_path: Path) -> None:
    promtool = required_tool("promtool")
    with World(tmp_path, collectors=JOBS_ONLY, **SEED) as world:
        world.minutes(30)
        runs = sum(world.scraped.now("celigo_flow_runs_total").values())
        (tmp_path / "series.txt").write_bytes(b"".join(world.scraped.openmetrics()))
    blocks = tmp_path / "blocks"
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", str(tmp_path / "series.txt"), str(blocks)]
    made = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert made.returncode == 0, made.stderr.decode()[-2000:]
    (blocks / "wal").mkdir()
    dumped = subprocess.run([promtool, "tsdb", "dump", str(blocks)], check=True, capture_output=True, timeout=120)
    newest: dict[str, tuple[int, float]] = {}
    for line in dumped.stdout.decode().splitlines():
        series, value, at = line.rsplit(" ", 2)
        if '__name__="celigo_flow_runs_total"' in series:
            newest[series] = max(newest.get(series, (0, 0.0)), (int(at), float(value)))
    assert sum(value for _, value in newest.values()) == runs > 0
