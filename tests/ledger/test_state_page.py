"""docs/state.md says what the code does: every trouble, constant and metric it names."""

import re
from pathlib import Path

import pytest

from exporter.collect.departed import KEPT_SECONDS
from exporter.collect.jobs import GIVE_UP_SECONDS
from exporter.collect.windows import WHOLE_OVERLAP_SECONDS
from exporter.config.environment import VARIABLES
from exporter.config.settings import JobsSettings
from exporter.expose.catalogue import CATALOGUE
from exporter.ledger.sqlite import LOCK_SECONDS, RETRY_SECONDS
from exporter.ledger.trouble import LASTING, TROUBLES

PAGE = (Path(__file__).parents[2] / "docs" / "state.md").read_text()
TABLE = PAGE[PAGE.index("| `reason` |") :]
ROWS = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", TABLE.split("\n", 2)[2], re.MULTILINE))


def test_every_trouble_is_in_the_table_in_the_codes_words() -> None:
    assert dict(TROUBLES) == ROWS


@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_lasts_is_told_as_lasting(trouble: str) -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{trouble}` |"))
    assert ("tried again" in row) == (trouble not in LASTING)


def test_every_metric_it_names_exists() -> None:
    named = set(re.findall(r"celigo_[a-z_]+", PAGE)) - {"celigo_exporter"}
    assert named <= {metric.name for metric in CATALOGUE}
    assert len(named) >= 6


def test_the_times_are_those_of_the_code() -> None:
    assert (RETRY_SECONDS, LOCK_SECONDS, GIVE_UP_SECONDS, WHOLE_OVERLAP_SECONDS) == (10.0, 5.0, 600.0, 600.0)
    assert KEPT_SECONDS == 86_400
    assert JobsSettings().overlap == 7200.0
    assert "CELIGO_STATE_PATH" in VARIABLES
