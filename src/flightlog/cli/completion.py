"""`flightlog completion`: what a shell needs to complete commands, options, questions and ids."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import FishComplete, ShellComplete, ZshComplete

from flightlog.cli.completing import VARIABLE, Bash


class Fish(FishComplete):
    """Completion in fish; values and what is told of them may have commas, behind the first of which all is one."""

    source_template = FishComplete.source_template.replace("string split ", "string split --max 1 ")


_SHELLS: Final[dict[str, type[ShellComplete]]] = {"bash": Bash, "zsh": ZshComplete, "fish": Fish}


@click.command("completion", epilog="Exit codes: 0 fine, 2 a shell that is not known.")
@click.argument("shell", type=click.Choice(tuple(_SHELLS)))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    It completes commands and options, the fields of a question and their values, among them the names, models and
    services that the store has seen, and the ids of the newest traces. In Bash and zsh the line goes into ~/.bashrc or
    ~/.zshrc:

    \b
        eval "$(flightlog completion bash)"
        eval "$(flightlog completion zsh)"
        flightlog completion fish > ~/.config/fish/completions/flightlog.fish
    """  # noqa: D301 - click takes the character itself for the beginning of lines that stay as they are
    complete = _SHELLS[shell](context.find_root().command, {}, "flightlog", VARIABLE)
    # Not `source()`, which looks at the version of this machine's shell; the script may be for another one.
    click.echo(complete.source_template % complete.source_vars(), nl=False)
