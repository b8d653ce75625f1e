"""The hot path in plain Python: spans and events become framed lines.

Everything that a span costs on its own thread is in this file; the compiled core replaces exactly it and
keeps every name (`engine.py` lists them). What is rare (starting up, a level that depends on the module, a
parent that is not simply the open span around us) is called from here and lives elsewhere.

What buys the speed: enter and exit are methods of a slotted class; a text that repeats is redacted and quoted
once (`memo.py`); a line is joined by one f-string and appended by one C call; the shared state is module
globals, which CPython reads through an inline cache. `bench/` times each.
"""

from __future__ import annotations

from _thread import _local, get_ident
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from sys import _getframe, modules
from time import monotonic_ns
from types import FrameType, TracebackType
from typing import Any, Final, Self

from flightlog.border import let_through
from flightlog.core import context, tasks
from flightlog.core.bound import Bind, Binding, bound, innermost
from flightlog.core.capture import Cut
from flightlog.core.clock import Clock
from flightlog.core.content import METADATA, WITHHELD, Content, keep_vectors
from flightlog.core.context import FOREIGN, LEFT, MARKER, OPEN, STRAY, Captured, Remote
from flightlog.core.fields import (
    cut_list,
    decoded,
    encoded,
    fitted,
    is_about_a_span,
    joined,
    level_field,
    related,
)
from flightlog.core.ids import Ids
from flightlog.core.memo import CUT, SHORT, captured, keys, member, redacted, secret_member, texts
from flightlog.core.off import OFF
from flightlog.core.outcome import fault_of, has_mark, mark_of, said, status_of, text_of
from flightlog.core.plan import Plan
from flightlog.core.ports import Branch
from flightlog.core.readback import tree_of
from flightlog.core.sample import keeps
from flightlog.core.unset import UNSET
from flightlog.core.waits import Waits
from flightlog.records.attributes import EXCEPTION, WAITING, WAITING_SINCE
from flightlog.records.kinds import Level

_GENERATOR: Final = 0x20 | 0x200
"""`CO_GENERATOR | CO_ASYNC_GENERATOR` of a code object (documented with the `inspect` module)."""

_OURS: Final = tuple(__file__.removesuffix("core/_pure.py") + room for room in ("core/", "integrations/"))
"""Where the code is that records on behalf of whoever called it."""

_UNDONE: Final = frozenset({"running", "paused"})
"""Statuses of a span that has not ended."""

_MAX_INT: Final = 2**63 - 1
_MIN_INT: Final = -(2**63)

_REMOTE_FLAGS: Final = ',"otel":{"flags":769}'
"""W3C sampled (0x001) with OpenTelemetry's "has is_remote" (0x100) and "is_remote" (0x200)."""

clock: Final = Clock()
ids: Final = Ids()
open_spans: Final[set[Span]] = set()
"""Spans that run, for the lines that say so; a set's add and discard are atomic."""

verdicts: Final[dict[str, bool | None]] = {}
"""Level to on for everybody (True), off for everybody (False), or None or missing: ask."""

_variable: Final = context.variable
_held: Final = context.held
_binding: Final = bound


def _refilled() -> str:
    """Make the next span ids, many at a time: one alone costs twice as much."""
    _pool.extend(ids.span_ids())
    return _pool.pop()


def _nothing(*_: object) -> bool:
    return False


def _lose(failure: Exception) -> None:
    """Count a record that could not be written, unless it is the program's own exception that came between."""
    let_through(failure)
    with suppress(Exception):
        _count("records_lost")


def _lose_value(failure: Exception) -> None:
    """Count a value that its own code kept us from reading."""
    let_through(failure)
    with suppress(Exception):
        _count("capture_errors")


_new: Final = object.__new__
_pool: Final[list[str]] = []
"""Span ids made ahead."""

_decide: Callable[[str, FrameType], bool] = _nothing
_write: Callable[[bytes], object] = _nothing
_count: Callable[[str], object] = _nothing
_ratio = 1.0
_roots_may_drop = False
_most_open = 0
_most_line = 0
_origin: Remote | None = None
_content: Content | None = None


_thread_fields: Final[dict[int, str]] = {}
"""The `thread` field of the lines of each thread that has recorded, by its identity."""


class _Farewell:
    """Forgets a thread's name when the thread ends: the system gives its number to another one."""

    __slots__ = ("_ident",)

    def __init__(self, ident: int) -> None:
        self._ident = ident

    def __del__(self, forget: Callable[[int, None], object] = _thread_fields.pop) -> None:
        forget(self._ident, None)


