"""Retries: counted apart from runs, asked for less often, absent until known."""

import pytest

from exporter.api.errors import ApiError, ServerError
from exporter.config.settings import JobsSettings
from tests.collect.jobs_kit import JobsKit
from tests.ledger.rows import FLOW, INTEGRATION, finished, job


@pytest.fixture
def kit() -> JobsKit:
    return JobsKit()


def asked(kit: JobsKit) -> int:
    return sum(call[0] == "retry" for call in kit.client.calls_of("job_pages"))


def test_retries_are_asked_for_at_their_own_interval(kit: JobsKit) -> None:
    kit.collect()
    for _ in range(15):
        kit.next()
    assert asked(kit) == 4


def test_a_scrape_that_comes_a_little_early_does_not_halve_their_rate(kit: JobsKit) -> None:
    kit.collect()
    kit.next(299.2)
    assert asked(kit) == 2


def test_a_finished_retry_counts_once_and_adds_nothing_to_the_runs(kit: JobsKit) -> None:
    kit.collect()
    kit.clock.advance(30)
    kit.finish("r", "failed", kind="retry", records=(7, 7, 7))
    for _ in range(12):
        kit.next()
    held = kit.flow()
    assert (held.retries, held.runs, held.records, held.last) == ((0, 1, 0), (0, 0, 0), (0, 0, 0), None)
    assert kit.integration().runs == (0, 0, 0)


def test_retries_that_ended_before_the_first_sight_are_not_counted(kit: JobsKit) -> None:
    kit.client.jobs["r"] = finished("r", -100, kind="retry")
    kit.collect()
    kit.next(300)
    assert kit.flow().retries == (0, 0, 0)


def test_a_retry_in_progress_is_followed_to_its_end_and_is_no_active_run(kit: JobsKit) -> None:
    kit.client.jobs["r"] = job("r", "running", -50, -40, kind="retry")
    kit.collect()
    assert kit.active.runs == ()
    kit.client.unlisted.add("r")
    kit.clock.advance(30)
    kit.finish("r", kind="retry")
    for _ in range(4):
        kit.next()
    assert kit.client.calls_of("job") == []
    kit.next()
    assert kit.client.calls_of("job") == [("r",)]
    assert kit.flow().retries == (1, 0, 0)


def test_a_lost_retry_is_asked_for_only_when_retries_are_due(kit: JobsKit) -> None:
    kit.client.unlisted.add("r")
    kit.client.jobs["r"] = job("r", "running", -50, -40, kind="retry")
    kit.collect()
    kit.client.not_current.add("r")
    for _ in range(4):
        kit.next()
    assert kit.client.calls_of("job") == []
    kit.next()
    assert kit.client.calls_of("job") == [("r",)]


def test_a_retry_that_the_api_no_longer_has_is_given_up_although_retries_are_due_less_often(kit: JobsKit) -> None:
    kit.begin("r", kind="retry")
    kit.collect()
    del kit.client.jobs["r"]
    calls = []
    for _ in range(15):
        kit.next()
        calls.append(len(kit.client.calls_of("job")))
    assert calls == [0] * 4 + [1] * 5 + [2] * 5 + [3]
    assert kit.runs.unknown == {"flow": 0, "retry": 1}


def test_a_lost_retry_keeps_its_turn_while_runs_are_asked_for(kit: JobsKit) -> None:
    kit.settings = JobsSettings(follow_per_run=1)
    kit.restart()
    for name in ("a", "b"):
        kit.begin(name)
    kit.begin("r", kind="retry")
    kit.collect()
    kit.client.not_current = kit.client.unlisted = {"a", "b", "r"}
    for _ in range(10):
        kit.next()
    assert ("r",) in kit.client.calls_of("job")


def test_unknown_retries_are_not_zero(kit: JobsKit) -> None:
    error = ServerError("/v1/jobs", status=500)
    kit.client.faults["job_pages"] = lambda kind, *_: error if kind == "retry" else None
    assert kit.collect() is error
    assert not kit.runs.retries_known
    assert kit.flow().runs == (0, 0, 0)


def test_retries_that_cannot_be_read_any_more_become_unknown(kit: JobsKit) -> None:
    kit.collect()

    def failing(kind: str, *_: object) -> ApiError | None:
        return ServerError("/v1/jobs", status=500) if kind == "retry" else None

    kit.client.faults["job_pages"] = failing
    kit.client.always("integrations", ServerError("/v1/integrations", status=500))
    known = []
    for _ in range(20):
        kit.next()
        known.append(kit.runs.retries_known)
    assert known == [True] * 15 + [False] * 5


def test_a_flow_known_only_by_its_retries_is_counted(kit: JobsKit) -> None:
    kit.collect()
    kit.clock.advance(30)
    kit.finish("r", flow_id="other", kind="retry")
    kit.client.always("flows", ServerError("/v1/flows", status=500))
    kit.next(300)
    assert kit.flow("other").retries == (1, 0, 0)
    assert {FLOW, "other"} == set(kit.runs.flows)
    assert set(kit.runs.integrations) == {INTEGRATION}
