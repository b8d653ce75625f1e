"""A store of ten million spans with realistic text, always the same one, for the measurements of `big_bench.py`.

    make bench-store
    FLIGHTLOG_BENCH_STORE=/data/big python bench/big_store.py [--spans 1000000]

Half a million traces of a month: agents that answer questions about orders, with model calls that hold a conversation,
tools, HTTP and database calls; sentences of them are Python's own reference. They are written by the store's writer,
a piece a transaction; a run that was ended goes on where it stopped. Beside them a trace of 100,000 spans, two of
1,000 that nearly equal each other, and twenty of 200.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any, Final

import msgspec

from flightlog.configure import load_settings
from flightlog.pricelist import Pricing
from flightlog.records.cursor import Cursor
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.store.open import open_writer
from flightlog.store.port import Chunk, Writer

SPANS: Final = 10_000_000
SPANS_A_TRACE: Final = 20
TRACES_A_PIECE: Final = 250
END: Final = 1_763_653_000_000_000_000
"""When the newest trace began, in nanoseconds since 1970."""
MONTH_NS: Final = 30 * 86_400 * 10**9
RARE: Final = "zyxomma"
"""A word that one trace in 50,000 holds: a dragonfly that the reference of Python does not know."""
LARGE: Final = "1" * 32
"""The trace of 100,000 spans."""
PAIR: Final = ("2" * 31 + "a", "2" * 31 + "b")
"""The two traces of 1,000 spans."""
MIDDLING: Final = tuple(f"3{number:031x}" for number in range(20))
"""The traces of 200 spans with payloads."""
_SPECIAL_PIECES: Final = 1
_LEAST_FREE: Final = 4 * 2**30
_PROSE: Final = " ".join(" ".join(text.split()) for _, text in sorted(topics.items()))
_SERVICES: Final = tuple(
    Process(process_id=f"{number:032x}", pid=number, host="bench", service=name, started=END - MONTH_NS)
    for number, name in enumerate(("shop", "support", "search", "billing"), 1)
)
_MODELS: Final = (
    ("openai", "gpt-4o-2024-08-06"),
    ("openai", "gpt-4.1-mini"),
    ("anthropic", "claude-sonnet-4-5"),
    ("gcp.vertex_ai", "gemini-2.5-pro"),
)
_ROUTES: Final = ("/pay", "/orders/{id}", "/search", "/refunds", "/users/{id}", "/health")
_TOOLS: Final = ("lookup_order", "search_documents", "refund", "send_mail", "convert_currency")
_encode: Final = msgspec.json.Encoder().encode


def place() -> Path:
    """The home that holds the store."""
    told = os.environ.get("FLIGHTLOG_BENCH_STORE")
    return Path(told) if told else Path(tempfile.gettempdir()) / "flightlog-bench-store"


class _Pen:
    """Writes the spans of one trace after the other."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.lines: list[Line] = []

    def begin(self, trace_id: str, start: int) -> None:
        self.trace_id, self.start, self.number = trace_id, start, 0

    def prose(self, size: int) -> str:
        """So many characters of sentences, from anywhere."""
        at = self.chance.randrange(len(_PROSE) - size)
        return _PROSE[at : at + size].strip()

    def span(self, name: str, kind: str, parent: str, took_ns: int, **more: Any) -> str:
        """Write a span that begins where the trace stands; its id."""
        self.number += 1
        span_id = f"{(self.number + self.start) * 0x9E3779B97F4A7C15 % 2**64 or 1:016x}"
        fields: dict[str, Any] = {
            "v": 1,
            "type": "span",
            "trace_id": self.trace_id,
            "span_id": span_id,
            "name": name,
            "kind": kind,
            "start": self.start + self.number * 1_000_000,
            "end": self.start + self.number * 1_000_000 + took_ns,
            "status": "ok",
            "thread": "MainThread",
            **more,
        }
        if parent:
            fields["parent_id"] = parent
        self.lines.append(Line(_encode(fields)))
        return span_id

    def took(self, median_ms: float) -> int:
        """A duration: half of them longer than that, a few much longer."""
        return int(median_ms * 1e6 * self.chance.lognormvariate(0, 0.8)) + 1


