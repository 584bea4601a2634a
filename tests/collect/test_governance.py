"""Four sources, each with a fate of its own: read when due, published apart, refused or failing alone."""

from dataclasses import dataclass, field

import pytest

from exporter.api.errors import ApiError, Forbidden, NotFound, ServerError, Timeout, Unauthorized, UnexpectedShape
from exporter.api.models_governance import Allowance, Consumed, EntitlementUsage, License, Notification, Usage
from exporter.collect.audit import AuditCounts
from exporter.collect.governance import LISTS, GovernanceCollector
from exporter.collect.kept_notes import audit_note
from exporter.collect.licenses import LicensesView, UsageView
from exporter.collect.notifications import NotificationsView
from exporter.collect.optional import Availability
from exporter.config.settings import GovernanceSettings
from exporter.ledger.runs import RunLedger
from tests.collect.governance_client import GovernanceClient
from tests.ledger.kept import KeptStore

SETTINGS = GovernanceSettings()
PATHS = {
    "audit_pages": "/v1/audit",
    "licenses": "/v1/licenses",
    "entitlement_usage": "/v1/licenseEntitlementUsage",
    "notifications": "/v1/notifications",
}
"""Calls of the client and the paths they ask."""

PARTS = {"audit_pages": "audit", "licenses": "licenses", "entitlement_usage": "entitlement_usage"}
PARTS["notifications"] = "notifications"
EACH = pytest.mark.parametrize("call", PATHS)


def refusal(call: str, kind: type[ApiError] = Forbidden) -> ApiError:
    return kind(PATHS[call], status={Forbidden: 403, NotFound: 404, Unauthorized: 401}[kind])


@dataclass
class Governed:
    """An account with a little of everything, and its collector."""

    client: GovernanceClient = field(default_factory=GovernanceClient)
    sandbox: bool = False
    store: KeptStore = field(default_factory=KeptStore)
    collector: GovernanceCollector = field(init=False)
    availability: Availability = field(init=False)

    def __post_init__(self) -> None:
        flows = Usage(flows=Consumed(num_enabled=4))
        self.client.usage = EntitlementUsage(production=flows, sandbox=Usage(flows=Consumed(num_enabled=1)))
        bought, tried = Allowance(num_flows=10), Allowance(num_flows=3)
        self.client.rows = {
            "licenses": (License(id="l1", type="platform", production=bought, sandbox=tried),),
            "notifications": (Notification(id="n1", flow_id="f1"),),
        }
        self.availability = Availability("acme", self.client.clock)
        self.restart()

    def restart(self) -> None:
        """A new collector on what the store has."""
        note = audit_note(RunLedger(self.store).memory)
        self.collector = GovernanceCollector(self.client, SETTINGS, self.availability, note, sandbox=self.sandbox)

    def run(self, after: float = 0.0) -> ApiError | None:
        self.client.clock.advance(after)
        return self.client.collect(self.collector)

    def runs(self, count: int) -> list[ApiError | None]:
        return [self.run(SETTINGS.interval) for _ in range(count)]

    @property
    def published(self) -> set[str]:
        return set(self.client.published.views)


def test_one_run_reads_and_publishes_everything() -> None:
    governed = Governed()
    governed.client.happen("history")
    assert governed.run() is None
    views = governed.client.published.views
    assert isinstance(views.pop("audit"), AuditCounts)
    assert views == {
        "licenses": LicensesView({"l1": ("platform", None)}, {"flows": 10}),
        "entitlement_usage": UsageView({"flows": 4}),
        "notifications": NotificationsView(frozenset({"f1"})),
    }


def test_a_sandbox_account_has_the_sandbox_part() -> None:
    governed = Governed(sandbox=True)
    governed.run()
    views = governed.client.published.views
    assert (views["licenses"].limits, views["entitlement_usage"].used) == ({"flows": 3}, {"flows": 1})


def test_the_audit_log_is_read_in_every_run_and_the_lists_once_an_hour() -> None:
    governed = Governed()
    governed.run()
    governed.runs(24)
    assert governed.client.calls == {"audit_pages": 25, "licenses": 3, "entitlement_usage": 3, "notifications": 3}


def test_a_run_that_comes_a_moment_early_reads_a_list_that_would_else_be_late() -> None:
    governed = Governed()
    governed.run()
    governed.run(SETTINGS.lists_interval - 1)
    assert governed.client.calls["licenses"] == 2


def test_each_view_is_true_as_of_its_own_reading() -> None:
    governed = Governed()
    governed.client.fetched_at = {"licenses": 11.0, "notifications": 12.0}
    started = governed.client.clock.monotonic()
    governed.run()
    assert governed.client.published.at == {
        "audit": started,
        "licenses": 11.0,
        "entitlement_usage": started,
        "notifications": 12.0,
    }


@EACH
@pytest.mark.parametrize("kind", [Forbidden, NotFound, Unauthorized], ids=lambda kind: kind.type)
def test_a_refusal_is_no_failure_and_costs_its_own_part_alone(call: str, kind: type[ApiError]) -> None:
    governed = Governed()
    governed.client.failing[call] = refusal(call, kind)
    assert governed.run() is None
    assert governed.published == set(PARTS.values()) - {PARTS[call]}
    assert governed.availability.known() == {path: path != PATHS[call] for path in PATHS.values()}


