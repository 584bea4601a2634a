"""The keys of one account in Redis. docs/replicas.md lists them, and a test compares the two."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    """Names of all keys of one account. The braces keep them together where keys are spread over several servers."""

    prefix: str
    account: str

    @property
    def lease(self) -> str:
        """Hash: which replica refreshes the account, until when (milliseconds), and the number of its term."""
        return self._key("lease")

    @property
    def ledger(self) -> str:
        """Hash: the name of the newest change, and the layout of the tables."""
        return self._key("ledger")

    def table(self, name: str) -> str:
        """Hash: one table of the ledger, rows by key."""
        return self._key(f"ledger:{name}")

    @property
    def served(self) -> str:
        """Hash: the blocks of the newest snapshot by version, and the list of them."""
        return self._key("served")

    @property
    def image(self) -> str:
        """Hash: what the next replica begins with, in parts."""
        return self._key("image")

    @property
    def wanted(self) -> str:
        """String: somebody was scraped; gone when the refreshing replica has seen it."""
        return self._key("wanted")

    @property
    def budget(self) -> str:
        """Hash: the token bucket of pyrate-limiter."""
        return self._key("budget")

    @property
    def pause(self) -> str:
        """String that expires: until when (milliseconds) the API asked for a pause."""
        return self._key("pause")

    def _key(self, name: str) -> str:
        return f"{self.prefix}:{{{self.account}}}:{name}"


def replicas(prefix: str, accounts: Iterable[str]) -> str:
    """Sorted set: the replicas with the same accounts, each with the instant (milliseconds) at which it was last there.

    Others, such as those of another shard, cannot take over from them, and are not waited for.
    """
    names = "\n".join(sorted(accounts))
    return f"{prefix}:replicas:{hashlib.sha256(names.encode()).hexdigest()[:16]}"
