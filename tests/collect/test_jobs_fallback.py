"""When the account-wide job listing does not work, each integration is read with a window of its own."""

from collections.abc import Callable

import pytest

from exporter.api.errors import (
    ApiError,
    BadRequest,
    Forbidden,
    NotFound,
    RateLimited,
    ServerError,
    Timeout,
    TooLarge,
    Truncated,
    Unavailable,
)
from tests.clocks import EPOCH
from tests.collect.jobs_kit import MINUTE, JobsKit

HOMES: dict[str, str | None] = {f"flow-{name}": f"int-{name}" for name in "abcd"}


@pytest.fixture
def kit() -> JobsKit:
    kit = JobsKit()
    kit.client.flow_homes = dict(HOMES)
    kit.client.integration_ids = [home for home in HOMES.values() if home is not None]
    return kit


def refusing(error: ApiError, *failing: str) -> Callable[..., ApiError | None]:
    """The account-wide listing fails, and those of the integrations named."""
    return lambda _kind, scope, *_: error if scope is None or scope in failing else None


def scopes(kit: JobsKit, kind: str = "flow") -> list[str | None]:
    return [call[1] for call in kit.client.calls_of("job_pages") if call[0] == kind]


def finish_everywhere(kit: JobsKit, label: str) -> None:
    for flow_id, home in HOMES.items():
        kit.finish(f"{label}-{flow_id}", flow_id=flow_id, integration_id=home)


def total(kit: JobsKit) -> int:
    return sum(sum(tally.runs) for tally in kit.runs.flows.values())


def test_a_refused_account_wide_listing_is_replaced_in_the_same_run(kit: JobsKit) -> None:
    kit.client.faults["job_pages"] = refusing(BadRequest("/v1/jobs", status=400, code="invalid_query"))
    assert kit.collect() is None
    assert scopes(kit) == [None, "int-a", "int-b", "int-c", "int-d"]
    kit.clock.advance(30)
    finish_everywhere(kit, "x")
    assert kit.next() is None
    assert total(kit) == 4
    assert kit.watermark == EPOCH + 30 + MINUTE


@pytest.mark.parametrize(
    "error",
    [
        ServerError("/v1/jobs", status=500),
        Unavailable("/v1/jobs", status=503),
        Timeout("/v1/jobs"),
        Truncated("/v1/jobs"),
        TooLarge("/v1/jobs"),
    ],
    ids=lambda error: error.type,
)
def test_a_listing_that_fails_twice_in_a_row_is_replaced(error: ApiError, kit: JobsKit) -> None:
    kit.client.faults["job_pages"] = refusing(error)
    assert kit.collect() is error
    assert scopes(kit) == [None]
    assert kit.next() is None
    assert scopes(kit)[1:] == [None, "int-a", "int-b", "int-c", "int-d"]


@pytest.mark.parametrize(
    "error", [RateLimited("/v1/jobs", status=429), Forbidden("/v1/jobs", status=403)], ids=lambda error: error.type
)
def test_more_calls_are_no_answer_to_a_throttled_or_forbidden_listing(error: ApiError, kit: JobsKit) -> None:
    kit.client.faults["job_pages"] = refusing(error)
    for _ in range(5):
        kit.next()
    assert set(scopes(kit)) == {None}


def test_an_outage_of_the_whole_api_is_no_reason_to_read_each_integration(kit: JobsKit) -> None:
    down = ServerError("/v1", status=500)
    kit.client.faults = {name: lambda *_: down for name in ("job_pages", "current_jobs", "flows", "integrations")}
    for _ in range(5):
        kit.next()
    kit.client.faults.clear()
    kit.client.calls.clear()
    kit.next()
    assert scopes(kit) == [None]


def test_one_failure_between_successes_is_no_reason_either(kit: JobsKit) -> None:
    for _ in range(4):
        kit.client.faults["job_pages"] = refusing(ServerError("/v1/jobs", status=500))
        kit.next()
        kit.client.faults.clear()
        kit.next()
    assert set(scopes(kit)) == {None}


def test_the_account_wide_listing_is_tried_again_after_an_hour(kit: JobsKit) -> None:
    kit.client.faults["job_pages"] = refusing(BadRequest("/v1/jobs", status=400))
    kit.collect()
    kit.client.faults.clear()
    kit.client.calls.clear()
    for _ in range(59):
        kit.next()
    assert None not in scopes(kit)
    kit.client.calls.clear()
    kit.next()
    assert scopes(kit) == [None]


