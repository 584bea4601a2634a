"""By which schedules a flow is to run, read from its settings."""

from typing import Any

import pytest

from exporter.api.models import Flow, Instant, PageGenerator
from exporter.collect.plans import Plan, plan_of

HOURLY, NIGHTLY, DAILY = "? 0 * ? * *", "? 5 0 ? * *", "? 30 9 ? * *"
OBJECT = {"frequency": "daily"}
T0 = 1_788_000_000.0


def generators(*schedules: Any) -> tuple[PageGenerator, ...]:
    return tuple(PageGenerator(export_id=f"exp-{n}", schedule=each) for n, each in enumerate(schedules))


def plan(schedule: Any = None, *own: Any, **more: Any) -> Plan:
    return plan_of(Flow(id="f", schedule=schedule, page_generators=generators(*own) or None, **more))


def groups(plan: Plan) -> list[tuple[float, frozenset[str] | None]]:
    """Seconds between two ticks of each group, and its exports."""
    return [(group.timetable.interval_around(T0), group.exports) for group in plan.groups]


@pytest.mark.parametrize(
    ("schedule", "own", "expected"),
    [
        (HOURLY, (), [(3600, None)]),
        (HOURLY, (None,), [(3600, None)]),
        (HOURLY, (None, None), [(3600, None)]),
        (None, (NIGHTLY,), [(86400, None)]),
        (HOURLY, (NIGHTLY,), [(86400, None)]),
        (HOURLY, (None, NIGHTLY), [(3600, frozenset({"exp-0"})), (86400, frozenset({"exp-1"}))]),
        (HOURLY, (None, HOURLY), [(3600, None)]),
        (HOURLY, (NIGHTLY, NIGHTLY), [(86400, None)]),
        (None, (HOURLY, None), [(3600, None)]),
        (None, (), []),
        (None, (None,), []),
        ("", ("",), []),
    ],
    ids=[
        "without generators", "one generator follows", "two follow", "of its own only", "of its own wins",
        "one follows, one has its own", "its own is the same", "both have the same of their own",
        "only one is scheduled", "none", "none with a generator", "empty texts",
    ],
)  # fmt: skip
def test_generators_with_one_schedule_are_one_group(schedule: Any, own: Any, expected: Any) -> None:
    assert groups(plan(schedule, *own)) == expected


@pytest.mark.parametrize("schedule", [OBJECT, {}, "tomorrow", "* * * * *", "? 61 * ? * *"], ids=str)
def test_a_schedule_that_cannot_be_read_is_flagged_and_never_guessed(schedule: Any) -> None:
    unread = plan(schedule)
    assert unread.unreadable == bool(schedule)
    assert (unread.groups, unread.whole) == ((), None)


def test_what_can_be_read_beside_it_counts_for_its_own_exports_only() -> None:
    half = plan(HOURLY, None, OBJECT)
    assert half.unreadable
    assert groups(half) == [(3600, frozenset({"exp-0"}))]


def test_an_unknown_zone_is_unreadable() -> None:
    assert plan(HOURLY, timezone="Mars/Olympus").unreadable


def test_the_zone_of_the_flow_is_that_of_its_generators() -> None:
    there = plan(None, NIGHTLY, timezone="Asia/Tokyo")
    assert there.groups[0].timetable.next_tick(T0) % 86400 == (24 - 9) * 3600 + 300


def test_the_whole_fires_whenever_a_group_does() -> None:
    both = plan(HOURLY, None, NIGHTLY)
    assert both.whole is not None
    midnight = T0 - T0 % 86400
    assert both.whole.next_tick(midnight) == midnight + 300
    assert both.whole.next_tick(midnight + 300) == midnight + 3600


@pytest.mark.parametrize(
    "changed",
    [
        plan(DAILY), plan(NIGHTLY, timezone="Asia/Tokyo"), plan(NIGHTLY, disabled=True), plan(None),
        plan(NIGHTLY, None, HOURLY), plan({"frequency": "x"}),
    ],
    ids=["another schedule", "another zone", "off", "no schedule", "another generator", "unreadable"],
)  # fmt: skip
def test_the_fingerprint_changes_with_all_that_decides_when_it_runs(changed: Plan) -> None:
    assert changed.fingerprint != plan(NIGHTLY).fingerprint


def test_the_fingerprint_stays_with_all_else() -> None:
    renamed = plan(NIGHTLY, name="Other", last_modified=Instant(T0), last_executed_at=Instant(T0), integration_id="i")
    assert renamed.fingerprint == plan(NIGHTLY).fingerprint


@pytest.mark.parametrize(
    ("created", "modified", "expected"), [(1, 5, 5), (7, 5, 7), (None, 5, 5), (3, None, 3), (None, None, 0)], ids=str
)
def test_a_flow_is_settled_since_its_creation_or_last_change(
    created: float | None, modified: float | None, expected: float
) -> None:
    times = {
        "created_at": None if created is None else Instant(created),
        "last_modified": None if modified is None else Instant(modified),
    }
    assert plan(HOURLY, **times).settled_at == expected


def test_a_legacy_flow_has_its_one_export() -> None:
    legacy = plan_of(Flow(id="f", schedule=HOURLY, export_id="exp-9", import_id="imp-1"))
    assert groups(legacy) == [(3600, None)]
