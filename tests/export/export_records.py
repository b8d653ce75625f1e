"""A trace with all that an export can meet: models, tasks, threads, two processes, links, failures, hostile texts."""

from __future__ import annotations

from typing import Any

from flightlog.analysis.tree import Tree, build
from flightlog.records.annotation import Annotation
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.span import Fault, Link, Span
from flightlog.records.traces import Trace

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
BEGAN = 1_763_653_000_000_000_000
"""2025-11-20 15:36:40 UTC."""
MS = 10**6
MAIN, WORKER = "a" * 32, "b" * 32

HOSTILE = (
    '</script><script>window.pwned=1</script><!--<img src=x onerror="window.pwned=2">]]>"; end %%{init}%% '
    "\x1b[31m\u202e\u2028 #quot; &amp; \\G {x|y} 日本"
)
"""What would end a block, begin a script, close a quote or give an order in one of the formats."""

PROCESSES = {
    MAIN: Process(process_id=MAIN, pid=4711, host="desk", service="shop-bot", version="1.4", started=BEGAN),
    WORKER: Process(process_id=WORKER, pid=4711, host="rack-2", service="search", started=BEGAN),
}
"""Two processes whose systems gave them one number."""


def span(number: int, parent: int, name: str, start_ms: float, end_ms: float | None, **fields: Any) -> Span:
    known: dict[str, Any] = {
        "status": "running" if end_ms is None else "ok",
        "process_id": MAIN,
        "service": "shop-bot",
        "thread": "MainThread",
        "trace_id": TRACE,
    }
    return Span(
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
        span_id=f"{on:016x}" if on else "",
        time=BEGAN + round(time_ms * MS),
        name=name,
        process_id=MAIN,
        **fields,
    )


def model_call(
    number: int, start_ms: float, end_ms: float, said: list[dict[str, Any]], answer: dict[str, Any]
) -> Span:
    attributes = {
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4.1",
        "gen_ai.response.model": "gpt-4.1-2025-04-14",
        "gen_ai.usage.input_tokens": 812,
        "gen_ai.usage.output_tokens": 96,
        "gen_ai.request.temperature": 0.2,
    }
    return span(
        number,
        2,
        "chat gpt-4.1",
        start_ms,
        end_ms,
        kind="llm",
        input={"messages": said, "tools": [{"name": "find_order"}]},
        output={"messages": [answer]},
        attributes=attributes,
    )


ASKED: list[dict[str, Any]] = [
    {
        "role": "system",
        "content": "You help customers of a shop. Be brief, be kind, and never promise a date.",
    },
    {
        "role": "user",
        "content": [{"type": "text", "text": "Where is my order 8812? It should be here by now."}],
    },
]
CALLED = {
    "role": "assistant",
    "tool_calls": [{"id": "c1", "function": {"name": "find_order", "arguments": '{"order": 8812}'}}],
}
FOUND = {
    "role": "tool",
    "tool_call_id": "c1",
    "content": '{"status": "on its way", "carrier": "DHL", "days": 2}',
}
ANSWER = {
    "role": "assistant",
    "content": "Your parcel is with the carrier and should reach you within two days. I have asked for a "
    "notification when it is out for delivery. Is there anything else that I can do?",
}


def spans() -> list[Span]:
    return [
        span(1, 0, "POST /chat", 0, 1840, kind="http", input={"text": "My order 8812?"}, output=ANSWER["content"]),
        span(2, 1, "support agent", 4, 1830, kind="agent", attributes={"agent.name": "support", "big": 2**60}),
        model_call(3, 12, 610, ASKED, CALLED),
        span(4, 2, "find_order", 620, 980, kind="tool", input={"order": 8812}, output={"status": "sent", "days": 2}),
        span(5, 4, "SELECT orders", 640, 700, kind="db", process_id=WORKER, service="search", thread="pool-1"),
        span(
            6,
            4,
            "carrier status",
            705,
            900,
            kind="http",
            status="error",
            process_id=WORKER,
            service="search",
            thread="pool-2",
            error=Fault("TimeoutError", "no answer within 0.2 s", "Traceback:\n  …\nTimeoutError"),
            attributes={"http.request.method": "GET", "url.full": "https://carrier.example/8812", "attempt": 1},
        ),
        span(7, 4, "carrier status", 905, 975, kind="http", process_id=WORKER, service="search", thread="pool-2",
             links=[Link(TRACE, f"{6:016x}", "retry_of"), Link("c" * 32, "d" * 16, "caused_by")]),
        model_call(8, 990, 1640, [*ASKED, CALLED, FOUND], ANSWER),
        span(9, 2, "remember", 1000, 1500, kind="step", task="Task-1"),
        span(10, 2, "remember", 1100, 1700, kind="step", task="Task-2"),
        span(11, 2, "overlap one", 1645, 1760, kind="guardrail"),
        span(12, 2, "overlap two", 1700, 1820, kind="guardrail"),
        span(13, 2, HOSTILE, 1710, 1712, kind="</script>", input={HOSTILE: HOSTILE}, attributes={HOSTILE: [HOSTILE]}),
        span(14, 1, "notify", 1832, None, kind="tool", thread="Thread-2"),
        span(15, 77, "lost child", 1833, 1834),
        *(span(20 + n, 9, f"chunk {n}", 1010 + 10 * n, 1015 + 10 * n, task="Task-1") for n in range(6)),
    ]  # fmt: skip


def events() -> list[Event]:
    return [
        event(
            1, 4, 902, "retry", level="warn", attributes={"attempt": 1, "reason": "no answer", "delay": 0.005}
        ),
        event(2, 6, 899, "exception", level="error", body="no answer within 0.2 s"),
        event(3, 13, 1711, HOSTILE, body=HOSTILE, attributes={HOSTILE: HOSTILE}),
        event(4, 99, 1750, "loose"),
    ]


def annotations() -> list[Annotation]:
    return [
        Annotation(
            annotation_id="n1", trace_id=TRACE, time=BEGAN, name="correctness", value=0.9, by="grader"
        ),
        Annotation(
            annotation_id="n2", trace_id=TRACE, span_id=f"{13:016x}", time=BEGAN, name="note", note=HOSTILE
        ),
    ]


def tree() -> Tree:
    return build(spans(), events())


def row(**fields: Any) -> Trace:
    known: dict[str, Any] = {
        "trace_id": TRACE,
        "name": "POST /chat",
        "kind": "http",
        "status": "ok",
        "start": BEGAN,
        "duration_ns": 1840 * MS,
        "span_count": len(spans()),
        "error_count": 1,
        "llm_calls": 2,
        "input_tokens": 1624,
        "output_tokens": 192,
        "unknown_usage_calls": 0,
        "model": "gpt-4.1-2025-04-14",
        "retries": 1,
        "slow": False,
        "interrupted": 0,
        "project": "default",
        "environment": "default",
        "session": "s-1",
        "user": "u-7",
        "tags": ["beta"],
        "service": "shop-bot",
    }
    return Trace(**{**known, **fields})


def many(number: int) -> Tree:
    """A trace of so many spans, three levels deep."""
    made = [span(1, 0, "batch", 0, number + 5, kind="workflow")]
    for n in range(2, number + 1):
        parent = 1 if n % 20 == 2 else n - (n - 2) % 20 if n % 3 else 1
        made.append(span(n, parent, f"item {n}", n, n + 0.9, kind=("tool", "llm", "db", "")[n % 4]))
    return build(made)
