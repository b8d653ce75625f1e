"""Traces and observations that Langfuse exports: its page's JSON or JSON lines, or the answers of its API.

A trace is the root span, its observations are the spans under it; an observation without a span above it stands under
the trace. An observation of type EVENT is an event. Usage and cost of a generation are what Langfuse says of it; its
input is the sum of what its details name, since these count each token once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import UNSET

from flightlog.codecs.otlp.messages import Malformed
from flightlog.imports.formats.reading import (
    SECOND,
    Made,
    Sample,
    count,
    event_id,
    fault,
    listing,
    mapping,
    moment,
    needed_moment,
    ns,
    number,
    objects,
    parsed,
    process,
    span_id,
    text,
    trace_id,
    without,
)
from flightlog.records import genai
from flightlog.records.annotation import Annotation
from flightlog.records.event import Event
from flightlog.records.kinds import Level
from flightlog.records.span import Span

NAME: Final = "langfuse"

_KINDS: Final = {
    "GENERATION": "llm",
    "EMBEDDING": "embedding",
    "AGENT": "agent",
    "TOOL": "tool",
    "CHAIN": "step",
    "RETRIEVER": "retrieval",
    "EVALUATOR": "evaluation",
    "GUARDRAIL": "guardrail",
}
_LEVELS: Final[Mapping[str, Level]] = {"DEBUG": "debug", "WARNING": "warn", "ERROR": "error"}
_OF_TRACE: Final = frozenset(
    """id projectId name timestamp createdAt updatedAt input output sessionId userId tags version
    release environment observations scores latency totalCost htmlPath public bookmarked externalId""".split()  # noqa: SIM905 - a list of words reads best as one
)
_OF_OBSERVATION: Final = frozenset(
    """id traceId projectId parentObservationId type name startTime endTime createdAt updatedAt input
    output model modelId internalModelId providedModelName modelParameters usage usageDetails
    costDetails level statusMessage completionStartTime version environment latency timeToFirstToken
    calculatedInputCost calculatedOutputCost calculatedTotalCost promptTokens completionTokens
    totalTokens inputPrice outputPrice totalPrice unit inputUsage outputUsage totalUsage inputCost
    outputCost totalCost providedUsageDetails providedCostDetails""".split()  # noqa: SIM905 - a list of words reads best as one
)
_READ: Final = ("input_cached_tokens", "cache_read_input_tokens", "input_cache_read")
_WRITTEN: Final = ("cache_creation_input_tokens", "input_cache_creation")
_REASONED: Final = ("output_reasoning_tokens", "output_reasoning")


def tells(sample: Sample) -> bool:
    """Whether these are traces or observations of Langfuse."""
    return any(_is_ours(one) or any(map(_is_ours, objects(one, "data"))) for one in sample.objects)


def opened(sample: Sample) -> frozenset[str] | None:
    """An answer that lists is read one by one."""
    return frozenset({"data"}) if any("data" in one for one in sample.objects) else None


def _is_ours(one: Mapping[str, Any]) -> bool:
    return _is_observation(one) or (
        {"id", "timestamp"} <= one.keys()
        and not one.keys().isdisjoint({"observations", "sessionId", "userId"})
    )


def _is_observation(one: Mapping[str, Any]) -> bool:
    return {"traceId", "type", "startTime"} <= one.keys()


class Taker:
    """Makes spans of traces and observations."""

    def __init__(self) -> None:
        self._roots: set[str] = set()
        """Traces that were told themselves; what only observations name has its root from them."""
        self._implied: dict[str, tuple[int, int, str]] = {}

    def take(self, key: str, value: Any, /) -> list[Made]:
        """What a trace or an observation says.

        Raises:
            Malformed: it is neither.
        """
        if key not in {"", "data"}:
            return []
        if isinstance(value, dict) and "data" in value and not _is_ours(value):
            return [made for one in objects(value, "data") for made in self.take("", one)]
        if not isinstance(value, dict) or not _is_ours(value):
            raise Malformed("neither a trace nor an observation of Langfuse")
        if _is_observation(value):
            return self._observation(value)
        return self._trace(value)

    def end(self) -> list[Made]:
        """A root for each trace of which only observations were told."""
        made: list[Made] = []
        for own, (start, end, owner) in self._implied.items():
            if own not in self._roots:
                trace = trace_id(NAME, own)
                made.append(
                    Span(
                        trace_id=trace,
                        span_id=_root_id(trace),
                        name="trace",
                        kind="workflow",
                        start=start,
                        end=end,
                        status="interrupted",  # whatever is told of the trace itself counts instead
                        process_id=owner,
                    )
                )
        return made

    def _trace(self, value: Mapping[str, Any]) -> list[Made]:
        own = text(value, "id")
        start = needed_moment(value, "timestamp", "createdAt")
        trace = trace_id(NAME, own)
        owner = process(NAME, version=text(value, "release"), environment=text(value, "environment"))
        told = [
            made
            for one in objects(value, "observations")
            for made in self._observation({"traceId": own, **one})
        ]
        spans = [one for one in told if isinstance(one, Span)]
        took = number(value, "latency")
        end = max([start + ns(max(0, took or 0), SECOND), *(one.end or one.start for one in spans)])
        self._roots.add(own)
        given, got, about = (parsed(value.get(name)) for name in ("input", "output", "metadata"))
        context = {
            "session": text(value, "sessionId"),
            "user": text(value, "userId"),
            "tags": [tag for tag in listing(value, "tags") if isinstance(tag, str)],
        }
        root = Span(
            trace_id=trace,
            span_id=_root_id(trace),
            name=text(value, "name") or "trace",
            kind="workflow",
            start=min([start, *(one.start for one in spans)]),
            end=end,
            status="ok",
            input=UNSET if given is None else given,
            output=UNSET if got is None else got,
            attributes={**({"metadata": about} if about else {}), **without(value, _OF_TRACE | {"metadata"})},
            context={name: one for name, one in context.items() if one},
            process_id=owner.process_id,
        )
        return [owner, root, *told, *_scores(value, trace, end, owner.process_id)]

    def _observation(self, value: Mapping[str, Any]) -> list[Made]:
        own, of = text(value, "id"), text(value, "traceId")
        if not own or not of:
            raise Malformed("an observation without an id, or without that of its trace")
        trace = trace_id(NAME, of)
        start = needed_moment(value, "startTime")
        end = moment(value, "endTime")
        owner = process(NAME, version=text(value, "version"), environment=text(value, "environment"))
        above = text(value, "parentObservationId")
        parent = _span_id(trace, above) if above else _root_id(trace)
        if not above:
            first, last, _ = self._implied.get(of, (start, start, ""))
            self._implied[of] = min(first, start), max(last, end or start), owner.process_id
        given, got, about = (parsed(value.get(name)) for name in ("input", "output", "metadata"))
        kept = {**({"metadata": about} if about else {}), **without(value, _OF_OBSERVATION | {"metadata"})}
        level = _LEVELS.get(text(value, "level"), "info")
        if text(value, "type") == "EVENT":
            said = {name: one for name, one in (("input", given), ("output", got)) if one is not None}
            return [
                owner,
                Event(
                    event_id=event_id(NAME, trace, own),
                    trace_id=trace,
                    span_id=parent,
                    time=start,
                    name=text(value, "name") or "event",
                    level=level,
                    body=text(value, "statusMessage"),
                    attributes={**kept, **said},
                    process_id=owner.process_id,
                ),
            ]
        failed = level == "error"
        message = text(value, "statusMessage")
        if message and not failed:
            kept["langfuse.status_message"] = message
        return [
            owner,
            Span(
                trace_id=trace,
                span_id=_span_id(trace, own),
                parent_id=parent,
                name=text(value, "name") or text(value, "type").lower() or "span",
                kind=_KINDS.get(text(value, "type"), ""),
                level="info" if failed else level,
                start=start,
                end=start if end is None else max(start, end),
                status="error" if failed else "ok" if end is not None else "interrupted",
                input=UNSET if given is None else given,
                output=UNSET if got is None else got,
                error=fault(message or "failed") if failed else None,
                attributes={**kept, **dict(_called(value))},
                process_id=owner.process_id,
            ),
        ]


def _called(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What is said of a call of a model, under our names."""
    if model := text(value, "model", "providedModelName"):
        yield genai.REQUEST_MODEL, model
    parameters = parsed(value.get("modelParameters"))
    for name, one in (parameters if isinstance(parameters, dict) else {}).items():
        if one is not None:
            yield genai.PARAMETERS.get(name, genai.REQUEST + name), one
    begun, first = moment(value, "startTime"), moment(value, "completionStartTime")
    if begun is not None and first is not None and first >= begun:
        yield genai.TIME_TO_FIRST_CHUNK, (first - begun) / SECOND
    yield from _used(value)
    costs = parsed(value.get("costDetails"))
    cost = number(costs if isinstance(costs, dict) else {}, "total")
    cost = number(value, "calculatedTotalCost", "totalCost") if cost is None else cost
    if cost:
        yield genai.REPORTED_COST[0], cost


