"""The collector and resolved errors: what is asked when, what is counted, and that it stands apart from open errors."""

import pytest

from exporter.api.errors import ApiError, ConnectFailed, Forbidden, NotFound, ServerError, UnexpectedShape
from exporter.api.models import RunStats
from exporter.collect.model import AccountModel, Part
from exporter.config.settings import ErrorsSettings
from tests.clocks import EPOCH
from tests.collect.errors_kit import INTERVAL, ErrorsKit

DAY = 86_400.0
PATH = "/v1/flows/runs/stats"
FAILURES = {
    "server-error": ServerError(PATH, method="POST", status=500),
    "refused": Forbidden(PATH, method="POST", status=403),
    "not-there": NotFound(PATH, method="POST", status=404),
}


@pytest.fixture
def kit() -> ErrorsKit:
    kit = ErrorsKit(resolved=True)
    kit.collect()
    return kit


def windows(kit: ErrorsKit) -> list[tuple[float, float]]:
    """Windows asked for in the newest run, seconds after EPOCH."""
    return [(since - EPOCH, until - EPOCH) for since, until in kit.client.calls_of("run_stats")]


def resolve(kit: ErrorsKit, flow_id: str, user: int = 0, auto: int = 0, *, runs: bool = True) -> None:
    """Errors of a flow are resolved now, and the flow runs."""
    now = kit.clock.time()
    kit.client.resolutions += [(now, flow_id, "user")] * user + [(now, flow_id, "auto")] * auto
    if runs:
        kit.client.ran[flow_id] = now


def test_unless_it_is_wanted_the_statistics_are_not_asked_for() -> None:
    kit = ErrorsKit()
    kit.collect()
    assert windows(kit) == []
    assert "resolved_errors" not in kit.published.views


def test_every_known_integration_is_at_zero_once_a_first_window_was_read(kit: ErrorsKit) -> None:
    assert dict(kit.resolved_view.integrations) == {"int-1": (0, 0), "int-2": (0, 0)}


def test_what_was_resolved_before_the_first_sight_is_history() -> None:
    kit = ErrorsKit(resolved=True)
    resolve(kit, "flow-a", user=7)
    kit.collect()
    assert kit.counted == {}
    kit.next()
    assert kit.counted == {}


def test_errors_are_counted_by_who_resolved_them(kit: ErrorsKit) -> None:
    kit.clock.advance(60)
    resolve(kit, "flow-a", user=3, auto=2)
    resolve(kit, "flow-b", auto=1)
    resolve(kit, "flow-c", user=4)
    kit.next(60)
    kit.next()
    assert kit.counted == {"int-1": (3, 3), "int-2": (4, 0)}


def test_the_window_stays_where_it_began_and_reaches_up_to_now(kit: ErrorsKit) -> None:
    kit.next()
    assert windows(kit) == [(0.0, INTERVAL)]
    kit.next(INTERVAL + 7)
    assert windows(kit) == [(0.0, 2 * INTERVAL + 7)]


def test_after_a_day_the_window_ends_and_the_next_one_begins_there(kit: ErrorsKit) -> None:
    asked = []
    for passed in (DAY - 10, INTERVAL, INTERVAL, INTERVAL):
        kit.next(passed)
        asked += windows(kit)
    end = DAY - 10 + INTERVAL
    assert asked == [(0.0, DAY - 10), (0.0, end), (end, end + INTERVAL), (end, end + 2 * INTERVAL)]


def test_days_of_resolutions_are_counted_once_each(kit: ErrorsKit) -> None:
    for number in range(3 * 288):
        kit.clock.advance(60)
        resolve(kit, "flow-a", user=number % 3, auto=1)
        kit.next(INTERVAL - 60)
    user = sum(number % 3 for number in range(3 * 288))
    assert kit.counted == {"int-1": (user, 3 * 288)}