def test_nothing_is_lost_or_counted_twice_when_the_way_of_reading_changes(kit: JobsKit) -> None:
    kit.collect()
    for number in range(200):
        kit.clock.advance(30)
        finish_everywhere(kit, str(number))
        broken = 50 <= number < 100
        kit.client.faults["job_pages"] = refusing(BadRequest("/v1/jobs")) if broken else lambda *_: None
        kit.next()
    assert total(kit) == 800


def test_flows_outside_any_integration_are_read_when_there_are_any(kit: JobsKit) -> None:
    kit.client.flow_homes["alone"] = None
    kit.client.faults["job_pages"] = refusing(BadRequest("/v1/jobs"))
    kit.collect()
    assert "none" in scopes(kit)
    kit.clock.advance(30)
    kit.finish("x", flow_id="alone", integration_id=None)
    kit.next()
    assert kit.integration("none").runs == (1, 0, 0)


def test_one_failing_integration_holds_the_watermark_but_not_the_others(kit: JobsKit) -> None:
    kit.client.faults["job_pages"] = refusing(BadRequest("/v1/jobs"))
    kit.collect()
    watermark = kit.watermark
    broken = ServerError("/v1/jobs", status=500)
    kit.client.faults["job_pages"] = lambda _kind, scope, *_: broken if scope == "int-a" else None
    kit.clock.advance(30)
    finish_everywhere(kit, "x")
    assert kit.next() is broken
    assert total(kit) == 3
    assert kit.watermark == watermark
    kit.client.faults.clear()
    assert kit.next() is None
    assert total(kit) == 4
    assert kit.watermark == EPOCH + 30 + 2 * MINUTE


def test_an_integration_that_stays_unreadable_vanishes_from_the_numbers_alone(kit: JobsKit) -> None:
    kit.client.faults["job_pages"] = refusing(BadRequest("/v1/jobs"))
    kit.collect()
    broken = ServerError("/v1/jobs", status=500)
    kit.client.faults["job_pages"] = lambda _kind, scope, *_: broken if scope in {None, "int-a"} else None
    for _ in range(4):
        kit.next()
    assert set(kit.runs.integrations) == {"int-a", "int-b", "int-c", "int-d"}
    kit.next()
    assert set(kit.runs.integrations) == {"int-b", "int-c", "int-d"}
    assert set(kit.runs.flows) == {"flow-b", "flow-c", "flow-d"}
    kit.client.faults["job_pages"] = refusing(BadRequest("/v1/jobs"))
    kit.next()
    assert set(kit.runs.integrations) == {"int-a", "int-b", "int-c", "int-d"}


def test_integrations_that_keep_failing_do_not_starve_the_others(kit: JobsKit) -> None:
    broken = ServerError("/v1/jobs", status=500)
    bad = {f"bad-{number}" for number in range(4)}
    kit.client.integration_ids = sorted(bad) + kit.client.integration_ids
    kit.client.faults["job_pages"] = lambda _kind, scope, *_: (
        BadRequest("/v1/jobs") if scope is None else broken if scope in bad else None
    )
    for _ in range(4):
        kit.next()
    assert {scope for scope in scopes(kit) if scope and scope.startswith("int-")} == set(HOMES.values())


def test_an_integration_deleted_meanwhile_does_not_hold_the_watermark(kit: JobsKit) -> None:
    kit.client.faults["job_pages"] = lambda _kind, scope, *_: (
        BadRequest("/v1/jobs") if scope is None else NotFound("/v1/jobs") if scope == "int-b" else None
    )
    assert kit.collect() is None
    assert kit.watermark == EPOCH


def test_an_incomplete_list_of_integrations_does_not_move_the_watermark(kit: JobsKit) -> None:
    kit.client.incomplete.add("integrations")
    kit.client.faults["job_pages"] = refusing(BadRequest("/v1/jobs"))
    kit.collect()
    assert kit.watermark is None


def test_without_a_list_of_integrations_the_run_fails(kit: JobsKit) -> None:
    kit.client.faults["job_pages"] = refusing(BadRequest("/v1/jobs"))
    kit.client.always("integrations", ServerError("/v1/integrations", status=500))
    assert isinstance(kit.collect(), ServerError)


def test_three_failures_in_a_row_end_the_reading_for_this_run(kit: JobsKit) -> None:
    kit.client.faults["job_pages"] = lambda _kind, scope, *_: (
        BadRequest("/v1/jobs") if scope is None else ServerError("/v1/jobs", status=500)
    )
    kit.client.integration_ids = [f"int-{number}" for number in range(200)]
    kit.collect()
    assert len([scope for scope in scopes(kit) if scope]) == 3


