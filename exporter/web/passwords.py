"""Basic authentication against bcrypt hashes: off the event loop, one at a time, and remembered when right.

What is remembered is a digest under a key that lives as long as the process, never a password. An unknown user costs as
much as a known one. A password that was right once is never made to wait for those who guess.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import bcrypt

from exporter.clock import Clock
from exporter.secret import Secret
from exporter.web.throttle import Throttle

REMEMBERED = 1000
"""Right passwords that are remembered; as many as there may be users."""

WAITING, WAITING_PER_PEER = 64, 16
"""Attempts that may wait for their turn, in all and of one address."""

_BUSY_SECONDS = 1.0
_BCRYPT_BYTES = 72
"""bcrypt looks at no more of a password."""

_NO_PASSWORD = "." * 53
"""Salt and digest that nobody knows a password for."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a password is right; `retry_after` seconds when that was not even looked at, else None."""

    right: bool
    retry_after: float | None = None


@dataclass(slots=True)
class _Turn:
    """Attempts of one address go one after the other."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


class Passwords:
    """Tells right passwords from wrong ones. Belongs to one event loop; `close` it in the end."""

    def __init__(self, clock: Clock) -> None:
        self._throttle = Throttle(clock)
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._turns: dict[str, _Turn] = {}
        self._waiting = 0
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bcrypt")

    async def verify(self, user: str, password: bytes, users: Mapping[str, Secret], peer: str) -> Verdict:
        """Whether `password` is that of `user`. `peer` is whose guessing it would be; see `throttle.peer_of`."""
        known = user in users
        stored = users[user].reveal().encode() if known else self._decoy(user, users)
        digest = self._digest(user.encode(errors="surrogateescape"), stored, password)
        if known and self._remembers(digest):
            return Verdict(right=True)
        turn = self._turns.setdefault(peer, _Turn())
        if turn.waiting >= WAITING_PER_PEER or self._waiting >= WAITING:
            return Verdict(right=False, retry_after=_BUSY_SECONDS)
        turn.waiting += 1
        self._waiting += 1
        try:
            async with turn.lock:
                return await self._attempt(digest, stored, password, peer, known)
        finally:
            turn.waiting -= 1
            self._waiting -= 1
            if not turn.waiting:
                self._turns.pop(peer, None)

    def close(self) -> None:
        """Look at no further password."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def _attempt(self, digest: bytes, stored: bytes, password: bytes, peer: str, known: bool) -> Verdict:
        if known and self._remembers(digest):  # the one before in the queue had the same
            return Verdict(right=True)
        wait = self._throttle.wait_seconds(peer)
        if wait > 0:
            return Verdict(right=False, retry_after=wait)
        loop = asyncio.get_running_loop()
        fits = await loop.run_in_executor(self._worker, bcrypt.checkpw, password[:_BCRYPT_BYTES], stored)
        if not (fits and known):
            self._throttle.failed(peer)
            return Verdict(right=False)
        self._right[digest] = None
        while len(self._right) > REMEMBERED:
            self._right.popitem(last=False)
        return Verdict(right=True)

    def _remembers(self, digest: bytes) -> bool:
        if digest not in self._right:
            return False
        self._right.move_to_end(digest)
        return True

    def _digest(self, *parts: bytes) -> bytes:
        framed = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
        return hmac.digest(self._key, framed, hashlib.sha256)

    def _decoy(self, user: str, users: Mapping[str, Secret]) -> bytes:
        """A hash that takes as long as that of one of the users, for this name always the same one."""
        costs = sorted(secret.reveal()[4:6] for secret in users.values())
        place = int.from_bytes(self._digest(user.encode(errors="surrogateescape"))[:8], "big") % len(costs)
        return f"$2b${costs[place]}${_NO_PASSWORD}".encode()
