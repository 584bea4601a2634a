"""Replicas as real processes on a real Redis, a simulated account as another, and somebody who scrapes all the time.

with simulated(flows=12) as account, RedisServer(tmp_path) as server:
    with Crew(tmp_path, account, [state(server.port)] * 3) as crew:
        crew.see()
        ...
        crew.settle()
"""

import itertools
import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from tests.e2e.kills import LABELS, READ_TWICE, Account, Counts, Exporter
from tests.e2e.processes import EXPORTER, Program, free_port, until
from tests.recorder import RECORDER

PROVE = bool(os.environ.get("PROVE"))

LEASE = 2.0
"""Seconds."""

LONGEST_SCRAPE = 3.0
"""Seconds that a scrape may take while Redis is in trouble, and that whoever scrapes waits."""

_PATIENCE = {"X-Prometheus-Scrape-Timeout-Seconds": str(LONGEST_SCRAPE)}

_RUNS = re.compile(r'^(\w+)\{(?=[^}]*flow_id="(\w+)")[^}]*(?:status|outcome)="(\w+)"[^}]*\} (\S+)', re.MULTILINE)
_FAILURES = re.compile(r'^celigo_exporter_state_failures_total\{reason="(\w+)"\} (\S+)', re.MULTILINE)
_PAUSE_SECONDS = 0.1


def state(port: int, *more: str, lease: float = LEASE) -> str:
    """The settings of `state` for a Redis on a port; `more` are further ones, and may replace the address."""
    given = [f"lease: {lease:.0f}s", *more]
    return ", ".join(
        given if any(each.startswith("url:") for each in given) else [f"url: 'redis://127.0.0.1:{port}/0'", *given]
    )


@contextmanager
def simulated(flows: int = 12, *flags: str) -> Iterator[Account]:
    """A simulated account in a process of its own."""
    api, control = free_port(), free_port()
    where = [f"--listen=127.0.0.1:{api}", f"--control=127.0.0.1:{control}", f"--flows={flows}", "--seed=6"]
    with Program([*EXPORTER, "simulator", *where, *flags]) as program:
        account = Account(f"http://127.0.0.1:{api}", f"http://127.0.0.1:{control}")
        program.answering(f"{account.control_url}/time")
        yield account
        RECORDER.simulator_log(account.control("GET", "/requests")["requests"])


@dataclass(frozen=True)
class Sight:
    """What one scrape told, and how many seconds it took."""

    text: str
    seconds: float

    def value(self, name: str, label: str = "") -> float | None:
        """The first sample of a family that has `label`."""
        found = re.search(rf"^{name}(?:\{{[^}}]*{re.escape(label)}[^}}]*\}})? (\S+)", self.text, re.MULTILINE)
        return float(found[1]) if found else None

    @property
    def counts(self) -> Counts:
        """The compared counters; those of 0 are not in it."""
        found = (match for match in _RUNS.finditer(self.text) if match[1] in LABELS)
        return +Counter({(match[1], match[2], match[3]): round(float(match[4])) for match in found})

    @property
    def failures(self) -> Mapping[str, float]:
        """How often Redis failed, by reason."""
        return {match[1]: float(match[2]) for match in _FAILURES.finditer(self.text) if float(match[2])}

    @property
    def leading(self) -> bool:
        """Whether it refreshes the account."""
        return self.value("celigo_exporter_replica_leading") == 1.0

    @property
    def persistent(self) -> bool:
        """Whether everything that was counted is in Redis."""
        return self.value("celigo_exporter_state_persistent", 'backend="redis"') == 1.0

    @property
    def snapshot(self) -> float:
        """When the newest of the account's numbers were built, unix seconds; 0 without any."""
        return self.value("celigo_exporter_snapshot_timestamp_seconds") or 0.0


