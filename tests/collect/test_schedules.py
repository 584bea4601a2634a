"""The schedules collector: what is told of flows, as of the newest reading of jobs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from random import Random
from typing import Any

import pytest

from exporter.api.errors import ApiError, Timeout, UnexpectedShape
from exporter.api.listing import Listing
from exporter.api.models import Flow, Instant
from exporter.api.refresh import Refresh
from exporter.collect import outlook, schedules
from exporter.collect.active import ActiveRunsView
from exporter.collect.expectations import begun
from exporter.collect.inventory import FlowFacts, InventoryView
from exporter.collect.jobs import FinishedRunsView
from exporter.collect.model import AccountModel, Part
from exporter.collect.plans import Plan, plan_of
from exporter.collect.schedules import SCHEDULES_BLOCK, SchedulesCollector, SchedulesView
from exporter.config.settings import CollectorSettings
from exporter.expose import catalogue
from exporter.ledger.history import HOUR, FlowHistory, Hours
from exporter.ledger.memory import Memory
from exporter.ledger.runs import RunLedger
from exporter.ledger.state import Backfill, Expectation
from exporter.ledger.tally import FinishedRun, FlowTally
from tests.clocks import EPOCH, ManualClock
from tests.collect.blocks import built
from tests.ledger.kept import KeptStore

DAY = 86_400.0
PARTS = ("finished_runs", "active_runs", "inventory", "schedules")


@dataclass(slots=True)
class Client:
    """The flows of an account."""

    clock: ManualClock
    rows: list[Flow] = field(default_factory=list)
    complete: bool = True
    unread: frozenset[str] = frozenset()
    error: ApiError | None = None
    failure: ApiError | None = None

    def flows(self, refresh: Refresh) -> Listing[Flow]:
        del refresh
        if self.error is not None:
            raise self.error
        now = self.clock.monotonic()
        return Listing(tuple(self.rows), self.complete, now, failure=self.failure, unread=self.unread)

    def server_now(self) -> float:
        return self.clock.time()


@dataclass(slots=True)
class Kit:
    """The collector and everything around it."""

    clock: ManualClock = field(default_factory=ManualClock)
    store: KeptStore = field(default_factory=KeptStore)
    client: Client = field(init=False)
    model: AccountModel = field(init=False)
    collector: SchedulesCollector = field(init=False)
    memory: Memory = field(init=False)
    silence: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client = Client(self.clock)
        self.store.state.backfills["flow"] = Backfill(EPOCH, EPOCH - 30 * DAY)
        self.restart()

    def restart(self) -> None:
        self.model = AccountModel(tuple(Part(name, 300.0) for name in PARTS))
        self.memory = RunLedger(self.store).memory
        self.collector = SchedulesCollector(
            self.client, CollectorSettings(), self.model, self.memory, 7200.0, lambda flow, _: self.silence.get(flow.id)
        )

    def flow(self, flow_id: str, schedule: Any = "? 0 * ? * *", **more: Any) -> None:
        row = Flow(id=flow_id, schedule=schedule, created_at=Instant(EPOCH - 90 * DAY), **more)
        self.client.rows = [*(each for each in self.client.rows if each.id != flow_id), row]

    def jobs(self, *created: float, histories: dict[str, FlowHistory] | None = None) -> None:
        """Runs of `flow` created at these instants have been read just now."""
        now, history, last = self.clock.monotonic(), FlowHistory(), None
        for at in created:
            last = FinishedRun("r", "flow", "i", "completed", at, at + 5, 5.0, 0.0, (1, 0, 0))
            history = history.ran(last)
        held = {"flow": history, **(histories or {})}
        view = FinishedRunsView({"flow": FlowTally(last=last)}, {}, False, {}, held)
        self.model.publish("active_runs", ActiveRunsView(()), now)
        self.model.publish("finished_runs", view, now)

    def inventory(self, **triggers: str) -> None:
        flows = {name: FlowFacts(name, name, "i", True, False, trigger) for name, trigger in triggers.items()}  # type: ignore[arg-type]  # a word of the enumeration
        self.model.publish("inventory", InventoryView({}, flows), self.clock.monotonic())

    def collect(self) -> ApiError | None:
        try:
            self.collector.collect(Refresh(self.clock, self.clock.monotonic() + 60), self.model.publish)
        except ApiError as error:
            return error
        return None

    @property
    def view(self) -> SchedulesView | None:
        return self.model.view("schedules", SchedulesView, self.clock.monotonic())

    def told(self) -> SchedulesView:
        view = self.view
        assert view is not None
        return view


@pytest.fixture
def kit() -> Kit:
    return Kit()


def next_hour() -> float:
    return EPOCH - EPOCH % HOUR + HOUR


def test_what_is_expected_is_told_once_flows_and_jobs_are_known(kit: Kit) -> None:
    kit.flow("flow")
    kit.jobs(EPOCH - 60)
    assert kit.collect() is None
    assert kit.told().expected["flow"].next_run == next_hour()
    assert kit.told().intervals == {"flow": HOUR}


@pytest.mark.parametrize("missing", ["finished_runs", "active_runs"])
def test_without_a_reading_of_jobs_nothing_is_told(kit: Kit, missing: str) -> None:
    kit.flow("flow")
    now = kit.clock.monotonic()
    if missing != "finished_runs":
        kit.model.publish("finished_runs", FinishedRunsView({}, {}, False, {}), now)
    if missing != "active_runs":
        kit.model.publish("active_runs", ActiveRunsView(()), now)
    kit.collect()
    assert kit.view is None


def test_a_new_reading_of_jobs_is_told_without_asking_for_flows(kit: Kit) -> None:
    kit.flow("flow")
    kit.jobs(next_hour() - HOUR + 1)
    kit.collect()
    kit.clock.advance(HOUR)
    kit.jobs(next_hour() + 1)
    kit.client.error = Timeout("/v1/flows")
    kit.collector.tell(kit.model.publish, kit.clock.monotonic())
    # The schedules are an hour old by now, which is too old to be shown.
    assert kit.view is None
    kit.client.error = None
    kit.collect()
    assert kit.told().expected["flow"].next_run == next_hour() + HOUR


def test_what_happened_after_the_reading_of_jobs_is_not_missed(kit: Kit) -> None:
    kit.clock.advance(next_hour() - EPOCH - 30)
    kit.flow("flow", "? * * ? * *")
    kit.jobs(kit.clock.time() - 20)
    kit.clock.advance(290)  # that reading is still served
    kit.collect()
    assert kit.told().expected["flow"].missed == 0


def test_jobs_that_are_stale_take_the_expectations_with_them(kit: Kit) -> None:
    kit.flow("flow")
    kit.jobs(EPOCH - 60)
    kit.collect()
    for _ in range(6):
        kit.clock.advance(60)
        kit.collect()
    assert kit.view is None


def test_a_listing_that_fails_is_the_runs_failure_and_keeps_what_is_known(kit: Kit) -> None:
    kit.flow("flow")
    kit.jobs(EPOCH - 60)
    kit.collect()
    kit.client.error = Timeout("/v1/flows")
    kit.clock.advance(60)
    assert isinstance(kit.collect(), Timeout)
    assert "flow" in kit.told().expected


def test_older_rows_that_stand_in_are_told_and_are_a_failure(kit: Kit) -> None:
    kit.flow("flow")
    kit.jobs(EPOCH - 60)
    kit.client.failure = Timeout("/v1/flows")
    assert isinstance(kit.collect(), Timeout)
    assert "flow" in kit.told().expected


def test_a_listing_of_which_nothing_can_be_read_is_a_failure(kit: Kit) -> None:
    kit.client.unread = frozenset({"flow"})
    assert isinstance(kit.collect(), UnexpectedShape)


def test_a_flow_that_is_not_listed_any_more_is_gone_and_forgotten(kit: Kit) -> None:
    kit.flow("flow")
    kit.flow("other")
    kit.jobs(EPOCH - 60)
    kit.collect()
    kit.client.rows = [row for row in kit.client.rows if row.id == "flow"]
    kit.collect()
    assert kit.told().expected.keys() == kit.store.state.expectations.keys() == {"flow"}


def test_a_cut_listing_takes_nothing_away(kit: Kit) -> None:
    kit.flow("flow")
    kit.flow("other")
    kit.jobs(EPOCH - 60)
    kit.collect()
    kit.client.rows, kit.client.complete = kit.client.rows[:1], False
    kit.collect()
    assert kit.told().expected.keys() == kit.store.state.expectations.keys() == {"flow", "other"}


def test_when_a_flow_was_scheduled_anew_is_known_after_a_restart(kit: Kit) -> None:
    kit.flow("flow")
    kit.jobs(EPOCH - 50 * HOUR)
    kit.collect()
    kit.flow("flow", "? 30 * ? * *")
    kit.collect()
    kit.restart()
    kit.clock.advance(60)
    kit.jobs(EPOCH - 50 * HOUR)
    kit.collect()
    assert kit.store.state.expectations["flow"] == Expectation(kit.store.state.expectations["flow"].fingerprint, EPOCH)
    assert kit.told().expected["flow"].missed == 0


@pytest.mark.parametrize("seed", range(4))
def test_since_when_flows_are_expected_is_noted_as_if_all_were_looked_at_each_time(kit: Kit, seed: int) -> None:
    random, noted, plans = Random(seed), dict[str, Expectation](), dict[str, Plan]()
    for _ in range(60):
        kit.clock.advance(random.choice([0.0, 1.0, 60.0, 4000.0]))
        kit.client.complete = random.random() < 0.7
        for name in random.sample("abcdef", random.randrange(3)):
            if random.random() < 0.3:
                kit.client.rows = [row for row in kit.client.rows if row.id != name]
            else:
                kit.flow(name, random.choice(["? 0 * ? * *", "? 30 * ? * *"]), disabled=random.random() < 0.2)
        if random.random() < 0.1:
            kit.restart()
            plans = {}
        elif random.random() < 0.1:  # another collector of the same account notes something else
            noted["a"] = Expectation("other", EPOCH - HOUR)
            kit.memory.expect({"a": noted["a"]}, ())
        kit.collect()
        listed = {row.id: plan_of(row) for row in kit.client.rows}
        plans = listed if kit.client.complete else {**plans, **listed}
        noted |= begun(plans.values(), noted, kit.clock.time())
        if kit.client.complete:
            noted = {name: row for name, row in noted.items() if name in plans}
        assert kit.store.state.expectations == noted


def test_since_when_is_worked_out_for_flows_that_changed_alone(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def counted(plans: Iterable[Plan], *more: Any) -> Mapping[str, Expectation]:
        chosen = list(plans)
        asked.append([plan.flow_id for plan in chosen])
        return begun(chosen, *more)

    monkeypatch.setattr(schedules, "begun", counted)
    for name in "abc":
        kit.flow(name)
    kit.collect()
    kit.collect()
    kit.flow("b", "? 30 * ? * *")
    kit.collect()
    kit.collect()
    assert asked == [["a", "b", "c"], [], ["b"], []]


def test_a_change_that_could_not_be_told_is_told_the_next_time(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    kit.flow("flow")
    kit.flow("other")
    kit.jobs(EPOCH - 60)
    kit.collect()
    kit.flow("flow", "? 30 * ? * *")
    kit.client.rows = [row for row in kit.client.rows if row.id != "other"]
    with monkeypatch.context() as broken:
        broken.setattr(outlook, "interval_of", None)
        with pytest.raises(TypeError):
            kit.collect()
    kit.collector.tell(kit.model.publish, kit.clock.monotonic())
    assert kit.told().intervals == {"flow": HOUR}
    assert kit.told().expected.keys() == {"flow"}


def test_while_nothing_changes_the_very_same_mappings_are_told(kit: Kit) -> None:
    kit.flow("flow")
    kit.flow("bad", "nonsense")
    kit.jobs(EPOCH - 60)
    kit.collect()
    before = kit.told()
    kit.jobs(EPOCH - 60)
    kit.collect()
    now = kit.told()
    assert all(getattr(now, each.name) is getattr(before, each.name) for each in fields(SchedulesView))


def test_a_schedule_that_cannot_be_read_is_told_whether_the_flow_is_on_or_off(kit: Kit) -> None:
    kit.flow("flow", {"frequency": "daily"})
    kit.flow("off", "tomorrow", disabled=True)
    kit.flow("fine")
    kit.jobs(EPOCH - 60)
    kit.collect()
    assert kit.told().unreadable == {"flow", "off"}
    assert kit.told().expected.keys() == {"fine"}


class TestSilence:
    """How long a flow that no schedule starts is usually silent."""

    regular = FlowHistory(hours=Hours(int(EPOCH // HOUR), (1 << 800) - 1))

    def told(self, kit: Kit, **triggers: str) -> dict[str, float]:
        kit.jobs(histories=dict.fromkeys(triggers, self.regular))
        kit.inventory(**triggers)
        kit.flow("any")
        kit.collect()
        return dict(kit.told().silences)

    def test_it_is_learned_for_flows_that_events_or_other_flows_start(self, kit: Kit) -> None:
        found = self.told(kit, hook="listener", next="chained", hand="on_demand", clock="scheduled")
        assert found == {"hook": 2 * HOUR, "next": 2 * HOUR}

    def test_a_setting_wins_also_for_a_flow_that_is_started_by_hand(self, kit: Kit) -> None:
        kit.silence = {"hook": 60.0, "hand": 90.0, "clock": 30.0}
        assert self.told(kit, hook="listener", hand="on_demand", clock="scheduled") == {"hook": 60.0, "hand": 90.0}

    def test_without_enough_history_there_is_none(self, kit: Kit) -> None:
        kit.store.state.backfills["flow"] = Backfill(EPOCH, EPOCH - 13 * DAY)
        kit.restart()
        assert self.told(kit, hook="listener") == {}

    def test_without_an_inventory_there_is_none(self, kit: Kit) -> None:
        kit.flow("any")
        kit.jobs(histories={"hook": self.regular})
        kit.collect()
        assert kit.told().silences == {}


def test_the_tick_that_the_next_clock_change_skips_is_told(kit: Kit) -> None:
    kit.flow("flow", "? 30 2 ? * *", timezone="Europe/Berlin")
    kit.flow("safe", "? 30 4 ? * *", timezone="Europe/Berlin")
    kit.flow("off", "? 30 2 ? * *", timezone="Europe/Berlin", disabled=True)
    kit.jobs(EPOCH - 60)
    kit.collect()
    assert kit.told().skips.keys() == {"flow"}
    assert kit.told().skips["flow"] % DAY == 1.5 * HOUR  # 02:30 by the offset of one hour before the change


def test_the_families_are_those_of_section_three_each_once(kit: Kit) -> None:
    kit.flow("flow")
    kit.jobs(EPOCH - 60)
    kit.collect()
    made = [family.metric for family in built(SCHEDULES_BLOCK, {"schedules": kit.told()})]
    section = [metric for metric in catalogue.CATALOGUE if metric in vars(catalogue.schedule).values()]
    # Owners, successes and deliveries come from elsewhere.
    assert made == section[: len(made)]
    assert len(section) == len(made) + 3
