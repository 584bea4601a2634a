"""Which alert hides which, asked of a real Alertmanager: every pair of alerts, and nothing beyond the table."""

import re
from collections.abc import Iterable, Iterator
from itertools import permutations
from pathlib import Path

import pytest

from tests.alerting.alerts import firing, shipped_alerts
from tests.e2e.alertmanager import Alertmanager, example, without_letters
from tests.e2e.processes import until

ALERTS = shipped_alerts()
PARTS = {alert.name for alert in ALERTS.values() if alert.scope in {"flow", "integration", "connection", "agent"}}

READING = {
    *("CeligoTokenLacksScope", "CeligoDataStale", "CeligoApiThrottled"),
    *("CeligoExporterBudgetExhausted", "CeligoPlatformApiErrors", "CeligoPlatformApiSlow"),
    *("CeligoApiAnswersUnreadable", "CeligoRowsRejected", "CeligoListingTruncated"),
    *("CeligoManyFlowsOverdue", "CeligoNoRunsFinished"),
}
"""What follows when an account cannot be read."""

HIDES: tuple[tuple[str, str, set[str]], ...] = (
    ("CeligoTokenRejected", "account", {"CeligoApiUnreachable", "CeligoTokenExpiring", *READING, *PARTS}),
    ("CeligoApiUnreachable", "account", {*READING, *PARTS}),
    ("CeligoManyFlowsOverdue", "account", {"CeligoFlowOverdue", "CeligoFlowMissedRuns"}),
    (
        "CeligoNoRunsFinished",
        "account",
        {
            *("CeligoFlowOverdue", "CeligoFlowMissedRuns", "CeligoListenerFlowSilent", "CeligoThroughputDrop"),
            *("CeligoFreshnessSloBreached", "CeligoFreshnessSloSlowBurn"),
        },
    ),
    ("CeligoManyFlowsTurnedOff", "integration_id", {"CeligoFlowTurnedOff"}),
    ("CeligoFlowMissedRuns", "flow_id", {"CeligoFlowOverdue"}),
    ("CeligoFlowFailingRepeatedly", "flow_id", {"CeligoFlowRunFailed"}),
    ("CeligoFlowFailingSinceChange", "flow_id", {"CeligoFlowRunFailed"}),
    ("CeligoFlowRunStalled", "flow_id", {"CeligoFlowRunStuck", "CeligoFlowRunVeryLong"}),
    ("CeligoFlowRunVeryLong", "flow_id", {"CeligoFlowRunStuck"}),
    ("CeligoFreshnessSloBreached", "flow_id", {"CeligoFreshnessSloSlowBurn"}),
    ("CeligoErrorStorm", "flow_id", {"CeligoOpenErrorsGrowing", "CeligoFlowPartialErrors"}),
    ("CeligoRecordSloFastBurn", "integration_id", {"CeligoRecordSloSlowBurn"}),
    (
        "CeligoAgentOffline",
        "agent_id",
        {
            *("CeligoConnectionOffline", "CeligoConnectionNotRecovering", "CeligoConnectionFlapping"),
            *("CeligoConnectionConcurrencyCut", "CeligoConnectionBacklog"),
        },
    ),
    (
        "CeligoConnectionNotRecovering",
        "connection_id",
        {"CeligoConnectionOffline", "CeligoConnectionBacklog", "CeligoConnectionConcurrencyCut"},
    ),
    ("CeligoConnectionOffline", "connection_id", {"CeligoConnectionBacklog", "CeligoConnectionConcurrencyCut"}),
    ("CeligoLicenseExpiringCritical", "license_id", {"CeligoLicenseExpiring"}),
)
"""Which alert hides which others, and of which the two must be the same (an account, a flow, ...)."""

PAGE = Path(__file__).parents[2] / "docs/alerting.md"
Hidden = set[tuple[str, str]]


