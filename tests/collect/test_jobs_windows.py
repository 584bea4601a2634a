"""How far back each window of the job listing reaches: between whole overlaps, in gaps, after wrong listings."""

import pytest

from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError, BadRequest, ServerError, Timeout
from exporter.config.settings import JobsSettings
from tests.clocks import EPOCH
from tests.collect.jobs_kit import MINUTE, JobsKit
from tests.ledger.rows import FLOW, job


@pytest.fixture
def kit() -> JobsKit:
    return JobsKit()


def test_the_first_window_reaches_back_by_the_overlap_and_the_next_ones_by_ten_minutes(kit: JobsKit) -> None:
    for _ in range(3):
        kit.next()
    starts = [call[3] for call in kit.client.calls_of("job_pages") if call[0] == "flow"]
    assert starts == [EPOCH + MINUTE - 7200, EPOCH + MINUTE - 600, EPOCH + 2 * MINUTE - 600]


def test_the_whole_overlap_is_read_every_ten_minutes(kit: JobsKit) -> None:
    for _ in range(31):
        kit.next()
    starts = [call[3] for call in kit.client.calls_of("job_pages") if call[0] == "flow"]
    reach = [EPOCH + MINUTE * max(1, minute) - start for minute, start in enumerate(starts)]
    assert [minute for minute, seconds in enumerate(reach) if seconds == 7200] == [0, 10, 20, 30]
    assert set(reach) == {600.0, 7200.0}


@pytest.mark.parametrize("minutes", [3, 11, 42, 93, 118])
def test_a_window_reaches_back_to_a_run_that_has_just_left_those_in_progress(minutes: int, kit: JobsKit) -> None:
    kit.collect()
    kit.begin("long")
    for _ in range(minutes):
        kit.next()
    kit.client.jobs["long"] = job("long", "completed", 0, 0, kit.now)
    kit.next()
    assert kit.flow().runs == (1, 0, 0)
    assert kit.client.calls_of("job") == []
    assert EPOCH - 700 <= kit.client.calls_of("job_pages")[-1][3] <= EPOCH


def test_without_the_runs_in_progress_a_window_reaches_back_by_the_whole_overlap(kit: JobsKit) -> None:
    kit.collect()
    kit.client.always("current_jobs", ServerError(Endpoint.JOBS_CURRENT.value, status=500))
    kit.next()
    assert kit.client.calls_of("job_pages")[-1][3] == EPOCH - 7200


class TestAGap:
    """Time that passes without any collection."""

    def test_days_are_read_slice_by_slice_oldest_first(self, kit: JobsKit) -> None:
        kit.collect()
        kit.clock.advance(3 * 86_400)
        kit.client.jobs["then"] = job("then", "failed", 86_000, 86_001, 86_002)
        kit.next()
        starts = [call[3] for call in kit.client.calls_of("job_pages") if call[0] == "flow"][1:]
        assert starts == sorted(starts)
        assert len(starts) == 4
        assert kit.flow().runs == (0, 1, 0)
        assert kit.collector.catch_up == 1.0

    def test_it_is_read_no_further_back_than_the_account_keeps_runs(self, caplog: pytest.LogCaptureFixture) -> None:
        kit = JobsKit(JobsSettings(retention=5 * 86_400.0))
        kit.collect()
        kit.clock.advance(40 * 86_400)
        kit.next()
        starts = [call[3] for call in kit.client.calls_of("job_pages") if call[0] == "flow"][1:]
        assert starts[0] == kit.clock.time() - 5 * 86_400
        assert "jobs of a gap are lost" in caplog.text

    def test_when_the_time_is_over_the_next_run_goes_on(self, kit: JobsKit) -> None:
        kit.collect()
        kit.clock.advance(6 * 86_400)
        left = 0

        def slow(kind: str, *_: object) -> Timeout | None:
            nonlocal left
            left -= kind == "flow"
            return Timeout(Endpoint.JOBS.value) if kind == "flow" and left < 0 else None

        kit.client.faults["job_pages"] = slow
        ratios = []
        for _ in range(12):
            left = 2
            assert kit.next() is None
            ratios.append(kit.collector.catch_up)
        assert ratios == sorted(ratios, key=lambda ratio: ratio or 0.0)
        assert 0 < (ratios[0] or 0) < 1
        assert ratios[-1] == 1.0

    def test_a_tiny_budget_gets_ahead_too(self, kit: JobsKit) -> None:
        kit.collect()
        kit.clock.advance(86_400)
        answers = iter(range(100_000))
        kit.client.faults["job_pages"] = lambda *_: Timeout(Endpoint.JOBS.value) if next(answers) % 2 else None
        for _ in range(40):
            kit.next()
        assert kit.collector.catch_up == 1.0

    @pytest.mark.parametrize("longest", [43_200.0, 3600.0, 600.0])
    def test_slices_that_cannot_be_read_in_time_become_shorter_until_they_can(
        self, longest: float, kit: JobsKit
    ) -> None:
        def slow(_kind: str, _scope: str | None, _page: int, lower: float, upper: float | None) -> Timeout | None:
            return Timeout(Endpoint.JOBS.value) if (upper or kit.clock.time()) - lower > longest else None

        kit.collect()
        kit.clock.advance(4 * 86_400)
        kit.client.faults["job_pages"] = slow
        caught_up_to: list[float] = []
        until = min(EPOCH + 4 * 86_400, EPOCH - kit.settings.overlap + 50 * longest)
        while not caught_up_to or caught_up_to[-1] < until:
            assert len(caught_up_to) < 60
            kit.next()
            caught_up_to.append(kit.store.state.tracks["flow"].watermark or 0.0)
        assert {call[1] for call in kit.client.calls_of("job_pages")} == {None}
        assert caught_up_to == sorted(caught_up_to)

    def test_a_gap_of_which_not_even_a_minute_can_be_read_is_read_by_integration(self, kit: JobsKit) -> None:
        kit.collect()
        kit.clock.advance(86_400)
        kit.client.faults["job_pages"] = lambda _, scope, *__: Timeout(Endpoint.JOBS.value) if scope is None else None
        for _ in range(20):
            kit.next()
        assert kit.watermark is not None
        assert kit.watermark > EPOCH + 86_400


