"""The page at `/`: accounts, health, collectors with age and cost. Reads memory only; everything is escaped."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template

from exporter import __version__
from exporter.account import AccountRuntime
from exporter.check.diagnose import Circumstances, diagnose
from exporter.collect.health import CHECKS, ChecksView, HealthView
from exporter.collect.runner import CollectorStatus
from exporter.serve.fleet import Fleet
from exporter.serve.state import state_class, state_line


def _resource(name: str) -> str:
    return files("exporter.serve").joinpath("templates").joinpath(name).read_text("utf-8")


@cache
def _style() -> str:
    return _resource("page.css")


def page_headers() -> Mapping[str, str]:
    """No script, no form, no foreign resource: an account may be called anything."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return {
        "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        f"style-src 'sha256-{digest}'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }


@dataclass(frozen=True, slots=True)
class Row:
    """One collector on the page; texts, so that the template decides nothing."""

    name: str
    state: str
    age: str
    every: str
    duration: str
    requests: str
    failure: str


def render_page(fleet: Fleet) -> str:
    """The page as HTML."""
    accounts = [_account(fleet, account) for account in fleet.accounts]
    return _template().render(
        version=__version__,
        style=_style(),
        telemetry_path=fleet.settings.web.telemetry_path,
        accounts=accounts,
        state=state_line(fleet.state.status, fleet.settings.state.path),
        state_class=state_class(fleet.state.status),
    )


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_resource("page.html"))


def _account(fleet: Fleet, runtime: AccountRuntime) -> dict[str, object]:
    now = fleet.clock.monotonic()
    health = runtime.model.view("health", HealthView, now)
    checks = runtime.model.view("checks", ChecksView, now)
    states = checks.checks if checks is not None else {}
    return {
        "name": runtime.account.name,
        "environment": runtime.account.environment,
        "host": runtime.account.base_url.split("://", 1)[-1],
        "up": "unknown" if health is None else "up" if health.up else "down",
        "checks": [(name, {True: "ok", False: "failed", None: "unknown"}[states.get(name)]) for name in CHECKS],
        "advice": list(_advice(fleet, runtime)),
        "tokens": f"{runtime.tokens():.0f}",
        "burst": runtime.account.rate_limit.burst,
        "rate": f"{runtime.account.rate_limit.requests_per_second:g}",
        "runs_until": _runs_until(runtime, fleet.clock.time()),
        "objects": sorted(runtime.objects().items()),
        "collectors": [_row(status, fleet.clock.time()) for status in runtime.statuses().values()],
    }


def _runs_until(runtime: AccountRuntime, now: float) -> str:
    """Up to when the finished runs have been read."""
    watermark, ratio = runtime.runs_watermark, runtime.catch_up
    if watermark is None:
        return "not read yet"
    age = f"read up to {_span(now - watermark)} ago"
    return age if ratio in (None, 1.0) else f"{age}, {ratio:.0%} of the gap caught up"


def _advice(fleet: Fleet, runtime: AccountRuntime) -> Iterator[str]:
    """Cause and remedy of each kind of failure that is there now, each once."""
    about = Circumstances(runtime.account, fleet.clock.time(), clock_skew=runtime.telemetry.clock_skew())
    found = [runtime.telemetry.last_error(endpoint) for _, endpoints in CHECKS.values() for endpoint in endpoints]
    advice = [diagnose(error, about) for error in found if error is not None]
    yield from dict.fromkeys(f"{each.cause} - to do: {each.remedy}" for each in advice)


def _row(status: CollectorStatus, now: float) -> Row:
    state = {None: "waiting", True: "ok", False: "failed"}[status.success]
    return Row(
        name=status.collector,
        state="off" if status.disabled is not None else state,
        age="never" if status.last_success is None else f"{_span(now - status.last_success)} ago",
        every=_span(status.interval),
        duration="" if status.duration is None else f"{status.duration:.2f} s",
        requests="" if status.requests is None else str(status.requests),
        failure=status.failure or "",
    )


def _span(seconds: float) -> str:
    """A length of time for people, in whole units that have passed; at least two of them, so that 90 s stay 90 s."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"
