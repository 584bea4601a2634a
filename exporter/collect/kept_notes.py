"""What collectors keep over a restart, besides the runs: counts of audit entries, resolved errors, records of steps."""

from exporter.collect.audit import AuditCounts
from exporter.collect.resolved import ResolvedCounts
from exporter.collect.step_records import StepRecordsState, Waiting
from exporter.ledger.memory import Memory
from exporter.ledger.notes import Note
from exporter.ledger.tally import Triple


def audit_note(memory: Memory) -> Note[AuditCounts]:
    """Entries of the audit log by their labels, and which were counted."""
    return Note(
        memory,
        "audit",
        tuple[float, dict[str, float], tuple[tuple[tuple[str, str, str], int], ...]],
        lambda held: (held.watermark, held.seen, tuple(held.counts.items())),
        lambda held: AuditCounts(held[0], held[1], dict(held[2])),
    )


def resolved_note(memory: Memory) -> Note[ResolvedCounts]:
    """Resolved errors by integration."""
    return Note(memory, "resolved_errors", ResolvedCounts, lambda held: held, lambda held: held)


def step_records_note(memory: Memory) -> Note[StepRecordsState]:
    """Records by flow and step, and the runs whose steps are still to be asked for."""
    return Note(
        memory,
        "step_records",
        tuple[tuple[tuple[tuple[str, str], Triple], ...], tuple[Waiting, ...]],
        lambda held: (tuple(held.sums.items()), held.waiting),
        lambda held: StepRecordsState(dict(held[0]), held[1]),
    )
