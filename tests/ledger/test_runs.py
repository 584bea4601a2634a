"""The ledger counts every finished job once, and only what ended after the first sight."""

from collections.abc import Sequence

import pytest

from exporter.api.models import Job
from exporter.ledger.runs import RunLedger
from exporter.ledger.state import Kind
from exporter.ledger.tally import FlowTally, IntegrationTally
from tests.clocks import EPOCH
from tests.ledger.kept import KeptStore
from tests.ledger.rows import FLOW, INTEGRATION, finished, job

OVERLAP = 7200.0


@pytest.fixture
def ledger() -> RunLedger:
    return started()


def started(kind: Kind = "flow") -> RunLedger:
    """A ledger whose first sight was at second 0."""
    ledger = RunLedger(KeptStore())
    ledger.observe([], kind, EPOCH)
    return ledger


def flow(ledger: RunLedger, flow_id: str = FLOW) -> FlowTally:
    return ledger.tallies().flows.get(flow_id, FlowTally())


def integration(ledger: RunLedger, integration_id: str = INTEGRATION) -> IntegrationTally:
    return ledger.tallies().integrations.get(integration_id, IntegrationTally())


def test_a_finished_run_is_counted_with_its_records(ledger: RunLedger) -> None:
    ledger.observe([finished("a", 30, records=(5, 2, 1))], "flow", EPOCH + 60)
    assert (flow(ledger).runs, flow(ledger).records) == ((1, 0, 0), (5, 2, 1))
    assert (integration(ledger).runs, integration(ledger).records) == ((1, 0, 0), (5, 2, 1))


@pytest.mark.parametrize("status", ["completed", "failed", "canceled"])
def test_every_final_status_is_counted_as_itself(status: str, ledger: RunLedger) -> None:
    ledger.observe([finished("a", 30, status)], "flow", EPOCH + 60)
    place = ("completed", "failed", "canceled").index(status)
    assert flow(ledger).runs[place] == sum(flow(ledger).runs) == 1


@pytest.mark.parametrize("times", [2, 5])
def test_the_same_row_counts_once_however_often_it_is_read(times: int, ledger: RunLedger) -> None:
    for _ in range(times):
        ledger.observe([finished("a", 30), finished("a", 30)], "flow", EPOCH + 60)
    assert flow(ledger).runs == (1, 0, 0)


def test_each_generator_of_a_flow_is_a_run_of_its_own(ledger: RunLedger) -> None:
    ledger.observe([finished("a", 30), finished("b", 30)], "flow", EPOCH + 60)
    assert flow(ledger).runs == (2, 0, 0)


def test_what_ended_before_the_first_sight_is_told_but_not_counted() -> None:
    ledger = RunLedger(KeptStore())
    ledger.observe([finished("a", -30, "failed"), finished("b", -90)], "flow", EPOCH)
    held = flow(ledger)
    assert (held.runs, held.records, held.failed.count) == ((0, 0, 0), (0, 0, 0), 1)
    assert held.last is not None
    assert held.last.id == "a"
    assert integration(ledger) == IntegrationTally()


def test_everything_finished_on_the_first_page_is_history_even_when_the_clocks_disagree() -> None:
    ledger = RunLedger(KeptStore())
    ledger.observe([finished("a", 3000)], "flow", EPOCH)
    assert flow(ledger).runs == (0, 0, 0)


@pytest.mark.parametrize(("ended", "counted"), [(-1.0, 0), (0.0, 0), (0.5, 1)], ids=["before", "at", "after"])
def test_a_later_page_is_judged_by_the_end_of_the_run(ended: float, counted: int, ledger: RunLedger) -> None:
    ledger.observe([finished("a", ended)], "flow", EPOCH + 2)
    assert flow(ledger).runs == (counted, 0, 0)


def test_a_late_row_about_history_is_not_counted(ledger: RunLedger) -> None:
    ledger.advance("flow", EPOCH + 60, OVERLAP, EPOCH + 60)
    ledger.observe([finished("late", -600)], "flow", EPOCH + 120)
    assert flow(ledger).runs == (0, 0, 0)


