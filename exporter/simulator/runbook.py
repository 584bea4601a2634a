"""All runs of the account, found by id, by flow, by age and by being in progress."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from exporter.simulator.runs import FINISHED, Run


class Tally:
    """What a flow's finished runs add up to, over the whole life of the account."""

    __slots__ = ("error", "ignored", "retries", "runs", "success")

    def __init__(self) -> None:
        self.runs = dict.fromkeys(sorted(FINISHED), 0)
        self.retries = dict.fromkeys(sorted(FINISHED), 0)
        self.success = 0
        self.error = 0
        self.ignored = 0


class RunBook:
    """Runs in order of creation. Not thread-safe: the engine's lock guards it.

    `vanished` holds, by flow, the ids of the runs that were taken out before their end.
    """

    def __init__(self) -> None:
        self._by_prefix: dict[str, Run] = {}
        self._ordered: list[Run] = []
        self._created: list[int] = []
        self._by_flow: dict[str, list[Run]] = {}
        self.active: dict[str, Run] = {}
        self.tallies: dict[str, Tally] = {}
        self.vanished: dict[str, list[str]] = {}

    def add(self, run: Run) -> None:
        """Add a run, which is usually but not always the newest."""
        at = len(self._ordered)
        if at and self._created[-1] > run.created_ms:
            at = bisect_right(self._created, run.created_ms)
        self._ordered.insert(at, run)
        self._created.insert(at, run.created_ms)
        self._by_prefix[run.id[:22]] = run
        self._by_flow.setdefault(run.flow.id, []).append(run)
        self.active[run.id] = run

    def finish(self, run: Run) -> None:
        """Take an ended run out of the active ones and into the flow's tally."""
        self.active.pop(run.id, None)
        tally = self.tallies.setdefault(run.flow.id, Tally())
        if run.kind == "retry":
            tally.retries[run.status] += 1
            return
        tally.runs[run.status] += 1
        tally.success += run.num_success
        tally.error += run.num_error
        tally.ignored += run.num_ignore

    def vanish(self, run: Run) -> None:
        """Take a run in progress out of everything, uncounted; only its id is remembered."""
        at = self._ordered.index(run, bisect_left(self._created, run.created_ms))
        del self._ordered[at], self._created[at]
        del self._by_prefix[run.id[:22]]
        self._by_flow[run.flow.id].remove(run)
        del self.active[run.id]
        self.vanished.setdefault(run.flow.id, []).append(run.id)

    def get(self, job_id: str) -> tuple[Run, int] | None:
        """Return the run of `job_id` and 0, or its run and the step number of a child job."""
        run = self._by_prefix.get(job_id[:22])
        if run is None:
            return None
        number = 0 if job_id == run.id else int(job_id[22:], 16)
        return run, number

    def of_flow(self, flow_id: str) -> list[Run]:
        """Return the runs of one flow, oldest first."""
        return self._by_flow.get(flow_id, [])

    def newest_first(self, gte_ms: int | None, lte_ms: int | None) -> Iterator[Run]:
        """Yield the runs created between two instants, newest first."""
        first = 0 if gte_ms is None else bisect_left(self._created, gte_ms)
        last = len(self._ordered) if lte_ms is None else bisect_right(self._created, lte_ms)
        for position in range(last - 1, first - 1, -1):
            yield self._ordered[position]

    def purge(self, before_ms: int) -> None:
        """Forget the runs created before `before_ms` (retention, contract 3.7)."""
        if not self._created or self._created[0] >= before_ms:
            return
        count = bisect_left(self._created, before_ms)
        for run in self._ordered[:count]:
            del self._by_prefix[run.id[:22]]
            self._by_flow[run.flow.id].remove(run)
            self.active.pop(run.id, None)
        del self._ordered[:count]
        del self._created[:count]

    def __len__(self) -> int:
        return len(self._ordered)
