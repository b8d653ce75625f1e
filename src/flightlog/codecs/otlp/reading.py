"""Messages of OTLP to lines, each text through the gate.

A span becomes a span line and a line for each of its events; a log record becomes an event line; a resource becomes
the process line that all of these refer to. What a line has no field for stands in its `otel`, so that `writing`
makes the same message of it. An attribute stays an attribute under its own name: what it *means* is for others to
say. `docs/opentelemetry.md` has the table, and what is lost.

An attribute is decoded, redacted and written as JSON once and then recognised by its bytes, as long as it is short;
that is where the speed comes from. Ids of events are made from what they say and where they stand, those of processes
from their resource: reading a document again makes the same lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

from flightlog.codecs.otlp import own
from flightlog.codecs.otlp.members import Odd
from flightlog.codecs.otlp.messages import (
    EventMessage,
    Form,
    LogMessage,
    Malformed,
    ResourceGroup,
    SpanMessage,
)
from flightlog.codecs.otlp.origins import Ending, end_of_lines, process_of
from flightlog.codecs.otlp.pen import Pen
from flightlog.codecs.otlp.values import gated, plain, pointer
from flightlog.codecs.otlp.words import (
    ERROR_CODE,
    ERROR_TYPE,
    EXCEPTION,
    EXCEPTION_MESSAGE,
    EXCEPTION_STACK,
    EXCEPTION_TYPE,
    VERSION,
    level_of,
)
from flightlog.records.process import Process

BATCH_BYTES: Final = 512 * 1024
"""About how many bytes of lines are given at a time."""

_TIME: Final = 1 << 63
_NO_TRACE: Final = "0" * 32
_NO_SPAN: Final = "0" * 16
_ENVIRONMENTS: Final = ("deployment.environment.name", "deployment.environment")


Told = Callable[[str, str], object]
"""Told of a record that is left out: where it stands, and why."""


class Reader:
    """Reads documents of one form for one project."""

    def __init__(
        self, form: Form, pen: Pen, *, project: str = "", bad: Told, line_bytes: int = 1 << 20
    ) -> None:
        """Prepare.

        Args:
            form: `protobuf` or `json`, the modules beside this one.
            pen: writes every text.
            project: whose records these are, whatever they say; empty for what they say, else `default`.
            bad: told of each record that cannot be read and is left out.
            line_bytes: of a longer line, only ids, times and the reason are kept.
        """
        self._form = form
        self._pen = pen
        self._project = project
        self._bad = bad
        self._line_bytes = line_bytes
        self._get = form.members(pen).__getitem__
        self._text = pen.text
        self._read_span = form.span
        self.records = self.repeated_keys = self.too_long = 0
        """Spans and log records that were read; attributes of which a later one had the same key; lines that were
        too long."""

    def read(self, groups: Iterable[ResourceGroup]) -> Iterator[tuple[Process, list[bytes]]]:
        """The lines of a document, in portions, each of one process; that has been through the gate as well.

        Raises:
            Malformed: the document itself cannot be read on; what was read of it before has been given.
        """
        for group in groups:
            try:
                process = process_of(group.resource, self.pairs, self._pen, self._project)
            except Malformed as error:
                self._bad(group.place, str(error))
                continue
            tail = end_of_lines(process, self._pen)
            texts: list[str] = []
            size = count = 0
            for scoped in group.groups:
                scope = Ending(scoped.scope, tail, self.pairs, self._pen)
                for read, records in ((self._span, scoped.spans), (self._log, scoped.logs)):
                    for number, raw in records:
                        try:
                            made = read(raw, scope, process)
                        except Malformed as error:
                            self._bad(scoped.place.format(number), str(error))
                            continue
                        texts += made
                        size += len(made[0])
                        count += 1
                        if size > BATCH_BYTES:
                            self.records += count
                            yield process, self._lines(texts)
                            texts, size, count = [], 0, 0
            self.records += count
            yield process, self._lines(texts)

    def _lines(self, texts: list[str]) -> list[bytes]:
        """Texts as lines; of one that is too long, what identifies it."""
        most = self._line_bytes
        lines = [text.encode("utf-8", "replace") for text in texts]
        return lines if max(map(len, lines), default=0) <= most else [self._within(line) for line in lines]

    def _within(self, line: bytes) -> bytes:
        return line if len(line) <= self._line_bytes else self._shortened(line)

    def _shortened(self, line: bytes) -> bytes:
        """Of a line that is too long, what identifies it."""
        self.too_long += 1
        return own.shortened(line)

    # -- spans --------------------------------------------------------------------------------------------------

    def _span(self, raw: Any, scope: Ending, process: Process) -> list[str]:
        message = self._read_span(raw)
        trace_id, span_id, start, end = message.trace_id, message.span_id, message.start, message.end
        if len(trace_id) != 32 or len(span_id) != 16 or trace_id == _NO_TRACE or span_id == _NO_SPAN:
            raise Malformed(_unlike_ids(trace_id, span_id))
        if start >= _TIME or end >= _TIME:
            raise Malformed("a time beyond the year 2262")
        try:
            attributes, types = self._attributes(message.attributes), ""
        except Odd as odd:
            if odd.own or self._is_ours(message.attributes):
                return self._own_span(message, scope, process)
            attributes, types = self._odd_attributes(message.attributes)
        kind, flags = message.kind, message.flags
        otel = scope.of_spans.get((kind, flags)) or scope.otel(kind, flags)
        if message.code or not end or message.message:
            status, more = self._status(message)
            otel += more
        else:
            status = '"status":"ok"'
        links = ""
        if (
            message.links
            or message.trace_state
            or message.dropped
            or message.dropped_events
            or message.dropped_links
        ):
            links, link_types, more = self._links(message.links)
            otel += more + self._rare(message)
            types = f"{types},{link_types}" if types and link_types else types or link_types
        if types:
            otel += f',"types":{{{types}}}'
        parent = message.parent_id
        above = f'"parent_id":"{parent}",' if parent and parent != _NO_SPAN else ""
        members = f',"attributes":{{{attributes}}}' if attributes else ""
        line = (
            f'{{"v":1,"type":"span","trace_id":"{trace_id}","span_id":"{span_id}",{above}'
            f'"name":{self._text(message.name)},"start":{start},"end":{end or start},'
            f"{status}{members}{links},{otel}}}{scope.tail}"
        )
        if not message.events:
            return [line]
        return [line, *(self._event(message, index, one, scope) for index, one in enumerate(message.events))]

    def _attributes(self, raws: Sequence[Any]) -> str:
        """The members of attributes as JSON; of two with one key the later counts.

        Raises:
            Odd: one of them must be looked at more closely.
        """
        if not raws:
            return ""
        known = dict(map(self._get, raws))
        if len(known) != len(raws):
            self.repeated_keys += len(raws) - len(known)
        return ",".join(known.values())

    def _odd_attributes(self, raws: Sequence[Any], at: str = "/attributes") -> tuple[str, str]:
        """The members of attributes among which are values that JSON does not have, and the note of those."""
        types: dict[str, str] = {}
        known = dict(self.pairs(raws))
        members = dict(
            self._pen.member(name, plain(value, pointer(at, name), types, self._pen.passes))
            for name, value in known.items()
        )
        self.repeated_keys += len(raws) - len(members)
        return ",".join(members.values()), self._noted(types)

    def _is_ours(self, raws: Sequence[Any]) -> bool:
        return any(name == VERSION for name, _ in self.pairs(raws))

    def _noted(self, types: Mapping[str, str]) -> str:
        return ",".join(f'{own.quoted(gated(at, self._text))}:"{kind}"' for at, kind in types.items())

    def _either(self, raws: Sequence[Any], at: str = "/attributes") -> tuple[str, str]:
        """The members of attributes, and the note of what JSON does not have."""
        try:
            return self._attributes(raws), ""
        except Odd:
            return self._odd_attributes(raws, at)

    def _status(self, message: SpanMessage) -> tuple[str, str]:
        """The fields `status` and `error`, and what `otel` says of the status."""
        more = "" if message.end else ',"end":0'
        if message.code != ERROR_CODE:
            more += f',"status":{message.code}' if message.code else ""
            if message.message:
                more += f',"status_message":{self._text(message.message)}'
            return f'"status":"{"ok" if message.end else "interrupted"}"', more
        fault = self._fault(message)
        if fault.get("message", "") != message.message:
            more += f',"status_message":{self._text(message.message)}'
        error = f',"error":{self._pen.value(fault, "error")}' if fault else ""
        return f'"status":"error"{error}', more

    def _fault(self, message: SpanMessage) -> dict[str, str]:
        """What is known of what went wrong: from the status, and from the last exception among the events."""
        found = {
            "type": _text_of(dict(self.pairs(message.attributes)), ERROR_TYPE),
            "message": message.message,
        }
        for raw in reversed(message.events):
            event = self._form.event(raw)
            if event.name == EXCEPTION:
                known = dict(self.pairs(event.attributes))
                found["type"] = found["type"] or _text_of(known, EXCEPTION_TYPE)
                found["message"] = found["message"] or _text_of(known, EXCEPTION_MESSAGE)
                found["stack"] = _text_of(known, EXCEPTION_STACK)
                break
        return {name: text for name, text in found.items() if text}

    def _rare(self, message: SpanMessage) -> str:
        """What `otel` says of a span that has more than most."""
        more = f',"trace_state":{self._text(message.trace_state)}' if message.trace_state else ""
        more += f',"dropped":{message.dropped}' if message.dropped else ""
        more += f',"dropped_events":{message.dropped_events}' if message.dropped_events else ""
        return more + (f',"dropped_links":{message.dropped_links}' if message.dropped_links else "")

    def _links(self, raws: Sequence[Any]) -> tuple[str, str, str]:
        """The field `links`, the note of odd values in it, and what `otel` says of links."""
        if not raws:
            return "", "", ""
        links, notes, rest = [], [], []
        for index, raw in enumerate(raws):
            link = self._form.link(raw)
            attributes, types = self._either(link.attributes, f"/links/{index}/attributes")
            links.append(
                f'{{"trace_id":"{link.trace_id}"'
                + (f',"span_id":"{link.span_id}"' if link.span_id else "")
                + (f',"attributes":{{{attributes}}}' if attributes else "")
                + "}"
            )
            if types:
                notes.append(types)
            told = [f'"trace_state":{self._text(link.trace_state)}'] if link.trace_state else []
            told += [f'"flags":{link.flags}'] if link.flags else []
            told += [f'"dropped":{link.dropped}'] if link.dropped else []
            rest.append("{" + ",".join(told) + "}")
        more = f',"links":[{",".join(rest)}]' if any(one != "{}" for one in rest) else ""
        return f',"links":[{",".join(links)}]', ",".join(notes), more

    def _event(self, span: SpanMessage, index: int, raw: Any, scope: Ending) -> str:
        event = self._form.event(raw)
        if event.time >= _TIME:
            raise Malformed("an event's time beyond the year 2262")
        attributes, types = self._either(event.attributes)
        place = f"{span.trace_id}{span.span_id}{index} {event.time} {event.name}".encode("utf-8", "replace")
        return (
            f'{{"v":1,"type":"event","event_id":"{blake2b(place, digest_size=8).hexdigest()}",'
            f'"trace_id":"{span.trace_id}","span_id":"{span.span_id}","time":{event.time},'
            f'"name":{self._text(event.name)}'
            + (f',"attributes":{{{attributes}}}' if attributes else "")
            + f',"otel":{{"otlp":1,"index":{index}'
            + (f',"dropped":{event.dropped}' if event.dropped else "")
            + (f',"types":{{{types}}}' if types else "")
            + f"}}{scope.tail}"
        )

    # -- logs ---------------------------------------------------------------------------------------------------

    def _log(self, raw: Any, scope: Ending, process: Process) -> list[str]:
        message = self._form.log(raw)
        if message.trace_id or message.span_id:
            _check_log_ids(message)
        if message.time >= _TIME or message.observed >= _TIME:
            raise Malformed("a time beyond the year 2262")
        try:
            attributes, types = self._attributes(message.attributes), ""
        except Odd as odd:
            if odd.own or self._is_ours(message.attributes):
                return self._own_log(message, scope, process)
            attributes, types = self._odd_attributes(message.attributes)
        body, body_types, kind = self._body(message)
        types = f"{types},{body_types}" if types and body_types else types or body_types
        name = self._text(message.event_name or self._named(message) or "log")
        level = level_of(message.severity)
        line = (
            (f'"trace_id":"{message.trace_id}",' if message.trace_id else "")
            + (f'"span_id":"{message.span_id}",' if message.span_id else "")
            + f'"time":{message.time or message.observed},"name":{name}'
            + (f',"level":"{level}"' if level != "info" else "")
            + (f',"body":{body}' if body else "")
            + (f',"attributes":{{{attributes}}}' if attributes else "")
            + f",{scope.otel_of_log}{kind}{self._rare_of_log(message)}"
            + (f',"types":{{{types}}}' if types else "")
            + f"}}{scope.tail}"
        )
        digest = blake2b(line.encode("utf-8", "replace"), digest_size=8).hexdigest()
        return [f'{{"v":1,"type":"event","event_id":"{digest}",{line}']

    def _named(self, message: LogMessage) -> str:
        """The name of an event by the attribute that older instrumentations give it by."""
        return _text_of(dict(self.pairs(message.attributes)), "event.name")

    def _body(self, message: LogMessage) -> tuple[str, str, str]:
        """The field `body`, the note of odd values in it, and what `otel` says of it."""
        if not message.has_body:
            return "", "", ',"body":"none"'
        value = self._form.value(message.body)
        if isinstance(value, str):
            return (self._pen.value(value, "body") if value else ""), "", ""
        types: dict[str, str] = {}
        fragment = self._pen.value(plain(value, "/body", types, self._pen.passes), "body")
        return own.quoted(fragment), self._noted(types), ',"body":"json"'

    def _rare_of_log(self, message: LogMessage) -> str:
        more = f',"severity":{message.severity}' if message.severity else ""
        more += f',"severity_text":{self._text(message.severity_text)}' if message.severity_text else ""
        more += f',"observed":{message.observed}' if message.observed else ""
        more += ',"time":0' if not message.time else ""
        more += f',"flags":{message.flags}' if message.flags else ""
        more += ',"named":true' if message.event_name else ""
        return more + (f',"dropped":{message.dropped}' if message.dropped else "")

    # -- what Flightlog told ------------------------------------------------------------------------------------

    def _own_span(self, message: SpanMessage, scope: Ending, process: Process) -> list[str]:
        links = [self._form.link(raw) for raw in message.links]
        for link in links:
            link.attributes = self._plain_pairs(link.attributes)
        message.links = links
        message.attributes = self._plain_pairs(message.attributes)
        events: list[EventMessage] = []
        foreign: list[str] = []
        for index, raw in enumerate(message.events):
            event = self._form.event(raw)
            event.attributes = self._plain_pairs(event.attributes)
            if own.is_ours(event):
                events.append(event)
            else:
                foreign.append(self._event(message, index, raw, scope))
        span, rest = own.span(message, events, own.scope_fields(scope.fields), process, self._project)
        return [*(own.written(own.fields_of(one), self._pen) for one in (span, *rest)), *foreign]

    def _own_log(self, message: LogMessage, scope: Ending, process: Process) -> list[str]:
        message.attributes = self._plain_pairs(message.attributes)
        message.body = self._form.value(message.body) if message.has_body else None
        record = own.log(message, own.scope_fields(scope.fields), process, self._project)
        return [own.written(own.fields_of(record), self._pen)]

    # -- attributes ---------------------------------------------------------------------------------------------

    def pairs(self, raws: Sequence[Any]) -> list[tuple[str, Any]]:
        """Attributes, decoded."""
        return [self._form.pair(raw) for raw in raws]

    def _plain_pairs(self, raws: Sequence[Any]) -> list[tuple[str, Any]]:
        """Attributes of a record of ours, decoded; what somebody added that JSON does not have is a text."""
        return [(name, plain(value, "", {}, self._pen.passes)) for name, value in self.pairs(raws)]


def _text_of(known: Mapping[str, Any], name: str) -> str:
    value = known.get(name)
    return value if isinstance(value, str) else ""


def _unlike_ids(trace_id: str, span_id: str) -> str:
    """What is wrong with them."""
    if len(trace_id) != 32 or trace_id == _NO_TRACE:
        return f"no trace id of 16 bytes: {trace_id[:80]!r}"
    return f"no span id of 8 bytes: {span_id[:80]!r}"


def _check_log_ids(message: LogMessage) -> None:
    """Ids of a log record are there or not; zeros say that they are not."""
    if message.trace_id == _NO_TRACE:
        message.trace_id = ""
    if message.span_id == _NO_SPAN:
        message.span_id = ""
    if len(message.trace_id) not in (0, 32) or len(message.span_id) not in (0, 16):
        raise Malformed(f"ids of a wrong length: {message.trace_id[:80]!r}, {message.span_id[:80]!r}")
