"""`flightlog annotate`: a score, a label or a note on a trace or a step."""

from __future__ import annotations

import getpass
import math
from collections.abc import Sequence

import click

from flightlog.cli import auditing
from flightlog.cli.naming import find, find_span
from flightlog.cli.opening import PATIENCE, caught_up, home, reading, say
from flightlog.cli.options import EXIT_CODES, trace_ref
from flightlog.cli.render.safe import clean
from flightlog.cli.render.words import of_them
from flightlog.configure import configure, flush
from flightlog.core.annotate import annotate
from flightlog.records.errors import StoreError

Said = tuple[str, float | bool | None, str]
"""The name, the value and the label of one score."""

_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}


def _scores(_: click.Context, __: click.Parameter, given: Sequence[str]) -> list[Said]:
    return [_score(text) for text in given]


def _score(text: str) -> Said:
    name, sign, value = (part.strip() for part in text.partition("="))
    if not (name and sign and value):
        raise click.BadParameter(f"{text!r} is no score; say correctness=0.9, passed=true or tone=friendly")
    if value.lower() in _TRUTHS:
        return name, _TRUTHS[value.lower()], ""
    try:
        number = float(value)
    except ValueError:
        return name, None, value
    if not math.isfinite(number):
        raise click.BadParameter(f"{text!r}: a score is a number that is finite")
    return name, number, ""


@click.command("annotate", epilog=EXIT_CODES)
@trace_ref
@click.argument("span", metavar="[SPAN]", required=False)
@click.option(
    "--score",
    "-s",
    "scores",
    multiple=True,
    callback=_scores,
    metavar="NAME=VALUE",
    help="A number, true or false, or a category: correctness=0.9; may be given again.",
)
@click.option("--label", "-l", "labels", multiple=True, metavar="TEXT", help="A label; may be given again.")
@click.option("--note", default="", metavar="TEXT", help="A remark.")
@click.option("--by", default="", metavar="WHO", help="Who judges; else the user of the system.")
def command(
    *, trace: str, span: str | None, scores: list[Said], labels: tuple[str, ...], note: str, by: str
) -> None:
    """Put scores, labels or a note on a trace, or on one of its steps.

    SPAN is the id of a span, a unique beginning of one, or a name that only one span has; without it the whole trace is
    judged. A note that comes with scores stands on each of them.

    Nothing is overwritten: all that was ever said is kept and exported. In `flightlog evals` and in questions
    (score.correctness<0.5, has:note) the latest counts of what the same judge (--by) said of the same.

    Programs do the same with `flightlog.annotate("correctness", 0.9)`. Secrets in it are masked as everywhere.
    """
    said: list[Said] = [*scores, *(("label", None, label) for label in labels)]
    if note and not said:
        said = [("note", None, "")]
    if not said:
        raise click.UsageError("say what is to be noted: --score, --label or --note")
    found = home()
    with reading() as reader:
        trace_id = find(reader, trace)
        row = reader.trace(trace_id)
        before = len(reader.annotations(trace_id))
        about = find_span(reader.spans(trace_id, payloads=False), span) if span is not None else None
    project = about.project if about is not None else (row.project if row is not None else "")
    configure(
        home=str(found.path), console="off", sinks="store", enabled=True, level="info", service="flightlog"
    )
    judge = by or _user()
    for name, value, label in said:
        made = annotate(
            name,
            value,
            label=label,
            note=note,
            by=judge,
            trace_id=trace_id,
            span_id=about.span_id if about is not None else "",
            project=project,
        )
        if not made:
            raise StoreError(f"nothing could be recorded in {found.path}")
    flushed = flush(PATIENCE)
    with caught_up(found) as (reader, backlog):
        came = len(reader.annotations(trace_id)) - before
    waits = bool(backlog.bytes or flushed.waiting_bytes) and not (flushed.in_memory or flushed.dropped)
    if came < len(said) and not waits:
        raise StoreError(f"nothing could be recorded in {found.path}")
    if came < len(said):
        say("it waits in the journal until the store can be written")
    auditing.note(found, "annotated", [trace_id])
    where = f"{clean(about.name)} in " if about is not None else ""
    say(f"{of_them(len(said), 'annotation')} put on {where}{trace_id}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
