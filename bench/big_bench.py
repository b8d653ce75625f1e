"""What a store of ten million spans answers, and how fast: the questions that people ask most, warm, medians.

    make bench-store                 once; makes the store, or goes on with it
    python bench/run.py big

The store is that of `big_store.py`; where none was made, that is said and nothing is measured. A row in processor time
has a program's start in it, and no wait for the machine's other work.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import median

import big_store
from flightlog.configure import load_settings
from flightlog.pricelist import Pricing
from flightlog.questions.parsing import parse
from flightlog.records.question import Pattern
from flightlog.records.traces import Selection
from flightlog.store.open import open_reader
from flightlog.store.port import Reader
from flightlog.store.textport import Search

Row = tuple[str, float, str]
_ROUNDS = 9


def run(quick: bool) -> list[Row]:
    """Measure each subject and return (name, value, unit) rows."""
    home = big_store.place()
    if not (home / "store.db").exists():
        print(f"  no store in {home}; `make bench-store` makes it")
        return []
    rounds = 3 if quick else _ROUNDS
    commands = [*_commands(home, 3 if quick else 5)]  # first: a child begins with the memory of its parent
    pricing = Pricing(load_settings())
    with closing(
        open_reader(home / "store.db", price=pricing.price, price_version=pricing.version)
    ) as reader:
        return [*_answers(reader, rounds), *commands]


def _answers(reader: Reader, rounds: int) -> Iterator[Row]:
    sizes = reader.sizes()
    yield "spans", sizes.spans, ""
    yield "bytes of the store for a span", sizes.bytes_on_disk / sizes.spans, "bytes"
    questions = {
        "model, duration and an attribute": "model:gpt-4o* duration>5s attr.gen_ai.usage.output_tokens>350",
        "cost of a call": "cost>$0.02",
        "cost of a trace": "trace(cost>$0.03)",
    }
    subjects: dict[str, Callable[[], object]] = {
        "newest 50 traces with what they add up to": lambda: reader.traces(50),
        "a trace of 200 spans with its values": lambda: reader.spans(big_store.MIDDLING[0]),
        "statistics by name over all": lambda: reader.figures(("name",)),
        "statistics by name, by kind and by model over all, with when": lambda: reader.figures(
            ("name", "kind", "model"), slots=12
        ),
        "statistics by name and model over all": lambda: reader.figures(("name,model",)),
    }
    for what, text in questions.items():
        asked = Selection(question=parse(text))
        subjects[f"newest 50 traces by {what}"] = lambda asked=asked: reader.traces(50, asked)  # type: ignore[misc]  # bound now
    state = reader.text_state()
    if (
        state.is_there and not state.rows_behind
    ):  # `flightlog search` brings it up to date, a few seconds at a time
        subjects["a rare word"] = lambda: reader.search(Search([Pattern((big_store.RARE,))]), 50)
    for what, subject in subjects.items():
        yield what, 1e3 * _median(subject, rounds), "ms"
    day = big_store.END - 86_400 * 10**9
    yield (
        "statistics by user over the last day, each span looked at",
        _once(lambda: reader.figures(("user",), since=day)),
        "s",
    )


def _commands(home: Path, rounds: int) -> Iterator[Row]:
    yield "`flightlog list`", 1e3 * median(_command(home, "list")[0] for _ in range(rounds)), "ms"
    yield "`flightlog stats`", 1e3 * median(_command(home, "stats")[0] for _ in range(rounds)), "ms"
    for what, args in {
        "`flightlog trace` of 100,000 spans": ("trace", big_store.LARGE),
        "`flightlog show --why` of 100,000 spans": ("show", big_store.LARGE, "--why"),
        "`flightlog diff` of two traces of 1,000 spans": ("diff", *big_store.PAIR),
    }.items():
        found = [_command(home, *args) for _ in range(min(3, rounds))]
        yield what, median(wall for wall, _, _ in found), "s"
        yield f"{what}: processor time", median(cpu for _, cpu, _ in found), "s"
        yield f"{what}: memory", median(held for _, _, held in found), "MiB"


def _command(home: Path, *args: str) -> tuple[float, float, float]:
    """Seconds, seconds of the processor, and MiB at most, of a command."""
    environment = {**os.environ, "FLIGHTLOG_HOME": str(home)}
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "flightlog", *args], env=environment, stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    took = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return took, _processor(used), used.ru_maxrss / 1024


def _processor(used: resource.struct_rusage) -> float:
    return used.ru_utime + used.ru_stime


def _median(subject: Callable[[], object], rounds: int) -> float:
    subject()
    return median(_once(subject) for _ in range(rounds))


def _once(subject: Callable[[], object]) -> float:
    begun = time.perf_counter()
    subject()
    return time.perf_counter() - begun
