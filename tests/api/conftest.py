"""A client under test for the tests of the client."""

from collections.abc import Iterator

import pytest
import requests_mock

from tests.api.kit import Kit, kit
from tests.clocks import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def http() -> Iterator[requests_mock.Mocker]:
    """Stands for the network: a request that no test announced fails as a refused connection."""
    with requests_mock.Mocker() as mocker:
        yield mocker


@pytest.fixture
def api(clock: ManualClock, http: requests_mock.Mocker) -> Iterator[Kit]:
    del http  # only so that nothing is sent for real
    with kit(clock) as under_test:
        yield under_test
