"""`celigo-exporter completion`: what a shell needs to complete the program's words, and its questions answered."""

from collections.abc import Mapping

import click
from click.shell_completion import BashComplete, CompletionItem, FishComplete, ShellComplete, ZshComplete

VARIABLE = "_CELIGO_EXPORTER_COMPLETE"
"""How the script that `completion` prints asks: the program, run with this variable, answers what may come next."""


class _Bash(BashComplete):
    """bash divides `--flag=value` into three words, of which click knows nothing."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words as if a blank had stood for each `=`."""
        words, begun = super().get_completion_args()
        return [word for word in words if word != "="], "" if begun == "=" else begun


class _OneWord(ShellComplete):
    """Other shells leave `--flag=value` one word, all of which what is offered replaces."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """What may come next, with the flag in front of a value that was written after it."""
        flag, equals, begun = incomplete.partition("=")
        if not equals or not flag.startswith("--"):
            return super().get_completions(args, incomplete)
        found = super().get_completions([*args, flag], begun)
        return [CompletionItem(f"{flag}={item.value}", item.type, item.help) for item in found]


class _Zsh(_OneWord, ZshComplete):
    pass


class _Fish(_OneWord, FishComplete):
    pass


SHELLS: Mapping[str, type[ShellComplete]] = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}

_EXAMPLES = """\b
Examples, for one person and for everybody on the machine:
  celigo-exporter completion bash >> ~/.bashrc
  celigo-exporter completion bash > /usr/share/bash-completion/completions/celigo-exporter
  celigo-exporter completion zsh > /usr/local/share/zsh/site-functions/_celigo-exporter
  celigo-exporter completion fish > ~/.config/fish/completions/celigo-exporter.fish
"""


@click.command("completion", params=[click.Argument(["shell"], type=click.Choice(tuple(SHELLS)))], epilog=_EXAMPLES)
@click.pass_context
def completion(context: click.Context, shell: str) -> int:
    """Print the completion script for a shell."""
    asker = SHELLS[shell](context.find_root().command, {}, str(context.find_root().info_name), VARIABLE)
    # Not `source()`: that of bash starts a bash to look at its version.
    click.echo(asker.source_template % asker.source_vars(), nl=False)
    return 0


def answer(root: click.Command, program: str, environ: Mapping[str, str]) -> int | None:
    """Answer a completion script that asks; the exit status. None when none asks."""
    question = environ.get(VARIABLE)
    if not question:
        return None
    kind = SHELLS.get(question.removesuffix("_complete"))
    if kind is None or not {"COMP_WORDS", "COMP_CWORD"} <= environ.keys():
        return 1
    click.echo(kind(root, {}, program, VARIABLE).complete())
    return 0


def a_file(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem[str]]:  # noqa: ARG001 - click's signature
    """The answer for a value that is the name of a file: the shell knows which there are."""
    return [CompletionItem(begun, type="file")]
