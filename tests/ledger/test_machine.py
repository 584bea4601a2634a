"""Any history of an account, read with any failures, restarts and deaths in between, is counted exactly.

One machine makes the history: runs begin, end in any way, show up late, come twice, lag behind, vanish; flows move and
go; calls fail; the process restarts, or dies while it saves. After each step what is committed must be what the
promises allow, and in the end, when everything had its time, the counters are the truth.
"""

import contextlib
from collections.abc import Sequence
from typing import TypeVar

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from exporter.api.errors import ApiError
from exporter.api.models import Job
from exporter.api.refresh import Refresh
from exporter.collect.active import ActiveRun
from exporter.collect.history import HistoryCollector
from exporter.config.settings import HistorySettings, JobsSettings
from exporter.ledger.history import Durations, FlowHistory
from exporter.ledger.state import Kind
from exporter.ledger.tally import FINISHED, NEVER, ZERO, FlowTally, Triple, finished_run
from tests.collect.jobs_kit import JobsKit
from tests.ledger.machine import (
    ERRORS,
    OVERLAP,
    Account,
    Death,
    Failing,
    FileStore,
    MortalStore,
    Sums,
    integration_sums,
    sums,
)
from tests.ledger.sqlite_kit import memory_folder, proving

Thing = TypeVar("Thing")

pytestmark = pytest.mark.timeout(3600 if proving() else 900)

HOMES: dict[str, str | None] = {"flow-a": "int-a", "flow-b": "int-a", "flow-c": "int-b", "flow-d": None}
KINDS: tuple[Kind, ...] = ("flow", "retry")
PLACES = ("int-a", "int-b", None)

records = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
pick = st.integers(0, 1000)
"""Which of those there are: the place modulo their number."""

fault = st.builds(Failing, st.sampled_from(sorted(ERRORS)), st.integers(0, 12), st.booleans())
faults = st.dictionaries(
    st.sampled_from(["current_jobs", "job_pages", "job", "flows", "integrations"]), fault, min_size=1, max_size=3
)


