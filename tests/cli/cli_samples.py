"""Fixed records that the tests of the terminal draw: one trace with everything that can go wrong."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flightlog.codecs.lines import encode
from flightlog.records.event import Event
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.records.record import Record
from flightlog.records.span import Fault, Span
from flightlog.records.traces import Trace
from flightlog.store.open import open_writer
from flightlog.store.port import Chunk

TRACE = "5f0c8a31b9e24d77a6c1d2e3f4a5b6c7"
OTHER = "5f0c8a31b9e24d77a6c1d2e3f4a5b6c8"
"""A trace whose id begins as that of the sample does."""
PROCESS = "a" * 32
BEGAN = 1_763_653_000_000_000_000
"""2025-11-20 15:36:40 UTC."""
NOW = BEGAN + 3 * 60 * 10**9
MS = 10**6

HOSTILE = "call \x1b[31mevil\x1b]0;title\x07\n✓ forged [red]markup[/red] \u202egnp.exe \U000e0041 日本語 e\u0301 👩‍💻"
"""A name with all that a terminal would obey, and letters that must stay."""

STACK = """Traceback (most recent call last):
  File "agent.py", line 40, in answer_question
    reply = call_model(prompt)
  File "agent.py", line 71, in call_model
\traise RateLimitError("too many requests")
RateLimitError: too many requests, try again in 20 s
"""


def span(number: int, parent: int, name: str, start_ms: float, end_ms: float | None, **fields: Any) -> Span:
    known = {"status": "ok", "kind": "", "process_id": PROCESS}
    return Span(
        trace_id=TRACE,
        span_id=f"{number:016x}",
        parent_id=f"{parent:016x}" if parent else "",
        name=name,
        start=BEGAN + round(start_ms * MS),
        end=None if end_ms is None else BEGAN + round(end_ms * MS),
        **{**known, **fields},
    )


def event(number: int, on: int, time_ms: float, name: str, **fields: Any) -> Event:
    return Event(
        event_id=f"{number:016x}",
        trace_id=TRACE,
        span_id=f"{on:016x}",
        time=BEGAN + round(time_ms * MS),
        name=name,
        process_id=PROCESS,
        **fields,
    )


def spans() -> list[Span]:
    """Every status, a long repetition, a hostile name, an orphan, and a child that outlives its parent."""
    limit = Fault("RateLimitError", "too many requests, try again in 20 s", STACK)
    usage = {
        "gen_ai.request.model": "gpt-4.1-mini",
        "gen_ai.usage.input_tokens": 812,
        "gen_ai.usage.output_tokens": 90,
    }
    context = {"session": "s-1", "user": "u-7", "tags": ["beta"]}
    question = {"question": "How do I wrap long lines?", "k": 8}
    root = {"kind": "agent", "status": "error", "error": limit, "context": context, "input": question}
    return [
        span(1, 0, "answer_question", 0, 1240, **root, service="docs-bot"),
        span(2, 1, "search_documents", 5, 420, kind="retrieval"),
        span(3, 2, "embed_query", 8, 90, kind="embedding"),
        span(4, 2, "vector_store.query", 95, 400, kind="db"),
        span(5, 1, "plan", 430, 700, kind="workflow"),
        span(6, 5, "draft an answer", 431, 690, kind="llm", attributes=usage),
        span(7, 1, HOSTILE, 700, 1230, kind="llm", status="error", error=limit),
        span(8, 1, "audit", 1000, None, kind="tool", status="running"),
        span(9, 8, "worker task", 1100, 1180, kind="tool", status="interrupted"),
        span(10, 99, "lost child", 300, 350, kind="function"),
        span(11, 1, "after hours", 1200, 1300, kind="tool", status="cancelled"),
        span(12, 1, "wait for approval", 1210, None, kind="step", status="paused"),
        *(
            span(100 + n, 2, f"fetch page {n}", 100 + n * 2, 101 + n * 2 + n / 60, kind="http")
            for n in range(100)
        ),
    ]


def events() -> list[Event]:
    """A retry, a warning, and chunks that are only counted."""
    return [
        event(1, 1, 698, "retry", attributes={"attempt": 1, "reason": "TimeoutError", "delay": 0.5}),
        event(2, 2, 300, "log", level="warn", body="index is \x1b[1mold"),
        *(event(10 + n, 6, 500 + n, "chunk", attributes={"size": 4, "index": n}) for n in range(20)),
    ]


def process(**fields: Any) -> Process:
    known = {"process_id": PROCESS, "pid": 4711, "host": "build-7", "service": "docs-bot", "started": BEGAN}
    return Process(**{**known, **fields})


def store(home: Path, records: Iterable[Record]) -> None:
    """Put records into the store of a home, as a process that still runs would."""
    home.mkdir(exist_ok=True)
    writer = open_writer(home / "store.db")
    writer.append([Chunk(process(), [Line(encode(record)) for record in records])])
    writer.close()


def row(**fields: Any) -> Trace:
    """The trace's row as the store has it."""
    known: dict[str, Any] = {
        "trace_id": TRACE,
        "name": "answer_question",
        "kind": "agent",
        "status": "error",
        "start": BEGAN,
        "duration_ns": 1300 * MS,
        "span_count": 112,
        "error_count": 2,
        "llm_calls": 2,
        "input_tokens": 812,
        "output_tokens": 90,
        "unknown_usage_calls": 1,
        "model": "gpt-4.1-mini",
        "retries": 1,
        "slow": False,
        "interrupted": 1,
        "project": "default",
        "environment": "default",
        "session": "s-1",
        "user": "u-7",
        "tags": ["beta"],
        "service": "docs-bot",
    }
    return Trace(**{**known, **fields})


def rows() -> list[Trace]:
    """A list with something of everything."""
    nothing: dict[str, Any] = {
        "error_count": 0,
        "llm_calls": 0,
        "input_tokens": None,
        "output_tokens": None,
        "unknown_usage_calls": 0,
        "model": None,
        "retries": 0,
        "interrupted": 0,
        "session": None,
        "user": None,
        "tags": [],
        "service": None,
    }
    minute = 60 * 10**9
    return [
        row(),
        row(
            **nothing,
            trace_id="1" * 32,
            name="ingest",
            kind="workflow",
            status="running",
            duration_ns=None,
            start=NOW,
        ),
        row(
            **nothing,
            trace_id="2" * 32,
            name=HOSTILE,
            status="ok",
            span_count=1,
            duration_ns=412,
            start=BEGAN - minute,
        ),
        row(
            trace_id="3" * 32,
            name="nightly evaluation of every prompt we have",
            kind="run",
            status="interrupted",
            slow=True,
            duration_ns=754 * 10**9,
            span_count=1_204_311,
            error_count=17,
            input_tokens=31_204_900,
            start=BEGAN - 4000 * minute,
            service="evals",
        ),
    ]
