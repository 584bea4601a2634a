"""The exporter's own budget: the account never sees more than burst + rate x time, whoever asks."""

import threading
from collections.abc import Sequence
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.api.budget import Budget
from exporter.api.errors import ApiError, Timeout
from exporter.api.refresh import Refresh
from exporter.config.settings import RateLimit
from tests.clocks import ManualClock, run_together

RATES = {
    "default": RateLimit(5.0, 10),
    "one at a time": RateLimit(1.0, 1),
    "a third": RateLimit(1 / 3, 2),
    "a tenth": RateLimit(0.1, 1),
    "fraction": RateLimit(7.3, 4),
    "fast": RateLimit(250.0, 50),
    "slower than its burst": RateLimit(0.5, 20),
}


def frame(clock: ManualClock, seconds: float = 1e6) -> Refresh:
    return Refresh(clock, clock.monotonic() + seconds)


def grants(rate: RateLimit, threads: int, each: int, pauses: Sequence[float] = ()) -> list[float]:
    """When each request may be sent, with `threads` asking `each` times; they idle `pauses` between askings."""
    clock = ManualClock()
    budget = Budget(rate, clock)
    start = clock.monotonic()
    granted: list[float] = []
    never = threading.Event()

    def worker(number: int) -> None:
        for turn in range(each):
            if pauses:
                clock.wait(never, pauses[(number + turn) % len(pauses)])
            budget.acquire(frame(clock))
            granted.append(clock.monotonic() - start)

    run_together(clock, [partial(worker, number) for number in range(threads)])
    return sorted(granted)


def worst_excess(granted: Sequence[float], rate: RateLimit) -> float:
    """By how many requests any window holds more than burst + rate x its length."""
    return max(
        (last - first + 1) - (rate.burst + rate.requests_per_second * (granted[last] - granted[first]))
        for first in range(len(granted))
        for last in range(first, len(granted))
    )


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES.keys())
@pytest.mark.parametrize("threads", [1, 2, 12])
def test_no_window_holds_more_than_burst_plus_rate_times_time(rate: RateLimit, threads: int) -> None:
    granted = grants(rate, threads, each=120 // threads)
    assert len(granted) == 120
    assert worst_excess(granted, rate) <= 1e-6


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES.keys())
def test_the_budget_is_used_up_not_just_kept(rate: RateLimit) -> None:
    granted = grants(rate, 3, each=40)
    ideal = (len(granted) - rate.burst) / rate.requests_per_second
    # A token held back and whole milliseconds of the bucket may cost a little.
    assert granted[-1] <= ideal * 1.05 + 2 / rate.requests_per_second


ARRIVALS = st.lists(st.floats(0, 20), max_size=6)