def _used(value: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    told = parsed(value.get("usageDetails"))
    details = (
        {name: found for name in told if (found := count(told, name)) is not None}
        if isinstance(told, dict)
        else {}
    )
    usage = mapping(value, "usage")
    given = sum(
        found for name, found in details.items() if _is_of(name, "input") or name in {*_READ, *_WRITTEN}
    )
    made = sum(found for name, found in details.items() if _is_of(name, "output") or name in _REASONED)
    counts = {
        genai.INPUT_TOKENS: given
        or count(usage, "input", "promptTokens")
        or count(value, "promptTokens", "inputUsage"),
        genai.OUTPUT_TOKENS: made
        or count(usage, "output", "completionTokens")
        or count(value, "completionTokens", "outputUsage"),
        genai.TOTAL_TOKENS: details.get("total")
        or count(usage, "total", "totalTokens")
        or count(value, "totalTokens", "totalUsage"),
        genai.CACHE_READ_TOKENS: next((details[name] for name in _READ if name in details), None),
        genai.CACHE_WRITE_TOKENS: next((details[name] for name in _WRITTEN if name in details), None),
        genai.REASONING_TOKENS: next((details[name] for name in _REASONED if name in details), None),
    }
    for name, found in counts.items():
        if found:
            yield name, found


def _is_of(name: str, side: str) -> bool:
    return name == side or name.startswith(f"{side}_")


def _scores(value: Mapping[str, Any], trace: str, time: int, owner: str) -> Iterator[Annotation]:
    for place, one in enumerate(objects(value, "scores")):
        about = text(one, "observationId")
        told = one.get("value")
        yield Annotation(
            annotation_id=event_id(NAME, trace, "score", text(one, "id") or place),
            trace_id=trace,
            span_id=_span_id(trace, about) if about else "",
            time=moment(one, "timestamp", "createdAt") or time,
            name=text(one, "name") or "score",
            value=number(one, "value"),
            label=text(one, "stringValue")
            or (told if isinstance(told, str) and number(one, "value") is None else ""),
            note=text(one, "comment"),
            by=text(one, "authorUserId", "source"),
            process_id=owner,
        )


def _root_id(trace: str) -> str:
    return span_id(NAME, trace, "trace", "")


def _span_id(trace: str, own: str) -> str:
    return span_id(NAME, trace, own)
