"""Pruning: traces that are old, or too many for the room there is, leave a home.

Oldest first, in small parts (`store/clearing.py`). What is still open stays. A second run with the same policy finds
nothing: it says so and changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import Final

from msgspec import Struct, structs

from flightlog.home import BUSY_MS, FORGET_SECONDS, Home
from flightlog.records.question import Comparison, Pattern, Question
from flightlog.records.traces import Selection, Trace
from flightlog.store.clearing import NOTHING, Clearing, added
from flightlog.store.clearport import Deleted, Room
from flightlog.store.open import open_writer
from flightlog.store.port import Reader, Writer

_TOGETHER: Final = 200
"""Traces that are taken at once."""

_WORDS_SECONDS: Final = 60.0
_WORDS_TOGETHER: Final = 0.5
_TURN: Final = 0.02

_OPEN: Final = frozenset(("running", "paused"))
_RUNNING: Final = Comparison("status", "=", Pattern(("running",)))
"""A span that goes on: its root may be over."""

_FAILED: Final = frozenset(("error", "interrupted"))


class Policy(Struct, frozen=True, kw_only=True):
    """Which traces go; all that is given must hold, but for the room, which is made beside."""

    older_than_ns: int | None = None
    """Those that ended so long ago."""
    max_bytes: int | None = None
    """The oldest ones, until no more than so many bytes of the store hold something."""
    keep_errors: bool = False
    """Those stay in which something failed or was interrupted."""
    question: Question | None = None
    """Only those of which some span fits it."""
    project: str = ""

    @property
    def chooses(self) -> bool:
        """Whether anything goes by it."""
        return any(part is not None for part in (self.older_than_ns, self.max_bytes, self.question))


class Pruned(Struct, kw_only=True):
    """What a run took, or would take."""

    traces: int = 0
    spans: int = 0
    events: int = 0
    annotations: int = 0
    payloads: int = 0
    value_bytes: int = 0
    """Of values, texts and packed payloads."""
    used_bytes: int = 0
    """Of the store that hold something, afterwards; in a dry run about."""
    file_bytes: int = 0
    """Of the store's file afterwards; in a dry run as it is."""
    given_back_bytes: int = 0
    """By which the file is shorter."""
    is_small_enough: bool = True
    """Whether `max_bytes` is kept; if not, what stays is kept for a reason, or is still open."""
    gives_back: bool = True
    """Whether the file can become shorter; if not, it has to be written anew once."""
    longest_ms: float = 0.0
    """The longest time that one part took."""
    is_dry: bool = False
    trace_ids: list[str] = []
    """The first ones of them."""


def prune(
    home: Home,
    policy: Policy,
    *,
    dry_run: bool = False,
    compact: bool = False,
    gentle: float = 0.0,
    progress: Callable[[Pruned], object] = lambda _pruned: None,
) -> Pruned:
    """Take out of a home what its policy does not keep.

    Args:
        home: which; what waits in its journals is not looked at.
        policy: what goes.
        dry_run: say what would go, and change nothing.
        compact: write the file anew at the end, so that all free room goes back; everybody else waits meanwhile.
        gentle: within a program that does something else: how long it rests after each part, as a multiple of what
            that took; 0 where it is the only thing that the process does.
        progress: told after each part.

    Raises:
        StoreBusy, StoreError: the store refused; what went before is gone.
    """
    done = Pruned(is_dry=dry_run)
    if not home.store_path.exists():
        return done
    if dry_run:
        with home.reader() as reader:
            _Run(policy, reader, None, done, progress).work(reader.room, time.time_ns())
        return done
    store = open_writer(home.store_path, durable=home.settings.durability == "power", busy_ms=BUSY_MS)
    clearing = _clearing(store, home, gentle)
    try:
        with home.reader() as reader:
            run = _Run(policy, reader, clearing, done, progress)
            run.work(store.room, time.time_ns())
        before = store.room()
        room = store.compact() if compact else clearing.give_back()
        done.used_bytes, done.file_bytes = room.used_bytes, room.bytes
        done.given_back_bytes = max(0, before.bytes - room.bytes)
        done.gives_back = room.gives_back
        done.longest_ms = round(clearing.longest * 1000, 1)
    finally:
        store.close()
    if done.traces:
        _forget_words(home, gentle)
    return done


def _forget_words(home: Home, gentle: float) -> None:
    """Take the words of what went out of their index, and give their room back; who wants to index may in between."""
    if gentle:
        home.index_texts(FORGET_SECONDS)  # the program's own keeper does the rest
        return
    deadline = time.monotonic() + _WORDS_SECONDS
    while home.index_texts(_WORDS_TOGETHER) and time.monotonic() < deadline and not home.is_wanted():
        time.sleep(_TURN)


