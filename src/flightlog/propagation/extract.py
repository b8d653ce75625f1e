"""Extract: what headers of a request or a message say becomes the place in which a block of code is recorded.

The formats that are believed are a setting (`propagators`), in order: the first that names a span gives the parent.
Everything in a header is foreign text: it is bounded and cleaned, and what is recorded of it passes the gate.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

from flightlog.core.arrived import Arrived, Heard, enter, leave
from flightlog.core.bound import Bind
from flightlog.core.context import Carried, variable
from flightlog.core.engine import bind, ids
from flightlog.core.redact import shortened
from flightlog.core.sample import keeps
from flightlog.propagation import b3, baggage, carrier, foreign, rules, traceparent, tracestate

_MOST_BOUND: Final = 256
"""Characters of a value from baggage that is bound; a longer one is cut."""


class Extracted:
    """What headers said. As a `with` block: spans that begin in it belong there; it may be entered again.

    It has `trace_id` and `span_id`, so it can also be linked: `fl.span("batch", links=[fl.extract(m) for m in batch])`.
    """

    __slots__ = ("_entered", "_fields", "baggage", "correlation_id", "place")

    def __init__(
        self,
        place: Arrived | None = None,
        *,
        correlation_id: str = "",
        baggage: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        self.place = place
        """Where spans belong; None when no header said."""
        self.correlation_id = correlation_id
        """The correlation id that came, cleaned; empty for none."""
        self.baggage: Mapping[str, str] = baggage or {}
        """What came as baggage, decoded, by name."""
        self._fields = dict(fields or {})
        self._entered: list[tuple[Carried | Heard | None, object, Bind | None]] = []

    @property
    def trace_id(self) -> str:
        """The trace that goes on here; empty when a new one begins."""
        return "" if self.place is None else self.place.trace_id

    @property
    def span_id(self) -> str:
        """The parent; empty when there is none."""
        return "" if self.place is None else self.place.span_id

    @property
    def sampled(self) -> bool:
        """Whether the trace is recorded, as far as the headers decide."""
        return self.place is None or self.place.sampled

    @property
    def tracestate(self) -> str:
        """What other tracers are told again."""
        return "" if self.place is None else self.place.tracestate

    def __bool__(self) -> bool:
        """Whether they name a parent."""
        return bool(self.span_id)

    def unparented(self) -> Extracted:
        """The same without its place: for a service that links to its callers' traces and begins its own."""
        return Extracted(correlation_id=self.correlation_id, baggage=self.baggage, fields=self._fields)

    def __enter__(self) -> Self:
        before: object = variable.get()
        binding = bind(**self._fields) if self._fields else None
        if binding is not None:
            binding.__enter__()
        self._entered.append((None if self.place is None else enter(self.place), before, binding))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._entered:
            return
        mark, before, binding = self._take_out(variable.get())
        if mark is not None:
            leave(mark, before)
        if binding is not None:
            binding.__exit__(kind, error, trace)

    def _take_out(self, here: object) -> tuple[Carried | Heard | None, object, Bind | None]:
        for number, entry in enumerate(self._entered):
            if entry[0] is not None and entry[0] is here:
                return self._entered.pop(number)
        return self._entered.pop()

    def __repr__(self) -> str:
        return f"<extracted: {self.trace_id or 'no trace'} {self.span_id or 'no parent'}>"


def extract(headers: Any) -> Extracted:
    """Read what the headers of a request or a message say of the trace that they belong to.

    W3C `traceparent`, `tracestate` and `baggage`, B3, and the correlation headers (`X-Correlation-Id`, `X-Trace-Id`,
    `X-Span-Id`, `X-Parent-Span-Id`), as far as the setting `propagators` names them. What is invalid counts as not
    there. Never raises.

    Args:
        headers: a mapping or pairs of names and values, text or bytes, in any case; a WSGI environment.

    Returns:
        What they say. `with fl.extract(headers):` has its block's spans belong there, and binds `correlation_id`
        and the baggage that the setting `baggage_keys` names. It is true when they name a parent.
    """
    try:
        return _extracted(carrier.read(headers), rules.current())
    except Exception as failure:  # noqa: BLE001 - the border: a carrier is the program's object
        rules.failed(failure)
        return Extracted()


def from_environment(environ: Mapping[str, str]) -> Arrived | None:
    """The span on whose behalf this process runs, when `TRACEPARENT` names one; with TRACESTATE and BAGGAGE."""
    names = ("TRACEPARENT", "TRACESTATE", "BAGGAGE")
    found = {name.lower(): [environ[name]] for name in names if environ.get(name)}
    return None if "traceparent" not in found else _tracecontext(found, _baggage(found)[1])


