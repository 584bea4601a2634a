"""Simulated accounts for the contract tests: one large and frozen for reading, small ones for every test that changes.

The frozen account is shared, so tests must not change it. Its clock stands still, which makes every call see the same
instant; only the tests of time itself use a clock that moves.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from exporter.simulator.options import SimulatorOptions
from exporter.simulator.server import Simulator
from tests.simulator.contract.account import DAY, Sample, explore
from tests.simulator.contract.client import Api
from tests.simulator.contract.control import Control

START = 1_788_000_000.0  # 2026-08-29 10:40 UTC, a Saturday
PAGE_SIZE = 7
JOB_PAGE_SIZE = 40
TOKEN = "token-of-the-tests"


class HandClock:
    """A clock that only a test moves."""

    def __init__(self, reading: float = START) -> None:
        self.reading = reading

    def __call__(self) -> float:
        return self.reading


@dataclass(frozen=True, slots=True)
class Account:
    """A running simulator with a client on each of its ports."""

    simulator: Simulator
    api: Api
    control: Control
    clock: HandClock

    @property
    def last_day(self) -> dict[str, Any]:
        """A run statistics body for the last 24 hours of the account's time."""
        now = self.control.now()
        return {"time_gt": int((now - DAY) * 1000), "time_lte": int(now * 1000)}

    def advance(self, seconds: float) -> None:
        """Move the account's time; everything due by then has happened at the next request."""
        self.control.set_time(advance=seconds)


Launch = Callable[..., AbstractContextManager[Account]]

DEFAULTS: dict[str, Any] = {
    "flows": 24,
    "seed": 3,
    "history_seconds": 14_400.0,
    "token": TOKEN,
    "bucket_size": 1_000_000,
    "bucket_rate": 100_000.0,
}


@contextmanager
def launched(**changes: Any) -> Iterator[Account]:
    """A small account whose clock stands still; `changes` go to the options, None means the option's own default."""
    clock = changes.pop("base_clock", None) or HandClock()
    values = {**DEFAULTS, "base_clock": clock, **changes}
    options = SimulatorOptions(**{name: value for name, value in values.items() if value is not None})
    with Simulator(options) as simulator, Api(simulator.url, TOKEN) as api, Control(simulator.control_url) as control:
        yield Account(simulator, api, control, clock)


@pytest.fixture(scope="session")
def launch() -> Launch:
    """Start further accounts."""
    return launched


@pytest.fixture(scope="session")
def world() -> Iterator[Account]:
    """The large frozen account. Read only."""
    with launched(
        flows=60, seed=7, history_seconds=86_400.0, page_size=PAGE_SIZE, job_page_size=JOB_PAGE_SIZE
    ) as account:
        yield account


@pytest.fixture(scope="session")
def api(world: Account) -> Api:
    """A client of the frozen account."""
    return world.api


@pytest.fixture(scope="session")
def sample(world: Account) -> Sample:
    """Ids in the frozen account that have something to show."""
    return explore(world.api, world.control.now())


@pytest.fixture
def account(launch: Launch) -> Iterator[Account]:
    """A small account of its own that a test may change."""
    with launch() as small:
        yield small
