"""Who told of a record: the process that a resource becomes, and what every line of a process and scope ends with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, cast

import msgspec

from flightlog.codecs.lines import decode
from flightlog.codecs.otlp import own
from flightlog.codecs.otlp.messages import Pair, Resource, Scope
from flightlog.codecs.otlp.pen import Pen
from flightlog.codecs.otlp.values import gated, plain, pointer
from flightlog.codecs.otlp.words import VERSION
from flightlog.records.process import Process

_MOST_PID: Final = 1 << 63
_ENVIRONMENTS: Final = ("deployment.environment.name", "deployment.environment")
_REMEMBERED: Final = 256

Pairs = Callable[[Sequence[Any]], list[Pair]]
"""Decodes attributes."""


def process_of(resource: Resource, pairs: Pairs, pen: Pen, project: str) -> Process:
    """The process of a resource, redacted.

    Raises:
        Malformed: an attribute cannot be read.
    """
    known = dict(pairs(resource.attributes))
    if VERSION in known:
        given = {name: plain(value, "", {}, pen.passes) for name, value in known.items()}
        return cast("Process", decode(own.written(own.fields_of(own.process(given, project)), pen)))
    types: dict[str, str] = {}
    members = (
        pen.member(name, plain(value, pointer("/attributes", name), types, pen.passes))[1]
        for name, value in known.items()
    )
    attributes = msgspec.json.decode("{" + ",".join(members) + "}")
    noted: dict[str, Any] = {"otlp": 1}
    if resource.schema_url:
        noted["schema_url"] = msgspec.json.decode(pen.text(resource.schema_url))
    if resource.dropped:
        noted["dropped"] = resource.dropped
    if types:
        noted["types"] = {gated(at, pen.text): kind for at, kind in types.items()}
    return _made(attributes, noted, project or "default")


def _made(attributes: dict[str, Any], noted: dict[str, Any], project: str) -> Process:
    """A process whose id is made from what its resource says: the same resource is the same process."""
    told = msgspec.json.encode([project, attributes, noted], order="sorted")
    pid = attributes.get("process.pid")
    return Process(
        process_id=blake2b(told, digest_size=16).hexdigest(),
        pid=pid if type(pid) is int and 0 <= pid < _MOST_PID else 0,
        host=_text_of(attributes, "host.name"),
        project=project,
        environment=next((text for name in _ENVIRONMENTS if (text := _text_of(attributes, name))), "default"),
        service=_text_of(attributes, "service.name"),
        version=_text_of(attributes, "service.version"),
        started=0,
        attributes={**attributes, own.RESOURCE: noted},
    )


def _text_of(known: Mapping[str, Any], name: str) -> str:
    value = known.get(name)
    return value if isinstance(value, str) else ""


def end_of_lines(process: Process, pen: Pen) -> str:
    """What a line says of its process, and its end."""
    said = ((name, getattr(process, name)) for name in own.PROCESS_FIELDS)
    return "".join(f',"{name}":{pen.text(text)}' for name, text in said if text) + "}"


class Ending:
    """What all records of one scope have at their end."""

    __slots__ = ("_scope", "fields", "of_spans", "otel_of_log", "tail")

    def __init__(self, scope: Scope, tail: str, pairs: Pairs, pen: Pen) -> None:
        self.tail = tail
        """What the process has them end with."""
        self.fields = _scope_fields(scope, pairs, pen)
        """The scope as `otel` has it."""
        self._scope = f',"scope":{pen.value(self.fields, "otel.scope")}' if self.fields else ""
        self.of_spans: dict[tuple[int, int], str] = {}
        """What `otel` gave so far, by kind and flags."""
        self.otel_of_log = f'"otel":{{"otlp":1,"log":1{self._scope}'
        """The field `otel` of a log record, without its end."""

    def otel(self, kind: int, flags: int) -> str:
        """The field `otel` of a span, without its end."""
        known = self.of_spans.get((kind, flags))
        if known is None:
            known = '"otel":{"otlp":1' + (f',"kind":{kind}' if kind else "")
            known += (f',"flags":{flags}' if flags else "") + self._scope
            if len(self.of_spans) < _REMEMBERED:
                self.of_spans[kind, flags] = known
        return known


def _scope_fields(scope: Scope, pairs: Pairs, pen: Pen) -> dict[str, Any]:
    types: dict[str, str] = {}
    attributes = {
        name: plain(value, pointer("/attributes", name), types, pen.passes)
        for name, value in dict(pairs(scope.attributes)).items()
    }
    found = {
        "name": scope.name,
        "version": scope.version,
        "attributes": attributes,
        "dropped": scope.dropped,
        "schema_url": scope.schema_url,
        "types": {gated(at, pen.text): kind for at, kind in types.items()},
    }
    return {name: value for name, value in found.items() if value}