class TestAReadingThatBreaksOff:
    """Slices are short, since long ones could not be read in time; a row may be hidden while its slice is read."""

    @pytest.fixture
    def kit(self) -> JobsKit:
        kit = JobsKit()
        kit.collect()
        self.slowed(kit, 600.0)
        return kit

    def slowed(self, kit: JobsKit, longest: float, slices: int | None = None) -> None:
        """Let slices of runs of more than `longest` seconds time out, and others fail once `slices` were read."""
        left = iter(range(1_000_000 if slices is None else slices))

        def fault(kind: str, _scope: str | None, _page: int, lower: float, upper: float | None) -> ApiError | None:
            if kind == "flow" and (upper or kit.clock.time()) - lower > longest:
                return Timeout(Endpoint.JOBS.value)
            over = kind == "flow" and next(left, None) is None
            return ServerError(Endpoint.JOBS.value, status=500) if over else None

        kit.client.faults["job_pages"] = fault

    def read(self, kit: JobsKit, seconds: float) -> None:
        """A run a minute for so long."""
        for _ in range(int(seconds // MINUTE)):
            kit.next()

    def test_a_row_that_was_late_before_an_absence_is_seen_though_the_first_reading_after_it_breaks_off(
        self, kit: JobsKit
    ) -> None:
        self.read(kit, 1800)
        kit.finish("late")
        kit.client.unlisted.add("late")
        self.read(kit, 300)
        kit.clock.advance(3 * 3600)
        kit.client.unlisted.clear()
        self.slowed(kit, 86_400.0, slices=2)
        kit.client.calls.clear()
        assert isinstance(kit.next(), ServerError)
        assert len({call[3] for call in kit.client.calls_of("job_pages") if call[0] == "flow"}) == 3
        assert kit.runs.flows[FLOW].runs == (0, 0, 0)
        kit.client.faults.clear()
        self.read(kit, 600)
        assert kit.flow().runs == (1, 0, 0)

    @pytest.mark.parametrize("slices", [12, 24, 30, 34])
    @pytest.mark.parametrize("by_integration", [False, True], ids=["account", "integration"])
    def test_a_row_that_was_late_when_a_reading_broke_off_for_hours_is_seen_by_the_one_after_it(
        self, kit: JobsKit, by_integration: bool, slices: int
    ) -> None:
        if by_integration:
            kit.client.always("job_pages", BadRequest(Endpoint.JOBS.value, status=400))
            kit.next()
            self.slowed(kit, 600.0)
        self.read(kit, 1800)
        kit.clock.advance(3 * 3600)
        for _ in range(100):
            # One is hidden in each of the places to which the reading may come.
            kit.clock.advance(20)
            kit.finish(f"late {kit.now}")
        kit.client.unlisted.update(kit.client.jobs)
        self.slowed(kit, 600.0, slices)
        assert any(isinstance(kit.next(), ServerError) for _ in range(20))
        kit.clock.advance(2 * 3600 - 2400)
        kit.client.unlisted.clear()
        kit.clock.advance(4 * 3600)
        kit.client.faults.clear()
        self.read(kit, 1800)
        assert kit.flow().runs == (100, 0, 0)


@pytest.mark.parametrize("page", [1, 2, 3])
@pytest.mark.parametrize("hours", [0.5, 3, 30])
def test_a_machine_that_sleeps_in_the_middle_of_a_reading_misses_nothing(kit: JobsKit, page: int, hours: float) -> None:
    """Its monotonic clock stands still meanwhile, and the newest page was read before it."""
    kit.client.page_size = 2
    kit.collect()
    for number in range(8):
        kit.clock.advance(1)
        kit.finish(f"before {number}")

    def asleep(kind: str, _scope: str | None, at_page: int, *_: object) -> None:
        if kind == "flow" and at_page == page:
            kit.client.faults.clear()
            for number in range(6):
                kit.clock.set_wall(kit.clock.time() + hours * 600)
                kit.finish(f"meanwhile {number}")

    kit.client.faults["job_pages"] = asleep
    kit.next()
    assert kit.client.faults == {}
    for _ in range(3):
        kit.next()
    assert kit.flow().runs == (14, 0, 0)


class TestAWrongListing:
    @pytest.fixture
    def kit(self) -> JobsKit:
        """One run was counted, then no flow was listed."""
        kit = JobsKit()
        kit.collect()
        kit.clock.advance(30)
        kit.finish("a")
        kit.next()
        kit.client.listed_homes = {}
        kit.next()
        return kit

    def test_one_empty_listing_hides_the_counters_and_the_next_good_one_brings_them_back(self, kit: JobsKit) -> None:
        assert FLOW not in kit.runs.flows
        kit.client.listed_homes = None
        kit.next()
        assert kit.flow().runs == (1, 0, 0)

    def test_after_a_day_the_numbers_are_gone(self, kit: JobsKit) -> None:
        kit.next(25 * 3600)
        kit.client.listed_homes = None
        kit.next()
        assert kit.flow().runs == (0, 0, 0)


@pytest.mark.parametrize("kind", ["flow", "retry"])
def test_after_a_first_window_that_broke_off_nothing_since_the_first_sight_is_passed_over(
    kind: str, kit: JobsKit
) -> None:
    kit.client.page_size = 1
    for name in ("old-1", "old-2"):
        kit.finish(name, kind=kind)
    kit.client.faults["job_pages"] = lambda asked, _, page, *__: (
        ServerError(Endpoint.JOBS.value, status=500) if (asked, page) == (kind, 1) else None
    )
    kit.collect()
    kit.client.faults.clear()
    kit.clock.advance(30)
    kit.finish("missed", kind=kind)
    kit.restart()
    assert kit.next(5 * 3600) is None
    assert (kit.flow().runs if kind == "flow" else kit.flow().retries) == (1, 0, 0)


def caught_up(caplog: pytest.LogCaptureFixture) -> list[object]:
    """The kinds of jobs whose gaps were told to be caught up."""
    return [vars(record)["fields"]["kind"] for record in caplog.records if "caught up" in record.message]


def test_a_first_reading_is_no_gap_whatever_the_servers_clock_corrects(
    kit: JobsKit, caplog: pytest.LogCaptureFixture
) -> None:
    def told_its_time(*_: object) -> None:
        kit.client.server_ahead = 90.0

    kit.client.faults["job_pages"] = told_its_time
    with caplog.at_level("INFO"):
        assert kit.collect() is None
    assert caught_up(caplog) == []


@pytest.mark.parametrize(("beyond", "told"), [(0, []), (30, ["flow", "retry"])], ids=["overlap", "longer"])
def test_a_gap_longer_than_the_overlap_is_told_to_be_caught_up(
    beyond: float, told: list[object], kit: JobsKit, caplog: pytest.LogCaptureFixture
) -> None:
    kit.collect()
    with caplog.at_level("INFO"):
        assert kit.next(JobsSettings().overlap + beyond) is None
    assert caught_up(caplog) == told
