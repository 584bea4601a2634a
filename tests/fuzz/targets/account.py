"""A whole account before a hostile API: every collector runs on whatever is answered; what is served stays sound."""

import json
import re
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from exporter.account import AccountRuntime
from exporter.api.endpoints import Call, Endpoint
from exporter.api.errors import ApiError, InvalidJson
from exporter.api.failures import server_time
from exporter.api.refresh import Refresh
from exporter.api.transport import Answer, Exchange
from exporter.config.settings import (
    Account,
    Filters,
    FlowFilter,
    Owner,
    OwnershipMatch,
    RateLimit,
    Settings,
    TokenSource,
)
from exporter.expose.document import join
from exporter.expose.render import Format
from exporter.ledger.state import LedgerState
from exporter.secret import Secret
from tests.clocks import ManualClock
from tests.fuzz.mutation import document
from tests.fuzz.target import LOGS, Target, require
from tests.ledger.kept import KeptStore

HEADERS = "headers"
"""Key of an input for what goes with every answer: `date` and `link`."""

SETTINGS = Settings(
    accounts=(
        Account("acme", TokenSource(env="T"), "https://api.integrator.io", None, rate_limit=RateLimit(300, 1000)),
    ),
    profile="full",
    filters=Filters(flows=FlowFilter(include=(".*a.*|.*",), exclude=("never",))),
    ownership=(Owner(OwnershipMatch(name="(?i).*orders.*"), team="commerce", freshness=3600.0, silence=7200.0),),
)


class Later:
    """Keeps tasks until `run`, so that everything happens in one thread, in the order of the collectors."""

    def __init__(self) -> None:
        self._tasks: list[tuple[Future[None], Callable[[], None]]] = []

    def submit(self, task: Callable[[], None]) -> Future[None]:
        """Keep it."""
        self._tasks.append((Future(), task))
        return self._tasks[-1][0]

    def run(self) -> None:
        """Run what was kept."""
        tasks, self._tasks = self._tasks, []
        for future, task in tasks:
            task()
            future.set_result(None)

    def close(self, seconds: float) -> bool:
        """Nothing is under way."""
        del seconds
        return True


class Hostile:
    """Answers every call with what the input says for its path template."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self._answers = answers
        headers = answers.get(HEADERS)
        self._headers = headers if isinstance(headers, dict) else {}

    def send(self, call: Call, target: str, token: Secret, refresh: Refresh, now: float) -> Exchange:
        """One answer, as the transport would make it of the wire's."""
        del target, token, refresh, now
        body = json.dumps(self._answers.get(call.endpoint.value, [])).encode()
        outcome: Answer | ApiError = Answer(200, body, self._text("link"))
        if len(body) > 60_000:
            outcome = InvalidJson(call.endpoint.value)
        date = self._text("date")
        return Exchange(outcome, "200", 0.1, len(body), date if server_time(date) is not None else None)

    def close(self) -> None:
        """Nothing is open."""

    def _text(self, name: str) -> str | None:
        value = self._headers.get(name)
        return value if isinstance(value, str) else None


def check(held: bytes) -> None:
    """Two rounds of every collector an hour apart, then everything that is served."""
    try:
        answers = json.loads(held[1:])
    except (ValueError, RecursionError):
        return
    if not isinstance(answers, dict):
        return
    clock, store, later = ManualClock(), KeptStore(), Later()
    runtime = AccountRuntime(SETTINGS.accounts[0], SETTINGS, {"T": "a-token"}, clock, store, lambda *_: later)
    runtime._client._caller._transport = Hostile(answers)  # type: ignore[assignment]  # in the place of the wire
    try:
        for _ in range(2):
            runtime.trigger()
            later.run()
            clock.advance(3600)
            _judge(runtime, clock)
    finally:
        runtime.close()
    require(isinstance(store.state, LedgerState), "no state is left")


def _judge(runtime: AccountRuntime, clock: ManualClock) -> None:
    for status in runtime.statuses().values():
        require(
            not (status.failure or "").startswith("internal"), f"{status.collector}: {status.failure}: {LOGS.lines}"
        )
    document = join(runtime.current(clock.monotonic()), Format.TEXT, compressed=False).decode()
    require(document.endswith("\n"), "the last line is cut")
    series = [line for line in document[:-1].split("\n") if not line.startswith("# ")]
    require(series, "nothing is served")
    for line in series:
        require(_SAMPLE.fullmatch(line), f"no sample: {line!r}")
    names = [line.rpartition(" ")[0] for line in series]
    require(len(set(names)) == len(names), "a series is served twice")


_SAMPLE = re.compile(r'celigo_[a-z_]+(\{([a-z_]+="([^"\\\n]|\\[\\"n])*",?)+\})? [-+0-9.eInfNa]+')


TARGET = Target(
    "account",
    "whatever the API answers, no collector breaks, and what is served is read without a duplicate",
    check,
    words=(
        *(each.value.encode() for each in Endpoint),
        *(b"completed", b"failed", b"running", b"? */5 * ? * *", b"Europe/London", b"none", b"9999-12-31T23:59:59Z"),
        *(b"Fri, 31 Dec 9999 23:59:59 GMT", b"Mon, 01 Jan 0001 00:00:00 GMT", b"<https://x/v1/flows?a=1>; rel=next"),
    ),
    longest=24_000,
    mutate=document,
    quick=15,
)
