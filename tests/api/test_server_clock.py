"""The server's time: told by its answers, carried on by the monotonic clock, indifferent to the wall clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.api.server_clock import ServerClock
from tests.clocks import EPOCH, ManualClock
from tests.simulation.clock import VirtualClock

LATENCIES = st.floats(0, 5)


def heard(server: ServerClock, clock: VirtualClock, latency: float = 0.0) -> None:
    """An answer whose head was written in the middle of its way."""
    sent = clock.monotonic()
    clock.advance(latency / 2)
    date = float(int(clock.true()))
    clock.advance(latency / 2)
    server.heard(date, sent)


def test_before_any_answer_the_machine_is_believed() -> None:
    clock = ManualClock()
    assert ServerClock(clock).now() == EPOCH


@given(st.lists(st.tuples(LATENCIES, st.floats(0, 90)), min_size=1, max_size=30))
def test_it_is_never_ahead_and_never_late_by_more_than_a_second_and_the_way(steps: list[tuple[float, float]]) -> None:
    clock = VirtualClock()
    server = ServerClock(clock)
    for latency, pause in steps:
        clock.advance(pause)
        heard(server, clock, latency)
        assert server.now() <= clock.true() + 1e-6
        assert server.now() >= clock.true() - 1.0 - latency - 1e-6


def test_many_answers_make_it_exact() -> None:
    clock = VirtualClock()
    server = ServerClock(clock)
    for _ in range(200):
        clock.advance(7.3)
        heard(server, clock, 0.02)
    assert server.now() == pytest.approx(clock.true(), abs=0.12)


@pytest.mark.parametrize("step", [3600.0, -3600.0, 86400.0, 1e9])
def test_a_step_of_the_wall_clock_is_not_noticed(step: float) -> None:
    clock = VirtualClock()
    server = ServerClock(clock)
    heard(server, clock)
    clock.step_wall(step)
    clock.advance(30)
    assert server.now() == pytest.approx(clock.true(), abs=1.0)


def test_after_a_suspension_it_is_late_until_the_next_answer() -> None:
    clock = VirtualClock()
    server = ServerClock(clock)
    heard(server, clock)
    clock.suspend(7200)
    assert server.now() == pytest.approx(clock.true() - 7200, abs=1.0)
    heard(server, clock)
    assert server.now() == pytest.approx(clock.true(), abs=1.0)


def test_a_server_whose_clock_is_set_back_is_followed() -> None:
    clock = VirtualClock()
    server = ServerClock(clock)
    heard(server, clock)
    server.heard(clock.true() - 600, clock.monotonic())
    assert server.now() == pytest.approx(clock.true() - 600, abs=1.0)
