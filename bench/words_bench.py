"""The index of words: what it takes to make, and how the time for a rare word grows with the store.

    python bench/run.py words

Two stores of `big_store.py`'s traces, one four times the other. All times are processor time on one core.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import median

import big_store
from flightlog.questions.parsing import parse
from flightlog.records.question import Pattern
from flightlog.records.traces import Selection
from flightlog.store.open import open_reader, open_texts
from flightlog.store.port import Reader
from flightlog.store.textport import Search

Row = tuple[str, float, str]
SPANS = (100_000, 400_000)
_ROUNDS = 9


def run(quick: bool) -> list[Row]:
    """Measure each subject and return (name, value, unit) rows."""
    rows: list[Row] = []
    for spans in (5_000, 20_000) if quick else SPANS:
        with tempfile.TemporaryDirectory() as directory:
            home = Path(directory)
            big_store.build(home, spans)
            rows += _measured(home)
    return rows


def _measured(home: Path) -> Iterator[Row]:
    store = home / "store.db"
    began = time.process_time()
    texts, longest = _index(store)
    took = time.process_time() - began
    with closing(open_reader(store)) as reader:
        spans = reader.sizes().spans
        of = f"of {spans:,} spans"
        yield f"texts {of}", texts, ""
        yield f"indexed {of}", texts / took, "texts/s"
        yield f"longest step {of}", longest * 1e3, "ms"
        yield f"index {of}", reader.text_state().bytes_on_disk / spans, "bytes a span"
        for what, ask in _questions(reader).items():
            yield f"{what} {of}", _median_ms(ask), "ms"


def _index(store: Path) -> tuple[int, float]:
    """Index everything; how many texts, and how long the longest step took."""
    texts, longest = 0, 0.0
    with closing(open_texts(store)) as index:
        while True:
            began = time.process_time()
            step = index.step()
            longest = max(longest, time.process_time() - began)
            texts += step.texts
            if not step.more:
                return texts, longest


def _questions(reader: Reader) -> dict[str, Callable[[], object]]:
    rare = big_store.RARE
    question = Selection(question=parse(f"text:{rare}"))
    return {
        "search a rare word": lambda: reader.search(Search([Pattern((rare,))]), 20),
        "search a common word": lambda: reader.search(Search([Pattern(("the",))]), 20),
        "newest traces with a rare word": lambda: reader.traces(50, question),
    }


def _median_ms(work: Callable[[], object]) -> float:
    work()
    times = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return median(times) * 1e3
