"""What is installed has the dashboards in it, without what they are made with."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from exporter.dashboards.bundle import boards
from exporter.rules.thresholds import default_thresholds

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel, unpacked: as this package has no compiled parts, that is all an installation does."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_has_the_package_and_nothing_beside_it(installed: Path) -> None:
    assert {path.name.partition("-")[0] for path in installed.iterdir()} == {"exporter", "celigo_exporter"}


def test_the_installed_command_writes_the_dashboards(installed: Path, tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "exporter", "dashboards", "export", "made"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed)},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    written = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "made").glob("*.json")}
    assert written == boards(default_thresholds())
