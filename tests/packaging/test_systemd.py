"""The systemd unit: what systemd says of it, and that it starts what is there with settings that are valid."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from exporter import cli
from exporter.config.load import load_settings
from tests.conftest import required_tool

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy/systemd"
UNIT = FOLDER / "celigo-exporter.service"
WORST = 1.5
"""The exposure, of 10, that the unit must stay below with any version of systemd."""


def settings() -> Iterator[tuple[str, str]]:
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "[")):
            name, _, value = line.partition("=")
            yield name, value


def only(name: str) -> str:
    (found,) = [value for each, value in settings() if each == name]
    return found


@pytest.fixture(scope="module")
def systemd_analyze() -> str:
    return required_tool("systemd-analyze")


def exposure(tool: str) -> float:
    run = subprocess.run(
        [tool, "security", "--offline=true", "--no-pager", UNIT], capture_output=True, text=True, timeout=60, check=True
    )
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+) OK", run.stdout)
    assert found is not None, run.stdout[-300:]
    return float(found[1])


def test_what_it_may_do_is_little_as_systemd_counts(systemd_analyze: str) -> None:
    assert exposure(systemd_analyze) < WORST


def test_the_figure_in_the_docs_is_what_is_measured(systemd_analyze: str) -> None:
    told = re.search(r"says ([0-9.]+) of 10 \(systemd (\d+)\)", (ROOT / "docs/install.md").read_text(encoding="utf-8"))
    assert told is not None
    version = subprocess.run(
        [systemd_analyze, "--version"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    assert float(told[1]) < WORST
    if version.split()[1] == told[2]:
        assert exposure(systemd_analyze) == float(told[1])


def test_systemd_knows_every_setting(systemd_analyze: str, tmp_path: Path) -> None:
    """Started is a program that exists here; all else is as it is shipped."""
    unit = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8").replace("man:celigo-exporter(1) ", "")
    unit.write_text(text.replace("/opt/celigo-exporter/bin/celigo-exporter", "/bin/true"))
    run = subprocess.run([systemd_analyze, "verify", "--man=no", unit], capture_output=True, text=True, timeout=60)
    faults = [line for line in run.stderr.splitlines() if UNIT.name in line]
    assert faults == []


def test_a_setting_that_does_not_exist_would_be_found(systemd_analyze: str, tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text("[Service]\nExecStart=/bin/true\nProtectEverything=yes\n")
    run = subprocess.run([systemd_analyze, "verify", "--man=no", unit], capture_output=True, text=True, timeout=60)
    assert "ProtectEverything" in run.stderr


def test_it_starts_the_installed_program_with_flags_that_exist() -> None:
    path, *flags = shlex.split(only("ExecStart").replace("$CELIGO_EXPORTER_ARGS", ""))
    assert Path(path).name == cli.PROGRAM
    cli.root.commands[cli.DEFAULT_COMMAND].make_context(cli.PROGRAM, flags)


def test_the_flags_of_the_environment_file_exist() -> None:
    name, _, value = next(
        line for line in (FOLDER / "celigo-exporter.env").read_text().splitlines() if not line.startswith("#") and line
    ).partition("=")
    assert f"${name}" in only("ExecStart")
    cli.root.commands[cli.DEFAULT_COMMAND].make_context(cli.PROGRAM, shlex.split(shlex.split(value)[0]))


def test_wrong_settings_are_not_tried_again() -> None:
    assert only("RestartPreventExitStatus") == str(cli.MISUSED)


def test_its_settings_are_valid_and_name_its_folders(tmp_path: Path) -> None:
    file = yaml.safe_load((FOLDER / "config.yml").read_text())
    credential, _, source = only("LoadCredential").partition(":")
    assert source.startswith("/etc/celigo-exporter/")
    assert file["accounts"][0]["token_file"] == f"/run/credentials/{UNIT.name}/{credential}"
    assert file["state"]["path"].startswith(f"/var/lib/{only('StateDirectory')}/")
    (tmp_path / "token").write_text("prober-token-4f1c")
    file["accounts"][0]["token_file"] = str(tmp_path / "token")
    (tmp_path / "config.yml").write_text(yaml.safe_dump(file))
    assert load_settings(str(tmp_path / "config.yml"), {}).accounts[0].name == "acme"
