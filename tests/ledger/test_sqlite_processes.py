"""One process at a time: the second is refused, and after the first is gone, however it went, the next one starts."""

import signal
from pathlib import Path

import pytest

from exporter.config.problem import ConfigError
from exporter.config.settings import StateSettings
from exporter.ledger.place import open_state
from exporter.ledger.sqlite import StateFile, StateLocked
from exporter.ledger.store import MemoryState
from tests.clocks import ManualClock
from tests.ledger.sqlite_child import ACCOUNT
from tests.ledger.sqlite_kit import contents, holder, opened, state_in, states

LAST = states()[-1]


def test_a_second_process_is_refused_and_the_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with holder(path) as child:
        before = contents(tmp_path)
        with pytest.raises(StateLocked):
            opened(path)
        assert contents(tmp_path) == before
        assert child.poll() is None


def test_the_command_line_hears_of_it_in_one_line_that_names_file_and_key(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with holder(path), pytest.raises(ConfigError) as refused:
        open_state(StateSettings(str(path)), (ACCOUNT,), ManualClock(), 0.0)
    message = str(refused.value)
    assert message.startswith(f"{path}: state.path: ")
    assert "in use by another process" in message
    assert "\n" not in message


def test_after_a_kill_the_next_start_has_the_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with holder(path) as child:
        child.send_signal(signal.SIGKILL)
        child.wait()
        with opened(path) as file:
            assert file.status.persistent
            assert file.account(ACCOUNT).load() == LAST


def test_after_a_clean_end_the_next_start_has_the_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with holder(path) as child:
        child.communicate("")
        assert child.returncode == 0
        assert state_in(path) == LAST
        assert contents(tmp_path).keys() == {"state"}


def test_a_start_waits_for_another_process_that_is_about_to_end(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with holder(path) as child:
        assert child.stdin is not None
        child.stdin.close()
        with StateFile(path, (ACCOUNT,), ManualClock(), 60.0) as file:
            assert file.account(ACCOUNT).load() == LAST


def test_a_process_that_stopped_answering_still_has_its_file(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with holder(path) as child:
        child.send_signal(signal.SIGSTOP)
        with pytest.raises(StateLocked):
            opened(path)


def test_a_second_opening_in_the_same_process_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as file:
        with pytest.raises(StateLocked):
            opened(tmp_path / "state")
        assert file.status.persistent


def test_without_a_path_there_is_only_memory() -> None:
    assert isinstance(open_state(StateSettings(None), (ACCOUNT,), ManualClock()), MemoryState)
