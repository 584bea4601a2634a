"""The token bucket for all requests."""

from exporter.web.rate import RequestBucket
from exporter.web.settings import RequestRate
from tests.clocks import ManualClock


def admitted(bucket: RequestBucket, times: int) -> int:
    return sum(bucket.admit() for _ in range(times))


def test_a_burst_and_then_one_each_interval() -> None:
    clock = ManualClock()
    bucket = RequestBucket(RequestRate(interval=2.0, burst=5), clock)
    assert admitted(bucket, 20) == 5
    clock.advance(1.9)
    assert admitted(bucket, 20) == 0
    clock.advance(0.2)
    assert admitted(bucket, 20) == 1
    clock.advance(6.0)
    assert admitted(bucket, 20) == 3


def test_a_pause_gives_no_more_than_the_burst() -> None:
    clock = ManualClock()
    bucket = RequestBucket(RequestRate(interval=0.001, burst=3), clock)
    clock.advance(86_400)
    assert admitted(bucket, 20) == 3
