"""Flags that several commands share, each defined once, with the default from the settings."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import click

from exporter import logs
from exporter.commands.completion import a_file
from exporter.config.address import parse_external_url, parse_listen_address, parse_telemetry_path
from exporter.config.settings import Web
from exporter.config.shard import parse_shard

DEFAULTS = Web()
OFFSET_MAX_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Check:
    """Turns a flag's text into its value. `parse` raises ValueError with what is expected."""

    parse: Callable[[str], object]

    def __call__(self, context: click.Context, parameter: click.Parameter, text: object) -> object:
        """Called by click with the text, or a tuple of texts for a repeatable flag."""
        if text is None:
            return None
        try:
            if isinstance(text, tuple):
                return tuple(self.parse(one) for one in text)
            return self.parse(str(text))
        except ValueError as error:
            raise click.BadParameter(str(error), context, parameter) from None


def listen_text(text: str) -> str:
    """A valid address to listen on, unchanged. Raises ValueError."""
    parse_listen_address(text)
    return text


def _file_name(text: str) -> str:
    if not text.strip():
        raise ValueError("expected the name of a file")
    return text


def _offset(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= OFFSET_MAX_SECONDS:
        raise ValueError(f"expected seconds from 0 to {OFFSET_MAX_SECONDS:g}, such as 0.5")
    return seconds


def checked(
    name: str,
    variable: str,
    parse: Callable[[str], object],
    *,
    metavar: str,
    description: str,
    default: str | tuple[str, ...] | None = None,
    multiple: bool = False,
) -> click.Option:
    """A flag whose text is turned into its value by `parse`, which raises ValueError with what is expected."""
    return click.Option(
        [name, variable],
        callback=_Check(parse),
        metavar=metavar,
        help=description,
        default=default,
        show_default=default is not None,
        multiple=multiple,
        shell_complete=a_file if metavar == "FILE" else None,
    )


def chosen(name: str, variable: str, known: Sequence[str], *, default: str, description: str) -> click.Option:
    """A flag that is one of a few words."""
    kind = click.Choice(known)
    return click.Option([name, variable], type=kind, default=default, show_default=True, help=description)


CONFIG_FLAG = checked(
    "--config.file",
    "config_file",
    _file_name,
    metavar="FILE",
    description="Settings file. Without it the CELIGO_* environment variables describe one account.",
)

SHARD_FLAG = checked(
    "--shard",
    "shard",
    parse_shard,
    metavar="I/N",
    description="Only the accounts of the file that are in shard I, from 0, of N. Without it: all.",
)

WEB_CONFIG_FLAG = checked(
    "--web.config.file",
    "web_config_file",
    _file_name,
    metavar="FILE",
    description="TLS, passwords and headers, as in other exporters. Without it: plain HTTP, for everybody.",
)

WEB_FLAGS = (
    checked(
        "--web.listen-address",
        "listen_addresses",
        listen_text,
        metavar="ADDRESS",
        multiple=True,
        default=DEFAULTS.listen_addresses,
        description="Address to listen on: :PORT, HOST:PORT or [IPv6]:PORT. Repeatable.",
    ),
    WEB_CONFIG_FLAG,
    checked(
        "--web.telemetry-path",
        "telemetry_path",
        parse_telemetry_path,
        metavar="PATH",
        default=DEFAULTS.telemetry_path,
        description="Path of the metrics.",
    ),
    checked(
        "--web.external-url",
        "external_url",
        parse_external_url,
        metavar="URL",
        description="URL under which people reach the exporter, when a proxy changes it.",
    ),
    checked(
        "--timeout-offset",
        "timeout_offset",
        _offset,
        metavar="SECONDS",
        default=str(DEFAULTS.timeout_offset),
        description="How long before the scrape's own timeout the answer is sent.",
    ),
)
"""Flags of the HTTP side; see `web_settings`."""

LIFECYCLE_FLAG = click.Option(
    ["--web.enable-lifecycle", "enable_lifecycle"],
    is_flag=True,
    default=DEFAULTS.enable_lifecycle,
    help="Let POST /-/reload read the configuration anew, as SIGHUP does.",
)


def log_flags(level: logs.LogLevel) -> tuple[click.Option, click.Option]:
    """`--log.level`, with its default for this command, and `--log.format`."""
    return (
        chosen("--log.level", "log_level", logs.LEVELS, default=level, description="Least severe events to log."),
        chosen("--log.format", "log_format", logs.FORMATS, default="logfmt", description="How log lines are written."),
    )


def web_settings(
    listen_addresses: tuple[str, ...],
    telemetry_path: str,
    external_url: str | None,
    timeout_offset: float,
    web_config_file: str | None,
) -> Web:
    """The web settings that the flags give. Raises UsageError for an address given twice."""
    if len(set(listen_addresses)) < len(listen_addresses):
        raise click.UsageError("--web.listen-address: the same address is given twice")
    return Web(listen_addresses, telemetry_path, external_url, timeout_offset, config_file=web_config_file)
