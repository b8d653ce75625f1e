"""How a command starts the explorer: what it needs of the terminal, of the home, and of what is installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import click

from flightlog.cli.asking import divided, question_of
from flightlog.cli.money import usable_prices
from flightlog.cli.naming import find
from flightlog.cli.opening import PATIENCE, home, pace, reading
from flightlog.cli.render import terminal
from flightlog.home import Home
from flightlog.records.errors import BadQuestion, MissingExtra

if TYPE_CHECKING:
    from flightlog.tui.drawing import Drawing
    from flightlog.tui.source import Source

words: Final = click.argument("words", nargs=-1, metavar="[TRACE | QUESTION]...")
"""Where to begin."""


def is_interactive() -> bool:
    """Whether somebody sits there: keys come from a terminal, and what is drawn goes to one that can draw."""
    streams = (sys.stdin, sys.stdout)
    is_terminal = all(stream is not None and stream.isatty() for stream in streams)
    return is_terminal and os.environ.get("TERM") != "dumb"


def require_extra(feature: str) -> None:
    """See that what draws screens is installed.

    Raises:
        MissingExtra: it is not; the message is the line that installs it.
    """
    try:
        import textual  # noqa: F401 - for screens alone
    except ImportError as error:
        raise MissingExtra("tui", feature) from error


def explore(given: Sequence[str], *, follows: bool, quiet: bool, colour: bool = True) -> None:
    """Show the explorer until somebody leaves it; a signal is an exit code of the command.

    Args:
        given: the name of a trace to begin with, and the words of a question.
        follows: it shows what happens as it happens.
        quiet: without the mascot.
        colour: it may be drawn in colours.

    Raises:
        MissingExtra: textual is not installed.
        BadQuestion: the words are no question, or no trace is called so.
    """
    require_extra("a screen")
    if not colour:
        os.environ["NO_COLOR"] = "1"  # where all that draws on a screen looks
    traces, asked = divided(given)
    question = question_of(asked)
    trace_id = _chosen(traces)
    found = home()
    if not traces and not follows:
        found.catch_up(PATIENCE)
    from flightlog.tui.app import Explorer  # with textual, which takes a while

    source, drawing = drawn_from(found, quiet=quiet)
    explorer = Explorer(
        source, drawing, follows=follows, asked=" ".join(asked), question=question, trace_id=trace_id
    )
    explorer.run()
    if explorer.return_code:
        click.get_current_context().exit(explorer.return_code)


def _chosen(traces: Sequence[str]) -> str:
    """The id of the trace that is named; empty where none is."""
    if not traces:
        return ""
    if len(traces) > 1:
        raise BadQuestion(f"one trace is explored at a time, not {len(traces)}")
    with reading() as reader:
        return find(reader, traces[0])


def drawn_from(found: Home, *, quiet: bool) -> tuple[Source, Drawing]:
    """A home to read, and how it is drawn on this terminal."""
    from flightlog.cli.drawing import Drawn  # with all that the commands draw
    from flightlog.tui.source import Source  # as above

    source = Source(found, usable_prices(found))
    return source, Drawn(terminal.of(sys.stdout), pace(found), source, has_mascot=not quiet)