_thread_end: Final = _local()


def _meet_thread(ident: int) -> None:
    """Make the field for this thread, which records for the first time."""
    threading = modules.get("threading")
    name = "MainThread" if threading is None else threading.current_thread().name
    _thread_fields[ident] = f',"thread":{captured(name, "")[0]}'
    _thread_end.farewell = _Farewell(ident)


def thread_here() -> int:
    """Identity of the thread that runs, whose name its lines can tell from now on."""
    ident = get_ident()
    if ident not in _thread_fields:
        _meet_thread(ident)
    return ident


_MEMBERS: Final = (
    "__weakref__",
    "_announced",
    "_attributes",
    "_context",
    "_error",
    "_frame",
    "_input",
    "_kind",
    "_level_field",
    "_links",
    "_name",
    "_out",
    "_outer",
    "_output",
    "_parent",
    "_parent_field",
    "_plain",
    "_remote",
    "_root",
    "_state",
    "_status",
    "_task",
    "_thread",
    "_told",
    "_waits",
    "_zero",
    "span_id",
    "start",
    "trace_id",
)
"""What a span is made of; the compiled one has members of these names."""

_NO_MEMBERS: Final[tuple[str, ...]] = ()
"""What a base class of both is made of."""

_NO_LINKS: Final[tuple[object, ...]] = ()


