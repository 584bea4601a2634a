"""A short day in a real Prometheus: it ends now, and all that was scraped, recorded and alerted is in it."""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.rules.source import alerts
from tests.dashboards import day as days
from tests.dashboards.day import STORY, LivedPrometheus, every_series, played_day, the_day
from tests.dashboards.series import MINUTE
from tests.e2e.processes import Program, answers, until
from tests.incidents.scenario import read

pytestmark = pytest.mark.e2e

SHORT = Path(__file__).with_name("short.yml")
AHEAD = 5
DOWN = (14, 12)
"""So many minutes before the end the exporter went down, and was still down."""


@dataclass(frozen=True)
class Lived:
    """The short day, where it was kept, and when all of this began."""

    prometheus: LivedPrometheus
    kept: Path
    begun: float

    def rows(self, expression: str, minutes: float = 0) -> list[tuple[dict[str, str], float]]:
        """The answer so many minutes after the end of the day."""
        return self.prometheus.query(expression, self.prometheus.now + MINUTE * minutes)

    def value(self, expression: str, minutes: float = 0) -> float:
        """The only value of the answer."""
        ((_, value),) = self.rows(expression, minutes)
        return value


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    begun, kept = time.time(), tmp_path_factory.mktemp("kept")
    with played_day(kept, SHORT, AHEAD) as prometheus:
        yield Lived(prometheus, kept, begun)


def test_the_day_ends_in_the_minute_in_which_it_was_moved(lived: Lived) -> None:
    now = lived.prometheus.now
    assert lived.begun - MINUTE < now <= time.time()
    assert lived.value("timestamp(up)") == now


def test_what_lies_ahead_is_so_long_and_no_longer(lived: Lived) -> None:
    assert lived.value("timestamp(up)", AHEAD) == lived.prometheus.now + MINUTE * AHEAD
    assert lived.rows("up", AHEAD + 2) == []


def test_there_is_a_sample_of_every_minute(lived: Lived) -> None:
    assert lived.value("count_over_time(up[1h])") == 21


def test_series_have_the_labels_of_a_scrape(lived: Lived) -> None:
    ((labels, _),) = lived.rows("celigo_up")
    assert (labels["job"], labels["instance"]) == ("celigo-exporter", "exporter:10940")


def test_every_family_is_there_not_only_what_rules_read(lived: Lived) -> None:
    found = {labels["__name__"] for labels, _ in lived.rows('{__name__=~"celigo_.+"}', -8)}
    assert {
        "celigo_exporter_build_info",
        "celigo_exporter_series",
        "celigo_api_request_duration_seconds_bucket",
    } <= found
    assert found <= every_series()


def test_instants_are_moved_with_the_samples(lived: Lived) -> None:
    assert lived.value("time() - celigo_exporter_snapshot_timestamp_seconds") == pytest.approx(0, abs=MINUTE)
    assert lived.value("time() - max(celigo_flow_last_executed_timestamp_seconds)", -8) < 10 * MINUTE


def test_what_is_no_instant_is_left_as_it_was(lived: Lived) -> None:
    assert lived.value('celigo_exporter_collector_interval_seconds{collector="jobs"}') == 60


def test_what_rules_record_is_there(lived: Lived) -> None:
    names = {labels["__name__"] for labels, _ in lived.rows('{__name__=~"celigo:.+"}', -8)}
    assert {"celigo:account_labels", "celigo:flow_trouble_named:runs"} <= names


def test_a_recorded_instant_is_moved_too(lived: Lived) -> None:
    """The flow was edited when the day began, 12 minutes before."""
    assert lived.value("(time() - celigo:flow_edited_since_success) / 60", -8) == pytest.approx(12, abs=1)


def test_alerts_wait_and_then_fire(lived: Lived) -> None:
    rejected = 'ALERTS{alertname="CeligoTokenRejected"}'
    assert [labels["alertstate"] for labels, _ in lived.rows(rejected, -8)] == ["pending"]
    assert [labels["alertstate"] for labels, _ in lived.rows(rejected)] == ["firing"]


def test_while_the_exporter_is_down_nothing_of_it_is_there(lived: Lived) -> None:
    for before in DOWN:
        assert lived.value("up", -before) == 0
        # A sample is good for 90 seconds.
        assert lived.rows("celigo_up", 0.9 - before) == []
    assert lived.value("celigo_up", -11) == 1


def test_names_come_through_as_they_are(lived: Lived) -> None:
    name = 'Orders "B2B" → C:\\'
    assert {labels["flow_name"] for labels, _ in lived.rows("celigo_flow_info", -15)} >= {name}
    assert {labels["flow_name"] for labels, _ in lived.rows("celigo:flow_labels", -15)} >= {name}


def test_a_day_that_was_kept_is_not_played_again(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(days, "lived")
    kept = the_day(SHORT, lived.kept)
    assert (kept.last, len(list(lived.kept.iterdir()))) == (25, 1)


def test_the_command_prints_the_url_and_leaves_nothing_running(lived: Lived) -> None:
    command = [sys.executable, "-m", "tests.dashboards.day", "--serve", f"--keep={lived.kept}", f"--story={SHORT}"]
    with Program(command) as program:
        url = until(lambda: program.running() and program.stdout().strip(), "the URL is printed")
        assert answers(f"{url}/-/ready")
        status, _ = program.terminate()
    assert status == 0
    assert not answers(f"{url}/-/ready")


def test_the_story_names_parts_that_it_has() -> None:
    story = read(STORY)
    named = {
        step.options[key] for step in story.steps for key in ("flow", "connection", "agent") if key in step.options
    }
    assert named - set(story.cast) == {"<script>alert('flow')</script>", "  blanks around  "}


@pytest.mark.timeout(1800)
def test_the_day_shows_most_alerts_and_families(lived: Lived) -> None:
    """With `make prove` the whole day, else the short story, which is kept already."""
    story, keep, alerted, absent = (STORY, None, 48, 0) if os.environ.get("PROVE") else (SHORT, lived.kept, 1, 20)
    series = the_day(story, keep).series
    fired = {alert.alert for alert in alerts() if any(_fires(name, alert.alert) for name in series)}
    missing = every_series() - {name.partition("{")[0] for name in series}
    print(f"{len(fired)} alerts fire, {len(missing)} of the exporter's series are missing")
    assert len(fired) >= alerted
    assert len(missing) <= absent


def _fires(series: str, alert: str) -> bool:
    return series.startswith("ALERTS{") and f'alertname="{alert}",alertstate="firing"' in series
