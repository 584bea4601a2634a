"""Any history of an account, read with any failures in between, ends in the same counters.

The machine creates runs, lets them start, end, show up late, vanish and lag, makes calls fail at any page, and restarts
the process. After each collection the counters must not have gone down and the watermark must be earned; in the end
each run that ended after the first sight, or was seen before its end, is counted once.
"""

from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from exporter.api.errors import BadRequest, ServerError, Timeout
from exporter.collect.jobs import FinishedRunsView
from exporter.config.settings import JobsSettings
from exporter.ledger.tally import FINISHED
from tests.collect.jobs_kit import JobsKit
from tests.ledger.rows import finished, job

FLOWS = {"flow-a": "int-a", "flow-b": "int-b", "flow-c": None}
KINDS = ("flow", "flow", "flow", "retry")
OVERLAP = 7200.0
LATEST = 3000.0  # a late row is revealed well within the overlap

Key = tuple[str, str, str]


class JobsMachine(RuleBasedStateMachine):
    """The account, the collector, and what must come out."""

    def __init__(self) -> None:
        super().__init__()
        self.kit = JobsKit(JobsSettings(overlap=OVERLAP, follow_per_run=3))
        self.kit.client.flow_homes = dict(FLOWS)
        self.kit.client.integration_ids = ["int-a", "int-b"]
        self.number = 0
        self.gone: set[str] = set()
        self.late_since: dict[str, float] = {}
        self.counts: Counter[Key] = Counter()
        self.last_watermark: float | None = None

    @initialize(page_size=st.integers(1, 4), history=st.lists(st.sampled_from(FINISHED), max_size=4))
    def begin_with_history(self, page_size: int, history: list[str]) -> None:
        self.kit.client.page_size = page_size
        for number, status in enumerate(history):
            self.kit.client.jobs[f"old-{number}"] = finished(f"old-{number}", -600 + number, status, flow_id="flow-a")

    @rule(flow=st.sampled_from(sorted(FLOWS)), kind=st.sampled_from(KINDS), queued=st.booleans(), late=st.booleans())
    def create(self, flow: str, kind: str, queued: bool, late: bool) -> None:
        self.number += 1
        name = f"run-{self.number}"
        status = "queued" if queued else "running"
        started = None if queued else self.kit.now
        row = job(name, status, self.kit.now, started, flow_id=flow, integration_id=FLOWS[flow], kind=kind)
        self.kit.client.jobs[name] = row
        if late:
            self.late_since[name] = self.kit.now
            self.kit.client.unlisted.add(name)
            self.kit.client.not_current.add(name)

    @precondition(lambda self: self.open_runs())
    @rule(data=st.data(), status=st.sampled_from(FINISHED))
    def end(self, data: st.DataObject, status: str) -> None:
        self._end(data.draw(st.sampled_from(self.open_runs())), status)

    @precondition(lambda self: self.open_runs())
    @rule(data=st.data())
    def vanish(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.open_runs()))
        self.gone.add(name)
        del self.kit.client.jobs[name]
        self.late_since.pop(name, None)

    @precondition(lambda self: self.late_since)
    @rule(data=st.data())
    def reveal(self, data: st.DataObject) -> None:
        self._reveal(data.draw(st.sampled_from(sorted(self.late_since))))

    @precondition(lambda self: self.open_runs())
    @rule(data=st.data())
    def lose_from_current(self, data: st.DataObject) -> None:
        self.kit.client.not_current.add(data.draw(st.sampled_from(self.open_runs())))

    @rule(seconds=st.sampled_from([1.0, 30.0, 60.0, 600.0]))
    def wait(self, seconds: float) -> None:
        self.kit.clock.advance(seconds)
        for name in [name for name, since in self.late_since.items() if self.kit.now - since > LATEST]:
            self._reveal(name)

    @rule()
    def restart(self) -> None:
        self.kit.restart()

    @rule()
    def collect(self) -> None:
        assert self.kit.collect() is None
        self._check_collection(complete=True)

    @rule(page=st.integers(0, 3), refused=st.booleans())
    def collect_with_a_failing_page(self, page: int, refused: bool) -> None:
        error = BadRequest("/v1/jobs", status=400) if refused else ServerError("/v1/jobs", status=500)
        failed: list[bool] = []

        def fault(kind: str, scope: str | None, number: int, *_: float | None) -> BadRequest | ServerError | None:
            hit = kind == "flow" and number == page and (not refused or scope is None)
            failed.append(hit)
            return error if hit else None

        self.kit.client.faults["job_pages"] = fault
        outcome = self.kit.collect()
        self.kit.client.faults.clear()
        self._check_collection(complete=not any(failed) or outcome is None)

    @rule(call=st.sampled_from(["current_jobs", "job", "flows", "integrations"]))
    def collect_with_a_failing_call(self, call: str) -> None:
        self.kit.client.always(call, Timeout("/v1"))
        self.kit.collect()
        self.kit.client.faults.clear()
        self._check_counters()

    @invariant()
    def pending_ids_are_bounded_by_what_was_created(self) -> None:
        if "active_runs" in self.kit.published.views:
            assert self.kit.active.pending <= self.number

    def teardown(self) -> None:
        """Let everything end and be seen; then the counters must be exact."""
        self.kit.client.faults.clear()
        if self.kit.collect() is None:
            self._check_counters()
        for name in sorted(self.late_since):
            self._reveal(name)
        for name in self.open_runs():
            self._end(name, "completed")
        for _ in range(self.number + 3):
            assert self.kit.next(300) is None
        self._check_counters()
        assert self.counts == self._expected()
        assert self.kit.active.pending == 0

    def open_runs(self) -> list[str]:
        return sorted(name for name, row in self.kit.client.jobs.items() if row.status not in FINISHED)

    def _end(self, name: str, status: str) -> None:
        self.kit.clock.advance(0.001)
        row = self.kit.client.jobs[name]
        assert row.created_at is not None
        begun = None if row.started_at is None else row.started_at - 1_788_000_000.0
        created = row.created_at - 1_788_000_000.0
        self.kit.client.jobs[name] = job(
            name, status, created, begun, self.kit.now, flow_id=row.flow_id, integration_id=row.integration_id,
            kind=row.type,
        )  # fmt: skip

    def _reveal(self, name: str) -> None:
        del self.late_since[name]
        self.kit.client.unlisted.discard(name)
        self.kit.client.not_current.discard(name)

    def _check_collection(self, *, complete: bool) -> None:
        watermark = self.kit.runs.watermark if "finished_runs" in self.kit.published.views else None
        if not complete:
            assert watermark == self.last_watermark
        self._check_counters()

    def _check_counters(self) -> None:
        if "finished_runs" not in self.kit.published.views:
            return
        view = self.kit.runs
        counts = _counted(view)
        assert all(counts[key] >= number for key, number in self.counts.items())
        assert sum(sum(row.runs) for row in view.integrations.values()) == sum(
            number for (kind, _, _), number in counts.items() if kind == "flow"
        )
        if self.last_watermark is not None:
            assert view.watermark is not None
            assert self.last_watermark <= view.watermark <= self.kit.clock.time()
        self.counts, self.last_watermark = counts, view.watermark

    def _expected(self) -> Counter[Key]:
        """Ends after the first sight of their kind, or seen in progress: every run the machine created."""
        rows = [row for row in self.kit.client.jobs.values() if row.id.startswith("run-")]
        state = self.kit.store.state
        counted: Counter[Key] = Counter()
        for row in rows:
            since = state.tracks[row.type].since  # type: ignore[index]  # only the two kinds are created
            assert row.ended_at is not None
            if row.ended_at > since or row.id in self.seen_early:
                counted[(row.type or "", row.flow_id or "", row.status or "")] += 1
        return counted

    @property
    def seen_early(self) -> frozenset[str]:
        """Runs that were listed to the collector while in progress."""
        return frozenset(self.kit.client.shown_in_progress)


def _counted(view: FinishedRunsView) -> Counter[Key]:
    counts: Counter[Key] = Counter()
    for flow_id, tally in view.flows.items():
        for kind, triple in (("flow", tally.runs), ("retry", tally.retries)):
            counts.update({(kind, flow_id, status): number for status, number in zip(FINISHED, triple, strict=True)})
    return +counts


TestAnyHistory = JobsMachine.TestCase
TestAnyHistory.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