class Spanning:
    """What every span does, whether its members are Python's or those of the compiled one."""

    __slots__ = _NO_MEMBERS
    _drops = False
    _alone = False
    """Whether it was entered while generators held spans and none ran; only the compiled engine knows it."""

    _out: Callable[[bytes], object] | None
    _outer: Any
    """What the variable held before; what it holds again afterwards."""
    _parent: Span | Remote | Captured | None
    _root: Span
    _thread: int
    _task: tasks.Task | None
    _context: Binding | None
    _remote: str
    _plain: bool
    _name: str
    _kind: str
    _level_field: str
    _state: int
    _attributes: dict[str, str] | None
    _input: str | None
    _output: str | None
    _error: str | None
    _links: list[str] | None
    _status: str
    _announced: bool
    _waits: Waits | None
    _frame: int
    _zero: int
    _told: int
    """What tells the last exception that a child ended with; 0 for none (`mark_of`)."""
    trace_id: str
    span_id: str
    _parent_field: str
    start: int

    def __enter__(self) -> Self:
        if self._zero:  # a block of its own was entered before; this one changes nothing
            return self
        now = monotonic_ns()
        if now >= clock.due:
            clock.check(now)
        self._zero = now
        self.start = now + clock.offset
        parent: Any = _variable.get()
        self._outer = parent
        frame = _getframe(1)
        if _held or (parent is not None and parent._state > LEFT):
            parent = context.parent_here(parent)
            if self._outer is not None and self._outer._state == STRAY:
                self._outer = parent
            if _held:
                parent = context.rescued(parent, frame)
        try:
            self.span_id = _pool.pop()
        except IndexError:
            self.span_id = _refilled()
        if parent is None or parent._state == MARKER:
            self._begin_local_root(parent)
        else:
            self.trace_id = parent.trace_id
            self._parent_field = f'"parent_id":"{parent.span_id}",'
            self._root = parent._root
            self._out = parent._out
        self._parent = parent
        self._thread = ident = get_ident()
        if ident not in _thread_fields:
            _meet_thread(ident)
        self._task = tasks.current() if "asyncio" in modules else None
        binding = _binding.get()
        if binding is not None:
            self._context = innermost() if binding.stray else binding
            self._plain = False
        if _held:
            context.place(self, parent, frame)  # type: ignore[arg-type]  # each is a Span
        if frame.f_code.co_flags & _GENERATOR:
            self._hold(frame)
        open_spans.add(self)  # type: ignore[arg-type]  # each is a Span
        _variable.set(self)  # type: ignore[arg-type]  # each is a Span
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._state != OPEN or not self._zero:
            return
        end = self.start + monotonic_ns() - self._zero
        # The context first: whatever goes wrong below, nothing must go on under a span that is over.
        if (
            _variable.get() is self
            and self._thread == get_ident()
            and (self._task is None or self._is_in_its_task())
        ):
            self._state = LEFT
            _variable.set(self._outer)
        else:
            self._state = STRAY
        open_spans.discard(self)
        try:
            if self._waits is not None and self._waits.are_on:
                self._leave_waiting()
                return
            if error is not None:
                self._end_with(error)
            self._settle()
            root = self._root
            if not root._announced and root is not self:
                root._announce()
            self._append(self._status, end)
        except Exception as failure:  # noqa: BLE001 - the border: a record must not break its program
            self._append_least(end, failure)

    def _is_in_its_task(self) -> bool:
        try:
            return tasks.is_current(self._task)  # type: ignore[arg-type]  # asked only when there is one
        except RecursionError:  # the stack is exhausted, which is no reason to think it has changed
            return True

    def _settle(self) -> None:
        """Let go of what only an open span needs."""
        self._announced = True  # whatever begins under it from now on: it does not run any more
        self._outer = None
        if self._frame:
            self._release()
        if self._state == LEFT and self._parent is not None and self._parent._state == LEFT:
            # Tasks that start tasks for ever must not keep every span there ever was.
            self._parent = self._parent._parent  # type: ignore[union-attr]  # only spans are LEFT

    def _begin_local_root(self, parent: Remote | Captured | None) -> None:
        """Be the first span of a trace in this process."""
        self._root = self  # type: ignore[assignment]  # each is a Span
        self._out = None
        self._parent_field = ""
        if parent is None:
            parent = _origin
        if isinstance(parent, Remote):
            self.trace_id = parent.trace_id
            self._parent_field = f'"parent_id":"{parent.span_id}",'
            state = parent.tracestate
            self._remote = (
                f'{_REMOTE_FLAGS[:-1]},"trace_state":{captured(state, "otel")[0]}}}'
                if state
                else _REMOTE_FLAGS
            )
            self._plain = False
        else:
            if parent is not None:
                self._out = parent.take
            self.trace_id = self.trace_id or ids.trace_id()

    def _end_with(self, error: BaseException) -> None:
        """Take the exception that leaves the block into the record."""
        status = status_of(error)
        if status != "error":
            if self._status == "ok":
                self._status = status
            return
        if self._error is None:
            # Where it was told before, on the way up to here, its stack need not be told again.
            fault = fault_of(error, brief=has_mark(error, self._told))
            self._error = self._captured(fault, "error")
        self._status = "error"
        if isinstance(self._parent, Span):
            self._parent._told = mark_of(error)

    def _hold(self, frame: FrameType) -> None:
        """Belong to a generator's body, wherever its steps run; nothing if the frame is no generator's."""
        if frame.f_code.co_flags & _GENERATOR:
            self._frame = id(frame)
            _held.setdefault(self._frame, []).append(self)  # type: ignore[arg-type]  # each is a Span

    def _release(self) -> None:
        context.outside.pop(self, None)  # type: ignore[call-overload]  # each is a Span
        spans = _held.get(self._frame)
        if spans is not None:
            if self in spans:
                spans.remove(self)
            if not spans:
                _held.pop(self._frame, None)

    # -- what is known of it --------------------------------------------------------------------------------

    @property
    def recorded(self) -> bool:
        """Whether this span leaves a record."""
        return True

    @property
    def ended(self) -> bool:
        """Whether its block is over."""
        return self._state != OPEN

    def set(self, /, **attributes: object) -> None:
        """Add attributes; one that is set again replaces the former value."""
        if self._state == OPEN:
            self._set(attributes)

    def _set(self, attributes: Mapping[str, object]) -> None:
        if self._attributes is None:
            self._attributes = {}
            self._plain = False
        members = self._attributes
        for key, value in attributes.items():
            members[key] = member(key, value, self._note)

    def set_attributes(self, attributes: Mapping[str, object]) -> None:
        """Add attributes whose names are no Python identifiers, such as `gen_ai.request.model`."""
        if self._state == OPEN:
            try:
                self._set({text_of(key): value for key, value in attributes.items()})
            except Exception as failure:  # noqa: BLE001 - the border: a mapping is the program's code
                _lose_value(failure)

    def _captured(self, value: object, path: str) -> str | None:
        self._plain = False
        if _content is not None and path != "error" and _content.withholds(self._kind):
            self._set({WITHHELD: METADATA})
            return None
        fragment, cuts = captured(value, path)
        if cuts:
            self._note(cuts)
        return fragment

    def _note(self, cuts: list[Cut]) -> None:
        """Say on the span which of its texts were cut."""
        if self._attributes is None:
            self._attributes = {}
        self._attributes[CUT] = cut_list(cuts, self._attributes.get(CUT))

    @property
    def input(self) -> Any:
        """What the work was given. Reading it gives what was captured, not the object that was handed over."""
        return decoded(self._input)

    @input.setter
    def input(self, value: object) -> None:
        if self._state == OPEN:
            self._input = self._captured(value, "input")

    @property
    def output(self) -> Any:
        """What the work gave back; read as `input` is."""
        return decoded(self._output)

    @output.setter
    def output(self, value: object) -> None:
        if self._state == OPEN:
            self._output = self._captured(value, "output")

    def fail(
        self,
        error: BaseException | str,
        *,
        type: str = "",  # noqa: A002 - the field's name
        stack: str = "",
    ) -> None:
        """Mark the work as failed although no exception leaves its block.

        Args:
            error: the exception, or what went wrong in words.
            type: overrides the error's type, which else is the exception's class.
            stack: a formatted traceback, for an error that is only known in words.
        """
        if self._state != OPEN:
            return
        self._work_on()
        self._status = "error"
        self._error = self._captured(fault_of(error, type, stack), "error")

    def event(self, name: str, /, level: Level = "info", body: str = "", **attributes: object) -> None:
        """Record a point in time on this span, whichever is the current one; the arguments are those of `event`."""
        if self._state != OPEN or not self._zero:
            return
        try:
            verdict = verdicts[level]
        except Exception as failure:  # noqa: BLE001 - the border: a level is whatever the program says
            let_through(failure)
            level, verdict = "info", verdicts.get("info")
        if verdict is not True and (verdict is False or not _decide(level, _outside(_getframe(1)))):
            return
        self._happened(name, level, body, attributes)

    def _happened(self, name: str, level: str, body: str, attributes: Mapping[str, object]) -> None:
        try:
            _event(name, level, body, attributes, self)  # type: ignore[arg-type]  # each is a Span
        except Exception as failure:  # noqa: BLE001 - the border, as in __exit__
            _lose(failure)

    def exception(self, error: BaseException, /, level: Level = "warn", **attributes: object) -> None:
        """Record an exception that was seen and dealt with: the work goes on, the span does not fail.

        Args:
            error: the exception.
            level: as for `span`.
            **attributes: anything else worth knowing of it.
        """
        fault = fault_of(error)
        told: dict[str, Any] = {EXCEPTION[key]: value for key, value in fault.items()}
        self.event("exception", level, "", **{**told, **attributes})

    def pause(self, message: str = "") -> str:
        """Say that the work waits for somebody: an approval, an answer, a signal.

        The span stands as `paused` until `resume`. Leaving its block does not end it, by an exception either:
        it stays paused, also when its process ends, and goes on with `flightlog.resume` wherever the answer
        comes in. A second pause while it waits says what else it waits for. `fail` ends the waiting.

        Args:
            message: what it waits for.

        Returns:
            A token for `flightlog.resume`: a short text without special characters. Empty when nothing is
            recorded, which `flightlog.resume` takes as well.
        """
        if self._state != OPEN or not self._zero:
            return ""
        self._happened("pause", "info", "", {"message": message})
        self._announced = True
        waits = self._waits = self._waits or Waits()
        now = monotonic_ns()
        if waits.begin(now):
            self._set({WAITING_SINCE: self.start + now - self._zero})
        self._say("paused")
        return f"00-{self.trace_id}-{self.span_id}-{'02' if self._drops else '03'}"

    def resume(self, value: object = UNSET) -> None:
        """Say that the waiting is over; nothing if the span does not wait.

        Args:
            value: the answer, captured now.
        """
        if self._state == OPEN and self._work_on():
            self._happened("resume", "info", "", {} if value is UNSET else {"value": value})
            self._say("running")

    def _work_on(self) -> bool:
        """Stop waiting; whether it did wait."""
        waits = self._waits
        if waits is None or not waits.end(monotonic_ns()):
            return False
        if self._attributes is not None:
            self._attributes.pop(WAITING_SINCE, None)
        self._set({WAITING: waits.total_ns})
        return True

    def _leave_waiting(self) -> None:
        """Leave the block of a span that waits: it has not ended, so its last line says once more that it is paused."""
        if self._waits is not None:
            self._waits.leave()
        self._settle()
        self._append("paused", 0)

    def _say(self, status: str) -> None:
        """Write a line that says where the span stands."""
        try:
            self._append(status, 0)
        except Exception as failure:  # noqa: BLE001 - the border, as in __exit__
            _lose(failure)

    def link(self, other: object, /, relation: str = "caused_by", **attributes: object) -> None:
        """Relate this span to another that is not its parent.

        Args:
            other: a span, ours or OpenTelemetry's, anything else with `trace_id` and `span_id`, a mapping with
                these keys, a `traceparent` as text, or the headers that have one. Without `span_id` it is the
                whole trace. Nothing else is linked, which counts as `capture_errors`; None links nothing.
            relation: why they belong together.
            attributes: more about the relation.
        """
        if self._state != OPEN:
            return
        try:
            ids = related(other)
            if ids is not None:
                self._links = [*(self._links or ()), _link(ids, text_of(relation), attributes)]
                self._plain = False
            elif not is_about_a_span(other):
                _count("capture_errors")
        except Exception as failure:  # noqa: BLE001 - the border: `other` is the program's code
            _lose_value(failure)

    def _link_all(self, others: object) -> None:
        """Link each of these, or the one that was given without a list around it."""
        try:
            is_one = isinstance(others, (str, Mapping)) or not hasattr(others, "__iter__")
            for other in (others,) if is_one else others:  # type: ignore[attr-defined]  # asked just now
                self.link(other)
        except Exception as failure:  # noqa: BLE001 - as above
            _lose_value(failure)

    def tree(self) -> Branch:
        """The span as it stands now with everything recorded under it, read back as objects.

        Works while the span is open and after it has ended. Everything recorded so far is brought into the store
        first, which may take some milliseconds. Never raises: where nothing can be read, the answer is what this
        process knows.
        """
        return tree_of(self)

    # -- its lines --------------------------------------------------------------------------------------------

    def _announce(self) -> None:
        """Write the line that says that this span runs."""
        self._announced = True
        self._say("running")

    def _append(self, status: str, end: int) -> None:
        try:
            thread = _thread_fields[self._thread]
        except KeyError:  # the thread is gone, and with it its name
            thread = ""
        if end:
            line = (
                f'\x1e{{"v":1,"type":"span","trace_id":"{self.trace_id}","span_id":"{self.span_id}",'
                f'{self._parent_field}"name":{texts[self._name]},"kind":{texts[self._kind]},{self._level_field}'
                f'"start":{self.start},"end":{end},"status":"{status}"{thread}'
            )
        else:
            line = (
                f'\x1e{{"v":1,"type":"span","trace_id":"{self.trace_id}","span_id":"{self.span_id}",'
                f'{self._parent_field}"name":{texts[self._name]},"kind":{texts[self._kind]},{self._level_field}'
                f'"start":{self.start},"status":"{status}"{thread}'
            )
        if self._task is not None:
            line += self._task.field
        whole = f"{line}}}\n" if self._plain else f"{line}{self._rest(status)}}}\n"
        try:
            data = whole.encode()
        except UnicodeEncodeError:
            data = encoded(whole)
        if len(data) > _most_line:
            rest, missing = fitted(self._parts(status), _most_line - len(encoded(line)))
            data = encoded(f"{line}{rest}}}\n")
            for _ in range(missing):
                _count("fields_left_out")
        (self._out or _write)(data)

    def _append_least(self, end: int, failure: Exception) -> None:
        """Write what can be said of a span whose record cannot: its ids, name and times, and why."""
        try:
            _count("internal_errors")
            kind = texts[text_of(self._kind)]
            reason = {"flightlog.capture_error": redacted(f"{type(failure).__name__}: {said(failure)}")[:100]}
            line = (
                f'\x1e{{"v":1,"type":"span","trace_id":"{self.trace_id}","span_id":"{self.span_id}",'
                f'{self._parent_field}"name":{texts[self._name]},"kind":{kind},"start":{self.start},'
                f'"end":{end},"status":"{self._status}","attributes":{captured(reason, "")[0]}}}\n'
            )
            (self._out or _write)(encoded(line))
        except Exception as again:  # noqa: BLE001 - as above; the counter is what is left of it
            _lose(again)
        let_through(failure)

    def _parts(self, status: str) -> dict[str, str]:
        """What `_rest` joins, field by field, for a line that is too long."""
        members = dict(self._attributes or ())
        return {
            "context": "" if self._context is None else self._context.field,
            "input": "" if self._input is None else f',"input":{self._input}',
            "output": "" if self._output is None else f',"output":{self._output}',
            CUT: members.pop(CUT, ""),
            "attributes": ",".join(members.values()),
            "links": "" if self._links is None else f',"links":[{",".join(self._links)}]',
            "error": "" if self._error is None or status in _UNDONE else f',"error":{self._error}',
            "revision": "" if self._waits is None else f',"revision":{self._waits.revision_of(status)}',
            "otel": self._remote,
        }

    def _rest(self, status: str) -> str:
        """The fields that only some lines have."""
        rest = "" if self._context is None else self._context.field
        if self._input is not None:
            rest += f',"input":{self._input}'
        if self._output is not None:
            rest += f',"output":{self._output}'
        if self._attributes is not None:
            rest += f',"attributes":{{{",".join(self._attributes.values())}}}'
        if self._links is not None:
            rest += f',"links":[{",".join(self._links)}]'
        if self._error is not None and status not in _UNDONE:
            rest += f',"error":{self._error}'
        if self._waits is not None:
            rest += f',"revision":{self._waits.revision_of(status)}'
        return rest + self._remote


