"""`celigo-exporter rules export`: writes the alert rules and what belongs to them."""

import click

from exporter.commands.exports import EXPORT_PARAMETERS, write_and_list
from exporter.rules.export import export as write


@click.group("rules")
def rules() -> None:
    """Work with the bundled alert rules."""


@rules.command("export", params=[*EXPORT_PARAMETERS])
def export(folder: str, thresholds: str | None) -> int:
    """Write rules, thresholds and an Alertmanager example into DIR.

    DIR is made if need be, and what was written before is replaced. To change a number, put it into a file of your own,
    as in the written thresholds.yml, and export again with --thresholds.
    """
    return write_and_list(write, folder, thresholds)
