"""What collectors keep over a restart comes back as it was."""

import pytest

from exporter.api.models import StepJob
from exporter.collect.audit import AuditCounts
from exporter.collect.kept_notes import audit_note, resolved_note, step_records_note
from exporter.collect.resolved import Resolved, ResolvedCounts
from exporter.collect.step_records import StepRecordsState, StepRecordsView, Waiting
from exporter.config.settings import JobsSettings
from exporter.ledger.notes import Note
from exporter.ledger.runs import RunLedger
from tests.clocks import EPOCH
from tests.collect.jobs_kit import JobsKit
from tests.ledger.kept import KeptStore
from tests.ledger.rows import FLOW

AUDIT = AuditCounts(EPOCH, {"e1": EPOCH + 0.5}, {("flow", "update", "ui"): 3, ("other", "other", "other"): 1})
RESOLVED = ResolvedCounts(EPOCH, {"i1": Resolved(3, 4)}, {"f1": Resolved(1, 0)})
STEPS = StepRecordsState({("f1", "s1"): (5, 1, 0)}, (Waiting("j1", "f1"), Waiting("j2", "f1", 2)))
NOTES = {"audit": (audit_note, AUDIT), "resolved": (resolved_note, RESOLVED), "steps": (step_records_note, STEPS)}


@pytest.mark.parametrize(("make", "value"), NOTES.values(), ids=NOTES)
def test_a_value_is_found_again_after_a_restart(make: Note[object], value: object) -> None:
    store = KeptStore()
    note = make(RunLedger(store).memory)  # type: ignore[operator]  # one of the functions above
    assert note.load() is None
    note.save(value)
    assert make(RunLedger(store).memory).load() == value  # type: ignore[operator]  # the same


@pytest.mark.parametrize("text", ["", "null", "{}", "[1]", "rubbish"], ids=repr)
@pytest.mark.parametrize(("make", "value"), NOTES.values(), ids=NOTES)
def test_what_another_version_kept_is_no_value(make: Note[object], value: object, text: str) -> None:
    del value
    store = KeptStore()
    note = make(RunLedger(store).memory)  # type: ignore[operator]  # one of the functions above
    store.state.notes[note.name] = text
    assert make(RunLedger(store).memory).load() is None  # type: ignore[operator]  # the same


class TestStepRecords:
    """Each run is asked for its steps once, whenever the exporter ends."""

    def kit(self) -> JobsKit:
        kit = JobsKit(JobsSettings(step_flows=(FLOW,)), step_records=True)
        kit.collect()
        return kit

    def end(self, kit: JobsKit, job_id: str, success: int) -> None:
        kit.clock.advance(30)
        kit.finish(job_id)
        kit.client.families[job_id] = [StepJob(id=f"{job_id}-s", import_id="imp-1", num_success=success)]

    def told(self, kit: JobsKit) -> dict[tuple[str, str], int]:
        view = kit.published.views["step_records"]
        assert isinstance(view, StepRecordsView)
        return {key: records[0] for key, records in view.sums.items()}

    def test_the_records_of_a_counted_run_are_added_in_the_same_reading(self) -> None:
        kit = self.kit()
        self.end(kit, "run-1", 7)
        assert kit.next() is None
        assert self.told(kit) == {(FLOW, "imp-1"): 7}

    def test_history_is_not_asked_for(self) -> None:
        kit = JobsKit(JobsSettings(step_flows=(FLOW,)), step_records=True)
        self.end(kit, "old", 7)
        kit.collect()
        assert kit.flow().last is not None
        assert kit.client.calls_of("job_family") == []

    def test_without_chosen_flows_nothing_is_asked_or_told(self) -> None:
        kit = JobsKit(JobsSettings(), step_records=True)
        kit.collect()
        self.end(kit, "run-1", 7)
        kit.next()
        assert "step_records" not in kit.published.views
        assert kit.client.calls_of("job_family") == []

    def test_a_run_that_was_counted_before_the_end_of_the_exporter_is_asked_for_afterwards(self) -> None:
        kit = self.kit()
        self.end(kit, "run-1", 7)
        steps = kit.client.families.pop("run-1")
        kit.client.faults["job_family"] = lambda *_: TimeoutError()  # type: ignore[assignment]  # the end
        with pytest.raises(TimeoutError):
            kit.next()
        del kit.client.faults["job_family"]
        kit.client.families["run-1"] = steps
        kit.restart()
        kit.next()
        kit.restart()
        kit.next()
        assert self.told(kit) == {(FLOW, "imp-1"): 7}
        assert [call[0] for call in kit.client.calls_of("job_family")] == ["run-1"] * 2

    def test_the_queue_and_the_counters_are_one_change(self) -> None:
        kit = self.kit()
        self.end(kit, "run-1", 7)
        changes = []
        commit = kit.store.commit
        kit.store.commit = lambda change, state: (changes.append(change), commit(change, state))[1]  # type: ignore[method-assign,func-returns-value]  # looks on
        kit.next()
        (counting,) = [change for change in changes if "run-1" in change.counted]
        assert "run-1" in counting.notes["step_records"]

    def test_a_flow_that_is_gone_takes_its_records_along(self) -> None:
        kit = self.kit()
        self.end(kit, "run-1", 7)
        kit.next()
        kit.client.flow_homes.clear()
        for _ in range(26):
            kit.next(3600)
        assert self.told(kit) == {}
        assert FLOW not in kit.store.state.notes["step_records"]