def test_a_resolution_at_the_very_end_of_a_window_is_counted_once(kit: ErrorsKit) -> None:
    kit.clock.advance(DAY)
    resolve(kit, "flow-a", user=1)
    kit.collect()
    assert kit.counted == {"int-1": (1, 0)}
    resolve(kit, "flow-a", user=1, runs=False)
    kit.clock.advance(0.001)
    resolve(kit, "flow-a", user=1)
    kit.next()
    assert kit.counted == {"int-1": (2, 0)}


def test_errors_resolved_while_their_flow_stands_still_are_counted_when_it_runs_the_same_day(kit: ErrorsKit) -> None:
    kit.clock.advance(60)
    resolve(kit, "flow-a", user=5, runs=False)
    kit.next()
    assert kit.counted == {}
    resolve(kit, "flow-a")
    kit.next()
    assert kit.counted == {"int-1": (5, 0)}


def test_errors_of_a_flow_that_does_not_run_that_day_are_not_counted(kit: ErrorsKit) -> None:
    kit.clock.advance(60)
    resolve(kit, "flow-a", user=5, runs=False)
    kit.next(DAY)
    resolve(kit, "flow-a", auto=1)
    kit.next()
    kit.next()
    assert kit.counted == {}


def test_an_outage_of_hours_loses_nothing(kit: ErrorsKit) -> None:
    kit.client.always("run_stats", FAILURES["server-error"])
    for _ in range(30):
        kit.clock.advance(60)
        resolve(kit, "flow-a", user=1)
        kit.next()
    kit.client.faults.clear()
    kit.next()
    assert kit.counted == {"int-1": (30, 0)}


def test_a_window_that_cannot_be_read_at_its_end_stays_open_until_it_can(kit: ErrorsKit) -> None:
    kit.client.always("run_stats", FAILURES["server-error"])
    kit.next(DAY)
    resolve(kit, "flow-a", user=2)
    kit.client.faults.clear()
    kit.next()
    assert windows(kit) == [(0.0, DAY + INTERVAL)]
    kit.next()
    assert windows(kit) == [(DAY + INTERVAL, DAY + 2 * INTERVAL)]
    assert kit.counted == {"int-1": (2, 0)}


def test_a_window_never_reaches_out_of_the_retention(kit: ErrorsKit) -> None:
    kit.next(60 * DAY)
    assert windows(kit) == [(31 * DAY, 60 * DAY)]
    kit.next()
    assert windows(kit) == [(60 * DAY, 60 * DAY + INTERVAL)]


@pytest.mark.parametrize("ahead", [-90.0, 90.5004], ids=["behind", "ahead"])
def test_the_window_ends_at_the_servers_present_to_the_millisecond(ahead: float, kit: ErrorsKit) -> None:
    kit.client.server_ahead = ahead
    kit.next()
    ((_, until),) = kit.client.calls_of("run_stats")
    assert until <= kit.client.server_now()
    assert until == pytest.approx(kit.client.server_now(), abs=0.0011)
    assert round(until * 1000) / 1000 == until


def test_a_window_that_begins_in_the_servers_future_is_given_up_for_one_that_begins_now(kit: ErrorsKit) -> None:
    kit.clock.advance(60)
    resolve(kit, "flow-a", user=2)
    kit.next()
    kit.client.server_ahead = -3600.0
    kit.next()
    kit.next()
    begin = 2 * INTERVAL + 60 - 3600
    assert windows(kit) == [(begin, begin + INTERVAL)]
    assert kit.counted == {"int-1": (2, 0)}


def test_a_flow_that_vanished_stays_counted_until_its_integration_is_gone(kit: ErrorsKit) -> None:
    kit.clock.advance(60)
    resolve(kit, "flow-a", user=3)
    resolve(kit, "flow-c", user=1)
    kit.next()
    del kit.client.flow_homes["flow-a"], kit.client.ran["flow-a"]
    kit.next()
    assert kit.counted == {"int-1": (3, 0), "int-2": (1, 0)}
    kit.client.integration_ids, kit.client.flow_homes = ["int-2"], {"flow-c": "int-2"}
    kit.next()
    assert dict(kit.resolved_view.integrations) == {"int-2": (1, 0)}


