"""What every format needs of a value that somebody else wrote: its members with their types, ids and times.

A member that is missing, or is of another type than its format has it, is empty: a record is refused (`Malformed`) only
where it cannot be placed, without an id or a time. So a newer version of a tool that adds or changes something is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

import msgspec

from flightlog.codecs.otlp.messages import Malformed
from flightlog.records.annotation import Annotation
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.span import Fault, Span

Made = Span | Event | Process | Annotation
"""What a format makes of a value."""


class Sample(NamedTuple):
    """What is known of a document from its head."""

    values: Sequence[Any]
    """Its first values: lines, elements of its list, or the one object that it is. What the head does not hold of them
    is left out."""
    is_object: bool
    """Whether it is one object."""

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Those of the values that are objects."""
        return [value for value in self.values if isinstance(value, dict)]


class Taker(Protocol):
    """Takes the values of one document, in their order."""

    def take(self, key: str, value: Any, /) -> list[Made]:
        """What a value says, as far as that is known by now.

        Args:
            key: the member of the document that the value stands in; empty for a line, or an element of a list.
            value: it.

        Raises:
            Malformed: it is no record of the format.
        """

    def end(self) -> list[Made]:
        """What was begun and not ended."""


@runtime_checkable
class Looker(Taker, Protocol):
    """One that has to see all values before it can take the first."""

    def look(self, key: str, value: Any, /) -> None:
        """See a value."""


# -- members --------------------------------------------------------------------------------------------------


def text(fields: Mapping[str, Any], *names: str) -> str:
    """The first of these members that is a text with something in it, or a number."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
    return ""


def mapping(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The first of these members that is an object with something in it."""
    return next((value for name in names if isinstance(value := fields.get(name), dict) and value), {})


def listing(fields: Mapping[str, Any], name: str) -> list[Any]:
    """A member that is a list."""
    value = fields.get(name)
    return value if isinstance(value, list) else []


def objects(fields: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects of a member that is a list."""
    return [value for value in listing(fields, name) if isinstance(value, dict)]


def number(fields: Mapping[str, Any], *names: str) -> float | None:
    """The first of these members that is a number, or a text that says one."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                continue
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST:
            return value
    return None


def count(fields: Mapping[str, Any], *names: str) -> int | None:
    """The first of these members that is a number of things."""
    value = number(fields, *names)
    return None if value is None or value < 0 else int(value)


def without(fields: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """The members that have none of these names and are not null."""
    return {name: value for name, value in fields.items() if name not in names and value is not None}


def parsed(value: Any) -> Any:
    """A value that may be JSON inside a text."""
    if isinstance(value, str) and value[:1] in _JSON:
        try:
            return msgspec.json.decode(value)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return value
    return value


_MOST: Final = 1e300
_JSON: Final = ("{", "[", '"', "n", "t", "f", *"-0123456789")

# -- times ----------------------------------------------------------------------------------------------------

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FRACTION: Final = re.compile(r"\.(\d+)")
_LATEST: Final = 2**63 - 1
SECOND: Final = 10**9
MILLI: Final = 10**6
MICRO: Final = 10**3


def ns(value: float, unit: int) -> int:
    """A number of units as nanoseconds.

    Raises:
        Malformed: it is beyond what can be told.
    """
    if value != value or abs(value) * unit > _LATEST:  # noqa: PLR0124 - that is what not a number is
        raise Malformed(f"a time beyond the year 2262: {value!r:.40}")
    return value * unit if isinstance(value, int) else round(value * unit)


def moment(fields: Mapping[str, Any], *names: str, unit: int = SECOND) -> int | None:
    """The first of these members that is a point in time, in Unix nanoseconds.

    A text is read as ISO 8601 has it, in UTC where it does not say; a number as so many units since 1970.

    Raises:
        Malformed: it is beyond what can be told.
    """
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and value:
            found = _iso(value)
            if found is not None:
                return found
        told = number(fields, name)
        if told is not None:
            return ns(told, unit)
    return None


def needed_moment(fields: Mapping[str, Any], *names: str, unit: int = SECOND) -> int:
    """The same where nothing can be said without it.

    Raises:
        Malformed: there is none.
    """
    found = moment(fields, *names, unit=unit)
    if found is None:
        raise Malformed(f"no time: {names[0]} is missing, or is none")
    return found


def _iso(value: str) -> int | None:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    digits = _FRACTION.search(value)
    nanos = int(digits[1][:9].ljust(9, "0")) if digits else 0
    whole = (found.replace(microsecond=0) - _EPOCH) // _MICROSECOND * 1000
    if abs(whole) > _LATEST - SECOND:
        raise Malformed(f"a time beyond the year 2262: {value[:40]!r}")
    return whole + nanos


# -- ids ------------------------------------------------------------------------------------------------------

_TRACE_DIGITS: Final = 32
_SPAN_DIGITS: Final = 16
_HEX: Final = re.compile(r"[0-9a-fA-F]+")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def trace_id(form: str, *parts: object) -> str:
    """An id of a trace: the source's own where it can be one, else one made from it; the same for the same parts."""
    own = str(parts[0]) if len(parts) == 1 else ""
    if _UUID.fullmatch(own):
        own = own.replace("-", "")
    if len(own) == _TRACE_DIGITS and _is_id(own):
        return own.lower()
    return _digest(_TRACE_DIGITS // 2, form, *parts)


def span_id(form: str, trace: str, *parts: object) -> str:
    """An id of a span of a trace, likewise."""
    own = str(parts[0]) if len(parts) == 1 else ""
    if len(own) == _SPAN_DIGITS and _is_id(own):
        return own.lower()
    return _digest(_SPAN_DIGITS // 2, form, trace, *parts)


def event_id(form: str, *parts: object) -> str:
    """An id of an event, or of an annotation, made from what it says."""
    return _digest(_SPAN_DIGITS // 2, form, "event", *parts)


def hex_id(value: object, digits: int) -> str:
    """An id of so many hexadecimal digits, filled up with zeros on the left; empty where it is none."""
    own = value if isinstance(value, str) else ""
    if not own or len(own) > digits or not _is_id(own):
        return ""
    return own.lower().rjust(digits, "0")


def _is_id(own: str) -> bool:
    return _HEX.fullmatch(own) is not None and own.strip("0") != ""


def _digest(size: int, *parts: object) -> str:
    told = msgspec.json.encode([str(part).encode("utf-8", "replace").decode() for part in parts])
    return blake2b(told, digest_size=size).hexdigest()


# -- records --------------------------------------------------------------------------------------------------


def process(form: str, service: str = "", **said: Any) -> Process:
    """Who told of records: the same for the same tool, service and whatever else is said of it.

    Args:
        form: the format.
        service: what it calls itself.
        said: other fields of a process.
    """
    attributes = {"flightlog.imported": form, **said.pop("attributes", {})}
    told = sorted((name, repr(value)) for name, value in {**said, "attributes": attributes}.items())
    return Process(
        process_id=_digest(_TRACE_DIGITS // 2, form, service, *told),
        service=service,
        started=0,
        attributes=attributes,
        **{name: value for name, value in said.items() if value},
    )


def fault(message: object, kind: object = "", stack: object = "") -> Fault:
    """What went wrong, from whatever tells of it."""
    return Fault(type=_said(kind), message=_said(message), stack=_said(stack))


def _said(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


def flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Attributes that may be objects within objects, with dots between the names."""
    found: dict[str, Any] = {}
    for name, one in value.items():
        if isinstance(one, dict) and one:
            found.update(flat(one, f"{prefix}{name}."))
        elif one is not None:
            found[prefix + name] = one
    return found
