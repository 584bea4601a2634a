"""Run the checks of every account and say what was found."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies

from exporter.api.client import CeligoClient
from exporter.api.errors import ApiError, Unauthorized
from exporter.api.refresh import Refresh
from exporter.api.telemetry import Telemetry
from exporter.api.token import TokenProvider, TokenUnreadable
from exporter.check.diagnose import Circumstances, Diagnosis, diagnose, token_place
from exporter.check.probes import PROBE_SECONDS, Outcome, Status, probe
from exporter.clock import Clock
from exporter.config.settings import REGIONS, Account, Limits, Settings

SKEW_WARNING_SECONDS = 5.0
"""Clocks further apart than this move instants visibly against `time()` in rules."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the answer."""

    account: str
    check: str
    status: Status
    seconds: float | None = None
    rows: int | None = None
    error_type: str | None = None
    http_status: int | None = None
    cause: str | None = None
    remedy: str | None = None


def check_accounts(
    settings: Settings, environ: Mapping[str, str], clock: Clock, regions: Mapping[str, str] = REGIONS
) -> Iterator[Line]:
    """Lines of all accounts, as they become known. Raises nothing: a failure is a line."""
    for account in settings.accounts:
        yield from _check_account(account, settings.limits, environ, clock, regions)


def _check_account(
    account: Account, limits: Limits, environ: Mapping[str, str], clock: Clock, regions: Mapping[str, str]
) -> Iterator[Line]:
    once = dataclasses.replace(limits, attempts=1)
    try:
        token = TokenProvider(account.token, environ, clock)
    except TokenUnreadable as unreadable:
        yield Line(account.name, "auth", "failed", cause=str(unreadable), remedy=f"check {token_place(account)}")
        return
    telemetry = Telemetry(clock)
    with CeligoClient(account, once, token, clock, telemetry) as client:
        for outcome in probe(client, clock):
            about = Circumstances(account, clock.time(), clock_skew=telemetry.clock_skew(), proxy=_has_proxy(account))
            if isinstance(outcome.error, Unauthorized) and outcome.check == "auth":
                found = _accepting_region(account, once, token, clock, regions)
                about = dataclasses.replace(about, accepted_by=found, asked=True)
            yield _line(account, outcome, about)
    yield from _clock_line(account, telemetry.clock_skew())


def _line(account: Account, outcome: Outcome, about: Circumstances) -> Line:
    if outcome.skipped:
        return Line(account.name, outcome.check, "skipped", cause="auth failed, so this would fail as well")
    if outcome.error is None:
        return Line(account.name, outcome.check, "ok", outcome.seconds, outcome.rows)
    advice: Diagnosis = diagnose(outcome.error, about)
    return Line(
        account.name,
        outcome.check,
        "failed",
        outcome.seconds,
        error_type=outcome.error.type,
        http_status=outcome.error.status,
        cause=advice.cause,
        remedy=advice.remedy,
    )


def _clock_line(account: Account, skew: float | None) -> Iterator[Line]:
    if skew is not None and abs(skew) > SKEW_WARNING_SECONDS:
        side = "ahead of" if skew > 0 else "behind"
        yield Line(
            account.name,
            "clock",
            "warning",
            cause=f"clock skew: this machine is {abs(skew):.0f} s {side} integrator.io",
            remedy="check that the system clock is synchronised (timedatectl)",
        )


def _accepting_region(
    account: Account, limits: Limits, token: TokenProvider, clock: Clock, regions: Mapping[str, str]
) -> str | None:
    """The other region that accepts the token.

    Asked only for accounts with a preset region: a token made for another host is not shown to Celigo's hosts.
    """
    if account.region is None:
        return None
    for region, url in regions.items():
        if url == account.base_url:
            continue
        elsewhere = dataclasses.replace(account, region=region, base_url=url)
        with CeligoClient(elsewhere, limits, token, clock, Telemetry(clock)) as client:
            try:
                client.token_info(Refresh(clock, clock.monotonic() + PROBE_SECONDS))
            except ApiError:
                continue
            return region
    return None


def _has_proxy(account: Account) -> bool:
    return urlsplit(account.base_url).scheme in get_environ_proxies(account.base_url)