class Replica(Exporter):
    """One of several exporters."""

    def __init__(self, folder: Path, account: Account, settings: str) -> None:
        folder.mkdir(parents=True)
        super().__init__(folder, account)
        self.written = ""
        self.started = False
        self.watched = False
        self.asked = threading.Lock()  # held while it is scraped
        self.configure(settings)

    def configure(self, settings: str) -> None:
        """Other settings of `state`, for the next start."""
        head, _, _ = self.config.read_text().partition("state:")
        self.config.write_text(f"{head}state: {{{settings}}}\n")

    def calm(self) -> None:
        """Longer intervals, for the next start."""
        before = "jobs: {interval: 1s, retries_interval: 2s}\n  inventory: {interval: 5s}"
        after = "jobs: {interval: 2s, retries_interval: 5s}\n  inventory: {interval: 30s}"
        text = self.config.read_text()
        assert before in text
        self.config.write_text(text.replace(before, after))

    @property
    def alive(self) -> bool:
        """Whether its process is there."""
        process = self.program.process if self.started else None
        return process is not None and process.poll() is None

    def start(self) -> None:
        """Start it; does not wait for it."""
        super().start()
        self.started = True
        self.watched = True

    def kill(self) -> None:
        """SIGKILL, also in the middle of a scrape."""
        self.watched = False
        super().kill()

    def stop(self) -> int:
        """SIGTERM, if it still runs; its exit status."""
        self.watched = False
        self.written += self.program.stdout() + self.program.stderr()
        return super().stop()

    def pause(self) -> None:
        """SIGSTOP."""
        self.watched = False
        with self.asked:
            self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)
        self.watched = True

    def look(self, query: str = "") -> Sight:
        """A scrape; an empty one when it does not answer."""
        began = time.monotonic()
        try:
            text = requests.get(f"{self.url}/metrics{query}", headers=_PATIENCE, timeout=30).text
        except requests.RequestException:
            text = ""
        return Sight(text, time.monotonic() - began)

    def log(self) -> str:
        """What it wrote in all of its lives."""
        return self.written + (self.program.stdout() + self.program.stderr() if self.alive else "")

    def _signal(self, number: signal.Signals) -> None:
        assert self.program.process is not None
        self.program.process.send_signal(number)


@dataclass
class Life:
    """Runs go on, and one replica after the other is scraped; use it in `with`.

    `drops` are counters that were lower than in a scrape before: of any replica with `across`, else of the same one.
    Numbers without their age are among them.
    """

    account: Account
    replicas: Sequence[Replica]
    runs: int = 1
    scrapes: int = 0
    slowest_seconds: float = 0.0
    failed: list[str] = field(default_factory=list)
    drops: list[str] = field(default_factory=list)
    across: bool = True
    newest: dict[str, Counts] = field(default_factory=dict)
    working: threading.Event = field(default_factory=threading.Event)
    _end: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self.flows = self.account.flows()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(120)

    def forget(self) -> None:
        """Counters begin anew, as they may."""
        self.newest = {}

    def _run(self) -> None:
        turns = itertools.cycle(self.replicas)
        while not self._end.wait(_PAUSE_SECONDS):
            if self.working.is_set():
                self.account.run(self.flows, self.runs)
            replica = next((each for each in itertools.islice(turns, len(self.replicas)) if each.watched), None)
            if replica is not None:
                with replica.asked:
                    self._scrape(replica)

    def _scrape(self, replica: Replica) -> None:
        held, place = self.newest, "all" if self.across else replica.url
        sight = replica.look() if replica.watched else Sight("", 0.0)
        if not sight.text:
            if replica.watched:
                self.failed.append(replica.url)
            return
        self.scrapes += 1
        self.slowest_seconds = max(self.slowest_seconds, sight.seconds)
        if not (counts := sight.counts):
            return
        if not sight.snapshot:
            self.drops.append(f"{replica.url}: nobody knows how old its numbers are")
        newest = held.get(place, Counts())
        if held is self.newest:
            fallen = [key for key, count in newest.items() if counts[key] < count]
            self.drops += [f"{replica.url}: {key} {newest[key]} to {counts[key]}" for key in fallen]
            held[place] = counts


