"""Where the counters live, in words for the log and the page."""

import re
from pathlib import Path

import pytest

from exporter.config.settings import StateSettings
from exporter.ledger.store import StateStatus
from exporter.ledger.trouble import TROUBLES
from exporter.serve.state import state_class, state_line
from tests.serve.page.reading import tiles
from tests.serve.rig import rig

PATH = "/var/lib/state.db"


def test_memory_is_no_trouble_but_told() -> None:
    assert "after a restart the counters start anew" in state_line(StateStatus("memory"), None)
    assert state_class(StateStatus("memory")) == "unknown"


def test_a_sound_file_is_told_with_its_path() -> None:
    sound = StateStatus("sqlite", persistent=True, size_bytes=1)
    assert state_line(sound, PATH) == f"counters survive a restart in {PATH}"
    assert state_class(sound) == "ok"


@pytest.mark.parametrize("trouble", TROUBLES)
def test_every_trouble_is_told_in_its_words(trouble: str) -> None:
    status = StateStatus("sqlite", trouble=trouble)  # type: ignore[arg-type]  # one of them
    assert dict(TROUBLES)[trouble] in state_line(status, PATH)  # type: ignore[index]  # same
    assert PATH in state_line(status, PATH)
    assert state_class(status) == "failed"


def test_counts_that_are_not_saved_yet_are_told() -> None:
    waiting = StateStatus("sqlite")
    assert "not yet in the state file" in state_line(waiting, PATH)
    assert state_class(waiting) == "failed"


def test_the_page_and_the_metrics_tell_it() -> None:
    with rig() as held:
        page = held.get("/").text
        assert "runs are counted in memory" in page
        assert 'celigo_exporter_state_persistent{backend="memory"} 0.0' in held.scrape()


def test_the_page_tells_up_to_when_the_runs_were_read() -> None:
    with rig() as held:
        assert tiles(held.get("/").text)["Runs read up to"] == "not yet"
        held.scrape()
        held.idle()
        held.clock.advance(1)
        assert re.fullmatch(r"[0-9]+ s ago", tiles(held.get("/").text)["Runs read up to"])


def test_the_page_and_the_metrics_tell_a_state_file(tmp_path: Path) -> None:
    path = str(tmp_path / "state.db")
    with rig(state=StateSettings(path)) as held:
        assert f"counters survive a restart in {path}" in held.get("/").text
        assert 'celigo_exporter_state_persistent{backend="sqlite"} 1.0' in held.scrape()


def test_the_page_and_the_metrics_tell_a_state_file_that_is_of_no_use(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(b"these are no counters" * 100)
    with rig(state=StateSettings(str(path))) as held:
        assert "the state file" in held.get("/").text
        assert 'celigo_exporter_state_persistent{backend="sqlite"} 0.0' in held.scrape()
