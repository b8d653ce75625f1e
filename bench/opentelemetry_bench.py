"""What a span costs that a program begins through OpenTelemetry's API: on our provider and on the SDK's.

As in the part `hot` every subject runs in a fresh process on one core, with everything on, and processor time of the
recording thread is counted; the SDK has its batch processor with an exporter that throws the spans away. The floor is
the API alone, which records nothing. Processes alternate (floor, ours, plain, OpenTelemetry, floor, …); each row is the
median over processes of the median of nine runs, and a ratio is the median of the ratios of neighbours.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from hot_bench import _measured

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

def asking(n):
    with start("root"):
        for _ in range(n):
            trace.get_current_span()

report(plain=plain, attributes=attributes, detached=detached, asking=asking, in_task=plain)
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


def run(quick: bool) -> list[tuple[str, float, str]]:
    """Measure floor, ours, the plain engine and the SDK in turn; return (name, value, unit) rows."""
    number, rounds = (2_000, 1) if quick else (10_000, 5)
    found: dict[str, list[dict[str, float]]] = {"floor": [], "ours": [], "plain": [], "otel": []}
    subjects = (("floor", FLOOR, ""), ("ours", OURS, "compiled"), ("plain", OURS, "pure"), ("otel", OTEL, ""))
    for _ in range(rounds):
        for name, source, engine in subjects:
            with tempfile.TemporaryDirectory(prefix="flightlog-bench-") as home:
                found[name].append(_measured(source, number, Path(home), engine))

    def middle(who: str, what: str) -> float:
        return median(one[what] for one in found[who])

    def ratio(what: str, ours: str) -> float:
        pairs = zip(found["otel"], found[ours], strict=True)
        return median(theirs[what] / mine[what] for theirs, mine in pairs)

    named = {
        "plain": "a span",
        "attributes": "a span with 3 attributes",
        "task": "a span in an asyncio task",
        "detached": "`start_span` and `end`",
        "asking": "`get_current_span`",
    }
    rows = [
        (f"floor: the API without a provider: {named[what]}", middle("floor", what), "ns") for what in named
    ]
    rows += [
        (f"OpenTelemetry SDK, batch processor: {named[what]}", middle("otel", what), "ns") for what in named
    ]
    rows += [(f"our provider: {named[what]}", middle("ours", what), "ns") for what in named]
    rows += [
        (f"our provider, the plain engine: {named[what]}", middle("plain", what), "ns") for what in named
    ]
    for what in ("plain", "attributes", "task", "detached"):
        rows.append((f"times cheaper than the SDK: {named[what]}", ratio(what, "ours"), "x"))
        rows.append(
            (f"times cheaper than the SDK, the plain engine: {named[what]}", ratio(what, "plain"), "x")
        )
    return rows
