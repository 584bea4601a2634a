"""When a flow should run next, and what it has missed."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.api.models import Flow, Instant, PageGenerator
from exporter.collect.active import ActiveRun
from exporter.collect.expectations import LATE_SECONDS, MOST_MISSED, Expected, Runs, begun, expected_of, interval_of
from exporter.collect.plans import Plan, plan_of
from exporter.ledger.history import FlowHistory
from exporter.ledger.state import Expectation
from exporter.ledger.tally import FinishedRun

HOUR = 3600.0
NOON = 1_788_004_800.0  # 2026-08-29 12:00 UTC
HOURLY, NIGHTLY = "? 0 * ? * *", "? 5 0 ? * *"
NEVER = 0.0


def plan(schedule: Any = HOURLY, *own: Any, executed: float | None = None, **more: Any) -> Plan:
    generators = tuple(PageGenerator(export_id=f"exp-{n}", schedule=each) for n, each in enumerate(own)) or None
    last = None if executed is None else Instant(executed)
    return plan_of(Flow(id="f", schedule=schedule, page_generators=generators, last_executed_at=last, **more))


def finished(created: float, ended: float | None = None, export_id: str | None = "exp-0") -> FinishedRun:
    end = created + 30 if ended is None else ended
    return FinishedRun("r", "f", "i", "completed", created, end, end - created, 0.0, (1, 0, 0), export_id)


def active(created: float, status: str = "running", export_id: str | None = "exp-0") -> ActiveRun:
    return ActiveRun("a", "f", status, created, (), created, created, export_id)


def runs(*done: FinishedRun, going: tuple[ActiveRun, ...] = ()) -> Runs:
    history = FlowHistory()
    for run in done:
        history = history.ran(run)
    return Runs(max(done, key=lambda run: run.ended_at, default=None), going, history)


def expected(
    the_plan: Plan, the_runs: Runs, now: float, *, since: float = NEVER, known_since: float = NEVER
) -> Expected | None:
    found = expected_of(the_plan, the_runs, since, known_since, now)
    return None if found is None else found.value


def of(the_plan: Plan, the_runs: Runs, now: float, **more: float) -> Expected:
    found = expected(the_plan, the_runs, now, **more)
    assert found is not None
    return found


def test_the_next_run_is_at_the_first_tick_after_the_newest_start() -> None:
    found = of(plan(), runs(finished(NOON - HOUR + 2)), NOON - 60)
    assert found == Expected(NOON, 0)


def test_a_tick_that_brought_no_run_stays_the_next_expected_one() -> None:
    late = runs(finished(NOON - HOUR + 2))
    assert [of(plan(), late, NOON + later).next_run for later in (1, 60, 7200, 86400)] == [NOON] * 4


@pytest.mark.parametrize(
    ("later", "missed"),
    [(0, 0), (LATE_SECONDS - 1, 0), (LATE_SECONDS, 1), (HOUR + LATE_SECONDS - 1, 1), (HOUR + LATE_SECONDS, 2)],
    ids=str,
)
def test_a_tick_counts_as_missed_once_its_run_would_be_known(later: float, missed: int) -> None:
    assert of(plan(), runs(finished(NOON - HOUR + 2)), NOON + later).missed == missed


def test_missed_runs_are_counted_up_to_a_bound() -> None:
    found = of(plan("? * * ? * *"), runs(finished(NOON)), NOON + 30 * 86400)
    assert (found.next_run, found.missed) == (NOON + 60, MOST_MISSED)


def test_a_late_start_is_followed_by_the_next_tick() -> None:
    assert of(plan(), runs(finished(NOON + 1500)), NOON + 1600).next_run == NOON + HOUR


def test_a_run_by_hand_between_the_ticks_changes_nothing() -> None:
    by_hand = runs(finished(NOON - HOUR + 2), finished(NOON - 1800))
    assert of(plan(), by_hand, NOON - 60).next_run == NOON


def test_the_ticks_during_a_run_are_not_missed_once_it_has_ended() -> None:
    long = runs(finished(NOON - 3 * HOUR + 2, ended=NOON - 600))
    assert of(plan(), long, NOON - 300) == Expected(NOON, 0)


def test_nothing_is_missed_while_the_newest_run_is_in_progress() -> None:
    going = runs(finished(NOON - 5 * HOUR + 2), going=(active(NOON - 4 * HOUR + 2),))
    assert of(plan(), going, NOON - 300) == Expected(NOON, 0)


def test_a_forgotten_older_run_does_not_hide_that_the_flow_stopped() -> None:
    forgotten = runs(finished(NOON - 5 * HOUR + 2), going=(active(NOON - 240 * HOUR, "queued"),))
    found = of(plan(), forgotten, NOON - 300)
    assert (found.next_run, found.missed) == (NOON - 4 * HOUR, 4)


def test_a_queued_run_that_is_the_newest_is_one_in_progress() -> None:
    assert of(plan(), runs(going=(active(NOON - HOUR + 1, "queued"),)), NOON + 300).missed == 0


def test_the_last_execution_stands_in_where_no_run_was_read() -> None:
    assert of(plan(executed=NOON - 3 * HOUR + 5), runs(), NOON - 60).next_run == NOON - 2 * HOUR


def test_the_newer_of_execution_and_run_counts() -> None:
    assert of(plan(executed=NOON - 3 * HOUR), runs(finished(NOON - HOUR + 1)), NOON - 60).next_run == NOON


def test_of_a_flow_that_never_ran_its_first_tick_since_it_was_settled_is_expected() -> None:
    assert of(plan(), runs(), NOON + 300, since=NOON - 90 * 60) == Expected(NOON - HOUR, 2)


def test_nothing_before_the_expectation_began_is_missed() -> None:
    found = of(plan(), runs(finished(NOON - 50 * HOUR)), NOON + 300, since=NOON + 10)
    assert found == Expected(NOON + HOUR, 0)


@pytest.mark.parametrize(
    "the_plan",
    [plan(disabled=True), plan(None), plan({"frequency": "daily"})],
    ids=["off", "no schedule", "unreadable"],
)
def test_where_nothing_can_be_expected_nothing_is_told(the_plan: Plan) -> None:
    assert expected(the_plan, runs(finished(NOON - 50 * HOUR)), NOON) is None
    assert interval_of(the_plan, NOON) is None


class TestGenerators:
    """A flow whose second generator runs by a schedule of its own."""

    both = plan(HOURLY, None, NIGHTLY)
    midnight = NOON - 12 * HOUR

    def test_one_that_stopped_is_not_hidden_by_the_other_that_goes_on(self) -> None:
        half = runs(finished(self.midnight - 86400 + 302, export_id="exp-1"), finished(NOON - HOUR + 2))
        found = of(self.both, half, NOON - 60)
        assert (found.next_run, found.missed) == (self.midnight + 300, 1)

    def test_both_on_time_expect_the_earlier_of_the_two(self) -> None:
        fine = runs(finished(self.midnight + 302, export_id="exp-1"), finished(NOON - HOUR + 2))
        assert of(self.both, fine, NOON - 60) == Expected(NOON, 0)

    def test_one_that_was_never_seen_is_expected_from_when_runs_are_known(self) -> None:
        found = of(self.both, runs(finished(NOON - HOUR + 2)), NOON - 60, known_since=NOON - 2 * HOUR)
        assert found == Expected(NOON, 0)

    def test_with_more_history_its_missed_run_shows(self) -> None:
        found = of(self.both, runs(finished(NOON - HOUR + 2)), NOON - 60, known_since=self.midnight - HOUR)
        assert (found.next_run, found.missed) == (self.midnight + 300, 1)

    def test_the_last_execution_of_the_flow_says_nothing_of_one_of_them(self) -> None:
        told = plan(HOURLY, None, NIGHTLY, executed=NOON - 60)
        late = runs(finished(self.midnight - 86400 + 302, export_id="exp-1"), finished(NOON - HOUR + 2))
        assert of(told, late, NOON - 30).next_run == self.midnight + 300

    def test_a_run_that_names_no_generator_counts_for_each(self) -> None:
        anonymous = runs(finished(NOON - HOUR + 2, export_id=None))
        assert of(self.both, anonymous, NOON - 60) == Expected(NOON, 0)

    def test_a_run_in_progress_of_one_does_not_hide_the_other(self) -> None:
        going = runs(
            finished(self.midnight - 86400 + 302, export_id="exp-1"),
            finished(NOON - 3 * HOUR + 2),
            going=(active(NOON - 2 * HOUR + 2, export_id="exp-0"),),
        )
        found = of(self.both, going, NOON - 60)
        assert (found.next_run, found.missed) == (self.midnight + 300, 1)


class TestInterval:
    """The gap between the two ticks around now."""

    def test_it_is_that_of_the_ticks_around_and_lasts_until_the_later(self) -> None:
        uneven = plan("? 0 0,6 ? * *")
        night = NOON - 12 * HOUR
        at = (night - 1, night, night + 6 * HOUR - 1, night + 6 * HOUR)
        assert [interval_of(uneven, now) for now in at] == [
            (18 * HOUR, night),
            (6 * HOUR, night + 6 * HOUR),
            (6 * HOUR, night + 6 * HOUR),
            (18 * HOUR, night + 24 * HOUR),
        ]

    def test_of_what_never_fires_it_is_looked_for_each_time(self) -> None:
        assert interval_of(plan("? 0 0 29 2 ?"), BEFORE_NO_LEAP_YEAR) == (None, BEFORE_NO_LEAP_YEAR)


BEFORE_NO_LEAP_YEAR = 3_981_571_200.0  # 2096-03-03; 2100 has no 29 February


STEPS = st.lists(
    st.tuples(st.floats(0, 3 * HOUR), st.sampled_from(["", "run", "begin", "end", "plan", "since", "known"])),
    min_size=1,
    max_size=12,
)


@given(STEPS, st.sampled_from([plan(), plan(HOURLY, None, NIGHTLY), plan("? */7 * ? * *"), plan("nonsense")]))
def test_what_is_found_is_what_would_be_found_later_as_long_as_it_lasts(
    steps: list[tuple[float, str]], the_plan: Plan
) -> None:
    now, the_runs = NOON, Runs()
    since, known_since = NOON - 5 * HOUR, NOON - 20 * HOUR
    held = expected_of(the_plan, the_runs, since, known_since, now)
    for later, event in steps:
        now += later
        if event == "run":
            the_runs = runs(finished(now - 60))
        elif event == "begin":
            the_runs = replace(the_runs, active=(active(now - 30),))
        elif event == "end":
            the_runs = replace(the_runs, active=())
        elif event == "plan":
            the_plan = replace(the_plan, last_executed=now)
        elif event == "since":
            since = now
        elif event == "known":
            known_since -= HOUR
        found = expected_of(the_plan, the_runs, since, known_since, now)
        if event or held is None or now >= held.until:
            held = found
        assert held == found


class TestBegun:
    """Since when a flow is to run as it is scheduled now."""

    settled = replace(plan(), settled_at=NOON - 5 * HOUR)

    def test_a_flow_that_is_new_here_is_settled_since_its_last_change(self) -> None:
        assert begun([self.settled], {}, NOON) == {"f": Expectation(self.settled.fingerprint, NOON - 5 * HOUR)}

    def test_a_change_that_lies_in_the_future_is_now(self) -> None:
        ahead = replace(self.settled, settled_at=NOON + HOUR)
        assert begun([ahead], {}, NOON)["f"].since == NOON

    def test_while_nothing_changes_it_stays(self) -> None:
        held = {"f": Expectation(self.settled.fingerprint, NOON - 99 * HOUR)}
        assert begun([self.settled], held, NOON) == held

    def test_with_another_schedule_it_begins_now(self) -> None:
        held = {"f": Expectation("other", NOON - 99 * HOUR)}
        assert begun([self.settled], held, NOON)["f"] == Expectation(self.settled.fingerprint, NOON)

    def test_a_flow_that_is_off_is_remembered_so_that_switching_it_on_begins_anew(self) -> None:
        off = plan(disabled=True)
        held = begun([off], {"f": Expectation(plan().fingerprint, NOON - 99 * HOUR)}, NOON)
        assert begun([plan()], held, NOON + HOUR)["f"].since == NOON + HOUR
