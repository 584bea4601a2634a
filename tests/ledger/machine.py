"""What the machine of `test_machine` is made of: stores that die, faults of calls, and an account that knows the truth.

The truth is written from the promises: which runs have to be counted is decided from the account's own rows and from
what was shown to the collector, never from what the ledger made of it.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from exporter.api.errors import ApiError, BadRequest, NotFound, ServerError, Timeout
from exporter.api.models import Instant, Job
from exporter.ledger.sqlite import StateFile
from exporter.ledger.state import LedgerChange, LedgerState
from exporter.ledger.tally import FINISHED, STANDALONE, ZERO, Triple
from tests.clocks import ManualClock
from tests.collect.jobs_kit import JobsKit
from tests.ledger.kept import KeptStore
from tests.ledger.rows import job

OVERLAP = 7200.0
LATEST = 3000.0
"""A late row shows up this long after its creation at the latest, unless nothing is read meanwhile."""

ACCOUNT = "acme"
ERRORS: dict[str, Callable[[], ApiError]] = {
    "timeout": lambda: Timeout("/v1/jobs"),
    "500": lambda: ServerError("/v1/jobs", status=500),
    "400": lambda: BadRequest("/v1/jobs", status=400),
    "404": lambda: NotFound("/v1/jobs", status=404),
}

Sums = dict[str, tuple[Triple, Triple, Triple]]


class Death(BaseException):
    """The process ends here."""


class MortalStore(KeptStore):
    """A store in one of whose commits the process ends, before or after the change has taken place."""

    def __init__(self) -> None:
        super().__init__()
        self._left: int | None = None
        self._before = True

    def die(self, commits: int, *, before: bool) -> None:
        """Let the process end in the commit after `commits` more."""
        self._left, self._before = commits, before

    def load(self) -> LedgerState:
        """What was committed; nothing dies until told again."""
        self._left = None
        return super().load()

    def commit(self, change: LedgerChange, state: LedgerState) -> None:
        """Save, unless the process ends first."""
        last = self._left == 0
        self._left = None if self._left is None else self._left - 1
        if last and self._before:
            raise Death
        self.save(change, state)
        if last:
            raise Death

    def save(self, change: LedgerChange, state: LedgerState) -> None:
        """Make the change last; in no change at all does a watermark go back, or the first sight change."""
        for kind, held in self.state.tracks.items():
            new = change.tracks.get(kind, held)
            assert new.since == held.since
            assert held.watermark is None or (new.watermark is not None and held.watermark <= new.watermark)
        super().commit(change, state)

    def close(self) -> None:
        """Nothing to let go of."""


class FileStore(MortalStore):
    """The same on a real state file, opened anew at each start, which must then hold exactly what was committed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._file: StateFile | None = None

    def load(self) -> LedgerState:
        """What the file holds."""
        self.close()
        self._file = StateFile(self._path, [ACCOUNT], ManualClock(), 0.0)
        self._account = self._file.account(ACCOUNT)
        loaded = self._account.load()
        assert self._file.status.persistent
        assert loaded == super().load()
        return loaded

    def save(self, change: LedgerChange, state: LedgerState) -> None:
        """Into the file, and beside it."""
        self._account.commit(change, state)
        super().save(change, state)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()


@dataclass(slots=True)
class Failing:
    """A fault of one method: the call after `passing` good ones fails, and those after it unless `once`."""

    error: str
    passing: int
    once: bool

    def __call__(self, *arguments: object) -> ApiError | None:
        """The error of this call."""
        self.passing -= 1
        if self.passing >= 0 or (self.once and self.passing < -1):
            return None
        # A 404 of one integration says that it was deleted, and none is here.
        of_integration = len(arguments) > 1 and arguments[1] is not None
        return None if self.error == "404" and of_integration else ERRORS[self.error]()


