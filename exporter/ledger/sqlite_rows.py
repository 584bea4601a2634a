"""Between the ledger's values and the rows of the state file.

Counters are columns, so that anyone can look at them with `sqlite3`; what is told of the newest runs and the histograms
are JSON. Reading is strict: a row that is not exactly as it was written makes the whole file unreadable.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from typing import Annotated, Any

import msgspec

from exporter.expose.families import Distribution
from exporter.ledger.history import Durations, Emptiness, FlowHistory, Hours, Streaks
from exporter.ledger.state import (
    Backfill,
    Counted,
    Expectation,
    Kind,
    LedgerChange,
    LedgerState,
    Pending,
    Progress,
    Track,
)
from exporter.ledger.tally import (
    DURATION_BUCKETS,
    NEVER,
    QUEUE_WAIT_BUCKETS,
    FinishedRun,
    FlowTally,
    IntegrationTally,
    Streak,
)

_Count = Annotated[int, msgspec.Meta(ge=0)]


class _Streak(msgspec.Struct, frozen=True, array_like=True):
    count: _Count
    broken_at: float | None
    ends: tuple[float, ...]
    oldest: float | None = None


class _Newest(msgspec.Struct, frozen=True):
    last: FinishedRun | None
    failed: _Streak
    empty: _Streak


class _Emptiness(msgspec.Struct, frozen=True, array_like=True):
    longest: _Count
    first: _Count
    last: _Count
    unbroken: bool


class _Streaks(msgspec.Struct, frozen=True, array_like=True):
    settled: _Emptiness
    settled_at: float | None
    recent: _Emptiness
    oldest: float | None
    newest: float | None


class _History(msgspec.Struct, frozen=True):
    durations: tuple[tuple[float, float], ...]
    before: _Emptiness
    since: _Streaks
    newest_hour: _Count
    hours: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]+$")]
    starts: tuple[tuple[str, float], ...]
    delivery: float | msgspec.UnsetType | None = msgspec.UNSET  # rows of before it was told are without


class _Histogram(msgspec.Struct, frozen=True, array_like=True):
    cumulative: tuple[_Count, ...]
    sum: float
    count: _Count


class _Histograms(msgspec.Struct, frozen=True):
    durations: _Histogram
    queue_waits: _Histogram


Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its columns after `account`, the first of which is the key, and how its rows are made and read.

    `held` picks the table's part of a state, `changed` what a change sets, `gone` the keys that go.
    """

    name: str
    columns: tuple[str, ...]
    kinds: type[Any]
    pack: Callable[[Any], Row]
    unpack: Callable[[Row], Any]
    held: Callable[[LedgerState], dict[Any, Any]]
    changed: Callable[[LedgerChange], Mapping[Any, Any]]
    gone: Callable[[LedgerChange], Iterable[str]] = lambda _: ()

    def write(self, connection: sqlite3.Connection, account: int, values: Mapping[Any, Any]) -> None:
        """Set rows by key."""
        places = ", ".join("?" * (len(self.columns) + 1))
        statement = f"INSERT OR REPLACE INTO {self.name} VALUES ({places})"  # noqa: S608 - names of this module
        connection.executemany(statement, [(account, key, *self.pack(value)) for key, value in values.items()])

    def remove(self, connection: sqlite3.Connection, account: int, keys: Iterable[str]) -> None:
        """Remove rows by key."""
        statement = f"DELETE FROM {self.name} WHERE account = ? AND {self.columns[0]} = ?"  # noqa: S608 - names of this module
        connection.executemany(statement, [(account, key) for key in keys])

    def clear(self, connection: sqlite3.Connection, account: int) -> None:
        """Remove all rows of the account."""
        connection.execute(f"DELETE FROM {self.name} WHERE account = ?", (account,))  # noqa: S608 - names of this module

    def read(self, connection: sqlite3.Connection, account: int) -> Iterator[tuple[str, Any]]:
        """All rows of the account; raises ValueError for one that is not as it was written."""
        statement = f"SELECT {', '.join(self.columns)} FROM {self.name} WHERE account = ?"  # noqa: S608 - names of this module
        for row in connection.execute(statement, (account,)):
            values = msgspec.convert(row, self.kinds)
            yield values[0], self.unpack(values[1:])


def _time(instant: float) -> float | None:
    return None if instant == NEVER else instant


