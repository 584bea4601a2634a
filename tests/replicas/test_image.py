"""What the next leading replica begins with: where each collector was, what was counted, what is known of errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import msgspec
import pytest

from exporter.account import AccountRuntime, Sharing
from exporter.api.endpoints import Endpoint
from exporter.api.telemetry import DURATIONS, Telemetry
from exporter.collect.drilldown import StepReading
from exporter.collect.errors_image import ErrorsImage
from exporter.collect.rollup import OpenCount
from exporter.collect.runner import CollectorStatus, RunnerImage
from exporter.collect.samples import sample_of
from exporter.expose.families import Distribution
from exporter.image import Image, LiveImage, packed, unpacked
from exporter.ledger.store import MemoryStore
from tests.clocks import ManualClock
from tests.serve.rig import TOKEN, ShiftedClock, settings_of
from tests.serve.upstream import Upstream


class NoTokens:
    """A shared budget that is no bar."""

    def take(self, rate: object) -> float:
        del rate
        return 0.0

    def pause(self, seconds: float) -> None:
        del seconds


@contextmanager
def running(
    upstream: Upstream, clock: ShiftedClock, image: Image | None = None, now: int = 0
) -> Iterator[AccountRuntime]:
    settings = settings_of([upstream], profile="full")
    sharing = Sharing(NoTokens(), now, image)
    account = AccountRuntime(settings.accounts[0], settings, {"T": TOKEN}, clock, MemoryStore(), sharing=sharing)
    try:
        yield account
    finally:
        upstream.let_go()
        account.close()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as held:
        yield held


def finish(account: AccountRuntime) -> None:
    account.trigger()
    for future in list(account._futures.values()):
        future.result(60)


def through_redis(image: Image) -> Image:
    """As it comes back."""
    return unpacked({name: packed(getattr(image, name)) for name in ("live", "errors", "positions")})


ALL = ("live", "errors", "positions")


class TestAccount:
    def test_the_next_one_asks_for_nothing_before_it_is_due(self, upstream: Upstream) -> None:
        clock = ShiftedClock()
        with running(upstream, clock) as before:
            finish(before)
            image = through_redis(before.image(ALL, 1_000))
        asked = len(upstream.requests)
        with running(upstream, clock, image, 11_000) as after:
            finish(after)
            assert len(upstream.requests) == asked
            clock.advance(61)
            finish(after)
            assert [path for _, path in upstream.requests[asked:]].count("/v1/tokenInfo") == 1

    def test_time_that_passed_between_the_two_counts(self, upstream: Upstream) -> None:
        clock = ShiftedClock()
        with running(upstream, clock) as before:
            finish(before)
            image = through_redis(before.image(ALL, 1_000))
        asked = len(upstream.requests)
        with running(upstream, clock, image, 1_000 + 61_000) as after:
            finish(after)
            assert [path for _, path in upstream.requests[asked:]].count("/v1/tokenInfo") == 1

    def test_its_statuses_and_counts_go_on(self, upstream: Upstream) -> None:
        clock = ShiftedClock()
        with running(upstream, clock) as before:
            finish(before)
            image = through_redis(before.image(ALL, 1_000))
            statuses, counted = before.statuses(), before.telemetry.counted()
        with running(upstream, clock, image, 1_000) as after:
            assert after.statuses() == statuses
            assert after.telemetry.counted() == counted
            clock.advance(61)
            finish(after)
            for name, series in after.telemetry.counted().items():
                for key, value in counted[name].items():
                    now = series[key]
                    if isinstance(value, Distribution):
                        assert isinstance(now, Distribution)
                        assert now.count >= value.count
                    else:
                        assert float(now) >= float(value)  # type: ignore[arg-type]

    def test_an_image_that_has_nothing_is_none(self, upstream: Upstream) -> None:
        with running(upstream, ShiftedClock(), Image(), 5) as account:
            finish(account)
            assert account.statuses()["health"].success


class TestParts:
    SAMPLE = sample_of((), complete=True)
    ERRORS = ErrorsImage(
        counts={"f": OpenCount(3, 100.5, "i"), "g": OpenCount(0, None, "none")},
        served={"f": (3, 100.5), "g": (0, None)},
        steps=((("f", "s"), StepReading((3, 100.5), SAMPLE, (3, None))), (("f", "t"), StepReading((1, None)))),
    )
    LIVE = LiveImage(
        at=17,
        runners={"health": RunnerImage(CollectorStatus("health", 60.0, success=True, errors={"timeout": 2}), 12.5)},
        requests={"celigo_api_requests_total": [(("/v1/flows", "GET", "200"), 4.0)]},
        durations=[(("/v1/flows", "GET"), Distribution((1, 2), 0.5, 2))],
    )

    def test_each_comes_back_as_it_was(self) -> None:
        image = through_redis(Image(self.LIVE, self.ERRORS, {"f": 5.5}))
        assert image.live == self.LIVE
        assert image.positions == {"f": 5.5}
        assert image.errors is not None
        assert image.errors.counts == self.ERRORS.counts
        assert image.errors.served == self.ERRORS.served
        assert [key for key, _ in image.errors.steps] == [("f", "s"), ("f", "t")]
        found = image.errors.steps[0][1].sample
        assert found is not None
        assert replace(found, occurred=(), purges=()) == replace(self.SAMPLE, occurred=(), purges=())
        assert (list(found.occurred), list(found.purges)) == ([], [])

    @pytest.mark.parametrize("name", ALL)
    @pytest.mark.parametrize(
        "content", [b"", b"\xff", b"\x00", b"text", msgspec.msgpack.encode({"live": 1, "at": "x"})]
    )
    def test_a_part_that_nobody_wrote_is_not_known_and_costs_no_other(self, name: str, content: bytes) -> None:
        parts: dict[str, bytes] = {
            each: packed(part) for each, part in (("live", self.LIVE), ("positions", {"f": 1.0}))
        }
        image = unpacked({**parts, name: content})
        assert getattr(image, name) is None or name == "errors" or getattr(image, name) == LiveImage()
        assert [each for each in ("live", "positions") if each != name and getattr(image, each) is None] == []

    def test_parts_of_a_newer_exporter_are_passed_over(self) -> None:
        assert unpacked({"tomorrow": b"\x01"}) == Image()

    def test_no_name_of_a_message_or_record_is_in_it(self) -> None:
        fields = {field for shape in (LiveImage, ErrorsImage, RunnerImage) for field in shape.__dataclass_fields__}
        assert fields == {"at", "runners", "requests", "durations", "counts", "served", "steps", "status", "due_in"}


class TestTelemetry:
    def test_what_was_counted_before_and_since_is_added_up(self) -> None:
        key = ("budget",)
        telemetry = Telemetry(ManualClock())
        telemetry.waited("budget", 2.0)
        telemetry.carry_on({"celigo_api_rate_limit_wait_seconds_total": {key: 40.0}})
        assert telemetry.series("celigo_api_rate_limit_wait_seconds_total")[key] == 42.0

    def test_it_is_something_new_to_tell(self) -> None:
        telemetry = Telemetry(ManualClock())
        before = telemetry.version
        telemetry.carry_on({})
        assert telemetry.version > before

    def test_histograms_are_added_bucket_by_bucket(self) -> None:
        telemetry, held = Telemetry(ManualClock()), Distribution(tuple(range(1, 10)), 5.0, 12)
        telemetry.exchange(Endpoint.FLOWS, "200", 0.3, 10)
        telemetry.carry_on({DURATIONS: {("/v1/flows", "GET"): held, ("/v1/jobs", "GET"): held}})
        told = telemetry.series(DURATIONS)
        assert told[("/v1/jobs", "GET")] == held
        assert told[("/v1/flows", "GET")] == Distribution((1, 2, 3, 5, 6, 7, 8, 9, 10), 5.3, 13)

    def test_a_histogram_of_other_buckets_begins_anew(self) -> None:
        telemetry = Telemetry(ManualClock())
        telemetry.carry_on({DURATIONS: {("/v1/jobs", "GET"): Distribution((1, 2), 5.0, 2)}})
        assert telemetry.series(DURATIONS) == {}

    def test_all_of_it_can_be_told(self) -> None:
        assert DURATIONS in Telemetry(ManualClock()).counted()
