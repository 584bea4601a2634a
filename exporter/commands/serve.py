"""`celigo-exporter serve`: the exporter."""

from dataclasses import replace
from functools import partial

import click

from exporter import logs
from exporter.commands.environment import ReadsAccounts
from exporter.commands.flags import CONFIG_FLAG, LIFECYCLE_FLAG, SHARD_FLAG, WEB_FLAGS, log_flags, web_settings
from exporter.commands.invocation import Invocation
from exporter.config.load import load_settings
from exporter.config.shard import Shard


@click.command(
    "serve",
    cls=ReadsAccounts,
    params=[CONFIG_FLAG, SHARD_FLAG, *WEB_FLAGS, LIFECYCLE_FLAG, *log_flags("info")],
)
@click.pass_obj
def serve(
    invocation: Invocation,
    config_file: str | None,
    shard: Shard | None,
    listen_addresses: tuple[str, ...],
    telemetry_path: str,
    external_url: str | None,
    timeout_offset: float,
    web_config_file: str | None,
    enable_lifecycle: bool,
    log_level: logs.LogLevel,
    log_format: logs.LogFormat,
) -> int:
    """Serve the metrics over HTTP (also without any command).

    Metrics are at /metrics, those of one account at /probe?account=NAME, a target for each account at /sd, a page for
    people at /. /-/healthy and /-/ready tell whether it is alive and has something to serve. integrator.io is asked
    when somebody scrapes, and only for what is older than its interval. SIGHUP reads the settings again, SIGTERM ends
    it in order.
    """
    web = web_settings(listen_addresses, telemetry_path, external_url, timeout_offset, web_config_file)
    web = replace(web, enable_lifecycle=enable_lifecycle)
    logs.configure(log_level, log_format, clock=invocation.clock)
    load = partial(load_settings, config_file, invocation.environ, web, shard)
    settings = load()
    # The web server takes long to import, which the other commands need not pay for.
    from exporter.serve.server import serve as run

    return run(settings, invocation.environ, invocation.clock, load=load)
