"""`flightlog rerun`: a program once more, with recorded answers in the place of models and tools."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import Final

import click
import msgspec

from flightlog.cli.doors import doors, in_file
from flightlog.cli.naming import find_span
from flightlog.cli.opening import say
from flightlog.cli.options import trace_or_file
from flightlog.cli.render import reran as drawing
from flightlog.cli.render.safe import clean
from flightlog.cli.render.terminal import of
from flightlog.cli.render.words import duration
from flightlog.core.rerun import DIVERGED
from flightlog.export import file
from flightlog.records.errors import BadQuestion, FlightlogError
from flightlog.records.span import Span
from flightlog.replay.order import Beyond
from flightlog.replay.rerunning import Reran, report, rerun_program
from flightlog.running import end_like

_EXIT_CODES: Final = (
    f"Exit code: the program's own; 0 where --until ended it; {DIVERGED} where it asked what was not recorded, or "
    "what cannot be given again; 2 for a question that makes no sense (an unknown id, no such script)."
)
_PYTHON: Final = re.compile(r"python[0-9.]*(?:\.exe)?")


@click.command("rerun", epilog=_EXIT_CODES)
@trace_or_file
@click.argument("program", metavar="-- PROGRAM...", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option(
    "--until", metavar="SPAN", help="Answer up to this recorded span, and end the program at its next call."
)
@click.option(
    "--live-after", metavar="SPAN", help="Answer up to this recorded span, and make the calls after it anew."
)
@click.option(
    "--strict/--loose",
    default=True,
    show_default=True,
    help="What has no recorded answer ends the program, or is asked anew.",
)
@click.option(
    "--report",
    "into",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write what was given, what was not and where it differs into one JSON file.",
)
@click.option("--force", is_flag=True, help="Replace the file of --report if there is one.")
def command(
    *,
    trace: str,
    program: tuple[str, ...],
    until: str | None,
    live_after: str | None,
    strict: bool,
    into: Path | None,
    force: bool,
) -> int:
    """Run a program again with the answers that were recorded.

    PROGRAM is what was run: a script and its arguments, or -m, a module and its arguments, with or without `python`
    before it. It runs as with `flightlog run`, but calls of the openai, anthropic, google-genai and mistralai packages,
    of DSPy's models, and of functions that `flightlog.recorded` marks, get the answers of TRACE: without network,
    without a key, at no cost.

    A call is known again by its input and parameters, as they are recorded, redacted. Equal calls get their answers
    in the order in which they were recorded. A call that was not recorded so, and an answer that was masked, cut or
    never came, is told with the place at which it differs (--strict ends the program there, --loose makes the call).
    SPAN is an id, the beginning of one, or a name.

    The new trace is linked to TRACE; `flightlog diff` compares the two.
    """
    if until is not None and live_after is not None:
        raise click.UsageError("--until and --live-after exclude each other")
    if into is not None:
        file.check(into, replace=force)
    arguments, module = _program(program)
    with doors() as door:
        reader, trace_id = door.trace(trace)
        spans, events = reader.spans(trace_id), reader.events(trace_id)
    last = until if until is not None else live_after
    beyond: Beyond = "stop" if until is not None else "live" if live_after is not None else ""
    done = rerun_program(
        spans,
        events,
        arguments,
        module=module,
        strict=strict,
        last=None if last is None else _span(spans, last),
        beyond=beyond,
    )
    if into is not None:
        _write(done, into)
    for line in drawing.lines(done, of(sys.stderr), trace_id):
        say(line)
    say(_ended(done))
    if done.outcome.trace_id:
        before = trace if in_file(trace) is not None else trace_id
        say(f"compare: flightlog diff {shlex.quote(before)} {done.outcome.trace_id}")
    return end_like(done.returncode)


def _write(done: Reran, into: Path) -> None:
    """Write the report; that it cannot be written changes no exit code."""
    document = msgspec.json.format(msgspec.json.encode(report(done)), indent=2)
    try:
        file.save([document, b"\n"], into, replace=True)
    except (OSError, FlightlogError) as error:
        say(f"flightlog: {into} was not written ({error})")


def _span(spans: list[Span], ref: str) -> Span:
    return find_span(spans, ref)


def _program(words: tuple[str, ...]) -> tuple[list[str], bool]:
    """The script or module with its arguments, and whether it is a module; `python` before it may stand or not."""
    rest = list(words)
    first = Path(rest[0])
    if _PYTHON.fullmatch(first.name) and not (len(first.parts) == 1 and first.exists()):
        if len(first.parts) > 1 and not _is_this(first):
            raise BadQuestion(f"{first} is another interpreter; a rerun uses the one that runs flightlog")
        del rest[0]
    module = rest[:1] == ["-m"]
    if module:
        del rest[0]
    if not rest:
        raise BadQuestion("name the program: flightlog rerun TRACE -- python app.py")
    return rest, module


def _is_this(path: Path) -> bool:
    try:
        return path.samefile(sys.executable)
    except OSError:
        return False


def _ended(done: Reran) -> str:
    outcome = done.outcome
    if done.returncode == DIVERGED:
        how = "was ended"
    elif done.has_ended_as_told:
        how = "ended as told"
    elif outcome.returncode == 0:
        how = "ok"
    elif outcome.cancelled:
        how = "was cancelled"
    else:
        code = outcome.returncode
        how = f"failed (exit code {code})" if code > 0 else f"failed (signal {-code})"
    where = f", trace {outcome.trace_id}" if outcome.trace_id else ", which was not recorded"
    return f"flightlog: {clean(outcome.name)} {how} in {duration(outcome.duration_ns)}{where}"
