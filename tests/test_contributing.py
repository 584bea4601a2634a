"""CONTRIBUTING.md can be followed literally, and leads to a collector that works."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contributing import END, NEW, ROOT, TEXT, Edit, Unclear, edits

EXAMPLE = "tests/collect/test_tiles.py"
TOUCHED = (EXAMPLE, "tests/expose/test_catalogue.py")
PROVED = (
    "tests/api",
    "tests/dashboards/test_shown.py",
    "tests/config",
    "tests/collect/test_account.py",
    "tests/architecture",
    "tests/expose",
)
"""With PROVE=1 also those that may know of a collector that they should not."""


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the repository in which the example was made."""
    folder = tmp_path_factory.mktemp("repository")
    left = shutil.ignore_patterns("__pycache__", ".git", ".venv*", ".*_cache", ".hypothesis", ".schemathesis", "images")
    shutil.copytree(ROOT, folder, ignore=left, dirs_exist_ok=True)
    for edit in edits():
        edit.make(folder)
    for made in (("tests.expose.scenarios",), ("exporter.reference", "docs"), ("exporter.manual", "docs/man")):
        ran(folder, *made)
    yield folder
    shutil.rmtree(folder)


def ran(folder: Path, *arguments: str) -> str:
    """Output of a module of Python run in `folder`, which must succeed."""
    # Other plugins of pytest take longer to load than the tests to run.
    without = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    environ = {**os.environ, "PYTHONPATH": str(folder), **without}
    ended = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_example_passes_its_own_tests_and_those_that_go_over_everything(followed: Path) -> None:
    chosen = (*TOUCHED, *(PROVED if os.environ.get("PROVE") else ()))
    plugins = ("no:cacheprovider", "requests_mock.contrib._pytest_plugin", "pytest_timeout", "anyio.pytest_plugin")
    told = ran(followed, "pytest", "-q", "-x", *(f"-p{plugin}" for plugin in plugins), *chosen)
    assert re.search(r"\d{3} passed", told)


def test_the_example_is_clean(followed: Path) -> None:
    changed = sorted({edit.path for edit in edits()})
    ran(followed, "ruff", "check", "--no-cache", *changed)
    ran(followed, "ruff", "format", "--no-cache", "--check", *changed)


def test_the_new_collector_is_known_to_settings_selection_and_reference(followed: Path) -> None:
    code = (
        "from exporter.config.keys import COLLECTORS\n"
        "from exporter.serve.fleet import SELECTABLE\n"
        "from exporter.reference import metrics_page\n"
        "assert 'tiles' in COLLECTORS and 'tiles' in SELECTABLE\n"
        "assert 'celigo_integration_offline_connections' in metrics_page()\n"
    )
    (followed / "known.py").write_text(code)
    ran(followed, "known")


def test_every_step_is_an_edit_and_no_code_is_left_out() -> None:
    section = TEXT.partition("## A collector in ten minutes")[2].partition("\n## ")[0]
    assert len(list(edits())) == section.count("```python")
    assert len({edit.path for edit in edits() if edit.place != NEW}) <= 10


def test_an_edit_that_cannot_be_followed_is_unclear(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\ny = 2\nx = 1\n")
    with pytest.raises(Unclear, match="2 times"):
        Edit("a.py", "after `x = 1`", "z = 3\n").make(tmp_path)
    with pytest.raises(Unclear, match="0 times"):
        Edit("a.py", "after `w = 1`", "z = 3\n").make(tmp_path)
    with pytest.raises(Unclear, match="exists"):
        Edit("a.py", NEW, "z = 3\n").make(tmp_path)
    Edit("a.py", "after `y = 2`", "z = 3\n").make(tmp_path)
    Edit("a.py", END, "end = 4\n").make(tmp_path)
    assert (tmp_path / "a.py").read_text() == "x = 1\ny = 2\nz = 3\nx = 1\nend = 4\n"


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"`((?:exporter|tests|docs|alerts|dashboards)/[\w./*]*)`", TEXT)))
)
def test_every_path_exists_or_is_made_by_a_step(name: str) -> None:
    made = {edit.path for edit in edits() if edit.place == NEW}
    assert name in made or list(ROOT.glob(name.rstrip("/"))), name


@pytest.mark.parametrize("target", sorted(set(re.findall(r"^(?:make|\.venv\S+) ?(\w*)", TEXT, re.MULTILINE)) - {""}))
def test_every_target_of_make_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