@pytest.mark.parametrize(("away", "expected"), [(3600.0, (3, 0)), (2 * DAY, (0, 0))], ids=["an-hour", "two-days"])
def test_an_integration_missing_from_a_listing_for_a_day_is_gone_for_good(
    away: float, expected: tuple[int, int], kit: ErrorsKit
) -> None:
    kit.clock.advance(60)
    resolve(kit, "flow-a", user=3)
    kit.next()
    kit.client.integration_ids, kit.client.flow_homes = ["int-2"], {"flow-c": "int-2"}
    kit.next()
    kit.next(away)
    kit.client.integration_ids, kit.client.flow_homes = ["int-1", "int-2"], {"flow-a": "int-1", "flow-c": "int-2"}
    kit.next()
    assert kit.resolved_view.integrations["int-1"] == expected


def test_an_incomplete_inventory_takes_no_counter_away(kit: ErrorsKit) -> None:
    kit.clock.advance(60)
    resolve(kit, "flow-a", user=3)
    kit.next()
    kit.client.integration_ids = ["int-2"]
    kit.client.incomplete.add("integrations")
    for _ in range(3):
        kit.next(DAY)
    assert kit.counted == {"int-1": (3, 0)}


def test_flows_outside_any_integration_count_for_none(kit: ErrorsKit) -> None:
    kit.client.flow_homes["alone"] = None
    kit.clock.advance(60)
    resolve(kit, "alone", auto=2)
    kit.next()
    assert kit.counted == {"none": (0, 2)}


def test_counts_go_on_after_a_restart_with_what_was_saved(kit: ErrorsKit) -> None:
    kit.clock.advance(60)
    resolve(kit, "flow-a", user=3)
    kit.next()
    kit.restart()
    kit.clock.advance(1800)
    resolve(kit, "flow-a", user=2)
    kit.next()
    assert kit.counted == {"int-1": (5, 0)}
    assert windows(kit) == [(0.0, 60 + 1800 + 2 * INTERVAL)]


def test_what_is_saved_changes_only_when_something_was_counted(kit: ErrorsKit) -> None:
    before = len(kit.saved)
    for _ in range(3):
        kit.next()
    assert len(kit.saved) == before
    resolve(kit, "flow-a", user=1)
    kit.next(1.0)
    kit.next()
    assert len(kit.saved) == before + 1


@pytest.mark.parametrize("error", FAILURES.values(), ids=FAILURES)
def test_a_failure_of_the_statistics_is_told_and_costs_only_the_resolved_errors(
    error: ApiError, kit: ErrorsKit
) -> None:
    kit.raise_errors("flow-a", "imp-1", 2)
    kit.client.always("run_stats", error)
    read_at = kit.published.at["resolved_errors"]
    failed = kit.next()
    assert failed is not None
    assert (failed.type, failed.endpoint) == (error.type, PATH)
    assert failed.partial is not isinstance(error, ServerError)
    assert kit.published.at["open_errors"] == kit.clock.monotonic()
    assert kit.published.at["resolved_errors"] == read_at
    assert kit.steps == {("flow-a", "imp-1"): 2}


def test_resolved_errors_that_cannot_be_read_are_absent_when_they_are_stale(kit: ErrorsKit) -> None:
    model = AccountModel(
        tuple(Part(name, kit.settings.staleness_seconds) for name in ("open_errors", "resolved_errors"))
    )
    shown = []
    kit.client.always("run_stats", FAILURES["server-error"])
    for _ in range(4):
        kit.next()
        for part, view in kit.published.views.items():
            model.publish(part, view, kit.published.at[part])
        now = kit.clock.monotonic()
        shown.append([model.reading(part, now) is not None for part in ("open_errors", "resolved_errors")])
    assert shown == [[True, True], [True, True], [True, True], [True, False]]


