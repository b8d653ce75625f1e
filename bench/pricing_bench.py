"""What money costs: reading the prices, finding a model's, pricing calls, and the answer of `flightlog cost`.

    taskset -c 1 python bench/pricing_bench.py

The floor of a priced call is what nobody can leave out: three counts looked up, multiplied and added. That of the
answer is reading the same calls out of the store without pricing any.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import msgspec

from flightlog.analysis.spending import spending_by
from flightlog.configure import load_settings
from flightlog.pricelist import Pricing
from flightlog.pricing.book import PriceBook
from flightlog.pricing.snapshot import FILE, Snapshot
from flightlog.records import genai
from flightlog.records.callfacts import CallFacts
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.store.open import open_reader, open_writer
from flightlog.store.port import Chunk, Writer

START = 1_763_653_000_000_000_000
CALLS = 100_000
ROUNDS = 5
BATCH = 2_000
MODELS = (
    ("openai", "gpt-4o-2024-08-06"),
    ("openai", "gpt-4.1-mini"),
    ("anthropic", "claude-sonnet-4-5"),
    ("aws.bedrock", "us.anthropic.claude-sonnet-4-20250514-v1:0"),
    ("gcp.vertex_ai", "gemini-2.5-pro"),
    ("ollama", "llama3"),
)
Row = tuple[str, float, str]


def attributes(number: int) -> dict[str, object]:
    """Those of one call."""
    provider, model = MODELS[number % len(MODELS)]
    return {
        genai.OPERATION: "chat",
        genai.PROVIDER: provider,
        genai.REQUEST_MODEL: model,
        genai.RESPONSE_MODEL: model,
        genai.RESPONSE_ID: f"chatcmpl-{number}",
        genai.FINISH_REASONS: ["stop"],
        genai.INPUT_TOKENS: 1000 + number % 5000,
        genai.CACHE_READ_TOKENS: number % 900,
        genai.OUTPUT_TOKENS: 100 + number % 400,
    }


def call(number: int) -> CallFacts:
    """One call as the store gives it."""
    return CallFacts(
        trace_id=f"{number // 20:032x}",
        span_id=f"{number:016x}",
        start=START + number * 10**6,
        status="ok",
        name="chat",
        kind="llm",
        attributes=attributes(number),
    )


def run(quick: bool) -> list[Row]:
    """Measure each subject and return (name, value, unit) rows."""
    number, rounds = (5_000, 2) if quick else (CALLS, ROUNDS)
    calls = [call(each) for each in range(number)]
    data = FILE.read_bytes()
    book = PriceBook()
    models = [calls[each : each + 1] for each in range(len(MODELS))]
    return [
        ("size of the prices", len(data) / 1024, "KiB"),
        ("read the prices", _timed(lambda: msgspec.json.decode(data, type=Snapshot), rounds) * 1e3, "ms"),
        (
            "find six models for the first time",
            _timed(lambda: _priced(PriceBook(), models), rounds) * 1e3,
            "ms",
        ),
        (f"floor: three counts of {number:,} calls, multiplied", _timed(lambda: _floor(calls), rounds), "s"),
        (f"price {number:,} calls", _timed(lambda: _priced(book, [calls]), rounds), "s"),
        (f"price and add up {number:,} calls by model", _timed(lambda: _added(book, calls), rounds), "s"),
        *_of_store(book, number, 2 if quick else 3),
    ]


def _of_store(book: PriceBook, number: int, rounds: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "store.db"
        writer = open_writer(path)
        process = Process(process_id="7" * 32, pid=7, host="bench", service="bench", started=START)
        for place in range(0, number, BATCH):
            writer.append(
                [Chunk(process, [_line(each) for each in range(place, min(place + BATCH, number))])]
            )
        took = _remembering(writer)
        writer.close()
        reader = open_reader(path)
        rows = [
            (f"have the store remember what {number:,} calls cost", took, "s"),
            (f"floor: read {number:,} calls from the store", _timed(lambda: _read(reader), rounds), "s"),
            (
                f"`flightlog cost` over {number:,} calls, without the start of the command",
                _timed(lambda: _added(book, reader.model_calls()), rounds),
                "s",
            ),
        ]
        reader.close()
    return rows


def _remembering(writer: Writer) -> float:
    """Seconds that the store takes to price everything, by prices that it has not seen yet."""
    prices = Pricing(load_settings())
    begun = perf_counter()
    while writer.price_calls(prices, 1000):
        pass
    return perf_counter() - begun


def _line(number: int) -> Line:
    start = START + number * 10**6
    fields = {
        "v": 1,
        "type": "span",
        "trace_id": f"{number // 20:032x}",
        "span_id": f"{number:016x}",
        "name": "chat",
        "kind": "llm",
        "start": start,
        "end": start + 10**6,
        "status": "ok",
        "attributes": attributes(number),
        "context": {"session": f"s-{number // 100}"},
    }
    return Line(msgspec.json.encode(fields))


def _read(reader) -> int:
    return sum(1 for _ in reader.model_calls())


def _floor(calls: list[CallFacts]) -> int:
    names = (
        (genai.INPUT_TOKENS, 2_500_000),
        (genai.CACHE_READ_TOKENS, 1_250_000),
        (genai.OUTPUT_TOKENS, 10**7),
    )
    return sum(each.attributes[name] * rate for each in calls for name, rate in names)


def _priced(book: PriceBook, many: list[list[CallFacts]]) -> int:
    return sum(book.charge(each).pico_usd or 0 for calls in many for each in calls)


def _added(book: PriceBook, calls) -> int:
    return spending_by("model", calls, book.charge)[1].pico_usd


def _timed(work: Callable[[], object], rounds: int) -> float:
    """Seconds, the median of some rounds."""
    taken = []
    for _ in range(rounds):
        began = perf_counter()
        work()
        taken.append(perf_counter() - began)
    return median(taken)


if __name__ == "__main__":
    for what, value, unit in run(quick=False):
        print(f"{what:<76} {value:>12.4g} {unit}")
