"""What a span costs the thread that records it, beside its floor and beside the OpenTelemetry SDK.

Every side is a process of its own, with everything on: the gate, the journal, the keeper's thread; for OpenTelemetry
its batch processor with an exporter that throws the spans away. They take turns, two milliseconds each
(`slices.py`), so a ratio compares what ran on the same machine at the same time. Ours is measured with the compiled
engine, where it is there, and with the plain one. The floor of a compiled span is a context manager in C that records
nothing (`floor.c`); where there is no C compiler its rows are missing.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from floor_parts import built
from slices import Row, Side, Values, ns_row, ratio, rounds

SECONDS = 40

FLOOR = """
import time

class Block:
    __slots__ = ("a", "b")
    def __init__(self, a, b):
        self.a, self.b = a, b
    def __enter__(self):
        return self
    def __exit__(self, kind, error, trace):
        pass

def block(name, /, **attributes):
    return Block(name, attributes)

def loop(n):
    for _ in range(n):
        pass

def nothing(n):
    for _ in range(n):
        with block("search"):
            pass

def clock(n):
    for _ in range(n):
        time.monotonic_ns(); time.monotonic_ns()

subjects = {"loop": loop, "nothing": nothing, "clock": clock}
try:
    from floor_parts_built import span as bare
except ImportError:
    pass
else:
    def compiled(n):
        for _ in range(n):
            with bare("search"):
                pass
    subjects["compiled"] = compiled
report(**subjects)
"""

OURS = """
import flightlog as fl
span, event = fl.span, fl.event

def plain(n):
    with span("root"):
        for _ in range(n):
            with span("search"):
                pass

def attributes(n):
    with span("root"):
        for i in range(n):
            with span("search", top_k=i, index="docs", score=1.5):
                pass

def off(n):
    for _ in range(n):
        with span("search", level="trace"):
            pass

def off_events(n):
    for i in range(n):
        event("cache", level="trace", key=i)

def events(n):
    with span("root"):
        for i in range(n):
            event("cache", key=i)

@fl.traced(capture_args=False, capture_result=False)
def work():
    pass

def traced(n):
    with span("root"):
        for _ in range(n):
            work()

report(plain=plain, traced=traced, attributes=attributes, off=off, off_events=off_events, events=events, in_task=plain)
"""

OTEL = """
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

class Nowhere(SpanExporter):
    def export(self, spans):
        return SpanExportResult.SUCCESS

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(Nowhere()))
start = provider.get_tracer("bench").start_as_current_span

def plain(n):
    with start("root"):
        for _ in range(n):
            with start("search"):
                pass

def attributes(n):
    with start("root"):
        for i in range(n):
            with start("search", attributes={"top_k": i, "index": "docs", "score": 1.5}):
                pass

report(plain=plain, attributes=attributes, in_task=plain)
"""


def run(quick: bool) -> list[Row]:
    """Measure floor, ours, the plain engine and OpenTelemetry in turn; return (name, value, unit) rows."""
    with tempfile.TemporaryDirectory(prefix="flightlog-floor-") as parts, ExitStack() as stack:
        built(Path(parts))
        inherited = os.environ.get("PYTHONPATH")
        found = rounds(
            {
                "floor": stack.enter_context(
                    Side(FLOOR, {"PYTHONPATH": os.pathsep.join(filter(None, (parts, inherited)))})
                ),
                "otel": stack.enter_context(Side(OTEL, {})),
                "ours": stack.enter_context(Side(OURS, {"FLIGHTLOG_ENGINE": "compiled"})),
                "plain": stack.enter_context(Side(OURS, {"FLIGHTLOG_ENGINE": "pure"})),
            },
            2 if quick else SECONDS,
        )
    return _rows(found)


def _rows(found: dict[str, dict[str, Values]]) -> list[Row]:
    floor, otel, ours, plain = (found[name] for name in ("floor", "otel", "ours", "plain"))
    loop = floor["loop"]
    rows = [
        ns_row("floor: an empty loop step", loop),
        ns_row("floor: a `with` block that does nothing", floor["nothing"]),
        ns_row("floor: two clock reads", floor["clock"]),
        ns_row("OpenTelemetry SDK, batch processor: a span", otel["plain"]),
        ns_row("OpenTelemetry SDK, batch processor: with 3 attributes", otel["attributes"]),
        ns_row("OpenTelemetry SDK, batch processor: in an asyncio task", otel["task"]),
        ns_row("a span, start to journal", ours["plain"]),
        ns_row("a span with 3 attributes", ours["attributes"]),
        ns_row("a span in an asyncio task", ours["task"]),
        ns_row("a call of a traced function", ours["traced"]),
        ns_row("an event with 1 attribute", ours["events"]),
        ns_row("a span that is off, without the loop step", ours["off"], floor=loop),
        ns_row("an event that is off, without the loop step", ours["off_events"], floor=loop),
        ns_row("the plain engine: a span", plain["plain"]),
        ns_row("the plain engine: a span with 3 attributes", plain["attributes"]),
        ns_row("the plain engine: a call of a traced function", plain["traced"]),
        ns_row("the plain engine: an event with 1 attribute", plain["events"]),
    ]
    if "compiled" in floor:
        net = [
            (span - step) / (nothing - step)
            for span, nothing, step in zip(ours["plain"], floor["compiled"], loop, strict=True)
            if nothing > step
        ]
        rows += [
            ns_row("floor: a `with` block of a C object that does nothing", floor["compiled"]),
            ("times that floor, both without the loop step: a span", median(net), "x"),
        ]
    return [
        *rows,
        ("times a span: a call of a traced function", ratio(ours["traced"], ours["plain"]), "x"),
        ("times cheaper than OpenTelemetry: a span", ratio(otel["plain"], ours["plain"]), "x"),
        (
            "times cheaper than OpenTelemetry: with 3 attributes",
            ratio(otel["attributes"], ours["attributes"]),
            "x",
        ),
        ("times cheaper than OpenTelemetry: in an asyncio task", ratio(otel["task"], ours["task"]), "x"),
        ("times cheaper than the plain engine: a span", ratio(plain["plain"], ours["plain"]), "x"),
    ]


if __name__ == "__main__":
    for label, value, unit in run(quick="--quick" in sys.argv):
        print(f"{label:60} {value:12,.1f} {unit}")
