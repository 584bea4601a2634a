"""Who is told what: amtool asks the shipped example for each kind of alert, a real Alertmanager groups them."""

import subprocess
from pathlib import Path

import pytest

from tests.alerting.alerts import Alert, firing, shipped_alerts
from tests.e2e.alertmanager import EXAMPLE, Alertmanager, example, routes, without_letters
from tests.e2e.processes import until

ALERTS = shipped_alerts()

CASES = [
    ("a critical alert pages its team", "critical", "commerce", "commerce-pager"),
    ("another team's pages that team", "critical", "finance", "finance-pager"),
    ("a critical alert of nobody pages the default team", "critical", "", "platform-pager"),
    ("so does one of a team that has no route", "critical", "logistics", "platform-pager"),
    ("a warning goes to the chat of its team", "warning", "commerce", "commerce-chat"),
    ("another team's goes to that team", "warning", "finance", "finance-chat"),
    ("a warning of nobody goes to the default team", "warning", "", "platform-chat"),
    ("so does one of a team that has no route", "warning", "logistics", "platform-chat"),
    ("information is digested for its team", "info", "commerce", "commerce-digest"),
    ("another team's for that team", "info", "finance", "finance-digest"),
    ("information of nobody for the default team", "info", "", "platform-digest"),
    ("an alert without a severity is not lost", "", "commerce", "platform-chat"),
]


def receivers_of(amtool: str, labels: dict[str, str]) -> str:
    """What amtool says about these labels."""
    given = [f"{name}={value}" for name, value in labels.items() if value]
    command = [amtool, "config", "routes", "test", f"--config.file={EXAMPLE}", *given]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


@pytest.mark.parametrize(
    ("severity", "team", "receiver"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_the_severity_and_the_team_choose_the_receiver(amtool: str, severity: str, team: str, receiver: str) -> None:
    labels = {"alertname": "CeligoFlowOverdue", "severity": severity, "team": team, "account": "acme"}
    assert receivers_of(amtool, labels) == receiver


@pytest.mark.parametrize("team", ["", "commerce"])
@pytest.mark.parametrize("alert", ALERTS.values(), ids=list(ALERTS))
def test_every_shipped_alert_reaches_what_its_severity_says(amtool: str, alert: Alert, team: str) -> None:
    service = {"critical": "pager", "warning": "chat", "info": "digest"}[alert.severity]
    labels = firing(alert, "acme") | {"team": team}
    assert receivers_of(amtool, labels) == f"{team or 'platform'}-{service}"


def test_only_pagers_page_and_each_pager_tells_the_chat_as_well() -> None:
    for receiver in example()["receivers"]:
        kinds = {name for name in receiver if name != "name"}
        service = receiver["name"].split("-")[1]
        expected = {
            "pager": {"pagerduty_configs", "slack_configs"},
            "chat": {"slack_configs"},
            "digest": {"email_configs"},
        }
        assert kinds == expected[service], receiver["name"]


def test_warnings_wait_for_working_hours_and_nothing_else_does() -> None:
    """Alertmanager does not hand an interval down to the routes below, so each is looked at."""
    for route in routes(example()["route"]["routes"][0]):
        if "receiver" in route:
            waits = ["working-hours"] if route["receiver"].endswith("-chat") else []
            assert route.get("active_time_intervals", []) == waits, route


def groups_of(alertmanager: Alertmanager, alerts: list[dict[str, str]]) -> list[tuple[str, int]]:
    """Receiver and size of each notification that these alerts make."""
    alertmanager.post(alerts)

    def complete() -> list[tuple[str, int]] | None:
        found = [(group["receiver"]["name"], len(group["alerts"])) for group in alertmanager.groups()]
        return sorted(found) if sum(size for _, size in found) == len(alerts) else None

    return until(complete, "all alerts are in groups")


def many(name: str, count: int, **labels: str) -> list[dict[str, str]]:
    """One alert for so many flows, connections, ..."""
    kind = ALERTS[name].scope
    return [firing(ALERTS[name], "acme") | {f"{kind}_id": f"{kind} {number}"} | labels for number in range(count)]


GROUPS = {
    "forty flows of one integration are one page": (
        many("CeligoFlowFailingRepeatedly", 40),
        [("commerce-pager", 40)],
    ),
    "different troubles of one integration are one warning": (
        many("CeligoFlowOverdue", 20)
        + many("CeligoFlowRunStuck", 20)
        + many("CeligoThroughputDrop", 1, team="commerce", integration_id="i1"),
        [("commerce-chat", 41)],
    ),
    "two integrations are two": (
        many("CeligoFlowFailingRepeatedly", 3) + many("CeligoErrorStorm", 2, integration_id="i2"),
        [("commerce-pager", 2), ("commerce-pager", 3)],
    ),
    "two accounts are two": (
        many("CeligoFlowFailingRepeatedly", 3) + many("CeligoFlowFailingRepeatedly", 2, account="other"),
        [("commerce-pager", 2), ("commerce-pager", 3)],
    ),
    "an outage of one kind of system is one": (
        many("CeligoConnectionNotRecovering", 12, agent_id="") + many("CeligoConnectionNotRecovering", 1, type="http"),
        [("platform-pager", 1), ("platform-pager", 12)],
    ),
    "information of a day is one for each team": (
        many("CeligoFlowRunFailed", 5) + many("CeligoFlowDstSkipUpcoming", 4, integration_id="i2"),
        [("commerce-digest", 9)],
    ),
}


@pytest.mark.parametrize(("alerts", "expected"), GROUPS.values(), ids=list(GROUPS))
def test_what_belongs_together_is_one_notification(
    alertmanager_binary: str, tmp_path: Path, alerts: list[dict[str, str]], expected: list[tuple[str, int]]
) -> None:
    with Alertmanager(alertmanager_binary, tmp_path, without_letters(example())) as running:
        running.answering(f"{running.url}/-/ready")
        assert groups_of(running, alerts) == expected