class Span(Spanning):
    """One unit of work, recorded when its `with` block ends.

    Values given to it are captured at that moment. All of it is safe to call at any time: after the end the
    calls do nothing, and nothing here raises into the program.
    """

    __slots__ = _MEMBERS


class Unrecording(Spanning):
    """A span of a trace that is not sampled: it has ids and a place in the context, and leaves no record."""

    __slots__ = _NO_MEMBERS
    _drops = True

    @property
    def recorded(self) -> bool:
        """Whether this span leaves a record: never."""
        return False

    def _set(self, attributes: Mapping[str, object]) -> None:
        """Keep nothing."""

    def _captured(self, value: object, path: str) -> str | None:
        """Keep nothing."""

    def _announce(self) -> None:
        self._announced = True

    def _append(self, status: str, end: int) -> None:
        """Write nothing."""


class Unrecorded(Unrecording, Span):
    """A span of a trace that is not sampled."""

    __slots__ = ()


def span(  # noqa: C901, PLR0912 - the hot path: each function that is not called is 60 ns
    name: str,
    /,
    kind: str = "step",
    level: Level = "info",
    input: object = UNSET,  # noqa: A002 - the field's name
    links: Iterable[object] = _NO_LINKS,
    **attributes: object,
) -> Span:
    """Make a span; it starts when its `with` block is entered and is recorded when that ends.

    Args:
        name: what is done, with few distinct values; details belong into attributes.
        kind: what sort of work: `llm`, `tool`, `retrieval`, … (`flightlog.records.kinds.KINDS`) or any word.
        level: how important; below the threshold nothing is recorded.
        input: what the work is given, captured now.
        links: other spans that this one is related to, each as for `Span.link`; or one of them alone.
        **attributes: anything else worth knowing, captured now. `attributes={…}` would be one attribute of this
            name; attributes whose names are no Python identifiers are given as `**{"a.b": 1}`, or afterwards
            with `Span.set_attributes`.
    """
    try:
        verdict = verdicts[level]
    except Exception as failure:  # noqa: BLE001 - the border: a level is whatever the program says
        let_through(failure)
        level, verdict = "info", verdicts.get("info")
    if verdict is not True and (verdict is False or not _decide(level, _outside(_getframe(1)))):
        return OFF  # type: ignore[return-value]  # stands in for a span in every way
    parent = _variable.get()
    made: Span | None = None
    if parent._drops if parent is not None else _roots_may_drop:
        made = _sampled(parent)
    if made is None:
        made = _new(Span)
        made.trace_id = ""
    made._name = name if type(name) is str else text_of(name)
    made._kind = kind
    made._level_field = "" if level == "info" else level_field(level)
    made._state = OPEN
    made._status = "ok"
    made._plain = True
    made._announced = False
    made._frame = made._zero = made._told = 0
    made._remote = made.span_id = ""
    made._waits = made._context = made._attributes = made._input = made._output = made._error = (
        made._links
    ) = None
    if attributes:
        for key, value in attributes.items():
            # What `memo.member` does, for the values that are common: three calls less are 0.4 us less.
            named, hidden = keys[key]
            if hidden:
                attributes[key] = secret_member(named, key, value, made._note)
            elif type(value) is str and len(value) <= SHORT:
                attributes[key] = named + texts[value]
            elif type(value) is int and _MIN_INT <= value <= _MAX_INT:
                attributes[key] = f"{named}{value}"
            elif type(value) is float and value - value == 0.0:
                attributes[key] = f"{named}{value!r}"
            else:
                attributes[key] = member(key, value, made._note)
        if made._attributes is not None:
            attributes.update(made._attributes)
        made._attributes = attributes  # type: ignore[assignment]  # every value became a text
        made._plain = False
    if input is not UNSET:
        made._input = made._captured(input, "input")
    if links is not _NO_LINKS:  # whose truth nobody is asked for: that of an array raises
        made._link_all(links)
    return made


