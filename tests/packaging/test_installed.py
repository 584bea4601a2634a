"""What somebody has who installed the wheel, or runs the container: everything, and no repository.

The steps of the Dockerfile make it in an empty folder. PROVE=1 installs what it depends on from the registry, against
the hashes; otherwise the packages that the tests run with are lent to it.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import requests

from exporter import __version__, manual
from exporter.dashboards.bundle import boards
from exporter.rules.compose import rules_file
from exporter.rules.thresholds import default_thresholds
from tests.e2e.processes import Program, free_port, until
from tests.packaging.dockerfile import built

READ_ONLY = Path("/proc")
"""A folder in which nobody, not even root, can make a file."""

TELL_TALE = """\
import os, sys
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod"}
def tell(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        if (arguments[2] or 0) & WRITES and os.fsdecode(arguments[0]) != os.devnull:
            os.write(2, f"WRITES {os.fsdecode(arguments[0])}\\n".encode())
    elif event in CHANGES or event in {"sqlite3.connect", "tempfile.mkstemp", "tempfile.mkdtemp"}:
        os.write(2, f"WRITES {arguments[0]}\\n".encode())
sys.addaudithook(tell)
"""
"""A sitecustomize.py that tells of everything that is opened to be written."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The virtual environment that the Dockerfile's first stage makes."""
    return built(tmp_path_factory.mktemp("image"), anew=bool(os.environ.get("PROVE")))


@pytest.fixture(scope="module")
def environ(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The environment of a container whose root is read-only, and the tell-tale."""
    folder = tmp_path_factory.mktemp("tell-tale")
    (folder / "sitecustomize.py").write_text(TELL_TALE)
    place = str(READ_ONLY)
    own = {"PATH": f"{installed}/bin", "HOME": place, "TMPDIR": place, "PYTHONPATH": str(folder)}
    return {**own, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def run(installed: Path, environ: Mapping[str, str]) -> "Run":
    return Run(installed, environ)


class Run:
    """The installed program, where nothing can be written but what is named."""

    def __init__(self, installed: Path, environ: Mapping[str, str]) -> None:
        self._program, self._environ = installed / "bin" / "celigo-exporter", environ

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            [self._program, *arguments],
            cwd=READ_ONLY,
            env=self._environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def started(self, *arguments: str, **more: str) -> Program:
        """Start it."""
        return Program([str(self._program), *arguments], {**self._environ, **more}, READ_ONLY)


def written(text: str) -> set[str]:
    """The paths that the tell-tale told of."""
    return {line.removeprefix("WRITES ") for line in text.splitlines() if line.startswith("WRITES ")}


def test_it_runs_from_the_environment_and_knows_nothing_of_the_repository(installed: Path, run: Run) -> None:
    assert run("--version").stdout == f"celigo-exporter {__version__}\n"
    (package,) = installed.glob("lib/python*/site-packages/exporter")
    where = subprocess.run(
        [installed / "bin/python", "-c", "import exporter; print(exporter.__file__)"],
        cwd=READ_ONLY,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert where.stdout == f"{package}/__init__.py\n"


def test_nothing_comes_with_it_that_builds_or_tests(installed: Path) -> None:
    (packages,) = installed.glob("lib/python*/site-packages")
    names = {path.name.partition("-")[0].lower() for path in packages.iterdir()}
    assert names & {"pip", "hatchling", "pytest", "tests", "setuptools", "editables"} == set()
    assert {"exporter", "celigo_exporter"} <= names


def test_the_manual_page_is_where_man_looks(installed: Path) -> None:
    page = installed / "share/man/man1" / manual.FILE_NAME
    assert page.read_text(encoding="utf-8") == manual.page()


def test_every_module_is_compiled_and_not_by_date(installed: Path) -> None:
    (package,) = installed.glob("lib/python*/site-packages/exporter")
    for module in package.rglob("*.py"):
        (compiled,) = (module.parent / "__pycache__").glob(f"{module.stem}.cpython-*.pyc")
        assert int.from_bytes(compiled.read_bytes()[4:8], "little") == 1, "unchecked, by hash"


def test_dashboards_and_rules_are_written_from_what_is_installed(run: Run, tmp_path: Path) -> None:
    for what in ("dashboards", "rules"):
        ended = run(what, "export", str(tmp_path / what))
        assert ended.returncode == 0
        assert all(Path(path).is_relative_to(tmp_path) for path in written(ended.stderr))
    found = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "dashboards").glob("*.json")}
    assert found == boards(default_thresholds())
    assert (tmp_path / "rules/celigo.rules.yml").read_text(encoding="utf-8") == rules_file(default_thresholds())


def test_a_shell_can_be_told_to_complete_it(run: Run) -> None:
    ended = run("completion", "bash")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "complete -o nosort -F" in ended.stdout


@pytest.fixture
def demo(run: Run) -> Iterator[tuple[Program, int]]:
    port = free_port()
    with run.started("demo", f"--web.listen-address=127.0.0.1:{port}", "--flows=5") as program:
        yield program.answering(f"http://127.0.0.1:{port}/-/ready"), port


def test_the_demo_serves_from_a_folder_where_nothing_can_be_written(run: Run, demo: tuple[Program, int]) -> None:
    program, port = demo
    until(lambda: "celigo_flow_info{" in requests.get(f"http://127.0.0.1:{port}/metrics", timeout=30).text, "flows")
    assert requests.get(f"http://127.0.0.1:{port}/", timeout=30).status_code == 200
    health = run("healthcheck", f"--web.listen-address=:{port}")
    assert (health.returncode, health.stdout) == (0, "healthy: /-/healthy answers 200\n")
    assert (program.terminate()[0], program.stderr()) == (0, "")


def test_serving_an_account_writes_the_state_and_nothing_else(run: Run, tmp_path: Path) -> None:
    port = free_port()
    state = tmp_path / "state.db"
    with run.started("simulator", "--listen=127.0.0.1:0", "--control=127.0.0.1:0", "--flows=5") as simulator:
        said = until(lambda: simulator.running() and (text := simulator.stdout()).count("\n") == 3 and text, "address")
        found = dict(line.split(maxsplit=1) for line in str(said).splitlines())
        account = {"CELIGO_API_TOKEN": found["token"], "CELIGO_BASE_URL": found["api"], "CELIGO_STATE_PATH": str(state)}
        with run.started("serve", f"--web.listen-address=127.0.0.1:{port}", **account) as program:
            program.answering(f"http://127.0.0.1:{port}/-/ready")
            text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=30).text
            assert 'celigo_exporter_state_persistent{backend="sqlite"} 1' in text
            assert program.terminate()[0] == 0
            told = written(program.stderr())
        assert simulator.terminate()[0] == 0
        assert written(simulator.stderr()) == set()
    assert told
    assert all(path.startswith(str(state)) for path in told), told