def _instant(time: float | None) -> float:
    return NEVER if time is None else time


def _track_row(track: Track) -> Row:
    return (track.since, track.watermark, _time(track.forgotten))


def _track(row: Row) -> Track:
    return Track(row[0], row[1], _instant(row[2]))


def _streak_row(streak: Streak) -> _Streak:
    return _Streak(streak.count, _time(streak.broken_at), streak.ends, _time(streak.oldest))


def _streak(row: _Streak) -> Streak:
    return Streak(row.count, _instant(row.broken_at), row.ends, _instant(row.oldest))


def _flow_row(tally: FlowTally) -> Row:
    newest = _Newest(tally.last, _streak_row(tally.failed), _streak_row(tally.empty))
    counts = (*tally.runs, *tally.records, *tally.retries)
    return (*counts, _time(tally.newest_created), msgspec.json.encode(newest).decode())


def _flow(row: Row) -> FlowTally:
    newest = msgspec.json.decode(row[10], type=_Newest)
    return FlowTally(
        runs=row[0:3],
        records=row[3:6],
        retries=row[6:9],
        last=newest.last,
        failed=_streak(newest.failed),
        empty=_streak(newest.empty),
        newest_created=_instant(row[9]),
    )


def _emptiness(row: _Emptiness) -> Emptiness:
    return Emptiness(*msgspec.structs.astuple(row))


def _streaks_row(held: Streaks) -> _Streaks:
    settled, recent = _Emptiness(*astuple(held.settled)), _Emptiness(*astuple(held.recent))
    return _Streaks(settled, _time(held.settled_at), recent, _time(held.oldest), _time(held.newest))


def _streaks(row: _Streaks) -> Streaks:
    settled, recent = _emptiness(row.settled), _emptiness(row.recent)
    return Streaks(settled, _instant(row.settled_at), recent, _instant(row.oldest), _instant(row.newest))


def _history_row(history: FlowHistory) -> Row:
    held = _History(
        durations=tuple(history.durations.pairs()),
        before=_Emptiness(*astuple(history.before)),
        since=_streaks_row(history.since),
        newest_hour=history.hours.newest,
        hours=f"{history.hours.bits:x}",
        starts=history.starts,
        delivery=_time(history.delivery),
    )
    return (_time(history.success), msgspec.json.encode(held).decode())


def _history(row: Row) -> FlowHistory:
    held = msgspec.json.decode(row[1], type=_History)
    return FlowHistory(
        durations=Durations.of(held.durations),
        before=_emptiness(held.before),
        since=_streaks(held.since),
        hours=Hours(held.newest_hour, int(held.hours, 16)),
        success=_instant(row[0]),
        delivery=_instant(row[0] if isinstance(held.delivery, msgspec.UnsetType) else held.delivery),
        starts=held.starts,
    )


def _progress(row: Row) -> Progress:
    return Progress(msgspec.json.decode(row[1], type=tuple[int, ...]), row[0])


def _histogram(held: Distribution) -> _Histogram:
    return _Histogram(tuple(held.cumulative), held.sum, held.count)


def _integration_row(tally: IntegrationTally) -> Row:
    histograms = _Histograms(_histogram(tally.durations), _histogram(tally.queue_waits))
    counts = (*tally.runs, *tally.records)
    return (*counts, _time(tally.newest_created), msgspec.json.encode(histograms).decode())


def _integration(row: Row) -> IntegrationTally:
    held = msgspec.json.decode(row[7], type=_Histograms)
    return IntegrationTally(
        runs=row[0:3],
        records=row[3:6],
        durations=_distribution(held.durations, DURATION_BUCKETS),
        queue_waits=_distribution(held.queue_waits, QUEUE_WAIT_BUCKETS),
        newest_created=_instant(row[6]),
    )


def _distribution(held: _Histogram, buckets: tuple[float, ...]) -> Distribution:
    if len(held.cumulative) != len(buckets):
        raise ValueError("a histogram of other buckets")
    return Distribution(held.cumulative, held.sum, held.count)


_SIX = "completed failed canceled success error ignored"

