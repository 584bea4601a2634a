"""Wheel and source distribution: the same bytes whenever and wherever they are made, and complete."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from exporter import __version__
from tests.conftest import required_tool

ROOT = Path(__file__).parents[2]


def made(source: Path, folder: Path, *flags: str) -> dict[str, Path]:
    """Both distributions of a source tree, by their kind."""
    build = [sys.executable, "-m", "hatchling", "build", "-d", str(folder), *flags]
    environ = {**os.environ, "SOURCE_DATE_EPOCH": "1788000000"}
    subprocess.run(build, cwd=source, env=environ, check=True, capture_output=True, timeout=120)
    return {path.suffix: path for path in folder.iterdir()}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return made(ROOT, tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="module")
def unpacked(first: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, as somebody unpacks it; every date in it is another than in the repository."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(first[".gz"]) as archive:
        archive.extractall(folder, filter="data")
    return folder / f"celigo_exporter-{__version__}"


def members(path: Path) -> set[str]:
    """The files in a distribution, without the folder of the version."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return set(wheel.namelist())
    with tarfile.open(path) as source:
        return {name.partition("/")[2] for name in source.getnames()}


def test_the_source_distribution_makes_the_same_bytes_of_both(
    first: dict[str, Path], unpacked: Path, tmp_path: Path
) -> None:
    second = made(unpacked, tmp_path)
    assert second.keys() == first.keys() == {".whl", ".gz"}
    for kind, path in second.items():
        assert path.read_bytes() == first[kind].read_bytes(), kind


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="what is committed is known in a repository alone")
def test_the_source_distribution_has_every_committed_file(first: dict[str, Path]) -> None:
    list_files = [required_tool("git"), "-c", "safe.directory=*", "ls-files"]
    listed = subprocess.run(list_files, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    committed = {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}
    assert len(committed) > 1000
    assert committed - members(first[".gz"]) == set()


def test_tests_run_from_the_source_distribution(unpacked: Path) -> None:
    """With PROVE=1 more of them: what the program says and writes, its settings, and all that is about packaging."""
    wanted = ["tests/cli", "tests/config", "tests/packaging"] if os.environ.get("PROVE") else ["tests/test_docs.py"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *wanted],
        cwd=unpacked,
        env={name: value for name, value in os.environ.items() if name not in {"PROVE", "CI"}},
        capture_output=True,
        text=True,
        timeout=230,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-2000:]


def test_the_source_distribution_has_nothing_that_was_only_made_here(first: dict[str, Path]) -> None:
    odd = {
        name for name in members(first[".gz"]) if "__pycache__" in name or name.startswith((".venv", "dist", ".git/"))
    }
    assert odd == set()


def test_the_wheel_has_the_package_its_manual_and_nothing_beside(first: dict[str, Path]) -> None:
    tops = {name.split("/")[0] for name in members(first[".whl"])}
    version = f"celigo_exporter-{__version__}"
    assert tops == {"exporter", f"{version}.dist-info", f"{version}.data"}


def test_everything_that_the_package_is_made_of_is_in_the_wheel(first: dict[str, Path]) -> None:
    here = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "exporter").rglob("*")
        if path.is_file() and path.suffix not in {".pyc"}
    }
    assert {name for name in members(first[".whl"]) if name.startswith("exporter/")} == here
