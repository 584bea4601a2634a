"""Programs that several end-to-end tests share."""

from collections.abc import Iterator

import pytest

from tests.conftest import required_tool
from tests.e2e.processes import Demo
from tests.recorder import RECORDER


@pytest.fixture(scope="session")
def promtool() -> str:
    """Path of promtool."""
    return required_tool("promtool")


@pytest.fixture(scope="session")
def prometheus_binary() -> str:
    """Path of prometheus."""
    return required_tool("prometheus")


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """The demo as `make demo` starts it, but on free ports; its requests count for the whole run."""
    with Demo() as running:
        running.answering(f"{running.url}/-/ready")
        yield running
        log = running.control("GET", "/requests")
        assert isinstance(log, dict)
        RECORDER.simulator_log(log["requests"])
        RECORDER.printed("demo", running.stdout() + running.stderr())
