"""How often a client was turned away, by reason."""

import threading
from collections.abc import Mapping
from typing import Literal, get_args

Reason = Literal[
    "no_credentials",
    "wrong_credentials",
    "too_many_attempts",
    "rate_limit",
    "body",
    "plain_http",
    "handshake",
    "handshake_timeout",
    "client_name",
    "bad_request",
    "header_timeout",
    "write_timeout",
    "too_many_connections",
]
REASONS: tuple[Reason, ...] = get_args(Reason)


class Tally:
    """Counts. Thread-safe."""

    def __init__(self) -> None:
        self._counts: dict[Reason, int] = dict.fromkeys(REASONS, 0)
        self._lock = threading.Lock()  # guards _counts

    def add(self, reason: Reason) -> None:
        """One more."""
        with self._lock:
            self._counts[reason] += 1

    def counts(self) -> Mapping[Reason, int]:
        """All of them so far, from 0 on."""
        with self._lock:
            return dict(self._counts)
