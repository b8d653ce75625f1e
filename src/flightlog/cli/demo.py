"""`flightlog demo`: record a small built-in program and look at it."""

from __future__ import annotations

import time
from itertools import chain

import click

import flightlog as fl
from flightlog.analysis.tree import build
from flightlog.cli import demo_program
from flightlog.cli.looks import drawn
from flightlog.cli.opening import home, reading, say
from flightlog.cli.options import EXIT_CODES
from flightlog.cli.render import heading, tree
from flightlog.cli.render.branches import Limits
from flightlog.cli.render.safe import clean
from flightlog.cli.render.terminal import Terminal, emit
from flightlog.records.errors import BadQuestion

FLUSH_SECONDS = 5.0


@click.command("demo", epilog=EXIT_CODES)
@click.argument("question", default=demo_program.QUESTION)
@drawn
def command(question: str, look: Terminal) -> None:
    """Record a small built-in program and draw its trace.

    The program answers QUESTION from the documentation strings of Python's standard library: it reads them in
    threads, builds a full-text index, finds it locked once, tries again, and answers. The trace goes to the
    home that `flightlog doctor` names. It needs no network.
    """
    home()  # one that cannot be named is said before anything is recorded
    with fl.span("demo", kind="run", input={"question": question}) as span:
        span.output = answer = demo_program.answer(question)
    fl.flush(timeout=FLUSH_SECONDS)
    say("\n".join(clean(line) for line in (question, *answer.splitlines())) + "\n")
    with reading() as reader:
        row = reader.trace(span.trace_id)
        if row is None:
            raise BadQuestion(
                "the trace was not recorded; `flightlog doctor` says which settings keep it out"
            )
        grown = build(reader.spans(span.trace_id, payloads=False), reader.events(span.trace_id))
    emit(chain(heading.lines(row, look, time.time_ns()), [""], tree.lines(grown, look, Limits())))
    say(f"\nNext:\n  flightlog list\n  flightlog show {row.trace_id}\n  flightlog run your_program.py")
