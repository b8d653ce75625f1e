"""`flightlog show`: one trace summed up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

import click
import msgspec
from msgspec import UNSET

from flightlog.analysis.summary import Summary, summary
from flightlog.analysis.tree import Node, Tree, build
from flightlog.cli.jsonout import print_document
from flightlog.cli.looks import drawn
from flightlog.cli.naming import find
from flightlog.cli.opening import home, reading, slow_limit_ns
from flightlog.cli.options import EXIT_CODES, as_json, trace_ref
from flightlog.cli.render import card
from flightlog.cli.render.terminal import Terminal, emit
from flightlog.codecs.lines import decode
from flightlog.records.errors import UnknownId
from flightlog.records.process import Process
from flightlog.store.port import Reader


@click.command("show", epilog=EXIT_CODES)
@trace_ref
@as_json
@drawn
def command(trace: str, as_json: bool, look: Terminal) -> None:
    """Sum up one trace: what failed, what took the time.

    Its facts, the input and output of its first root, the deepest span of the first chain of errors with the
    end of its stack, the spans with the most time of their own, its spans by kind, and the events that matter.

    With --json: the same as one object.
    """
    with reading() as reader:
        subject = _subject(reader, find(reader, trace))
    if as_json:
        print_document(_document(subject))
    else:
        emit(card.lines(subject, look, time.time_ns()))


def _subject(reader: Reader, trace_id: str) -> card.Subject:
    row = reader.trace(trace_id)
    if row is None:
        raise UnknownId(trace_id)
    tree = build(reader.spans(trace_id), reader.events(trace_id))
    processes = sorted(
        _processes(reader, trace_id), key=lambda process: (process.started, process.process_id)
    )
    return card.Subject(row, tree, summary(tree), processes, slow_limit_ns(home()))


def _processes(reader: Reader, trace_id: str) -> Iterator[Process]:
    """Who wrote it; the store gives the processes first."""
    records = (decode(line) for line in reader.lines(trace_id))
    return (
        process
        for process in takewhile(lambda record: isinstance(record, Process), records)
        if isinstance(process, Process)
    )


def _document(subject: card.Subject) -> dict[str, Any]:
    found = subject.summary
    return {
        "trace": subject.trace,
        **_values(subject.tree),
        "failure": _failure(found),
        "open_spans": found.open_spans,
        "kinds": found.kinds,
        "slowest": [_slow(node) for node in found.slowest],
        "events": found.events,
        "event_counts": found.event_counts,
        "marks": subject.tree.marks,
        "processes": subject.processes,
    }


def _values(tree: Tree) -> dict[str, Any]:
    if not tree.roots:
        return {}
    root = tree.roots[0].record
    values = {"input": root.input, "output": root.output}
    return {name: value for name, value in values.items() if value is not UNSET}


def _failure(found: Summary) -> dict[str, Any] | None:
    if found.failure is None:
        return None
    failure = found.failure
    return {
        "span_id": failure.node.record.span_id,
        "path": failure.path,
        "error": msgspec.to_builtins(failure.node.record.error),
        "others": failure.others,
        "handled": failure.handled,
    }


def _slow(node: Node) -> dict[str, Any]:
    record = node.record
    return {
        "span_id": record.span_id,
        "name": record.name,
        "kind": record.kind,
        "status": record.status,
        "self_ns": node.self_ns,
        "duration_ns": record.duration_ns,
    }
