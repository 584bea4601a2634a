"""Calls that not every account may make: a refusal is a fact about the account, and no failure of a collector.

    celigo_exporter_endpoint_available{endpoint="/v1/audit"} 0

A licence, a role or a scope may close an endpoint for good (401, 403 or 404, contract 3). So it is asked again ever
more rarely: not before 5 minutes after the refusal, then twice as late each time, up to 6 hours.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError, Forbidden, NotFound, Unauthorized
from exporter.api.models import TokenInfo
from exporter.api.refresh import Refresh
from exporter.clock import Clock

FIRST_WAIT = 300.0
LONGEST_WAIT = 6 * 3600.0
"""Seconds between a refusal and the next try."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


class TokenClient(Protocol):
    """The call of the client that tells whether the token is good at all."""

    def token_info(self, refresh: Refresh) -> TokenInfo:
        """Contract 3.1."""
        ...


@dataclass(frozen=True, slots=True)
class _Refusal:
    """How long an endpoint is left alone, and until which monotonic instant."""

    wait: float
    until: float


class Availability:
    """Which optional endpoints one account may ask. Thread-safe; each endpoint is asked by one collector."""

    def __init__(self, account: str, clock: Clock) -> None:
        self._account = account
        self._clock = clock
        self._lock = threading.Lock()  # guards _refusals and _available
        self._refusals: dict[Endpoint, _Refusal] = {}
        self._available: dict[Endpoint, bool] = {}

    def known(self) -> Mapping[str, bool]:
        """Whether each endpoint that was tried is answered, by its path template."""
        with self._lock:
            return {endpoint.value: answered for endpoint, answered in self._available.items()}

    def waits(self, endpoint: Endpoint) -> bool:
        """Whether the endpoint was refused and it is too early to try again."""
        with self._lock:
            refusal = self._refusals.get(endpoint)
        return refusal is not None and self._clock.monotonic() < refusal.until

    def answered(self, endpoint: Endpoint) -> None:
        """The endpoint gave what it was asked for."""
        with self._lock:
            refused_before = self._refusals.pop(endpoint, None) is not None
            self._available[endpoint] = True
        if refused_before:
            _log.info(
                "an endpoint is answered again",
                extra={"fields": {"account": self._account, "endpoint": endpoint.value}},
            )

    def refused(self, endpoint: Endpoint, error: ApiError, asked_at: float) -> None:
        """A request of monotonic instant `asked_at` was refused."""
        with self._lock:
            before = self._refusals.get(endpoint)
            wait = FIRST_WAIT if before is None else min(2 * before.wait, LONGEST_WAIT)
            self._refusals[endpoint] = _Refusal(wait, asked_at + wait)
            self._available[endpoint] = False
        if before is None:
            _log.warning(
                "an account may not ask this and goes without",
                extra={"fields": {"account": self._account, "endpoint": endpoint.value, "error": str(error)}},
            )


class OptionalCalls:
    """The optional calls of one collector run; used by one thread."""

    def __init__(self, availability: Availability, client: TokenClient, refresh: Refresh) -> None:
        self._availability = availability
        self._client = client
        self._refresh = refresh
        self._token_good: bool | None = None

    def ask(self, endpoint: Endpoint, call: Callable[[], T]) -> T | None:
        """What `call` returns; None when it is refused, or was and is not tried yet.

        Raises ApiError for everything else that goes wrong, a token that died included.
        """
        if self._availability.waits(endpoint):
            return None
        asked_at = self._refresh.clock.monotonic()
        try:
            answer = call()
        except (Unauthorized, Forbidden, NotFound) as error:
            if isinstance(error, Unauthorized) and not self._token_is_good():
                raise
            self._availability.refused(endpoint, error, asked_at)
            return None
        self._availability.answered(endpoint)
        return answer

    def _token_is_good(self) -> bool:
        """Whether the token is accepted elsewhere; asked at most once in a run."""
        if self._token_good is None:
            try:
                self._client.token_info(self._refresh)
                self._token_good = True
            except ApiError:
                self._token_good = False
        return self._token_good