@settings(max_examples=40, deadline=None)
@given(rate=st.builds(RateLimit, st.floats(0.05, 400), st.integers(2, 30)), threads=st.integers(1, 5), pauses=ARRIVALS)
def test_no_window_holds_too_much_whatever_the_arrivals(rate: RateLimit, threads: int, pauses: list[float]) -> None:
    granted = grants(rate, threads, each=60 // threads, pauses=pauses)
    assert worst_excess(granted, rate) <= 1e-6


@settings(max_examples=25, deadline=None)
@given(rate=st.builds(RateLimit, st.floats(0.05, 400), st.just(1)), threads=st.integers(1, 5), pauses=ARRIVALS)
def test_one_request_at_a_time_is_kept_to_the_bucket_s_millisecond(
    rate: RateLimit, threads: int, pauses: list[float]
) -> None:
    granted = grants(rate, threads, each=40 // threads, pauses=pauses)
    # With a burst of 1 no token can be held back, and the bucket counts whole milliseconds.
    assert worst_excess(granted, rate) <= 0.001 * rate.requests_per_second + 1e-6


def test_an_idle_budget_does_not_save_up_more_than_its_burst() -> None:
    clock = ManualClock()
    budget = Budget(RateLimit(5.0, 10), clock)
    clock.advance(7 * 86400.0)
    start = clock.monotonic()
    for _ in range(30):
        budget.acquire(frame(clock))
    assert clock.monotonic() - start >= (30 - 10) / 5.0


def test_a_fresh_budget_does_not_wait() -> None:
    clock = ManualClock()
    assert Budget(RateLimit(5.0, 10), clock).acquire(frame(clock)) == 0.0


def test_acquire_tells_how_long_it_waited() -> None:
    clock = ManualClock()
    budget = Budget(RateLimit(0.5, 1), clock)
    start = clock.monotonic()
    waited = [budget.acquire(frame(clock)) for _ in range(5)]
    assert sum(waited) == pytest.approx(clock.monotonic() - start)
    assert waited[0] == 0.0
    assert all(seconds >= 1.9 for seconds in waited[1:])


def emptied(clock: ManualClock, rate: RateLimit) -> Budget:
    budget = Budget(rate, clock)
    while True:
        try:
            budget.acquire(frame(clock, 0.0001))
        except Timeout:
            return budget


def test_a_wait_past_the_deadline_is_refused_at_once() -> None:
    clock = ManualClock()
    budget = emptied(clock, RateLimit(0.1, 3))
    start = clock.monotonic()
    with pytest.raises(Timeout):
        budget.acquire(frame(clock, 5.0))
    assert clock.monotonic() == start


def test_a_refused_wait_costs_nobody_else_a_token() -> None:
    waits = []
    for refusals in (0, 50):
        clock = ManualClock()
        budget = emptied(clock, RateLimit(0.1, 3))
        for _ in range(refusals):
            with pytest.raises(Timeout):
                budget.acquire(frame(clock, 1.0))
        waits.append(budget.acquire(frame(clock, 60.0)))
    assert waits[0] == waits[1]


def test_a_deadline_already_over_is_refused_even_with_tokens_left() -> None:
    clock = ManualClock()
    budget = Budget(RateLimit(5.0, 10), clock)
    late = frame(clock, 1.0)
    clock.advance(2.0)
    with pytest.raises(Timeout):
        budget.acquire(late)


def test_stopping_ends_a_wait() -> None:
    clock = ManualClock()
    budget = emptied(clock, RateLimit(0.1, 3))
    refresh = frame(clock)
    refresh.stop.set()
    start = clock.monotonic()
    with pytest.raises(ApiError):
        budget.acquire(refresh)
    assert clock.monotonic() == start


@pytest.mark.parametrize("threads", [1, 8])
def test_a_pause_holds_back_all_workers(threads: int) -> None:
    clock = ManualClock()
    budget = Budget(RateLimit(100.0, 100), clock)
    start = clock.monotonic()
    budget.pause(30.0)
    granted: list[float] = []

    def worker() -> None:
        budget.acquire(frame(clock))
        granted.append(clock.monotonic() - start)

    run_together(clock, [worker] * threads)
    assert len(granted) == threads
    assert min(granted) >= 30.0
    assert max(granted) <= 31.0


def test_a_pause_also_holds_back_who_already_waits_for_a_token() -> None:
    clock = ManualClock(participants=0)
    budget = Budget(RateLimit(1.0, 1), clock)
    budget.acquire(frame(clock))
    start = clock.monotonic()
    granted: list[float] = []

    def worker() -> None:
        budget.acquire(frame(clock))
        granted.append(clock.monotonic() - start)

    thread = threading.Thread(target=worker)
    thread.start()
    while not clock.waiting:
        pass
    budget.pause(40.0)
    while thread.is_alive():
        if clock.waiting:
            clock.advance(0.5)
    thread.join(30)
    assert 40.0 <= granted[0] <= 42.0


@pytest.mark.parametrize("second", [0.0, 1.0, 29.0, -5.0])
def test_a_shorter_pause_does_not_shorten_a_longer_one(second: float) -> None:
    clock = ManualClock()
    budget = Budget(RateLimit(100.0, 100), clock)
    budget.pause(30.0)
    budget.pause(second)
    assert budget.acquire(frame(clock)) >= 30.0


def test_a_pause_past_the_deadline_is_a_timeout_at_once() -> None:
    clock = ManualClock()
    budget = Budget(RateLimit(100.0, 100), clock)
    budget.pause(30.0)
    start = clock.monotonic()
    with pytest.raises(Timeout):
        budget.acquire(frame(clock, 10.0))
    assert clock.monotonic() == start


def test_after_a_pause_the_burst_is_no_larger_than_before() -> None:
    clock = ManualClock()
    budget = emptied(clock, RateLimit(1.0, 5))
    budget.pause(100.0)
    start = clock.monotonic()
    for _ in range(12):
        budget.acquire(frame(clock))
    assert clock.monotonic() - start >= 100.0 + 12 - 5


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES.keys())
def test_the_tokens_left_are_between_none_and_the_burst(rate: RateLimit) -> None:
    clock = ManualClock()
    budget = Budget(rate, clock)
    full = budget.tokens()
    assert 0.0 < full <= rate.burst
    budget.acquire(frame(clock))
    assert 0.0 <= budget.tokens() < full
    for _ in range(2 * rate.burst):
        budget.acquire(frame(clock))
        assert 0.0 <= budget.tokens() <= rate.burst
    clock.advance(3600.0 + rate.burst / rate.requests_per_second)
    assert budget.tokens() == pytest.approx(full)


def test_asking_for_the_tokens_left_spends_none() -> None:
    clock = ManualClock()
    budget = Budget(RateLimit(0.1, 3), clock)
    assert {budget.tokens() for _ in range(100)} == {budget.tokens()}


def test_a_clock_set_back_does_not_matter() -> None:
    clock = ManualClock()
    budget = emptied(clock, RateLimit(1.0, 5))
    clock.set_wall(0.0)
    start = clock.monotonic()
    budget.acquire(frame(clock))
    assert clock.monotonic() - start <= 1.5


# Requests that leave a share of the tokens to others.


def modest(clock: ManualClock, share: float = 0.5, seconds: float = 1e6) -> Refresh:
    """A refresh whose requests leave `share` of the tokens."""
    refresh = frame(clock, seconds)
    refresh.kept_share = share
    return refresh


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES.keys())
@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_a_modest_request_leaves_its_share_of_the_tokens_to_others(rate: RateLimit, share: float) -> None:
    clock = ManualClock()
    budget = Budget(rate, clock)
    for _ in range(3 * rate.burst):
        budget.acquire(modest(clock, share))
        assert budget.tokens() >= min(share * budget.capacity, budget.capacity - 1) - 1e-6