def _clearing(store: Writer, home: Home, gentle: float) -> Clearing:
    return Clearing(store, lambda: True, gentle) if gentle else Clearing(store, home.is_shared)


def doomed(reader: Reader, policy: Policy, now_ns: int) -> Iterator[Trace]:
    """The traces that a policy does not keep for their age, or that its question names, oldest first."""
    limit = None if policy.older_than_ns is None else now_ns - policy.older_than_ns
    for trace in _oldest(reader, policy, limit):
        if limit is None or trace.start + (trace.duration_ns or 0) < limit:
            yield trace


def _oldest(reader: Reader, policy: Policy, until: int | None) -> Iterator[Trace]:
    """What may go at all."""
    chosen = Selection(until=until, question=policy.question, project=policy.project)
    open_ones = Selection(question=_RUNNING, project=policy.project)
    still_open = {(trace.trace_id, trace.project) for trace in reader.each_trace(open_ones)}
    for trace in reader.each_trace(chosen, oldest_first=True):
        if trace.status in _OPEN or (trace.trace_id, trace.project) in still_open:
            continue
        if not (policy.keep_errors and _is_failed(trace)):
            yield trace


def _is_failed(trace: Trace) -> bool:
    return bool(trace.error_count or trace.interrupted) or trace.status in _FAILED


class _Run:
    """One run, and what came of it so far."""

    def __init__(
        self,
        policy: Policy,
        reader: Reader,
        clearing: Clearing | None,
        done: Pruned,
        progress: Callable[[Pruned], object],
    ) -> None:
        self._clearing = clearing
        self._policy = policy
        self._reader = reader
        self._done = done
        self._progress = progress
        self._some: list[Trace] = []

    def work(self, room: Callable[[], Room], now_ns: int) -> None:
        """First those that are too old, or that the question names; then as many as are needed for the room."""
        policy, sizes = self._policy, self._reader.sizes()
        if policy.older_than_ns is not None or (policy.max_bytes is None and policy.question is not None):
            for trace in doomed(self._reader, policy, now_ns):
                self._take(trace)
            self._flush()
        found = room()
        each = found.used_bytes / max(1, sizes.spans - (0 if self._done.is_dry else self._done.spans))
        expected = found.used_bytes - (self._done.spans * each if self._done.is_dry else 0)
        if policy.max_bytes is not None and expected > policy.max_bytes:
            expected = self._make_room(room, expected, each, policy.max_bytes, now_ns)
        self._done.used_bytes, self._done.file_bytes = int(max(0.0, expected)), found.bytes
        self._done.is_small_enough = policy.max_bytes is None or expected <= policy.max_bytes

    def _make_room(
        self, room: Callable[[], Room], expected: float, each: float, most: int, now_ns: int
    ) -> float:
        """Take the oldest until no more than `most` bytes are used; how many are."""
        gone_already = self._policy.older_than_ns if self._done.is_dry else None
        for trace in _oldest(self._reader, self._policy, None):
            if gone_already is not None and trace.start + (trace.duration_ns or 0) < now_ns - gone_already:
                continue
            self._take(trace)
            expected -= trace.span_count * each
            if expected <= most or len(self._some) >= _TOGETHER:
                self._flush()
                if not self._done.is_dry:
                    expected = room().used_bytes
                if expected <= most:
                    break
        self._flush()
        return expected if self._done.is_dry else room().used_bytes

    def _take(self, trace: Trace) -> None:
        self._some.append(trace)
        if len(self._some) >= _TOGETHER:
            self._flush()

    def _flush(self) -> None:
        done, some = self._done, self._some
        if not some:
            return
        self._some = []
        gone = Deleted(traces=len(some), spans=sum(trace.span_count for trace in some))
        if self._clearing is not None:
            gone = self._cleared(self._clearing, some)
        done.trace_ids += [trace.trace_id for trace in some][: max(0, 100 - len(done.trace_ids))]
        done.traces += len(some)
        done.spans += gone.spans
        done.events += gone.events
        done.annotations += gone.annotations
        done.payloads += gone.payloads
        done.value_bytes += gone.bytes
        self._progress(done)

    def _cleared(self, clearing: Clearing, some: list[Trace]) -> Deleted:
        """Take these away, and what other projects have under the same ids not; of a large one it is told how far."""
        so_far = NOTHING

        def told(gone: Deleted) -> None:
            nonlocal so_far
            so_far = added(so_far, gone)
            self._progress(structs.replace(self._done, spans=self._done.spans + so_far.spans))

        for project, rows in groupby(some, attrgetter("project")):
            clearing.clear([trace.trace_id for trace in rows], told, project)
        return so_far
