"""The manual page is what the commands say, complete, and without a fault that a formatter sees."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from exporter import __version__, cli, manual
from exporter.config.environment import VARIABLES
from tests.conftest import required_tool

COMMITTED = Path(__file__).parents[2] / "docs/man" / manual.FILE_NAME


def commands(group: click.Group, *above: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with its words."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)
        else:
            yield " ".join((*above, name)), command


COMMANDS = tuple(commands(cli.root))


@pytest.fixture(scope="module")
def shown() -> str:
    """The page as a reader sees it, on one line."""
    run = subprocess.run(
        [required_tool("mandoc"), "-T", "utf8", "-O", "width=200", str(COMMITTED)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return " ".join(re.sub(".\b", "", run.stdout).split())


def test_the_committed_page_is_made_from_the_commands() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == manual.page()


def test_it_is_written_into_the_folder(tmp_path: Path) -> None:
    assert manual.write(tmp_path).read_text(encoding="utf-8") == manual.page()


def test_a_formatter_finds_no_fault_but_the_missing_date() -> None:
    run = subprocess.run(
        [required_tool("mandoc"), "-T", "lint", "-W", "warning", str(COMMITTED)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    faults = [fault for fault in run.stdout.splitlines() if "missing date" not in fault]
    assert faults == []


@pytest.mark.parametrize(("words", "command"), COMMANDS, ids=[words for words, _ in COMMANDS])
def test_every_command_is_there_with_its_flags_and_their_help(shown: str, words: str, command: click.Command) -> None:
    assert f" {words} [FLAG]... " in shown
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.opts[0] in shown
            assert parameter.help is not None
            assert " ".join(parameter.help.split()) in shown


def test_every_variable_and_exit_status_is_there(shown: str) -> None:
    environment = shown.partition(" ENVIRONMENT ")[2]
    for name in VARIABLES:
        assert f" {name} " in f" {environment}"
    statuses = {getattr(cli, name) for name in ("OK", "FAILED", "MISUSED", "INTERRUPTED", "READER_GONE")}
    assert {int(status) for status, _ in manual.STATUSES} == statuses


def test_it_names_the_version(shown: str) -> None:
    assert f"celigo-exporter {__version__}" in shown


def test_what_roff_would_take_for_its_own_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manual, "FILES", ((".TP", "'quoted' \\fBbold\\fR --flag"),))
    run = subprocess.run(
        [required_tool("mandoc"), "-T", "ascii"], input=manual.page(), capture_output=True, text=True, timeout=60
    )
    text = " ".join(re.sub(".\b", "", run.stdout).split())
    assert ".TP 'quoted' \\fBbold\\fR --flag" in text


@pytest.mark.parametrize("example", [line for _, lines in manual.EXAMPLES for line in lines.splitlines()])
def test_the_examples_are_commands_that_exist(example: str) -> None:
    words = [word for word in example.split() if "=" not in word or word.startswith("--")]
    assert words.pop(0) == cli.PROGRAM
    command: click.Command = (
        cli.root if words and words[0] in cli.root.commands else cli.root.commands[cli.DEFAULT_COMMAND]
    )
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    command.make_context(cli.PROGRAM, words)
