"""What a span costs that a program begins through OpenTelemetry's API: on our provider and on the SDK's.

As in the part `hot` every side is a process of its own, with everything on, and they take turns, two milliseconds each
(`slices.py`); the SDK has its batch processor with an exporter that throws the spans away. The floor is the API alone,
which records nothing.
"""

from __future__ import annotations

from contextlib import ExitStack

from slices import Row, Side, ns_row, ratio, rounds

SECONDS = 40

_SUBJECTS = """
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

def detached(n):
    with start("root"):
        for _ in range(n):
            tracer.start_span("search").end()

def detached_attributes(n):
    with start("root"):
        for i in range(n):
            tracer.start_span("search", attributes={"top_k": i, "index": "docs", "score": 1.5}).end()

def asking(n):
    with start("root"):
        for _ in range(n):
            trace.get_current_span()

report(
    plain=plain,
    attributes=attributes,
    detached=detached,
    detached_attributes=detached_attributes,
    asking=asking,
    in_task=plain,
)
"""

FLOOR = (
    """
from opentelemetry import trace
tracer = trace.NoOpTracer()
start = tracer.start_as_current_span
"""
    + _SUBJECTS
)

OURS = (
    """
from opentelemetry import trace
from flightlog.integrations.opentelemetry import TracerProvider
tracer = TracerProvider().get_tracer("bench", "1.0")
start = tracer.start_as_current_span
"""
    + _SUBJECTS
)

OTEL = (
    """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

class Nowhere(SpanExporter):
    def export(self, spans):
        return SpanExportResult.SUCCESS

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(Nowhere()))
tracer = provider.get_tracer("bench", "1.0")
start = tracer.start_as_current_span
"""
    + _SUBJECTS
)


CALLED = {
    "plain": "a span",
    "attributes": "a span with 3 attributes",
    "task": "a span in an asyncio task",
    "detached": "`start_span` and `end`",
    "detached_attributes": "`start_span` and `end` with 3 attributes",
    "asking": "`get_current_span`",
}
"""Subject to how its row is called."""


def run(quick: bool) -> list[Row]:
    """Measure floor, ours, the plain engine and the SDK in turn; return (name, value, unit) rows."""
    programs = {
        "floor": (FLOOR, ""),
        "otel": (OTEL, ""),
        "ours": (OURS, "compiled"),
        "plain": (OURS, "pure"),
    }
    with ExitStack() as stack:
        sides = {
            name: stack.enter_context(Side(source, {"FLIGHTLOG_ENGINE": engine}))
            for name, (source, engine) in programs.items()
        }
        found = rounds(sides, 2 if quick else SECONDS)
    rows: list[Row] = []
    for side, called in (
        ("floor", "floor: the API without a provider"),
        ("otel", "OpenTelemetry SDK, batch processor"),
        ("ours", "our provider"),
        ("plain", "our provider, the plain engine"),
    ):
        rows += [ns_row(f"{called}: {named}", found[side][what]) for what, named in CALLED.items()]
    for what, named in CALLED.items():
        if what != "asking":
            for side, engine in (("ours", ""), ("plain", ", the plain engine")):
                times = ratio(found["otel"][what], found[side][what])
                rows.append((f"times cheaper than the SDK{engine}: {named}", times, "x"))
    return rows
