"""Simulated time: speed, standstill, jumps."""

import threading

import pytest

from exporter.simulator.clock import ManualTime, SimClock


def test_time_begins_at_the_base_clocks_value_without_a_start() -> None:
    assert SimClock(ManualTime(500.0)).now() == 500.0


def test_time_begins_at_the_given_start() -> None:
    assert SimClock(ManualTime(500.0), start=1000.0).now() == 1000.0


def test_without_a_base_the_machines_clock_drives_it() -> None:
    clock = SimClock()
    first = clock.now()
    assert clock.now() >= first > 1_500_000_000


@pytest.mark.parametrize(("speed", "expected"), [(1.0, 110.0), (10.0, 200.0), (0.5, 105.0)], ids=str)
def test_speed_multiplies_what_passes(speed: float, expected: float) -> None:
    base = ManualTime(0.0)
    clock = SimClock(base, start=100.0, speed=speed)
    base.advance(10)
    assert clock.now() == expected


def test_a_change_of_speed_does_not_touch_what_has_passed() -> None:
    base = ManualTime(0.0)
    clock = SimClock(base, start=0.0)
    base.advance(10)
    clock.set_speed(100)
    base.advance(1)
    assert clock.now() == 110.0
    assert clock.speed == 100


def test_frozen_time_stands_still_and_goes_on_from_there() -> None:
    base = ManualTime(0.0)
    clock = SimClock(base, start=0.0)
    clock.freeze()
    base.advance(50)
    assert clock.now() == 0.0
    assert clock.frozen
    clock.resume()
    base.advance(5)
    assert clock.now() == 5.0
    assert not clock.frozen


def test_freezing_twice_changes_nothing() -> None:
    base = ManualTime(0.0)
    clock = SimClock(base, start=0.0)
    base.advance(3)
    clock.freeze()
    base.advance(3)
    clock.freeze()
    assert clock.now() == 3.0


@pytest.mark.parametrize("frozen", [False, True])
def test_a_jump_moves_time_ahead_whether_frozen_or_not(*, frozen: bool) -> None:
    clock = SimClock(ManualTime(0.0), start=10.0, speed=7.0)
    if frozen:
        clock.freeze()
    clock.advance(3600)
    assert clock.now() == 3610.0


@pytest.mark.parametrize("seconds", [-1.0, float("inf"), float("nan")], ids=str)
def test_a_jump_back_or_without_end_is_refused(seconds: float) -> None:
    clock = SimClock(ManualTime(0.0), start=10.0)
    with pytest.raises(ValueError, match="advance"):
        clock.advance(seconds)
    assert clock.now() == 10.0


@pytest.mark.parametrize("speed", [0.0, -1.0, 2_000_000.0, float("nan")], ids=str)
def test_an_impossible_speed_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        SimClock(ManualTime(), speed=speed)
    clock = SimClock(ManualTime())
    with pytest.raises(ValueError, match="speed"):
        clock.set_speed(speed)


def test_time_never_goes_back_when_the_base_does() -> None:
    readings = iter([100.0, 90.0, 90.0])
    clock = SimClock(lambda: next(readings), start=0.0)
    assert clock.now() == 0.0


def test_milliseconds_are_whole() -> None:
    assert SimClock(ManualTime(0.0), start=1.2345).now_ms() == 1234


def test_manual_time_refuses_to_go_back() -> None:
    base = ManualTime(5.0)
    with pytest.raises(ValueError, match="back"):
        base.advance(-1)
    assert base() == 5.0


def test_jumps_of_several_threads_all_count() -> None:
    clock = SimClock(ManualTime(0.0), start=0.0)
    barrier = threading.Barrier(8)

    def jump() -> None:
        barrier.wait()
        for _ in range(200):
            clock.advance(1)

    threads = [threading.Thread(target=jump) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.now() == 1600.0