def agent(pen: _Pen, trace: int) -> None:
    """One run of an agent: twenty spans."""
    chance = pen.chance
    order = chance.randrange(10**7)
    failed = chance.random() < 0.02
    question = f"Order {order}: {pen.prose(chance.randint(60, 300))}"
    if trace % 50_000 == 25_000:
        question += f" {RARE}"
    answer = pen.prose(chance.randint(150, 600))
    context = {
        "session": f"s-{trace // 4}",
        "user": f"u-{chance.randrange(20_000)}",
        "tags": [chance.choice(("beta", "stable")), chance.choice(("eu", "us", "asia"))],
    }
    root = pen.span(
        "agent.run",
        "agent",
        "",
        pen.took(4000),
        input={"question": question},
        output={"answer": answer},
        context=context,
        **({"status": "error", "error": _fault(pen)} if failed else {}),
    )
    plan = pen.span("plan", "function", root, pen.took(3))
    pen.span("load_profile", "db", plan, pen.took(2), attributes=_query("users", order))
    pen.span("load_orders", "db", plan, pen.took(5), attributes=_query("orders", order))
    messages = [
        {"role": "system", "content": _PROSE[1000:1700]},
        {"role": "user", "content": question},
    ]
    provider, model = chance.choice(_MODELS)
    for turn in range(3):
        _call(pen, root, provider, model, messages)
        tool = chance.choice(_TOOLS)
        found = {"order": order, "text": pen.prose(chance.randint(80, 400))}
        span = pen.span(tool, "tool", root, pen.took(120), input={"order": order, "turn": turn}, output=found)
        route = chance.choice(_ROUTES)
        http = pen.span("HTTP GET", "http", span, pen.took(60), attributes=_request(chance, route))
        pen.span("parse", "function", http, pen.took(0.2))
        messages += [
            {"role": "assistant", "content": pen.prose(chance.randint(40, 200))},
            {"role": "tool", "content": found["text"]},
        ]
    _call(pen, root, provider, model, messages)
    pen.span("check_answer", "guardrail", root, pen.took(8), input=answer[:200], output={"fits": True})
    pen.span("save_answer", "db", root, pen.took(4), attributes=_query("answers", order))
    pen.span("send", "http", root, pen.took(40), attributes=_request(chance, "/answers"))


def _call(pen: _Pen, parent: str, provider: str, model: str, messages: list[dict[str, str]]) -> None:
    tokens = sum(len(message["content"]) for message in messages) // 4
    pen.span(
        f"chat {model}",
        "llm",
        parent,
        pen.took(900),
        input={"messages": list(messages)},
        output={"role": "assistant", "content": pen.prose(pen.chance.randint(80, 300))},
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": model,
            "gen_ai.response.model": model,
            "gen_ai.usage.input_tokens": tokens,
            "gen_ai.usage.cache_read.input_tokens": tokens // 3,
            "gen_ai.usage.output_tokens": pen.chance.randint(20, 400),
            "gen_ai.response.time_to_first_chunk": round(pen.chance.uniform(0.1, 0.9), 3),
        },
    )


def _fault(pen: _Pen) -> dict[str, str]:
    return {"type": "TimeoutError", "message": pen.prose(60), "stack": f"Traceback …\n{pen.prose(700)}"}


def _query(table: str, key: int) -> dict[str, Any]:
    return {
        "db.system.name": "postgresql",
        "db.query.text": f"SELECT * FROM {table} WHERE id = $1",
        "rows": key % 7,
    }


def _request(chance: random.Random, route: str) -> dict[str, Any]:
    status = 200 if chance.random() < 0.97 else chance.choice((404, 429, 500))
    return {"http.route": route, "http.response.status_code": status, "server.address": "api.example.com"}