@dataclass(slots=True)
class Account:
    """The account behind the collector, and what is true of it.

    `seen`: shown to a living collector in progress. `gone`: purged rows as they were. `hidden`: late rows, by their
    creation. `late`: all that ever were late. `counted`: ids the ledger has dealt with, and whether they are history.
    `read_back`: runs from before the first window that the reading of history came by.
    """

    kit: JobsKit
    living: dict[str, str | None]
    rows: dict[str, Job] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    gone: dict[str, Job] = field(default_factory=dict)
    hidden: dict[str, float] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)
    counted: dict[str, bool] = field(default_factory=dict)
    read_back: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.kit.client.flow_homes = dict(self.living)
        self.kit.client.integration_ids = ["int-a", "int-b"]

    def create(self, flow: str, kind: str, status: str, records: Triple) -> str:
        """One more run, created now."""
        name = f"run-{len(self.rows) + len(self.gone):03}"
        started = None if status == "queued" else self.kit.now
        home = self.living[flow]
        row = job(name, status, self.kit.now, started, flow_id=flow, integration_id=home, kind=kind, records=records)
        self._put(row)
        return name

    def hide(self, name: str) -> None:
        """The run is in no listing for a while."""
        self.hidden[name] = self.kit.now
        self.late.add(name)
        self.kit.client.unlisted.add(name)
        self.kit.client.not_current.add(name)

    def lose(self, name: str) -> None:
        """The run is not among those in progress for a while; one that was seen is in no listing at all."""
        self.kit.client.not_current.add(name)
        if name in self.seen:
            self.kit.client.unlisted.add(name)

    def find(self) -> None:
        """Everything that is not late is listed again."""
        self.kit.client.not_current, self.kit.client.unlisted = set(self.hidden), set(self.hidden)

    def reveal(self, name: str) -> None:
        """The run is listed from now on."""
        del self.hidden[name]
        self.kit.client.unlisted.discard(name)
        self.kit.client.not_current.discard(name)

    def start(self, name: str) -> None:
        """A queued run begins."""
        self._put(msgspec.structs.replace(self.rows[name], status="running", started_at=self._instant()))

    def work(self, name: str) -> None:
        """A run in progress gets on."""
        row = self.rows[name]
        self._put(msgspec.structs.replace(row, num_success=row.num_success + 1))

    def end(self, name: str, status: str) -> None:
        """The run ends now."""
        self._put(msgspec.structs.replace(self.rows[name], status=status, ended_at=self._instant()))

    def purge(self, name: str) -> None:
        """The run is gone for good, wherever it is asked for."""
        self.gone[name] = self.rows.pop(name)
        del self.kit.client.jobs[name]
        self.hidden.pop(name, None)

    def open(self) -> list[str]:
        """Runs in progress."""
        return [name for name, row in self.rows.items() if row.status not in FINISHED]

    def purgeable(self) -> list[str]:
        """Runs whose end the collector has not read yet."""
        return [name for name in self.rows if name not in self.kit.store.state.counted and name not in self.counted]

    def pass_time(self, seconds: float) -> None:
        """Time passes; what is late shows up in time."""
        self.kit.clock.advance(seconds)
        for name in [name for name, since in self.hidden.items() if self.kit.now - since >= LATEST]:
            self.reveal(name)

    def collected(self, shown_before: Iterable[str] | None = None) -> None:
        """Note what the collection saw; `shown_before` when it died: then what it had not saved was never seen."""
        shown, held = self.kit.client.shown_in_progress, self.kit.store.state
        if shown_before is not None:
            shown &= set(shown_before) | held.pending.keys()
        self.seen |= shown
        for name in held.counted.keys() - self.counted.keys():
            self.counted[name] = name not in self.gone and self.is_history(name)

    def history_read(self, before: float | None) -> None:
        """Note what the reading of history came by, which had got to `before`: what ended before the first sight.

        Who was seen in progress, or is late, was not among it.
        """
        held = self.kit.store.state
        position = held.backfills.get("flow")
        if position is None:
            return
        for name, row in self.rows.items():
            listed = name not in self.kit.client.unlisted and row.type == "flow" and row.status in FINISHED
            covered = position.reached <= (row.created_at or 0) < (position.until if before is None else before)
            elsewhere = name in held.pending or name in self.counted
            if listed and covered and not elsewhere and (row.ended_at or 0) <= self._since(row):
                self.read_back.add(name)

    def dealt_with(self, flow: str) -> list[Job]:
        """The ended runs of a flow that were read, counted or not; of what is gone now, those that were read back."""
        live = [self.rows[name] for name in self.counted if name in self.rows]
        old = [row for name, row in {**self.gone, **self.rows}.items() if name in self.read_back]
        return [row for row in (*live, *old) if row.flow_id == flow and row.type == "flow"]

    def is_history(self, name: str) -> bool:
        """Ended before the first sight, and nobody saw it before its end; to be asked before a lagging row shows it."""
        row = self.rows[name]
        assert row.ended_at is not None, f"{name} was dealt with before its end"
        return name not in self.seen and row.ended_at <= self._since(row)

    def to_count(self) -> list[Job]:
        """Every ended run that has to be counted in the end: no history, and not older than the first window."""
        return [
            row
            for name, row in self.rows.items()
            if row.status in FINISHED and not self.counted.get(name, self.is_history(name))
            if name in self.seen or (row.created_at or 0) >= self._since(row) - OVERLAP
        ]

    def counted_rows(self) -> list[Job]:
        """Every run that the ledger says it has counted."""
        return [self.rows[name] for name, history in self.counted.items() if not history and name in self.rows]

    def unknown(self) -> Counter[str]:
        """How many runs of each kind were seen, and are gone without an end."""
        return Counter(row.type or "" for name, row in self.gone.items() if name in self.seen)

    def _since(self, row: Job) -> float:
        """The first sight of the row's kind."""
        return {str(kind): track.since for kind, track in self.kit.store.state.tracks.items()}[row.type or ""]

    def _put(self, row: Job) -> None:
        self.rows[row.id] = self.kit.client.jobs[row.id] = row

    def _instant(self) -> Instant:
        # No two things happen at the same instant, so that before and after are never a matter of taste.
        self.kit.clock.advance(0.001)
        return Instant(self.kit.clock.time())


def sums(rows: Iterable[Job]) -> Sums:
    """Runs, records and retries of every flow."""
    found: Sums = {}
    for row in rows:
        runs, records, retries = found.get(row.flow_id or "", (ZERO, ZERO, ZERO))
        if row.type == "retry":
            retries = plus(retries, one(row))
        else:
            runs, records = plus(runs, one(row)), plus(records, (row.num_success, row.num_error, row.num_ignore))
        found[row.flow_id or ""] = (runs, records, retries)
    return found


def integration_sums(rows: Iterable[Job]) -> dict[str, tuple[Triple, Triple]]:
    """Runs and records of every integration; retries are no runs."""
    found: dict[str, tuple[Triple, Triple]] = {}
    for row in rows:
        if row.type == "flow":
            runs, records = found.get(row.integration_id or STANDALONE, (ZERO, ZERO))
            more = (row.num_success, row.num_error, row.num_ignore)
            found[row.integration_id or STANDALONE] = (plus(runs, one(row)), plus(records, more))
    return found


def one(row: Job) -> Triple:
    """One run in the place of its status."""
    completed, failed, canceled = (int(row.status == status) for status in FINISHED)
    return (completed, failed, canceled)


def plus(left: Triple, right: Triple) -> Triple:
    """The sums, place by place."""
    return (left[0] + right[0], left[1] + right[1], left[2] + right[2])
