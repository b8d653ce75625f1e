"""What the SQLite store costs: appends beside their floor, in a busy program, and the two commonest questions.

    taskset -c 1 python bench/store_bench.py
    taskset -c 1 python bench/store_bench.py --chat    only what a conversation takes

`run` answers (name, value, unit) for `bench/run.py`. The in-process part needs two cores, so it is not pinned:
windows with and without the indexing thread alternate, and the median of their ratios counts.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from flightlog.records.cursor import Cursor
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.store.open import open_reader, open_writer
from flightlog.store.port import Chunk

START = 1_763_653_000_000_000_000
PROCESS = Process(process_id="7" * 32, pid=7, host="bench", service="bench", started=START)
SPANS_A_TRACE = 20
NAMES = 40
BATCH = 2000
TEXT_BYTES = 1250
"""Of a long line; the rest of its 1.5 KB is the span itself."""

Result = tuple[str, float, str]


TURNS = 50
MANY = 10
TURN_BYTES = 2000
"""Of what is said in a turn, half by the user and half by the model; each request holds all turns before it."""


def conversation(key: str = "messages", number: int = 2) -> list[Line]:
    """Model calls of one conversation, each with a request that holds all of it; no request for no key."""
    chance = random.Random(number)
    words = ["".join(chance.choices("etaoinshrdlucm", k=chance.randint(2, 9))) for _ in range(3000)]
    messages, made = [], []
    for turn in range(TURNS):
        for role in ("assistant", "user") if turn else ("user",):
            text = " ".join(chance.choices(words, k=TURN_BYTES // 13))
            messages.append({"role": role, "content": text})
        start = START + turn * 10**9
        fields = {
            "v": 1,
            "type": "span",
            "trace_id": "c" * 32 if number == 2 else f"{number:032x}",
            "span_id": _span_id(turn),
            "name": "chat m-1",
            "kind": "llm",
            "start": start,
            "end": start + 10**8,
            "status": "ok",
            "input": {key: messages} if key else {},
            "attributes": {"gen_ai.request.model": "m-1"},
        }
        made.append(Line(msgspec.json.encode(fields)))
    return made


def lines(
    count: int,
    *,
    text_bytes: int = 0,
    spans_a_trace: int = SPANS_A_TRACE,
    first: int = 0,
    step_ns: int = 50_000,
) -> list[Line]:
    """Ended spans of about 250 bytes, numbered from `first`, with a text that repeats nothing but words."""
    chance = random.Random(1)
    words = [chance.choice(("alpha", "beta", "the", "of", "question", "answer", "is")) for _ in range(5000)]
    made = []
    for number in range(first, first + count):
        trace, place = divmod(number, spans_a_trace)
        start = START + number * step_ns
        fields: dict[str, Any] = {
            "v": 1,
            "type": "span",
            "trace_id": f"{(trace + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}",
            "span_id": _span_id(number),
            "name": f"step_{number % NAMES}",
            "kind": "function",
            "start": start,
            "end": start + int(chance.lognormvariate(14, 1)),
            "status": "ok",
            "thread": "MainThread",
        }
        if place:
            fields["parent_id"] = _span_id(trace * spans_a_trace)
        if text_bytes:
            at = chance.randrange(len(words) // 2)
            text = f"{number} {' '.join(words[at : at + text_bytes // 4])}"[:text_bytes]
            fields["input"] = {"messages": [{"role": "user", "content": text}]}
        made.append(Line(msgspec.json.encode(fields)))
    return made


def run(quick: bool) -> list[Result]:
    """Every number of this room."""
    small, long = (20_000, 10_000) if quick else (200_000, 50_000)
    return [
        *_appends("small", lines(small), repeats=3 if quick else 5),
        *_appends("long", lines(long, text_bytes=TEXT_BYTES), repeats=3),
        *_conversations(repeats=3 if quick else 9),
        *_in_process(seconds=0.5 if quick else 1.5, windows=3 if quick else 7),
        *_questions(20_000 if quick else 1_000_000),
    ]


def _appends(name: str, made: Sequence[Line], repeats: int) -> Iterator[Result]:
    with _pinned():
        samples = [_append_once(made) for _ in range(repeats)]
    rates, floors, sizes = zip(*samples, strict=True)
    line_bytes = sum(map(len, made)) / len(made)
    yield f"store: line of a {name} span", line_bytes, "bytes"
    yield f"store: append {name} spans", median(rates), "spans/s"
    yield (
        f"store: floor, executemany of the same rows into one plain table ({name})",
        median(floors),
        "rows/s",
    )
    yield f"store: disk for a {name} span", median(sizes), "bytes"


def _conversations(repeats: int) -> Iterator[Result]:
    """What a conversation takes beside its rows: as it is stored, and with each request as one payload."""
    made, whole, none = conversation(), conversation("whole"), conversation("")
    requests = sum(map(len, made)) - sum(map(len, none))
    yield f"store: requests of a conversation of {TURNS} turns", requests, "bytes"
    growths, payloads = [], []
    with _pinned(), _directory() as directory:
        _fill(directory / "none.db", none)
        rows = (directory / "none.db").stat().st_size
        for name, calls in (("by message", made), ("each whole", whole)):
            places = [directory / f"{name}-{number}.db" for number in range(repeats)]
            took = median([_fill_timed(place, calls) for place in places])
            growths.append(places[0].stat().st_size - rows)
            with closing(open_reader(places[0])) as reader:
                sizes = reader.sizes()
                payloads.append(sizes.payload_bytes)
                yield f"store: payloads that hold them {name}", sizes.payloads, ""
                yield f"store: bytes of the payloads {name}", payloads[-1], "bytes"
                yield f"store: growth of the file {name}", growths[-1], "bytes"
                yield f"store: append a turn {name}", 1e6 * took / TURNS, "us"
                yield f"store: spans(it) {name}", 1e3 * _median(lambda: reader.spans("c" * 32)), "ms"
    share = "store: a conversation by message, of"
    yield f"{share} the growth of the file with each request whole", 100 * growths[0] / growths[1], "%"
    yield f"{share} the payloads with each request whole", 100 * payloads[0] / payloads[1], "%"
    yield f"{share} the text of all requests (growth of the file)", 100 * growths[0] / requests, "%"
    many, wholes = (_growth_of_many(key) / MANY for key in ("messages", "whole"))
    yield f"store: growth of the file for each of {MANY} conversations in one store", many, "bytes"
    yield f"{share} the text of all requests (one of {MANY} in one store)", 100 * many / requests, "%"
    yield f"{share} the growth with each request whole (one of {MANY} in one store)", 100 * many / wholes, "%"


def _growth_of_many(key: str) -> int:
    """By how much more a file grows by conversations than by calls without requests; indexes count fully here."""
    sizes = []
    with _directory() as directory:
        for name in (key, ""):
            place = directory / f"{name}.db"
            for number in range(100, 100 + MANY):
                _fill(place, conversation(name, number))
            sizes.append(place.stat().st_size)
    return sizes[0] - sizes[1]


def _fill_timed(place: Path, made: Sequence[Line]) -> float:
    return _timed(lambda: _fill(place, made))


def _append_once(made: Sequence[Line]) -> tuple[float, float, float]:
    """Rate of the store, rate of the floor right after it, and the file's bytes for each span."""
    with _directory() as directory:
        store, floor = directory / "store.db", directory / "floor.db"
        took = _timed(lambda: _fill(store, made))
        rows = _rows(store)
        floor_took = _timed(lambda: _fill_floor(floor, rows))
        return len(made) / took, len(rows) / floor_took, store.stat().st_size / len(made)


