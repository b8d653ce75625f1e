"""What `flightlog export --format json` and `flightlog trace --json` write: traces with their spans nested.

The records are whole there but for the process that wrote them, of which its id and its service are known. What the
document adds to a span (`duration_ns`, `self_ns`, `marks`) is worked out anew where it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from flightlog.codecs.lines import decode
from flightlog.codecs.otlp.messages import Malformed
from flightlog.imports.formats.reading import Made, Sample, objects, text
from flightlog.records.annotation import Annotation
from flightlog.records.errors import BadRecord
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.span import Span

NAME: Final = "flightlog-json"

_SIGN: Final = frozenset({"trace", "roots", "loose_events"})
_ADDED: Final = frozenset({"duration_ns", "self_ns", "marks", "events", "children"})


def tells(sample: Sample) -> bool:
    """Whether these are such traces; of one whose head alone is known the beginning says so."""
    return any(one.keys() >= _SIGN or {"trace", "marks"} <= one.keys() for one in sample.objects)


class Taker:
    """Makes the records of each trace."""

    def __init__(self) -> None:
        self._processes: dict[str, Process] = {}

    def take(self, _key: str, value: Any, /) -> list[Made]:
        """The records of a trace.

        Raises:
            Malformed: it is none, or one of its records is none.
        """
        if not isinstance(value, dict) or not value.keys() >= _SIGN:
            raise Malformed("no trace with nested spans: it must be an object with `trace` and `roots`")
        made: list[Made] = []
        for span in _walk(value):
            made += [_as(Span, span), *_events(span, "events")]
        made += _events(value, "loose_events")
        made += [_as(Annotation, one) for one in objects(value, "annotations")]
        return [*self._new(made), *made]

    def end(self) -> list[Made]:
        """Nothing: a trace is one value."""
        return []

    def _new(self, made: list[Made]) -> list[Made]:
        """The processes that were not told of yet."""
        found: list[Made] = []
        for one in made:
            owner = one.process_id
            if owner and owner not in self._processes:
                self._processes[owner] = Process(
                    process_id=owner,
                    project=one.project,
                    environment=one.environment,
                    service=getattr(one, "service", ""),
                    version=getattr(one, "version", ""),
                    started=0,
                    attributes={"flightlog.imported": NAME},
                )
                found.append(self._processes[owner])
        return found


def _walk(trace: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The spans, each before what is below it; of any depth."""
    pending = objects(trace, "roots")[::-1]
    while pending:
        span = pending.pop()
        yield span
        pending += objects(span, "children")[::-1]


def _events(value: Mapping[str, Any], name: str) -> list[Made]:
    return [_as(Event, one) for one in objects(value, name)]


def _as(kind: type[Made], fields: Mapping[str, Any]) -> Made:
    """A record of what the document has of its line."""
    own = {name: value for name, value in fields.items() if name not in _ADDED}
    tag = str(kind.__struct_config__.tag)
    try:
        found = decode(msgspec.json.encode({**own, "type": tag}))
    except BadRecord as failure:
        called = text(fields, "span_id", "event_id", "annotation_id") or "without an id"
        raise Malformed(f"{tag} {called}: {failure}") from failure
    if not isinstance(found, kind):
        raise Malformed(f"a {tag} of a version that is not known yet")
    return found
