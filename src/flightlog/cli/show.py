"""`flightlog show`: one trace summed up, or one step of it in full."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Any

import click
from msgspec import UNSET, structs

from flightlog.analysis.names import fits_name
from flightlog.analysis.pace import Pace
from flightlog.analysis.summary import summary
from flightlog.analysis.tree import Node, Tree, walk
from flightlog.cli import money as purse
from flightlog.cli import telling, why
from flightlog.cli.doors import doors
from flightlog.cli.jsonout import print_array, print_document
from flightlog.cli.looks import drawn, paged
from flightlog.cli.naming import find_span
from flightlog.cli.opening import home, pace, paced
from flightlog.cli.options import EXIT_CODES, as_json, trace_or_file
from flightlog.cli.options import view as voice
from flightlog.cli.render import card, step
from flightlog.cli.render import why as why_drawing
from flightlog.cli.render.preview import plain_lines
from flightlog.cli.render.terminal import Terminal, emit
from flightlog.codecs.lines import decode
from flightlog.loading import load_trace
from flightlog.pricing.book import PriceBook
from flightlog.records.annotation import Annotation
from flightlog.records.errors import BadQuestion, UnknownId
from flightlog.records.narration import View
from flightlog.records.process import Process
from flightlog.store.port import Reader


@click.command("show", epilog=EXIT_CODES)
@trace_or_file
@click.argument("span", metavar="[SPAN]", required=False)
@click.option("--input", "-i", "parts", flag_value="input", multiple=True, help="The input of each step.")
@click.option("--output", "-o", "parts", flag_value="output", multiple=True, help="The output of each step.")
@click.option("--error", "-e", "parts", flag_value="error", multiple=True, help="Steps that failed, and why.")
@click.option("--verbose", "-v", is_flag=True, help="Each step in full.")
@click.option("--only", metavar="NAME", default="", help="Only steps with this in their name; or a pattern.")
@click.option(
    "--why", "wants_why", is_flag=True, help="What took the time and the money, and what failed first."
)
@click.option("--final-output", is_flag=True, help="Print the output of the trace, and nothing else.")
@voice
@as_json
@drawn
@paged
def command(
    *,
    trace: str,
    span: str | None,
    parts: tuple[str, ...],
    verbose: bool,
    only: str,
    wants_why: bool,
    final_output: bool,
    view: View,
    as_json: bool,
    look: Terminal,
    page: Callable[[Iterable[str]], None],
) -> None:
    """Sum up one trace, or show one step in full.

    Of a trace: its facts, the input, output and attributes of its first root, the error of the failed span that
    is highest up (or of the child it came from) with the end of its stack, the spans with the most time of their
    own, in which neither a child ran nor they waited, its spans by kind, and the events that matter.

    SPAN is the id of a span, a unique beginning of one, or a name that only one span has. Of a step: everything
    that was recorded, nothing cut: input, output (messages of a model call one by one), error with its whole
    stack, attributes, events, links. With --input, --output or --error only these.

    Without SPAN, --input, --output, --error and --verbose show that of every step, by start; --only chooses
    among the steps. --final-output prints the output of the first root, or of a program under `flightlog run` that
    of its last step which has one: a text as it is, anything else as JSON.

    --why explains the trace: its critical path, the one chain of work that its duration is made of; working and
    waiting; the slowest and the most expensive span; the first error, what led to it and what became of it; and what
    `flightlog lint` finds.

    With --json: the trace, or the steps asked for, as one object or an array of objects.
    """
    _refuse_both(final_output, wants_why, bool(span is not None or parts or verbose or only))
    if span is not None and only:
        raise click.UsageError("--only chooses among all steps; give it without SPAN")
    own = pace(home())
    with doors() as door:
        reader, trace_id = door.trace(trace)
        row = reader.trace(trace_id)
        if row is None:
            raise UnknownId(trace_id)
        tree = load_trace(reader, trace_id)
        said = reader.annotations(trace_id)
        processes = sorted(_processes(reader, trace_id), key=lambda each: (each.started, each.process_id))
        wrote = {node.record.process_id for node in walk(tree)}
        processes = [each for each in processes if each.process_id in wrote]
    if final_output:
        _print_output(tree, as_json=as_json)
        return
    book = purse.usable_prices(home())
    if wants_why:
        found = why.explained(row, tree, book, home().settings.ignore_lints)
        _print_why(found, look, own, page, as_json=as_json)
        return
    if span is None and not (parts or verbose or only):
        cost = purse.of_tree(book, tree) if book else None
        subject = card.Subject(paced(row, own), tree, summary(tree), processes, own, view, cost, said)
        if as_json:
            print_document(telling.of_trace(subject))
        else:
            page(card.lines(subject, look, time.time_ns()))
        return
    wanted = step.PARTS if verbose or not parts else tuple(part for part in step.PARTS if part in parts)
    steps = list(_steps(tree, span, only, wanted, book))
    steps = [structs.replace(each, annotations=_about(each, said), view=view) for each in steps]
    if as_json and span is not None:
        print_document(telling.of_step(steps[0]))
    elif as_json:
        print_array(telling.of_step(each) for each in steps)
    else:
        page(_drawn(steps, look, own, wanted))


def _refuse_both(final_output: bool, wants_why: bool, has_others: bool) -> None:
    """Refuse what is of the whole trace together with what chooses a part of it."""
    for option, is_given in (("--final-output", final_output), ("--why", wants_why)):
        if is_given and (has_others or (final_output and wants_why)):
            raise click.UsageError(f"{option} is of the whole trace; give it alone")


def _steps(
    tree: Tree, span: str | None, only: str, parts: tuple[str, ...], book: PriceBook | None
) -> Iterator[step.Step]:
    """The steps asked for, by start; of several only those that have something to say."""
    nodes = list(walk(tree))
    named = find_span([node.record for node in nodes], span) if span is not None else None
    path: list[Node] = []
    for node in nodes:
        del path[node.depth :]
        path.append(node)
        if named is not None:
            is_wanted = node.record is named
        else:
            is_wanted = fits_name(only, node.record.name) and (parts == step.PARTS or _has(node, parts))
        if is_wanted:
            charge = purse.charge_of(book, node.record)
            yield step.Step(node, [each.record.name for each in path], tree.start, charge)


def _about(told: step.Step, said: Sequence[Annotation]) -> list[Annotation]:
    """What was said of one step."""
    return [one for one in said if one.span_id == told.node.record.span_id]


def _print_why(
    found: why_drawing.Why, look: Terminal, own: Pace, page: Callable[[Iterable[str]], None], *, as_json: bool
) -> None:
    if as_json:
        print_document(why.document(found))
    else:
        page(why_drawing.lines(found, look, time.time_ns(), own))


def _has(node: Node, parts: tuple[str, ...]) -> bool:
    record = node.record
    has = {
        "input": record.input is not UNSET and not step.is_no_input("input", record.input),
        "output": record.output is not UNSET,
        "error": record.error is not None,
    }
    return any(has.get(part, False) for part in parts)


def _drawn(steps: list[step.Step], look: Terminal, own: Pace, parts: tuple[str, ...]) -> Iterator[str]:
    if not steps:
        yield look.paint("dim", "no step of this trace is like that")
    for place, each in enumerate(steps):
        if place:
            yield ""
            yield look.paint("dim", "─" * min(look.width, 60) if look.unicode else "-" * min(look.width, 60))
        yield from step.lines(each, look, own, parts, time.time_ns())


def _processes(reader: Reader, trace_id: str) -> Iterator[Process]:
    """Who wrote it; the store gives the processes first."""
    records = (decode(line) for line in reader.lines(trace_id))
    return (
        process
        for process in takewhile(lambda record: isinstance(record, Process), records)
        if isinstance(process, Process)
    )


def _print_output(tree: Tree, *, as_json: bool) -> None:
    """The output of the trace: to a terminal made safe, to anything else byte for byte."""
    root = tree.roots[0] if tree.roots else None
    output = UNSET if root is None else root.record.output
    if root is not None and output is UNSET and root.record.kind == "run":
        output = _outcome(root)
    if output is UNSET:
        raise BadQuestion("this trace has no output; `flightlog show` tells what it has")
    if as_json or not isinstance(output, str):
        print_document(output)
    elif sys.stdout.isatty():
        emit(plain_lines(output))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(f"{output}\n".encode())
        sys.stdout.buffer.flush()


def _outcome(root: Node) -> Any:
    """What a program came to, which returns nothing itself: what its last step gave, of those nearest to its root."""
    level = root.children
    while level:
        given = (node.record.output for node in reversed(level))
        output = next((each for each in given if each is not UNSET), UNSET)
        if output is not UNSET:
            return output
        level = [child for node in level for child in node.children]
    return UNSET
