"""`flightlog spans`: the spans of one trace as a table."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import click
import msgspec

from flightlog.cli.jsonout import print_array
from flightlog.cli.looks import drawn, paged
from flightlog.cli.naming import find
from flightlog.cli.opening import reading
from flightlog.cli.options import EXIT_CODES, as_json, trace_ref
from flightlog.cli.render import spanlist
from flightlog.cli.render.terminal import Terminal
from flightlog.codecs.lines import encode
from flightlog.records.span import Span


@click.command("spans", epilog=EXIT_CODES)
@trace_ref
@as_json
@drawn
@paged
def command(trace: str, as_json: bool, look: Terminal, page: Callable[[Iterable[str]], None]) -> None:
    """List the spans of one trace.

    One line a span, by start: status, name, kind, offset from the beginning of the trace, duration, parent
    and id. A narrow terminal gets fewer columns; a pipe or a file gets all of them, uncut.

    With --json: an array of record lines, each with its duration_ns, which is null while a span is open.
    """
    with reading() as reader:
        spans = reader.spans(find(reader, trace), payloads=as_json)
    if as_json:
        print_array(_with_duration(span) for span in spans)
    else:
        page(spanlist.lines(spans, look, time.time_ns()))


def _with_duration(span: Span) -> bytes:
    return encode(span)[:-1] + b',"duration_ns":' + msgspec.json.encode(span.duration_ns) + b"}"
