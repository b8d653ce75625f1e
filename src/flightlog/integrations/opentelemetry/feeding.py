"""What an SDK of OpenTelemetry's that a program has set up is given, so that its spans are recorded here as well.

The processor hears of each span at its start (from then on it is there as one that runs, and whatever `fl.span` begins
within it is its child) and at its end. The exporter is for those who want spans only when they are over. Ids stay what
they are. A span that the processor has told of is not told by an exporter once more.

Neither imports the SDK: they have the methods that it calls. What the program exports elsewhere does not change.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.trace import StatusCode

from flightlog.core import detached, engine
from flightlog.core.arrived import Arrived, Heard
from flightlog.core.context import Captured, Remote, captor, parent_here, variable
from flightlog.core.engine import Span as Made
from flightlog.core.engine import lose, verdicts
from flightlog.core.off import OFF
from flightlog.integrations.opentelemetry.limits import NO_LIMIT, Limits
from flightlog.integrations.opentelemetry.logger import FIELDS, record_log
from flightlog.integrations.opentelemetry.meaning import OTHER
from flightlog.integrations.opentelemetry.place import installation, marked, place
from flightlog.integrations.opentelemetry.scope import Home, Scope
from flightlog.integrations.opentelemetry.span import Span
from flightlog.records.attributes import EXCEPTION

_UNLIMITED: Final = Limits(NO_LIMIT, NO_LIMIT, NO_LIMIT, NO_LIMIT, NO_LIMIT, NO_LIMIT, NO_LIMIT)
_OFF: Final[Any] = OFF
_MOST_TOLD: Final = 8192

_told: Final[OrderedDict[int, None]] = OrderedDict()
"""Span ids that the processor has told of lately."""
_begun: Final[dict[int, tuple[Span, Any]]] = {}
"""Spans of an SDK that run, by their ids: what records each, and the SDK's own."""


class SpanProcessor:
    """Hands on what an SDK's tracer provider begins and ends: `provider.add_span_processor(SpanProcessor())`."""

    def __init__(self) -> None:
        self.is_on = True
        """Whether it hands on; a processor cannot be taken out again."""
        installation.put()

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        """A span began."""
        if not self.is_on:
            return
        try:
            above = _innermost(_above(span.parent, parent_context))
            begun = _begin(span, above)
            if begun is not None:
                place.fed[span] = begun.made
                _begun[span.get_span_context().span_id] = begun, span
        except Exception as failure:  # noqa: BLE001 - the border: the program's span must begin
            lose(failure)

    def _on_ending(self, span: Any) -> None:
        """A span is about to end."""

    def on_end(self, span: Any) -> None:
        """A span is over; it comes as another object, with the same ids."""
        context = span.get_span_context()
        begun, source = _begun.pop(context.span_id, (None, None))
        if begun is None:
            return
        try:
            _tell(begun, span)
            detached.finish(begun.made, span.end_time)
        except Exception as failure:  # noqa: BLE001 - the border, as above
            lose(failure)
        finally:
            _remember(context.span_id)
            place.fed.pop(source, None)

    def shutdown(self) -> None:
        """Do nothing more."""
        self.is_on = False

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the SDK's signature
        """Say that nothing waits in memory: what was recorded is in the journal."""
        return True


class SpanExporter:
    """Records spans when they are over: for a processor of an SDK that takes an exporter."""

    def export(self, spans: Sequence[Any]) -> Any:
        """Record them; says that it did."""
        for span in spans:
            try:
                self._export(span)
            except Exception as failure:  # noqa: BLE001 - the border: the others must be recorded
                lose(failure)
        result: Any = sys.modules["opentelemetry.sdk.trace.export"]  # whose caller runs
        return result.SpanExportResult.SUCCESS

    def _export(self, span: Any) -> None:
        if span.get_span_context().span_id in _told:
            return
        begun = _begin(span, _known(span.parent), is_over=True)
        if begun is not None:
            _tell(begun, span)
            detached.finish(begun.made, span.end_time)

    def shutdown(self) -> None:
        """Do nothing: there is nothing to close."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the SDK's signature
        """Say that nothing waits in memory."""
        return True


class LogRecordProcessor:
    """Hands on what an SDK's logger provider emits: `provider.add_log_record_processor(LogRecordProcessor())`."""

    def __init__(self) -> None:
        self.is_on = True
        """Whether it hands on; a processor cannot be taken out again."""

    def on_emit(self, log_record: Any) -> None:
        """A record was emitted."""
        if not self.is_on:
            return
        try:
            record = log_record.log_record
            told = {name: getattr(record, name, None) for name in FIELDS}
            scope = _scope_of(getattr(log_record, "instrumentation_scope", None))
            record_log(
                told, (getattr(record, "trace_id", 0), getattr(record, "span_id", 0)), scope, _UNLIMITED
            )
        except Exception as failure:  # noqa: BLE001 - the border: the program's record must go on
            lose(failure)

    emit = on_emit
    """What it was called before."""

    def shutdown(self) -> None:
        """Do nothing more."""
        self.is_on = False

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the SDK's signature
        """Say that nothing waits in memory."""
        return True


