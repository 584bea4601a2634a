"""`celigo-exporter healthcheck`: whether the exporter in the same container or machine is alive."""

import click

from exporter.commands.flags import DEFAULTS, checked, listen_text
from exporter.config.address import parse_listen_address

_ADDRESS_FLAG = checked(
    "--web.listen-address",
    "address",
    listen_text,
    metavar="ADDRESS",
    default=DEFAULTS.listen_addresses[0],
    description="The address that the exporter was told to listen on.",
)


@click.command("healthcheck", params=[_ADDRESS_FLAG])
def healthcheck(address: str) -> int:
    """Ask a running exporter on this machine whether it is alive.

    It is when /-/healthy answers 200, or 401 when it wants a password. Neither accounts nor the API are asked: that is
    what `check` and the metrics are for. Exit status 0 when it is alive, 1 when not.
    """
    # Of no use to other commands.
    from exporter.healthcheck import ask

    health = ask(parse_listen_address(address))
    click.echo(f"{'healthy' if health.alive else 'not healthy'}: {health.seen}")
    return 0 if health.alive else 1
