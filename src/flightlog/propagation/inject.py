"""Inject: the current span's place, and what came in with its trace, as headers for whoever is called."""

from __future__ import annotations

from collections.abc import MutableMapping
from sys import _getframe
from typing import Any, Final, TypeVar

from flightlog.core.arrived import Arrived, Heard, arrived_behind
from flightlog.core.bound import innermost
from flightlog.core.context import Captured
from flightlog.core.engine import parent_at
from flightlog.propagation import b3, baggage, carrier, foreign, rules, traceparent

_Carrier = TypeVar("_Carrier", bound="MutableMapping[str, str] | list[tuple[str, str]] | Any")

_TRACE_FORMATS: Final = ("tracecontext", "b3", "b3multi")


def inject(headers: _Carrier) -> _Carrier:
    """Put the current span's place into the headers of a request or a message that is about to be sent.

    Writes `traceparent`, and `tracestate`, `baggage` and `X-Correlation-Id` as far as there is anything to say; of
    the trace formats in the setting `propagators` only the first. Without a span and anything bound, nothing is
    written. Headers of the same names are replaced. Never raises: what cannot be written to is left as it is, counted.

    Args:
        headers: a mapping, or a list of pairs, which is changed.

    Returns:
        The same headers.
    """
    try:
        carrier.write(headers, headers_at(parent_at(_getframe(1))))
    except Exception as failure:  # noqa: BLE001 - the border: the request must be sent whatever we cannot say
        rules.failed(failure)
    return headers


def headers_here() -> dict[str, str]:
    """What `inject` writes for the code that called the caller."""
    return headers_at(parent_at(_getframe(2)))


def headers_at(place: Any) -> dict[str, str]:
    """What is to be said of a place, which `engine.parent_at` gives or a span is."""
    given = rules.current()
    told: dict[str, str] = {}
    bound = _bound(given.baggage_keys | {_CORRELATION_ID})
    if isinstance(place, Heard):
        place = place.arrived
    if place is not None and not isinstance(place, Captured):
        arrived = arrived_behind(place, given.origin)
        if place.span_id:
            told |= _trace_headers(place, arrived, given.formats)
        sent = "" if arrived is None else arrived.baggage
    else:
        sent = ""
    if "baggage" in given.formats and (value := _baggage(sent, bound, given.baggage_keys)):
        told["baggage"] = value
    if "correlation" in given.formats and (correlation_id := foreign.cleaned(bound.get(_CORRELATION_ID, ""))):
        told["X-Correlation-Id"] = correlation_id
    return told


_CORRELATION_ID: Final = "correlation_id"


def _trace_headers(place: Any, arrived: Arrived | None, formats: tuple[str, ...]) -> dict[str, str]:
    sampled = not place._drops  # noqa: SLF001 - whether it records is what every span and marker knows
    for name in formats:
        if name == "b3":
            return b3.render_single(place.trace_id, place.span_id, sampled=sampled)
        if name == "b3multi":
            return b3.render_multi(place.trace_id, place.span_id, sampled=sampled)
        if name == "tracecontext":
            is_random = arrived is None or arrived.is_random
            told = {
                "traceparent": traceparent.render(
                    place.trace_id, place.span_id, sampled=sampled, is_random=is_random
                )
            }
            if arrived is not None and arrived.tracestate:
                told["tracestate"] = arrived.tracestate
            return told
    return {}


def _baggage(sent: str, bound: dict[str, str], keys: frozenset[str]) -> str:
    """What came in, what others keep as baggage here, and what is bound under the names that may leave."""
    own = {name: value for known in baggage.sources for name, value in known().items()}
    own.update((name, bound[name]) for name in sorted(keys) if name in bound)
    if not own:
        return sent
    members, _ = baggage.parse([sent])
    members.update((name, member) for name, value in own.items() if (member := baggage.member(name, value)))
    value, left_out = baggage.render(members)
    rules.left_out(left_out)
    return value


def _bound(names: frozenset[str]) -> dict[str, str]:
    """Texts and numbers that are bound here under these names, as they are recorded: redacted."""
    binding = innermost()
    if binding is None or names.isdisjoint(binding.members):
        return {}
    from msgspec.json import decode  # only where there is anything to read

    members = (binding.members[name] for name in names if name in binding.members)
    found: dict[str, Any] = decode(f"{{{','.join(members)}}}")
    return {name: str(value) for name, value in found.items() if isinstance(value, (str, int, float))}