def _sampled(parent: object) -> Span | None:
    """Decide for a new span whether its trace is recorded: an unrecorded one, one with a trace id, or None."""
    behind = context.parent_here(parent)  # type: ignore[arg-type]  # it came from the variable
    if behind is None:
        behind = _origin
    if behind is not None:
        made: Span | None = _new(Unrecorded) if behind._drops else None
        trace_id = ""
    else:
        trace_id = ids.trace_id()
        made = _new(Span if keeps(trace_id, _ratio) else Unrecorded)
    if made is not None:
        made.trace_id = trace_id
    return made


def event(name: str, /, level: Level = "info", body: str = "", **attributes: object) -> None:
    """Record a point in time on the current span, or on none when there is none.

    Args:
        name: what happened; `flightlog.records.events.VOCABULARY` lists the names that have a meaning.
        level: as for `span`.
        body: one line of text.
        **attributes: anything else worth knowing.
    """
    try:
        verdict = verdicts[level]
    except Exception as failure:  # noqa: BLE001 - the border: a level is whatever the program says
        let_through(failure)
        level, verdict = "info", verdicts.get("info")
    if verdict is not True and (verdict is False or not _decide(level, _outside(_getframe(1)))):
        return
    parent: Any = _variable.get()
    if parent is None or parent._state > LEFT or _held:
        parent = _parent_at(_getframe(1))
    try:
        _event(name, level, body, attributes, parent)
    except Exception as failure:  # noqa: BLE001 - the border, as in Span.__exit__
        _lose(failure)


