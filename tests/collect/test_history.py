"""History is read backwards beside the live work: each run once, nothing of it counted, wherever the reading stops."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

import msgspec
import pytest

from exporter.api.errors import ApiError, BadRequest, Forbidden, ServerError, Timeout
from exporter.collect.history import KEPT_SHARE, NARROWEST_SECONDS
from exporter.config.settings import HistorySettings, JobsSettings
from exporter.ledger.history import FlowHistory
from exporter.ledger.tally import FINISHED, ZERO
from tests.collect.history_kit import DAY, FLOWS, HOUR, HistoryKit, expected, told
from tests.ledger.machine import Death, MortalStore
from tests.ledger.rows import job

TIMEOUT = Timeout("/v1/jobs")
BROKEN = ServerError("/v1/jobs", status=500)
REFUSED = BadRequest("/v1/jobs", status=400)


@pytest.fixture
def kit() -> HistoryKit:
    """An account with six days of runs that was just seen for the first time."""
    kit = HistoryKit()
    kit.live()
    kit.collect()
    kit.client.calls.clear()
    return kit


def reading(kit: HistoryKit) -> dict[str, FlowHistory]:
    """What the store has of all flows."""
    return kit.store.state.histories


def whole(kit: HistoryKit) -> dict[str, FlowHistory]:
    """What it has to have in the end: the history, and the runs that the first window showed."""
    rows = [row for row in kit.client.jobs.values() if row.status in FINISHED]
    return expected(row for row in rows if (row.created_at or 0) >= kit.until - kit.history_settings.depth)


def reached(kit: HistoryKit) -> float:
    """The ratio, which is known."""
    ratio = kit.history.ratio
    assert ratio is not None
    return ratio


def test_the_newest_is_read_first_and_windows_follow_each_other_without_hole_or_overlap(kit: HistoryKit) -> None:
    kit.read_all()
    windows = kit.windows()
    assert len(windows) > 4
    for (lower, _), (_, upper) in pairwise(windows):
        # Windows include both of their bounds, which are whole milliseconds.
        assert 0 < lower - upper < 0.001
    assert 0 < kit.until - windows[0][1] < 0.001
    assert windows[-1][0] == kit.until - kit.history_settings.depth


def test_in_the_end_the_history_of_every_flow_is_what_its_runs_say(kit: HistoryKit) -> None:
    kit.read_all()
    assert told(reading(kit)) == told(whole(kit))
    assert reading(kit).keys() == FLOWS.keys()
    assert all(history.longest_empty > 0 for history in reading(kit).values())


def test_nothing_of_it_is_counted(kit: HistoryKit) -> None:
    before = dict(kit.store.state.counted)
    kit.read_all()
    kit.next()
    state = kit.store.state
    assert {(tally.runs, tally.records, tally.retries) for tally in state.flows.values()} == {(ZERO, ZERO, ZERO)}
    assert (state.integrations, state.unknown, state.pending) == ({}, {}, {})
    assert state.counted == before


def test_what_is_told_of_the_newest_run_comes_from_history_where_nothing_is_newer(kit: HistoryKit) -> None:
    old = {row.id: row for row in kit.past()}
    kit.client.jobs = {"f9-1": msgspec.structs.replace(next(iter(old.values())), id="f9-1", flow_id="f9")}
    assert "f9" not in kit.store.state.flows
    kit.read_all()
    last = kit.store.state.flows["f9"].last
    assert last is not None
    assert last.id == "f9-1"


def test_a_streak_of_failed_runs_that_began_long_before_the_first_sight_is_known_in_full() -> None:
    kit = HistoryKit()
    for number in range(60):
        kit.put("f1", -number * HOUR - 600, "failed" if number < 50 else "completed", (1, 0, 0), "int-a")
    kit.collect()
    assert kit.flow("f1").failed.count < 4
    kit.read_all()
    assert kit.store.state.flows["f1"].failed.count == 50


def ratio(kit: HistoryKit) -> float:
    """How much of the history was read, which is known by now."""
    known = kit.history.ratio
    assert known is not None
    return known


def test_the_ratio_is_unknown_before_the_first_sight_and_goes_from_0_to_1() -> None:
    kit = HistoryKit(history_settings=HistorySettings(depth=5 * DAY, pages_per_run=1))
    kit.live()
    assert kit.history.ratio is None
    assert kit.read_on() is None
    assert kit.client.calls_of("job_pages") == []
    kit.collect()
    ratios = [reached(kit)]
    while ratios[-1] < 1.0:
        assert kit.read_on() is None
        ratios.append(reached(kit))
        assert ratios[-1] > ratios[-2]
    assert (ratios[0], ratios[-1]) == (0.0, 1.0)
    assert len(ratios) > 4


@pytest.mark.parametrize(
    ("depth", "retention"), [(0.0, 30 * DAY), (5 * DAY, 1800.0)], ids=["no-depth", "nothing-older-is-kept"]
)
def test_where_nothing_is_wanted_or_kept_nothing_is_asked(depth: float, retention: float) -> None:
    kit = HistoryKit(JobsSettings(retention=retention), history_settings=HistorySettings(depth=depth))
    kit.live()
    kit.collect()
    kit.client.calls.clear()
    assert kit.read_on() is None
    assert (kit.client.calls, kit.history.ratio) == ([], 1.0)


def test_nothing_past_the_retention_is_asked_although_time_passes() -> None:
    settings = HistorySettings(depth=5 * DAY, pages_per_run=1)
    kit = HistoryKit(JobsSettings(retention=3 * DAY), history_settings=settings)
    kit.live()
    kit.collect()
    kit.client.calls.clear()
    while kit.history.ratio != 1.0:
        asked = len(kit.client.calls)
        assert kit.read_on() is None
        assert all(call[-2] >= kit.clock.time() - 3 * DAY for call in kit.client.calls[asked:])
        kit.clock.advance(600)
    assert kit.windows()[-1][0] < kit.until - 2.5 * DAY


def test_a_run_reads_so_many_pages_and_no_slice_more() -> None:
    kit = HistoryKit(history_settings=HistorySettings(depth=5 * DAY, pages_per_run=4))
    kit.live()
    kit.collect()
    for _ in range(3):
        kit.client.calls.clear()
        kit.client.page_size = 20
        assert kit.read_on() is None
        assert 4 <= len(kit.client.calls) < 4 + 10


def test_it_takes_no_more_than_its_share_of_the_budget(kit: HistoryKit) -> None:
    kit.read_on()
    assert kit.refresh.kept_share == KEPT_SHARE == 0.5


def test_nothing_is_published(kit: HistoryKit) -> None:
    before = dict(kit.published.count)
    kit.read_all()
    assert dict(kit.published.count) == before


# Restarts.


def interrupted(commits: int, *, before: bool) -> tuple[HistoryKit, bool]:
    """Read it all, but for a death in the commit after `commits` more."""
    store = MortalStore()
    kit = HistoryKit(store=store, history_settings=HistorySettings(depth=2 * DAY, pages_per_run=3))
    kit.live(days=3)
    kit.collect()
    store.die(commits, before=before)
    died = False
    try:
        kit.read_all()
    except Death:
        died = True
        kit.clock.advance(90)
        kit.restart()
        kit.read_all()
    return kit, died


@pytest.mark.parametrize("before", [True, False], ids=["before-the-change", "after-the-change"])
def test_killed_in_any_commit_and_started_again_it_reads_nothing_twice_and_misses_nothing(before: bool) -> None:
    undisturbed, _ = interrupted(10_000, before=before)
    commits, died = 0, True
    while died:
        kit, died = interrupted(commits, before=before)
        assert reading(kit) == reading(undisturbed), commits
        assert kit.store.state.flows == undisturbed.store.state.flows, commits
        commits += 1
    assert commits > 5
    assert told(reading(undisturbed)) == told(whole(undisturbed))


def test_a_restart_goes_on_where_the_reading_was(kit: HistoryKit) -> None:
    kit.history_settings = replace(kit.history_settings, pages_per_run=2)
    kit.restart()
    for _ in range(40):
        if kit.history.ratio == 1.0:
            break
        assert kit.read_on() is None
        kit.restart()
    windows = kit.windows()
    assert [upper for _, upper in windows] == sorted((upper for _, upper in windows), reverse=True)
    assert all(upper <= lower for (lower, _), (_, upper) in itertools.pairwise(windows))
    assert all(upper <= lower for (lower, _), (_, upper) in pairwise(windows))
    assert told(reading(kit)) == told(whole(kit))


def test_a_file_of_before_this_was_noted_is_read_from_its_first_window_on(kit: HistoryKit) -> None:
    first = kit.until
    kit.store.state.backfills.clear()
    kit.restart()
    assert kit.history.ratio == 0.0
    kit.read_all()
    assert kit.until == first
    assert told(reading(kit)) == told(whole(kit))


# What belongs to live reading.


def test_a_run_that_ended_after_the_first_sight_is_in_the_baseline_once() -> None:
    kit = HistoryKit()
    kit.client.jobs["long"] = job("long", "running", -9 * HOUR, -9 * HOUR, flow_id="f1", integration_id="int-a")
    kit.collect()
    kit.clock.advance(600)
    ended = job("long", "completed", -9 * HOUR, -9 * HOUR, kit.now - 60, flow_id="f1", integration_id="int-a")
    kit.client.jobs["long"] = ended
    kit.read_all()
    assert kit.store.state.histories == {}
    kit.next()
    kit.next(3 * HOUR)
    kit.next(3 * HOUR)
    assert kit.flow("f1").runs == (1, 0, 0)
    assert told(reading(kit)) == told(expected([ended]))


@pytest.mark.parametrize("order", ["history-first", "live-first", "long-after-its-id-could-go"])
def test_a_run_that_was_seen_in_progress_before_the_first_sight_is_in_the_baseline_once(order: str) -> None:
    """The jobs in progress were read, then for a while the listing could not be."""
    kit = HistoryKit()
    kit.client.jobs["long"] = job("long", "running", -9 * HOUR, -9 * HOUR, flow_id="f1", integration_id="int-a")
    kit.client.always("job_pages", TIMEOUT)
    kit.collect()
    ended = job(
        "long", "failed", -9 * HOUR, -9 * HOUR, kit.now + 60, flow_id="f1", integration_id="int-a", records=(0, 0, 0)
    )
    kit.client.jobs["long"] = ended
    kit.clock.advance(600)
    kit.client.faults.clear()
    kit.client.always("job", BROKEN)
    kit.collect()
    assert kit.ledger.pending().keys() == {"long"}
    if order == "history-first":
        kit.read_all()
    kit.client.faults.clear()
    kit.next()
    if order == "long-after-its-id-could-go":
        for _ in range(12):
            kit.next(HOUR)
    kit.read_all()
    assert kit.flow("f1").runs == (0, 1, 0)
    assert kit.flow("f1").failed.count == 1
    assert told(reading(kit)) == told(expected([ended]))


def test_a_later_window_that_reaches_further_back_than_the_first_one_folds_nothing_twice(kit: HistoryKit) -> None:
    """The clock of the server is known better after the first answer than before it."""
    early = -kit.settings.overlap - 0.4
    kit.client.jobs["early"] = job("early", "failed", early, early + 1, -600, flow_id="f1", integration_id="int-a")
    kit.read_all()
    before = dict(reading(kit))
    kit.ledger.observe([kit.client.jobs["early"]], "flow", kit.clock.time())
    kit.next()
    assert reading(kit) == before
    assert told(before) == told(whole(kit))


def test_a_row_that_comes_twice_or_outside_of_its_window_is_folded_once(kit: HistoryKit) -> None:
    rows = kit.past()
    kit.client.always_listed = [rows[3], rows[3], rows[-1], rows[len(rows) // 2]]
    kit.read_all()
    assert told(reading(kit)) == told(whole(kit))


def test_old_runs_in_progress_and_rows_of_other_types_are_passed_over(kit: HistoryKit) -> None:
    kit.client.jobs["q"] = job("q", "queued", -2 * DAY, flow_id="f1")
    kit.client.jobs["r"] = job("r", "completed", -2 * DAY, -2 * DAY, -2 * DAY + 50, flow_id="f1", kind="retry")
    kit.client.jobs["n"] = job("n", "completed", -2 * DAY, -2 * DAY, -2 * DAY + 50, flow_id=None)
    kit.client.not_current.add("q")
    kit.read_all()
    rest = {name: row for name, row in kit.client.jobs.items() if name not in "qrn"}
    kit.client.jobs = rest
    assert told(reading(kit)) == told(whole(kit))


def test_live_runs_while_history_is_read_are_counted_and_in_the_history_of_their_flow() -> None:
    kit = HistoryKit(history_settings=HistorySettings(depth=5 * DAY, pages_per_run=2))
    kit.live()
    kit.collect()
    count = 0
    while kit.history.ratio != 1.0:
        kit.clock.advance(600)
        kit.put("f1", kit.now - 500, "completed", (0, 0, 0) if count % 3 else (1, 0, 0), "int-a")
        count += 1
        kit.collect()
        kit.read_on()
    kit.next()
    assert kit.flow("f1").runs == (count, 0, 0)
    assert told(reading(kit)) == told(whole(kit))


# Slices.


def test_a_slice_of_too_many_pages_is_narrowed_and_nothing_is_lost() -> None:
    kit = HistoryKit(history_settings=HistorySettings(depth=1 * DAY))
    kit.live(days=1.5, every=300.0)
    kit.collect()
    kit.client.page_size = 4
    kit.client.calls.clear()
    kit.read_all()
    assert told(reading(kit)) == told(whole(kit))
    taken = [call[2] for call in kit.client.calls_of("job_pages")]
    assert max(taken) <= 12


def test_a_listing_that_is_cut_is_read_in_shorter_slices() -> None:
    kit = HistoryKit(history_settings=HistorySettings(depth=1 * DAY))
    kit.live(days=1.5, every=300.0)
    kit.collect()
    kit.client.page_size, kit.client.page_bound = 5, 2
    kit.read_all()
    assert told(reading(kit)) == told(whole(kit))


def test_a_minute_of_more_pages_than_may_be_read_does_not_stop_the_reading() -> None:
    kit = HistoryKit(history_settings=HistorySettings(depth=4 * HOUR))
    for number in range(40):
        kit.put("f1", -3 * HOUR - number, "completed", (1, 0, 0), "int-a")
    kit.collect()
    kit.client.page_size, kit.client.page_bound = 4, 3
    kit.read_all()
    assert kit.history.ratio == 1.0
    assert reading(kit)["f1"].durations.p95 is not None


def test_a_quiet_past_is_read_in_long_slices() -> None:
    kit = HistoryKit(history_settings=HistorySettings(depth=200 * DAY), settings=JobsSettings(retention=400 * DAY))
    kit.collect()
    kit.client.calls.clear()
    kit.read_all()
    assert len(kit.client.calls) < 45


# Failures.


def only_account(error: ApiError) -> Callable[..., ApiError | None]:
    """A fault of the listing over the whole account."""
    return lambda _kind, home, *_: error if home is None else None


def each(error: ApiError, passing: int) -> Callable[..., ApiError | None]:
    """A fault of every listing after so many good pages."""
    calls: Iterator[int] = iter(range(10_000))
    return lambda *_: error if next(calls) >= passing else None


def test_a_refused_listing_of_the_account_is_read_per_integration(kit: HistoryKit) -> None:
    kit.client.faults["job_pages"] = only_account(REFUSED)
    assert kit.read_on() is REFUSED
    kit.read_all()
    assert {call[1] for call in kit.client.calls_of("job_pages")} == {None, "int-a", "int-b", "none"}
    assert told(reading(kit)) == told(whole(kit))


def test_a_listing_of_the_account_that_keeps_failing_is_read_per_integration(kit: HistoryKit) -> None:
    kit.client.faults["job_pages"] = only_account(BROKEN)
    assert [kit.read_on() for _ in range(3)] == [BROKEN] * 3
    kit.read_all()
    assert told(reading(kit)) == told(whole(kit))


@pytest.mark.parametrize("home", ["int-a", "int-b", "none"])
def test_one_integration_that_fails_holds_the_slice_back_until_it_can_be_read(kit: HistoryKit, home: str) -> None:
    kit.client.faults["job_pages"] = only_account(REFUSED)
    kit.read_on()
    kit.client.faults["job_pages"] = lambda _kind, asked, *_: BROKEN if asked in (home, None) else None
    before = dict(reading(kit))
    assert kit.read_on() is BROKEN
    assert (kit.history.ratio, reading(kit)) == (0.0, before)
    kit.client.faults.clear()
    kit.read_all()
    assert told(reading(kit)) == told(whole(kit))


def test_a_failing_call_fails_the_run_and_the_next_slices_are_shorter(kit: HistoryKit) -> None:
    kit.client.faults["job_pages"] = lambda *_: TIMEOUT
    assert [kit.read_on() for _ in range(4)] == [TIMEOUT] * 4
    widths = [upper - lower for lower, upper in kit.windows()]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] == pytest.approx(widths[0] / 8, rel=0.01)
    assert kit.history.ratio == 0.0
    for _ in range(10):
        kit.read_on()
    assert min(upper - lower for lower, upper in kit.windows()) > NARROWEST_SECONDS - 1
    kit.client.faults.clear()
    kit.read_all()
    assert told(reading(kit)) == told(whole(kit))


def test_a_timeout_after_something_was_read_is_no_failure(kit: HistoryKit) -> None:
    kit.client.faults["job_pages"] = each(TIMEOUT, passing=2)
    assert kit.read_on() is None
    assert 0 < reached(kit) < 1
    kit.client.faults.clear()
    kit.read_all()
    assert told(reading(kit)) == told(whole(kit))


def test_another_failure_after_something_was_read_is_one_and_keeps_what_was_read(kit: HistoryKit) -> None:
    kit.client.faults["job_pages"] = each(Forbidden("/v1/jobs", status=403), passing=2)
    assert isinstance(kit.read_on(), Forbidden)
    assert reached(kit) > 0


def test_a_timeout_after_a_slice_that_was_only_found_too_long_is_a_failure() -> None:
    """Nothing was read: a run that ended well would hide that the reading does not move."""
    kit = HistoryKit(history_settings=HistorySettings(depth=1 * DAY))
    kit.live(days=1.5, every=60.0)
    kit.collect()
    kit.client.page_size = 2
    kit.client.faults["job_pages"] = each(TIMEOUT, passing=12)
    assert kit.read_on() is TIMEOUT
    assert kit.history.ratio == 0.0


def test_a_failing_list_of_integrations_fails_the_run(kit: HistoryKit) -> None:
    kit.client.faults["job_pages"] = only_account(REFUSED)
    kit.read_on()
    kit.client.always("integrations", BROKEN)
    assert kit.read_on() is BROKEN
    assert kit.history.ratio == 0.0
