"""The budget that replicas share: together they send no more than one alone would."""

import pytest

from exporter.api.budget import Budget
from exporter.api.errors import Timeout
from exporter.api.refresh import Refresh
from exporter.config.settings import RateLimit, RedisSettings
from exporter.replicas.budget import SharedTokens
from exporter.replicas.keys import Keys
from exporter.replicas.link import Link
from tests.clocks import ManualClock
from tests.e2e.processes import free_port
from tests.replicas.redis_server import RedisServer

RATE = RateLimit(2.0, 6)


def budget(link: Link, keys: Keys, clock: ManualClock) -> Budget:
    """That of one replica."""
    return Budget(RATE, clock, shared=SharedTokens(link, keys))


def taken(budget: Budget, clock: ManualClock, most: int = 50) -> int:
    """How many requests may start at once."""
    for count in range(most):
        try:
            budget.acquire(Refresh(clock, clock.monotonic() + 0.001))
        except Timeout:
            return count
    return most


def test_two_replicas_have_one_burst_together(link: Link, keys: Keys, clock: ManualClock) -> None:
    one, other = budget(link, keys, clock), budget(link, keys, clock)
    assert taken(one, clock) + taken(other, clock) == taken(Budget(RATE, clock), clock)


def test_a_take_over_is_no_new_burst(link: Link, keys: Keys, clock: ManualClock) -> None:
    assert taken(budget(link, keys, clock), clock) > 0
    assert taken(budget(link, keys, clock), clock) == 0


def test_the_shared_bucket_fills_with_time(link: Link, keys: Keys, clock: ManualClock) -> None:
    taken(budget(link, keys, clock), clock)
    clock.advance(2.0)
    assert taken(budget(link, keys, clock), clock) == 4


def test_waiting_for_the_shared_bucket_is_waiting_for_the_budget(link: Link, keys: Keys, clock: ManualClock) -> None:
    taken(budget(link, keys, clock), clock)
    waits: list[tuple[str, float]] = []
    other = Budget(RATE, clock, lambda *wait: waits.append(wait), shared=SharedTokens(link, keys))
    waited = other.acquire(Refresh(clock, clock.monotonic() + 60))
    assert 0.4 < waited <= 0.6
    assert {reason for reason, _ in waits} == {"budget"}


def test_accounts_have_budgets_of_their_own(link: Link, keys: Keys, clock: ManualClock) -> None:
    taken(budget(link, keys, clock), clock)
    assert taken(budget(link, Keys(keys.prefix, "globex"), clock), clock) > 0


class TestPause:
    def test_one_replica_knows_what_another_was_asked_for(self, link: Link, keys: Keys, clock: ManualClock) -> None:
        budget(link, keys, clock).pause(30)
        assert SharedTokens(link, keys).paused() == pytest.approx(30, abs=0.1)

    def test_it_shortens_with_time_and_ends(self, link: Link, keys: Keys, clock: ManualClock) -> None:
        budget(link, keys, clock).pause(30)
        clock.advance(20)
        assert SharedTokens(link, keys).paused() == pytest.approx(10, abs=0.1)
        clock.advance(11)
        assert SharedTokens(link, keys).paused() == 0

    def test_without_one_there_is_none(self, link: Link, keys: Keys) -> None:
        assert SharedTokens(link, keys).paused() == 0

    def test_redis_forgets_it_when_it_ends(
        self, link: Link, keys: Keys, clock: ManualClock, server: RedisServer
    ) -> None:
        budget(link, keys, clock).pause(30)
        assert 25_000 < int(server.client.pttl(keys.pause)) <= 30_000

    @pytest.mark.parametrize("content", [b"", b"soon", b"-5", b"1.5"])
    def test_what_nobody_wrote_is_no_pause(self, content: bytes, link: Link, keys: Keys, server: RedisServer) -> None:
        server.client.set(keys.pause, content)
        assert SharedTokens(link, keys).paused() == 0

    def test_one_that_is_kept_to_is_not_told_again(
        self, link: Link, keys: Keys, clock: ManualClock, server: RedisServer
    ) -> None:
        held = budget(link, keys, clock)
        held.pause_here(30)
        assert held.tokens() == 0
        assert server.client.exists(keys.pause) == 0


class TestAway:
    @pytest.fixture
    def away(self, clock: ManualClock) -> Link:
        """A link to nothing."""
        return Link(RedisSettings(f"redis://127.0.0.1:{free_port()}/0"), {}, clock, lambda: 0)

    def test_a_replica_without_redis_keeps_to_the_budget_by_itself(
        self, away: Link, keys: Keys, clock: ManualClock
    ) -> None:
        assert taken(budget(away, keys, clock), clock) == taken(Budget(RATE, clock), clock)

    def test_a_pause_holds_here_at_least(self, away: Link, keys: Keys, clock: ManualClock) -> None:
        held = budget(away, keys, clock)
        held.pause(30)
        assert held.tokens() == 0