def test_what_is_refused_altogether_is_a_success_with_nothing_to_say() -> None:
    governed = Governed()
    governed.client.failing = {call: refusal(call) for call in PATHS}
    assert set(governed.runs(30)) == {None}
    assert governed.published == set()
    assert set(governed.availability.known().values()) == {False}
    assert max(governed.client.calls.values()) <= 6


def test_what_is_allowed_later_is_read_then() -> None:
    governed = Governed()
    governed.client.failing = {call: refusal(call) for call in PATHS}
    governed.runs(3)
    governed.client.failing.clear()
    governed.runs(8)
    assert governed.published == set(PARTS.values())
    assert set(governed.availability.known().values()) == {True}


@EACH
@pytest.mark.parametrize(
    "failure", [ServerError("/v1/x", status=500), Timeout("/v1/x"), UnexpectedShape("/v1/x", status=200)], ids=str
)
def test_a_failure_fails_the_run_after_the_others_were_published(call: str, failure: ApiError) -> None:
    governed = Governed()
    governed.client.failing[call] = failure
    assert governed.run() is failure
    assert governed.published == set(PARTS.values()) - {PARTS[call]}


@pytest.mark.parametrize("call", LISTS)
def test_a_list_that_failed_is_tried_again_in_the_next_run_and_the_others_are_not(call: str) -> None:
    governed = Governed()
    governed.client.failing[call] = ServerError(PATHS[call], status=500)
    governed.run()
    assert isinstance(governed.run(SETTINGS.interval), ServerError)
    assert {name: governed.client.calls[name] for name in LISTS} == {**dict.fromkeys(LISTS, 1), call: 2}
    del governed.client.failing[call]
    assert governed.run(SETTINGS.interval) is None
    assert PARTS[call] in governed.published


def test_a_refusal_beside_a_failure_is_still_none() -> None:
    governed = Governed()
    governed.client.failing = {"licenses": refusal("licenses"), "notifications": ServerError("/v1/n", status=500)}
    assert isinstance(governed.run(), ServerError)


def test_a_token_that_died_ends_the_run_at_once() -> None:
    governed = Governed()
    governed.client.failing = {call: refusal(call, Unauthorized) for call in PATHS}
    governed.client.failing["token_info"] = Unauthorized("/v1/tokenInfo", status=401)
    assert isinstance(governed.run(), Unauthorized)
    assert governed.client.calls == {"audit_pages": 1, "token_info": 1}
    assert governed.availability.known() == {}


def test_counts_are_published_also_when_only_a_part_could_be_read() -> None:
    governed = Governed()
    governed.run()
    governed.client.page_size = 1
    for number in range(50):
        governed.client.clock.advance(1728)
        governed.client.happen(f"{number}")
    governed.client.pages_left = 60
    assert isinstance(governed.run(), ServerError)
    assert 0 < sum(governed.client.published.views["audit"].counts.values()) < 50
    assert governed.client.published.at["audit"] == governed.client.clock.monotonic()


def test_a_failed_reading_publishes_no_counts_again() -> None:
    governed = Governed()
    governed.run()
    governed.client.failing["audit_pages"] = ServerError("/v1/audit", status=500)
    governed.runs(3)
    assert governed.client.published.count["audit"] == 1


def test_a_licence_that_cannot_be_read_is_kept_until_it_is_stale() -> None:
    governed = Governed()
    governed.run()
    governed.client.unread["licenses"] = {"l1"}
    governed.client.rows["licenses"] = (License(id="l2"),)
    governed.run(SETTINGS.lists_interval)
    assert set(governed.client.published.views["licenses"].licenses) == {"l1", "l2"}
    governed.run(SETTINGS.lists_lasting_seconds)
    assert set(governed.client.published.views["licenses"].licenses) == {"l2"}


@pytest.mark.parametrize("call", ["licenses", "notifications"])
def test_a_list_of_which_no_row_can_be_read_is_a_failure(call: str) -> None:
    governed = Governed()
    governed.client.rows[call] = ()
    governed.client.incomplete.add(call)
    assert isinstance(governed.run(), UnexpectedShape)
    assert PARTS[call] not in governed.published


def test_subscriptions_that_are_not_all_known_publish_nothing_and_fail_nothing() -> None:
    governed = Governed()
    governed.client.incomplete.add("notifications")
    assert governed.run() is None
    assert "notifications" not in governed.published


def test_an_answer_without_numbers_about_use_is_no_failure() -> None:
    governed = Governed()
    governed.client.usage = None
    assert governed.run() is None
    assert "entitlement_usage" not in governed.published


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        (GovernanceSettings(), 10_800),
        (GovernanceSettings(lists_interval=60), 900),
        (GovernanceSettings(staleness=20_000), 20_000),
    ],
    ids=["default", "lists as often as the rest", "configured"],
)
def test_what_a_list_tells_lasts_at_least_three_of_its_intervals(settings: GovernanceSettings, seconds: float) -> None:
    assert settings.lists_staleness_seconds == seconds
    assert settings.lists_lasting_seconds == seconds - settings.lists_interval
