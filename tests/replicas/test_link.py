"""The connection to Redis: what fails is told in one word, never hangs, and never tells a password."""

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from hashlib import sha1
from pathlib import Path

import pytest
import redis
import redis.exceptions as failures

from exporter.config.settings import RedisSettings, TokenSource
from exporter.ledger.trouble import REDIS_TROUBLES, Trouble
from exporter.replicas.keys import Keys
from exporter.replicas.link import BELIEVED_SECONDS, PAUSE_SECONDS, RECENT, Call, Link
from exporter.replicas.scripts import ACQUIRE, ATTEND, COMMIT, FETCH, PUBLISH, RELEASE
from exporter.replicas.trouble import Away, away
from tests.clocks import ManualClock
from tests.e2e.processes import free_port
from tests.replicas.line import Line
from tests.replicas.redis_server import RedisServer

PASSWORD = "hunter2-4f1c"


FETCHED = Call(FETCH, ["nothing"], [""])


def acquire(key: str, owner: str = "me") -> Call:
    """A call that makes a lease of a key."""
    return Call(ACQUIRE, [key], [owner, 1000, 5000])


def slow(clock: ManualClock, seconds: float, _: redis.Redis) -> None:
    clock.advance(seconds)


def tried(tries: list[int], client: redis.Redis) -> None:
    tries.append(1)
    client.ping()


@pytest.mark.parametrize(
    ("failure", "trouble"),
    [
        (failures.ConnectionError("refused"), "unreachable"),
        (failures.TimeoutError("late"), "unreachable"),
        (failures.BusyLoadingError("loading"), "unreachable"),
        (OSError("no route"), "unreachable"),
        (failures.AuthenticationError("invalid"), "refused"),
        (failures.NoPermissionError("no"), "refused"),
        (failures.ResponseError("NOPERM in a script"), "refused"),
        (failures.ResponseError("NOAUTH Authentication required."), "refused"),
        (failures.OutOfMemoryError("OOM"), "full"),
        (failures.ResponseError("OOM command not allowed, script: f_1"), "full"),
        (failures.ReadOnlyError("no"), "read_only"),
        (failures.ResponseError("READONLY You can't write, script: f_1"), "read_only"),
        (failures.ResponseError("MISCONF errors writing to disk"), "read_only"),
        (failures.ResponseError("WRONGTYPE Operation"), "io"),
        (failures.DataError("odd"), "io"),
    ],
)
def test_every_failure_has_its_word(failure: Exception, trouble: Trouble) -> None:
    found = away(failure)
    assert found.trouble == trouble
    assert str(found) == REDIS_TROUBLES[trouble]


def test_the_text_of_a_failure_goes_no_further() -> None:
    assert PASSWORD not in str(away(failures.ResponseError(f"unknown command AUTH {PASSWORD}")))


def test_a_link_needs_no_redis_to_be_made(clock: ManualClock) -> None:
    link = Link(RedisSettings(f"redis://127.0.0.1:{free_port()}/0"), {}, clock)
    assert (link.trouble, link.failures) == (None, {})


