"""`celigo-exporter dashboards export`: writes the Grafana dashboards and what belongs to them."""

import click

from exporter.commands.exports import EXPORT_PARAMETERS, write_and_list
from exporter.dashboards.export import export as write


@click.group("dashboards")
def dashboards() -> None:
    """Work with the bundled Grafana dashboards."""


@dashboards.command("export", params=[*EXPORT_PARAMETERS])
def export(folder: str, thresholds: str | None) -> int:
    """Write dashboards and a provisioning file for Grafana into DIR.

    DIR is made if need be, and what was written before is replaced. With the --thresholds of your rules, limits on the
    panels are where the alerts fire.
    """
    return write_and_list(write, folder, thresholds)
