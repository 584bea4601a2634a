"""`celigo-exporter demo`: the exporter on a simulated account."""

import click

from exporter import logs
from exporter.commands.account_flags import account_addresses, account_flags
from exporter.commands.flags import WEB_FLAGS, log_flags, web_settings


@click.command("demo", params=[*WEB_FLAGS, *account_flags("127.0.0.1:0", "127.0.0.1:0"), *log_flags("warning")])
def demo(
    listen_addresses: tuple[str, ...],
    telemetry_path: str,
    external_url: str | None,
    timeout_offset: float,
    web_config_file: str | None,
    listen: str,
    control: str,
    flows: int,
    seed: int,
    speed: float,
    log_level: logs.LogLevel,
    log_format: logs.LogFormat,
) -> int:
    """Serve the metrics of a simulated account; needs no token.

    The account lives: flows run, fail and pile up errors. Incidents can be injected at the address that is printed.
    """
    web = web_settings(listen_addresses, telemetry_path, external_url, timeout_offset, web_config_file)
    api, desk = account_addresses(listen, control)
    logs.configure(log_level, log_format)
    # Web server and simulator together; the other commands need neither.
    from exporter.serve.demo import DemoOptions, run_demo

    return run_demo(DemoOptions(web=web, api=api, control=desk, flows=flows, seed=seed, speed=speed))