def test_a_run_in_progress_at_first_sight_is_counted_at_its_end() -> None:
    ledger = RunLedger(KeptStore())
    ledger.observe([job("a", "running", created=-100)], "flow", EPOCH)
    assert set(ledger.pending()) == {"a"}
    ledger.observe([finished("a", 40)], "flow", EPOCH + 60)
    assert flow(ledger).runs == (1, 0, 0)
    assert not ledger.pending()


def test_a_run_seen_in_progress_counts_even_when_its_end_is_told_to_lie_before_the_first_sight(
    ledger: RunLedger,
) -> None:
    ledger.notice([job("a", "running", created=-100)], EPOCH + 1)
    ledger.observe([finished("a", -5)], "flow", EPOCH + 60)
    assert flow(ledger).runs == (1, 0, 0)


def test_a_run_that_queued_for_ten_days_is_counted_once_long_after_its_window_is_gone(ledger: RunLedger) -> None:
    day = 86400.0
    for number in range(11):
        now = EPOCH + number * day
        ledger.notice([job("slow", "queued", created=10)], now)
        ledger.observe([], "flow", now)
        ledger.advance("flow", now, OVERLAP, now)
    assert set(ledger.pending()) == {"slow"}
    end = 10 * day + 50
    for minute in range(3):
        ledger.settle(job("slow", "completed", 10, end - 5, end), EPOCH + end)
        now = EPOCH + end + minute * 60
        ledger.advance("flow", now, OVERLAP, now)
        ledger.notice([job("slow", "queued", created=10)], now)
    assert flow(ledger).runs == (1, 0, 0)
    assert not ledger.pending()


def test_an_answer_that_lags_does_not_bring_back_a_counted_run(ledger: RunLedger) -> None:
    ledger.observe([finished("a", 30)], "flow", EPOCH + 60)
    ledger.notice([job("a", "running")], EPOCH + 61)
    ledger.observe([job("a", "running")], "flow", EPOCH + 62)
    assert not ledger.pending()
    assert ledger.is_counted("a")


def test_a_vanished_run_is_given_up_and_not_counted(ledger: RunLedger) -> None:
    ledger.notice([job("a", "running")], EPOCH + 1)
    ledger.close(["a", "never-seen"], EPOCH + 100)
    assert not ledger.pending()
    assert flow(ledger).runs == (0, 0, 0)


def test_a_vanished_run_is_counted_as_unknown_once_and_for_good(ledger: RunLedger) -> None:
    ledger.notice([job("a", "running", created=1), job("r", "running", created=1, kind="retry")], EPOCH + 1)
    ledger.close(["a", "r"], EPOCH + 100)
    ledger.close(["a", "r"], EPOCH + 101)
    ledger.observe([finished("a", 30)], "flow", EPOCH + 102)
    assert flow(ledger).runs == (0, 0, 0)
    assert ledger.tallies().unknown == {"flow": 1, "retry": 1}


def test_a_call_about_a_job_nobody_waits_for_changes_nothing(ledger: RunLedger) -> None:
    ledger.settle(finished("stranger", 30), EPOCH + 60)
    assert flow(ledger).runs == (0, 0, 0)


def test_a_followed_job_that_still_runs_stays_pending(ledger: RunLedger) -> None:
    ledger.notice([job("a", "running")], EPOCH + 1)
    ledger.settle(job("a", "retrying"), EPOCH + 60)
    assert set(ledger.pending()) == {"a"}


@pytest.mark.parametrize("status", ["queued", "running", "retrying", "canceling", "something_new", None])
def test_everything_that_is_not_final_is_pending(status: str | None, ledger: RunLedger) -> None:
    ledger.observe([job("a", status or "")], "flow", EPOCH + 1)
    assert set(ledger.pending()) == {"a"}


def test_retries_are_counted_apart_from_runs_and_never_add_records() -> None:
    ledger = started("retry")
    ledger.observe([finished("a", 30, "failed", kind="retry", records=(9, 9, 9))], "retry", EPOCH + 60)
    held = flow(ledger)
    assert (held.retries, held.runs, held.records, held.last) == ((0, 1, 0), (0, 0, 0), (0, 0, 0), None)
    assert integration(ledger) == IntegrationTally()


