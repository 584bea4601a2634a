"""Records of the steps of finished runs: each run once, over failures, and within bounds."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import pytest

from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError, BadGateway, Forbidden, InvalidJson, NotFound, Timeout, UnexpectedShape
from exporter.api.listing import Listing
from exporter.api.models import StepJob
from exporter.api.refresh import Refresh
from exporter.collect.attempts import Attempts
from exporter.collect.inventory import FlowFacts, InventoryView
from exporter.collect.step_records import (
    PER_RUN,
    QUEUE,
    STEP_RECORDS_BLOCK,
    TRIES,
    StepRecords,
    StepRecordsState,
    StepRecordsView,
    Waiting,
)
from tests.clocks import ManualClock
from tests.collect.exposition import lines

PATH = Endpoint.JOB_FAMILY.value
NAMES = {"f1": "Orders", "f2": "Refunds"}


@dataclass
class Rig:
    """Records of the flows `chosen`, kept where `saved` shows it. `families` answers by run, or fails."""

    chosen: tuple[str, ...] = ("f1",)
    families: dict[str, list[StepJob] | ApiError] = field(default_factory=dict)
    saved: list[StepRecordsState] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    clock: ManualClock = field(default_factory=ManualClock)
    broken_disk: bool = False

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """The exporter begins anew with what was saved."""
        self.records = StepRecords(self, self.chosen, lambda: (self.saved or [StepRecordsState()])[-1], self.save)

    def save(self, state: StepRecordsState) -> None:
        if self.broken_disk:
            raise OSError("disk full")
        self.saved.append(state)

    def job_family(self, _: Refresh, job_id: str) -> Listing[StepJob]:
        self.asked.append(job_id)
        answer = self.families.get(job_id, NotFound(PATH, status=404))
        if isinstance(answer, ApiError):
            raise answer
        return Listing(tuple(answer), True, self.clock.monotonic())

    def note(self, *job_ids: str, flow_id: str | None = "f1") -> None:
        self.records.note([(job_id, flow_id) for job_id in job_ids], NAMES)

    def read(self) -> ApiError | None:
        """One run; the error it was reported with."""
        refresh = Refresh(self.clock, self.clock.monotonic() + 60)
        attempts = Attempts(refresh)
        self.records.read(refresh, attempts)
        try:
            attempts.finish()
        except ApiError as error:
            return error
        return None

    @property
    def sums(self) -> dict[tuple[str, str], tuple[int, int, int]]:
        return dict(self.records.view(NAMES).sums)

    @property
    def waiting(self) -> list[str]:
        return [row.job_id for row in self.saved[-1].waiting] if self.saved else []


def step(name: str, success: int, error: int = 0, ignored: int = 0) -> StepJob:
    return StepJob(id=f"{name}-job", import_id=name, num_success=success, num_error=error, num_ignore=ignored)


class TestCounting:
    def test_the_records_of_all_runs_add_up_by_step_and_outcome(self) -> None:
        rig = Rig(families={"a": [step("s1", 10, 2, 1), step("s2", 8)], "b": [step("s1", 5, 0, 4)]})
        rig.note("a", "b")
        assert rig.read() is None
        assert rig.sums == {("f1", "s1"): (15, 2, 5), ("f1", "s2"): (8, 0, 0)}

    def test_two_jobs_of_one_step_add_up(self) -> None:
        rig = Rig(families={"a": [step("s1", 10), replace_id(step("s1", 7), "other")]})
        rig.note("a")
        rig.read()
        assert rig.sums == {("f1", "s1"): (17, 0, 0)}

    def test_a_job_of_no_step_counts_nowhere(self) -> None:
        rig = Rig(families={"a": [StepJob(id="x", num_success=5), step("s1", 1)]})
        rig.note("a")
        rig.read()
        assert rig.sums == {("f1", "s1"): (1, 0, 0)}

    def test_a_run_is_asked_for_once(self) -> None:
        rig = Rig(families={"a": [step("s1", 10)]})
        rig.note("a")
        for _ in range(3):
            rig.read()
        assert rig.asked == ["a"]

    def test_a_run_that_waits_already_is_not_taken_up_again(self) -> None:
        rig = Rig(families={"a": [step("s1", 10)]})
        rig.note("a")
        rig.note("a", "a")
        rig.read()
        assert (rig.asked, rig.sums) == (["a"], {("f1", "s1"): (10, 0, 0)})


class TestChoice:
    @pytest.mark.parametrize(
        ("chosen", "flow_id", "taken"),
        [
            (("f1",), "f1", True),
            (("Orders",), "f1", True),
            (("orders",), "f1", False),
            (("Orders",), "f2", False),
            (("f9",), "f9", True),
            ((), "f1", False),
            (("f1",), None, False),
        ],
    )
    def test_a_flow_is_chosen_by_its_id_or_its_exact_name(
        self, chosen: tuple[str, ...], flow_id: str | None, taken: bool
    ) -> None:
        rig = Rig(chosen)
        rig.note("a", flow_id=flow_id)
        assert rig.waiting == (["a"] if taken else [])

    def test_nothing_is_saved_for_runs_of_other_flows(self) -> None:
        rig = Rig()
        rig.note("a", flow_id="f2")
        assert rig.saved == []

    def test_a_run_whose_id_cannot_be_asked_for_is_passed_over(self) -> None:
        rig = Rig()
        rig.note("../secrets")
        assert rig.saved == []

    def test_only_flows_that_exist_and_are_chosen_are_told(self) -> None:
        state = StepRecordsState({("f1", "s"): (1, 0, 0), ("f2", "s"): (2, 0, 0), ("gone", "s"): (3, 0, 0)})
        view = Rig(("f1", "gone"), saved=[state]).records.view(NAMES)
        assert view == StepRecordsView({("f1", "s"): (1, 0, 0)}, frozenset({"f1"}))


class TestFailures:
    @pytest.mark.parametrize("error", [Timeout(PATH), BadGateway(PATH, status=502), Forbidden(PATH, status=403)])
    def test_a_run_that_could_not_be_asked_for_waits_and_is_counted_once_in_the_end(self, error: ApiError) -> None:
        rig = Rig(families={"a": error})
        rig.note("a")
        for _ in range(2 * TRIES):
            assert rig.read() is error
        assert rig.sums == {}
        rig.families["a"] = [step("s1", 10)]
        assert rig.read() is None
        assert rig.read() is None
        assert rig.sums == {("f1", "s1"): (10, 0, 0)}

    def test_one_that_fails_holds_nobody_up(self) -> None:
        rig = Rig(families={"a": Timeout(PATH), "b": [step("s1", 5)]})
        rig.note("a", "b")
        assert rig.read() is rig.families["a"]
        assert (rig.sums, rig.waiting) == ({("f1", "s1"): (5, 0, 0)}, ["a"])

    def test_after_three_failures_in_a_row_the_others_come_first_next_time(self) -> None:
        rig = Rig(families={"d": [step("s1", 5)]})
        rig.families.update({name: Timeout(PATH) for name in "abc"})
        rig.note(*"abcd")
        rig.read()
        assert rig.asked == ["a", "b", "c"]
        rig.read()
        assert rig.asked[3] == "d"

    def test_a_run_that_is_gone_counts_nothing_and_is_no_failure(self) -> None:
        rig = Rig(families={"b": [step("s1", 5)]})
        rig.note("a", "b")
        assert rig.read() is None
        assert (rig.sums, rig.waiting) == ({("f1", "s1"): (5, 0, 0)}, [])

    @pytest.mark.parametrize("error", [InvalidJson(PATH), UnexpectedShape(PATH)])
    def test_a_run_whose_answers_cannot_be_used_is_given_up_after_a_few(self, error: ApiError) -> None:
        rig = Rig(families={"a": error})
        rig.note("a")
        assert [rig.read() for _ in range(TRIES + 2)] == [error] * TRIES + [None, None]
        assert rig.asked == ["a"] * TRIES
        assert rig.sums == {}

    def test_nothing_is_asked_once_time_is_over(self) -> None:
        rig = Rig(families={"a": [step("s1", 5)]})
        rig.note("a")
        refresh = Refresh(rig.clock, rig.clock.monotonic() - 1)
        rig.records.read(refresh, Attempts(refresh))
        assert rig.asked == []


class TestBounds:
    def test_one_run_asks_for_so_many_and_the_next_for_the_rest_in_their_order(self) -> None:
        names = [f"j{number:03}" for number in range(PER_RUN + 5)]
        rig = Rig(families={name: [step("s1", 1)] for name in names})
        rig.note(*names)
        rig.read()
        assert rig.asked == names[:PER_RUN]
        rig.read()
        assert rig.asked == names

    def test_the_queue_is_bounded_and_the_oldest_are_given_up(self) -> None:
        rig = Rig()
        rig.note(*(f"j{number}" for number in range(QUEUE)))
        rig.note("new-1", "new-2")
        assert (len(rig.waiting), rig.waiting[0], rig.waiting[-1]) == (QUEUE, "j2", "new-2")


class TestKeeping:
    def test_sums_and_queue_go_on_after_a_restart(self) -> None:
        rig = Rig(families={"a": [step("s1", 10)], "b": Timeout(PATH)})
        rig.note("a", "b")
        rig.read()
        rig.families["b"] = [step("s1", 1)]
        rig.restart()
        rig.read()
        assert rig.sums == {("f1", "s1"): (11, 0, 0)}
        assert rig.asked == ["a", "b", "b"]

    def test_every_saved_state_has_a_run_either_in_the_queue_or_in_the_sums(self) -> None:
        rig = Rig(families={name: [step(name, 1)] for name in "abc"})
        rig.note(*"abc")
        rig.read()
        for state in rig.saved:
            waiting = {row.job_id for row in state.waiting}
            assert waiting ^ {step_id for _, step_id in state.sums} == {"a", "b", "c"}

    def test_what_could_not_be_saved_is_not_told_and_not_lost(self) -> None:
        rig = Rig(families={"a": [step("s1", 10)]})
        rig.note("a")
        rig.broken_disk = True
        with pytest.raises(OSError, match="disk full"):
            rig.read()
        assert rig.sums == {}
        rig.broken_disk = False
        rig.read()
        assert rig.sums == {("f1", "s1"): (10, 0, 0)}

    def test_a_flow_that_is_gone_for_good_leaves_nothing(self) -> None:
        waiting = (Waiting("a", "f1"), Waiting("b", "f2"))
        rig = Rig(("f1", "f2"), saved=[StepRecordsState({("f1", "s"): (1, 0, 0), ("f2", "s"): (2, 0, 0)}, waiting)])
        rig.records.retire(frozenset({"f1"}))
        assert rig.saved[-1] == StepRecordsState({("f2", "s"): (2, 0, 0)}, waiting[1:])

    def test_when_none_is_gone_nothing_is_saved(self) -> None:
        rig = Rig()
        rig.records.retire(frozenset())
        assert rig.saved == []


class TestFamilies:
    INVENTORY = InventoryView({}, {"f1": FlowFacts("f1", "Orders", "i1", True, True, "scheduled", ("s1", "s2"))})

    def build(self, view: StepRecordsView, inventory: InventoryView | None) -> list[str]:
        return lines(STEP_RECORDS_BLOCK.build({"step_records": view, "inventory": inventory}))

    def test_sample_lines_with_a_step_that_had_no_run_yet_at_zero(self) -> None:
        view = StepRecordsView({("f1", "s2"): (10, 2, 1)}, frozenset({"f1"}))
        assert self.build(view, self.INVENTORY) == [
            'step_records_total{flow_id="f1",step_id="s1",outcome="success"} 0',
            'step_records_total{flow_id="f1",step_id="s1",outcome="error"} 0',
            'step_records_total{flow_id="f1",step_id="s1",outcome="ignored"} 0',
            'step_records_total{flow_id="f1",step_id="s2",outcome="success"} 10',
            'step_records_total{flow_id="f1",step_id="s2",outcome="error"} 2',
            'step_records_total{flow_id="f1",step_id="s2",outcome="ignored"} 1',
        ]

    def test_without_an_inventory_what_was_counted_is_told(self) -> None:
        view = StepRecordsView({("f1", "s2"): (10, 2, 1)}, frozenset({"f1"}))
        assert len(self.build(view, None)) == 3

    @pytest.mark.parametrize("flows", [frozenset[str](), frozenset({"f9"})], ids=["none", "unknown"])
    def test_flows_that_are_not_chosen_have_no_series(self, flows: Iterable[str]) -> None:
        assert self.build(StepRecordsView({}, frozenset(flows)), self.INVENTORY) == []


def replace_id(job: StepJob, name: str) -> StepJob:
    return StepJob(id=name, import_id=job.import_id, num_success=job.num_success)


def test_a_value_that_was_handed_out_does_not_change() -> None:
    before = StepRecordsState({("f1", "s1"): (1, 0, 0)}, (Waiting("a", "f1"),))
    kept = replace(before)
    before.counted(before.waiting[0], [step("s1", 5)])
    before.with_runs([Waiting("b", "f1")])
    assert before == kept
