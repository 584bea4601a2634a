"""`celigo-exporter config check`: validates the configuration and shows what is in effect."""

import click

from exporter.commands.flags import CONFIG_FLAG
from exporter.commands.invocation import Invocation
from exporter.config.effective import effective
from exporter.config.load import load_settings


@click.group("config")
def config() -> None:
    """Work with the configuration."""


@config.command("check", params=[CONFIG_FLAG])
@click.pass_obj
def check(invocation: Invocation, config_file: str | None) -> int:
    """Validate the configuration and print what is in effect; tokens are named, not shown."""
    click.echo(effective(load_settings(config_file, invocation.environ)), nl=False)
    return 0
