"""How fast OTLP is read, beside the generated classes, and how fast it is imported."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from flightlog.codecs.otlp import json, protobuf
from flightlog.codecs.otlp.encoding import Outgoing
from flightlog.codecs.otlp.encoding import json as as_json
from flightlog.codecs.otlp.encoding import protobuf as as_protobuf
from flightlog.codecs.otlp.messages import EventMessage, Resource, Scope, SpanMessage
from flightlog.codecs.otlp.reading import Reader
from flightlog.imports.pen import Pen
from flightlog.redaction.gate import DefaultGate

BATCH = 500
_EPOCH = 1_763_653_000_000_000_000


def _span(draw: random.Random, number: int, trace_id: str, parent_id: str) -> SpanMessage:
    """A span with nine attributes, four of which hardly ever repeat, and an event on every tenth."""
    start = _EPOCH + number * 1000
    events = [
        EventMessage(
            start + 5, "exception", [("exception.type", "ValueError"), ("exception.message", f"bad {number}")]
        )
    ]
    return SpanMessage(
        trace_id=trace_id,
        span_id=f"{draw.getrandbits(64) | 1:016x}",
        parent_id=parent_id,
        flags=257,
        name=draw.choice(["GET /cart", "chat gpt", "SELECT items", "render"]),
        kind=draw.randint(1, 3),
        start=start,
        end=start + draw.randint(1, 10**9),
        attributes=[
            ("http.request.method", draw.choice(["GET", "POST"])),
            ("url.path", f"/cart/{draw.randint(1, 10**6)}"),
            ("http.response.status_code", draw.choice([200, 404, 500])),
            ("server.address", "shop.example.org"),
            ("gen_ai.usage.input_tokens", draw.randint(1, 10**5)),
            ("gen_ai.request.stream", True),
            ("score", draw.random()),
            ("user.id", f"u-{draw.randint(1, 1000)}"),
            ("gen_ai.request.model", "gpt-4.1-mini"),
        ],
        events=events if draw.random() < 0.1 else [],
    )


def batch(seed: int, of_a_trace: int = 10, services: int = 1) -> list[Outgoing]:
    """A request of 500 spans; another seed, others, and later ones the greater it is.

    Args:
        seed: what is drawn, and when it was.
        of_a_trace: spans of each trace; those after its first are below one of those before them.
        services: that tell of them in turn.
    """
    draw = random.Random(seed)
    spans: list[SpanMessage] = []
    for number in range(seed * BATCH, (seed + 1) * BATCH):
        place = (number - seed * BATCH) % of_a_trace
        trace_id = spans[-1].trace_id if place else f"{draw.getrandbits(128) | 1:032x}"
        parent_id = draw.choice(spans[-place:]).span_id if place else ""
        spans.append(_span(draw, number, trace_id, parent_id))
    return [
        Outgoing(_resource(service), Scope("bench", "1.0"), spans[service::services])
        for service in range(services)
    ]


def _resource(service: int) -> Resource:
    """One of the services; the first is the shop."""
    name = f"service {service}" if service else "shop"
    return Resource([("service.name", name), ("host.name", "h1"), ("process.pid", 77 + service)])


def _reader(form: Any) -> Callable[[bytes], None]:
    """What turns a request into lines; the gate is on."""
    pen = Pen(DefaultGate(b"bench"), 256 * 1024)

    def bad(place: str, why: str) -> None:
        raise AssertionError(f"{place}: {why}")

    reader = Reader(form, pen, bad=bad)

    def read(data: bytes) -> None:
        groups = protobuf.resources(data, 0, len(data)) if form is protobuf else json.resources(data)
        for _ in reader.read(groups):
            pass

    return read


def _generated() -> Callable[[bytes], None] | None:
    """The same lines by way of the generated classes and dictionaries, without a gate; None without the package."""
    try:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    except ImportError:
        return None
    encode = msgspec.json.Encoder().encode

    def members(attributes: Any) -> dict[str, Any]:
        return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}

    def read(data: bytes) -> None:
        for group in ExportTraceServiceRequest.FromString(data).resource_spans:
            for scoped in group.scope_spans:
                for span in scoped.spans:
                    for event in span.events:
                        encode(
                            {
                                "name": event.name,
                                "time": event.time_unix_nano,
                                "attributes": members(event.attributes),
                            }
                        )
                    encode(
                        {
                            "v": 1,
                            "type": "span",
                            "trace_id": span.trace_id.hex(),
                            "span_id": span.span_id.hex(),
                            "parent_id": span.parent_span_id.hex(),
                            "name": span.name,
                            "start": span.start_time_unix_nano,
                            "end": span.end_time_unix_nano,
                            "status": "ok" if span.status.code < 2 else "error",
                            "attributes": members(span.attributes),
                            "otel": {"kind": span.kind, "flags": span.flags},
                        }
                    )

    return read


def _rate(make: Callable[[], Callable[[bytes], None] | None], batches: list[bytes], rounds: int) -> float:
    """Spans a second of processor time, the median of some rounds; each begins with nothing in mind."""
    rates = []
    for _ in range(rounds):
        read = make()
        assert read is not None
        read(batches[0])
        begun = time.process_time()
        for data in batches:
            read(data)
        rates.append(len(batches) * BATCH / (time.process_time() - begun))
    return sorted(rates)[rounds // 2]


def _import_rate(spans: int, of_a_trace: int, services: int) -> float:
    """Spans a second of `flightlog import`, the start of the interpreter and the store included."""
    with tempfile.TemporaryDirectory(prefix="flightlog-bench-") as scratch:
        path = Path(scratch) / "spans.pb"
        with path.open("wb") as file:
            for seed in range(spans // BATCH):
                file.write(as_protobuf(batch(seed, of_a_trace, services)))
        environment = {**os.environ, "FLIGHTLOG_HOME": str(Path(scratch) / "home")}
        command = [sys.executable, "-m", "flightlog", "import", str(path)]
        begun = time.perf_counter()
        subprocess.run(command, env=environment, check=True, capture_output=True)
        return spans / (time.perf_counter() - begun)


def run(quick: bool) -> list[tuple[str, float, str]]:
    """Measure each way and return (name, value, unit) rows."""
    rounds, count = (1, 10) if quick else (7, 40)
    spans = int(os.environ.get("FLIGHTLOG_BENCH_SPANS", "20000" if quick else "200000"))
    same = batch(1)
    others = [batch(seed) for seed in range(2, 2 + count)]
    rows = []
    for what, make, encode in (
        ("protobuf to lines, gate on", lambda: _reader(protobuf), as_protobuf),
        ("JSON to lines, gate on", lambda: _reader(json), lambda groups: as_json(groups, logs=False)),
        ("generated classes and a walk, no gate", _generated, as_protobuf),
    ):
        if what.startswith("generated") and _generated() is None:
            continue
        rows.append(
            (
                f"{what}: the same 500 spans again and again",
                _rate(make, [encode(same)] * count, rounds),
                "spans/s",
            )
        )
        rows.append(
            (f"{what}: every batch another", _rate(make, [encode(one) for one in others], rounds), "spans/s")
        )
    for of_a_trace, services in ((10, 1), (3, 3), (1, 1)):
        shape = f"{of_a_trace} a trace" + (f" of {services} services" if services > 1 else "")
        called = f"flightlog import, protobuf, {spans:,} spans, {shape}, end to end"
        rows.append((called, _import_rate(spans, of_a_trace, services), "spans/s"))
    return rows


if __name__ == "__main__":
    for label, value, unit in run(quick=False):
        print(f"{label:80} {value:12,.0f} {unit}")