def test_open_errors_that_cannot_be_read_cost_nothing_of_the_resolved_ones(kit: ErrorsKit) -> None:
    kit.client.flow_homes |= {f"flow-{number}": f"int-{number}" for number in range(3, 9)}
    kit.client.integration_ids += [f"int-{number}" for number in range(3, 9)]
    kit.client.always("integration_errors", ServerError("/v1/integrations/{integrationId}/errors", status=500))
    kit.clock.advance(60)
    resolve(kit, "flow-a", user=3)
    assert isinstance(kit.next(), ServerError)
    assert kit.counted == {"int-1": (3, 0)}
    assert kit.published.at["resolved_errors"] == kit.clock.monotonic()


def test_a_refusal_of_all_open_errors_is_one_although_the_statistics_are_answered(kit: ErrorsKit) -> None:
    kit.client.always("integration_errors", Forbidden("/v1/integrations/{integrationId}/errors", status=403))
    refused = kit.next()
    assert isinstance(refused, Forbidden)
    assert not refused.partial


def test_statistics_are_read_before_the_slow_reading_of_records(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 1)
    kit.next()
    names = [call[0] for call in kit.client.calls]
    assert names.index("integration_errors") < names.index("run_stats") < names.index("flow_errors")


def test_a_dead_host_is_not_asked_for_statistics(kit: ErrorsKit) -> None:
    kit.client.always("integration_errors", ConnectFailed("/v1/integrations/{integrationId}/errors"))
    kit.next()
    assert windows(kit) == []


@pytest.mark.parametrize(
    ("interval", "runs", "asked"), [(60.0, 10, 3), (300.0, 4, 4), (900.0, 3, 3)], ids=["fast", "default", "slow"]
)
def test_statistics_are_read_every_five_minutes_and_before_they_are_stale(
    interval: float, runs: int, asked: int
) -> None:
    kit = ErrorsKit(ErrorsSettings(interval=interval), resolved=True)
    count = 0
    for _ in range(runs):
        kit.next(interval)
        count += len(windows(kit))
        assert kit.clock.monotonic() - kit.published.at["resolved_errors"] <= kit.settings.staleness_seconds - interval
    assert count == asked


def test_an_integration_that_is_gone_leaves_the_view_without_a_new_reading() -> None:
    kit = ErrorsKit(ErrorsSettings(interval=60.0), resolved=True)
    kit.collect()
    kit.client.integration_ids, kit.client.flow_homes = ["int-2"], {"flow-c": "int-2"}
    kit.next(60)
    assert windows(kit) == []
    assert set(kit.resolved_view.integrations) == {"int-2"}


@pytest.mark.parametrize("told", [True, False], ids=["some-told", "none-told"])
def test_statistics_that_never_tell_resolved_errors_are_no_zero(told: bool) -> None:
    kit = ErrorsKit(resolved=True)
    rows = [RunStats(flow_id="flow-a"), RunStats(flow_id="flow-b", resolved_by_auto=0 if told else None)]
    kit.client.stats_rows = rows
    failure = kit.collect()
    assert isinstance(failure, UnexpectedShape) is not told
    assert ("resolved_errors" in kit.published.views) is told


def test_a_row_that_cannot_be_read_costs_only_its_flow(kit: ErrorsKit) -> None:
    kit.clock.advance(60)
    resolve(kit, "flow-a", user=3)
    resolve(kit, "flow-c", user=4)
    kit.client.unread["run_stats"] = {"flow-a"}
    kit.next()
    assert kit.counted == {"int-2": (4, 0)}
    kit.client.unread.clear()
    kit.next()
    assert kit.counted == {"int-1": (3, 0), "int-2": (4, 0)}


def test_a_listing_without_a_readable_row_is_a_failure(kit: ErrorsKit) -> None:
    resolve(kit, "flow-a", user=3)
    kit.clock.advance(1)
    kit.client.unread["run_stats"] = {"flow-a"}
    kit.client.ran["flow-a"] = kit.clock.time()
    assert isinstance(kit.next(), UnexpectedShape)
    assert kit.counted == {}
