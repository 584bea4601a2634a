"""Flags of the simulated account, for `demo` and `simulator`."""

import click

from exporter.commands.flags import checked, listen_text
from exporter.config.address import ListenAddress, parse_listen_address


def account_flags(listen: str, control: str) -> tuple[click.Option, ...]:
    """`--listen`, `--control`, `--flows`, `--seed` and `--speed`, with the defaults of the two addresses."""
    return (
        checked(
            "--listen",
            "listen",
            listen_text,
            metavar="ADDRESS",
            default=listen,
            description="Where the simulated API listens.",
        ),
        checked(
            "--control",
            "control",
            listen_text,
            metavar="ADDRESS",
            default=control,
            description="Where incidents are injected; same host as --listen.",
        ),
        _sized("--flows", click.IntRange(0, 100_000), 60, "Number of flows in the account."),
        _sized("--seed", click.IntRange(0), 1, "The same seed gives the same account."),
        _sized("--speed", click.FloatRange(0.0, 1000.0), 1.0, "Seconds that pass in the account in one second."),
    )


def _sized(name: str, kind: click.IntRange | click.FloatRange, default: float, description: str) -> click.Option:
    return click.Option([name], type=kind, default=default, show_default=True, help=description)


def account_addresses(listen: str, control: str) -> tuple[ListenAddress, ListenAddress]:
    """Both addresses of the simulator. Raises UsageError when their hosts differ."""
    api, desk = parse_listen_address(listen), parse_listen_address(control)
    if api.host != desk.host:
        raise click.UsageError("--control: expected the same host as --listen")
    return api, desk
