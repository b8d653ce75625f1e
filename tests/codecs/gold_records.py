"""One record of each type with every field set, and the smallest of each: what the gold lines say."""

from __future__ import annotations

from flightlog.records.annotation import Annotation
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.record import Record, Unknown
from flightlog.records.span import Fault, Link, Span

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
PARENT = "00f067aa0ba902b7"
PROCESS = "9a3c1f0e5d7b42868c0d1e2f3a4b5c6d"
START = 1_763_653_000_000_000_000

RECORDS: dict[str, Record] = {
    "span": Span(
        trace_id=TRACE,
        span_id=SPAN,
        parent_id=PARENT,
        name="search_documents",
        kind="retrieval",
        level="debug",
        start=START,
        end=START + 42_000_000,
        status="error",
        input={"query": "flight recorder", "top_k": 8},
        output=None,
        error=Fault(type="app.errors.NoIndex", message="no index", stack="Traceback …"),
        attributes={"gen_ai.request.model": "m-1", "score": 0.5, "cached": False},
        links=[Link(trace_id=TRACE, span_id=PARENT, relation="retry_of", attributes={"attempt": 1})],
        thread="MainThread",
        task="Task-7",
        context={"session": "s-1", "turn": 3, "user": "u-7", "tags": ["beta"]},
        otel={"flags": 1, "kind": "client"},
        process_id=PROCESS,
        project="docs",
        environment="staging",
        service="answers",
        version="1.4.0",
        revision=2,
        extra={"from_the_future": {"a": 1}, "error": {"code": 5}, "links": [{"weight": 2}]},
    ),
    "span-running": Span(trace_id=TRACE, span_id=SPAN, name="answer", start=START, status="running"),
    "event": Event(
        event_id="53995c3f42cd8ad8",
        trace_id=TRACE,
        span_id=SPAN,
        time=START + 5,
        name="state",
        level="trace",
        body="5 → 6",
        attributes={"name": "queue_depth", "before": 5, "after": 6},
        context={"session": "s-1"},
        otel={"flags": 1},
        process_id=PROCESS,
        project="docs",
        environment="staging",
        service="answers",
        version="1.4.0",
        extra={"from_the_future": True},
    ),
    "event-smallest": Event(event_id="53995c3f42cd8ad8", time=START, name="log"),
    "process": Process(
        process_id=PROCESS,
        pid=4711,
        host="ada.example",
        project="docs",
        environment="staging",
        service="answers",
        version="1.4.0",
        started=START,
        attributes={"python": "3.11.7", "argv": ["answers.py", "--fast"]},
        extra={"from_the_future": [1, 2]},
    ),
    "process-smallest": Process(process_id=PROCESS, started=START),
    "annotation": Annotation(
        annotation_id="a1f2",
        trace_id=TRACE,
        span_id=SPAN,
        time=START + 9,
        name="correctness",
        value=0.9,
        label="good",
        note="cites its source",
        by="ada",
        attributes={"rubric": 2},
        process_id=PROCESS,
        project="docs",
        environment="staging",
        service="answers",
        version="1.4.0",
        extra={"from_the_future": None},
    ),
    "annotation-smallest": Annotation(
        annotation_id="a1f2", trace_id=TRACE, time=START, name="seen", value=True
    ),
    "unknown": Unknown({"v": 7, "type": "dream", "about": ["sheep", {"electric": True}]}),
}
"""By the name of the gold file."""
