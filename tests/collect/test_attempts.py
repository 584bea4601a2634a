"""Steps of a run fail apart, and the run is reported with the failure that matters."""

import pytest

from exporter.api.errors import (
    ApiError,
    ConnectFailed,
    DnsFailed,
    Forbidden,
    NotFound,
    ServerError,
    Timeout,
    TlsFailed,
    Unauthorized,
    UnexpectedShape,
)
from exporter.api.refresh import Refresh
from exporter.collect.attempts import Attempts
from tests.clocks import ManualClock

PATH = "/v1/flows"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def attempts(clock: ManualClock) -> Attempts:
    return Attempts(Refresh(clock, clock.monotonic() + 60))


def run(attempts: Attempts, *outcomes: ApiError | None) -> None:
    for outcome in outcomes:
        with attempts.step():
            if outcome is not None:
                raise outcome


SERVER, SHAPE = ServerError(PATH, status=500), UnexpectedShape(PATH)
FORBIDDEN, MISSING = Forbidden(PATH, status=403), NotFound(PATH, status=404)


@pytest.mark.parametrize(
    ("outcomes", "raised"),
    [
        ((), None),
        ((None,), None),
        ((SERVER,), SERVER),
        ((None, SERVER, SHAPE), SERVER),
        ((FORBIDDEN,), FORBIDDEN),
        ((MISSING, FORBIDDEN), MISSING),
        ((FORBIDDEN, SERVER), SERVER),
        ((MISSING, None, SHAPE), SHAPE),
    ],
    ids=["nothing", "well", "failed", "first-failure", "refused", "all-refused", "both", "mixed"],
)
def test_a_run_is_reported_with_what_matters(
    outcomes: tuple[ApiError | None, ...], raised: ApiError | None, attempts: Attempts
) -> None:
    run(attempts, *outcomes)
    if raised is None:
        attempts.finish()
        return
    with pytest.raises(type(raised)) as caught:
        attempts.finish()
    assert caught.value is raised


@pytest.mark.parametrize("outcomes", [(FORBIDDEN, None), (None, MISSING)], ids=["403", "404"])
def test_a_part_that_is_refused_is_a_failure_but_no_refusal_of_the_collector(
    outcomes: tuple[ApiError | None, ...], attempts: Attempts
) -> None:
    run(attempts, *outcomes)
    with pytest.raises((Forbidden, NotFound)) as caught:
        attempts.finish()
    assert caught.value.partial
    assert (caught.value.endpoint, caught.value.status in {403, 404}) == (PATH, True)
    assert "refused" in str(caught.value)


def test_what_was_deleted_after_it_was_listed_is_no_failure(attempts: Attempts) -> None:
    run(attempts, None, MISSING)
    attempts.finish(things_may_go=True)


def test_a_call_that_finds_nothing_at_all_is_a_refusal(attempts: Attempts) -> None:
    run(attempts, MISSING, MISSING)
    with pytest.raises(NotFound):
        attempts.finish(things_may_go=True)


def test_a_forbidden_part_is_a_failure_even_where_things_may_go(attempts: Attempts) -> None:
    run(attempts, None, MISSING, FORBIDDEN)
    with pytest.raises(Forbidden) as caught:
        attempts.finish(things_may_go=True)
    assert caught.value.partial


def test_a_404_that_its_step_calls_a_refusal_is_a_failure_even_where_things_may_go(attempts: Attempts) -> None:
    run(attempts, None, MISSING, MISSING.among_successes())
    with pytest.raises(NotFound) as caught:
        attempts.finish(things_may_go=True)
    assert caught.value.partial


def test_the_success_of_an_extra_step_does_not_excuse_a_refusal(attempts: Attempts) -> None:
    with attempts.step(proof=False):
        pass
    run(attempts, FORBIDDEN)
    with pytest.raises(Forbidden):
        attempts.finish()


def test_a_bug_is_not_swallowed(attempts: Attempts) -> None:
    with pytest.raises(ZeroDivisionError), attempts.step():
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("outcomes", "hopeless"),
    [
        ((SERVER, SERVER), False),
        ((SERVER, SERVER, SERVER), True),
        ((SERVER, SERVER, None, SERVER), False),
        ((MISSING, FORBIDDEN, SERVER), True),
        ((Timeout(PATH),), False),
        ((ConnectFailed(PATH),), True),
        ((DnsFailed(PATH),), True),
        ((TlsFailed(PATH),), True),
        ((Unauthorized(PATH, status=401),), True),
        ((ConnectFailed(PATH), None), False),
    ],
    ids=["two", "three", "recovered", "three-kinds", "timeout", "connect", "dns", "tls", "token", "came-back"],
)
def test_asking_further_is_given_up_when_it_cannot_help(
    outcomes: tuple[ApiError | None, ...], hopeless: bool, attempts: Attempts
) -> None:
    run(attempts, *outcomes)
    assert attempts.hopeless is hopeless


@pytest.mark.parametrize(
    ("outcomes", "out_of_reach"),
    [
        ((SERVER, SERVER, SERVER), False),
        ((Timeout(PATH),), False),
        ((ConnectFailed(PATH),), True),
        ((Unauthorized(PATH, status=401),), True),
        ((ConnectFailed(PATH), None), False),
    ],
    ids=["three", "timeout", "connect", "token", "came-back"],
)
def test_another_sort_of_call_is_a_waste_only_when_no_call_can_succeed(
    outcomes: tuple[ApiError | None, ...], out_of_reach: bool, attempts: Attempts
) -> None:
    run(attempts, *outcomes)
    assert attempts.out_of_reach is out_of_reach


def test_another_endpoint_starts_with_fresh_patience(attempts: Attempts) -> None:
    run(attempts, SERVER, SERVER, SERVER)
    attempts.patient()
    assert not attempts.hopeless


def test_a_failing_part_is_no_reason_to_leave_out_another_but_a_dead_token_is(attempts: Attempts) -> None:
    run(attempts, SERVER, SERVER, SERVER, ConnectFailed(PATH))
    assert not attempts.over
    run(attempts, Unauthorized(PATH, status=401))
    assert attempts.over


def test_a_run_is_over_at_its_deadline(attempts: Attempts, clock: ManualClock) -> None:
    clock.advance(59)
    assert not attempts.over
    clock.advance(1)
    assert attempts.over


def test_a_run_is_over_when_told_to_stop(clock: ManualClock) -> None:
    refresh = Refresh(clock, clock.monotonic() + 60)
    refresh.stop.set()
    assert Attempts(refresh).over
