"""`celigo-exporter metrics`: one collection to standard output."""

import click

from exporter import logs
from exporter.commands.environment import ReadsAccounts
from exporter.commands.flags import CONFIG_FLAG, log_flags
from exporter.commands.invocation import Invocation
from exporter.config.load import load_settings


@click.command("metrics", cls=ReadsAccounts, params=[CONFIG_FLAG, *log_flags("warning")])
@click.pass_obj
def metrics(
    invocation: Invocation, config_file: str | None, log_level: logs.LogLevel, log_format: logs.LogFormat
) -> int:
    """Collect once, write the metrics to standard output and end.

    What a scrape would find, in the text format: `celigo-exporter metrics | promtool check metrics`. A state file is
    used like by `serve`, so it must not belong to an exporter that runs. Of accounts that replicas share by Redis it
    tells what another one published, if one runs.
    """
    logs.configure(log_level, log_format, clock=invocation.clock)
    settings = load_settings(config_file, invocation.environ)
    # The client and the renderer are needed here and in `serve` alone.
    from exporter.serve.once import collect_once

    click.echo(collect_once(settings, invocation.environ, invocation.clock), nl=False)
    return 0
