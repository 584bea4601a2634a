"""What comes again and again is told once, counted, and told when it ends; what is new is told at once."""

import logging
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter import logs
from exporter.logs.repeats import ENDED_SECONDS, KEPT_EVENTS, REPEAT_SECONDS, Parts, Repeats
from tests.clocks import ManualClock
from tests.logs.written import Written, written

LOG = logging.getLogger("exporter.tests.repeats")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def log(clock: ManualClock) -> Iterator[Written]:
    with written("debug", clock) as into:
        yield into


def fail(error: str = "timeout", level: int = logging.WARNING, **fields: object) -> None:
    LOG.log(level, "a collector failed", extra={"fields": {"account": "acme", "error": error, **fields}})


def test_an_event_that_goes_on_is_told_once_and_then_every_hour_with_its_count(
    log: Written, clock: ManualClock
) -> None:
    for _ in range(240 * 3 + 1):
        fail()
        clock.advance(15)
    told = log.lines()
    assert [line.get("repeated_count") for line in told] == [None, 239, 240, 240]
    assert [line.get("repeated_seconds") for line in told] == [None, 3600, 3600, 3600]
    assert {line["error"] for line in told} == {"timeout"}


def test_an_event_that_came_once_is_told_once(log: Written, clock: ManualClock) -> None:
    fail()
    for _ in range(100):
        clock.advance(REPEAT_SECONDS)
        logs.tell_ended()
    logs.tell_all()
    assert len(log.lines()) == 1


@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING, logging.ERROR])
def test_an_event_that_ended_is_told_with_its_count_though_nothing_else_is_logged(
    log: Written, clock: ManualClock, level: int
) -> None:
    for _ in range(5):
        fail(level=level)
        clock.advance(1)
    clock.advance(ENDED_SECONDS)
    logs.tell_ended()
    first, last = log.lines()
    assert "repeated_count" not in first
    assert (last["repeated_count"], last["level"]) == (4, first["level"])
    logs.tell_ended()
    logs.tell_all()
    assert len(log.lines()) == 2


def test_the_line_of_a_repetition_is_of_now_and_tells_when_it_came_last(log: Written, clock: ManualClock) -> None:
    fail()
    fail()
    clock.advance(ENDED_SECONDS)
    logs.tell_ended()
    first, last = log.lines()
    assert last["ts"] == "2026-08-29T10:45:00.000Z"
    assert last["repeated_until"] >= first["ts"]


def test_an_event_that_comes_again_after_it_ended_is_told_at_once(log: Written, clock: ManualClock) -> None:
    fail()
    clock.advance(REPEAT_SECONDS)
    fail()
    assert [line.get("repeated_count") for line in log.lines()] == [None, None]


CHANGES: dict[str, dict[str, object]] = {
    "another reason": {"error": "bad_gateway"},
    "another account": {"account": "bolt"},
    "another endpoint": {"endpoint": "/v1/jobs"},
    "a number that is no measure": {"status": 503},
    "a truth value": {"partial": True},
    "another level": {"level": logging.ERROR},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_is_told_at_once(log: Written, change: dict[str, object]) -> None:
    fail(status=502)
    fail(status=502)
    fail(**{"status": 502, **change})  # type: ignore[arg-type]  # of `CHANGES`
    assert len(log.lines()) == 2


def test_measures_and_ids_of_runs_make_no_other_event(log: Written) -> None:
    for number in range(10):
        with logs.context(run_id=str(number), request_id=str(number), call_id=str(number)):
            fail(wait_seconds=number, body_bytes=number, runs_count=number)
    assert len(log.lines()) == 1


def test_the_account_of_the_context_makes_another_event(log: Written) -> None:
    for account in ("acme", "bolt", "acme", "bolt"):
        with logs.context(account=account, collector="jobs"):
            LOG.warning("a collector failed")
    assert [line["account"] for line in log.lines()] == ["acme", "bolt"]


def test_every_event_at_debug_is_written(log: Written) -> None:
    for _ in range(10):
        fail(level=logging.DEBUG)
    assert len(log.lines()) == 10


def test_what_flaps_leaves_the_newest_state_as_the_last_line(log: Written, clock: ManualClock) -> None:
    for _ in range(50):
        fail()
        clock.advance(30)
        LOG.info("a collector works again", extra={"fields": {"account": "acme"}})
        clock.advance(30)
    fail()
    assert log.lines()[-1]["msg"] == "a collector works again"
    for _ in range(3):
        clock.advance(ENDED_SECONDS)
        logs.tell_ended()
    assert log.lines()[-1]["msg"] == "a collector failed"
    assert len(log.lines()) == 4


def test_the_end_of_the_program_tells_what_was_counted(log: Written) -> None:
    fail()
    fail()
    (handler,) = [each for each in logging.getLogger().handlers if isinstance(each, logs.LineHandler)]
    handler.close()
    assert [line.get("repeated_count") for line in log.lines()] == [None, 1]


def test_of_more_events_than_are_known_none_is_lost(log: Written) -> None:
    for number in range(2 * KEPT_EVENTS):
        fail(f"error {number}")
        fail(f"error {number}")
    logs.tell_all()
    told = log.lines()
    assert len(told) == 4 * KEPT_EVENTS
    assert sum(line.get("repeated_count", 1) for line in told) == 4 * KEPT_EVENTS


def test_memory_is_bounded() -> None:
    repeats = Repeats(lambda: 0.0)
    for number in range(5 * KEPT_EVENTS):
        repeats.told(number, {})
        repeats.told(number, {})
    assert len(repeats) == KEPT_EVENTS


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 5000)), max_size=60))
def test_every_occurrence_is_told_or_counted_and_the_last_line_is_of_the_newest_event(
    events: list[tuple[str, float]],
) -> None:
    now = 0.0
    repeats, told = Repeats(lambda: now), list[Parts]()
    for name, seconds in events:
        now += seconds
        fresh = repeats.told(name, {"name": name})
        assert fresh or any(parts["name"] == name for parts in told)
        told += fresh
    now += max(ENDED_SECONDS, REPEAT_SECONDS)
    told += repeats.due()
    counted = {name: 0 for name, _ in events}
    for parts in told:
        counted[str(parts["name"])] += int(str(parts.get("repeated_count", 1)))
    assert counted == {name: [each for each, _ in events].count(name) for name in counted}
    assert repeats.all() == []


def test_many_threads_lose_no_count(log: Written) -> None:
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait(30)
        for _ in range(200):
            fail()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    logs.tell_all()
    assert [line.get("repeated_count") for line in log.lines()] == [None, 8 * 200 - 1]
