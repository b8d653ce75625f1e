"""The command `flightlog`: finds a command's file by its name and loads that one alone.

`flightlog version` and `flightlog --help` answer without importing a store, a renderer or any other command;
the table below says what each command is for, and a test holds it against what the commands say themselves.

Here is also the one place where an error becomes an exit code: 0 fine, 1 trouble (a home or store that cannot be used,
a self-check that failed), 2 a question that makes no sense (an unknown id, a bad option), 130 interrupted. A
reader that goes away (`| head`) is no error, a standard output that is closed or full is. Whatever a message
quotes passes the gate first.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from io import TextIOWrapper
from keyword import iskeyword
from typing import TYPE_CHECKING, Final, NoReturn

import click

from flightlog.cli import output
from flightlog.records.errors import BadQuestion, FlightlogError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS: Final[Mapping[str, str]] = {
    "run": "Record a Python program, unchanged.",
    "list": "List the newest traces.",
    "show": "Sum up one trace, or show one step in full.",
    "trace": "Draw one trace as a tree on a time axis.",
    "story": "Tell one trace, a flow across traces, or what is in none, in sentences.",
    "spans": "List the spans of one trace, or those that fit a question.",
    "search": "Find words in inputs, outputs, errors and events, newest first.",
    "stats": "Say what spans and traces add up to.",
    "cost": "Say what model calls cost, in US dollars.",
    "failures": "Say what failed last, alike errors together.",
    "diff": "Compare two traces, or two sets of traces.",
    "golden": "Save a trace as a golden one, or hold one against it.",
    "graph": "Draw what a workflow declares, with what a trace did of it.",
    "lint": "Say which mistakes of agents and pipelines traces give away.",
    "lint-narration": "Say which narrations could be told better.",
    "replay": "Play a trace in the terminal as it happened.",
    "rerun": "Run a program again with the answers that were recorded.",
    "export": "Write traces as documents that other programs read.",
    "import": "Bring in traces that other tools wrote.",
    "renormalise": "Read what other libraries told anew.",
    "sql": "Ask the store in SQL, read-only.",
    "annotate": "Put scores, labels or a note on a trace, or on one of its steps.",
    "evals": "Say what scores, labels and notes add up to.",
    "session": "Tell a conversation across traces, turn by turn.",
    "delete": "Delete traces for good.",
    "prune": "Delete old traces, and give the room back to the disk.",
    "audit": "Say who did what with the records, the newest first.",
    "doctor": "Say how Flightlog is set up, what it lost, and whether it works.",
    "completion": "Print the completion script of a shell.",
    "schema": "Print the JSON Schema of a record line.",
    "watch": "Watch what programs do, as they do it.",
    "browse": "Explore what was recorded, on screens.",
    "demo": "Record a small built-in program and draw its trace.",
    "version": "Print the version.",
}
"""Each command and its first help line, in the order of a reader's needs. The file has the command's name,
with a low line for a hyphen, and with one behind it where the name is a word of Python's."""

_COMPLETE: Final = "_FLIGHTLOG_COMPLETE"
"""Set by a shell that asks for completions."""

INTERRUPTED: Final = 130
"""Exit code after Ctrl-C: 128 and the number of SIGINT."""


class Trouble(click.ClickException):
    """A `FlightlogError` on its way to the terminal."""

    exit_code = 1

    def __init__(self, error: FlightlogError) -> None:
        super().__init__(_safe(str(error)))


class Nonsense(Trouble):
    """A `BadQuestion` on its way to the terminal."""

    exit_code = 2


class Commands(click.Group):
    """The group that loads a command when it is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click hands it over
        """Every command, in the order of the help."""
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is named; of one that does not exist, say which was meant."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib  # for a mistyped command only

            near = difflib.get_close_matches(args[0], COMMANDS, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else "`flightlog --help` lists all."
            ctx.fail(f"No such command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the words as they are; where there are none, those of a command that somebody chooses."""
        if not args and _somebody_sits_there():
            from flightlog.cli.palette import offer  # with screens, for those who give no command

            try:
                chosen = offer(COMMANDS)
            except FlightlogError as error:
                raise Trouble(error) from error
            if chosen == []:
                ctx.exit()
            args = chosen or args
        return super().parse_args(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # as above
        """Load one command from the file of its name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"flightlog.cli.{_module_of(cmd_name)}").command
        return _equipped(command) if _COMPLETE in os.environ else command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Offer commands without loading any, and the options."""
        from click.shell_completion import CompletionItem  # for a shell that asks

        named = [
            CompletionItem(name, help=said) for name, said in COMMANDS.items() if name.startswith(incomplete)
        ]
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # as above
        """Write the list of commands without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; turn our errors into messages, and a closed pipe into a quiet end."""
        try:
            result: object = super().invoke(ctx)
        except BadQuestion as error:
            raise Nonsense(error) from error
        except FlightlogError as error:
            raise Trouble(error) from error
        except BrokenPipeError:
            output.write_nowhere()
            result = None
        return result


def _somebody_sits_there() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def _equipped(command: click.Command) -> click.Command:
    """The command, with what a shell that asks for completions may offer."""
    from flightlog.cli.completing import equip  # for a shell that asks

    return equip(command)


def _module_of(name: str) -> str:
    return f"{name}_" if iskeyword(name) else name.replace("-", "_")


def _print_version(context: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        context.invoke(import_module("flightlog.cli.version").command, as_json=False)
        context.exit()


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 fine, 1 trouble, 2 a question that makes no sense, 130 interrupted.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version and exit.",
)
def commands() -> None:
    """Record what Python programs do, and ask about it a moment later.

    TRACE stands for a trace id, a unique beginning of one (4 digits or more), @latest, or @-2 for the second
    newest; TRACE|FILE also for a file that `flightlog import` reads, which is read and not kept, or for one of its
    traces: FILE@latest, FILE@3b9d. Data goes to standard output, talk to standard error; every table is JSON with
    --json. Without a command, on a terminal, it offers a palette of commands.
    """


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code."""
    output.watch()
    if _COMPLETE in os.environ:
        from flightlog.cli.completing import register  # for a shell that asks

        register()
    if isinstance(sys.stderr, TextIOWrapper):
        sys.stderr.reconfigure(errors="backslashreplace")
    sys.exit(_exit_code(args))


def _exit_code(args: Sequence[str] | None) -> int:
    try:
        result = commands.main(args, "flightlog", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.UsageError as error:
        click.UsageError(_safe(error.format_message()), error.ctx).show()
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return INTERRUPTED
    except output.Refused as error:
        output.write_nowhere()
        click.ClickException(f"standard output cannot be written ({error.strerror})").show()
        return 1
    return result if isinstance(result, int) else 0


def _safe(message: str) -> str:
    """Take secrets and control characters out of a message that may quote what the user typed."""
    # Heavy and needed by failing commands only: the gate's patterns and the renderer.
    from flightlog.cli.render.safe import clean
    from flightlog.redacting import gate_of_messages

    gate = gate_of_messages()
    return "\n".join(clean(line) for line in gate.text("", message).split("\n"))
