"""Outside working hours a real Alertmanager keeps warnings to itself and pages for what is critical."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.alerting.alerts import firing, shipped_alerts
from tests.e2e.alertmanager import Alertmanager, Config, example, letters_to
from tests.e2e.inbox import Inbox
from tests.e2e.processes import until

ALERTS = shipped_alerts()
KEPT = "route is not within active time"
"""What Alertmanager says of a notification that it does not send."""


def at_work(config: Config, *days: str) -> Config:
    """The example with these days, all of their hours, in the place of its interval's."""
    (interval,) = config["time_intervals"]
    hours: list[dict[str, Any]] = [{"weekdays": list(days), "location": "UTC"}]
    return {**config, "time_intervals": [{"name": interval["name"], "time_intervals": hours}]}


def weekday(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%A").lower()


def test_a_warning_waits_for_working_hours_and_a_critical_alert_does_not(
    alertmanager_binary: str, tmp_path: Path
) -> None:
    with Inbox() as inbox:
        config = at_work(letters_to(inbox.url, tmp_path, example()), weekday(3))
        with Alertmanager(alertmanager_binary, tmp_path, config, "debug") as running:
            running.answering(f"{running.url}/-/ready")
            running.post([firing(ALERTS["CeligoFlowOverdue"], "acme"), firing(ALERTS["CeligoErrorStorm"], "acme")])
            until(lambda: KEPT in running.stderr(), "the warning is kept")
            inbox.first(lambda letter: letter.path == "/webhook/commerce-pager", "the page")
        assert {letter.path.rsplit("/", 1)[1] for letter in inbox.letters()} == {"commerce-pager"}


def test_within_working_hours_a_warning_is_told(alertmanager_binary: str, tmp_path: Path) -> None:
    with Inbox() as inbox:
        config = at_work(letters_to(inbox.url, tmp_path, example()), weekday(0), weekday(1))
        with Alertmanager(alertmanager_binary, tmp_path, config) as running:
            running.answering(f"{running.url}/-/ready")
            running.post([firing(ALERTS["CeligoFlowOverdue"], "acme")])
            inbox.first(lambda letter: letter.path == "/slack/commerce-chat", "the message in the chat")
