"""Tracers: spans begin here, straight on the engine.

`start_as_current_span` is a block of its own, and no generator: with the usual arguments it enters and leaves the
engine's own block, which costs what `fl.span` does and little more. A span with a context, a time, or an end of its
own is begun detached (`core/detached.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from sys import _getframe
from types import TracebackType
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context.context import Context
from opentelemetry.trace import NonRecordingSpan, NoOpTracer, SpanContext, SpanKind, TraceFlags

from flightlog.core import detached
from flightlog.core.arrived import Arrived, Heard
from flightlog.core.content import METADATA, WITHHELD
from flightlog.core.context import OPEN, Captured, Remote, parent_here, variable
from flightlog.core.engine import Span as Made
from flightlog.core.engine import ids, lose, parent_at, withholds
from flightlog.core.engine import span as make_span
from flightlog.core.memo import texts
from flightlog.core.off import OFF
from flightlog.integrations.opentelemetry.apart import Detached
from flightlog.integrations.opentelemetry.decorating import Decorating
from flightlog.integrations.opentelemetry.limits import NO_LIMIT, Limits, from_environment
from flightlog.integrations.opentelemetry.meaning import OTHER, SIGNS, is_content, kind_of
from flightlog.integrations.opentelemetry.notes import note
from flightlog.integrations.opentelemetry.place import Local, installation, marked, place_of, span_of
from flightlog.integrations.opentelemetry.resource import Resource, resource_here
from flightlog.integrations.opentelemetry.scope import INTERNAL, Home, Scope
from flightlog.integrations.opentelemetry.span import ERROR_TYPE, Span, shown
from flightlog.integrations.opentelemetry.told import listening
from flightlog.integrations.opentelemetry.usual import usual
from flightlog.integrations.opentelemetry.values import are_simple, cleaned

_PARAMETERS: Final = frozenset({"kind", "level", "input", "links"})
"""Names that an attribute has in common with a parameter of `engine.span`."""

_MOST_USUAL: Final = 256
_NUMBERS: Final[dict[Any, int]] = {kind: kind.value + 1 for kind in SpanKind}
"""Kinds by their numbers in OTLP."""

_WATCHED: Final = SIGNS | _PARAMETERS | {ERROR_TYPE, ""}
"""Names of attributes that need a second look."""

Given = tuple[str, Context | None, SpanKind, Any, Any, int | None]
"""Name, context, kind, attributes, links and start of a span."""

Odd = tuple[dict[str, Any], int, Any, dict[str, str]]
"""What is not usual about attributes: those that tell the kind, how many were dropped, `error.type`, and types."""

_OFF: Final[Any] = OFF
_NOWHERE: Final = object()
"""Stands for a place that was not left."""

_new: Final = object.__new__
"""Makes what only keeps what it is given: `__init__` would be a twentieth of what a span costs."""

_INTERNAL: Final = SpanKind.INTERNAL
_GENERATOR: Final = 0x20 | 0x200
"""`CO_GENERATOR | CO_ASYNC_GENERATOR` of a code object (documented with the `inspect` module)."""
_REMOTE: Final = 769
"""W3C sampled (0x001) with OpenTelemetry's "has is_remote" (0x100) and "is_remote" (0x200)."""
_BORROWED: Final = trace.__file__
"""Where the generator stands that hands a call on to us, and holds nothing itself."""


class TracerProvider(trace.TracerProvider):
    """Gives tracers that record with Flightlog. One is enough for a process; several record alike."""

    def __init__(self, limits: Limits | None = None) -> None:
        """Make one.

        Args:
            limits: how much of a span is kept; None reads OpenTelemetry's environment variables.
        """
        self.limits = limits or from_environment()
        self.is_on = True
        """Whether its tracers record; else they hand on to whoever is the global provider."""
        installation.put()

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Any = None,
    ) -> trace.Tracer:
        """Give a tracer for a library."""
        name: Any = instrumenting_module_name
        name = name if isinstance(name, str) else ""
        if not name:
            note("a tracer was asked for without a name")
        facts = cleaned(attributes, NO_LIMIT, NO_LIMIT).kept
        tracer = Tracer(self, Scope(name, instrumenting_library_version, schema_url, facts))
        return listening(name, tracer, self)

    @property
    def resource(self) -> Resource:
        """Who records: what some instrumentations read of the SDK's provider."""
        return resource_here()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the SDK's signature
        """Say that nothing waits in memory: what was recorded is in the journal."""
        return True

    def shutdown(self) -> None:
        """Do nothing: the process's end is noticed without a word."""


