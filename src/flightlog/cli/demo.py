"""`flightlog demo`: record a small built-in program, or a prompt to a model, and look at it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import chain

import click

import flightlog as fl
from flightlog.cli import demo_model, demo_program
from flightlog.cli import money as purse
from flightlog.cli.looks import drawn
from flightlog.cli.opening import home, reading, say
from flightlog.cli.options import EXIT_CODES
from flightlog.cli.render import heading, mascot, tree, wrap
from flightlog.cli.render.branches import Limits
from flightlog.cli.render.cells import width
from flightlog.cli.render.mascot import CELLS
from flightlog.cli.render.safe import clean
from flightlog.cli.render.terminal import Terminal, emit, of
from flightlog.loading import load_trace
from flightlog.records.errors import BadQuestion

FLUSH_SECONDS = 5.0


@click.command("demo", epilog=EXIT_CODES)
@click.argument("prompt", default="")
@click.option(
    "--model",
    default="",
    help=f"The model to ask.  [default: {demo_model.MODEL}, if a provider is configured]",
)
@click.option("--quiet", "-q", is_flag=True, help="Without the mascot.")
@drawn
def command(prompt: str, model: str, quiet: bool, look: Terminal) -> None:
    """Record a small built-in program and draw its trace.

    The program answers PROMPT from the documentation strings of Python's standard library: it reads them in
    threads, builds a full-text index, finds it locked once, tries again, and answers. It needs no network.

    With --model, or with a PROMPT while OPENAI_API_KEY or OPENAI_BASE_URL is set, PROMPT goes to that model
    instead, through the openai package.

    The trace goes to the home that `flightlog doctor` names.
    """
    home()  # one that cannot be named is said before anything is recorded
    asked = prompt or demo_program.QUESTION
    by_model = bool(model or (prompt and demo_model.is_configured()))
    if by_model:
        demo_model.check()
    say("\n".join(_head(clean(asked), look if sys.stderr.isatty() and not quiet else Terminal())))
    try:
        with fl.span("demo", kind="run", input={"prompt": asked}) as span:
            if by_model:
                span.output = answer = demo_model.ask(asked, model or demo_model.MODEL, _show)
                say("" if answer else "(the model answered with no text)")
            else:
                span.output = answer = demo_program.answer(asked)
                say("\n".join(_wrapped(answer)))
    finally:
        fl.flush(timeout=FLUSH_SECONDS)
    _draw(span.trace_id, look)


def _head(asked: str, look: Terminal) -> list[str]:
    """What is asked, with the mascot before it where there are colours and room."""
    if not look.colour or width(asked) > look.width - CELLS - 1:
        return [asked]
    return mascot.beside("working", ["", f" {asked}"], look)


def _wrapped(answer: str) -> Iterator[str]:
    """Its lines; on a terminal in whole words."""
    cells = of(sys.stderr).width if sys.stderr.isatty() else sys.maxsize
    for line in answer.splitlines():
        yield from wrap.lines(clean(line), cells)


def _show(text: str) -> None:
    """A piece of an answer, as it comes."""
    click.echo("\n".join(clean(line) for line in text.split("\n")), nl=False, err=True)


def _draw(trace_id: str, look: Terminal) -> None:
    with reading() as reader:
        row = reader.trace(trace_id)
        if row is None:
            raise BadQuestion(
                "the trace was not recorded; `flightlog doctor` says which settings keep it out"
            )
        grown = load_trace(reader, trace_id, payloads=False)
    say("")
    book = purse.usable_prices(home())
    cost = purse.told_of_tree(book, grown, look)
    above = heading.lines(row, look, time.time_ns(), cost=cost)
    emit(chain(above, [""], tree.lines(grown, look, Limits(cost=purse.of_spans(book, look)))))
    say(f"\nNext:\n  flightlog list\n  flightlog show {row.trace_id}\n  flightlog run your_program.py")
