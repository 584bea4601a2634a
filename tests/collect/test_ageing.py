"""Age bands and purge times, counted from instants in order."""

from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.collect.ageing import AGES, EXPIRING_SECONDS, ascending, expiring, merged, older_than
from tests.clocks import EPOCH

HOUR, DAY = 3600.0, 86_400.0
NOTHING = {"1h": 0, "24h": 0, "7d": 0, "25d": 0}


@pytest.mark.parametrize(
    ("ages", "expected"),
    [
        ((), (0, 0, 0, 0)),
        ((0.0,), (0, 0, 0, 0)),
        ((HOUR,), (0, 0, 0, 0)),
        ((HOUR + 0.001,), (1, 0, 0, 0)),
        ((DAY + 1,), (1, 1, 0, 0)),
        ((7 * DAY + 1,), (1, 1, 1, 0)),
        ((25 * DAY + 1,), (1, 1, 1, 1)),
        ((60.0, 2 * HOUR, 2 * DAY, 8 * DAY, 29 * DAY), (4, 3, 2, 1)),
        ((-30.0,), (0, 0, 0, 0)),
    ],
    ids=["nothing", "new", "exactly", "just-over", "day", "week", "25-days", "one-of-each", "clocks-differ"],
)
def test_a_band_holds_everything_older_than_its_name_says(ages: tuple[float, ...], expected: tuple[int, ...]) -> None:
    occurred = ascending(EPOCH - age for age in ages)
    assert tuple(older_than(occurred, EPOCH).values()) == expected


def test_bands_are_named_like_the_label_values_of_the_catalogue() -> None:
    assert older_than(merged([]), EPOCH) == NOTHING
    assert list(AGES) == ["1h", "24h", "7d", "25d"]


@pytest.mark.parametrize(
    ("away", "expected"),
    [(3 * DAY + 0.001, 0), (3 * DAY, 1), (DAY, 1), (0.0, 1), (-DAY, 1)],
    ids=["later", "exactly", "tomorrow", "now", "past-and-still-listed"],
)
def test_an_error_expires_when_it_is_purged_within_three_days(away: float, expected: int) -> None:
    assert EXPIRING_SECONDS == 3 * DAY
    assert expiring(ascending([EPOCH + away]), EPOCH) == expected


def test_what_has_no_instant_is_in_no_band() -> None:
    occurred = ascending([None, EPOCH - DAY - 1, None])
    assert list(occurred) == [EPOCH - DAY - 1]
    assert older_than(occurred, EPOCH) == {**NOTHING, "1h": 1, "24h": 1}


def test_an_instant_costs_eight_bytes() -> None:
    held = ascending(EPOCH - number for number in range(5000))
    assert isinstance(held, array)
    assert held.itemsize * len(held) == 40_000
    assert list(held) == sorted(held)


def test_the_instants_of_several_steps_are_one_row_in_order_and_as_compact() -> None:
    held = merged([ascending([EPOCH, EPOCH + 2]), ascending([]), ascending([EPOCH + 1])])
    assert isinstance(held, array)
    assert list(held) == [EPOCH, EPOCH + 1, EPOCH + 2]


@settings(deadline=None)
@given(st.lists(st.lists(st.floats(-DAY, 40 * DAY), max_size=12), max_size=4), st.floats(0, 40 * DAY))
def test_bands_are_nested_and_only_grow_with_time(steps: list[list[float]], later: float) -> None:
    occurred = merged(ascending(EPOCH - age for age in ages) for ages in steps)
    first, second = (list(older_than(occurred, EPOCH + passed).values()) for passed in (0.0, later))
    assert first == sorted(first, reverse=True)
    assert all(before <= after for before, after in zip(first, second, strict=True))
    assert first == [sum(age > limit for ages in steps for age in ages) for limit in AGES.values()]