def _in_process(seconds: float, windows: int) -> Iterator[Result]:
    """A busy main thread beside 10,000 small spans a second, indexed by a thread and then by a process.

    The process shares nothing but the machine, so what the busy thread loses beside it is the floor.
    """
    steps = _steps_of_100_us()
    backlog = lines(int(10_000 * seconds) + BATCH)
    results: dict[str, list[tuple[float, float, float]]] = {"thread": [], "process": []}
    with _directory() as directory:
        for number in range(windows):
            alone, _ = _busy(steps, seconds / 2, lambda: False)
            for kind, found in results.items():
                found.append(_beside(kind, directory / f"{kind}-{number}.db", backlog, steps, alone))
    for kind, found in results.items():
        shares, p99s, rates = zip(*found, strict=True)
        yield f"store: indexing by a {kind} beside a busy thread", median(rates), "spans/s"
        yield f"store: rate that the busy thread keeps beside a {kind}", 100 * median(shares), "%"
        yield f"store: p99 of its 100 us iterations beside a {kind}", 1e3 * median(p99s), "ms"


def _beside(
    kind: str, place: Path, backlog: Sequence[Line], steps: int, alone: float
) -> tuple[float, float, float]:
    """Share of its rate that the busy thread keeps, p99 of an iteration in seconds, spans indexed a second."""
    fork = multiprocessing.get_context("fork")
    # A lock that processes share gives up the interpreter lock at each look; a thread's event does not.
    events, worker = (threading, threading.Thread) if kind == "thread" else (fork, fork.Process)
    ready, done, rate = events.Event(), events.Event(), fork.Value("d")
    other = worker(target=_index, args=(place, backlog, ready, done, rate), daemon=True)
    other.start()
    ready.wait()
    beside, p99 = _busy(steps, 60, done.is_set)
    other.join()
    return beside / alone, p99, rate.value


