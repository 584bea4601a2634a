"""What commands have in common that write bundled files, with thresholds in them, into a folder."""

from collections.abc import Callable, Iterable
from pathlib import Path

import click

from exporter.commands.completion import a_file
from exporter.rules.thresholds import Thresholds, default_thresholds, read_thresholds

EXPORT_PARAMETERS: tuple[click.Parameter, ...] = (
    click.Argument(["folder"], metavar="DIR", type=click.Path(file_okay=False)),
    click.Option(
        ["--thresholds"],
        metavar="FILE",
        help="Thresholds that differ from the bundled ones.",
        shell_complete=a_file,
    ),
)
"""`DIR` and `--thresholds`."""

Write = Callable[[str, Thresholds], Iterable[Path]]


def write_and_list(write: Write, folder: str, thresholds: str | None) -> int:
    """Let `write` do its work with the thresholds of a file, and print the paths that it wrote; the exit status."""
    values = default_thresholds() if thresholds is None else read_thresholds(thresholds)
    for path in write(folder, values):
        click.echo(path)
    return 0