def happened(
    name: str,
    level: str,
    body: str,
    attributes: Mapping[str, object],
    parent: Span | Remote | Captured | None,
) -> None:
    """Record an event that is wanted, under this parent: for whoever in the core asked for its level before.

    Args:
        name: what happened.
        level: one of `LEVELS`.
        body: one line of text.
        attributes: by any name, also by one that is a parameter of `event`.
        parent: what `engine.parent_at` gave.
    """
    try:
        _event(name, level, body, attributes, parent)
    except Exception as failure:  # noqa: BLE001 - the border, as in Span.__exit__
        _lose(failure)


def write_made(head: str, rest: str | Mapping[str, str], parent: object) -> None:
    """Write a line that was made elsewhere in the core, of what is known only after it was over.

    Args:
        head: the line from its first byte on, with the fields that it cannot do without.
        rest: its other fields, as `fields.fitted` takes them: a line that is too long goes without the largest.
            Of fields that are one text it keeps none.
        parent: what `engine.parent_at` gave.
    """
    data = encoded(f"{head}{rest if isinstance(rest, str) else joined(rest)}}}\n")
    if len(data) > _most_line:
        data = _shortened(head, {"fields": rest} if isinstance(rest, str) else rest)
    (parent.take if isinstance(parent, Captured) else getattr(parent, "_out", None) or _write)(data)


