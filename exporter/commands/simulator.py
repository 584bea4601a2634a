"""`celigo-exporter simulator`: the sample account alone."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from exporter import logs
from exporter.commands.account_flags import account_addresses, account_flags
from exporter.commands.flags import log_flags
from exporter.config.problem import ConfigError

EVERY_INTERFACE = "0.0.0.0"  # noqa: S104 - only when the address names no host


@click.command("simulator", params=[*account_flags("127.0.0.1:10941", "127.0.0.1:10942"), *log_flags("warning")])
def simulator(
    listen: str,
    control: str,
    flows: int,
    seed: int,
    speed: float,
    log_level: logs.LogLevel,
    log_format: logs.LogFormat,
) -> int:
    """Run a simulated integrator.io account until it is stopped.

    Prints its API, its control address and its token. Point an exporter at it with CELIGO_BASE_URL and
    CELIGO_API_TOKEN; inject incidents at the control address.
    """
    logs.configure(log_level, log_format)
    api, desk = account_addresses(listen, control)
    # A part of its own, which nothing else of the exporter imports.
    from exporter.simulator import Simulator, SimulatorOptions

    host = api.host or EVERY_INTERFACE
    options = SimulatorOptions(flows=flows, seed=seed, speed=speed, host=host, port=api.port, control_port=desk.port)
    try:
        account = Simulator(options)
    except OSError as failure:
        raise ConfigError(f"--listen, --control: cannot listen: {failure.strerror or failure}") from None
    with stopping() as stop, account:
        click.echo(f"api      {account.url}\ncontrol  {account.control_url}\ntoken    {account.token}")
        stop.wait()
    return 0


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set, so that the end is orderly. The main thread's; handlers are put back."""
    stop = threading.Event()

    def ask_to_stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
        stop.set()

    before = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
