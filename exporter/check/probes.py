"""The six checks of an account, each one small request, asked once and not repeated.

When the first one shows that no request can succeed (refused token, no way to the host), the others are skipped: asking
five more times would tell nothing new.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from exporter.api.client import CeligoClient
from exporter.api.errors import ApiError, TransportError, Unauthorized
from exporter.api.refresh import Refresh
from exporter.clock import Clock

Status = Literal["ok", "warning", "failed", "skipped"]

PROBE_SECONDS = 15.0
"""How long one check may take."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check saw. `seconds` is None when nothing was sent; `rows` what a listing held."""

    check: str
    seconds: float | None = None
    rows: int | None = None
    error: ApiError | None = None
    skipped: bool = False


def probe(client: CeligoClient, clock: Clock) -> Iterator[Outcome]:
    """Ask each check once, in the order of the guide's script."""
    hopeless = False
    for name, ask in _CHECKS:
        if hopeless:
            yield Outcome(name, skipped=True)
            continue
        outcome = _ask(name, ask, client, clock)
        hopeless = name == "auth" and isinstance(outcome.error, Unauthorized | TransportError)
        yield outcome


def _ask(name: str, ask: "Ask", client: CeligoClient, clock: Clock) -> Outcome:
    started = clock.monotonic()
    refresh = Refresh(clock, started + PROBE_SECONDS)
    try:
        rows = ask(client, refresh)
    except ApiError as error:
        return Outcome(name, clock.monotonic() - started, error=error)
    return Outcome(name, clock.monotonic() - started, rows=rows)


Ask = Callable[[CeligoClient, Refresh], int | None]


def _auth(client: CeligoClient, refresh: Refresh) -> None:
    client.token_info(refresh)


def _integrations(client: CeligoClient, refresh: Refresh) -> int:
    return len(client.integrations(refresh).rows)


def _connections(client: CeligoClient, refresh: Refresh) -> int:
    return len(client.connections(refresh).rows)


def _flows(client: CeligoClient, refresh: Refresh) -> int:
    return len(client.flows(refresh).rows)


def _jobs(client: CeligoClient, refresh: Refresh) -> int:
    hour_ago = client.server_now() - 3600
    first = next(client.job_pages(refresh, kind="flow", created_gte=hour_ago), None)
    return 0 if first is None else len(first.rows)


def _errors(client: CeligoClient, refresh: Refresh) -> int:
    integrations = client.integrations(refresh).rows
    first = integrations[0].id if integrations else "none"
    return len(client.integration_errors(refresh, first).rows)


_CHECKS: tuple[tuple[str, Ask], ...] = (
    ("auth", _auth),
    ("integrations", _integrations),
    ("connections", _connections),
    ("flows", _flows),
    ("jobs", _jobs),
    ("errors", _errors),
)
