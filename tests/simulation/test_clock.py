"""The virtual clock: what moves which of its three times, and that nothing really waits."""

import math
import threading
from collections.abc import Callable

import pytest

from exporter.clock import Clock
from exporter.simulator.options import SimulatorOptions
from exporter.simulator.server import Simulator
from tests.clocks import EPOCH
from tests.simulation.clock import VirtualClock

WEEK = 7 * 86_400.0


def moved(act: Callable[[VirtualClock], object]) -> tuple[float, float, float]:
    """By how much an act moves true, wall and monotonic time."""
    clock = VirtualClock()
    before = (clock.true(), clock.time(), clock.monotonic())
    act(clock)
    return (clock.true() - before[0], clock.time() - before[1], clock.monotonic() - before[2])


def raised() -> threading.Event:
    """An event that is set."""
    event = threading.Event()
    event.set()
    return event


def test_the_clock_is_what_the_exporter_takes() -> None:
    clock: Clock = VirtualClock()
    assert clock.time() == EPOCH


def test_the_clock_starts_where_it_is_told() -> None:
    clock = VirtualClock(1_000_000.0)
    assert (clock.true(), clock.time()) == (1_000_000.0, 1_000_000.0)


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        pytest.param(lambda clock: clock.true(), (0, 0, 0), id="reading moves nothing"),
        pytest.param(lambda clock: clock.advance(90.0), (90, 90, 90), id="advance moves all"),
        pytest.param(lambda clock: clock.advance(0.0), (0, 0, 0), id="no time passes"),
        pytest.param(lambda clock: clock.step_wall(3600.0), (0, 3600, 0), id="a step ahead moves the wall clock only"),
        pytest.param(lambda clock: clock.step_wall(-5.0), (0, -5, 0), id="a step back moves the wall clock only"),
        pytest.param(lambda clock: clock.suspend(600.0), (600, 600, 0), id="a sleeping machine stops the monotonic"),
        pytest.param(lambda clock: clock.wait(threading.Event(), 30.0), (30, 30, 30), id="a wait is time"),
        pytest.param(lambda clock: clock.wait(raised(), 30.0), (0, 0, 0), id="a wait for what happened is none"),
        pytest.param(lambda clock: clock.wait(threading.Event(), -1.0), (0, 0, 0), id="a wait that is over is none"),
    ],
)
def test_each_act_moves_exactly_its_clocks(
    act: Callable[[VirtualClock], object], expected: tuple[float, float, float]
) -> None:
    assert moved(act) == expected


def test_a_wrong_wall_clock_stays_as_wrong_while_time_passes() -> None:
    clock = VirtualClock()
    clock.step_wall(-120.0)
    clock.advance(1000.0)
    clock.suspend(500.0)
    assert clock.time() - clock.true() == -120.0


def test_steps_of_the_wall_clock_add_up() -> None:
    clock = VirtualClock()
    clock.step_wall(-120.0)
    clock.step_wall(120.0)
    assert clock.time() == clock.true() == EPOCH


@pytest.mark.parametrize("event", [threading.Event(), raised()], ids=["not set", "set"])
def test_a_wait_says_whether_the_event_is_set(event: threading.Event) -> None:
    assert VirtualClock().wait(event, 5.0) is event.is_set()


@pytest.mark.parametrize("seconds", [-0.001, -WEEK, math.nan, math.inf], ids=str)
@pytest.mark.parametrize("act", [VirtualClock.advance, VirtualClock.suspend], ids=["advance", "suspend"])
def test_time_that_cannot_pass_is_refused_and_moves_nothing(
    act: Callable[[VirtualClock, float], None], seconds: float
) -> None:
    def refused(clock: VirtualClock) -> None:
        with pytest.raises(ValueError, match="time passes"):
            act(clock, seconds)

    assert moved(refused) == (0, 0, 0)


def test_a_week_passes_without_a_real_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def real_wait(*_: object) -> bool:
        raise AssertionError("somebody really waits")

    never = threading.Event()
    monkeypatch.setattr(threading.Event, "wait", real_wait)
    monkeypatch.setattr("time.sleep", real_wait)
    clock = VirtualClock()
    minutes = 0
    while clock.true() < EPOCH + WEEK:
        assert not clock.wait(never, 60.0)
        minutes += 1
    assert minutes == 7 * 24 * 60
    assert clock.monotonic() - VirtualClock().monotonic() == WEEK


def test_the_simulator_lives_in_true_time_whatever_the_wall_clock_says() -> None:
    clock = VirtualClock()
    simulator = Simulator(
        SimulatorOptions(flows=1, history_seconds=0.0, base_clock=clock.true, monotonic=clock.monotonic)
    )
    try:
        clock.step_wall(-10_000.0)
        clock.advance(60.0)
        clock.suspend(40.0)
        assert simulator.clock.now() == EPOCH + 100.0
    finally:
        simulator.stop()