class Machine(RuleBasedStateMachine):
    """The account, the collector with its ledger, and what must hold."""

    def __init__(self) -> None:
        super().__init__()
        store = self.store()
        self.kit = JobsKit(JobsSettings(overlap=OVERLAP, follow_per_run=3), store=store)
        self.store_ = store
        self.account = Account(self.kit, dict(HOMES))
        self.before: Sums = {}
        self.watermarks: dict[Kind, float] = {}
        self.moved: dict[str, ActiveRun] = {}
        self.listed_wrongly = False
        self.slipped = False

    def store(self) -> MortalStore:
        """Where the ledger is kept."""
        return MortalStore()

    # What happens in the account.

    @initialize(
        page_size=st.integers(1, 4),
        history=st.lists(
            st.tuples(st.sampled_from(["running", "queued", *FINISHED]), st.integers(0, 9000)), max_size=4
        ),
        dies=st.none() | st.integers(0, 4),
    )
    def has_a_history(self, page_size: int, history: list[tuple[str, int]], dies: int | None) -> None:
        """Some runs before the first sight, during which the first process may die; the next one comes much later."""
        self.kit.client.page_size = page_size
        for status, seconds in history:
            name = self.account.create("flow-a", "flow", "running", (1, 1, 1))
            self.kit.clock.advance(seconds)
            if status in FINISHED:
                self.account.end(name, status)
        if dies is not None:
            self.die_while_saving(dies, before=False)
            self.create(0, "flow", ["completed"], (1, 0, 0), late=False, passes=9000.0)

    @rule(
        flow=pick,
        kind=st.sampled_from(("flow", "flow", "retry")),
        statuses=st.lists(st.sampled_from(["queued", "running", *FINISHED]), min_size=1, max_size=3),
        numbers=records,
        late=st.booleans(),
        passes=st.sampled_from([0.0, 0.0, 0.0, 9000.0]),
    )
    def create(self, flow: int, kind: str, statuses: list[str], numbers: Triple, late: bool, passes: float) -> None:
        """Runs of one flow with the same creation, and nobody may look for longer than the overlap."""
        flows = sorted(self.account.living)
        owner = flows[flow % len(flows)]
        self.kit.clock.advance(0.001)
        begun = [self.account.create(owner, kind, "queued" if s == "queued" else "running", numbers) for s in statuses]
        for name, status in zip(begun, statuses, strict=True):
            if status in FINISHED:
                self.account.end(name, status)
            if late:
                self.account.hide(name)
        self.account.pass_time(passes)

    @precondition(lambda self: self.account.open())
    @rule(which=pick, status=st.sampled_from(("running", *FINISHED)))
    def go_on(self, which: int, status: str) -> None:
        name = _of(self.account.open(), which)
        if status in FINISHED:
            self.account.end(name, status)
        elif self.account.rows[name].status == "queued":
            self.account.start(name)

    @precondition(lambda self: self.account.open())
    @rule(which=pick)
    def get_on(self, which: int) -> None:
        self.account.work(_of(self.account.open(), which))

    @precondition(lambda self: self.account.purgeable())
    @rule(which=pick)
    def vanish(self, which: int) -> None:
        self.account.purge(_of(self.account.purgeable(), which))

    @precondition(lambda self: self.account.hidden)
    @rule(which=pick)
    def show_up(self, which: int) -> None:
        self.account.reveal(_of(sorted(self.account.hidden), which))

    @precondition(lambda self: self.account.open())
    @rule(which=pick, everywhere=st.booleans())
    def miss_from_current(self, which: int, everywhere: bool) -> None:
        name = _of(self.account.open(), which)
        if everywhere:
            self.account.lose(name)
        else:
            self.kit.client.not_current.add(name)

    @precondition(lambda self: self.kit.client.not_current)
    @rule()
    def be_current_again(self) -> None:
        self.account.find()

    @rule(seconds=st.sampled_from([1.0, 30.0, 60.0, 60.0, 300.0, 600.0, 1800.0, 5400.0, 90_000.0]))
    def pass_time(self, seconds: float) -> None:
        self.account.pass_time(seconds)

    @rule(flow=st.sampled_from(["flow-a", "flow-b", "flow-c"]), place=st.sampled_from(PLACES))
    def move_flow(self, flow: str, place: str | None) -> None:
        if flow in self.account.living:
            self.account.living[flow] = self.kit.client.flow_homes[flow] = place

    @rule(flow=st.sampled_from(["flow-a", "flow-b"]))
    def delete_flow(self, flow: str) -> None:
        self.account.living.pop(flow, None)
        self.kit.client.flow_homes.pop(flow, None)

    # What the process does.

    @rule()
    def collect(self) -> None:
        self._collect()

    @rule(seconds=st.sampled_from([60.0, 300.0, 600.0]), times=st.integers(2, 4))
    def collect_for_a_while(self, seconds: float, times: int) -> None:
        for _ in range(times):
            self.account.pass_time(seconds)
            self._collect()

    @precondition(lambda self: not self.listed_wrongly)
    @rule()
    def collect_with_a_wrong_empty_listing(self) -> None:
        """The flows seem to be gone, once; while jobs are read by integration, the listing also says what to read."""
        self.listed_wrongly = True
        self.kit.client.listed_homes = {}
        self._collect()
        self.kit.client.listed_homes = None

    @precondition(lambda self: self.account.rows)
    @rule(which=st.lists(pick, min_size=1, max_size=2), lags=st.booleans())
    def collect_rows_twice(self, which: list[int], lags: bool) -> None:
        """Rows come on the first page of every window and again where they belong; or as they were before their end."""
        young = self.kit.clock.time() - 3600
        every = list(self.account.rows.values())
        rows = [row for row in every if row.id in self.account.counted]
        if lags:
            young_rows = [row for row in every if row.type == "flow" and (row.created_at or 0) > young]
            rows = [_as_it_was(row) for row in young_rows if row.id not in self.account.hidden]
        rows = [_of(rows, place) for place in which] if rows else []
        self.kit.client.always_listed = rows
        self._collect()
        self.kit.client.always_listed = []

    @rule(failing=faults)
    def collect_with_failures(self, failing: dict[str, Failing]) -> None:
        if "job" in failing and failing["job"].error == "404":
            failing["job"].error = "timeout"
        self.kit.client.faults.update(failing)
        self.kit.collect()
        self.kit.client.faults.clear()
        self.account.collected()

    @rule(longest=st.sampled_from([300.0, 900.0, 3600.0]), times=st.integers(1, 6))
    def collect_slowly(self, longest: float, times: int) -> None:
        """What lies further apart cannot be read in time, so that slices become short."""
        kit = self.kit

        def slow(_kind: str, _scope: str | None, _page: int, lower: float, upper: float | None) -> ApiError | None:
            return ERRORS["timeout"]() if (upper or kit.clock.time()) - lower > longest else None

        kit.client.faults["job_pages"] = slow
        for _ in range(times):
            kit.collect()
        kit.client.faults.clear()
        self.account.collected()

    @precondition(lambda self: not self.slipped)
    @rule()
    def collect_with_a_slip(self) -> None:
        """Every run that is asked for by its id seems to be gone; seeming so again ten minutes later would be final."""
        self.slipped = True
        self.kit.client.always("job", ERRORS["404"]())
        self.kit.collect()
        self.kit.client.faults.clear()
        self.account.collected()

    @rule(failing=st.none() | fault, dies=st.none() | st.tuples(st.integers(0, 6), st.booleans()))
    def read_history(self, failing: Failing | None, dies: tuple[int, bool] | None) -> None:
        """Beside the live reading, which knows nothing of it; calls may fail, and the process may die in a commit."""
        before = self.kit.store.state.backfills.get("flow")
        kit, shown = self.kit, set(self.kit.client.shown_in_progress)
        collector = HistoryCollector(kit.client, HistorySettings(depth=3 * 86_400.0), kit.ledger, kit.settings)
        if failing is not None:
            kit.client.faults["job_pages"] = failing
        if dies is not None:
            self.store_.die(dies[0], before=dies[1])
        with contextlib.suppress(ApiError, Death):
            collector.collect(Refresh(kit.clock, kit.clock.monotonic() + 60), kit.published)
        kit.client.faults.clear()
        # What still runs is for the live reading to see.
        kit.client.shown_in_progress = shown
        if dies is not None:
            kit.restart()
        self.account.history_read(None if before is None else before.reached)

    @rule()
    def restart(self) -> None:
        self.kit.restart()

    @rule(commits=st.integers(0, 8), before=st.booleans())
    def die_while_saving(self, commits: int, before: bool) -> None:
        shown = set(self.kit.client.shown_in_progress)
        self.store_.die(commits, before=before)
        died = False
        try:
            self.kit.collect()
        except Death:
            died = True
        self.account.collected(shown if died else None)
        self.kit.restart()

    # What must hold.

    @invariant()
    def what_is_counted_is_what_ended(self) -> None:
        """Each run once: the numbers are the sums over the ids, each of which ended, and no number is there twice."""
        state, rows = self.kit.store.state, self.account.counted_rows()
        assert all(row.status in FINISHED for row in rows)
        of_flows, of_integrations = sums(rows), integration_sums(rows)
        for flow in self.account.living:
            assert self._numbers(flow) == of_flows.get(flow, (ZERO, ZERO, ZERO)), flow
        held = {name: (tally.runs, tally.records) for name, tally in state.integrations.items()}
        assert {**dict.fromkeys(of_integrations, (ZERO, ZERO)), **held} == of_integrations

    @invariant()
    def no_counter_of_a_living_flow_goes_down(self) -> None:
        now = {flow: self._numbers(flow) for flow in self.account.living}
        for flow, numbers in now.items():
            pairs = zip(self.before.get(flow, numbers), numbers, strict=True)
            assert all(old <= new for was, is_ in pairs for old, new in zip(was, is_, strict=True)), flow
        self.before = now

    @invariant()
    def the_history_of_a_flow_is_what_its_runs_say(self) -> None:
        """Of those that were read, counted or not, and each once: whoever read it, live or backwards."""
        for flow in self.account.living:
            rows = self.account.dealt_with(flow)
            held = self.kit.store.state.histories.get(flow, FlowHistory())
            runs = [finished_run(row, row.created_at) for row in rows if row.created_at is not None]
            timed = [(run.ended_at, run.duration) for run in runs if run.duration is not None]
            assert held.durations == Durations.of(timed), flow
            faultless = [run.ended_at for run in runs if run.status == "completed" and not run.records[1]]
            assert held.success == max(faultless, default=NEVER), flow
            delivered = [
                run.ended_at for run in runs if run.status == "completed" and 2 * run.records[1] <= sum(run.records)
            ]
            assert held.delivery == max(delivered, default=NEVER), flow
            assert held.last_start() == max((run.created_at for run in runs), default=None), flow

    @invariant()
    def a_run_in_progress_moves_when_its_counters_do(self) -> None:
        """Its instant never goes back, and stays while they do; over restarts as well."""
        assert self.kit.store.state.progress.keys() <= self.kit.store.state.pending.keys()
        if "active_runs" not in self.kit.published.views:
            return
        for run in self.kit.active.runs:
            before = self.moved.get(run.id)
            if run.moved_at is None or before is None or before.moved_at is None:
                continue
            assert before.moved_at <= run.moved_at <= self.kit.clock.time(), run.id
            assert run.counters != before.counters or run.moved_at == before.moved_at, run.id
        self.moved = {**self.moved, **{run.id: run for run in self.kit.active.runs}}

    @invariant()
    def only_what_is_gone_is_unknown(self) -> None:
        unknown = self.account.unknown()
        assert all(number <= unknown[kind] for kind, number in self.kit.store.state.unknown.items())

    @invariant()
    def the_watermark_is_earned(self) -> None:
        """It never goes back, and behind it nothing is left that is neither dealt with nor followed."""
        for kind, track in self.kit.store.state.tracks.items():
            if track.watermark is not None:
                assert self.watermarks.get(kind, track.watermark) <= track.watermark <= self.kit.clock.time()
                self.watermarks[kind] = track.watermark
                assert self._left_behind(kind, track.since - OVERLAP, track.watermark) == []

    @invariant()
    def the_view_shows_what_is_kept(self) -> None:
        state = self.kit.store.state
        if "active_runs" in self.kit.published.views:
            assert self.kit.active.pending <= len(self.account.rows) + len(self.account.gone)
        assert state.pending.keys() <= self.account.seen

    def teardown(self) -> None:
        """Everything ends, is listed and has its time: then the counters are exact."""
        self.account.hidden.clear()
        self.account.find()
        for name in self.account.open():
            self.account.end(name, "completed")
        for rounds in range(200):
            self.account.pass_time(60)
            self._collect()
            if rounds > 25 and not self.kit.store.state.pending:
                break
        self._is_exact()
        self.store_.close()

    def _is_exact(self) -> None:
        view, truth = self.kit.runs, sums(self.account.to_count())
        shown: Sums = {flow: (tally.runs, tally.records, tally.retries) for flow, tally in view.flows.items()}
        assert shown == {flow: truth.get(flow, (ZERO, ZERO, ZERO)) for flow in self.account.living}
        places = integration_sums(self.account.to_count())
        held = {name: (tally.runs, tally.records) for name, tally in view.integrations.items()}
        assert held == {name: places.get(name, (ZERO, ZERO)) for name in ("int-a", "int-b", "none")}
        assert self.kit.active.pending == 0
        assert dict(view.unknown) == {kind: self.account.unknown()[kind] for kind in KINDS}

    def _collect(self) -> None:
        assert self.kit.collect() is None
        self.account.collected()

    def _numbers(self, flow: str) -> tuple[Triple, Triple, Triple]:
        tally = self.kit.store.state.flows.get(flow, FlowTally())
        return (tally.runs, tally.records, tally.retries)

    def _left_behind(self, kind: Kind, first: float, watermark: float) -> list[str]:
        held = self.kit.store.state
        return [
            name
            for name, row in self.account.rows.items()
            if row.type == kind and row.created_at is not None and first <= row.created_at < watermark
            if name not in self.account.counted and name not in held.pending and name not in self.account.late
        ]


def _of(things: Sequence[Thing], which: int) -> Thing:
    return things[which % len(things)]


def _as_it_was(row: Job) -> Job:
    """An answer that lags: the run before its end."""
    return msgspec.structs.replace(row, status="running", ended_at=None)


class FileMachine(Machine):
    """The same on a real state file, opened anew at each start."""

    def store(self) -> MortalStore:
        """A file in a folder in memory, where there is one."""
        self._folder = contextlib.ExitStack()
        return FileStore(self._folder.enter_context(memory_folder()) / "state.db")

    def teardown(self) -> None:
        """As above; the file goes, however it ended."""
        with self._folder:
            try:
                super().teardown()
            finally:
                self.store_.close()


def _profile(examples: int) -> settings:
    return settings(
        max_examples=examples * (10 if proving() else 1),
        stateful_step_count=30,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


TestMachine = Machine.TestCase
TestMachine.settings = _profile(500)
TestMachineOnAFile = FileMachine.TestCase
TestMachineOnAFile.settings = _profile(100)
