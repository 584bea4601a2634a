"""`celigo-exporter healthcheck`: whether the exporter in the same container or machine is alive."""

import click

from exporter.commands.flags import DEFAULTS, checked, listen_text
from exporter.config.address import parse_listen_address
from exporter.config.file import read_text

_FLAGS = (
    checked(
        "--web.listen-address",
        "address",
        listen_text,
        metavar="ADDRESS",
        default=DEFAULTS.listen_addresses[0],
        description="The address that the exporter was told to listen on.",
    ),
    checked(
        "--web.config.file",
        "web_config",
        str,
        metavar="FILE",
        description="The web configuration that the exporter was given, for TLS.",
    ),
)


@click.command("healthcheck", params=[*_FLAGS])
def healthcheck(address: str, web_config: str | None) -> int:
    """Ask a running exporter on this machine whether it is alive.

    It is when /-/healthy answers 200, or 401 when it wants a password. Neither accounts nor the API are asked: that is
    what `check` and the metrics are for. Exit status 0 when it is alive, 1 when not.
    """
    # Of no use to other commands.
    from exporter.healthcheck import ask
    from exporter.web.parse import parse_web_config

    tls = None if web_config is None else parse_web_config(read_text(web_config), web_config).tls
    health = ask(parse_listen_address(address), tls)
    click.echo(f"{'healthy' if health.alive else 'not healthy'}: {health.seen}")
    return 0 if health.alive else 1