def test_retries_before_the_first_sight_are_not_counted() -> None:
    ledger = RunLedger(KeptStore())
    ledger.observe([finished("a", -30, kind="retry")], "retry", EPOCH)
    assert flow(ledger).retries == (0, 0, 0)


@pytest.mark.parametrize("kind", ["bulk_retry", "export", "import", "retry"])
def test_a_flow_listing_takes_no_rows_of_another_type(kind: str, ledger: RunLedger) -> None:
    ledger.observe([finished("a", 30, kind=kind), job("b", "running", kind=kind)], "flow", EPOCH + 60)
    assert flow(ledger) == FlowTally()
    assert not ledger.pending()


@pytest.mark.parametrize(("kind", "pending"), [("flow", 1), ("retry", 1), (None, 1), ("bulk_retry", 0), ("import", 0)])
def test_only_runs_and_retries_in_progress_are_followed(kind: str | None, pending: int, ledger: RunLedger) -> None:
    ledger.notice([job("a", "running", kind=kind)], EPOCH + 1)
    assert len(ledger.pending()) == pending


def test_finished_rows_among_those_in_progress_are_left_to_the_listing(ledger: RunLedger) -> None:
    ledger.notice([finished("a", 30)], EPOCH + 60)
    assert flow(ledger).runs == (0, 0, 0)
    ledger.observe([finished("a", 30)], "flow", EPOCH + 60)
    assert flow(ledger).runs == (1, 0, 0)


def test_a_run_without_a_flow_counts_for_its_integration(ledger: RunLedger) -> None:
    ledger.observe([finished("a", 30, flow_id=None)], "flow", EPOCH + 60)
    assert integration(ledger).runs == (1, 0, 0)
    assert not ledger.tallies().flows


def test_a_row_without_any_instant_is_reported_and_left_out(ledger: RunLedger) -> None:
    assert ledger.observe([job("a", created=None), finished("b", 30)], "flow", EPOCH + 60) == 1
    assert flow(ledger).runs == (1, 0, 0)


def test_a_moved_flow_keeps_its_counters_while_each_integration_keeps_what_ran_in_it(ledger: RunLedger) -> None:
    ledger.observe([finished("a", 30), finished("b", 40, integration_id="other")], "flow", EPOCH + 60)
    assert flow(ledger).runs == (2, 0, 0)
    assert (integration(ledger).runs, integration(ledger, "other").runs) == ((1, 0, 0), (1, 0, 0))


def test_the_watermark_moves_forward_and_never_back(ledger: RunLedger) -> None:
    assert ledger.watermark("flow") is None
    for now in (60.0, 120.0, 90.0):
        ledger.advance("flow", EPOCH + now, OVERLAP, EPOCH + now)
    assert ledger.watermark("flow") == EPOCH + 120
    assert ledger.watermark("retry") is None


def test_ids_older_than_any_later_window_are_dropped_and_never_counted_again(ledger: RunLedger) -> None:
    store = KeptStore()
    ledger = RunLedger(store)
    ledger.observe([], "flow", EPOCH)
    for minute in range(600):
        now = EPOCH + minute * 60
        ledger.observe([finished(f"run-{minute}", minute * 60 + 1)], "flow", now)
        ledger.advance("flow", now, OVERLAP, now)
    assert len(store.state.counted) <= 2 * OVERLAP / 60 + 2
    assert flow(ledger).runs == (600, 0, 0)
    ledger.observe([finished("run-3", 181)], "flow", EPOCH + 36000)
    assert flow(ledger).runs == (600, 0, 0)


def test_rows_of_one_millisecond_are_all_counted_across_page_borders(ledger: RunLedger) -> None:
    rows: Sequence[Job] = [finished(f"run-{number}", 30) for number in range(7)]
    for start in range(0, 7, 2):
        ledger.observe(rows[max(0, start - 1) : start + 2], "flow", EPOCH + 60)
    assert flow(ledger).runs == (7, 0, 0)


