"""How an account is doing, in a word, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from exporter.account import AccountRuntime
from exporter.api.errors import ApiError
from exporter.check.accounts import SKEW_WARNING_SECONDS
from exporter.check.diagnose import Circumstances, diagnose
from exporter.collect.health import CHECKS, ChecksView, HealthView
from exporter.serve.page.views import Mark, Notice, Tone
from exporter.serve.page.words import counted, span

Word = Literal["down", "degraded", "idle", "waiting", "up", "elsewhere"]
TONES: dict[Word, Tone] = {
    "down": "bad",
    "degraded": "warn",
    "idle": "wait",
    "waiting": "wait",
    "up": "good",
    "elsewhere": "wait",
}
"""Every state, the worst first. `idle`: nobody scrapes, so what was known has grown too old.
`elsewhere`: another replica refreshes it, and knows how it is."""

_RANKS = {word: rank for rank, word in enumerate(TONES)}
_EXPIRY_SECONDS = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class Standing:
    """The word, and what does not work in a few more."""

    word: Word
    why: str = ""

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return _RANKS[self.word]

    @property
    def mark(self) -> Mark:
        """As it is shown."""
        return Mark(TONES[self.word], self.word)


def standing(runtime: AccountRuntime, now: float) -> Standing:
    """How the account is doing at monotonic instant `now`."""
    if runtime.elsewhere:
        return Standing("elsewhere", "another replica refreshes it")
    statuses = runtime.statuses().values()
    health = runtime.model.view("health", HealthView, now)
    bad = [status.collector for status in statuses if status.success is False]
    if health is None and "health" in runtime.statuses():
        ran = any(status.success is not None for status in statuses)
        return Standing("idle", "no scrape for a while") if ran else Standing("waiting", "the first collection")
    if health is not None and not health.up:
        return Standing("down", _reason(runtime))
    if bad:
        return Standing("degraded", f"{_listed(bad)} {'fails' if len(bad) == 1 else 'fail'}")
    return Standing("up")


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _reason(runtime: AccountRuntime) -> str:
    failure = runtime.telemetry.last_error(CHECKS["auth"][1][0])
    return "" if failure is None else failure.type.replace("_", " ")


def checks(runtime: AccountRuntime, now: float) -> list[tuple[str, Mark]]:
    """Each health check and how it ended."""
    view = runtime.model.view("checks", ChecksView, now)
    known = view.checks if view is not None else {}
    marks = {True: Mark("good", "ok"), False: Mark("bad", "failed"), None: Mark("wait", "unknown")}
    return [(name, marks[known.get(name)]) for name in CHECKS]


def notices(runtime: AccountRuntime, now: float, wall: float) -> list[Notice]:
    """What a person should know of the account: failures with cause and remedy first."""
    return [*_failures(runtime, wall), *_other(runtime, now, wall)]


def _failures(runtime: AccountRuntime, wall: float) -> Iterator[Notice]:
    """One of each kind that is there now, with the checks that it is about."""
    about = Circumstances(runtime.account, wall, clock_skew=runtime.telemetry.clock_skew())
    found: dict[tuple[str, str], dict[str, ApiError]] = {}
    for name, (_, endpoints) in CHECKS.items():
        for error in filter(None, map(runtime.telemetry.last_error, endpoints)):
            advice = diagnose(error, about)
            found.setdefault((advice.cause, advice.remedy), {})[name] = error
    for (cause, remedy), errors in found.items():
        yield Notice("bad", ", ".join(errors), cause, remedy)


def _other(runtime: AccountRuntime, now: float, wall: float) -> Iterator[Notice]:
    if standing(runtime, now).word == "idle":
        yield Notice(
            "wait",
            "not scraped",
            "the exporter reads only when it is scraped, and what it knew is too old to be told",
            "check that Prometheus has this exporter as a target and reaches it",
        )
    if runtime.elsewhere:
        yield Notice(
            "wait",
            "another replica",
            "refreshes this account, and its page tells about it; the metrics are the same here",
            "celigo_exporter_replica_leading is 1 at the replica that does",
        )
    yield from _of_token(runtime, wall)
    skew = runtime.telemetry.clock_skew()
    if skew is not None and abs(skew) > SKEW_WARNING_SECONDS:
        side = "ahead of" if skew > 0 else "behind"
        yield Notice(
            "warn",
            "clock",
            f"this machine is {span(abs(skew))} {side} integrator.io",
            "check that NTP runs (timedatectl)",
        )
    missing = runtime.served.missing
    if missing:
        yield Notice(
            "warn",
            "series",
            f"{counted(len(missing), 'family', 'families')} left out, since the account has more series than it may",
            "raise limits.series, narrow filters, or choose a smaller profile",
        )


def _of_token(runtime: AccountRuntime, wall: float) -> Iterator[Notice]:
    expires = runtime.account.token_expires
    if expires is not None and 0 < expires - wall < _EXPIRY_SECONDS:
        yield Notice(
            "warn", "token", f"the API token purges itself in {span(expires - wall)}", "create a new one and replace it"
        )
