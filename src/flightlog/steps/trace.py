"""`ExecutionTrace`: steps in the order they were started, and what can be asked of them."""

from __future__ import annotations

from _thread import _local
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from time import monotonic_ns, time_ns
from typing import Any, Final, Self

from flightlog.core import classes, outcome
from flightlog.steps import wire
from flightlog.steps.dot import to_dot
from flightlog.steps.revisions import Revisions
from flightlog.steps.saving import save
from flightlog.steps.step import MS, TraceStep
from flightlog.steps.summary import TraceSummary, summary

_numbers: Final = count()


class _Here(_local):
    """The number of this thread. Its ident would not do: a later thread may have it too."""

    def __init__(self) -> None:
        self.number = next(_numbers)


_here: Final = _Here()


class ExecutionTrace:
    """What one run of a pipeline did, step by step.

    Safe to share between threads: each thread ends the steps that it started. Tasks of one event loop share a
    thread, so where they interleave use `with trace.step(...)`, which ends its own step and no other.
    Nothing in it raises because of how it is used: ending a step when none is open answers None.
    """

    __slots__ = (
        "_offset",
        "_open",
        "_steps",
        "conversation_id",
        "extra",
        "made_ns",
        "metadata",
        "saved",
        "trace_id",
        "turn_number",
    )

    def __init__(self, trace_id: str = "") -> None:
        """Begin an empty trace.

        Args:
            trace_id: any text; one that nobody else has is made if it is empty.
        """
        self.trace_id = outcome.text_of(trace_id) if trace_id else wire.new_id()
        self.conversation_id: int | str | None = None
        self.turn_number: int | None = None
        self.metadata: dict[str, Any] = {}
        """About the trace as a whole; written only if there is any."""
        self.extra: dict[str, Any] = {}
        """What a document said that has no meaning here; written again."""
        now = time_ns()
        self.made_ns = now
        """When the trace was made: Unix nanoseconds."""
        self.saved = Revisions()
        """What `save` has written so far."""
        self._offset = now - monotonic_ns()
        self._steps: list[TraceStep] = []
        self._open: dict[int, list[TraceStep]] = {}

    @classmethod
    def new(cls, trace_id: str = "") -> Self:
        """The constructor by the name it has in Rust."""
        return cls(trace_id)

    def with_conversation(self, conversation_id: int | str, turn_number: int) -> Self:
        """Say which turn of which conversation this is; returns the trace itself."""
        self.conversation_id, self.turn_number = conversation_id, turn_number
        return self

    # -- recording ------------------------------------------------------------------------------------------

    def start_step(self, step_type: str, name: str) -> TraceStep:
        """Start a step; steps may be started within and beside each other."""
        step = TraceStep.started(monotonic_ns() + self._offset, step_type, name, None)
        self._steps.append(step)
        try:
            self._open[_here.number].append(step)
        except KeyError:
            self._open[_here.number] = [step]
        return step

    def start_step_with_data(self, step_type: str, name: str, input: Any) -> TraceStep:  # noqa: A002 - the field's
        """Start a step and say what it is given."""
        step = TraceStep.started(monotonic_ns() + self._offset, step_type, name, input)
        self._steps.append(step)
        try:
            self._open[_here.number].append(step)
        except KeyError:
            self._open[_here.number] = [step]
        return step

    def end_step(self, step: TraceStep | None = None) -> TraceStep | None:
        """End the current step, or the given one, and return it; None if there is nothing to end."""
        now = monotonic_ns()
        if step is None:
            try:
                step = self._open[_here.number].pop()
            except (KeyError, IndexError):
                return None
        elif step.duration_ns is not None:
            return None
        else:
            self._forget(step)
        step.duration_ns = max(0, now + self._offset - step.start_ns)
        return step

    def end_step_with_data(self, output: Any, step: TraceStep | None = None) -> TraceStep | None:
        """End the current step, or the given one, and say what it gave back."""
        ended = self.end_step(step)
        if ended is not None:
            ended.output = output
        return ended

    def end_step_with_error(
        self, error: BaseException | str, step: TraceStep | None = None
    ) -> TraceStep | None:
        """End the current step, or the given one, as failed; it keeps its type."""
        ended = self.end_step(step)
        if ended is not None:
            ended.error = error if isinstance(error, str) else said(error)
        return ended

    @contextmanager
    def step(self, step_type: str, name: str, input: Any = None) -> Iterator[TraceStep]:  # noqa: A002 - the field's
        """Run a block as one step; an exception that leaves it is the step's error and goes on its way.

        A generator that is closed within it, and an exit that says success, are no errors.
        """
        step = self.start_step_with_data(step_type, name, input)
        try:
            yield step
        except BaseException as error:
            if outcome.status_of(error) != "ok":
                step.error = said(error)
            raise
        finally:
            self.end_step(step)

    def add_step(self, step: TraceStep) -> None:
        """Add a step that somebody else timed."""
        self._steps.append(step)

    def finalize(self) -> Self:
        """End every step that is still open, the innermost first; returns the trace itself."""
        for step in reversed(self._steps):
            if step.is_open:
                self.end_step(step)
        return self

    def _forget(self, step: TraceStep) -> None:
        for mine in list(self._open.values()):
            # From the end: it nearly always is the last.
            for place in range(len(mine) - 1, -1, -1):
                if mine[place] is step:
                    del mine[place]
                    return

    # -- asking ---------------------------------------------------------------------------------------------

    def steps(self) -> list[TraceStep]:
        """All steps in the order they were started or added; a list of its own."""
        return list(self._steps)

    def __len__(self) -> int:
        """The number of steps."""
        return len(self._steps)

    def __bool__(self) -> bool:
        """A trace is true, also while it has no steps."""
        return True

    def current_step(self) -> TraceStep | None:
        """The innermost step that this thread has open, to be changed at will."""
        mine = self._open.get(_here.number)
        return mine[-1] if mine else None

    current_step_mut = current_step

    @property
    def start_time_ms(self) -> int:
        """When its first step started, or when it was made: Unix milliseconds."""
        return self.start_ns // MS

    @property
    def start_ns(self) -> int:
        """The same in nanoseconds."""
        return min((step.start_ns for step in list(self._steps)), default=self.made_ns)

    def total_duration_ns(self) -> int:
        """From the earliest start to the latest end, however the steps overlap; open ones count until now."""
        steps = list(self._steps)
        if not steps:
            return 0
        return max(0, max(step.end_ns for step in steps) - min(step.start_ns for step in steps))

    def total_duration_ms(self) -> int:
        """The same in whole milliseconds, told between the milliseconds of the first start and the last end."""
        first, last = self.extent_ms()
        return last - first

    def extent_ms(self) -> tuple[int, int]:
        """The earliest start and the latest end, in whole Unix milliseconds."""
        first = last = self.made_ns // MS if not self._steps else -1
        for step in list(self._steps):
            start, took = step.start_ns // MS, step.duration_ns
            end = start + (max(0, step.end_ns - step.start_ns) if took is None else took) // MS
            if start < first or first < 0:
                first = start
            last = max(last, end)
        return first, last

    def slowest_step(self) -> TraceStep | None:
        """The step that took longest; None without steps."""
        return max(list(self._steps), key=_length, default=None)

    def slow_steps(self, limit_ms: float = 1000) -> list[TraceStep]:
        """Steps that took longer than this, the slowest first."""
        slow = [step for step in list(self._steps) if _length(step) > limit_ms * MS]
        return sorted(slow, key=_length, reverse=True)

    def time_by_type(self) -> dict[str, int]:
        """Milliseconds of all steps of each type, the longest first."""
        return self.summary().step_durations

    def summary(self) -> TraceSummary:
        """Counts, durations and errors of the trace."""
        return summary(list(self._steps), self.total_duration_ms())

    # -- handing on -----------------------------------------------------------------------------------------

    def to_json(self, *, indent: int = 0, precise: bool = False) -> str:
        """Write it as JSON, as frame-trace does.

        Args:
            indent: spaces for each level; 0 for one line.
            precise: also write `start_time_ns` and `duration_ns`, which other readers skip.

        Raises:
            TypeError: the indentation is no whole number.
        """
        if not isinstance(indent, int):
            raise TypeError(f"indent is a number of spaces, and not {indent!r}")
        return wire.encode(self, indent, precise=precise, plain=type(self) is ExecutionTrace)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what any service wrote, and go on with it.

        Raises:
            BadDocument: it is not JSON, or no trace; the message says where.
        """
        return wire.decode(cls, text)

    def to_dot(self) -> str:
        """Draw it as a Graphviz digraph: a chain of boxes, one colour a type, red what failed."""
        return to_dot(list(self._steps))

    def save(self) -> str:
        """Record it as a trace: a root span, and one span a step. Saving again what has not changed changes nothing.

        Saving again what has changed replaces what was saved; in another process only where it ends later. Every
        text passes the gate, as if it had been recorded as it happened. A step that is still open is left out; a
        later call saves it once it has ended.

        The root is an `error` if a step failed for good: no later step of its type and name succeeded, where
        words of a name that count tries, as in `weather_api "retry"`, are left out of account. Each such try is a
        `retry` event on the root.

        Returns:
            The trace id under which it is found; empty when recording is off.
        """
        return save(self)

    def __repr__(self) -> str:
        """Id, steps and duration."""
        return f"<ExecutionTrace {self.trace_id!r}: {len(self)} steps, {self.total_duration_ms()} ms>"


def said(error: BaseException) -> str:
    """An exception in one line; of one that cannot say what it is, its type and why."""
    name, text = classes.short_name(type(error)), outcome.said(error)
    return f"{name}: {text}" if text else name


def _length(step: TraceStep) -> int:
    return step.end_ns - step.start_ns
