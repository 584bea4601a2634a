"""`celigo-exporter rules export`: writes the alert rules and what belongs to them."""

import click

from exporter.rules.export import export as write
from exporter.rules.thresholds import default_thresholds, read_thresholds


@click.group("rules")
def rules() -> None:
    """Work with the bundled alert rules."""


@rules.command("export")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False))
@click.option("--thresholds", metavar="FILE", help="Thresholds that differ from the bundled ones.")
def export(folder: str, thresholds: str | None) -> int:
    """Write rules, thresholds and an Alertmanager example into DIR."""
    values = default_thresholds() if thresholds is None else read_thresholds(thresholds)
    for path in write(folder, values):
        click.echo(path)
    return 0