def _remember(span_id: int) -> None:
    _told[span_id] = None
    while len(_told) > _MOST_TOLD:
        _told.popitem(last=False)


def _above(parent: Any, parent_context: Any) -> Made | Remote | Captured | None:
    """What a span of an SDK stands under: what the SDK says, as one of ours where it is known."""
    if parent is None:
        return captor(variable.get())
    begun, _ = _begun.get(parent.span_id, (None, None))
    if begun is not None and begun.made.trace_id == trace.format_trace_id(parent.trace_id):
        return begun.made
    given = trace.get_current_span(parent_context)
    return given.made if isinstance(given, Span) else _known(parent)


def _innermost(above: Made | Remote | Captured | None) -> Made | Remote | Captured | None:
    """The span of `fl.span` that is current below a span of the SDK's, of which the SDK knows nothing, or that."""
    here = seen = parent_here(variable.get())
    while isinstance(seen, Made) and seen is not above:
        seen = seen._parent  # noqa: SLF001 - what it stands under
    return here if seen is above and isinstance(above, Made) else above


def _known(parent: Any) -> Arrived | Heard | Captured | None:
    """The marker for a parent that is known by its ids, or for none."""
    if parent is None:
        return captor(variable.get())
    return marked(parent, variable.get(), sampled=True)


def _begin(span: Any, above: Any, *, is_over: bool = False) -> Span | None:
    """Begin the span that records one of an SDK; None where such spans are off."""
    if verdicts.get("info") is False:
        return None
    before = variable.get()
    variable.set(above)
    try:
        made = engine.span(span.name, OTHER)
    finally:
        variable.set(before)
    if made is _OFF or made._drops:  # noqa: SLF001 - whether it records is what every span knows
        return None
    context = span.get_span_context()
    ids = trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)
    start = span.start_time if detached.is_moment(span.start_time) else None
    detached.begin(made, above, start=start, own=ids)
    begun = Span(made, Home(_scope_of(span.instrumentation_scope), _UNLIMITED))
    is_remote = isinstance(above, (Remote, Heard)) and getattr(span.parent, "is_remote", False)
    state = context.trace_state.to_header() if context.trace_state else ""
    begun.introduce(span.kind.value + 1, 769 if is_remote else 0, state)
    begun._put(dict(span.attributes or {}))  # noqa: SLF001 - ours
    if not is_over and (within := _within(span, before)) is not None:
        detached.add_link(made, within.trace_id, within.span_id, {})
    return begun


def _scope_of(told: Any) -> Scope:
    return Scope(
        str(getattr(told, "name", "") or ""),
        getattr(told, "version", None),
        getattr(told, "schema_url", None),
        dict(getattr(told, "attributes", None) or {}),
    )


def _within(span: Any, before: Any) -> Made | None:
    """The span of `fl.span` in which a trace of the SDK's begins: it keeps its own ids, and is linked."""
    found = None if span.parent is not None else parent_here(before)
    if not isinstance(found, Made) or not found.recorded:
        return None
    number = int(found.span_id, 16)
    return (
        None if number in _begun or number in _told else found
    )  # the SDK knows it, and was told to leave it


def _dropped_of(told: Any) -> int:
    """How many attributes of an event or a link the SDK left out."""
    return getattr(told, "dropped_attributes", 0)


def _tell(begun: Span, span: Any) -> None:
    """Say of a span what is known when it is over."""
    made = begun.made
    begun.update_name(span.name)
    begun._put(dict(span.attributes or {}))  # noqa: SLF001 - ours
    for event in span.events:
        facts = dict(event.attributes or {})
        if event.name == "exception":
            begun._told = {key: facts.get(name, "") for key, name in EXCEPTION.items()}  # noqa: SLF001 - ours
        level = "warn" if event.name == "exception" else "info"
        begun._happened(event.name, level, facts, event.timestamp, _dropped_of(event))  # noqa: SLF001 - ours
    for link in span.links:
        begun.add_link(link.context, dict(link.attributes or {}), _dropped_of(link))
    if span.status.status_code is not StatusCode.UNSET:
        begun.set_status(span.status.status_code, span.status.description)
    begun._dropped(  # noqa: SLF001 - ours
        attributes=getattr(span, "dropped_attributes", 0),
        events=getattr(span, "dropped_events", 0),
        links=getattr(span, "dropped_links", 0),
    )
    made._plain = False  # noqa: SLF001 - it says at least whose it is