def _index(place: Path, backlog: Sequence[Line], ready: Any, done: Any, rate: Any) -> None:
    with closing(open_writer(place)) as writer:
        writer.append([Chunk(PROCESS, backlog[:BATCH])])
        ready.set()
        begun, count = time.perf_counter(), 0
        for at in range(BATCH, len(backlog), BATCH):
            part = backlog[at : at + BATCH]
            writer.append([Chunk(PROCESS, part, Cursor(0, at))])
            count += len(part)
            ahead = count / 10_000 - (time.perf_counter() - begun)
            if ahead > 0:
                time.sleep(ahead)
        rate.value = count / (time.perf_counter() - begun)
    done.set()


def _busy(steps: int, seconds: float, until: Callable[[], bool]) -> tuple[float, float]:
    """Iterations a second of about 100 us each, and the 99th percentile of one, in seconds."""
    took: list[float] = []
    clock = time.perf_counter
    deadline = clock() + seconds
    while (begun := clock()) < deadline and not until():
        _work(steps)
        took.append(clock() - begun)
    took.sort()
    return len(took) / sum(took), took[int(len(took) * 0.99)]


def _work(steps: int) -> int:
    total = 0
    for number in range(steps):
        total += number * number
    return total


def _steps_of_100_us() -> int:
    return max(1, int(1000 * 100e-6 / min(_timed(lambda: _work(1000)) for _ in range(300))))


def _questions(spans: int) -> Iterator[Result]:
    with _pinned(), _directory() as directory:
        place = directory / "s.db"
        _fill(place, lines(spans))
        _fill(place, lines(10_000, text_bytes=200, spans_a_trace=10_000, first=10**9))
        with closing(open_reader(place)) as reader:
            big = reader.traces(1)[0].trace_id
            yield f"store: traces(50) of {spans:,} spans", 1e3 * _median(lambda: reader.traces(50)), "ms"
            yield "store: spans(a trace of 10,000 spans)", 1e3 * _median(lambda: reader.spans(big)), "ms"
            yield f"store: sizes() of {spans:,} spans", 1e3 * _median(reader.sizes), "ms"
            yield f"store: verify() of {spans:,} spans", _timed(reader.verify), "s"


def _span_id(number: int) -> str:
    return f"{(number + 1) * 0x9E3779B97F4A7C15 % 2**64:016x}"


def _fill(place: Path, made: Sequence[Line]) -> None:
    with closing(open_writer(place)) as writer:
        for at in range(0, len(made), BATCH):
            writer.append([Chunk(PROCESS, made[at : at + BATCH], Cursor(0, at))])


def _rows(place: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(place)) as connection:
        return connection.execute(
            "SELECT s.*, p.z FROM spans s LEFT JOIN payload_refs r ON r.span = s.id"
            " LEFT JOIN payloads p ON p.id = r.payload"
        ).fetchall()


def _fill_floor(place: Path, rows: Sequence[tuple[Any, ...]]) -> None:
    with closing(sqlite3.connect(place, isolation_level=None)) as connection:
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        width = len(rows[0])
        connection.execute(f"CREATE TABLE plain ({', '.join(f'c{n}' for n in range(width))})")
        statement = f"INSERT INTO plain VALUES ({', '.join('?' * width)})"
        for at in range(0, len(rows), BATCH):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(statement, rows[at : at + BATCH])
            connection.execute("COMMIT")


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _median(work: Callable[[], object]) -> float:
    work()
    return median(_timed(work) for _ in range(9))


@contextmanager
def _directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="flightlog-bench-") as name:
        yield Path(name)


@contextmanager
def _pinned() -> Iterator[None]:
    """One core, where the system lets a program choose."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


if __name__ == "__main__":
    for what, value, unit in _conversations(9) if "--chat" in sys.argv else run(quick="--quick" in sys.argv):
        print(f"{what:<80} {value:>14,.2f} {unit}")