def _shortened(head: str, parts: Mapping[str, str]) -> bytes:
    """A line that would be too long, without its largest fields."""
    rest, missing = fitted(parts, _most_line - len(encoded(head)))
    for _ in range(missing):
        _count("fields_left_out")
    return encoded(f"{head}{rest}}}\n")


def withholds(kind: str) -> bool:
    """Whether inputs and outputs of this kind of work stay out of the record."""
    return _content is not None and _content.withholds(kind)


def _event(  # noqa: C901 - the hot path, as `span`
    name: str,
    level: str,
    body: object,
    attributes: Mapping[str, object],
    parent: Span | Remote | Captured | None,
) -> None:
    now = monotonic_ns()
    if now >= clock.due:
        clock.check(now)
    out = None
    place = ""
    if isinstance(parent, Captured):
        out = parent.take
    elif parent is not None:
        if parent._drops:
            return
        if isinstance(parent, Span):
            out = parent._out
            if not parent._root._announced:
                parent._root._announce()
        place = f'"trace_id":"{parent.trace_id}","span_id":"{parent.span_id}",'
    told = members = ""
    cuts: list[Cut] = []
    if body:
        text, cuts = captured(body if isinstance(body, str) else captured(body, "body")[0], "body")
        told = f',"body":{text}'
    rest = told
    if attributes:
        members = ",".join([member(key, value, cuts.extend) for key, value in attributes.items()])
        rest += (
            f',"attributes":{{{members}}}' if not cuts else f',"attributes":{{{members},{cut_list(cuts)}}}'
        )
    elif cuts:
        rest += f',"attributes":{{{cut_list(cuts)}}}'
    binding = innermost()
    if binding is not None:
        rest += binding.field
    try:
        event_id = _pool.pop()
    except IndexError:
        event_id = _refilled()
    head = (
        f'\x1e{{"v":1,"type":"event","event_id":"{event_id}",{place}'
        f'{"" if level == "info" else level_field(level)}"time":{now + clock.offset},"name":{texts[name]}'
    )
    data = encoded(f"{head}{rest}}}\n")
    if len(data) > _most_line:
        data = _shortened(
            head,
            {
                "body": told,
                "context": "" if binding is None else binding.field,
                "attributes": members,
                CUT: cut_list(cuts) if cuts else "",
            },
        )
    (out or _write)(data)


