"""Any text is either a schedule or a typed refusal, and neither takes long."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.schedule import REASONS, Schedule, UnreadableSchedule, next_tick, previous_tick, read_schedule

NOW = 1_788_000_000.0
QUICKLY = settings(deadline=timedelta(seconds=5), max_examples=300)
"""A thousand times what reading takes, so that a busy machine fails nothing and a runaway does."""

NEARLY = st.lists(
    st.text(st.sampled_from("0123456789*?,-/LW#@ MONSUNJANfeb\t\u0661"), max_size=12), min_size=4, max_size=8
).map(" ".join)
ANY_TEXT = st.one_of(st.text(max_size=250), NEARLY, NEARLY.map("? ".__add__))
ANY_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)


def _read(text: object, zone: str | None) -> Schedule | None:
    try:
        return read_schedule(text, zone)
    except UnreadableSchedule as refused:
        return None if refused.reason in REASONS else pytest.fail(refused.reason)


@QUICKLY
@given(ANY_TEXT)
def test_any_text_is_read_or_refused_and_what_is_read_fires(text: str) -> None:
    schedule = _read(text, None)
    if schedule is not None:
        assert previous_tick(schedule, NOW) <= NOW < next_tick(schedule, NOW) < NOW + 5 * 366 * 86400


@QUICKLY
@given(ANY_JSON)
def test_any_value_is_read_or_refused(value: object) -> None:
    assert _read(value, None) is None or isinstance(value, str)


@QUICKLY
@given(st.one_of(st.text(max_size=80), st.text(st.sampled_from("./UTCEurope_-+\0"), max_size=20)))
def test_any_zone_is_read_or_refused(zone: str) -> None:
    schedule = _read("? 5 0 ? * *", zone)
    assert schedule is None or schedule.zone == (zone or "UTC")


@QUICKLY
@given(st.sampled_from(("*,", "0-59,", "0/1,", "*/59,", "1-", "9" * 4)), st.integers(1, 90))
def test_the_longest_texts_take_no_longer(part: str, times: int) -> None:
    schedule = _read("? " + (part * times)[:180] + "0 * ? * *", None)
    assert schedule is None or schedule.expression.endswith("* * * *")