def test_retries_fall_back_by_themselves(kit: JobsKit) -> None:
    kit.client.faults["job_pages"] = lambda kind, scope, *_: (
        BadRequest("/v1/jobs") if kind == "retry" and scope is None else None
    )
    assert kit.collect() is None
    assert scopes(kit) == [None]
    assert scopes(kit, "retry") == [None, "int-a", "int-b", "int-c", "int-d"]
    assert kit.runs.retries_known


def test_a_gap_that_takes_several_runs_goes_on_where_it_stopped(kit: JobsKit) -> None:
    kit.collect()
    kit.clock.advance(20 * 86_400)
    finish_everywhere(kit, "x")
    kit.clock.advance(MINUTE)
    left = 0

    def slow(kind: str, scope: str | None, *_: object) -> ApiError | None:
        nonlocal left
        if scope is None:
            return BadRequest("/v1/jobs", status=400)
        left -= kind == "flow"
        return Timeout("/v1/jobs") if kind == "flow" and left < 0 else None

    kit.client.faults["job_pages"] = slow
    for _ in range(40):
        left = 5
        kit.next()
    assert total(kit) == 4
    assert kit.watermark is not None
    assert kit.watermark > EPOCH + 20 * 86_400


def test_how_much_of_a_gap_is_read_is_not_told_while_an_integration_is_in_the_middle_of_it(kit: JobsKit) -> None:
    kit.collect()
    kit.clock.advance(20 * 86_400)
    left = 5

    def slow(_kind: str, scope: str | None, *_: object) -> ApiError | None:
        nonlocal left
        if scope is None:
            return BadRequest("/v1/jobs", status=400)
        left -= 1
        return Timeout("/v1/jobs") if left < 0 else None

    kit.client.faults["job_pages"] = slow
    kit.collect()
    assert kit.collector.catch_up is None
    left = 10_000
    kit.next()
    assert kit.collector.catch_up == 1.0


def test_a_wrong_listing_does_not_move_the_watermark_past_what_it_left_out(kit: JobsKit) -> None:
    kit.collect()
    kit.clock.advance(30)
    kit.finish("first", integration_id="int-a")
    kit.next()
    kit.clock.advance(3 * 86_400)
    kit.finish("unread", integration_id="int-a")
    kit.clock.advance(3 * 86_400)
    kit.client.faults["job_pages"] = refusing(BadRequest("/v1/jobs"))
    homes, kit.client.integration_ids = kit.client.integration_ids, ["int-b"]
    kit.next()
    kit.client.integration_ids = homes
    kit.next()
    assert kit.integration("int-a").runs == (2, 0, 0)


@pytest.mark.parametrize("wrong_listings", [1, 5])
def test_nor_past_what_was_listed_before_and_could_not_be_read_yet(kit: JobsKit, wrong_listings: int) -> None:
    kit.client.faults["job_pages"] = refusing(BadRequest("/v1/jobs"), "int-a")
    kit.collect()
    kit.clock.advance(600)
    kit.finish("unread", integration_id="int-a")
    for _ in range(10):
        kit.next(1800)
    homes, kit.client.integration_ids = kit.client.integration_ids, ["int-b"]
    for _ in range(wrong_listings):
        kit.next()
    kit.client.integration_ids = homes
    kit.client.faults["job_pages"] = refusing(BadRequest("/v1/jobs"))
    kit.next(1800)
    assert kit.integration("int-a").runs == (1, 0, 0)


def test_integrations_deleted_long_ago_cost_neither_the_others_nor_the_watermark_anything(kit: JobsKit) -> None:
    kit.client.integration_ids += [f"int-{number}" for number in range(5)]
    kit.collect()
    kit.client.integration_ids = kit.client.integration_ids[:4]

    def fault(_kind: str, scope: str | None, *_: object) -> ApiError | None:
        if scope is None:
            return BadRequest("/v1/jobs", status=400)
        return None if scope in kit.client.integration_ids else NotFound("/v1/jobs", status=404)

    kit.client.faults["job_pages"] = fault
    for _ in range(4):
        kit.clock.advance(30)
        kit.finish(f"run {kit.now}", integration_id="int-d", flow_id="flow-d")
        assert kit.next() is None
        assert kit.watermark == kit.clock.time()
    assert kit.integration("int-d").runs == (4, 0, 0)
