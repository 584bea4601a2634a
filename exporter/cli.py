"""The command line: commands, and the promise about how they end.

Exit status 0: done. 1: what was asked for failed. 2: flags or local settings are wrong, or a port is taken, said in
one line on standard error. 130: interrupted. 141: whoever read the output went away.
"""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from exporter import __version__, logs
from exporter.clock import Clock, SystemClock
from exporter.commands.check import check
from exporter.commands.completion import answer, completion
from exporter.commands.config import config
from exporter.commands.dashboards import dashboards
from exporter.commands.demo import demo
from exporter.commands.flags import CONFIG_FLAG
from exporter.commands.healthcheck import healthcheck
from exporter.commands.invocation import Invocation
from exporter.commands.metrics import metrics
from exporter.commands.rules import rules
from exporter.commands.serve import serve
from exporter.commands.simulator import simulator
from exporter.config.problem import ConfigError, printable, without_tokens

PROGRAM = "celigo-exporter"
DEFAULT_COMMAND = "serve"

OK, FAILED, MISUSED, INTERRUPTED, READER_GONE = 0, 1, 2, 130, 141


class _DefaultServe(click.Group):
    """A group that takes `serve` when the first word is none of its commands but a flag, or when there is none."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default command in front where it was left out."""
        own = {name for option in self.get_params(ctx) for name in option.opts}
        # Who completes an empty line wants to see all commands.
        nothing = not args and not ctx.resilient_parsing
        if nothing or (args and args[0].startswith("-") and args[0] not in own):
            args = [DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[Any]]:
        """The commands and flags that begin so; the default command's flags are among them."""
        found = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            default = self.commands[DEFAULT_COMMAND]
            known = {item.value for item in found}
            below = default.make_context(DEFAULT_COMMAND, [], parent=ctx, resilient_parsing=True)
            found += [item for item in default.shell_complete(below, incomplete) if item.value not in known]
        return found


_START = """\b
Start here; COMMAND --help tells more:
  celigo-exporter demo                      a simulated account, no token needed
  celigo-exporter check                     does your token work? CELIGO_API_TOKEN holds it
  celigo-exporter                           serves http://localhost:10940/metrics
  celigo-exporter --config.file=celigo.yml  several accounts, intervals, limits

\b
Exit status:
  0  done, or everything checked is well
  1  what was asked for failed
  2  flags or local settings are wrong: one line on standard error says which
"""


@click.group(
    cls=_DefaultServe, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, epilog=_START
)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
def root() -> None:
    """Prometheus exporter for Celigo integrator.io. Without a command it serves."""


for _command in (serve, check, metrics, demo, simulator, config, rules, dashboards, healthcheck, completion):
    root.add_command(_command)


def main(
    argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None, clock: Clock | None = None
) -> int:
    """Run the program; its exit status. Arguments, environment and clock are those of the process unless given."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if argv is None:  # the process is this program's own
        logs.configure("warning", "logfmt")
        logs.log_uncaught()
    invocation = Invocation(os.environ if environ is None else environ, clock or SystemClock())
    try:
        asked = answer(root, PROGRAM, invocation.environ)
        status = _run(arguments, invocation) if asked is None else asked
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_output()
        return READER_GONE
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    return status


def _run(arguments: list[str], invocation: Invocation) -> int:
    try:
        with root.make_context(PROGRAM, arguments, obj=invocation) as context:
            status: Any = root.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    except ConfigError as error:
        _say(str(error))
        return MISUSED
    except click.UsageError as error:
        _say(_usage_line(error))
        return MISUSED
    return OK if status is None else int(status)


def _usage_line(error: click.UsageError) -> str:
    """Command and problem on one line; an argument that belongs nowhere may be anything and is not repeated."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return f"{PROGRAM}: expected a command; see --help"
    command = error.ctx.command_path if error.ctx is not None else PROGRAM
    text = " ".join(error.format_message().split())
    text = re.sub(r"^(Got unexpected extra arguments?) \(.*\)$", rf"\1{_hint(error)}", text)
    return f"{command}: {without_tokens(text)}"


def _hint(error: click.UsageError) -> str:
    """Where an argument that belongs nowhere was meant to go, most likely."""
    takes_file = error.ctx is not None and CONFIG_FLAG in error.ctx.command.params
    return f"; a configuration file is given by {CONFIG_FLAG.opts[0]}=FILE" if takes_file else ""


def _say(line: str) -> None:
    click.echo(printable(line), err=True)


def _forget_output() -> None:
    """Let nothing be written to the broken pipe again, not even by the interpreter's own flush at its end."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
    except (OSError, ValueError):
        # A standard output that is no file, as in tests, has no pipe to forget.
        return
