"""`celigo-exporter check`: one health check of every account."""

import sys
from typing import Literal

import click

from exporter import logs
from exporter.commands.environment import ReadsAccounts
from exporter.commands.flags import CONFIG_FLAG, chosen, log_flags
from exporter.commands.invocation import Invocation
from exporter.config.load import load_settings

_FORMAT_FLAG = chosen(
    "--format",
    "answer_format",
    ("text", "json"),
    default="text",
    description="A line for each check, or one JSON document.",
)


@click.command("check", cls=ReadsAccounts, params=[CONFIG_FLAG, _FORMAT_FLAG, *log_flags("warning")])
@click.pass_obj
def check(
    invocation: Invocation,
    config_file: str | None,
    answer_format: Literal["text", "json"],
    log_level: logs.LogLevel,
    log_format: logs.LogFormat,
) -> int:
    """Check each account once; says what to do about failures.

    Asks for the token, integrations, connections, flows, runs and errors, and prints how each went and how long it
    took; what fails comes with its cause and a remedy. Exit status 0 when all succeed, else 1.
    """
    logs.configure(log_level, log_format, clock=invocation.clock)
    settings = load_settings(config_file, invocation.environ)
    # The client and the table printer are needed here alone.
    from exporter.check.run import run_check

    return run_check(settings, invocation.environ, invocation.clock, sys.stdout, answer_format)
