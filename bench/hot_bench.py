"""What a span costs the thread that records it, beside its floor and beside the OpenTelemetry SDK.

Every subject runs in a fresh process on one core, with everything on: the gate, the journal, the keeper's
thread; for OpenTelemetry its batch processor with an exporter that throws the spans away. Processor time of the
recording thread is counted, as the other threads' work is not what the program waits for; before each run they get
a tenth of a second to catch up, as they do in a program that does something besides recording. Each process works for
most of a second before, and for a tenth of one after each rest, as virtual machines were seen to run a thread that
comes back from a rest at half its speed, which a run of 5 ms would show and one of 200 ms would not. Ours is
measured with the compiled engine, where it is there, and with the plain one. Processes alternate (floor, ours, plain,
OpenTelemetry, floor, …); each row is the median over processes of the median of nine runs. The floor of a compiled span
is a context manager in C that records nothing (`floor.c`); where there is no C compiler its rows are missing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from floor_parts import built

_HEAD = """
import json, os, sys, time
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
N, REPEATS = int(sys.argv[1]), 9

def work_for(seconds):
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        pass

def measure(subject):
    runs = []
    subject(N // 10)
    for _ in range(REPEATS):
        time.sleep(0.1)
        work_for(0.1)
        begun = time.thread_time_ns()
        subject(N)
        runs.append((time.thread_time_ns() - begun) / N)
    return sorted(runs)[REPEATS // 2]

def report(in_task=None, **subjects):
    work_for(0.7)
    found = {name: measure(subject) for name, subject in subjects.items()}
    if in_task is not None:
        import asyncio
        async def main():
            return measure(in_task)
        found["task"] = asyncio.run(main())
    print(json.dumps(found))
"""

FLOOR = """
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

report(plain=plain, attributes=attributes, off=off, off_events=off_events, events=events, traced=traced, in_task=plain)
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


def _measured(source: str, number: int, home: Path, engine: str, parts: str = "") -> dict[str, float]:
    environment = {
        **os.environ,
        "PYTHONPATH": parts,
        "FLIGHTLOG_HOME": str(home),
        "FLIGHTLOG_JOURNAL_BYTES": "8GiB",
        "FLIGHTLOG_ENGINE": engine,
    }
    result = subprocess.run(
        [sys.executable, "-c", _HEAD + source, str(number)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(result.stdout)
    return found


def run(quick: bool) -> list[tuple[str, float, str]]:
    """Measure floor, ours, the plain engine and OpenTelemetry in turn; return (name, value, unit) rows."""
    number, rounds = (2_000, 1) if quick else (10_000, 5)
    found: dict[str, list[dict[str, float]]] = {"floor": [], "ours": [], "plain": [], "otel": []}
    subjects = (("floor", FLOOR, ""), ("ours", OURS, "compiled"), ("plain", OURS, "pure"), ("otel", OTEL, ""))
    with tempfile.TemporaryDirectory(prefix="flightlog-floor-") as parts:
        built(Path(parts))
        for _ in range(rounds):
            for name, source, engine in subjects:
                with tempfile.TemporaryDirectory(prefix="flightlog-bench-") as home:
                    found[name].append(_measured(source, number, Path(home), engine, parts))

    def middle(who: str, what: str) -> float:
        return median(one[what] for one in found[who])

    def ratio(what: str, other: str = "otel") -> float:
        pairs = zip(found[other], found["ours"], strict=True)
        return median(theirs[what] / ours[what] for theirs, ours in pairs)

    def above_a_step(what: str) -> float:
        pairs = zip(found["floor"], found["ours"], strict=True)
        return median(ours[what] - floor["loop"] for floor, ours in pairs)

    floor_in_c: list[tuple[str, float, str]] = []
    if "compiled" in found["floor"][0]:
        net = [
            (ours["plain"] - floor["loop"]) / (floor["compiled"] - floor["loop"])
            for ours, floor in zip(found["ours"], found["floor"], strict=True)
        ]
        floor_in_c = [
            ("floor: a `with` block of a C object that does nothing", middle("floor", "compiled"), "ns"),
            ("times that floor, both without the loop step: a span", median(net), "x"),
        ]
    return [
        ("floor: an empty loop step", middle("floor", "loop"), "ns"),
        ("floor: a `with` block that does nothing", middle("floor", "nothing"), "ns"),
        ("floor: two clock reads", middle("floor", "clock"), "ns"),
        ("OpenTelemetry SDK, batch processor: a span", middle("otel", "plain"), "ns"),
        ("OpenTelemetry SDK, batch processor: with 3 attributes", middle("otel", "attributes"), "ns"),
        ("a span, start to journal", middle("ours", "plain"), "ns"),
        ("a span with 3 attributes", middle("ours", "attributes"), "ns"),
        ("a span in an asyncio task", middle("ours", "task"), "ns"),
        ("a call of a traced function", middle("ours", "traced"), "ns"),
        ("an event with 1 attribute", middle("ours", "events"), "ns"),
        ("a span that is off, without the loop step", above_a_step("off"), "ns"),
        ("an event that is off, without the loop step", above_a_step("off_events"), "ns"),
        ("the plain engine: a span", middle("plain", "plain"), "ns"),
        ("the plain engine: a span with 3 attributes", middle("plain", "attributes"), "ns"),
        ("the plain engine: a call of a traced function", middle("plain", "traced"), "ns"),
        ("the plain engine: an event with 1 attribute", middle("plain", "events"), "ns"),
        *floor_in_c,
        ("times cheaper than OpenTelemetry: a span", ratio("plain"), "x"),
        ("times cheaper than OpenTelemetry: with 3 attributes", ratio("attributes"), "x"),
        ("times cheaper than OpenTelemetry: in an asyncio task", ratio("task"), "x"),
        ("times cheaper than the plain engine: a span", ratio("plain", "plain"), "x"),
    ]


if __name__ == "__main__":
    for label, value, unit in run(quick="--quick" in sys.argv):
        print(f"{label:60} {value:12,.1f} {unit}")
