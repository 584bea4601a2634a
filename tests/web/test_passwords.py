"""Passwords: who is right, what guessing costs, and what is remembered."""

import asyncio
import gc
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import bcrypt
import pytest

from exporter.secret import Secret
from exporter.web import passwords as module
from exporter.web.passwords import WAITING_PER_PEER, Passwords, Verdict
from exporter.web.throttle import ADDRESSES, FORGET_SECONDS, FREE_ATTEMPTS, LONGEST_SECONDS, Throttle, peer_of
from tests.clocks import ManualClock
from tests.web.places import HASH, PASSWORD

T = TypeVar("T")
USERS = {"alice": Secret(HASH)}
RIGHT, WRONG = Verdict(right=True), Verdict(right=False)


class Counted:
    """bcrypt, counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hashes: list[bytes] = []
        self.threads: set[str] = set()
        self.at_once = self.most_at_once = 0
        self.really = bcrypt.checkpw
        monkeypatch.setattr(bcrypt, "checkpw", self.check)

    def check(self, password: bytes, stored: bytes) -> bool:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.hashes.append(stored)
        self.threads.add(threading.current_thread().name)
        try:
            return self.really(password, stored)
        finally:
            self.at_once -= 1


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


async def verdicts(clock: ManualClock, *attempts: tuple[str, str, str], users: Any = USERS) -> list[Verdict]:
    """One after the other."""
    passwords = Passwords(clock)
    try:
        return [await passwords.verify(user, secret.encode(), users, peer) for user, secret, peer in attempts]
    finally:
        passwords.close()


def test_right_and_wrong(clock: ManualClock) -> None:
    attempts = [("alice", PASSWORD, "a"), ("alice", "wrong", "a"), ("bob", PASSWORD, "a")]
    assert run(verdicts(clock, *attempts)) == [RIGHT, WRONG, WRONG]


@pytest.mark.parametrize("kind", ["2a", "2b", "2y"])
def test_every_kind_of_hash_is_known(clock: ManualClock, kind: str) -> None:
    users = {"alice": Secret(HASH.replace("2b", kind))}
    assert run(verdicts(clock, ("alice", PASSWORD, "a"), ("alice", "no", "a"), users=users)) == [RIGHT, WRONG]


def test_a_long_password_counts_as_far_as_bcrypt_looks(clock: ManualClock) -> None:
    """As in Go: 72 bytes."""
    users = {"alice": Secret(bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode())}
    attempts = [("alice", "x" * 72, "a"), ("alice", "x" * 100, "a"), ("alice", "x" * 71, "a")]
    assert run(verdicts(clock, *attempts, users=users)) == [RIGHT, RIGHT, WRONG]


def test_what_was_right_is_computed_once(clock: ManualClock, counted: Counted) -> None:
    assert run(verdicts(clock, *[("alice", PASSWORD, f"peer {number}") for number in range(50)])) == [RIGHT] * 50
    assert len(counted.hashes) == 1


def test_what_was_wrong_is_computed_each_time(clock: ManualClock, counted: Counted) -> None:
    assert run(verdicts(clock, *[("alice", "wrong", f"peer {number}") for number in range(5)])) == [WRONG] * 5
    assert len(counted.hashes) == 5


def test_it_is_computed_beside_the_event_loop_and_one_at_a_time(clock: ManualClock, counted: Counted) -> None:
    async def many() -> None:
        passwords = Passwords(clock)
        await asyncio.gather(*[passwords.verify("alice", b"wrong", USERS, f"peer {number}") for number in range(10)])
        passwords.close()

    run(many())
    assert len(counted.hashes) == 10
    assert counted.most_at_once == 1
    assert all(name.startswith("bcrypt") for name in counted.threads)


def test_the_same_right_password_from_one_address_at_once_is_computed_once(
    clock: ManualClock, counted: Counted
) -> None:
    async def many() -> list[Verdict]:
        passwords = Passwords(clock)
        found = await asyncio.gather(*[passwords.verify("alice", PASSWORD.encode(), USERS, "a") for _ in range(10)])
        passwords.close()
        return list(found)

    assert run(many()) == [RIGHT] * 10
    assert len(counted.hashes) == 1


class TestUnknownUsers:
    def test_cost_as_much_as_known_ones(self, clock: ManualClock, counted: Counted) -> None:
        users = {"alice": Secret(HASH), "bob": Secret(HASH.replace("$04$", "$05$"))}
        run(verdicts(clock, *[(f"nobody {number}", "x", f"peer {number}") for number in range(40)], users=users))
        assert {stored[:7] for stored in counted.hashes} == {b"$2b$04$", b"$2b$05$"}

    def test_cost_the_same_each_time(self, clock: ManualClock, counted: Counted) -> None:
        users = {"alice": Secret(HASH), "bob": Secret(HASH.replace("$04$", "$05$"))}
        run(verdicts(clock, *[("nobody", f"x{number}", f"peer {number}") for number in range(10)], users=users))
        assert len(set(counted.hashes)) == 1

    def test_are_never_let_in_even_if_the_hash_fitted(
        self, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bcrypt, "checkpw", lambda *_: True)
        assert run(verdicts(clock, ("bob", "x", "a"), ("bob", "x", "a"))) == [WRONG, WRONG]


class TestGuessing:
    def test_is_free_for_slips_and_then_slowed(self, clock: ManualClock, counted: Counted) -> None:
        found = run(verdicts(clock, *[("alice", f"guess {number}", "a") for number in range(FREE_ATTEMPTS + 5)]))
        assert found[: FREE_ATTEMPTS + 1] == [WRONG] * (FREE_ATTEMPTS + 1)
        assert all(verdict.retry_after for verdict in found[FREE_ATTEMPTS + 1 :])
        assert len(counted.hashes) == FREE_ATTEMPTS + 1

    def test_slows_nobody_elsewhere(self, clock: ManualClock) -> None:
        guesses = [("alice", f"guess {number}", "attacker") for number in range(30)]
        assert run(verdicts(clock, *guesses, ("alice", PASSWORD, "prometheus")))[-1] == RIGHT

    def test_does_not_slow_who_was_right_before_from_the_same_address(self, clock: ManualClock) -> None:
        guesses = [("alice", f"guess {number}", "a") for number in range(30)]
        assert run(verdicts(clock, ("alice", PASSWORD, "a"), *guesses, ("alice", PASSWORD, "a")))[-1] == RIGHT

    def test_one_address_cannot_fill_the_queue(self, clock: ManualClock) -> None:
        async def flood() -> tuple[Verdict, list[Verdict]]:
            passwords = Passwords(clock)
            guesses = [asyncio.create_task(passwords.verify("alice", b"x", USERS, "attacker")) for _ in range(100)]
            await asyncio.sleep(0)
            verdict = await passwords.verify("alice", PASSWORD.encode(), USERS, "prometheus")
            found = await asyncio.gather(*guesses)
            passwords.close()
            return verdict, found

        verdict, guesses = run(flood())
        assert verdict == RIGHT
        assert sum(1 for each in guesses if each.retry_after is not None) >= 100 - WAITING_PER_PEER


class TestMemory:
    def test_is_bounded(self, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "REMEMBERED", 3)
        monkeypatch.setattr(bcrypt, "checkpw", lambda *_: True)

        async def many() -> Passwords:
            passwords = Passwords(clock)
            for number in range(10):
                await passwords.verify("alice", b"%d" % number, USERS, "a")
            passwords.close()
            return passwords

        assert len(vars(run(many()))["_right"]) == 3

    def test_holds_no_password(self, clock: ManualClock) -> None:
        passwords = Passwords(clock)

        async def both() -> None:
            await passwords.verify("alice", PASSWORD.encode(), USERS, "a")
            await passwords.verify("alice", b"a wrong password", USERS, "a")

        run(both())
        passwords.close()
        gc.collect()
        assert not any(_mentions(value, {PASSWORD.encode(), b"a wrong password"}) for value in vars(passwords).values())

    def test_of_turns_ends_with_them(self, clock: ManualClock) -> None:
        passwords = Passwords(clock)
        run(passwords.verify("alice", b"wrong", USERS, "a"))
        passwords.close()
        assert vars(passwords)["_turns"] == {}


def _mentions(value: object, secrets: set[bytes]) -> bool:
    if isinstance(value, ThreadPoolExecutor):
        return False
    return any(secret in repr(value).encode() or secret.decode() in repr(value) for secret in secrets)


class TestThrottle:
    def test_the_wait_doubles_up_to_a_bound(self, clock: ManualClock) -> None:
        throttle, waits = Throttle(clock), []
        for _ in range(FREE_ATTEMPTS + 10):
            throttle.failed("a")
            waits.append(throttle.wait_seconds("a"))
        assert waits[:FREE_ATTEMPTS] == [0.0] * FREE_ATTEMPTS
        assert waits[FREE_ATTEMPTS : FREE_ATTEMPTS + 7] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0]
        assert waits[-1] == LONGEST_SECONDS

    def test_the_wait_passes(self, clock: ManualClock) -> None:
        throttle = Throttle(clock)
        for _ in range(FREE_ATTEMPTS + 2):
            throttle.failed("a")
        clock.advance(0.75)
        assert throttle.wait_seconds("a") == pytest.approx(0.25)
        clock.advance(0.25)
        assert throttle.wait_seconds("a") == 0.0

    def test_a_long_series_of_failures_has_the_same_bound(self, clock: ManualClock) -> None:
        throttle = Throttle(clock)
        for _ in range(5000):
            throttle.failed("a")
        assert throttle.wait_seconds("a") == LONGEST_SECONDS

    def test_everything_is_forgotten_in_the_end(self, clock: ManualClock) -> None:
        throttle = Throttle(clock)
        for _ in range(20):
            throttle.failed("a")
        clock.advance(FORGET_SECONDS)
        throttle.failed("a")
        assert throttle.wait_seconds("a") == 0.0

    def test_the_number_of_addresses_is_bounded(self, clock: ManualClock) -> None:
        throttle = Throttle(clock)
        for _ in range(FREE_ATTEMPTS + 1):
            throttle.failed("the oldest")
        for number in range(ADDRESSES + 50):
            throttle.failed(f"peer {number}")
        assert len(vars(throttle)["_records"]) == ADDRESSES
        for _ in range(FREE_ATTEMPTS + 1):
            throttle.failed("the newest")
        assert throttle.wait_seconds("the newest") > 0
        assert throttle.wait_seconds("the oldest") == 0


@pytest.mark.parametrize(
    ("host", "peer"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("a unix socket", "a unix socket"),
    ],
)
def test_what_counts_as_one_address(host: str, peer: str) -> None:
    assert peer_of(host) == peer


def test_a_password_takes_as_long_whether_the_user_is_known_or_not(clock: ManualClock) -> None:
    """The same work, not the same instant: the better of several tries of each is compared."""
    users = {"alice": Secret(HASH.replace("$04$", "$08$"))}

    def seconds(user: str) -> float:
        began = time.process_time()
        run(verdicts(clock, *[(user, "wrong", f"{user} {number}") for number in range(3)], users=users))
        return time.process_time() - began

    known, unknown = min(seconds("alice") for _ in range(3)), min(seconds("nobody") for _ in range(3))
    assert 0.5 < known / unknown < 2.0
