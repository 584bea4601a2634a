"""The judgement over a whole run can fail, in one process and in several (see conftest and recorder)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.kit import kit
from tests.conftest import LONG_FILES
from tests.recorder import RECORDER, Recorder
from tests.serve.upstream import Upstream

ROOT = Path(__file__).parents[1]
PROCESSES = pytest.mark.parametrize("processes", [0, 2], ids=["one process", "two processes"])
HEAD = "import os, pytest, requests\nfrom tests.recorder import RECORDER, TOKENS\n\n"


def asking(method: str, path: str) -> str:
    """A test that sends a request as the exporter would; nobody listens there."""
    url, agent = f"http://127.0.0.1:1{path}", {"User-Agent": "celigo-exporter/0"}
    return (
        f"def test_asks():\n    with pytest.raises(requests.ConnectionError):\n"
        f"        requests.request({method!r}, {url!r}, headers={agent!r})\n"
    )


GOOD = asking("GET", "/v1/flows")
SKIPS = "def test_skips():\n    pytest.skip('no reason')\n"
LEAKS = {
    "a test's output": "def test_prints():\n    print(TOKENS[0])\n",
    "a program's output": "def test_starts():\n    RECORDER.printed('demo', TOKENS[0])\n",
}


def run(folder: Path, processes: int, ci: str = "", **files: str) -> subprocess.CompletedProcess[str]:
    """A run over these files that is judged as every other."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(HEAD + text)
    plugins = ["-p", "xdist", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, f"-n{processes}", "--dist=loadfile", f"--rootdir={folder}", "."],
        cwd=folder,
        # The other plugins take longer to load than all of these runs.
        env={**kept, "PYTHONPATH": str(ROOT), "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@PROCESSES
def test_a_run_that_sent_only_allowed_calls_passes_and_lists_them_all(tmp_path: Path, processes: int) -> None:
    ended = run(tmp_path, processes, test_a=GOOD, test_b=GOOD, test_c=SKIPS)
    assert "2 passed, 1 skipped" in ended.stdout
    assert "2 GET /v1/flows\n" in ended.stdout.partition("requests sent by the exporter")[2]
    assert ended.returncode == 0


@PROCESSES
def test_one_call_that_is_not_allowed_fails_the_run(tmp_path: Path, processes: int) -> None:
    ended = run(tmp_path, processes, test_a=GOOD, test_b=asking("DELETE", "/v1/flows/f1"))
    assert "2 passed" in ended.stdout
    assert "not allowed: DELETE /v1/flows/f1\n" in ended.stdout
    assert ended.returncode == 1


@PROCESSES
@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_a_token_that_was_printed_fails_the_run(tmp_path: Path, processes: int, leak: str) -> None:
    ended = run(tmp_path, processes, test_a=GOOD, test_b=leak)
    assert "2 passed" in ended.stdout
    assert ended.stdout.count("token number 0") == 1
    assert ended.returncode == 1


def test_a_process_that_ends_without_handing_over_its_record_fails_the_run(tmp_path: Path) -> None:
    dying = "def pytest_sessionfinish():\n    if os.environ.get('PYTEST_XDIST_WORKER') == 'gw0':\n        os._exit(0)\n"
    ended = run(tmp_path, 2, test_a=GOOD, test_b=GOOD, conftest=dying)
    assert "2 passed" in ended.stdout
    assert "a process ended without handing over its record\n" in ended.stdout
    assert ended.returncode == 1


@PROCESSES
def test_what_is_skipped_has_failed_where_ci_is_true(tmp_path: Path, processes: int) -> None:
    ended = run(tmp_path, processes, ci="true", test_a=GOOD, test_b=SKIPS)
    assert "1 failed, 1 passed" in ended.stdout
    assert ended.returncode == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/v1/flows/f1"),
        ("PUT", "/v1/flows/f1"),
        ("PATCH", "/v1/connections/c1"),
        ("POST", "/v1/jobs"),
        ("POST", "/v1/flows/f1/run"),
        ("GET", "/v1/users"),
        ("GET", "/v1/flows/f1/errors/e1/x"),
        ("GET", "/v1/jobs/../flows"),
    ],
)
def test_a_call_outside_the_list_is_complained_of(method: str, path: str) -> None:
    recorder = Recorder()
    recorder.sent("GET", "https://api.integrator.io/v1/flows?x=y")
    assert recorder.complaints() == []
    recorder.sent(method, f"https://api.integrator.io{path}")
    assert recorder.complaints() == [f"not allowed: {method} {path}"]


def test_what_the_exporters_own_client_sends_is_recorded() -> None:
    before = RECORDER.calls["GET", "/v1/integrations"]
    with Upstream() as upstream, kit(base_url=upstream.url) as api:
        api.client.integrations(api.refresh())
        assert RECORDER.calls["GET", "/v1/integrations"] == before + upstream.count("/v1/integrations") > before


@pytest.mark.parametrize("name", LONG_FILES)
def test_what_is_begun_early_exists(name: str) -> None:
    assert (ROOT / "tests" / name).is_file()
