"""Help that tells the environment variables, for the commands that read accounts."""

import click

from exporter.config.environment import VARIABLES


class ReadsAccounts(click.Command):
    """A command with `--config.file`; its help says what describes an account without one."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The flags, then the variables."""
        super().format_options(ctx, formatter)
        with formatter.section("Environment, for one account without --config.file"):
            formatter.write_dl([(name, meaning.replace("`", "")) for name, meaning in VARIABLES.items()])