def _extracted(found: Mapping[str, list[str]], given: rules.Rules) -> Extracted:
    if not found:
        return Extracted()
    members, outgoing = _baggage(found) if "baggage" in given.formats else ({}, "")
    fields: dict[str, str] = {
        name: shortened(value, _MOST_BOUND) for name, value in members.items() if name in given.baggage_keys
    }
    place = None
    for name in given.formats:
        read = _READERS.get(name)
        if place is None and read is not None:
            place = read(found, outgoing)
    correlation_id = ""
    if "correlation" in given.formats:
        correlation_id = _correlation(found, fields)
    if place is None and outgoing:
        place = _rootless(outgoing)
    return Extracted(place, correlation_id=correlation_id, baggage=members, fields=fields)


def _baggage(found: Mapping[str, list[str]]) -> tuple[dict[str, str], str]:
    if "baggage" not in found:
        return {}, ""
    members, too_many = baggage.parse(found["baggage"])
    outgoing, more = baggage.render(members)
    rules.left_out(too_many + more)
    return {name: baggage.value_of(member) for name, member in members.items()}, outgoing


def _tracecontext(found: Mapping[str, list[str]], outgoing: str) -> Arrived | None:
    values = found.get("traceparent", [])
    told = traceparent.parse_flags(values[0]) if len(values) == 1 else None
    if told is None:
        return None
    state = ""
    if "tracestate" in found:
        state, left_out = tracestate.render(tracestate.parse(found["tracestate"]))
        rules.left_out(left_out)
    return Arrived(
        told[0],
        told[1],
        sampled=traceparent.is_sampled(told[2]),
        is_random=traceparent.is_random(told[2]),
        tracestate=state,
        baggage=outgoing,
    )


def _b3(found: Mapping[str, list[str]], outgoing: str) -> Arrived | None:
    values = found.get(b3.SINGLE, [])
    return _arrived_b3(b3.parse_single(values[0]) if len(values) == 1 else None, outgoing)


def _b3multi(found: Mapping[str, list[str]], outgoing: str) -> Arrived | None:
    names = (b3.TRACE_ID, b3.SPAN_ID, b3.SAMPLED, b3.FLAGS)
    return _arrived_b3(
        b3.parse_multi({name: found[name][0] for name in names if len(found.get(name, ())) == 1}), outgoing
    )


def _arrived_b3(told: b3.Found | None, outgoing: str) -> Arrived | None:
    if told is None:
        return None
    if not told.trace_id:  # only a decision
        return None if told.sampled else _rootless(outgoing, sampled=False)
    sampled = _is_kept(told.trace_id) if told.sampled is None else told.sampled
    return Arrived(told.trace_id, told.span_id, sampled=sampled, is_random=False, baggage=outgoing)


def _own_headers(found: Mapping[str, list[str]], outgoing: str) -> Arrived | None:
    """The place that `X-Trace-Id` and `X-Span-Id` name, whatever their scheme."""
    trace_id = foreign.trace_id_of(_first(found, "x-trace-id"))
    if not trace_id:
        return None
    parent = _first(found, "x-span-id") or _first(found, "x-parent-span-id")
    span_id = foreign.span_id_of(parent)
    return Arrived(trace_id, span_id, sampled=_is_kept(trace_id), is_random=False, baggage=outgoing)


def _correlation(found: Mapping[str, list[str]], fields: dict[str, str]) -> str:
    """Note the ids of other schemes, and give the correlation id."""
    if found.keys().isdisjoint(("x-correlation-id", "x-trace-id")):
        return ""
    given, trace = _first(found, "x-correlation-id"), _first(found, "x-trace-id")
    told = given or ("" if foreign.is_own(trace) else trace)
    if told:
        fields["correlation_id"] = told
    if given and trace and not foreign.is_own(trace):
        fields["foreign_trace_id"] = trace
    return told


def _first(found: Mapping[str, list[str]], name: str) -> str:
    return next(filter(None, map(foreign.cleaned, found.get(name, ()))), "")


def _rootless(outgoing: str, *, sampled: bool | None = None) -> Arrived:
    """A new trace, for what came without one and is to go on with it, or for a decision that came alone."""
    trace_id = ids.trace_id()
    kept = _is_kept(trace_id) if sampled is None else sampled
    return Arrived(trace_id, "", sampled=kept, baggage=outgoing)


def _is_kept(trace_id: str) -> bool:
    """The decision that this process makes for a trace whose caller left it open."""
    return keeps(trace_id, rules.current().ratio)


_READERS: Final = {"tracecontext": _tracecontext, "b3": _b3, "b3multi": _b3multi, "correlation": _own_headers}
