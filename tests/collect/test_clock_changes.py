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


def test_a_flow_whose_tick_is_skipped_is_told_with_the_instant_and_others_are_not() -> None:
    found = ClockChanges().of(plans(night=NIGHT, noon=NOON), BEFORE)
    assert set(found) == {"night"}
    assert found["night"] > BEFORE


def test_the_same_plans_are_not_looked_at_again_before_something_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[float] = []

    def counted(timetable: Timetable, now: float) -> float | None:
        looked.append(now)
        return skipped_by_clock_change(timetable, now)

    monkeypatch.setattr(clock_changes, "skipped_by_clock_change", counted)
    held, wanted = ClockChanges(), plans(night=NIGHT, other=NIGHT, noon=NOON)
    first = held.of(wanted, BEFORE)
    assert held.of(wanted, BEFORE + 60) is first
    assert len(looked) == 2, "equal timetables are looked at once"
    held.of(wanted, BEFORE + 86_400.0)
    assert len(looked) == 4


@given(st.lists(st.tuples(st.floats(0, 2 * 86_400), st.booleans()), min_size=1, max_size=6))
def test_whenever_it_is_asked_what_is_told_is_still_to_come(steps: list[tuple[float, bool]]) -> None:
    held, one, two = ClockChanges(), plans(night=NIGHT), plans(night=NIGHT, more=NIGHT, noon=NOON)
    now = BEFORE
    for later, both in steps:
        now += later
        chosen = two if both else one
        told = held.of(chosen, now)
        assert all(at > now for at in told.values())
        assert set(told) in (set(), {"night", "more"} if both else {"night"})
