"""The manual page celigo-exporter(1), made from the commands' own help.

`python -m exporter.manual docs/man` writes it; a test compares the committed file.
"""

import inspect
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from exporter import __version__
from exporter.cli import DEFAULT_COMMAND, PROGRAM, root
from exporter.config.environment import VARIABLES

FILE_NAME = f"{PROGRAM}.1"
PROJECT = "https://github.com/celigo-exporter/celigo-exporter"

STATUSES = (
    ("0", "Done, or everything that was checked is well."),
    ("1", "What was asked for failed."),
    ("2", "Flags or local settings are wrong, or a port is taken; one line on standard error says which."),
    ("130", "Interrupted."),
    ("141", "Whoever read the output went away."),
)
"""Exit statuses and what they mean, as `exporter.cli` promises them."""

FILES = (
    ("/etc/celigo-exporter/config.yml", "The settings file of the systemd unit and of the container."),
    ("/var/lib/celigo-exporter/state.db", "Where they keep the counters over restarts."),
)

EXAMPLES = (
    ("Look at it without an account:", f"{PROGRAM} demo"),
    ("Does a token work, and what may it not do?", f"CELIGO_API_TOKEN_FILE=/run/secrets/celigo {PROGRAM} check"),
    ("Is a settings file right, and what follows from it?", f"{PROGRAM} config check --config.file=celigo.yml"),
    ("Serve on the loopback alone:", f"{PROGRAM} --config.file=celigo.yml --web.listen-address=127.0.0.1:10940"),
    ("Alert rules, and dashboards for Grafana:", f"{PROGRAM} rules export alerts\n{PROGRAM} dashboards export boards"),
)


def page() -> str:
    """The page in the macros of man(7). It has no date: the same version is the same page."""
    lines = [
        f'.TH {_quoted(PROGRAM.upper())} 1 "" {_quoted(f"{PROGRAM} {__version__}")} "User Commands"',
        ".SH NAME",
        f"{_text(PROGRAM)} \\- Prometheus exporter for Celigo integrator.io",
        ".SH SYNOPSIS",
        f".B {_text(PROGRAM)}",
        "[\\fICOMMAND\\fR] [\\fIFLAG\\fR]...",
        ".SH DESCRIPTION",
        *_prose(str(root.help)),
        ".PP",
        "Reads the state of integrator.io accounts from its REST API, politely and without changing anything, and",
        "serves it as metrics. What is not known is absent, never 0. Every flag is written as",
        "\\fB\\-\\-flag=value\\fR or \\fB\\-\\-flag value\\fR.",
        ".SH COMMANDS",
        *(line for name in root.commands for line in _command(root, name, ())),
        *_definitions("ENVIRONMENT", VARIABLES.items()),
        *_definitions("FILES", FILES),
        *_definitions("EXIT STATUS", STATUSES),
        *_examples(),
        ".SH SEE ALSO",
        ".BR promtool (1),",
        ".BR prometheus (1)",
        ".PP",
        f"Metrics, configuration, alerts, dashboards: {_text(PROJECT)}",
    ]
    return "\n".join(lines) + "\n"


def _command(parent: click.Group, name: str, above: tuple[str, ...]) -> Iterator[str]:
    """One command, or those below a group, with their flags."""
    command = parent.commands[name]
    words = (*above, name)
    if isinstance(command, click.Group):
        for below in command.commands:
            yield from _command(command, below, words)
        return
    context = click.Context(command, info_name=name)
    pieces = " ".join(command.collect_usage_pieces(context)).replace("[OPTIONS]", "[FLAG]...")
    yield f".SS {_text(' '.join(words))} {_text(pieces)}"
    yield from _prose(inspect.cleandoc(str(command.help)))
    if name == DEFAULT_COMMAND:
        yield from (".PP", f"Its flags may be given without the word \\fB{name}\\fR.")
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield from _flag(parameter, context)


def _flag(option: click.Option, context: click.Context) -> Iterator[str]:
    record = option.get_help_record(context)
    if record is not None:
        yield from (".TP", f".B {_text(record[0])}", _text(record[1]))


def _definitions(title: str, pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield f".SH {title}"
    for term, meaning in pairs:
        yield from (".TP", f".B {_text(term)}", _text(meaning.replace("`", "")))


def _examples() -> Iterator[str]:
    yield ".SH EXAMPLES"
    for number, (what, commands) in enumerate(EXAMPLES):
        yield from ((".PP",) if number else ())
        yield from (_text(what), ".PP", ".in +4n", ".nf", *map(_text, commands.splitlines()), ".fi", ".in")


def _prose(text: str) -> Iterator[str]:
    """Paragraphs, each on one line."""
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ".PP"
        yield _text(" ".join(paragraph.replace("`", "").split()))


def _text(text: str) -> str:
    """`text` with nothing in it that roff would take for its own signs."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _quoted(text: str) -> str:
    return f'"{_text(text)}"'


def write(folder: Path) -> Path:
    """Write the page into `folder`; its path."""
    path = folder / FILE_NAME
    path.write_text(page(), encoding="utf-8")
    return path


if __name__ == "__main__":
    sys.stdout.write(f"{write(Path(sys.argv[1]))}\n")
