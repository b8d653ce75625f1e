"""A span of another library's as one of ours: its facts put where Flightlog's own integrations put them.

Every attribute stays as it came. What is added, and what stood under a canonical name and meant something else, is
noted in `otel.understood`, so `raw` gives back exactly what was told: to export it, or to read it anew when the readers
know more. The note also says by which version of them the span was read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET, structs

from flightlog.dialects.facts import CONVERSATION, Facts, Seen, Told
from flightlog.dialects.plain import kind_of
from flightlog.dialects.registry import NORMALISER, read
from flightlog.dialects.values import parsed
from flightlog.records import genai
from flightlog.records.callfacts import tags_of
from flightlog.records.event import Event
from flightlog.records.span import Span
from flightlog.records.understood import (
    ADDED,
    ATTRIBUTES,
    BY,
    COUNTED,
    COUNTED_BY,
    LENT,
    UNDERSTOOD,
    WAS,
    WERE,
    raw_attributes,
)
from flightlog.records.understood import NORMALISER as VERSION

STAGES: Final = 256
"""Revisions of one version of the readers: a span is read anew when its log records come, or when it turns out to tell
of a call that another one tells of, too."""

FIELDS: Final = "fields"
_CHARGED: Final = frozenset(genai.CHARGED_KINDS)
LLM: Final = "llm"
EMBEDDING: Final = "embedding"
_COUNTS: Final = (*genai.SERVED_TOKENS, "gen_ai.usage.total_tokens")
_USED: Final = (
    ("cache_read", genai.CACHE_READ_TOKENS),
    ("cache_write", genai.CACHE_WRITE_TOKENS),
    ("reasoning", genai.REASONING_TOKENS),
    ("output", genai.OUTPUT_TOKENS),
    ("total", genai.TOTAL_TOKENS),
)


def is_foreign(span: Span) -> bool:
    """Whether some other library told of the span."""
    return "otlp" in span.otel or isinstance(span.otel.get("scope"), Mapping)


def is_understood(span: Span) -> bool:
    """Whether it was read by these readers, or by later ones."""
    said = _note_of(span).get(VERSION)
    return isinstance(said, int) and said >= NORMALISER


def understand(span: Span, events: Sequence[Event] = ()) -> Span:
    """The span with what it says in our words; itself where it says nothing, or is one of ours.

    Args:
        span: as it was told, or as it was understood before.
        events: those of the span that are at hand.
    """
    if not is_foreign(span):
        return span
    span = raw(span)
    found = read(_seen(span, events))
    if found is None:
        kind = _plain_kind(span)
        return structs.replace(span, kind=kind) if kind and not span.kind else span
    facts, names = found
    if not facts.kind and not span.kind:
        facts.kind = _plain_kind(span)
    return _applied(span, facts, names)


def raw(span: Span) -> Span:
    """The span as it was told."""
    note = _note_of(span)
    if not note:
        return structs.replace(span, kind="") if span.kind and span.kind == _plain_kind(span) else span
    added = _names(note, ADDED)
    empty: dict[str, Any] = {"kind": "", "input": UNSET, "output": UNSET, "revision": 0}
    fields = {name: value for name, value in empty.items() if name in added}
    fields |= {name: value for name, value in _object(note, WAS).items() if name in empty}
    left_out = {name.partition(".")[2] for name in added if name.startswith("context.")}
    return structs.replace(
        span,
        attributes=dict(raw_attributes(span.attributes, span.otel)),
        context={name: value for name, value in span.context.items() if name not in left_out},
        otel={name: value for name, value in span.otel.items() if name != UNDERSTOOD},
        **fields,
    )


def _plain_kind(span: Span) -> str:
    """What an imported span is that no dialect has a word for."""
    return kind_of(span.attributes) if "otlp" in span.otel else ""


def _note_of(span: Span) -> Mapping[str, Any]:
    return _object(span.otel, UNDERSTOOD)


def _object(known: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = known.get(name)
    return found if isinstance(found, dict) else {}


def _names(note: Mapping[str, Any], name: str) -> list[str]:
    found = note.get(name)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _seen(span: Span, events: Sequence[Event]) -> Seen:
    scope = span.otel.get("scope")
    name = scope.get("name") if isinstance(scope, Mapping) else ""
    kind = span.otel.get("kind")
    told = [
        Told(event.name, event.attributes, parsed(event.body), event.time)
        for event in sorted(events, key=lambda event: (event.time, _index(event)))
    ]
    return Seen(
        span.name,
        span.attributes,
        told,
        name if isinstance(name, str) else "",
        kind if isinstance(kind, int) else 0,
        span.start,
    )


def _index(event: Event) -> int:
    index = event.otel.get("index")
    return index if isinstance(index, int) else 0


class _Note:
    """What is done to a span, as it is noted."""

    def __init__(self, span: Span) -> None:
        self.fields: dict[str, Any] = {}
        self.attributes = dict(span.attributes)
        self.context = dict(span.context)
        self.added: list[str] = []
        self.was: dict[str, Any] = {}
        self.names: list[str] = []
        self.were: dict[str, Any] = {}
        self._span = span

    def set(self, name: str, value: Any) -> None:
        """Set a field."""
        before = getattr(self._span, name)
        if before == value:
            return
        if before is UNSET or before in ("", 0):
            self.added.append(name)
        else:
            self.was[name] = before
        self.fields[name] = value

    def bind(self, name: str, value: Any) -> None:
        """Set what the span has from its surroundings, unless it has that already."""
        if value and name not in self.context:
            self.context[name] = value
            self.added.append(f"context.{name}")

    def put(self, name: str, value: Any) -> None:
        """Set an attribute."""
        if name not in self.attributes:
            self.names.append(name)
        elif self.attributes[name] == value and type(self.attributes[name]) is type(value):
            return
        else:
            self.were[name] = self.attributes[name]
        self.attributes[name] = value

    def take_out(self, name: str) -> None:
        """Take an attribute out that says what is not so."""
        if name in self.attributes:
            self.were[name] = self.attributes.pop(name)

    def applied(self, by: Sequence[str]) -> Span:
        """The span with all of it."""
        note: dict[str, Any] = {VERSION: NORMALISER, BY: list(by)}
        parts = {ADDED: self.added, WAS: self.was, ATTRIBUTES: self.names, WERE: self.were}
        note |= {name: value for name, value in parts.items() if value}
        return structs.replace(
            self._span,
            attributes=self.attributes,
            context=self.context,
            otel={**self._span.otel, UNDERSTOOD: note},
            **self.fields,
        )


def _applied(span: Span, facts: Facts, by: Sequence[str]) -> Span:
    note = _Note(span)
    if facts.kind:
        note.set("kind", facts.kind)
    note.set("revision", max(span.revision, 0) + NORMALISER * STAGES)
    for name, value in facts.attributes.items():
        note.put(name, value)
    if (facts.kind or span.kind) in _CHARGED:
        _put_usage(note, facts, facts.kind or span.kind)
    session = facts.session or span.attributes.get(CONVERSATION)
    note.bind("session", session if isinstance(session, str) else "")
    note.bind("user", facts.user)
    note.bind("tags", list(tags_of(facts.tags)))
    given, said = _content(facts)
    if given is not UNSET and span.input is UNSET:
        note.set("input", given)
    if said is not UNSET and span.output is UNSET:
        note.set("output", said)
    return note.applied(by)


def _put_usage(note: _Note, facts: Facts, kind: str) -> None:
    used = facts.usage
    is_measured_otherwise = kind != LLM and bool(used.more or used.total)
    if not used.input and not used.output and not is_measured_otherwise:
        # No call goes without any token: who says 0 (of a stream, or an embedding) was not told.
        for name in _COUNTS:
            note.take_out(name)
        return
    if kind == EMBEDDING and not used.input:
        # Nothing to embed is refused; of a sum, what did not come out went in.
        rest = (used.total or 0) - (used.output or 0)
        used = structs.replace(used, input=rest if rest > 0 else None)
        if used.input is None:
            note.take_out(genai.INPUT_TOKENS)
    if (whole := used.whole_input) is not None:
        note.put(genai.INPUT_TOKENS, whole)
    for field, name in _USED:
        if (count := getattr(used, field)) is not None and (field != "total" or used.is_known):
            note.put(name, count)
    for unit, count in used.more.items():
        note.put(genai.USAGE + unit, count)


def _content(facts: Facts) -> tuple[Any, Any]:
    """What went in and what came out, in the form of our own integrations."""
    given: Any = facts.input
    if facts.messages is not None and (facts.kind == "llm" or given is UNSET):
        given = {"messages": facts.messages}
        if facts.tools:
            given["tools"] = facts.tools
    said: Any = facts.output
    if facts.answers is not None and (facts.kind == "llm" or said is UNSET):
        said = {"messages": facts.answers}
    return given, said


def marked(span: Span, kind: str, by: str) -> Span:
    """The span as one that tells of a call which others stand for.

    Args:
        span: as it was understood.
        kind: what it is besides.
        by: the id of the span that stands for the call.
    """
    note = _note_of(span)
    added, was = _names(note, ADDED), _object(note, WAS)
    if "kind" not in added and "kind" not in was:
        was = {**was, "kind": span.kind}
    if span.revision == 0:
        added = [*added, "revision"]
    names = list(dict.fromkeys((*_names(note, ATTRIBUTES), COUNTED, COUNTED_BY)))
    told = {VERSION: NORMALISER, **note, ADDED: added, WAS: was, ATTRIBUTES: names}
    return structs.replace(
        span,
        kind=kind,
        revision=max(span.revision + 1, NORMALISER * STAGES),
        attributes={**span.attributes, COUNTED: False, COUNTED_BY: by},
        otel={**span.otel, UNDERSTOOD: {name: value for name, value in told.items() if value}},
    )


def lent(span: Span, other: Span) -> Span:
    """The span that counts, with what only another telling of the same call knows; itself where that is nothing.

    Args:
        span: as it was understood.
        other: a span made from a log record, or one that stands for one, as it was understood.
    """
    said = {*_names(_note_of(other), ATTRIBUTES), *_COUNTS} - {COUNTED, COUNTED_BY}
    if genai.INPUT_TOKENS in span.attributes or genai.OUTPUT_TOKENS in span.attributes:
        said -= {name for name in said if name in _COUNTS or name.startswith(genai.USAGE)}
    attributes = {
        name: other.attributes[name]
        for name in sorted(said)
        if name in other.attributes and name not in span.attributes
    }
    fields = {
        name: getattr(other, name)
        for name in ("input", "output")
        if getattr(span, name) is UNSET and getattr(other, name) is not UNSET
    }
    return _lent(span, attributes, fields, other.span_id)


def lent_parts(span: Span, counts: Mapping[str, int], by: str) -> Span:
    """The span that counts, with what another telling of the same call knows of the parts of its tokens.

    Args:
        span: as it was understood.
        counts: what that one knows, by attribute.
        by: the id of that one.
    """
    return _lent(span, {name: n for name, n in counts.items() if name not in span.attributes}, {}, by)


def lent_again(new: Span, old: Span) -> Span:
    """A span that was read anew, with what it had been lent before, where it does not tell that itself now."""
    given = _object(_note_of(old), LENT)
    if not given:
        return new
    attributes = {
        name: old.attributes[name]
        for name in _names(given, ATTRIBUTES)
        if name in old.attributes and name not in new.attributes
    }
    fields = {name: getattr(old, name) for name in _names(given, FIELDS) if getattr(new, name) is UNSET}
    by = given.get(BY)
    return _lent(new, attributes, fields, by if isinstance(by, str) else "")


def _lent(span: Span, attributes: Mapping[str, Any], fields: Mapping[str, Any], by: str) -> Span:
    if not attributes and not fields:
        return span
    note = _note_of(span)
    given = _object(note, LENT)
    added = [*_names(note, ADDED), *fields]
    if span.revision == 0:
        added.append("revision")
    told = {
        VERSION: NORMALISER,
        **note,
        ADDED: added,
        ATTRIBUTES: [*_names(note, ATTRIBUTES), *attributes],
        LENT: {
            ATTRIBUTES: [*_names(given, ATTRIBUTES), *attributes],
            FIELDS: [*_names(given, FIELDS), *fields],
            BY: by,
        },
    }
    changed: dict[str, Any] = dict(fields)
    return structs.replace(
        span,
        revision=max(span.revision + 1, NORMALISER * STAGES),
        attributes={**span.attributes, **attributes},
        otel={**span.otel, UNDERSTOOD: {name: value for name, value in told.items() if value}},
        **changed,
    )
