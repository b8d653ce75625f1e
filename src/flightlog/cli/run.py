"""`flightlog run`: a program, recorded and otherwise unchanged."""

from __future__ import annotations

import sys
import time
from itertools import chain

import click

from flightlog.analysis.tree import build
from flightlog.cli.opening import home, say
from flightlog.cli.render import heading, tree
from flightlog.cli.render.branches import Limits
from flightlog.cli.render.safe import clean
from flightlog.cli.render.terminal import of
from flightlog.cli.render.words import duration
from flightlog.records.errors import BadQuestion
from flightlog.running import Outcome, end_like, run_program

EXIT_CODES = (
    "Exit code: the program's own; a program that was killed by a signal takes this command with it. 2 when "
    "there is no such script (a module that does not exist is the program's own exit code 1)."
)


@click.command(
    "run",
    epilog=EXIT_CODES,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option("-m", "module", is_flag=True, help="The program is a module, as for `python -m`.")
@click.option("--tree", "draw", is_flag=True, help="Draw the trace on standard error when it ends.")
@click.argument("program", nargs=-1, required=True, type=click.UNPROCESSED)
def command(program: tuple[str, ...], module: bool, draw: bool) -> int:
    """Record a Python program, unchanged.

    PROGRAM is a script and its arguments, or with -m a module and its arguments. The program keeps its
    arguments, streams, working directory, signals and exit code. When it has ended, one line on standard error
    gives the id of its trace.
    """
    outcome = run_program(program, module=module)
    say(_line(outcome))
    if draw and outcome.trace_id:
        _draw(outcome.trace_id)
    return end_like(outcome.returncode)


def _line(outcome: Outcome) -> str:
    if not outcome.trace_id:
        return (
            f"flightlog: {outcome.name} was not recorded; `flightlog doctor` says which setting keeps it out"
        )
    ended = "ok" if outcome.returncode == 0 else f"failed ({_reason(outcome.returncode)})"
    rest = "" if outcome.delivered else "; still being indexed"
    if outcome.in_memory:
        rest = "; it could not be recorded, `flightlog doctor` says why"
    took = duration(outcome.duration_ns)
    return f"flightlog: {clean(outcome.name)} {ended} in {took}, trace {outcome.trace_id}{rest}"


def _reason(returncode: int) -> str:
    return f"exit code {returncode}" if returncode > 0 else f"signal {-returncode}"


def _draw(trace_id: str) -> None:
    look = of(sys.stderr)
    with home().reader() as reader:
        row = reader.trace(trace_id)
        if row is None:
            raise BadQuestion(f"trace {trace_id} is not in the store yet; try `flightlog trace {trace_id}`")
        grown = build(reader.spans(trace_id, payloads=False), reader.events(trace_id))
    above = heading.lines(row, look, time.time_ns())
    for line in chain([""], above, [""], tree.lines(grown, look, Limits())):
        say(line)
