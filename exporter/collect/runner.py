"""Runs one collector: one run at a time, timed, isolated, always reported.

When: on a grid of its interval, so that any number of scrapes adds no run and a scrape that comes a moment early does
not halve the rate. A collector that is refused (403, or 404 on everything it asks) is switched off until a slow probe.
"""

import hashlib
import logging
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from exporter import logs
from exporter.api.errors import ApiError, Forbidden, NotFound
from exporter.api.refresh import Away, Refresh, unwatched
from exporter.bugs import bug_fields
from exporter.clock import Clock
from exporter.collect.base import Collector
from exporter.collect.model import AccountModel

REFUSED_SECONDS = 300.0
"""How soon a refused collector is tried again, unless its interval is longer."""

_EARLY_SHARE = 0.05
_EARLY_SECONDS = 1.0
_STEP_SHARE = 0.2
"""Share of an interval by which a run may come early for the sake of its offset."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CollectorStatus:
    """What is known of a collector's runs.

    `success` is None before the first run ended. `last_success` is Unix seconds, `duration` seconds and `requests`
    attempts of the newest run. `errors` counts failed runs by reason. `disabled` is the refusal's type while the
    collector is switched off. `failure` is one line for people about the newest run.
    """

    collector: str
    interval: float
    success: bool | None = None
    last_success: float | None = None
    duration: float | None = None
    requests: int | None = None
    errors: Mapping[str, int] = field(default_factory=dict)
    truncated: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    disabled: str | None = None
    failure: str | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class RunnerImage:
    """What a runner leaves to that of another replica: its status, and in how many seconds it is due."""

    status: CollectorStatus
    due_in: float | None


class Grid:
    """When a collector is due: instants one interval apart, from the first run on. Monotonic seconds.

    `offset` (0 to 1) of an interval is by how much the instants come before those that the first run gives, so that
    many grids that begin together spread. They get there in steps: some runs come a little early, and none ever late.
    """

    def __init__(self, interval: float, offset: float = 0.0) -> None:
        self._interval = interval
        self._early = min(_EARLY_SECONDS, _EARLY_SHARE * interval)
        self._offset = offset * interval
        self._ahead = self._offset
        self._settled = False
        self._asked = False
        self._last: float | None = None
        self._next: float | None = None

    def due(self, now: float) -> bool:
        """Whether a run may start at `now`."""
        due = self._next is None or now >= self._next - self._early
        self._asked = self._asked or not due
        return due

    def started(self, now: float) -> None:
        """Note that a run started; the next instant stays on the grid unless it was missed by a whole interval.

        So a late run may be followed closely by one on time: scrapes that come a little before each instant would
        otherwise lose every fourth run.
        """
        if self._next is None or now - self._next >= self._interval:
            self._next, self._ahead = now, self._offset
        step = min(self._ahead, self._interval * _STEP_SHARE)
        self._ahead -= step
        if step == 0 and self._on_edge(now):
            self._settled, step = True, self._early
        self._asked = False
        self._last, self._next = now, self._next + self._interval - step

    def _on_edge(self, now: float) -> bool:
        """Whether scrapes come once an interval and just when the next run becomes due.

        By their own little differences some would come before that, and have no run. So the grid gives way, once.
        """
        if self._settled or self._asked or self._last is None or self._next is None:
            return False
        once_an_interval = abs(now - self._last - self._interval) < self._early / 4
        return once_an_interval and now - (self._next - self._early) < self._early / 2

    def go_on(self, before: Self) -> None:
        """Keep to the instants of another grid as far as this interval allows."""
        if before._next is not None and before._last is not None:
            self._last = before._last
            self._next = before._last + (before._next - before._last) * self._interval / before._interval
            self._ahead = min(before._ahead, self._offset)

    def due_in(self, now: float) -> float | None:
        """Seconds until the next instant; None before the first run."""
        return None if self._next is None else self._next - now

    def set_due(self, at: float) -> None:
        """Let the next instant be `at`, which is where it belongs."""
        self._next, self._ahead = at, 0.0

    def postpone(self, until: float) -> None:
        """Let nothing be due before `until`, but for the moment that a scrape may come early."""
        self._next = until if self._next is None else max(self._next, until)


class CollectorRunner:
    """One collector of one account. `claim` and `status` are thread-safe; `run` is called by who claimed.

    A run that fails after it was told to stop leaves no trace: nobody knows how it would have ended.
    """

    def __init__(self, account: str, collector: Collector, model: AccountModel, clock: Clock) -> None:
        self.collector = collector
        self._account = account
        self._model = model
        self._clock = clock
        self._grid = Grid(collector.settings.interval, offset_of(account))
        self._lock = threading.Lock()  # guards _running, _grid and _status
        self._running = False
        self._status = CollectorStatus(collector.name, collector.settings.interval)

    def go_on(self, before: Self, *, fresh: bool, on_time: bool) -> None:
        """Take over the counts of another runner, before the first run.

        `fresh`: how its newest run ended still holds. `on_time`: so does when the next one is due, unless one of its
        runs is under way, whose work is then due again.
        """
        with before._lock:
            held, running = before._status, before._running
            if fresh and on_time and not running:
                self._grid.go_on(before._grid)
        blank = self._status
        if fresh:
            self._status = replace(held, interval=blank.interval)
        else:
            self._status = replace(blank, errors=held.errors, truncated=held.truncated, rejected=held.rejected)

    def image(self) -> RunnerImage:
        """What another replica goes on with. A run that is under way is due again: who knows how it ends."""
        with self._lock:
            return RunnerImage(self._status, 0.0 if self._running else self._grid.due_in(self._clock.monotonic()))

    def restore(self, image: RunnerImage, passed: float) -> None:
        """Go on where the runner of another replica was `passed` seconds ago, before the first run."""
        self._status = replace(image.status, interval=self._status.interval)
        if image.due_in is not None:
            due_in = min(image.due_in, self._status.interval)
            self._grid.set_due(self._clock.monotonic() + due_in - passed)

    @property
    def status(self) -> CollectorStatus:
        """The newest status; replaced as a whole when a run ends."""
        return self._status

    def claim(self) -> bool:
        """Take the right to run now: true when due and not running. Whoever got it must call `run`."""
        now = self._clock.monotonic()
        with self._lock:
            if self._running or not self._grid.due(now):
                return False
            self._running = True
            self._grid.started(now)
            return True

    def lost(self, failure: Exception, stop: threading.Event) -> None:
        """Give back the right to run, in place of `run`: the run could not begin."""
        with self._lock:
            self._running = False
        if not stop.is_set():
            with logs.context(account=self._account, collector=self.collector.name):
                self._finish(Refresh(self._clock, self._clock.monotonic(), stop), 0.0, failure)

    def run(self, stop: threading.Event, away: Away = unwatched) -> None:
        """Run the collector once; raises nothing. `away` is told of its waits.

        Every line that is logged meanwhile tells whose run it belongs to.
        """
        with logs.context(account=self._account, collector=self.collector.name, run_id=logs.new_id()):
            self._run(stop, away)

    def _run(self, stop: threading.Event, away: Away) -> None:
        settings = self.collector.settings
        started = self._clock.monotonic()
        refresh = Refresh(self._clock, started + settings.deadline_seconds, stop, away=away)
        failure: BaseException | None = None
        try:
            self.collector.collect(refresh, self._model.publish)
        except ApiError as error:
            failure = error
        except Exception as error:  # a bug of ours must not cost the other collectors
            if not stop.is_set():  # else its ledger may be in other hands, which change it meanwhile
                _log.error("a collector has a bug", extra={"fields": {**bug_fields(error)}})
            failure = error
        if failure is not None and stop.is_set():
            with self._lock:
                self._running = False
            return
        self._finish(refresh, self._clock.monotonic() - started, failure)

    def _finish(self, refresh: Refresh, duration: float, failure: BaseException | None) -> None:
        before = self._status
        refused = failure.type if isinstance(failure, Forbidden | NotFound) and not failure.partial else None
        after = replace(
            before,
            success=failure is None,
            last_success=self._clock.time() if failure is None else before.last_success,
            duration=duration,
            requests=refresh.requests,
            errors=_counted(before.errors, failure),
            truncated=before.truncated + refresh.truncated,
            rejected=dict(Counter(before.rejected) + refresh.rejected),
            disabled=refused,
            failure=_line(failure),
            version=before.version + 1,
        )
        with self._lock:
            if refused is not None:
                self._grid.postpone(self._clock.monotonic() + max(self.collector.settings.interval, REFUSED_SECONDS))
            self._status = after
            self._running = False
        _log.debug(
            "a collector's run ended",
            extra={
                "fields": {
                    "duration_seconds": duration,
                    "requests_count": refresh.requests,
                    "error": after.failure or "",
                }
            },
        )
        if not refresh.stop.is_set():
            self._tell(before, after)

    def _tell(self, before: CollectorStatus, after: CollectorStatus) -> None:
        """One log line when the state changes, none while it stays."""
        if after.disabled is not None and before.disabled is None:
            wait = max(self.collector.settings.interval, REFUSED_SECONDS)
            _log.warning(
                "a collector is refused and tried rarely",
                extra={"fields": {"error": after.failure, "wait_seconds": wait}},
            )
        elif not after.success and (before.success is not False or before.failure != after.failure):
            _log.warning("a collector failed", extra={"fields": {"error": after.failure}})
        elif after.success and before.success is False:
            _log.info("a collector works again")


def offset_of(account: str) -> float:
    """Where on their grids the collectors of an account are, from 0 up to 1: always the same, another for each account.

    All of one account have the same, because they share listings: whoever came at another time than the one that asks
    for a listing would be handed one that is minutes old.
    """
    digest = hashlib.sha256(account.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


def reason_of(failure: BaseException) -> str:
    """The `reason` label of a failed run: the error's type, `internal` for a bug."""
    return failure.type if isinstance(failure, ApiError) else "internal"


def _counted(errors: Mapping[str, int], failure: BaseException | None) -> Mapping[str, int]:
    if failure is None:
        return errors
    reason = reason_of(failure)
    return {**errors, reason: errors.get(reason, 0) + 1}


def _line(failure: BaseException | None) -> str | None:
    """An ApiError's own line; of a bug only its class, since its text may hold anything."""
    if failure is None:
        return None
    return str(failure) if isinstance(failure, ApiError) else f"internal error ({type(failure).__name__})"
