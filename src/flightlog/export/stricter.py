"""Records made to say less on their way out: more is redacted, or inputs and outputs are left out.

What was recorded has passed the gate of its time. Here every text of a record passes a second one, by the same walk
that values take when they are recorded, so whatever a setting can hide at recording time can be hidden in an export.
Nothing is ever brought back, ids and times stay, and what stands in a secret's place already stays as well.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar, cast

import msgspec
from msgspec import UNSET, structs

from flightlog.codecs.lines import decode, encode
from flightlog.core.capture import Encoder, Limits
from flightlog.core.content import METADATA, WITHHELD, Content
from flightlog.core.ports import Gate
from flightlog.records.annotation import Annotation
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.record import Unknown
from flightlog.records.span import Fault, Span
from flightlog.records.traces import Trace

T = TypeVar("T")

_EVERYTHING: Final = Limits(value_bytes=1 << 40, nodes=1 << 40, depth=512)
"""What was recorded is bounded already: nothing is cut here."""
_decode: Final = msgspec.json.Decoder().decode


class Stricter:
    """Lets through what may leave.

    Args:
        gate: what every text passes; None lets texts be.
        content: which kinds of spans keep no input and no output; None for all to keep theirs.
    """

    def __init__(self, gate: Gate | None = None, content: Content | None = None) -> None:
        self._gate = gate
        self._content = content
        self._encoder = Encoder(gate, _EVERYTHING, lambda: None) if gate is not None else None

    @property
    def is_idle(self) -> bool:
        """Whether everything leaves as it is."""
        return self._gate is None and self._content is None

    def line(self, line: bytes) -> bytes | None:
        """A record line as it may leave; None for one that nobody understands, and so nobody can vouch for."""
        if self.is_idle:
            return line
        record = decode(line)
        return None if isinstance(record, Unknown) else encode(self.record(record))

    def record(self, record: T) -> T:
        """A record, or the row of a trace, as it may leave."""
        if self.is_idle:
            return record
        if isinstance(record, Span):
            return cast("T", self._span(record))
        if isinstance(record, Event):
            return cast("T", self._event(record))
        if isinstance(record, Annotation):
            return cast("T", self._annotation(record))
        if isinstance(record, Trace):
            return cast("T", self._trace(record))
        return cast("T", self._process(record)) if isinstance(record, Process) else record

    def _span(self, span: Span) -> Span:
        withheld = self._content is not None and self._content.withholds(span.kind)
        has_content = span.input is not UNSET or span.output is not UNSET
        attributes = self._value("attributes", span.attributes)
        if withheld and has_content:
            attributes = {**attributes, WITHHELD: METADATA}
        return structs.replace(
            span,
            name=self._text("name", span.name),
            input=UNSET if withheld else self._value("input", span.input),
            output=UNSET if withheld else self._value("output", span.output),
            error=self._fault(span.error),
            attributes=attributes,
            links=[
                structs.replace(link, attributes=self._value("attributes", link.attributes))
                for link in span.links
            ],
            thread=self._text("thread", span.thread),
            task=self._text("task", span.task),
            context=self._value("context", span.context),
            otel=self._value("otel", span.otel),
            extra=self._value("extra", span.extra),
        )

    def _fault(self, fault: Fault | None) -> Fault | None:
        if fault is None:
            return None
        return Fault(fault.type, self._text("error", fault.message), self._text("error", fault.stack))

    def _event(self, event: Event) -> Event:
        return structs.replace(
            event,
            name=self._text("name", event.name),
            body=self._text("body", event.body),
            attributes=self._value("attributes", event.attributes),
            context=self._value("context", event.context),
            otel=self._value("otel", event.otel),
            extra=self._value("extra", event.extra),
        )

    def _annotation(self, annotation: Annotation) -> Annotation:
        return structs.replace(
            annotation,
            label=self._text("label", annotation.label),
            note=self._text("note", annotation.note),
            by=self._text("by", annotation.by),
            attributes=self._value("attributes", annotation.attributes),
            extra=self._value("extra", annotation.extra),
        )

    def _process(self, process: Process) -> Process:
        return structs.replace(
            process,
            attributes=self._value("attributes", process.attributes),
            extra=self._value("extra", process.extra),
        )

    def _trace(self, trace: Trace) -> Trace:
        return structs.replace(
            trace,
            name=self._text("name", trace.name),
            session=trace.session and self._text("session", trace.session),
            user=trace.user and self._text("user", trace.user),
            tags=[self._text("tags", tag) for tag in trace.tags],
        )

    def _text(self, path: str, text: str) -> str:
        return self._gate.text(path, text) if self._gate is not None and text else text

    def _value(self, path: str, value: Any) -> Any:
        """A value of a record; `Any`, because a program may have recorded anything."""
        if self._encoder is None or value is UNSET:
            return value
        if path in _FIELDS and isinstance(value, dict):
            return {self._text("", name): self._hidden(name, one) for name, one in value.items()}
        return _decode(self._encoder.encode(value, path)[0])

    def _hidden(self, name: str, value: Any) -> Any:
        assert self._encoder is not None
        if self._encoder.gate.hides(name):
            return _decode(self._encoder.secret(name, value)[0])
        return _decode(self._encoder.encode(value, name)[0])


_FIELDS: Final = frozenset({"attributes", "context", "otel", "extra"})
"""Fields that hold members by name, as opposed to a value."""
