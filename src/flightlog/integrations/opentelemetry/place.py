"""OpenTelemetry's context, kept in step with ours.

OpenTelemetry keeps what is current in a ContextVar of its own, as an immutable mapping, and so do we, as a span. Two
truths would drift apart, so there is one: our variable says which span is current. This runtime stands in the place
of OpenTelemetry's own:

* `attach` makes the span of a context current in our variable as well, and remembers the context (baggage and all).
* `get_current` gives the attached context back as it is, as long as the variable holds what `attach` put there. Where a
  span of ours began since, it gives the same context with that span in it.
  Where only the process itself has a place (under `flightlog run`, or by `TRACEPARENT`), no span is current: whatever
  begins continues it all the same, and a server's instrumentation must see that it has to read its request's headers.
* `detach` sets back what is still in its place, and nothing else. Nothing here is "created in a different Context".

So a span that begins through our provider costs OpenTelemetry's context nothing: only whoever asks pays.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar, Token
from sys import _getframe
from typing import Any, Final

from opentelemetry import baggage as their_baggage
from opentelemetry import context as api
from opentelemetry import trace
from opentelemetry.context.context import Context, _RuntimeContext
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

from flightlog.core.arrived import Arrived, Heard
from flightlog.core.context import OPEN, STRAY, Captured, Remote, captor, held, parent_here, variable
from flightlog.core.engine import Span as Made
from flightlog.core.engine import parent_at
from flightlog.core.outcome import text_of
from flightlog.integrations.opentelemetry.readable import number_of, trace_state_of
from flightlog.integrations.opentelemetry.span import Span, show, shown
from flightlog.propagation import baggage, rules


class Attached:
    """One `attach`, and the token of it."""

    __slots__ = ("before", "context", "is_over", "outer", "shown", "value", "var")

    def __init__(
        self, var: FlightlogContext, context: Context, value: Any, outer: Attached | None, before: Any
    ) -> None:
        self.var = var
        """As of a token of `contextvars`: there are libraries that say `token.var.reset(token)`."""
        self.context = context
        self.value = value
        """What our variable held from then on."""
        self.outer = outer
        self.before = before
        """What it held until then."""
        self.shown: Span | None = None
        self.is_over = False


class Local(Arrived):
    """A span of this process that leaves no record, or one that somebody else records: known by its ids."""

    __slots__ = ()


class Place:
    """What this process knows of spans that are not ours to begin."""

    def __init__(self) -> None:
        self.fed: dict[Any, Made] = {}
        """Spans of an SDK, and the spans that record them."""
        self.shows = True
        """Whether OpenTelemetry sees the spans of `fl.span`: not where an SDK exports what it sees."""


place: Final = Place()
_attached: Final[ContextVar[Attached | None]] = ContextVar("flightlog.opentelemetry", default=None)


class FlightlogContext(_RuntimeContext):
    """The runtime context that knows our spans."""

    def __init__(self, inner: _RuntimeContext | None = None) -> None:
        """Stand before another one.

        Args:
            inner: who keeps what was attached before, and takes over while `is_on` is false.
        """
        self.inner = inner or ContextVarsRuntimeContext()
        self.is_on = True

    def attach(self, context: Context) -> Token[Context]:
        """Make a context current, with the span in it; gives what `detach` takes."""
        if not self.is_on:
            return self.inner.attach(context)
        before = variable.get()
        value = value_of(context, before)
        mark = Attached(self, context, value, _attached.get(), before)
        _attached.set(mark)
        if value is not before:
            variable.set(value)
        span = trace.get_current_span(context)
        if isinstance(span, Span):
            mark.shown = span
            span.attachments += 1
        return mark  # type: ignore[return-value]  # opaque to whoever has it

    def detach(self, token: Any) -> None:
        """Set back what is still in its place."""
        if not isinstance(token, Attached):
            self.inner.detach(token)
            return
        if token.is_over:
            return
        token.is_over = True
        if _attached.get() is not token:
            return
        if token.shown is not None:
            token.shown.attachments -= 1
        outer, before = token.outer, token.before
        while outer is not None and outer.is_over:
            before = outer.before if before is outer.value else before
            outer = outer.outer
        _attached.set(outer)
        if variable.get() is token.value:
            variable.set(before)

    def reset(self, token: Any) -> None:
        """As `detach`, by the name that a `ContextVar` has for it."""
        self.detach(token)

    def baggage(self) -> dict[str, str]:
        """What the program has as baggage here, by name: it leaves with the headers that we write."""
        mark = _attached.get()
        base = self.inner.get_current() if mark is None else mark.context
        found: Mapping[Any, object] = their_baggage.get_all(base) if base and self.is_on else {}
        return {name: text_of(value) for name, value in found.items() if isinstance(name, str)}

    def get_current(self) -> Context:
        """The context of this place, with the span that is current here."""
        mark = _attached.get()
        base = self.inner.get_current() if mark is None else mark.context
        if not self.is_on or not place.shows:
            return base
        value: Any = variable.get()
        if mark is not None and mark.value is value and not held and getattr(value, "_state", 0) != STRAY:
            return base
        seen = shown.get(value) if not held else None
        if seen is not None and value._state == OPEN:  # noqa: SLF001 - a span: it is shown
            if seen._seen is None or seen._seen[0] is not base:  # noqa: SLF001 - ours
                seen._seen = base, trace.set_span_in_context(seen, base)  # noqa: SLF001 - ours
            return seen._seen[1]  # noqa: SLF001 - ours
        found = parent_at(_getframe(1))
        if found is None or isinstance(found, Captured) or found is rules.current().origin:
            if mark is None or not trace.get_current_span(base).get_span_context().is_valid:
                return base
            return trace.set_span_in_context(trace.INVALID_SPAN, base)
        return trace.set_span_in_context(span_of(found), base)


def span_of(found: Made | Remote) -> trace.Span:
    """What OpenTelemetry sees of a span, or of a place that came in from elsewhere."""
    if isinstance(found, Remote):
        return NonRecordingSpan(_context_of(found, is_remote=not isinstance(found, Local)))
    if isinstance(found, Heard):
        arrived = found.arrived
        return NonRecordingSpan(_context_of(arrived, is_remote=not isinstance(arrived, Local)))
    if found._drops:  # noqa: SLF001 - whether it records is what every span and marker knows
        return NonRecordingSpan(_context_of(found, is_remote=False))
    return show(found)


def _context_of(found: Any, *, is_remote: bool) -> SpanContext:
    flags = (0 if found._drops else 1) | (2 if getattr(found, "is_random", True) else 0)  # noqa: SLF001 - as above
    state = trace_state_of(found) if isinstance(found, Arrived) else None
    return SpanContext(
        number_of(found.trace_id), number_of(found.span_id), is_remote, TraceFlags(flags), state
    )


def value_of(context: Context, before: Any) -> Any:
    """What our variable holds where this context is current."""
    span = trace.get_current_span(context)
    found = place_of(span, before)
    if found is before or (before is not None and parent_here(before) is found):
        return before
    named = getattr(found, "arrived", found)  # by its ids alone, as those name it who find no provider
    if isinstance(before, Made) and getattr(named, "span_id", "") == before.span_id:
        return before
    return found


def place_of(span: trace.Span, before: Any) -> Made | Remote | Captured | None:
    """What stands above a span that begins under this one.

    Args:
        span: as OpenTelemetry has it.
        before: what is current here: a capture goes on taking what begins.
    """
    if isinstance(span, Span):
        return span.made
    if (fed := place.fed.get(span)) is not None:
        return fed
    context = span.get_span_context()
    if not context.is_valid:
        return captor(before)
    if not place.shows and not context.is_remote and not context.trace_flags & 1:
        return parent_here(before)  # what an SDK does not sample is no reason for us to
    return marked(context, before)


def marked(context: SpanContext, before: Any, *, sampled: bool | None = None) -> Arrived | Heard:
    """The marker for a span that is known by its ids.

    Args:
        context: the ids, flags and trace state.
        before: what is current: a capture goes on taking what begins.
        sampled: whether what begins under it is recorded; None is as the flags say.
    """
    arrived = (Arrived if context.is_remote else Local)(
        trace.format_trace_id(context.trace_id),
        trace.format_span_id(context.span_id),
        sampled=bool(context.trace_flags & 1) if sampled is None else sampled,
        is_random=bool(context.trace_flags & 2),
        tracestate=_header(context.trace_state),
    )
    taker = captor(before)
    return arrived if taker is None else Heard(arrived, taker)


def _header(state: TraceState | None) -> str:
    return state.to_header() if state else ""


class Installation:
    """The runtime in the place of OpenTelemetry's."""

    def __init__(self) -> None:
        self.runtime: FlightlogContext | None = None

    def put(self) -> None:
        """Stand in; twice is harmless."""
        here: Any = api._RUNTIME_CONTEXT  # noqa: SLF001 - there is no other way to take its place
        if isinstance(here, FlightlogContext):
            self.runtime = here
        else:
            self.runtime = FlightlogContext(here)
            api._RUNTIME_CONTEXT = self.runtime  # noqa: SLF001 - as above
        self.runtime.is_on = True
        if baggage_here not in baggage.sources:
            baggage.sources.append(baggage_here)

    def take_back(self) -> None:
        """Hand everything on to the one before; what was attached may still be detached."""
        if self.runtime is not None:
            self.runtime.is_on = False


installation: Final = Installation()


def baggage_here() -> dict[str, str]:
    """What OpenTelemetry's API has as baggage at this place."""
    return {} if installation.runtime is None else installation.runtime.baggage()
