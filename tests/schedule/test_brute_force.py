"""The ticks are those that a walk over every minute finds, in every form of schedule and through every clock change."""

import os
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

from exporter.schedule import interval_around, next_tick, previous_tick, read_schedule
from tests.schedule.dialect import SHAPES, draw_schedule, shapes_of
from tests.schedule.walker import DAY, HOUR, MINUTE, offset_changes, ticks_among, walk

PROVE = bool(os.environ.get("PROVE"))
SCHEDULES = 200
SEED = 2026
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "America/St_Johns",
    "Asia/Kolkata",
    "Pacific/Chatham",
    "America/Santiago",
    "Africa/Casablanca",
    "Asia/Tokyo",
    "America/Sao_Paulo",
)
CHANGING = 8
"""How many of the zones change their clocks, each of them twice in 2026."""


def _instant(*fields: int) -> int:
    return int(datetime(*fields, tzinfo=UTC).timestamp())  # type: ignore[arg-type,misc]


YEAR = (_instant(2026, 1, 1), _instant(2027, 1, 1))
MIDDLE = _instant(2026, 5, 17, 12)


def _schedules() -> list[str]:
    random = Random(SEED)
    return [draw_schedule(random) for _ in range(SCHEDULES)]


def _windows(changes: list[int]) -> list[tuple[int, int]]:
    """What is walked: the year and a month more in the long form, else some days around each change."""
    if PROVE:
        return [(YEAR[0] - 15 * DAY, YEAR[1] + 15 * DAY)]
    return [(each - each % DAY - 3 * DAY, each - each % DAY + 4 * DAY) for each in changes or [MIDDLE]]


def _instants(random: Random, window: tuple[int, int], changes: list[int]) -> Iterator[float]:
    begin, end = window
    step, reach = (5 * MINUTE, 4 * HOUR) if PROVE else (15 * MINUTE, 3 * HOUR)
    for change in (each for each in changes if begin < each < end):
        yield from range(change - reach, change + reach, step)
        yield from (change + seconds for seconds in (-DAY, -61, -60, -1, -0.5, 0, 0.5, 1, 59, 60, 61, DAY))
    yield from (random.uniform(begin, end - 1) for _ in range(60 if PROVE else 10))


def _differences(text: str, zone: str, ticks: list[int], window: tuple[int, int], at: float) -> list[str]:
    """What the package says of `at` and the walk does not. Beyond its window the walk knows nothing."""
    schedule = read_schedule(text, zone)
    following, latest = next_tick(schedule, at), previous_tick(schedule, at)
    place = bisect_right(ticks, at)
    after = ticks[place] if place < len(ticks) else None
    before = ticks[place - 1] if place else None
    wrong = []
    if (following != after) if after is not None else (following < window[1]):
        wrong.append(f"{text!r} {zone} next after {at}: {following}, not {after}")
    if (latest != before) if before is not None else (latest >= window[0]):
        wrong.append(f"{text!r} {zone} previous at {at}: {latest}, not {before}")
    if after is not None and before is not None and interval_around(schedule, at) != after - before:
        wrong.append(f"{text!r} {zone} interval around {at}: not {after - before}")
    return wrong


def test_every_form_of_the_dialect_is_among_the_schedules() -> None:
    assert shapes_of(_schedules()) == set(SHAPES)


def test_the_ticks_are_those_that_a_walk_over_every_minute_finds() -> None:
    random, schedules = Random(SEED), _schedules()
    instants, ticks_walked, changing, differences = 0, 0, 0, list[str]()
    for number, zone in enumerate(ZONES):
        changes = list(offset_changes(ZoneInfo(zone), *YEAR))
        changing += len(changes) == 2
        for window in _windows(changes):
            days = walk(ZoneInfo(zone), *window)
            for text in schedules[number :: len(ZONES)]:
                ticks = ticks_among(text, days)
                ticks_walked += len(ticks)
                for at in _instants(random, window, changes):
                    instants += 1
                    differences += _differences(text, zone, ticks, window, at)
    print(f"\n{SCHEDULES} schedules, {len(ZONES)} zones, {instants} instants, {len(differences)} differences")
    assert differences[:5] == []
    assert changing == CHANGING
    assert ticks_walked > 10_000
