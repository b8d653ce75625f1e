"""Call what is compiled up to ten million times, and fail where memory grows: `python scripts/leaks.py [calls]`.

Each subject is called in ten rounds, a slow one fewer times; after the first round, which fills caches, what the
process holds may grow by no more than `MOST_GROWTH` in all. The last one is a program that records as many spans as
calls are asked for, of every sort: what it holds is told for each round, and may not grow in the later half.
"""

from __future__ import annotations

import asyncio
import contextvars
import copy
import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import flightlog as fl
from flightlog import hot
from flightlog._speed import presence
from flightlog.core import engine
from flightlog.core.context import Captured, variable
from flightlog.core.control import control
from flightlog.core.level import parse
from flightlog.records.kinds import LEVELS
from flightlog.redaction import scanner
from flightlog.redaction.policy import DEFAULT
from flightlog.steps import ExecutionTrace, StepType, TraceStep, wire

CALLS: Final = 10_000_000
ROUNDS: Final = 10
MOST_GROWTH: Final = 512 * 1024
"""Bytes, from the end of the first round to the end of the last: noise of the allocator stays below."""
MOST_MIXED_GROWTH: Final = 2 * 1024 * 1024
"""The same of a program that does many things, whose allocator takes a megabyte at a time."""
MOST_OBJECTS: Final = 100
"""By how many objects such a program may come to hold more."""

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def main() -> int:
    """Run every subject, and return how many leak."""
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else CALLS
    if not presence.is_there():
        print(presence.reason())
        return 1
    if sys.argv[2:] == ["mixed"]:
        return _run_mixed(calls)
    return _run(_subjects(), calls) + _run(_recorders(), calls) + _run_mixed(calls)


def _run(subjects: dict[str, tuple[Callable[[], object], int]], calls: int) -> int:
    leaks = 0
    for name, (subject, share) in subjects.items():
        grown = _growth(subject, max(ROUNDS, calls // share))
        leaks += grown > MOST_GROWTH
        print(
            f"{name:48} {calls // share:>12,} calls {grown / 1024:>8.0f} KiB {'LEAK' if grown > MOST_GROWTH else ''}"
        )
    return leaks


def _run_mixed(spans: int) -> int:
    """Say what the process held after each tenth; whether that grew."""
    mixed = _Mixed(max(1, spans // ROUNDS))
    held = [mixed.round() for _ in range(ROUNDS)]
    middle, last = held[ROUNDS // 2 - 1], held[-1]  # what leaks grows on once all caches are full
    leaks = last[0] - middle[0] > MOST_MIXED_GROWTH or last[1] - middle[1] > MOST_OBJECTS
    print(
        f"a program that records of every sort, {engine.NAME}: {mixed.spans:,} spans, {mixed.lines:,} lines"
    )
    print(
        "  KiB after each tenth:", ", ".join(f"{size // 1024:,}" for size, _ in held), "LEAK" if leaks else ""
    )
    print("  objects after each tenth:", ", ".join(f"{objects:,}" for _, objects in held))
    return int(leaks)


class _Mixed:
    """A program that records spans of every sort, into nowhere."""

    def __init__(self, spans_a_round: int) -> None:
        self.spans = 0
        self.lines = 0
        self._spans_a_round = spans_a_round
        self._kept = contextvars.copy_context()
        self._begin()

    def _begin(self) -> None:
        with fl.capture():
            pass
        engine.verdicts.update(dict.fromkeys(LEVELS, True))
        variable.set(Captured(self._take))
        fl.span("root").__enter__()

    def _take(self, _line: bytes) -> None:
        self.lines += 1

    def round(self) -> tuple[int, int]:
        """Record a tenth, and say what the process holds then: bytes, and objects that the collector knows."""
        until = self.spans + self._spans_a_round
        while self.spans < until:
            for _ in range(100):
                self._nested()
            self._failing()
            self._by_generators()
            self._by_hand()
            asyncio.run(self._in_tasks())
        gc.collect()
        return _resident(), len(gc.get_objects())

    def _nested(self) -> None:
        with fl.span("outer", kind="tool", level="warn"):
            for number in range(10):
                with fl.span("inner", n=number, text="some", share=0.5) as span:
                    fl.event("cache", key=number, hit=True)
            with fl.span("told", input={"q": [1, "two"]}) as span:
                span.set(found=3)
                span.output = ["a", None]
                fl.event("said", "warn", "a body", n=1)
            _traced(5)
        self.spans += 13

    def _failing(self) -> None:
        for _ in range(3):
            with suppress(KeyError), fl.span("outer"), fl.span("failing", n=1):
                raise KeyError
        self.spans += 6

    def _by_generators(self) -> None:
        ended, left = _steps(), _steps()
        list(ended)
        next(left)
        with fl.span("beside"):
            next(left)
        left.close()
        self.spans += 9

    def _by_hand(self) -> None:
        """In another order than they began, in copies of the context, and as objects that are copied."""
        first, second = fl.span("first"), fl.span("second", n=1)
        first.__enter__()
        second.__enter__()
        copy.copy(second)
        first.__exit__(None, None, None)
        with fl.span("between", of=second):
            second.__exit__(None, None, None)
        self._kept.run(self._going_on)
        self.spans += 4

    def _going_on(self) -> None:
        """Each in the context of the one before it."""
        with fl.span("going on"):
            self._kept = contextvars.copy_context()

    async def _in_tasks(self) -> None:
        await asyncio.gather(*(self._task(number) for number in range(20)))
        self.spans += 60

    async def _task(self, number: int) -> None:
        with fl.span("task", n=number):
            await asyncio.sleep(0)
            with fl.span("first"):
                await asyncio.sleep(0)
            with fl.span("second"), fl.bind(turn=number):
                fl.event("woken")


@fl.traced
def _traced(number: int) -> int:
    return number + 1


def _steps() -> Iterator[int]:
    with fl.span("steps"):
        for number in range(3):
            with fl.span("step", n=number):
                yield number


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
    """What records, by name, and as above; made when its turn comes, as it begins a capture and sets the level."""
    return {
        "spans, with and without attributes": (_record_spans(), 10),
        "an event": (lambda: fl.event("cache", key=1, hit=True), 10),
        "a span that fails": (_record_failure(), 100),
        "hot calls": (_record_hot(), 20),
        "traced calls": (_record_calls(), 100),
        "a narration": (lambda: fl.narrate("dispatch", "job-1", human="sent job-1", pool="default"), 20),
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


def _record_calls() -> Callable[[], object]:
    def work(job: object, *rest: object, fails: bool = False) -> object:
        if fails:
            raise KeyError
        return {"job": job, "rest": rest}

    traced, told = fl.traced(work), hot.traced_fn(work)

    def record() -> None:
        for call in (traced, told):
            call("job-1", 1, 2)
            call({"id": 1, "names": ["a"]})
            with suppress(KeyError):
                call("job-1", fails=True)

    return record


def _record_hot() -> Callable[[], object]:
    control._start = control._prepare = None  # noqa: SLF001 - as above: the level is on, and nothing is begun for it
    control.configure(parse("trace"), enabled=True)

    def record() -> None:
        hot.tiny("queue", "dispatch", "job-1", "sent")
        hot.tiny("queue", "dispatch", "job-1", "sent {}", 1, every=2)
        hot.enter("work", {"job": "job-1"})
        hot.exit("work", [1, 2.5, None])
        hot.state("depth", 5, 6, per_second=1e6)
        for _ in hot.loop((1, 2), every=2):
            hot.iteration(1, 2, "warming up")

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
