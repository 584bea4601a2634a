"""The Dockerfile: linted, and harmless by what it says. What its steps make is in test_installed.py.

No image is built: there is no container engine where the tests run.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from exporter import cli
from exporter.config.settings import Web
from tests.packaging.dockerfile import FILE, ROOT, copied, ignored, instructions, rules_of, sent, stages

TEXT = FILE.read_text(encoding="utf-8")
BUILD, FINAL = stages(TEXT)
IGNORE = (ROOT / ".dockerignore").read_text(encoding="utf-8")
SENT = sent(IGNORE)


def only(name: str) -> str:
    """The text of the one instruction of that name in the final stage."""
    (found,) = [each.text for each in FINAL if each.name == name]
    return found


def test_the_linter_has_nothing_to_say() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    run = subprocess.run([linter, FILE], capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_the_base_is_one_fixed_release_for_both_stages() -> None:
    first = instructions(TEXT)[0]
    name, _, image = first.text.partition("=")
    assert (first.name, name) == ("ARG", "PYTHON_IMAGE")
    tag = image.partition("@")[0].rpartition(":")[2]
    assert tag.split("-")[0].count(".") == 2, "a release to the patch"
    assert [stage[0].text.split()[0] for stage in (BUILD, FINAL)] == ["${PYTHON_IMAGE}"] * 2


def test_everything_that_is_installed_is_checked_against_its_hash() -> None:
    pip = [part for each in BUILD if each.name == "RUN" for part in each.text.split("&&") if " install " in part]
    assert len(pip) == 3
    assert all("--require-hashes --only-binary :all:" in part for part in pip[:2])
    assert "--no-index" in pip[2]


@pytest.mark.parametrize(("source", "target"), list(copied(BUILD)))
def test_what_is_copied_exists_and_is_sent(source: str, target: str) -> None:
    assert (ROOT / source).exists()
    assert any(name == source or name.startswith(f"{source}/") for name in SENT)
    assert not Path(target).is_absolute()


def test_nothing_is_sent_that_is_not_copied() -> None:
    wanted = [source for source, _ in copied(BUILD)]
    rest = {name for name in SENT if not any(name == source or name.startswith(f"{source}/") for source in wanted)}
    assert rest == set()


@pytest.mark.parametrize("name", [".env", "token.txt", "exporter/__pycache__/cli.cpython-311.pyc", "tests/conftest.py"])
def test_secrets_tests_and_caches_stay_outside(name: str) -> None:
    assert ignored(name, rules_of(IGNORE))


def test_the_final_stage_copies_nothing_but_the_virtual_environment() -> None:
    assert only("COPY") == "--from=build /opt/celigo-exporter /opt/celigo-exporter"


def test_it_runs_as_nobody_and_nothing_after_that_runs_as_root() -> None:
    assert only("USER") == "65534:65534"
    names = [each.name for each in FINAL]
    assert "RUN" not in names[names.index("USER") :]


def test_only_the_folder_of_the_state_belongs_to_that_user() -> None:
    assert only("RUN") == "install -d -m 0750 -o 65534 -g 65534 /var/lib/celigo-exporter"


def test_no_shell_is_needed_to_start_it_or_to_ask_for_its_health() -> None:
    assert json.loads(only("ENTRYPOINT")) == [cli.PROGRAM]
    command = json.loads(only("HEALTHCHECK").partition(" CMD ")[2])
    assert command[0] == cli.PROGRAM
    assert command[1] in cli.root.commands


def test_the_port_is_the_one_that_it_listens_on() -> None:
    assert Web().listen_addresses == (f":{only('EXPOSE')}",)


def test_the_labels_name_what_it_is_and_what_it_was_made_from() -> None:
    known = "title description licenses source documentation base.name version revision"
    assert {f"org.opencontainers.image.{name}=" in only("LABEL") for name in known.split()} == {True}


def test_a_user_gets_no_secret_from_the_image() -> None:
    assert not [each for each in (*BUILD, *FINAL) if "token" in each.text.lower() or "password" in each.text.lower()]
