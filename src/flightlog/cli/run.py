"""`flightlog run`: a program, recorded and otherwise unchanged."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import click

from flightlog.cli import runfile
from flightlog.cli.opening import home, pace, paced, say
from flightlog.cli.render import heading, tree
from flightlog.cli.render.branches import Limits
from flightlog.cli.render.safe import clean
from flightlog.cli.render.terminal import of
from flightlog.cli.render.words import duration
from flightlog.export import file
from flightlog.loading import load_trace
from flightlog.records.errors import BadQuestion, FlightlogError
from flightlog.running import Outcome, end_like, run_program

EXIT_CODES = (
    "Exit code: the program's own; a program that was killed by a signal takes this command with it. 2 when "
    "there is no such script (a module that does not exist is the program's own exit code 1), or the file of "
    "--export exists or has no directory."
)


@click.command(
    "run",
    epilog=EXIT_CODES,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option("-m", "module", is_flag=True, help="The program is a module, as for `python -m`.")
@click.option("--tree", "draw", is_flag=True, help="Draw the trace on standard error when it ends.")
@click.option("--live", is_flag=True, help="Tell the program's steps on its standard error as they happen.")
@click.option(
    "--capture-output",
    is_flag=True,
    help="Keep the lines that the program writes to standard output and standard error, as events of its trace.",
)
@click.option(
    "--export",
    "into",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the trace and how the program ended into one JSON file.",
)
@click.option("--force", is_flag=True, help="Replace the file of --export if there is one.")
@click.argument("program", nargs=-1, required=True, type=click.UNPROCESSED)
def command(
    *,
    program: tuple[str, ...],
    module: bool,
    draw: bool,
    live: bool,
    capture_output: bool,
    into: Path | None,
    force: bool,
) -> int:
    """Record a Python program, unchanged.

    PROGRAM is a script and its arguments, or with -m a module and its arguments. The program keeps its
    arguments, streams, working directory, signals and exit code. When it has ended, one line on standard error
    gives the id of its trace.

    With --capture-output its output still goes where it went, unchanged and at once. Where that is a terminal the
    program writes to a terminal of its own, so that its colours and progress bars stay; a program that draws on the
    whole screen does not work so. Processes that it leaves behind keep their output as long as this command runs.

    The file of --export is written however the program ends, redacted as all that is recorded: the trace with
    its spans nested, the command, the exit code or the signal, the versions of Flightlog, Python and the
    system, and the settings with where they came from.
    """
    if into is not None:
        file.check(into, replace=force)
        if not into.parent.is_dir():
            raise BadQuestion(f"there is no directory {clean(str(into.parent))} for the file of --export")
    outcome = run_program(program, module=module, live=live, capture_output=capture_output)
    say(_line(outcome))
    if draw and outcome.trace_id:
        try:
            _draw(outcome.trace_id)
        except FlightlogError as error:
            say(f"flightlog: the trace was not drawn ({error})")
    if into is not None:
        _export(outcome, ["-m", *program] if module else program, into, replace=force)
    return end_like(outcome.returncode)


def _line(outcome: Outcome) -> str:
    if not outcome.trace_id:
        return (
            f"flightlog: {outcome.name} was not recorded; `flightlog doctor` says which setting keeps it out"
        )
    word = "cancelled" if outcome.cancelled else "failed"
    ended = "ok" if outcome.returncode == 0 else f"{word} ({_reason(outcome.returncode)})"
    rest = "" if outcome.delivered else "; still being indexed"
    if outcome.in_memory:
        rest = "; it could not be recorded, `flightlog doctor` says why"
    took = duration(outcome.duration_ns)
    return f"flightlog: {clean(outcome.name)} {ended} in {took}, trace {outcome.trace_id}{rest}"


def _reason(returncode: int) -> str:
    return f"exit code {returncode}" if returncode > 0 else f"signal {-returncode}"


def _draw(trace_id: str) -> None:
    from flightlog.cli import money as purse  # prices, which only whoever draws a trace wants

    look = of(sys.stderr)
    own = pace(home())
    with home().reader() as reader:
        row = reader.trace(trace_id)
        if row is None:
            raise BadQuestion(f"trace {trace_id} is not in the store yet; try `flightlog trace {trace_id}`")
        grown = load_trace(reader, trace_id, payloads=False)
    book = purse.usable_prices(home())
    cost = purse.told_of_tree(book, grown, look)
    above = heading.lines(paced(row, own), look, time.time_ns(), own, grown, cost=cost)
    limits = Limits(pace=own, now=time.time_ns(), cost=purse.of_spans(book, look))
    for line in chain([""], above, [""], tree.lines(grown, look, limits)):
        say(line)


def _export(outcome: Outcome, arguments: Sequence[str], into: Path, *, replace: bool) -> None:
    """Write the file; a program's exit code is not changed by one that cannot be written, but it is said."""
    try:
        runfile.save(outcome, arguments, into, replace=replace)
    except (OSError, FlightlogError) as error:
        reason = (
            getattr(error, "strerror", None) or error
        )  # the name within an error is that of a temporary file
        say(f"flightlog: {clean(str(into))} was not written ({reason})")
    else:
        say(f"flightlog: the run was written to {clean(str(into))}")
