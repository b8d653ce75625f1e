"""What the explorer shows, read from a home: one question at a time, on a thread of its own.

The screen never waits for the store. Every question opens the store and closes it again, so a home that is deleted,
made anew or migrated meanwhile is met as it is, and nothing is held that a writer would have to wait for. What is
remembered is bounded by what is shown.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from time import time_ns
from typing import Final, ParamSpec, TypeVar

from msgspec import Struct

from flightlog.analysis.overview import Overview, overview
from flightlog.analysis.spending import Spending
from flightlog.analysis.tree import Tree
from flightlog.home import Home
from flightlog.loading import load_trace
from flightlog.pricelist import Pricing
from flightlog.pricing.book import PriceBook
from flightlog.records.callfacts import is_charged, of_span
from flightlog.records.question import Comparison, Pattern, Question
from flightlog.records.span import Span
from flightlog.records.traces import EVERY_TRACE, Figures, Selection, Trace, TraceFigures
from flightlog.store.groupings import Grouping
from flightlog.store.port import Reader

GROUPINGS: Final[tuple[Grouping, ...]] = ("name", "kind", "model")
MOST_CALLS: Final = 500
"""Model calls whose messages are shown together; of more the newest."""

_P = ParamSpec("_P")
_T = TypeVar("_T")
_LLM: Final = Comparison("kind", "=", Pattern(("llm",)))


class Listing(Struct, frozen=True, kw_only=True):
    """The newest traces and what they add up to."""

    rows: list[Trace]
    figures: Overview
    spent: Spending
    """What their model calls that are over cost."""
    open_spans: int
    """In the whole home, whatever was asked for."""


class Found(Struct, frozen=True, kw_only=True):
    """One trace as it stands."""

    trace: Trace
    tree: Tree
    """Without large inputs and outputs."""
    spent: Spending


class Statistics(Struct, frozen=True, kw_only=True):
    """What spans and traces add up to."""

    traces: TraceFigures
    spans: dict[Grouping, list[Figures]]


class Source:
    """A home to ask."""

    def __init__(self, home: Home, prices: PriceBook | None) -> None:
        """Prepare.

        Args:
            home: it need not exist yet.
            prices: None where there are none to use.
        """
        self.home = home
        self.prices = prices
        self._pricing = Pricing(home.settings)
        self._spent: dict[str, tuple[Trace, Spending]] = {}
        """By trace id, as its row stood when its calls were looked at."""
        self._seen: tuple[object, ...] = ()
        self._thread = ThreadPoolExecutor(1, "flightlog-source")

    async def ask(self, question: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Have one of the questions below answered, after those that were asked before.

        Raises:
            FlightlogError: the store cannot answer; the next time may be better.
        """
        return await asyncio.wrap_future(self._thread.submit(question, *args, **kwargs))

    def close(self) -> None:
        """Let the question that is being answered end, and forget those that wait."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def has_changed(self) -> bool:
        """Whether anything was written since this was asked before; costs a look at two files."""
        seen = tuple(
            _stamp(self.home.store_path.with_name(self.home.store_path.name + end)) for end in _FILES
        )
        changed, self._seen = seen != self._seen, seen
        return changed

    def listing(self, limit: int, question: Question | None = None) -> Listing:
        """The newest traces of which some span fits."""
        selection = EVERY_TRACE if question is None else Selection(question=question)
        with self._reader() as reader:
            rows = reader.traces(limit, selection)
            open_spans = len(reader.news(None, 1).mark.still)
            calling = [row for row in rows if row.llm_calls and not self._is_known(row)]
            calls: dict[str, Spending] = {row.trace_id: Spending() for row in calling}
            if calling and self.prices is not None:
                for call in reader.model_calls(traces=list(calls)):
                    calls[call.trace_id].add(call, self.prices.charge(call))
        known = {row.trace_id: self._spent[row.trace_id] for row in rows if self._is_known(row)}
        self._spent = known | {row.trace_id: (row, calls[row.trace_id]) for row in calling}
        total = joined([spent for _, spent in self._spent.values()])
        return Listing(rows=rows, figures=overview(rows, time_ns()), spent=total, open_spans=open_spans)

    def found(self, trace_id: str) -> Found | None:
        """One trace with its tree; None for one that is not there any more."""
        with self._reader() as reader:
            trace = reader.trace(trace_id)
            if trace is None:
                return None
            tree = load_trace(reader, trace_id, payloads=False)
        spent = Spending()
        if trace.llm_calls and self.prices is not None:
            for node in tree.walk():
                if node.end is not None and is_charged(node.record):
                    call = of_span(node.record)
                    spent.add(call, self.prices.charge(call))
        return Found(trace=trace, tree=tree, spent=spent)

    def span(self, trace_id: str, span_id: str) -> Span | None:
        """One span, whole."""
        with self._reader() as reader:
            return reader.span(trace_id, span_id)

    def calls(self, trace_id: str) -> list[Span]:
        """The model calls of a trace, whole, by start."""
        with self._reader() as reader:
            return reader.spans(trace_id, question=_LLM)[-MOST_CALLS:]

    def statistics(self, question: Question | None = None) -> Statistics:
        """What everything that fits adds up to."""
        with self._reader() as reader:
            traces = reader.trace_figures(Selection(question=question))
            spans = reader.figures(GROUPINGS, question=question)
        return Statistics(traces=traces, spans=spans)

    def _is_known(self, row: Trace) -> bool:
        known = self._spent.get(row.trace_id)
        return known is not None and known[0] == row

    def _reader(self) -> AbstractContextManager[Reader]:
        """The store, with prices for whoever asks for what costs something."""
        if self.prices is None:
            return self.home.reader()
        return self.home.reader(self._pricing.price, self._pricing.version)


_FILES: Final = ("", "-wal")


@contextmanager
def at_full_speed() -> Iterator[None]:
    """Look for no garbage meanwhile: half the time in which a large tree is built, and what makes the screen stand."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes when a file is written; nothing for one that is not there."""
    with suppress(OSError):
        stat = path.stat()
        return (stat.st_ino, stat.st_size, stat.st_mtime_ns)
    return ()


def joined(spent: Sequence[Spending]) -> Spending:
    """What several traces cost together."""
    total = Spending()
    for one in spent:
        total.calls += one.calls
        total.priced_calls += one.priced_calls
        total.unknown_calls += one.unknown_calls
        total.pico_usd += one.pico_usd
    return total