@pytest.fixture
def alertmanager(alertmanager_binary: str, tmp_path: Path) -> Iterator[Alertmanager]:
    """The shipped example with receivers that tell nobody; fresh, as it judges all that it knows at each question."""
    with Alertmanager(alertmanager_binary, tmp_path, without_letters(example())) as running:
        yield running.answering(f"{running.url}/-/ready")


def hidden(alertmanager: Alertmanager, pairs: Iterable[tuple[str, str]], place: str, **differs: str) -> Hidden:
    """Those of the pairs whose second alert is hidden while the first one fires.

    `differs` replaces labels of the second one. Each pair has an account of its own, so that all are asked at once.
    """
    accounts = {f"{place} {number}": pair for number, pair in enumerate(pairs)}
    sent = []
    for account, (source, target) in accounts.items():
        other = firing(ALERTS[target], account)
        other |= {name: f"{account} {value}" if name == "account" else value for name, value in differs.items()}
        sent += [firing(ALERTS[source], account), {name: value for name, value in other.items() if value}]
        sent[-1]["asked"] = account
    alertmanager.post(sent)
    last = f"{place} last"
    alertmanager.post([firing(ALERTS[name], last) | {"asked": f"{last} {name}"} for name in LAST])
    # Alertmanager takes alerts in their order: once the last pair is seen to be one, so is every other.
    until(lambda: f"{last} {LAST[1]}" in _inhibited(alertmanager), "the last pair is judged")
    return {accounts[asked] for asked in _inhibited(alertmanager) if asked in accounts}


LAST = ("CeligoLicenseExpiringCritical", "CeligoLicenseExpiring")


def _inhibited(alertmanager: Alertmanager) -> set[str]:
    return {str(found["labels"].get("asked")) for found in alertmanager.alerts() if found["status"]["inhibitedBy"]}


def table(*, but: str = "") -> Hidden:
    """The pairs of the table, without those that must have the label `but` in common."""
    return {(source, target) for source, label, targets in HIDES for target in targets if label != but}


def test_exactly_what_the_table_says_is_hidden_in_either_direction(alertmanager: Alertmanager) -> None:
    """All ordered pairs of alerts of one account, integration, flow, connection, agent and licence."""
    pairs = set(permutations(ALERTS, 2))
    found = hidden(alertmanager, pairs, "here")
    print(f"{len(pairs)} pairs of alerts asked, {len(found)} hidden")
    assert found == table()


@pytest.mark.parametrize("label", ["account", "environment"])
def test_nothing_is_hidden_in_another_account_or_environment(alertmanager: Alertmanager, label: str) -> None:
    assert hidden(alertmanager, table(), f"other {label}", **{label: "other"}) == set()


@pytest.mark.parametrize("label", ["flow_id", "integration_id", "connection_id", "agent_id", "license_id"])
def test_nothing_is_hidden_by_another_one_of_its_kind(alertmanager: Alertmanager, label: str) -> None:
    assert hidden(alertmanager, table(), f"other {label}", **{label: "other"}) == table(but=label)


def test_an_offline_agent_hides_no_connection_that_has_no_agent(alertmanager: Alertmanager) -> None:
    """Alertmanager takes a label that both lack for equal; here one side always has it."""
    assert hidden(alertmanager, table(), "no agent", agent_id="") == table(but="agent_id")


def test_the_page_says_the_same() -> None:
    """Its rows name alerts; two of them say in words what is too much to name."""
    in_words = {"CeligoTokenRejected", "CeligoApiUnreachable", "CeligoAgentOffline"}
    section = PAGE.read_text().split("## Which alert hides which")[1]
    rows = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("| `")]
    names = [[set(re.findall(r"`(Celigo\w+)`", cell)) for cell in row] for row in rows]
    assert in_words < set.union(*(sources for sources, _ in names))
    said = {(source, target) for sources, targets in names for source in sources - in_words for target in targets}
    assert said == {(source, target) for source, target in table() if source not in in_words}