TABLES = (
    Table(
        "track", ("kind", "since", "watermark", "forgotten"),
        tuple[Kind, float, float | None, float | None], _track_row, _track,
        lambda state: state.tracks, lambda change: change.tracks,
    ),
    Table(
        "unknown", ("kind", "jobs"), tuple[Kind, _Count], lambda jobs: (jobs,), lambda row: row[0],
        lambda state: state.unknown, lambda change: change.unknown,
    ),
    Table(
        "counted", ("job_id", "kind", "created_at", "at"), tuple[str, Kind, float, float],
        lambda row: (row.kind, row.created_at, row.at), lambda row: Counted(*row),
        lambda state: state.counted, lambda change: change.counted, lambda change: change.dropped_ids,
    ),
    Table(
        "pending", ("job_id", "kind", "created_at", "flow_id"), tuple[str, Kind, float, str | None],
        lambda row: (row.kind, row.created_at, row.flow_id), lambda row: Pending(*row),
        lambda state: state.pending, lambda change: change.pending, lambda change: change.closed_ids,
    ),
    Table(
        "flow",
        ("flow_id", *_SIX.split(), "retries_completed", "retries_failed", "retries_canceled", "newest_created",
         "newest"),
        tuple[str, _Count, _Count, _Count, _Count, _Count, _Count, _Count, _Count, _Count, float | None, str],
        _flow_row, _flow,
        lambda state: state.flows, lambda change: change.flows, lambda change: change.retired_flows,
    ),
    Table(
        "integration", ("integration_id", *_SIX.split(), "newest_created", "histograms"),
        tuple[str, _Count, _Count, _Count, _Count, _Count, _Count, float | None, str],
        _integration_row, _integration,
        lambda state: state.integrations, lambda change: change.integrations,
        lambda change: change.retired_integrations,
    ),
    Table(
        "history", ("flow_id", "success", "history"), tuple[str, float | None, str], _history_row, _history,
        lambda state: state.histories, lambda change: change.histories, lambda change: change.retired_flows,
    ),
    Table(
        "backfill", ("kind", "until", "reached"), tuple[Kind, float, float],
        lambda row: (row.until, row.reached), lambda row: Backfill(*row),
        lambda state: state.backfills, lambda change: change.backfills,
    ),
    Table(
        "progress", ("job_id", "moved_at", "counters"), tuple[str, float, str],
        lambda row: (row.moved_at, msgspec.json.encode(row.counters).decode()), _progress,
        lambda state: state.progress, lambda change: change.progress, lambda change: change.still_ids,
    ),
    Table(
        "expectation", ("flow_id", "fingerprint", "since"), tuple[str, str, float],
        lambda row: (row.fingerprint, row.since), lambda row: Expectation(*row),
        lambda state: state.expectations, lambda change: change.expectations,
        lambda change: change.unexpected_flows,
    ),
    Table(
        "note", ("name", "content"), tuple[str, str],
        lambda text: (msgspec.json.encode(text).decode(),), lambda row: msgspec.json.decode(row[0], type=str),
        lambda state: state.notes, lambda change: change.notes,
    ),
)  # fmt: skip
"""Every table, in the order in which a change is written."""


def account_number(connection: sqlite3.Connection, name: str) -> int:
    """The number of the account in the file, given out at its first commit; 0 before. Raises ValueError."""
    row = connection.execute("SELECT id FROM account WHERE name = ?", (name,)).fetchone()
    return 0 if row is None else msgspec.convert(row[0], int)


def read_state(connection: sqlite3.Connection, name: str) -> LedgerState:
    """The last committed state of an account. Raises sqlite3.Error, and ValueError for what nobody wrote."""
    state, account = LedgerState(), account_number(connection, name)
    for table in TABLES:
        table.held(state).update(table.read(connection, account))
    return state


def write_change(connection: sqlite3.Connection, name: str, change: LedgerChange) -> None:
    """Write what `change` sets and removes; the caller holds the transaction. Raises sqlite3.Error."""
    account = _account(connection, name)
    for table in TABLES:
        table.write(connection, account, table.changed(change))
        table.remove(connection, account, table.gone(change))


def write_state(connection: sqlite3.Connection, name: str, state: LedgerState) -> None:
    """Replace everything of the account by `state`; the caller holds the transaction. Raises sqlite3.Error."""
    account = _account(connection, name)
    for table in TABLES:
        table.clear(connection, account)
        table.write(connection, account, table.held(state))


def _account(connection: sqlite3.Connection, name: str) -> int:
    connection.execute("INSERT OR IGNORE INTO account (name) VALUES (?)", (name,))
    return account_number(connection, name)
