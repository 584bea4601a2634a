"""What belongs to no account: the build, and how the state is kept."""

import pytest

from exporter.config.reloads import ReloadRecord
from exporter.expose.blocks import OWN_COLLECTOR
from exporter.expose.build import BuildInfo
from exporter.expose.process_metrics import ProcessBlocks
from exporter.ledger.store import StateStatus
from exporter.ledger.trouble import TROUBLES
from tests.clocks import EPOCH, ManualClock

BUILD = BuildInfo("1.2.3", "abc", "3.11.2")


class Kept:
    """A state whose status the test sets."""

    def __init__(self, status: StateStatus) -> None:
        self.status = status
        self.clock = ManualClock()
        self.reloads = ReloadRecord(self.clock.time())
        self.blocks = ProcessBlocks(BUILD, lambda: self.status, lambda: self.reloads.status, self.clock)

    def lines(self) -> dict[str, list[str]]:
        """Sample lines by metric."""
        (block,) = self.blocks.current(0.0)
        return {name: piece.text.decode().splitlines() for name, piece in block.lines.items()}


def test_the_build_is_told_without_an_account() -> None:
    kept = Kept(StateStatus("memory"))
    assert kept.lines()["celigo_exporter_build_info"] == [
        'celigo_exporter_build_info{python_version="3.11.2",revision="abc",version="1.2.3"} 1.0'
    ]
    assert kept.blocks.current(0.0)[0].collector == OWN_COLLECTOR


def test_memory_is_told_as_not_persistent_and_has_neither_size_nor_failures() -> None:
    names = set(Kept(StateStatus("memory")).lines())
    assert {name for name in names if "state" in name} == {"celigo_exporter_state_persistent"}
    assert Kept(StateStatus("memory")).lines()["celigo_exporter_state_persistent"] == [
        'celigo_exporter_state_persistent{backend="memory"} 0.0'
    ]


def test_a_sound_file_shows_every_failure_at_zero_and_its_size() -> None:
    lines = Kept(StateStatus("sqlite", persistent=True, size_bytes=4096)).lines()
    assert lines["celigo_exporter_state_persistent"] == ['celigo_exporter_state_persistent{backend="sqlite"} 1.0']
    assert lines["celigo_exporter_state_size_bytes"] == ['celigo_exporter_state_size_bytes{backend="sqlite"} 4096.0']
    assert sorted(lines["celigo_exporter_state_failures_total"]) == sorted(
        f'celigo_exporter_state_failures_total{{reason="{trouble}"}} 0.0' for trouble in TROUBLES
    )


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_failure_is_counted_by_its_reason(trouble: str) -> None:
    status = StateStatus("sqlite", trouble=trouble, failures={trouble: 3})  # type: ignore[arg-type,dict-item]  # one of them
    lines = Kept(status).lines()
    assert (
        f'celigo_exporter_state_failures_total{{reason="{trouble}"}} 3.0'
        in lines["celigo_exporter_state_failures_total"]
    )
    assert lines["celigo_exporter_state_persistent"] == ['celigo_exporter_state_persistent{backend="sqlite"} 0.0']
    assert "celigo_exporter_state_size_bytes" not in lines


def test_the_block_is_made_anew_only_when_the_status_changed() -> None:
    kept = Kept(StateStatus("sqlite", persistent=True, size_bytes=1))
    first = kept.blocks.current(0.0)
    kept.status = StateStatus("sqlite", persistent=True, size_bytes=1)
    assert kept.blocks.current(9.0) is first
    kept.status = StateStatus("sqlite", persistent=True, size_bytes=2)
    assert kept.blocks.current(9.0)[0].version != first[0].version


def reload_lines(kept: Kept) -> dict[str, float]:
    samples = (line.rsplit(" ", 1) for lines in kept.lines().values() for line in lines)
    return {name.removeprefix("celigo_exporter_config_"): float(value) for name, value in samples if "config" in name}


def test_the_configuration_of_the_start_is_a_success_and_no_reload() -> None:
    assert reload_lines(Kept(StateStatus("memory"))) == {
        "last_reload_successful": 1.0,
        "last_reload_success_timestamp_seconds": EPOCH,
        'reloads_total{outcome="applied"}': 0.0,
        'reloads_total{outcome="rejected"}': 0.0,
    }


def test_a_rejected_reload_is_told_at_once_and_does_not_move_the_instant_of_the_last_good_one() -> None:
    kept = Kept(StateStatus("memory"))
    kept.lines()
    kept.clock.advance(60)
    kept.reloads.note("c.yml:1: it is bad", kept.clock.time())
    assert reload_lines(kept) == {
        "last_reload_successful": 0.0,
        "last_reload_success_timestamp_seconds": EPOCH,
        'reloads_total{outcome="applied"}': 0.0,
        'reloads_total{outcome="rejected"}': 1.0,
    }


def test_the_next_good_reload_takes_the_failure_back_and_keeps_its_count() -> None:
    kept = Kept(StateStatus("memory"))
    kept.reloads.note("c.yml:1: it is bad", kept.clock.time())
    kept.clock.advance(60)
    kept.reloads.note(None, kept.clock.time())
    assert reload_lines(kept) == {
        "last_reload_successful": 1.0,
        "last_reload_success_timestamp_seconds": EPOCH + 60,
        'reloads_total{outcome="applied"}': 1.0,
        'reloads_total{outcome="rejected"}': 1.0,
    }