def test_half_of_the_tokens_are_left_for_whoever_comes_after_any_number_of_modest_requests() -> None:
    clock = ManualClock()
    budget = Budget(RateLimit(5.0, 21), clock)
    for _ in range(50):
        budget.acquire(modest(clock))
    assert sum(budget.acquire(frame(clock)) for _ in range(10)) == 0.0


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES.keys())
def test_modest_requests_alone_are_as_fast_as_the_rate(rate: RateLimit) -> None:
    clock = ManualClock()
    budget = Budget(rate, clock)
    start = clock.monotonic()
    for _ in range(60):
        budget.acquire(modest(clock))
    # The bucket counts whole tokens.
    assert clock.monotonic() - start <= 1.1 * 60 / rate.requests_per_second + 2 / rate.requests_per_second


@pytest.mark.parametrize("burst", [1, 2, 3])
@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_budget_too_small_to_share_is_still_given_out(burst: int, share: float) -> None:
    clock = ManualClock()
    budget = Budget(RateLimit(1.0, burst), clock)
    start = clock.monotonic()
    for _ in range(10):
        budget.acquire(modest(clock, share))
    assert clock.monotonic() - start <= 12.0


def test_live_requests_do_not_wait_for_modest_ones_and_modest_ones_get_what_is_left() -> None:
    clock = ManualClock()
    budget = Budget(RateLimit(5.0, 11), clock)
    never, waits, old = threading.Event(), list[float](), list[float]()

    def live() -> None:
        for _ in range(60):
            waits.append(budget.acquire(frame(clock)))
            clock.wait(never, 0.5)

    def history() -> None:
        for _ in range(60):
            budget.acquire(modest(clock))
            old.append(clock.monotonic())

    run_together(clock, [live, history])
    assert set(waits) == {0.0}
    # Live ones take two of five tokens in a second for half a minute.
    assert old[-1] - old[0] <= 60 / 3 * 1.2


def test_a_modest_request_that_others_starve_ends_at_its_deadline_and_costs_no_token() -> None:
    clock = ManualClock()
    budget = emptied(clock, RateLimit(1.0, 11))
    left = budget.tokens()
    with pytest.raises(Timeout):
        budget.acquire(modest(clock, seconds=2.0))
    assert budget.tokens() == left


@pytest.mark.parametrize("burst", [1, 2, 11])
def test_a_pause_holds_a_modest_request_back_and_nothing_longer_than_that(burst: int) -> None:
    clock = ManualClock()
    reasons: list[str] = []
    budget = Budget(RateLimit(5.0, burst), clock, lambda reason, _: reasons.append(reason))
    budget.acquire(frame(clock))
    budget.pause(30.0)
    assert 30.0 <= budget.acquire(modest(clock)) <= 31.0
    assert reasons[0] == "retry_after"


def test_a_pause_that_comes_while_a_modest_request_waits_for_tokens_holds_it_back_too() -> None:
    clock = ManualClock()
    paused: list[str] = []

    def waited(reason: str, _: float) -> None:
        if not paused:
            budget.pause(20.0)
        paused.append(reason)

    budget = Budget(RateLimit(5.0, 11), clock, waited)
    for _ in range(10):
        budget.acquire(frame(clock))
    assert 20.0 <= budget.acquire(modest(clock)) <= 22.0
    assert paused[:2] == ["budget", "retry_after"]


@settings(max_examples=30, deadline=None)
@given(
    rate=st.builds(RateLimit, st.floats(0.05, 400), st.integers(2, 30)),
    shares=st.lists(st.sampled_from([0.0, 0.3, 0.5, 1.0]), min_size=2, max_size=4),
)
def test_no_window_holds_too_much_with_modest_requests_among_others(rate: RateLimit, shares: list[float]) -> None:
    clock = ManualClock()
    budget = Budget(rate, clock)
    granted: list[float] = []

    def worker(share: float) -> None:
        for _ in range(15):
            budget.acquire(modest(clock, share))
            granted.append(clock.monotonic())

    run_together(clock, [partial(worker, share) for share in shares])
    assert len(granted) == 15 * len(shares)
    assert worst_excess(sorted(granted), rate) <= 1e-6