class TestUnreachable:
    @pytest.fixture
    def link(self, clock: ManualClock) -> Link:
        return Link(RedisSettings(f"redis://127.0.0.1:{free_port()}/0"), {}, clock)

    def test_it_is_told_and_counted(self, link: Link) -> None:
        with pytest.raises(Away):
            link.asked(lambda client: client.ping())
        assert link.trouble == "unreachable"
        assert link.failures == {"unreachable": 1}

    def test_for_a_moment_nothing_is_tried(self, link: Link, clock: ManualClock) -> None:
        tries: list[int] = []
        for seconds in (0.0, PAUSE_SECONDS / 2, PAUSE_SECONDS):
            clock.advance(seconds)
            with pytest.raises(Away):
                link.asked(partial(tried, tries))
        assert len(tries) == 2
        assert link.failures == {"unreachable": 2}

    def test_one_line_while_it_lasts_and_one_when_it_is_over(
        self, link: Link, clock: ManualClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        for _ in range(3):
            clock.advance(2 * PAUSE_SECONDS)
            with pytest.raises(Away):
                link.asked(lambda client: client.ping())
        clock.advance(2 * PAUSE_SECONDS)
        link.asked(lambda _: None)
        assert [record.getMessage() for record in caplog.records] == ["Redis fails", "Redis works again"]


class TestSilent:
    @pytest.fixture
    def silent(self) -> Iterator[int]:
        """A port that takes connections and says nothing."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield server.getsockname()[1]

    def test_a_redis_that_hangs_is_given_up(self, silent: int, clock: ManualClock) -> None:
        link = Link(RedisSettings(f"redis://127.0.0.1:{silent}/0"), {}, clock)
        begun = time.monotonic()
        with pytest.raises(Away) as failure:
            link.asked(lambda client: client.ping())
        assert failure.value.trouble == "unreachable"
        assert time.monotonic() - begun < 60  # else it would be for ever


class TestScripts:
    @pytest.mark.parametrize("script", [ATTEND, ACQUIRE, RELEASE, COMMIT, PUBLISH, FETCH])
    def test_a_redis_that_forgot_a_script_is_told_it_again(self, link: Link, server: RedisServer, script: str) -> None:
        for _ in range(2):
            server.client.script_flush()
            # Whatever it makes of nothing, it is there: it does not fail by being unknown.
            with suppress(Away):
                link.run(script, ["a", "b", "c", "d"], ["a"])
            assert link.client.script_exists(sha1(script.encode()).hexdigest()) == [True]

    def test_many_calls_are_answered_in_their_order(self, link: Link) -> None:
        calls = [acquire(f"p:{{{name}}}:lease", f"owner-{name}") for name in ("a", "b", "a")]
        assert link.run_all([calls[0], FETCHED, *calls[1:]]) == [1, [], 1, 2]
        assert link.run_all([]) == []

    def test_those_that_a_redis_forgot_are_run_again_and_no_others(self, link: Link, server: RedisServer) -> None:
        server.client.script_flush()
        server.client.script_load(ACQUIRE)
        assert link.run_all([acquire("p:lease"), FETCHED, acquire("p:lease")]) == [1, [], 2]

    def test_one_that_fails_costs_the_others_nothing(self, link: Link, keys: Keys, server: RedisServer) -> None:
        server.client.set("odd", "text")
        one, odd, other = link.run_all([acquire(key) for key in (keys.lease, "odd", "more")])
        assert (one, other) == (1, 1)
        assert isinstance(odd, Away)
        assert (link.failures, link.trouble) == ({"io": 1}, None)

    def test_when_all_fail_by_what_they_hold_it_is_not_redis(self, link: Link, server: RedisServer) -> None:
        server.client.set("odd", "text")
        (odd,) = link.run_all([acquire("odd")])
        assert isinstance(odd, Away)
        assert (link.failures, link.trouble) == ({"io": 1}, None)

    def test_a_trouble_of_redis_is_told_also_when_some_were_taken(self, link: Link, one_server: RedisServer) -> None:
        one_server.client.config_set("maxmemory", "1")
        try:
            kept, refused = link.run_all([acquire("p:lease"), Call(COMMIT, ["p:lease", "e"], ["me", "*", "x", 1])])
        finally:
            one_server.client.config_set("maxmemory", "0")
        assert kept == 1
        assert isinstance(refused, Away)
        assert (link.failures, link.trouble) == ({"full": 1}, "full")

    def test_when_none_is_taken_it_is_a_failure(self, link: Link, one_server: RedisServer) -> None:
        one_server.client.replicaof("127.0.0.1", free_port())
        try:
            with pytest.raises(Away) as failure:
                link.run_all([acquire("a"), acquire("b")])
        finally:
            one_server.client.replicaof("NO", "ONE")
        assert failure.value.trouble == "read_only"
        assert link.failures == {"read_only": 1}


class TestConnections:
    """Where Redis is slow, each answer that a new connection waits for is seconds."""

    def test_a_new_one_waits_for_one_answer_before_its_first_command(self, server: RedisServer) -> None:
        with Line(server.port) as line:
            link = Link(RedisSettings(f"redis://127.0.0.1:{line.port}/0"), {}, ManualClock())
            link.asked(lambda client: client.ping())
            assert line.answers == 2

    def test_what_goes_apart_needs_no_new_one_when_others_have_them_all(self, server: RedisServer) -> None:
        with Line(server.port) as line:
            link = Link(RedisSettings(f"redis://127.0.0.1:{line.port}/0"), {}, ManualClock(), lambda: 1000)
            link.run_all([acquire("p:lease")])
            link.run_all([acquire("p:lease")], apart=True)
            link.client.connection_pool.disconnect()
            before = line.answers
            assert link.run_all([acquire("p:lease")], apart=True) == [3]
            assert line.answers == before + 1

    def test_how_long_answers_take_is_told_by_the_slowest_of_the_recent(self, link: Link, clock: ManualClock) -> None:
        assert link.answer_seconds == 0.0
        for seconds in (0.3, 1.2, 0.1):
            link.asked(partial(slow, clock, seconds))
        assert link.answer_seconds == pytest.approx(1.2)
        for _ in range(RECENT):
            link.asked(partial(slow, clock, 0.1))
        assert link.answer_seconds == pytest.approx(0.1)

    def test_one_that_never_came_does_not_count(self, clock: ManualClock) -> None:
        link = Link(RedisSettings(f"redis://127.0.0.1:{free_port()}/0"), {}, clock)

        def hang(client: redis.Redis) -> None:
            clock.advance(2.0)
            client.ping()

        with pytest.raises(Away):
            link.asked(hang)
        assert link.answer_seconds == 0.0


class TestPassword:
    @pytest.fixture
    def guarded(self, tmp_path: Path) -> Iterator[RedisServer]:
        with RedisServer(tmp_path / "redis", ["--requirepass", PASSWORD]) as held:
            yield held

    def link(self, server: RedisServer, password: str | None, username: str = "") -> Link:
        source = None if password is None else TokenSource(env="P")
        settings = RedisSettings(server.url, username=username, password=source)
        return Link(settings, {"P": password or ""}, ManualClock())

    def test_with_it_one_gets_in(self, guarded: RedisServer) -> None:
        assert self.link(guarded, PASSWORD).asked(lambda client: client.ping())
        assert self.link(guarded, PASSWORD, "default").asked(lambda client: client.ping())

    @pytest.mark.parametrize("password", [None, "wrong-4f1c"])
    def test_without_it_one_is_refused_and_no_line_has_it(
        self, guarded: RedisServer, password: str | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        link = self.link(guarded, password)
        with pytest.raises(Away) as failure:
            link.asked(lambda client: client.ping())
        assert failure.value.trouble == "refused"
        assert "4f1c" not in caplog.text
        assert "4f1c" not in repr(vars(failure.value))

    def test_a_changed_file_is_read_for_the_next_connection(self, guarded: RedisServer, tmp_path: Path) -> None:
        path = tmp_path / "password"
        path.write_text("wrong-4f1c")
        clock = ManualClock()
        link = Link(RedisSettings(guarded.url, password=TokenSource(file=str(path))), {}, clock)
        with pytest.raises(Away):
            link.asked(lambda client: client.ping())
        path.write_text(f"{PASSWORD}\n")
        clock.advance(2 * PAUSE_SECONDS)
        assert link.asked(lambda client: client.ping())


class TestDisproved:
    """What shows that a trouble is over."""

    @pytest.fixture
    def link(self, one_server: RedisServer, clock: ManualClock) -> Iterator[Link]:
        with_prefix = Link(RedisSettings(one_server.url), {}, clock, now=lambda: 1_000)
        yield with_prefix
        one_server.client.config_set("maxmemory", "0")
        one_server.client.replicaof("NO", "ONE")
        with_prefix.close()

    def commit(self, link: Link) -> None:
        link.run(COMMIT, ["l", "e"], ["a", "*", "x", 1])

    def test_a_full_redis_that_keeps_leases_is_still_full(self, link: Link, one_server: RedisServer) -> None:
        one_server.client.config_set("maxmemory", "1")
        with pytest.raises(Away, match="no memory left"):
            self.commit(link)
        link.asked(lambda client: client.time())
        link.run(ACQUIRE, ["l"], ["a", link.stamp(), 1000])
        assert link.trouble == "full"
        one_server.client.config_set("maxmemory", "0")
        self.commit(link)
        assert link.trouble is None

    def test_one_that_only_answers_questions_takes_no_writes_yet(self, link: Link, one_server: RedisServer) -> None:
        one_server.client.replicaof("127.0.0.1", free_port())
        with pytest.raises(Away):
            link.run(ACQUIRE, ["l"], ["a", link.stamp(), 1000])
        link.asked(lambda client: client.time())
        link.run(FETCH, ["s"], [""])
        assert link.trouble == "read_only"
        one_server.client.replicaof("NO", "ONE")
        link.run(ACQUIRE, ["l"], ["a", link.stamp(), 1000])
        assert link.trouble is None

    def test_it_is_not_believed_for_ever(self, link: Link, one_server: RedisServer, clock: ManualClock) -> None:
        one_server.client.config_set("maxmemory", "1")
        with pytest.raises(Away):
            self.commit(link)
        clock.advance(BELIEVED_SECONDS)
        link.asked(lambda client: client.time())
        assert link.trouble is None
