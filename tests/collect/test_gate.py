"""The gate: whose run is next, and that nobody who hangs keeps the others from theirs. Nothing here waits for time."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import pytest

from exporter.api.refresh import Away
from exporter.collect.gate import GOING, MOMENT_SECONDS, PLACES, RANK_SECONDS, SHARES, Gate
from exporter.collect.workers import Workers
from exporter.collectors import COLLECTORS, RANKS
from exporter.logs import context
from exporter.logs.context import current_fields
from tests.clocks import ManualClock
from tests.e2e.processes import until


@dataclass
class Stage:
    """A gate, and an executor for all accounts whose tasks end when the test says so."""

    places: int = PLACES
    clock: ManualClock = field(default_factory=lambda: ManualClock(participants=0))
    running: deque[tuple[str, Callable[[], None]]] = field(default_factory=deque)
    order: list[str] = field(default_factory=list)
    waits: dict[str, AbstractContextManager[None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.gate = Gate(self.clock, self.places)

    def ask(self, name: str, rank: int = 2, owner: str = "") -> Future[None]:
        """Submit a run that is called `name`."""
        return self.gate.submit(owner or name, rank, Begun(self, name), nothing)

    def away(self, name: str, *, idle: bool = False) -> None:
        """Let a run wait for its API, or for its budget."""
        entry = next(each for each in self.gate._going if getattr(each.executor, "name", "") == name)
        self.waits[name] = self.gate._away(entry, idle=idle)
        self.waits[name].__enter__()

    def back(self, name: str) -> None:
        """Let it go on."""
        self.waits.pop(name).__exit__(None, None, None)

    def end(self, name: str) -> None:
        """Let a run end."""
        if name in self.waits:
            self.back(name)
        task = next(task for each, task in self.running if each == name)
        self.running.remove((name, task))
        task()

    @property
    def names(self) -> list[str]:
        """What runs."""
        return [name for name, _ in self.running]


@dataclass
class Begun:
    """An executor that notes what began; `Stage.end` lets it end."""

    stage: Stage
    name: str

    def submit(self, task: Callable[[], None]) -> Future[None]:
        """It begins."""
        self.stage.order.append(self.name)
        self.stage.running.append((self.name, task))
        return Future()

    def close(self, seconds: float) -> bool:
        """Nothing to end."""
        return seconds >= 0


@pytest.fixture
def stage() -> Iterator[Stage]:
    held = Stage(places=2)
    yield held
    for queue in tuple(held.gate._waiting):
        for entry in tuple(queue):
            held.gate.forget(entry.owner)


def nothing(_: Away) -> None:
    """A run that is over at once."""


def opened(gate: threading.Event) -> Callable[[Away], None]:
    def wait(_: Away) -> None:
        assert gate.wait(30)

    return wait


def hang(stage: Stage, *names: str, owner: str = "") -> None:
    """Let runs begin that wait for an answer from now on."""
    for name in names:
        stage.ask(name, owner=owner)
        stage.away(name)


class TestTurns:
    def test_no_more_begin_than_there_are_places(self, stage: Stage) -> None:
        for name in "abcd":
            stage.ask(name)
        assert (stage.names, stage.gate.waiting) == (["a", "b"], 2)
        stage.end("b")
        assert (stage.names, stage.gate.waiting) == (["a", "c"], 1)

    def test_the_most_urgent_is_next_and_among_equals_the_first(self, stage: Stage) -> None:
        with stage.gate.gathering():
            for name, rank in (("d1", 4), ("i1", 2), ("h1", 0), ("j1", 1), ("h2", 0), ("d2", 4), ("i2", 2)):
                stage.ask(name, rank)
            assert stage.names == []
        while stage.running:
            stage.end(stage.names[0])
        assert stage.order == ["h1", "h2", "j1", "i1", "i2", "d1", "d2"]

    def test_who_has_waited_long_enough_is_as_urgent_as_any(self, stage: Stage) -> None:
        for name in "xy":
            stage.ask(name)
        stage.ask("detail", 4)
        stage.clock.advance(MOMENT_SECONDS / 2)
        stage.ask("health", 0)
        stage.end("x")
        assert stage.order[-1] == "health"
        for number in range(3):
            stage.ask(f"late {number}", 0)
        stage.end("health")
        assert stage.order[-1] == "late 0"
        assert [len(queue) for queue in stage.gate._waiting] == [2, 0, 0, 0, 1]

    def test_nothing_starves(self) -> None:
        """More urgent runs come for ever, faster than they end."""
        stage = Stage(places=1)
        stage.ask("first")
        stage.ask("detail", 4)
        for number in range(100):
            stage.ask(f"health {number}", 0, owner="same")
            stage.end(stage.names[0])
            stage.clock.advance(1)
            if "detail" in stage.order:
                break
        assert stage.order.index("detail") <= 4 * RANK_SECONDS + 2
        stage.gate.forget("same")

    def test_every_collector_has_a_rank_and_health_comes_first_then_runs(self) -> None:
        assert RANKS.keys() == set(COLLECTORS)
        assert sorted(COLLECTORS, key=RANKS.__getitem__)[:3] == ["health", "jobs", "inventory"]
        assert len(COLLECTORS) < PLACES

    def test_some_places_are_for_the_urgent_ones_alone(self) -> None:
        stage = Stage()
        for number in range(PLACES):
            for rank in (4, 3, 2):
                stage.ask(f"{rank} {number}", rank, owner="x")
        assert len([name for name in stage.names if name[0] == "4"]) == SHARES[4]
        assert len(stage.names) == SHARES[2] < PLACES
        for number in range(PLACES):
            stage.ask(f"0 {number}", 0, owner="x")
        assert len(stage.names) == PLACES
        stage.gate.forget("x")

    def test_nobody_is_held_up_for_longer_than_a_moment(self, stage: Stage) -> None:
        """However long a document takes, and however many are made one over the other."""
        with stage.gate.gathering():
            stage.ask("a")
            assert stage.names == []
            stage.clock.advance(MOMENT_SECONDS)
            with stage.gate.gathering():
                stage.gate.look()
                assert stage.names == ["a"]


class TestWaits:
    def test_a_run_that_waits_for_its_budget_leaves_its_place_to_others_meanwhile(self, stage: Stage) -> None:
        for name in "abcd":
            stage.ask(name)
        stage.away("a", idle=True)
        assert stage.names == ["a", "b", "c"]
        stage.back("a")
        stage.end("b")
        assert stage.names == ["a", "c"]
        stage.end("a")
        assert stage.names == ["c", "d"]

    def test_but_not_to_any_number(self) -> None:
        stage = Stage(places=2)
        for number in range(2 * GOING):
            stage.ask(f"{number}", 0, owner="x")
        while stage.gate.waiting > GOING:
            stage.away(next(name for name in stage.names if name not in stage.waits), idle=True)
        assert len(stage.names) == GOING
        stage.gate.forget("x")

    def test_one_that_waits_for_an_answer_keeps_it_for_a_moment(self, stage: Stage) -> None:
        for name in "abc":
            stage.ask(name)
        stage.away("a")
        assert stage.names == ["a", "b"]


class TestHanging:
    def test_a_run_that_hangs_gives_its_place_to_others(self, stage: Stage) -> None:
        hang(stage, "hangs 1", "hangs 2")
        stage.ask("a")
        stage.clock.advance(MOMENT_SECONDS - 0.01)
        stage.gate.look()
        assert stage.names == ["hangs 1", "hangs 2"]
        stage.clock.advance(0.02)
        stage.gate.look()
        assert stage.names == ["hangs 1", "hangs 2", "a"]

    def test_one_that_works_for_long_keeps_it_and_is_not_slow(self, stage: Stage) -> None:
        """All share a processor, and when that is busy everybody takes long."""
        stage.ask("a", owner="acme")
        stage.ask("b")
        stage.ask("c")
        stage.clock.advance(100 * MOMENT_SECONDS)
        stage.gate.look()
        assert stage.names == ["a", "b"]
        stage.end("a")
        stage.ask("d", owner="acme")
        assert stage.names == ["b", "c"]

    def test_time_alone_lets_them_begin(self, stage: Stage) -> None:
        hang(stage, "hangs 1", "hangs 2")
        stage.ask("a")
        until(lambda: stage.clock.waiting == 1, "the watch")
        stage.clock.advance(MOMENT_SECONDS)
        until(lambda: "a" in stage.names, "a free place")
        until(lambda: not stage.gate._watched, "the end of the watch")

    def test_an_account_that_hangs_takes_no_place_again(self, stage: Stage) -> None:
        hang(stage, "run 0", "run 1", owner="hanging")
        for number in (2, 3):
            stage.ask(f"run {number}", owner="hanging")
        stage.clock.advance(MOMENT_SECONDS)
        stage.gate.look()
        assert len(stage.names) == 4
        for name in "abc":
            stage.ask(name)
        assert stage.names[4:] == ["a", "b"]
        stage.ask("run 4", owner="hanging")
        assert stage.names[6:] == ["run 4"]

    def test_it_is_known_to_be_slow_though_nobody_waits_for_a_place(self, stage: Stage) -> None:
        hang(stage, "run", owner="hanging")
        assert not stage.gate.slow("hanging")
        stage.clock.advance(MOMENT_SECONDS)
        assert stage.gate.slow("hanging")
        assert not stage.gate.slow("acme")
        stage.ask("quick", owner="hanging")
        stage.end("quick")
        assert stage.gate.slow("hanging")
        stage.end("run")
        assert stage.gate.slow("hanging")

    def test_it_does_again_once_a_run_did_not_hang(self, stage: Stage) -> None:
        hang(stage, "slow", owner="acme")
        stage.clock.advance(MOMENT_SECONDS)
        stage.end("slow")
        for name in "xy":
            stage.ask(name)
        stage.ask("quick", owner="acme")
        assert stage.names == ["x", "y", "quick"]
        stage.end("quick")
        stage.ask("next", owner="acme")
        assert stage.names == ["x", "y"]

    def test_however_many_hang_the_others_begin_within_moments(self) -> None:
        """Two hundred accounts, most of them silent, each with every collector due."""
        stage = Stage()
        with stage.gate.gathering():
            for account in range(200):
                for name in COLLECTORS:
                    stage.ask(f"{account} {name}", RANKS[name], owner=f"account-{account}")
        hanging = {f"{account}" for account in range(150)}
        seconds = 0.0
        while stage.gate.waiting:
            for name in [name for name in stage.names if name.split()[0] not in hanging]:
                stage.end(name)
            for entry in tuple(stage.gate._going):
                if entry.away_since is None:
                    stage.away(getattr(entry.executor, "name", ""))
            if stage.gate.waiting and not any(name.split()[0] not in hanging for name in stage.names):
                stage.clock.advance(0.5)
                seconds += 0.5
                stage.gate.look()
        good = [name for name in stage.order if name.split()[0] not in hanging]
        assert len(good) == 50 * len(COLLECTORS)
        assert [name.split()[1] for name in good[:50]] == ["health"] * 50
        assert [name.split()[1] for name in good[50:100]] == ["jobs"] * 50
        print(f"150 of 200 hang: the last run of the others began after {seconds:g} s")
        assert seconds <= MOMENT_SECONDS * (150 / PLACES + 1)


class TestEnds:
    def test_the_future_ends_as_the_task_does(self, stage: Stage) -> None:
        failure = ValueError("x")

        def fail(_: Away) -> None:
            raise failure

        workers = Workers("account-gate", 1)
        assert stage.gate.submit("a", 0, workers, nothing).result(30) is None
        assert stage.gate.submit("a", 0, workers, fail).exception(30) is failure
        assert stage.gate.submit("a", 0, workers, nothing).result(30) is None
        assert workers.close(30)

    def test_what_waits_of_an_account_that_ends_is_cancelled(self, stage: Stage) -> None:
        for name in "ab":
            stage.ask(name)
        waits, stays = stage.ask("c", owner="gone"), stage.ask("d")
        stage.gate.forget("gone")
        with pytest.raises(CancelledError):
            waits.result(30)
        stage.end("a")
        assert stage.names == ["b", "d"]
        assert not stays.done()

    def test_a_task_that_cannot_begin_costs_no_place_and_is_told(self, stage: Stage) -> None:
        workers = Workers("account-closed", 1)
        assert workers.close(30)
        lost: list[Exception] = []
        futures = [stage.gate.submit("a", 0, workers, nothing, lost.append) for _ in range(2000)]
        assert {str(future.exception(30)) for future in futures} == {"the workers are closed"}
        assert len(lost) == 2000
        for name in "ab":
            stage.ask(name)
        assert stage.names == ["a", "b"]

    def test_many_that_cannot_begin_at_once_are_told_one_by_one(self, stage: Stage) -> None:
        workers = Workers("account-closed", 1)
        assert workers.close(30)
        with stage.gate.gathering():
            futures = [stage.gate.submit("a", 0, workers, nothing) for _ in range(2000)]
        assert all(future.exception(30) for future in futures)

    def test_a_task_runs_in_the_context_of_who_asked_for_it(self) -> None:
        stage, gate = Stage(places=1), threading.Event()
        seen: list[dict[str, object]] = []
        workers = Workers("account-context", 2)

        def note(_: Away) -> None:
            seen.append(dict(current_fields()))

        with context(request_id="first"):
            held = stage.gate.submit("a", 0, workers, opened(gate))
        with context(request_id="second"):
            waits = stage.gate.submit("b", 0, workers, note)
        gate.set()
        held.result(30)
        waits.result(30)
        assert seen == [{"request_id": "second"}]
        assert workers.close(30)

    def test_real_threads_never_exceed_the_places_and_all_is_done(self) -> None:
        gate, workers = Gate(ManualClock(participants=0), places=4), [Workers(f"account-{n}", 9) for n in range(20)]
        together, most, lock = [0], [0], threading.Lock()

        def work(_: Away) -> None:
            with lock:
                together[0] += 1
                most[0] = max(most[0], together[0])
            with lock:
                together[0] -= 1

        futures = [gate.submit(n, 0, each, work) for _ in range(50) for n, each in enumerate(workers)]
        for future in futures:
            future.result(60)
        assert most[0] <= 4
        assert gate.waiting == 0
        assert all(each.close(30) for each in workers)
