"""The leaky bucket of the account."""

import threading

import pytest

from exporter.simulator.bucket import Bucket
from exporter.simulator.clock import ManualTime


def test_a_full_bucket_gives_as_many_tokens_as_its_size() -> None:
    bucket = Bucket(5, 1.0, ManualTime(0.0))
    assert [bucket.take() for _ in range(6)] == [0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize(("rate", "wait"), [(300.0, 1), (1.0, 1), (0.5, 2), (0.1, 10)], ids=str)
def test_the_wait_is_whole_seconds_until_a_token_is_back(rate: float, wait: int) -> None:
    bucket = Bucket(1, rate, ManualTime(0.0))
    bucket.take()
    assert bucket.take() == wait


@pytest.mark.parametrize("rate", [300.0, 1.0, 0.5, 0.1], ids=str)
def test_after_the_wait_there_is_a_token(rate: float) -> None:
    base = ManualTime(0.0)
    bucket = Bucket(1, rate, base)
    bucket.take()
    base.advance(bucket.take())
    assert bucket.take() == 0


def test_tokens_come_back_but_never_beyond_the_size() -> None:
    base = ManualTime(0.0)
    bucket = Bucket(3, 1.0, base)
    for _ in range(3):
        bucket.take()
    base.advance(1000)
    assert [bucket.take() for _ in range(4)] == [0, 0, 0, 1]


def test_refused_requests_cost_nothing() -> None:
    base = ManualTime(0.0)
    bucket = Bucket(1, 1.0, base)
    bucket.take()
    for _ in range(100):
        assert bucket.take() == 1
    base.advance(1)
    assert bucket.take() == 0


def test_a_clock_that_goes_back_takes_no_tokens_away() -> None:
    readings = iter([10.0, 5.0, 5.0])
    bucket = Bucket(2, 1.0, lambda: next(readings))
    assert [bucket.take(), bucket.take()] == [0, 0]


def test_threads_never_get_more_tokens_than_there_are() -> None:
    bucket = Bucket(100, 0.001, ManualTime(0.0))
    barrier, got = threading.Barrier(8), list[int]()

    def take() -> None:
        barrier.wait()
        got.extend(bucket.take() for _ in range(50))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got.count(0) == 100