class Crew:
    """Replicas of one account; use it in `with`. `settings` are those of `state`, one for each replica.

    `calm`: runs are read every 2 s instead of every second, so that a take-over is no more than a late reading.
    """

    def __init__(self, folder: Path, account: Account, settings: Sequence[str], *, calm: bool = False) -> None:
        self.account = account
        self._read_twice = READ_TWICE * 2 if calm else READ_TWICE
        self.replicas = [Replica(folder / f"replica-{n}", account, each) for n, each in enumerate(settings)]
        for replica in self.replicas if calm else ():
            replica.calm()
        self.life = Life(account, self.replicas)
        self.since = 0.0
        self.begun: Counts = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        with suppress(AttributeError):
            self.life.__exit__()
        for number, replica in enumerate(self.replicas):
            if replica.alive:
                replica.stop()
            if error is not None:
                print(f"--- replica {number}\n{replica.written[-6000:]}")

    def see(self) -> None:
        """Start all, wait until each tells the first sight of the account, and let life begin; see `Exporter.see`."""
        stood_at, began = self.account.freeze(), time.monotonic()
        for replica in self.replicas:
            replica.start()
        self.first_sight(stood_at, began)
        self.life.__enter__()
        self.life.working.set()
        self.account.resume()

    def first_sight(self, stood_at: float, began: float, replicas: Sequence[Replica] = ()) -> None:
        """Agree on what is to be counted, for an account whose time stands still since `began`."""
        for replica in replicas or self.replicas:
            until(partial(self._sees, replica), "the first sight")
        self.since = self.account.advance(time.monotonic() - began + 1.0)
        if self.account.ended(stood_at):
            enough = time.time() + self._read_twice
            until(lambda: self.last_read() > enough, "runs of the first seconds")
        self.begun = self.running()[0].look().counts

    def _sees(self, replica: Replica) -> bool:
        watermark = replica.look().value("celigo_exporter_watermark_timestamp_seconds", '"jobs"')
        return replica.program.running() and watermark is not None

    def last_read(self) -> float:
        """When runs were read, as the one tells it who knows of the newest; unix seconds."""
        name = "celigo_exporter_collector_last_success_timestamp_seconds"
        return max(each.look().value(name, '"jobs"') or 0.0 for each in self.running())

    def running(self) -> list[Replica]:
        """Those that can be asked."""
        return [each for each in self.replicas if each.watched]

    def leader(self) -> Replica:
        """Wait for one that leads. Asked in a way that starts nothing, and so waits for nothing."""
        query = "?collect[]=exporter"
        return until(lambda: next((each for each in self.running() if each.look(query).leading), None), "a leader")

    def others(self, leader: Replica) -> list[Replica]:
        """Those beside it."""
        return [each for each in self.running() if each is not leader]

    def fresh(self, what: str) -> None:
        """Wait until every replica tells something that is newer than now, and all of it is in Redis."""
        now = time.time()
        for each in self.running():
            until(partial(_is_fresh, each, now), f"{what}: fresh numbers again")

    def difference(self) -> tuple[Counts, Counts]:
        """What any replica has too few and too many; the account's time has to stand still."""
        expected = self.account.ended(self.since) + self.begun
        lost, twice = Counts(), Counts()
        for each in self.running():
            counts = each.look().counts
            lost |= expected - counts
            twice |= counts - expected
        return lost, twice

    def settle(self) -> int:
        """Let time stand still and wait until all replicas tell the truth; how many runs there were."""
        self.life.working.clear()
        self.account.freeze()
        if PROVE:  # what would be counted twice later on would be by then
            enough = time.time() + self._read_twice
            until(lambda: self.last_read() > enough, "the last reading", 90)
        nothing = (Counts(), Counts())
        if self.difference() != nothing:
            # What was read is published a moment later, and fetched by the others after that.
            until(lambda: self.difference() == nothing, f"every run is counted once; {self.difference()}", 30)
        runs = sum(count for (name, *_), count in self.account.ended(self.since).items() if name.endswith("runs_total"))
        self.account.resume()
        self.life.working.set()
        return runs

    def requests(self, since: int = 0) -> list[Mapping[str, Any]]:
        """What the API was asked after a sequence number."""
        rows: list[Mapping[str, Any]] = self.account.control("GET", f"/requests?since={since}")["requests"]
        return rows

    def silence(self) -> float:
        """Seconds since the API was asked last."""
        return time.monotonic() - max(float(row["at"]) for row in self.requests())


def _is_fresh(replica: Replica, since: float) -> bool:
    sight = replica.look()
    return sight.snapshot > since and sight.persistent
