"""The clock that the other tests trust."""

import threading
from functools import partial

from tests.clocks import EPOCH, ManualClock, run_together

NEVER = threading.Event()


def test_alone_a_wait_returns_at_once_with_time_moved_on() -> None:
    clock = ManualClock()
    before = clock.monotonic()
    assert clock.wait(NEVER, 86400.0) is False
    assert clock.monotonic() == before + 86400.0
    assert clock.time() == EPOCH + 86400.0


def test_a_set_event_ends_a_wait_without_time_passing() -> None:
    clock = ManualClock()
    event = threading.Event()
    event.set()
    before = clock.monotonic()
    assert clock.wait(event, 10.0) is True
    assert clock.monotonic() == before


def test_threads_wake_exactly_when_their_own_wait_is_over() -> None:
    clock = ManualClock()
    start = clock.monotonic()
    woken: dict[int, list[float]] = {}

    def sleeper(number: int) -> None:
        for _ in range(20):
            clock.wait(NEVER, number)
            woken.setdefault(number, []).append(clock.monotonic() - start)

    run_together(clock, [partial(sleeper, number) for number in range(1, 7)])
    assert woken == {number: [number * turn for turn in range(1, 21)] for number in range(1, 7)}


def test_without_participants_only_advance_moves_time() -> None:
    clock = ManualClock(participants=0)
    start = clock.monotonic()
    woken: list[float] = []

    def sleep() -> None:
        clock.wait(NEVER, 5.0)
        woken.append(clock.monotonic() - start)

    thread = threading.Thread(target=sleep)
    thread.start()
    while not clock.waiting:
        pass
    clock.advance(4.75)
    assert clock.waiting == 1
    clock.advance(0.5)
    thread.join(30)
    assert woken == [5.25]


def test_an_event_set_by_another_thread_ends_the_wait() -> None:
    clock = ManualClock(participants=0)
    event = threading.Event()
    seen: list[bool] = []
    thread = threading.Thread(target=lambda: seen.append(clock.wait(event, 5.0)))
    thread.start()
    while not clock.waiting:
        pass
    event.set()
    thread.join(30)
    assert seen == [True]
    assert clock.waiting == 0


def test_setting_the_wall_clock_leaves_monotonic_time_alone() -> None:
    clock = ManualClock()
    clock.advance(10.0)
    before = clock.monotonic()
    clock.set_wall(EPOCH - 3600.0)
    assert clock.time() == EPOCH - 3600.0
    assert clock.monotonic() == before
