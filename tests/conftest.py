"""What the whole run shares: the recorder and its judgement, and the tools that real-parts tests need."""

import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests.recorder import RECORDER, watching_requests

if TYPE_CHECKING:
    from tests.browser import Chromium

LONG_FILES = (
    *("incidents/test_api_matrix.py", "incidents/test_connections_matrix.py", "incidents/test_errors_matrix.py"),
    *("incidents/test_schedule_matrix.py", "incidents/test_runs_matrix.py", "incidents/test_objectives_matrix.py"),
    *("e2e/test_budget.py", "simulation/test_truth_rules.py", "simulation/test_clock_jumps.py"),
    *("e2e/test_prometheus.py", "e2e/test_failure_matrix.py", "simulation/test_restarts.py"),
    *("e2e/test_kills.py", "simulation/test_week.py", "ledger/test_machine.py"),
    *("e2e/test_demo.py", "e2e/test_detail_failures.py", "simulation/test_world.py"),
    *("e2e/test_notification.py", "alerting/test_routes.py", "e2e/test_dashboards.py"),
    *("serve/test_ending.py", "simulation/test_flat.py", "test_whole_run.py", "simulation/test_wire.py"),
    *("packaging/test_installed.py", "packaging/test_distributions.py", "serve/page/test_browser.py"),
    *("e2e/test_access.py", "e2e/test_reload.py", "test_contributing.py"),
    *("replicas/test_outages.py", "replicas/test_access.py", "replicas/test_kills.py"),
    *("replicas/test_losses.py",),
)
"""What takes longest, for the beginning of a run in several processes; what waits beside what computes."""

# How long a generated case takes says nothing while other tests run beside it. All else stays as Hypothesis has it,
# which differs where CI is set.
settings.register_profile("beside others", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("beside others")


@pytest.fixture(scope="session", autouse=True)
def _recorder() -> Iterator[None]:
    with watching_requests():
        yield


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Look for tokens in everything a test printed or logged."""
    RECORDER.printed(report.nodeid, report.capstdout + report.capstderr + report.caplog)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With several processes, long files begin early, so that none is left running alone at the end."""
    if hasattr(config, "workerinput"):
        place = {Path(__file__).parent / name: number for number, name in enumerate(LONG_FILES)}
        items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a process of pytest-xdist remembered; one that broke down has nothing to hand over."""
    RECORDER.take_over(getattr(node, "workeroutput", {}).get("recorded"))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Judge the whole run, or hand this process's part of it over to the one that judges."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["recorded"] = RECORDER.handed_over()
    elif RECORDER.complaints() and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the calls that the exporter sent in the whole run, ids replaced by their place, and what nobody allowed."""
    counts = RECORDER.by_template()
    if counts:
        terminalreporter.section("requests sent by the exporter")
        for (method, template), count in sorted(counts.items()):
            terminalreporter.write_line(f"{count:7d} {method} {template}")
    complaints = RECORDER.complaints()
    if complaints:
        terminalreporter.section("FAILED over the whole run", red=True, bold=True)
        for line in complaints:
            terminalreporter.write_line(line, red=True)


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


@pytest.fixture(scope="module")
def chromium() -> Iterator["Chromium"]:
    """A running Chromium; for one file alone, since other tests of the process may need an event loop."""
    from tests.browser import running_chromium  # as few as possible wait for this import

    with running_chromium(required_tool("chromium")) as running:
        yield running


@pytest.fixture(scope="session")
def amtool() -> str:
    """Path of amtool."""
    return required_tool("amtool")


@pytest.fixture(scope="session")
def alertmanager_binary() -> str:
    """Path of Alertmanager; Debian's name for it, else that of its own releases."""
    return shutil.which("alertmanager") or required_tool("prometheus-alertmanager")
