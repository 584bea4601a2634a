"""Laws that hold for every schedule at every instant."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from exporter.schedule import Schedule, Timetable, interval_around, next_tick, previous_tick, read_schedule
from tests.config.speed import ANY_SPEED
from tests.schedule.dialect import draw_schedule
from tests.schedule.instants import instant
from tests.schedule.test_brute_force import ZONES

SCHEDULES = st.builds(
    lambda seed, zone: read_schedule(draw_schedule(Random(seed)), zone), st.integers(0, 10_000), st.sampled_from(ZONES)
)
TIMETABLES = st.lists(SCHEDULES, min_size=1, max_size=3).map(lambda schedules: Timetable(tuple(schedules)))
INSTANTS = st.floats(instant("2020-01-01 00:00"), instant("2040-01-01 00:00"))
MOST = 50


@ANY_SPEED
@given(SCHEDULES, INSTANTS)
def test_an_instant_lies_between_two_neighbouring_ticks(schedule: Schedule, at: float) -> None:
    previous, following = previous_tick(schedule, at), next_tick(schedule, at)
    assert previous <= at < following
    assert next_tick(schedule, previous) == following
    assert previous_tick(schedule, following) == following
    assert previous_tick(schedule, following - 1) == previous


@ANY_SPEED
@given(SCHEDULES, INSTANTS)
def test_ticks_are_whole_minutes(schedule: Schedule, at: float) -> None:
    assert (previous_tick(schedule, at) % 60, next_tick(schedule, at) % 60) == (0, 0)


@ANY_SPEED
@given(SCHEDULES, INSTANTS, st.floats(0, 400 * 86400))
def test_ticks_never_run_backwards(schedule: Schedule, at: float, later: float) -> None:
    assert next_tick(schedule, at) <= next_tick(schedule, at + later)
    assert previous_tick(schedule, at) <= previous_tick(schedule, at + later)


@ANY_SPEED
@given(SCHEDULES, INSTANTS)
def test_the_interval_is_the_same_for_all_instants_between_two_ticks(schedule: Schedule, at: float) -> None:
    interval = interval_around(schedule, at)
    assert interval == interval_around(schedule, previous_tick(schedule, at))
    assert interval == interval_around(schedule, next_tick(schedule, at) - 1)


@ANY_SPEED
@given(TIMETABLES, INSTANTS, st.floats(0, 20_000), st.floats(0, 20_000))
def test_ticks_of_two_periods_are_those_of_both(timetable: Timetable, at: float, first: float, second: float) -> None:
    middle, end = at + first, at + first + second
    whole = timetable.count_ticks(at, end, 2000)
    assert whole == timetable.count_ticks(at, middle, 2000) + timetable.count_ticks(middle, end, 2000)
    assert timetable.count_ticks(at, end, MOST) == min(whole, MOST)


@ANY_SPEED
@given(TIMETABLES, INSTANTS)
def test_a_timetable_is_as_near_as_the_nearest_of_its_schedules(timetable: Timetable, at: float) -> None:
    assert timetable.next_tick(at) == min(next_tick(schedule, at) for schedule in timetable.schedules)
    assert timetable.previous_tick(at) == max(previous_tick(schedule, at) for schedule in timetable.schedules)


@ANY_SPEED
@given(st.integers(0, 10_000), INSTANTS)
def test_a_schedule_written_out_is_the_same_schedule(seed: int, at: float) -> None:
    schedule = read_schedule(draw_schedule(Random(seed)), "Pacific/Chatham")
    again = read_schedule(schedule.expression, schedule.zone)
    assert (again, next_tick(again, at)) == (schedule, next_tick(schedule, at))
