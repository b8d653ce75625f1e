"""Call what is compiled up to ten million times, and fail where memory grows: `python scripts/leaks.py [calls]`.

Each subject is called in ten rounds, a slow one fewer times; after the first round, which fills caches, what the
process holds may grow by no more than `MOST_GROWTH` in all.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import flightlog as fl
from flightlog._speed import presence
from flightlog.core import engine
from flightlog.core.context import Captured, variable
from flightlog.records.kinds import LEVELS
from flightlog.redaction import scanner
from flightlog.redaction.policy import DEFAULT
from flightlog.steps import ExecutionTrace, StepType, TraceStep, wire

CALLS: Final = 10_000_000
ROUNDS: Final = 10
MOST_GROWTH: Final = 512 * 1024
"""Bytes, from the end of the first round to the end of the last: noise of the allocator stays below."""

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def main() -> int:
    """Run every subject, and return how many leak."""
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else CALLS
    if not presence.is_there():
        print(presence.reason())
        return 1
    return _run(_subjects(), calls) + _run(_recorders(), calls)


def _run(subjects: dict[str, tuple[Callable[[], object], int]], calls: int) -> int:
    leaks = 0
    for name, (subject, share) in subjects.items():
        grown = _growth(subject, max(ROUNDS, calls // share))
        leaks += grown > MOST_GROWTH
        print(
            f"{name:48} {calls // share:>12,} calls {grown / 1024:>8.0f} KiB {'LEAK' if grown > MOST_GROWTH else ''}"
        )
    return leaks


def _growth(subject: Callable[[], object], calls: int) -> int:
    first = 0
    for number in range(ROUNDS):
        for _ in range(calls // ROUNDS):
            subject()
        gc.collect()
        if number == 0:
            first = _resident()
    return _resident() - first


def _resident() -> int:
    """Bytes of memory that the process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def _subjects() -> dict[str, tuple[Callable[[], object], int]]:
    """Each subject, and by how much fewer calls do because one takes so much longer."""
    may_hold = scanner.scanner(DEFAULT, ("one secret",))
    if may_hold is None or wire._write is None:  # noqa: SLF001 - the compiled halves, called without what is around them
        raise RuntimeError("the compiled core is not whole")
    wide, unusual = "я" * 5000, TraceStep("own", "\ud800", 1.0)
    return {
        "a scanner looks at a short text": (lambda: may_hold("a text of no interest"), 1),
        "a scanner looks at a wide text": (lambda: may_hold(wide), 100),
        "a scanner is made": (lambda: scanner.scanner(DEFAULT, ()), 10_000),
        "a scanner is refused": (_refused, 10_000),
        "a trace is written": (_writing(_trace()), 10),
        "a trace is left to Python": (_writing([*_trace(), unusual]), 10),
        "a writer is made": (
            lambda: presence.CORE and presence.CORE.TraceWriter(TraceStep, StepType, repr),
            10,
        ),
    }


def _recorders() -> dict[str, tuple[Callable[[], object], int]]:
    """What records, by name, and as above; made when its turn comes, as it begins a capture."""
    return {
        "spans, with and without attributes": (_record_spans(), 10),
        "an event": (lambda: fl.event("cache", key=1, hit=True), 10),
        "a span that fails": (_record_failure(), 100),
    }


def _record_spans() -> Callable[[], object]:
    """Spans into nowhere: what a journal takes is not what is looked for."""
    with fl.capture():
        pass  # which has the gate made
    engine.verdicts.update(dict.fromkeys(LEVELS, True))  # nobody asks, and so no journal is opened
    variable.set(Captured(lambda _: None))
    fl.span("root").__enter__()

    def record() -> None:
        with fl.span("outer"), fl.span("inner", top_k=5, index="docs", score=1.5) as span:
            span.set(found=3)

    return record


def _record_failure() -> Callable[[], object]:
    def record() -> None:
        with suppress(KeyError), fl.span("failing", input={"q": 1}):
            raise KeyError

    return record


def _trace() -> list[TraceStep]:
    trace = ExecutionTrace("t")
    for number in range(5):
        trace.start_step_with_data(StepType.RETRIEVAL, "näme", {"n": [number, 0.5, None], "b": b"x"})
        trace.end_step_with_data({"text": 'a "text"', "t": (True, number**20)})
    return trace.steps()


def _writing(steps: list[TraceStep]) -> Callable[[], Any]:
    write = wire._write  # noqa: SLF001 - as above
    return lambda: write and write("t", None, 3, {"about": "it"}, steps, True)


def _refused() -> None:
    try:
        scanner.presence.CORE.Scanner(b"", b"", ((1, 1, b"x"),), b"{", b" ", 1, False, "")  # type: ignore[union-attr]  # asked above
    except ValueError:
        return


if __name__ == "__main__":
    raise SystemExit(main())
