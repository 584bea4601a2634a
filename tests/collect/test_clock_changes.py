"""The tick that a change of clocks skips: looked for once a day, and told as if it were looked for each time."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.api.models import Flow
from exporter.collect import clock_changes
from exporter.collect.clock_changes import ClockChanges
from exporter.collect.plans import Plan, plan_of
from exporter.schedule.forecast import skipped_by_clock_change
from exporter.schedule.ticks import Timetable

BEFORE = 1806100000.0  # a day and some hours before 02:30 is skipped in Berlin
NIGHT = "? 30 2 ? * *"
NOON = "? 0 12 ? * *"


def plans(**schedules: str) -> Mapping[str, Plan]:
    flows = [Flow(id=name, schedule=text, timezone="Europe/Berlin") for name, text in schedules.items()]
    return {flow.id: plan_of(flow) for flow in flows}


def of(held: ClockChanges, chosen: Mapping[str, Plan], now: float) -> Mapping[str, float]:
    """What is told when any plan may have changed."""
    return held.of(chosen, ["night", "more", "noon", "other"], now)


def test_a_flow_whose_tick_is_skipped_is_told_with_the_instant_and_others_are_not() -> None:
    found = of(ClockChanges(), plans(night=NIGHT, noon=NOON), BEFORE)
    assert set(found) == {"night"}
    assert found["night"] > BEFORE


def test_the_same_plans_are_not_looked_at_again_before_something_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[float] = []

    def counted(timetable: Timetable, now: float) -> float | None:
        looked.append(now)
        return skipped_by_clock_change(timetable, now)

    monkeypatch.setattr(clock_changes, "skipped_by_clock_change", counted)
    held, wanted = ClockChanges(), plans(night=NIGHT, other=NIGHT, noon=NOON)
    first = of(held, wanted, BEFORE)
    assert held.of(wanted, [], BEFORE + 60) is of(held, wanted, BEFORE + 60) is first
    assert len(looked) == 2, "equal timetables are looked at once"
    held.of(wanted, [], BEFORE + 86_400.0)
    assert len(looked) == 4


def test_only_changed_plans_are_looked_at_and_what_was_looked_at_does_not_pile_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hashed: list[Timetable] = []
    by_value = Timetable.__hash__

    def counted(timetable: Timetable) -> int:
        hashed.append(timetable)
        return by_value(timetable)

    wanted = dict(plans(**{f"flow-{number}": f"? {number} 2 ? * *" for number in range(50)}))
    held = ClockChanges()
    held.of(wanted, wanted, BEFORE)
    monkeypatch.setattr(Timetable, "__hash__", counted)
    for number in range(200):
        wanted |= plans(**{"flow-7": f"? {number % 60} {2 + number // 60} ? * *"})
        held.of(wanted, ["flow-7"], BEFORE + 1)
    assert len(hashed) <= 2 * 200
    assert len(held._looked) <= 51


def test_when_the_clock_goes_back_a_skip_of_the_past_is_told_again() -> None:
    held, wanted = ClockChanges(), plans(night=NIGHT)
    before = dict(of(held, wanted, BEFORE))
    assert held.of(wanted, [], BEFORE + 7 * 86_400.0) != before
    assert held.of(wanted, [], BEFORE) == before


@given(st.lists(st.tuples(st.floats(0, 2 * 86_400), st.booleans()), min_size=1, max_size=6))
def test_whenever_it_is_asked_what_is_told_is_still_to_come(steps: list[tuple[float, bool]]) -> None:
    held, one, two = ClockChanges(), plans(night=NIGHT), plans(night=NIGHT, more=NIGHT, noon=NOON)
    now = BEFORE
    for later, both in steps:
        now += later
        chosen = two if both else one
        told = of(held, chosen, now)
        assert all(at > now for at in told.values())
        assert set(told) in (set(), {"night", "more"} if both else {"night"})
