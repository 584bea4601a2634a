"""What the whole run shares: the recorder, and the tools that real-parts tests need."""

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.recorder import RECORDER, watching_requests


@pytest.fixture(scope="session", autouse=True)
def _recorder() -> Iterator[None]:
    with watching_requests():
        yield


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Look for tokens in everything a test printed or logged."""
    RECORDER.printed(report.nodeid, report.capstdout + report.capstderr + report.caplog)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The judgement over the whole run comes last."""
    items.sort(key=lambda item: item.path.name == "test_whole_run.py")


def required_tool(name: str) -> str:
    """Path of a program that a test runs; without it the test is skipped, and fails when CI=true."""
    path = shutil.which(name)
    if path is None:
        message = f"{name} is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path
