"""`capture` takes what is recorded, keeps it from the journal, and asserts what should be in it.

A field is named by a path: `top_k` is an attribute, `input.query` a part of the input, `error.type` of the error,
`attributes.status` an attribute that is called as something a record has anyway. A value is wanted by `==`, so
`unittest.mock.ANY`, `pytest.approx` and their like work; a compiled pattern is searched for; None also fits what is
not there. Values are compared as they were captured, where a tuple is a list.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from flightlog.core.context import Captured, captor, variable
from flightlog.core.control import control
from flightlog.records.kinds import LEVELS

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Mapping
    from os import PathLike
    from pathlib import Path
    from types import ModuleType, TracebackType

    from flightlog.analysis.tree import Node, Tree
    from flightlog.records.event import Event
    from flightlog.records.narration import View
    from flightlog.records.record import Record
    from flightlog.records.span import Span

    Trace: TypeAlias = "capture | Tree | Node | Iterable[Record]"
    Golden: TypeAlias = str | PathLike[str] | Mapping[str, Any] | Trace
    Text = str | re.Pattern[str]


class capture:  # noqa: N801 - used like a function, as contextlib's are
    """Take everything that is recorded in this block, and in the threads and tasks it starts.

    Spans begun in the block are roots of their own and reach neither journal nor store. Captures are bound to
    the context, so tests that run side by side do not see each other's. No file is made.

    Each `assert_…` raises an AssertionError that shows the nearest record and how it differs.
    """

    def __init__(self, level: str = "trace") -> None:
        """Prepare a capture.

        Args:
            level: the least level that is taken, whatever the settings say.
        """
        self._lines: list[bytes] = []
        self._marker = Captured(self._lines.append, LEVELS.get(level, 0))

    # -- what was recorded ----------------------------------------------------------------------------------

    @property
    def records(self) -> list[Record]:
        """Every record so far, in the order written; a span that runs is there with status `running`."""
        found: list[Record] = _checks().records(self._lines)
        return found

    @property
    def spans(self) -> list[Span]:
        """The spans that have ended, in the order in which they did."""
        return [span for span in self._of("span") if span.status not in {"running", "paused"}]

    @property
    def events(self) -> list[Event]:
        """The events, in the order in which they were recorded."""
        return self._of("event")

    @property
    def narrations(self) -> list[Event]:
        """The events that are narrations, in the order in which they were said."""
        found: list[Event] = _checks().narrations(self.events)
        return found

    def _of(self, type_: str) -> list[Any]:
        """The records whose line calls itself this."""
        return [record for record in self.records if record.__struct_config__.tag == type_]

    def span(self, name: str) -> Span:
        """The first ended span of this name.

        Raises:
            LookupError: there is none; it says which there are.
        """
        for span in self.spans:
            if span.name == name:
                return span
        raise LookupError(
            f"no span {name!r} was captured; there are {sorted({span.name for span in self.spans})}"
        )

    def clear(self) -> None:
        """Forget what was recorded so far, as after the preparations of a test; spans that run are kept."""
        known = len(self._lines)
        self._lines[:known] = _checks().of_open_spans(self._lines[:known])

    def outline(self) -> str:
        """Everything so far as a tree, one span or event a line: for people, where a test has failed."""
        told: str = _checks().outline(self._lines)
        return told

    def __repr__(self) -> str:
        """Count what there is: a failing test shows this where it names the capture."""
        return f"<capture of {len(self._lines)} lines>"

    # -- what should have been ------------------------------------------------------------------------------

    def assert_executed(
        self, name: Text, *, kind: Text | None = None, times: int | None = None, **fields: object
    ) -> None:
        """Assert that there is a span of this name, whether it has ended or not.

        Args:
            name: of the span.
            kind: as well.
            times: how many spans fit, exactly; one at least when not given.
            **fields: what else fits, by path; `status="error"` as well as `top_k=8`.
        """
        __tracebackhide__ = True
        wanted = {"name": name, **({} if kind is None else {"kind": kind}), **fields}
        _checks().recorded(self._lines, "span", wanted, times)

    def assert_not_executed(self, name: Text, *, kind: Text | None = None, **fields: object) -> None:
        """Assert that no span is so."""
        __tracebackhide__ = True
        self.assert_executed(name, kind=kind, times=0, **fields)

    def assert_event(self, name: Text, *, times: int | None = None, **fields: object) -> None:
        """Assert that there is an event of this name; the arguments are those of `assert_executed`."""
        __tracebackhide__ = True
        _checks().recorded(self._lines, "event", {"name": name, **fields}, times)

    def assert_order(self, *names: Text) -> None:
        """Assert that spans began and events happened in this order; others may stand between."""
        __tracebackhide__ = True
        _checks().in_order(self._lines, names)

    def assert_field(self, name: Text, path: str, value: object) -> None:
        """Assert that every span and event of this name has this value at a path, and that there is one."""
        __tracebackhide__ = True
        _checks().every(self._lines, name, path, value)

    def assert_status(self, name: Text, status: str) -> None:
        """Assert that every span of this name has this status, and that there is one."""
        __tracebackhide__ = True
        _checks().every(self._lines, name, "status", status, what="span")

    def assert_parent(self, child: Text, parent: Text | None) -> None:
        """Assert that every span of the name `child` is directly under one of the name `parent`.

        Args:
            child: there is at least one of this name.
            parent: None stands for nothing: each is a root.
        """
        __tracebackhide__ = True
        _checks().under(self._lines, child, parent)

    def assert_narrated(
        self,
        action: Text | None = None,
        *,
        human: Text | bool | None = None,
        cute: Text | bool | None = None,
        story: Text | bool | None = None,
        dialogue: bool = False,
        times: int | None = None,
        **fields: object,
    ) -> None:
        """Assert that a narration was said. A voice is wanted by a part of it, or by True: it is there.

        Args:
            action: what was done.
            human: a part of the plain sentence.
            cute: a part of the one with a wink.
            story: a part of the one with dialogue.
            dialogue: whether somebody must speak in the story, in quotation marks.
            times: as for `assert_executed`.
            **fields: what else fits: `actor`, `target`, `level`, `correlation_id`, `emitted_by`, `source`, any field
                of its own; True stands for any value but an empty one.
        """
        __tracebackhide__ = True
        voices = {"human": human, "cute": cute, "story": story}
        _checks().said(self._lines, action, voices, fields, dialogue=dialogue, times=times)

    def assert_provenance(self, action: Text | None = None) -> None:
        """Assert that every narration (of this action) says who emitted it and which line said it."""
        __tracebackhide__ = True
        _checks().from_somewhere(self._lines, action)

    def assert_trace_matches(
        self, golden: Golden, *, fields: Iterable[str] = (), events: bool = False, ordered: bool = False
    ) -> None:
        """Assert that the spans are those of a golden trace; see `flightlog.testing.assert_trace_matches`."""
        __tracebackhide__ = True
        assert_trace_matches(self, golden, fields=fields, events=events, ordered=ordered)

    def assert_story_matches(self, story: str | Path, *, view: View = "human") -> None:
        """Assert that the narrations are these; see `flightlog.testing.assert_story_matches`."""
        __tracebackhide__ = True
        assert_story_matches(self, story, view=view)

    # -- taking ---------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._before = variable.get()
        control.capture(self._marker.least)
        variable.set(self._marker)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if captor(variable.get()) is self._marker:  # or a span that was begun in it and is still open
            variable.set(self._before)
        control.captured(self._marker.least)


def assert_trace_matches(
    trace: Trace, golden: Golden, *, fields: Iterable[str] = (), events: bool = False, ordered: bool = False
) -> None:
    """Assert that a trace has the spans of a golden one: names, kinds, statuses, error types, who is under whom.

    Ids, times, process ids and the paths of this machine are left out of the comparison, in values too.

    Args:
        trace: a capture, what `flightlog.load` gave, a part of it, or records.
        golden: a file, a golden trace as a dictionary, or another trace. The name of a file counts from the
            folder of the code that calls. With `pytest --flightlog-update`, or FLIGHTLOG_UPDATE=1 in the
            environment, the file is written where it is missing or does not match.
        fields: what else is compared, by path: `top_k`, `output.title`, and `gen_ai.*` for attributes. What the golden
            trace names on any span is compared on every span.
        events: whether the names of each span's events are compared, in their order.
        ordered: whether siblings have to begin in the order of the golden trace.

    Raises:
        AssertionError: it does not match; with a tree of what is missing (-) and what is new (+).
    """
    __tracebackhide__ = True
    _checks().matching(trace, golden, _folder(), fields=fields, events=events, ordered=ordered)


def assert_story_matches(trace: Trace, story: str | Path, *, view: View = "human") -> None:
    """Assert that the narrations of a trace say these sentences, in this order.

    Ids, times, durations, process ids and the paths of this machine are left out of the comparison; so are empty
    lines and indentation.

    Args:
        trace: a capture, what `flightlog.load` gave, a part of it, or records.
        story: one sentence a line; or a file: a `Path`, or one line that ends in `.txt`. As for
            `assert_trace_matches`, it counts from the calling code, and is written when asked.
        view: `human`, `cute` or `story`.
    """
    __tracebackhide__ = True
    _checks().telling(trace, story, _folder(), view=view)


def _folder() -> str:
    """The folder of the code that called into this file; empty for code without a file."""
    frame = sys._getframe(1)  # noqa: SLF001 - what inspect does, without its cost
    while frame.f_back is not None and frame.f_globals.get("__name__") == __name__:
        frame = frame.f_back
    return str(frame.f_globals.get("__file__") or "").rpartition("/")[0]


def _checks() -> ModuleType:
    from flightlog.testing import checks  # msgspec and more, which `import flightlog` must not cost

    return checks