def _outside(frame: FrameType) -> FrameType:
    """The nearest frame that is not one of ours: the module that a level filter may name.

    The wrappers of `traced` run as if they were in the module of the function that they wrap.
    """
    here: FrameType | None = frame
    while here is not None and here.f_code.co_filename.startswith(_OURS):
        if not str(here.f_globals.get("__name__", "")).startswith("flightlog."):
            return here
        here = here.f_back
    return here or frame


def _parent_at(frame: FrameType) -> Span | Remote | Captured | None:
    """What a span that began in this frame would have above it."""
    parent = context.parent_here(_variable.get())
    if _held:
        parent = context.rescued(parent, frame)
    return _origin if parent is None else parent


def _link(ids: tuple[str, str], relation: str, attributes: Mapping[str, object]) -> str:
    members = ",".join(member(key, value, _nothing) for key, value in attributes.items())
    more = f',"attributes":{{{members}}}' if members else ""
    trace_id, span_id = captured(ids[0], "trace_id")[0], captured(ids[1], "span_id")[0]
    return f'{{"trace_id":{trace_id},"span_id":{span_id},"relation":{texts[relation]}{more}}}'


def current() -> Span:
    """The innermost open span of this context; when there is none, one that takes everything and does nothing."""
    return context.open_span(_variable.get()) or OFF  # type: ignore[return-value]  # as in `span`


def bind(**fields: object) -> Bind:
    """Put fields on every span and event of a `with` block, whatever function, task or thread they begin in.

    Args:
        **fields: `session`, `turn`, `user`, `tags`, `job`, `correlation_id`, `experiment`, `candidate`,
            `example` and `split` can be searched for; any other name is kept as well. Captured now.
    """
    if None in verdicts.values() or not verdicts:
        _decide("info", _getframe(1))
    return Bind({key: member(key, value, _nothing) for key, value in fields.items()})


def ask(decide: Callable[[str, FrameType], bool]) -> None:
    """Have somebody decide where a verdict depends on more than the level: on the caller's frame, or on time."""
    global _decide  # noqa: PLW0603 - one engine a process; a class around it would cost each span a look-up
    _decide = decide


def install(plan: Plan) -> None:
    """Start recording by this plan; spans that are open go on and end by it."""
    global _write, _count, _ratio, _roots_may_drop, _most_open, _most_line, _origin, _content  # noqa: PLW0603 - see above
    _write, _count = plan.write, plan.count
    _ratio, _origin, _content = plan.ratio, plan.origin, plan.content
    _roots_may_drop = plan.ratio < 1.0 or (plan.origin is not None and not plan.origin.sampled)
    _most_open, _most_line = plan.open_spans, plan.line_bytes
    keep_vectors(plan.vectors)


def announce_overdue(age_ns: int) -> None:
    """Write the running line of every span that has been open for at least `age_ns` and has none yet."""
    limit = monotonic_ns() - age_ns
    overdue = [running for running in list(open_spans) if not running._announced and running._zero <= limit]
    room = max(0, _most_open - len(open_spans) + len(overdue))
    for running in overdue[:room]:
        running._announce()
    for running in overdue[room:]:
        running._announced = True  # its end will be recorded, and what came before it is counted
        _count("open_spans_unannounced")


def announce_open() -> None:
    """Write the running line of every open span, before a fork: the child's spans will name them as parents."""
    announce_overdue(0)


def disown() -> None:
    """In a forked child: make new ids, and leave the parent's open spans to the parent."""
    ids.reseed()
    _pool.clear()
    inherited: list[Any] = [*open_spans]
    seen: Any = _variable.get()
    while seen is not None:
        inherited.append(seen)
        seen = getattr(seen, "inner", None) or getattr(seen, "_parent", None)
    for ancestor in inherited:
        if isinstance(ancestor, Span):
            ancestor._state = FOREIGN
    open_spans.clear()
    _held.clear()
