"""What the whole run shares: the recorder, and the tools that real-parts tests need."""

import os
import shutil
from collections.abc import Generator, Iterator

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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the calls that the exporter sent in the whole run, ids replaced by their place."""
    counts = RECORDER.by_template()
    if counts:
        terminalreporter.section("requests sent by the exporter")
        for (method, template), count in sorted(counts.items()):
            terminalreporter.write_line(f"{count:7d} {method} {template}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With CI=true nothing is skipped: what could not run has failed."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, which CI=true does not allow: {report.longrepr}"
    return report


def required_tool(name: str) -> str:
    """Path of a program that a test runs; without it the test is skipped, and fails when CI=true."""
    path = shutil.which(name)
    if path is None:
        message = f"{name} is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path
