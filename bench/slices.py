"""Measures subjects of several processes in turn, a slice of two milliseconds each.

A virtual machine may run at its full speed in one second and at half of it in the next. Who measures one subject
after the other measures that. Here a process for each side stands ready, and they take turns: each subject is run for
about two milliseconds on each side, one side right after the other, and so round after round. What is compared stands
a few milliseconds apart, so both sides have seen the same machine, and a ratio is the median of those of all rounds.

A figure in nanoseconds has two faces: the median of all slices, which is what this machine gave, and the fastest tenth
(the figure that a tenth of the slices stayed below), which is what the same machine gives while nobody else wants it.
The floors are measured in the same rounds. Processor time of the measured thread is counted; all are bound to one core.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any, Final, Self

Row = tuple[str, float, str]
Values = list[float]

DRIVER: Final = """
import json, os, sys, time
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
ANSWERS = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)  # what a library prints is no answer
SLICE_NS, FEWEST, MOST = 2_000_000, 100, 20_000

def taken(subject, n):
    begun = time.thread_time_ns()
    subject(n)
    return (time.thread_time_ns() - begun) / n

def timed(subject, n):
    subject(n // 10)  # another process has had the core
    return taken(subject, n)

def timed_in_task(subject, n):
    import asyncio
    async def main():
        return timed(subject, n)
    return asyncio.run(main())

def size_of(subject):
    one = min(taken(subject, 50) for _ in range(3))
    return max(FEWEST, min(MOST, int(SLICE_NS / max(one, 1))))

def report(in_task=None, memory=None, **subjects):
    if in_task is not None:
        subjects["task"] = in_task
    sizes = {name: size_of(subject) for name, subject in subjects.items()}
    print(json.dumps(list(subjects)), file=ANSWERS)
    for line in sys.stdin:
        name = line.strip()
        if name == "memory":
            found = memory()
        else:
            found = (timed_in_task if name == "task" else timed)(subjects[name], sizes[name])
        print(json.dumps(found), file=ANSWERS)
    os._exit(0)  # nobody waits for what a library would still like to write
"""
"""Before each program, which calls `report` with its subjects: functions of how many steps to make. `in_task` runs in
an asyncio task; `memory` is asked once, at the end, and gives bytes."""


class Failed(Exception):
    """A side that cannot be measured, with the last line of what it said."""


class Side:
    """A process with subjects of its own that waits for its turn. To be used as a context manager."""

    def __init__(
        self, source: str, variables: Mapping[str, str], *, python: Path = Path(sys.executable)
    ) -> None:
        """Begin it.

        Args:
            source: the program; `DRIVER` stands before it.
            variables: its environment, beside what this process has that is not ours.
            python: its interpreter.

        Raises:
            Failed: it ended before it had anything to measure.
        """
        self._place = tempfile.TemporaryDirectory(prefix="flightlog-bench-", ignore_cleanup_errors=True)
        self._said = Path(self._place.name) / "said"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FLIGHTLOG_")}
        home = {
            "HOME": self._place.name,
            "FLIGHTLOG_HOME": self._place.name,
            "FLIGHTLOG_JOURNAL_BYTES": "8GiB",
        }
        with self._said.open("w") as said:
            self._process = subprocess.Popen(
                [str(python), "-c", DRIVER + source],
                env={**kept, **home, **variables},
                cwd=self._place.name,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                bufsize=1,
            )
        try:
            self.subjects: list[str] = self._answer()
        except Failed:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def ask(self, what: str) -> float:
        """Run one slice of a subject; its nanoseconds a step.

        Raises:
            Failed: the process ended.
        """
        assert self._process.stdin is not None
        try:
            print(what, file=self._process.stdin)
        except BrokenPipeError:
            raise Failed(self._last_words()) from None
        found: float = self._answer()
        return found

    def close(self) -> None:
        """End it, and take away what it kept."""
        self._process.kill()
        self._process.communicate()
        self._place.cleanup()

    def _answer(self) -> Any:  # whatever the driver told
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Failed(self._last_words())
        return json.loads(line)

    def _last_words(self) -> str:
        self._process.wait()
        lines = [line.strip() for line in self._said.read_text().splitlines() if line.strip()]
        return (lines[-1] if lines else "no reason was given")[:150]


def rounds(sides: Mapping[str, Side], seconds: float) -> dict[str, dict[str, Values]]:
    """Let the sides take turns for so long; by side and subject, one value a round.

    The same subject of all sides is measured one right after the other.
    """
    subjects = list(dict.fromkeys(what for side in sides.values() for what in side.subjects))
    found: dict[str, dict[str, Values]] = {
        name: {what: [] for what in side.subjects} for name, side in sides.items()
    }
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for what in subjects:
            for name, side in sides.items():
                if what in found[name]:
                    found[name][what].append(side.ask(what))
    return found


def fastest_tenth(values: Iterable[float]) -> float:
    """What a tenth of the values stay below."""
    ordered = sorted(values)
    return ordered[len(ordered) // 10]


def ns_row(what: str, values: Values, *, floor: Values | None = None) -> Row:
    """Both faces of a figure; where a floor is given, both are without it."""
    if floor is None:
        return what, median(values), f"ns; {fastest_tenth(values):,.0f} in the fastest tenth"
    above = median(value - under for value, under in zip(values, floor, strict=True))
    least = max(0.0, fastest_tenth(values) - fastest_tenth(floor))
    return what, max(0.0, above), f"ns; {least:,.0f} in the fastest tenth"


def ratio(dearer: Values, cheaper: Values) -> float:
    """How many times as much one costs as the other: the median of the ratios of neighbours."""
    return median(more / less for more, less in zip(dearer, cheaper, strict=True))