def test_a_clock_that_jumps_far_ahead_and_back_neither_counts_twice_nor_stops_counting(ledger: RunLedger) -> None:
    ledger.observe([finished("a", 30)], "flow", EPOCH + 60)
    ledger.advance("flow", EPOCH + 1e9, OVERLAP, EPOCH + 1e9)
    ledger.advance("flow", EPOCH + 1e9 + 60, OVERLAP, EPOCH + 1e9 + 60)
    ledger.observe([finished("a", 30), finished("b", 90)], "flow", EPOCH + 120)
    assert flow(ledger).runs == (2, 0, 0)


@pytest.mark.parametrize(
    ("listed", "as_of", "missing"),
    [({FLOW}, 500.0, set()), (set(), 500.0, {FLOW}), (set(), 5.0, set())],
    ids=["listed", "deleted", "newer-than-the-listing"],
)
def test_a_flow_is_missing_when_it_is_in_no_listing_that_is_newer_than_its_runs(
    listed: set[str], as_of: float, missing: set[str], ledger: RunLedger
) -> None:
    ledger.observe([finished("a", 30)], "flow", EPOCH + 60)
    assert ledger.missing(listed, {INTEGRATION}, EPOCH + as_of) == (frozenset(missing), frozenset())


def test_an_integration_is_missing_by_the_same_rule(ledger: RunLedger) -> None:
    ledger.observe([finished("a", 30)], "flow", EPOCH + 60)
    assert ledger.missing({FLOW}, set(), EPOCH + 500) == (frozenset(), frozenset({INTEGRATION}))


def test_what_is_retired_takes_its_counters_with_it_and_nothing_else(ledger: RunLedger) -> None:
    ledger.observe([finished("a", 30), finished("b", 31, flow_id="other")], "flow", EPOCH + 60)
    ledger.retire(frozenset({FLOW}), frozenset())
    assert set(ledger.tallies().flows) == {"other"}
    assert set(ledger.tallies().integrations) == {INTEGRATION}
    ledger.retire(frozenset(), frozenset({INTEGRATION}))
    assert not ledger.tallies().integrations


def test_runs_of_a_deleted_flow_are_not_counted_again_when_it_comes_back(ledger: RunLedger) -> None:
    ledger.observe([finished("a", 30)], "flow", EPOCH + 60)
    ledger.retire(frozenset({FLOW}), frozenset())
    ledger.observe([finished("a", 30)], "flow", EPOCH + 600)
    assert flow(ledger).runs == (0, 0, 0)


def test_tallies_handed_out_do_not_change_later(ledger: RunLedger) -> None:
    before = ledger.tallies()
    ledger.observe([finished("a", 30)], "flow", EPOCH + 60)
    assert not before.flows
    assert ledger.tallies().flows.keys() == {FLOW}


@pytest.mark.parametrize("newest_first", [True, False])
def test_a_run_whose_row_is_on_one_page_twice_was_seen_in_progress_if_either_says_so(newest_first: bool) -> None:
    ledger = RunLedger(KeptStore())
    rows = [finished("a", -30), job("a", "running", -50, -40)]
    ledger.observe(rows if newest_first else rows[::-1], "flow", EPOCH)
    assert ledger.tallies().flows[FLOW].runs == (1, 0, 0)


def test_ids_that_the_reading_of_history_may_still_come_by_are_kept_until_it_has() -> None:
    store = KeptStore()
    ledger = RunLedger(store)
    ledger.notice([job("old", "running", -9000)], EPOCH - 1)
    ledger.observe([], "flow", EPOCH, EPOCH - 7200)
    ledger.settle(job("old", "completed", -9000, -8990, -5), EPOCH + 1)
    ledger.advance("flow", EPOCH + 50_000, 7200, EPOCH + 50_000)
    assert store.state.counted.keys() == {"old"}
    ledger.precede([job("old", "completed", -9000, -8990, -5)], "flow", EPOCH - 10_000, EPOCH - 7200)
    assert len(ledger.tallies().histories[FLOW].durations.pairs()) == 1
    ledger.advance("flow", EPOCH + 50_060, 7200, EPOCH + 50_060)
    assert store.state.counted == {}
