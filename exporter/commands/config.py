"""`celigo-exporter config check`: validates the configuration and shows what is in effect."""

import click

from exporter.commands.environment import ReadsAccounts
from exporter.commands.flags import CONFIG_FLAG, SHARD_FLAG, WEB_CONFIG_FLAG
from exporter.commands.invocation import Invocation
from exporter.config.effective import effective
from exporter.config.load import load_settings
from exporter.config.shard import Shard


@click.group("config")
def config() -> None:
    """Work with the configuration."""


@config.command("check", cls=ReadsAccounts, params=[CONFIG_FLAG, SHARD_FLAG, WEB_CONFIG_FLAG])
@click.pass_obj
def check(invocation: Invocation, config_file: str | None, shard: Shard | None, web_config_file: str | None) -> int:
    """Validate the configuration and print it.

    What is printed is in effect, defaults included, and is a valid file itself; tokens are named, not shown. Exit
    status 2 and one line with file, line and key when something is wrong, also with the web configuration, which is
    not printed. Nothing is asked of integrator.io.
    """
    if web_config_file is not None:
        # TLS is needed by no other use of this command.
        from exporter.web.load import load_web_access

        load_web_access(web_config_file)
    click.echo(effective(load_settings(config_file, invocation.environ, shard=shard)), nl=False)
    return 0
