"""Calls that an account may not make: asked ever more rarely, never a failure, and told as a fact."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from exporter.api.endpoints import Endpoint
from exporter.api.errors import (
    ApiError,
    BadRequest,
    Forbidden,
    NotFound,
    ServerError,
    Timeout,
    Unauthorized,
    UnexpectedShape,
)
from exporter.api.refresh import Refresh
from exporter.collect.optional import FIRST_WAIT, LONGEST_WAIT, Availability, OptionalCalls
from tests.clocks import ManualClock
from tests.collect.listing_client import ListingClient

AUDIT, AGENTS = Endpoint.AUDIT, Endpoint.AGENTS
REFUSALS = [
    Forbidden(AUDIT.value, status=403),
    NotFound(AUDIT.value, status=404),
    Unauthorized(AUDIT.value, status=401),
]
FAILURES = [
    ServerError(AUDIT.value, status=500),
    BadRequest(AUDIT.value, status=400),
    Timeout(AUDIT.value),
    UnexpectedShape(AUDIT.value, status=200),
]


@dataclass
class Asked:
    """An account whose optional endpoints answer as told; each `run` is a new collector run."""

    clock: ManualClock = field(default_factory=ManualClock)
    client: ListingClient = field(init=False)
    availability: Availability = field(init=False)
    refusing: dict[Endpoint, ApiError] = field(default_factory=dict)
    tries: list[Endpoint] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = ListingClient(clock=self.clock)
        self.availability = Availability("acme", self.clock)

    def run(self, *endpoints: Endpoint) -> list[str | None]:
        """What one run gets from the endpoints."""
        calls = OptionalCalls(self.availability, self.client, Refresh(self.clock, self.clock.monotonic() + 60))
        return [calls.ask(endpoint, self._call(endpoint)) for endpoint in endpoints or (AUDIT,)]

    def _call(self, endpoint: Endpoint) -> Callable[[], str]:
        def call() -> str:
            self.tries.append(endpoint)
            if endpoint in self.refusing:
                raise self.refusing[endpoint]
            return "answer"

        return call


def refused(error: ApiError = REFUSALS[0]) -> Asked:
    asked = Asked(refusing={AUDIT: error})
    assert asked.run() == [None]
    return asked


def test_nothing_is_known_before_the_first_try() -> None:
    assert Asked().availability.known() == {}


def test_an_answer_is_handed_on_and_told() -> None:
    asked = Asked()
    assert asked.run() == ["answer"]
    assert asked.availability.known() == {"/v1/audit": True}


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: error.type)
def test_a_refusal_is_no_failure_and_told(error: ApiError) -> None:
    assert refused(error).availability.known() == {"/v1/audit": False}


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: error.type)
def test_any_other_failure_is_one_and_says_nothing_about_availability(error: ApiError) -> None:
    asked = Asked(refusing={AUDIT: error})
    with pytest.raises(type(error)):
        asked.run()
    assert asked.availability.known() == {}
    with pytest.raises(type(error)):
        asked.run()
    assert len(asked.tries) == 2


def test_a_failure_of_what_was_answered_leaves_it_available() -> None:
    asked = Asked()
    asked.run()
    asked.refusing[AUDIT] = FAILURES[0]
    with pytest.raises(ServerError):
        asked.run()
    assert asked.availability.known() == {"/v1/audit": True}


def test_it_is_not_tried_again_before_five_minutes() -> None:
    asked = refused()
    asked.clock.advance(FIRST_WAIT - 0.01)
    assert asked.run() == [None]
    assert len(asked.tries) == 1
    asked.clock.advance(0.01)
    asked.run()
    assert len(asked.tries) == 2


def test_the_wait_doubles_with_each_refusal_up_to_six_hours() -> None:
    asked = refused()
    waits = []
    for _ in range(10):
        before, tries = asked.clock.monotonic(), len(asked.tries)
        while len(asked.tries) == tries:
            asked.clock.advance(60)
            asked.run()
        waits.append(asked.clock.monotonic() - before)
    assert waits[:4] == [300, 600, 1200, 2400]
    assert waits[-3:] == [LONGEST_WAIT] * 3 == [21_600] * 3
    assert max(waits) == LONGEST_WAIT


def test_a_failed_try_in_between_changes_nothing_about_the_wait() -> None:
    asked = refused()
    asked.clock.advance(300)
    asked.refusing[AUDIT] = FAILURES[0]
    with pytest.raises(ServerError):
        asked.run()
    assert asked.availability.known() == {"/v1/audit": False}
    asked.refusing[AUDIT] = REFUSALS[0]
    asked.run()
    asked.clock.advance(599)
    asked.run()
    assert len(asked.tries) == 3


def test_an_answer_ends_it_and_the_next_refusal_begins_anew() -> None:
    asked = refused()
    asked.clock.advance(300)
    asked.run()
    asked.clock.advance(600)
    error = asked.refusing.pop(AUDIT)
    assert asked.run() == ["answer"]
    assert asked.availability.known() == {"/v1/audit": True}
    asked.refusing[AUDIT] = error
    asked.run()
    asked.clock.advance(300)
    asked.refusing.clear()
    assert asked.run() == ["answer"]


def test_one_that_is_refused_says_nothing_about_another() -> None:
    asked = Asked(refusing={AUDIT: REFUSALS[0]})
    assert asked.run(AUDIT, AGENTS) == [None, "answer"]
    assert asked.availability.known() == {"/v1/audit": False, "/v1/agents": True}


def test_a_401_of_a_token_that_is_good_elsewhere_is_a_refusal() -> None:
    asked = refused(REFUSALS[2])
    assert asked.client.calls == {"token_info": 1}


@pytest.mark.parametrize("probe", [REFUSALS[2], Timeout("/v1/tokenInfo")], ids=lambda error: error.type)
def test_a_401_of_a_token_that_is_not_known_to_be_good_is_a_failure(probe: ApiError) -> None:
    asked = Asked(refusing={AUDIT: REFUSALS[2]})
    asked.client.failing["token_info"] = probe
    with pytest.raises(Unauthorized) as caught:
        asked.run()
    assert caught.value.endpoint == "/v1/audit"
    assert asked.availability.known() == {}
    del asked.client.failing["token_info"], asked.refusing[AUDIT]
    assert asked.run() == ["answer"]


def test_the_token_is_asked_for_once_in_a_run_and_only_after_a_401() -> None:
    asked = Asked(refusing=dict.fromkeys((AUDIT, AGENTS), REFUSALS[2]))
    assert asked.run(AUDIT, AGENTS) == [None, None]
    assert asked.client.calls["token_info"] == 1
    again = Asked(refusing={AUDIT: REFUSALS[0], AGENTS: REFUSALS[1]})
    assert again.run(AUDIT, AGENTS) == [None, None]
    assert again.client.calls == {}


def test_a_state_is_logged_when_it_begins_and_not_while_it_stays(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    asked = refused()
    for _ in range(3):
        asked.clock.advance(LONGEST_WAIT)
        asked.run()
    assert len(caplog.records) == 1
    asked.refusing.clear()
    for _ in range(3):
        asked.clock.advance(LONGEST_WAIT)
        asked.run()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    told = [vars(record)["fields"] for record in caplog.records]
    assert [(fields["endpoint"], fields["account"]) for fields in told] == [("/v1/audit", "acme")] * 2