class Tracer(trace.Tracer):
    """Begins spans for one library."""

    def __init__(self, provider: TracerProvider, scope: Scope) -> None:
        self._provider = provider
        self._limits = provider.limits
        self._scope = scope
        self._home = Home(scope, provider.limits)
        self._most = provider.limits.attributes if provider.limits.value_length == NO_LIMIT else -1
        """Most attributes that can be handed on as they are."""
        self.usual: set[tuple[str, ...]] = set()
        """Names of attributes that came together and mean nothing more."""
        self._beyond: tuple[Any, trace.Tracer] | None = None

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Any = None,
        links: Sequence[trace.Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> trace.Span:
        """Begin a span that is not current; it ends when its `end` is called, or its block is left."""
        if not self._provider.is_on:
            return self._other().start_span(
                name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
            )
        if (
            context is not None
            or start_time is not None
            or not (record_exception and set_status_on_exception)
        ):
            span, _ = self.begin((name, context, kind, attributes, links, start_time))
            if isinstance(span, Span):
                span._records, span._fails = record_exception, set_status_on_exception  # noqa: SLF001 - ours
            return span
        # What `begin` does, for the usual arguments; the call would be a twentieth of what this costs.
        try:
            made: Made | None
            odd = None
            if not attributes:
                made = make_span(name, OTHER)
            elif (
                type(attributes) is not dict
                or tuple(attributes) not in self.usual
                or (made := usual(name, attributes)) is None
            ):
                made, odd = self.make(name, attributes)
            if made is _OFF or made._drops:  # noqa: SLF001 - whether it records is what every span knows
                return self.unrecorded(made, parent_at(_getframe(1)))[0]
            here = variable.get()
            made.__enter__()
            variable.set(here)
            if (
                odd is None
                and kind is _INTERNAL
                and not (links or made._remote)  # noqa: SLF001 - the engine's word for a remote parent
                and (made._out is None or type(made._parent) is not Heard)  # noqa: SLF001 - the same in a capture
            ):
                home = self._home
                span = shown[made] = _new(Detached)
                span.made, span._home = made, home  # noqa: SLF001 - ours
                made._remote = home.told if texts[home.name] is home.fragment else home.tail()  # noqa: SLF001 - as above
                made._plain = False  # noqa: SLF001 - as above
                return span
            return self.introduce(Detached(made, self._home), kind, links, odd)
        except Exception as failure:  # noqa: BLE001 - the border: the program must get a span
            lose(failure)
            return trace.INVALID_SPAN

    def start_as_current_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Any = None,
        links: Sequence[trace.Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> Any:
        """Make a block, or a decorator, in which a new span is current."""
        if not self._provider.is_on:
            return self._other().start_as_current_span(
                name,
                context,
                kind,
                attributes,
                links,
                start_time,
                record_exception,
                set_status_on_exception,
                end_on_exit,
            )
        if context is None and start_time is None and end_on_exit:
            block = _new(Block)
            block._given = self, name, kind, attributes, links, record_exception, set_status_on_exception  # noqa: SLF001 - ours
            block.made = None
            return block
        rest = (record_exception, set_status_on_exception, end_on_exit)
        return RareBlock(self, (name, context, kind, attributes, links, start_time), rest)

    def make(self, name: str, attributes: Any) -> tuple[Made, Odd | None]:
        """Make a span of the engine with these attributes, and say what is odd about them."""
        if not attributes:
            return make_span(name, OTHER), None
        if type(attributes) is dict and self._learn(attributes):
            return make_span(name, OTHER, **attributes), None
        limits = self._limits
        given, dropped, types = cleaned(attributes, limits.attributes, limits.value_length)
        signs = {key: given[key] for key in SIGNS.intersection(given)}
        kind = kind_of(signs)
        if withholds(kind) and any(map(is_content, given)):
            given = {key: value for key, value in given.items() if not is_content(key)}
            given[WITHHELD] = METADATA
        made = make_span(name, kind)
        made.set_attributes(given)
        return made, (signs, dropped, given.get(ERROR_TYPE), types)

    def _learn(self, attributes: dict[Any, Any]) -> bool:
        """Whether these can be handed on as they are; their names, which mostly come again, are remembered."""
        names = tuple(attributes)
        if names not in self.usual:
            if (
                len(names) > self._most
                or not _WATCHED.isdisjoint(names)
                or any(type(name) is not str or is_content(name) for name in names)
            ):
                return False
            if len(self.usual) >= _MOST_USUAL:
                self.usual.clear()
            self.usual.add(names)
        return are_simple(attributes.values())

    def introduce(self, span: Span, kind: SpanKind, links: Any, odd: Odd | None) -> Span:
        """Say of a span that has begun whose it is, and give it."""
        made = span.made
        shown[made] = span
        above: Any = made._parent  # noqa: SLF001 - what it stands under
        is_usual = odd is None and kind is _INTERNAL and not (links or made._remote or type(above) is Heard)  # noqa: SLF001 - the engine's word for a remote parent
        if is_usual:
            made._remote = self._home.tail()  # noqa: SLF001 - as above
            made._plain = False  # noqa: SLF001 - as above
            return span
        if odd is not None:
            span._signs, span._dropped_attributes, span._error_type, span._types = odd  # noqa: SLF001 - ours
        above = above.arrived if isinstance(above, Heard) else above
        is_remote = (isinstance(above, Remote) or bool(made._remote)) and not isinstance(above, Local)  # noqa: SLF001 - as above
        state = above.tracestate if isinstance(above, Arrived) else ""
        span.introduce(_NUMBERS.get(kind, INTERNAL), _REMOTE if is_remote else 0, state)
        if links:
            span.add_links(links)
        return span

    def begin(self, given: Given) -> tuple[trace.Span, Any]:
        """Begin a span that is current nowhere; gives what our variable holds where it is current, too."""
        name, context, kind, attributes, links, start_time = given
        here = variable.get()
        try:
            if context is None:
                made, odd = self.make(name, attributes)
                above = None
            else:
                above = place_of(trace.get_current_span(context), here)
                variable.set(above)  # what it is sampled by
                try:
                    made, odd = self.make(name, attributes)
                finally:
                    variable.set(here)
            if made is _OFF or made._drops:  # noqa: SLF001 - whether it records is what every span knows
                return self.unrecorded(made, parent_at(_getframe(1)) if context is None else above)
            if context is None and start_time is None:
                made.__enter__()
                variable.set(here)
            else:
                start = start_time if detached.is_moment(start_time) else None
                detached.begin(made, parent_at(_getframe(1)) if context is None else above, start=start)
            return self.introduce(Detached(made, self._home), kind, links, odd), made
        except Exception as failure:  # noqa: BLE001 - the border: the program must get a span
            lose(failure)
            return trace.INVALID_SPAN, here

    def unrecorded(self, made: Made, above: Any) -> tuple[trace.Span, Any]:
        """Make what stands for a span that leaves no record, and what is current while it is.

        Where its level is off that is its parent; where its trace is not sampled it has ids of its own.
        """
        has_parent = above is not None and not isinstance(above, Captured)
        parent = span_of(above).get_span_context() if has_parent else trace.INVALID_SPAN_CONTEXT
        if made is _OFF:
            return NonRecordingSpan(parent), above
        trace_id = parent.trace_id if parent.is_valid else int(made.trace_id or ids.trace_id(), 16)
        flags = TraceFlags(parent.trace_flags & 2 if parent.is_valid else 2)
        context = SpanContext(trace_id, int(ids.span_id(), 16), False, flags, parent.trace_state)
        return NonRecordingSpan(context), marked(context, variable.get())

    def _other(self) -> trace.Tracer:
        """The tracer of whoever took our place."""
        provider = trace.get_tracer_provider()
        if provider is self._provider or not isinstance(provider, trace.TracerProvider):
            return NoOpTracer()
        if self._beyond is None or self._beyond[0] is not provider:
            scope = self._scope
            tracer = provider.get_tracer(
                scope.name, scope.version or None, scope.schema_url or None, dict(scope.attributes) or None
            )
            self._beyond = provider, tracer
        return self._beyond[1]


BlockGiven = tuple[Tracer, str, SpanKind, Any, Any, bool, bool]
"""Tracer, name, kind, attributes and links of a span, whether an exception is recorded, whether it is the status."""


class Block(Decorating, Span):
    """The usual block, which is its own span: that begins under what is current, now, and ends with it."""

    __slots__ = ("_given",)
    _before: Any = _NOWHERE
    """What was current around a span that leaves no record."""

    def __init__(self, given: BlockGiven) -> None:
        self._given = given
        self.made: Any = None
        """The span behind it, once it has begun."""

    def again(self) -> Block:
        """The same block for another call."""
        return Block(self._given)

    def __enter__(self) -> trace.Span:
        tracer, name, kind, given, links, _, _ = self._given
        odd = None
        made: Made | None
        try:
            if not given:
                made = make_span(name, OTHER)
            elif (
                type(given) is not dict
                or tuple(given) not in tracer.usual
                or (made := usual(name, given)) is None
            ):
                made, odd = tracer.make(name, given)
            if made is _OFF or made._drops:  # noqa: SLF001 - whether it records is what every span knows
                return self._enter_unrecorded(made)
            made.__enter__()
            self.made = made
            home = self._home = tracer._home  # noqa: SLF001 - ours
            frame = _getframe(1)
            if frame.f_code.co_flags & _GENERATOR and frame.f_code.co_filename != _BORROWED:
                made._hold(frame)  # noqa: SLF001 - as the engine does for a block of its own
            if (
                odd is None
                and kind is _INTERNAL
                and not (links or made._remote)  # noqa: SLF001 - the engine's word for a remote parent
                and (made._out is None or type(made._parent) is not Heard)  # noqa: SLF001 - the same in a capture
            ):
                # What `introduce` does with a usual span; the call would be a tenth of what this costs.
                shown[made] = self
                made._remote = home.told if texts[home.name] is home.fragment else home.tail()  # noqa: SLF001 - where the engine has this field
                made._plain = False  # noqa: SLF001 - as above
                return self
            return tracer.introduce(self, kind, links, odd)
        except Exception as failure:  # noqa: BLE001 - the border: the program's block must begin
            lose(failure)
            return trace.INVALID_SPAN

    def _enter_unrecorded(self, made: Made) -> trace.Span:
        here = self._before = variable.get()
        span, place = self._given[0].unrecorded(made, parent_at(_getframe(2)))
        if place is not parent_here(here):
            variable.set(place)
        return span

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace_back: TracebackType | None,
    ) -> None:
        made = self.made
        if made is None:
            if self._before is not _NOWHERE and variable.get() is not self._before:
                variable.set(self._before)
            return
        if error is not None and self.is_recording():
            self.left_by(error, records=self._given[5], fails=self._given[6])
        if made._state != OPEN:  # noqa: SLF001 - the program ended it before, and it stayed current until here
            if variable.get() is made:
                variable.set(self.outer)
            return
        made.__exit__(None, None, None)
        shown.pop(made, None)


class RareBlock(Decorating):
    """The block of a span with a context, a time, or an end of its own."""

    def __init__(self, tracer: Tracer, given: Given, rest: tuple[bool, bool, bool]) -> None:
        self._tracer = tracer
        self._given = given
        self._rest = rest
        """Whether an exception is recorded, whether it is the status, whether leaving ends the span."""

    def again(self) -> RareBlock:
        """The same block for another call."""
        return RareBlock(self._tracer, self._given, self._rest)

    def __enter__(self) -> trace.Span:
        self._before = variable.get()
        self._span, self._here = self._tracer.begin(self._given)
        variable.set(self._here)
        return self._span

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace_back: TracebackType | None,
    ) -> None:
        span, (records, fails, ends) = self._span, self._rest
        if isinstance(span, Span):
            if error is not None and span.is_recording():
                span.left_by(error, records=records, fails=fails)
            if ends and span.is_recording():
                is_here = variable.get() is self._here
                detached.finish(span.made, astray=not is_here)
                shown.pop(span.made, None)
        if variable.get() is self._here:
            variable.set(self._before)
