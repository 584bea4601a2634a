"""Commands that stand in the documents can be typed as they stand there."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from exporter.cli import DEFAULT_COMMAND, PROGRAM, root

ROOT = Path(__file__).parents[1]
PAGES = (
    *ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "alerts").glob("*.md"), *(ROOT / "deploy").rglob("*.md")
)  # fmt: skip
OPERATORS = re.compile(r"^(?:[|&;<>]|\d?>)")
BLOCKS = re.compile(r"^```(?:sh|console|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(rf"`({PROGRAM} [^`]+)`")


def written(text: str) -> Iterator[list[str]]:
    """The words after the program's name, of every command in a page."""
    lines = [line for block in BLOCKS.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    commands = [re.sub(r"^\s*(?:\$ )?(?:\w+=\S* )*", "", line) for line in lines]
    for command in (*commands, *INLINE.findall(BLOCKS.sub("", text))):
        words = shlex.split(command, comments=True)
        if words[:1] == [PROGRAM]:
            end = next((place for place, word in enumerate(words) if OPERATORS.match(word)), len(words))
            yield words[1:end]


def accept(words: list[str]) -> None:
    """Parse `words` as the program does, and run nothing. Raises click.UsageError."""
    command: click.Command = root
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    if isinstance(command, click.Group):
        if words and not words[0].startswith("-"):
            raise click.NoSuchOption(words[0])
        command = root.commands[DEFAULT_COMMAND] if command is root and "--version" not in words else command
    try:
        command.make_context(command.name, words).close()
    except click.MissingParameter:  # a sentence may leave out what it is not about
        return
    except click.exceptions.Exit:  # such as --help
        return


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_is_one_that_the_program_takes(page: Path) -> None:
    for words in written(page.read_text(encoding="utf-8")):
        try:
            accept(words)
        except click.UsageError as error:
            pytest.fail(f"{page.name}: `{PROGRAM} {shlex.join(words)}`: {error.format_message()}")


def test_the_pages_have_many_commands() -> None:
    assert sum(len(list(written(page.read_text(encoding="utf-8")))) for page in PAGES) > 40


@pytest.mark.parametrize(
    "text",
    [
        "`celigo-exporter config check FILE`",
        "`celigo-exporter config chek`",
        "```sh\nceligo-exporter rules export DIR --threshold FILE\n```",
        "```sh\nTOKEN=x celigo-exporter --config.flie=celigo.yml | head\n```",
        "`celigo-exporter serv`",
    ],
)
def test_a_mistake_in_a_page_would_be_found(text: str) -> None:
    (words,) = written(text)
    with pytest.raises(click.UsageError):
        accept(words)


@pytest.mark.parametrize(
    "text",
    [
        "```sh\nceligo-exporter --log.level=debug 2>&1 | head\n```",
        "```sh\n$ celigo-exporter completion bash >> ~/.bashrc   # or zsh\n```",
        "`celigo-exporter rules export --thresholds FILE`",
    ],
)
def test_what_a_shell_does_with_a_command_is_not_taken_for_its_words(text: str) -> None:
    (words,) = written(text)
    accept(words)