def _piece(number: int, traces: int) -> list[Line]:
    """The lines of one piece of the month."""
    pen = _Pen(number)
    for trace in range(number * TRACES_A_PIECE, min((number + 1) * TRACES_A_PIECE, traces)):
        trace_id = f"{(trace + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}"
        pen.begin(trace_id, END - (traces - 1 - trace) * (MONTH_NS // traces))
        agent(pen, trace)
    return pen.lines


def _special() -> list[Line]:
    """The traces that are measured by themselves; they began before all others."""
    pen = _Pen(-1)
    pen.begin(LARGE, END - MONTH_NS - 3600 * 10**9)
    _nested(pen, (100, 10, 99))
    for trace_id in PAIR:
        pen.chance = random.Random(7)
        pen.begin(trace_id, END - MONTH_NS - 1800 * 10**9)
        _nested(pen, (10, 9, 10), differs=trace_id == PAIR[1])
    for number, trace_id in enumerate(MIDDLING):
        pen.begin(trace_id, END - MONTH_NS - (900 - number) * 10**9)
        root = pen.span("agent.run", "agent", "", 10**9, input={"question": pen.prose(200)})
        for place in range(199):
            pen.span(
                f"step_{place % 12}",
                "tool",
                root,
                pen.took(5),
                input={"text": pen.prose(700)},
                output={"text": pen.prose(900)},
                attributes={"place": place},
            )
    return pen.lines


def _nested(pen: _Pen, widths: tuple[int, int, int], *, differs: bool = False) -> None:
    """A trace of three levels of repeated work; with a few other inputs, a step more and a slower one."""
    batches, documents, steps = widths
    root = pen.span("index_everything", "run", "", pen.took(60_000))
    for batch in range(batches):
        above = pen.span("batch", "step", root, pen.took(600), input={"batch": batch})
        for document in range(documents):
            text = pen.prose(120)
            name = "read_document" if not (differs and document == 5) else "read_document_again"
            inner = pen.span(
                name, "function", above, pen.took(50), input={"document": document, "text": text}
            )
            for step in range(steps - (differs and batch == 3)):
                slow = 40 if differs and step == 2 else 1
                pen.span(f"part_{step % 9}", "function", inner, pen.took(0.4) * slow)


def build(home: Path, spans: int) -> None:
    """Make the store, or what is missing of it; says how far it is."""
    home.mkdir(parents=True, exist_ok=True)
    traces = spans // SPANS_A_TRACE
    pieces = -(-traces // TRACES_A_PIECE)
    begun, first = time.monotonic(), None
    with closing(open_writer(home / "store.db", cache_kib=256 * 1024)) as writer:
        for piece, process, lines in _missing(writer, pieces, traces):
            first = piece if first is None else first
            if shutil.disk_usage(home).free < _LEAST_FREE:
                sys.exit(
                    f"less than {_LEAST_FREE / 2**30:.0f} GiB are free in {home}; nothing more is written"
                )
            writer.append([Chunk(process, lines, Cursor(0, piece + 1))])
            if piece % 20 == 0:
                _tell(piece - first + 1, pieces + _SPECIAL_PIECES - first, time.monotonic() - begun)
    _price(home)
    size = (home / "store.db").stat().st_size
    print(f"\n{home}: {traces * SPANS_A_TRACE:,} spans, {size / 1e9:.1f} GB", flush=True)


def _price(home: Path) -> None:
    """Have the store remember what its calls cost, as commands do a little at a time."""
    settings = load_settings()
    pricing = Pricing(settings)
    with closing(open_writer(home / "store.db", cache_kib=256 * 1024)) as writer:
        while writer.price_calls(pricing, 5_000):
            pass


def _missing(writer: Writer, pieces: int, traces: int) -> Iterator[tuple[int, Process, list[Line]]]:
    """What the store does not have yet, with who wrote it."""
    for piece in range(pieces + _SPECIAL_PIECES):
        process = _SERVICES[piece % len(_SERVICES)]
        if writer.cursor(process.process_id).offset <= piece:
            yield piece, process, _special() if piece == 0 else _piece(piece - 1, traces)


def _tell(done: int, all_of: int, seconds: float) -> None:
    rate = done * TRACES_A_PIECE * SPANS_A_TRACE / seconds
    left = (all_of - done) * seconds / done
    print(f"\r{100 * done / all_of:5.1f} %  {rate:8,.0f} spans/s  {left:6,.0f} s left", end="", flush=True)


def main(arguments: list[str]) -> None:
    """Make it where the environment says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--spans", type=int, default=SPANS, help="how many (default: %(default)s)")
    build(place(), parser.parse_args(arguments).spans)


if __name__ == "__main__":
    main(sys.argv[1:])
