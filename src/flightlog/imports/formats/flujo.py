"""Runs of flujo, from its SQLite file or from what `flujo run --debug-export` writes: a trace a run.

Steps and spans of one run tell of the same work: a step gives the span of its name, in their order, its output, its
cost and its tokens; where no spans were kept, the steps stand in their place. Newer versions (0.6) tell times of spans
by a clock that begins when the machine does; those are moved to where the run itself says that it began. A root that
was stored before it ended (0.4) ends with its run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import UNSET

from flightlog.codecs.otlp.messages import Malformed
from flightlog.imports.formats.reading import (
    MILLI,
    SECOND,
    Made,
    Sample,
    count,
    event_id,
    fault,
    mapping,
    moment,
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
from flightlog.records.event import Event
from flightlog.records.genai import REPORTED_COST, TOTAL_TOKENS
from flightlog.records.kinds import Status
from flightlog.records.span import Span

NAME: Final = "flujo"

_STATUSES: Final[Mapping[str, Status]] = {
    "completed": "ok",
    "success": "ok",
    "failed": "error",
    "error": "error",
    "paused": "paused",
    "cancelled": "cancelled",
    "running": "interrupted",
}
_EVENTS: Final = {
    "flujo.retry": "retry",
    "flujo.fallback.triggered": "fallback",
    "flujo.paused": "pause",
    "flujo.resumed": "resume",
    "loop.iteration": "loop",
    "flujo.budget.violation": "budget",
    "agent.prompt": "prompt",
}
_INPUTS: Final = frozenset({"step_input", "initial_input", "flujo.input"})
_OUTPUTS: Final = frozenset({"step_output"})
_BOOTED: Final = 5 * 10**8
"""Seconds: less than that is a clock that began with the machine, not with 1970."""
_OF_RUN: Final = frozenset(
    """run_id pipeline_name pipeline_version status start_time end_time created_at updated_at
    error_message""".split()  # noqa: SIM905 - a list of words reads best as one
)
_OF_STEP: Final = frozenset(
    """id step_run_id run_id step_name name step_index status success start_time end_time created_at
    duration_ms execution_time_ms latency_s cost cost_usd tokens token_counts input_blob output_blob
    output error_blob feedback raw_response step_history""".split()  # noqa: SIM905 - a list of words reads best as one
)


def tells(sample: Sample) -> bool:
    """Whether this is a debug export, or a tree of spans."""
    return any(
        ("trace_tree" in one and ("result" in one or "run_id" in one or "pipeline_name" in one))
        or {"name", "start_time", "children", "attributes"} <= one.keys()
        for one in sample.objects
    )


class Taker:
    """Makes a trace of each run."""

    def take(self, _key: str, value: Any, /) -> list[Made]:
        """The spans and events of one run.

        Raises:
            Malformed: it is none, or has no time.
        """
        if not isinstance(value, dict):
            raise Malformed("no run of flujo")
        if "run" in value:
            return _Run(mapping(value, "run"), objects(value, "spans"), objects(value, "steps")).made()
        tree = mapping(value, "trace_tree")
        steps = objects(mapping(value, "result"), "step_history")
        if tree or steps:
            return _Run(without(value, frozenset({"trace_tree"})), list(_flattened(tree)), steps).made()
        if "children" in value:
            return _Run({}, list(_flattened(value)), []).made()
        raise Malformed("no run of flujo: neither spans nor steps")

    def end(self) -> list[Made]:
        """Nothing is left: a run is one value."""
        return []


def _flattened(tree: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The spans of a tree, a parent before its children; those without ids get one by their place."""
    waiting: list[tuple[dict[str, Any], str | None, str]] = [(dict(tree), None, "0")] if tree else []
    while waiting:
        span, parent, path = waiting.pop()
        span["span_id"] = own = text(span, "span_id") or path
        span["parent_span_id"] = parent
        yield span
        children = enumerate(objects(span, "children"))
        waiting.extend(reversed([(dict(child), own, f"{path}.{place}") for place, child in children]))


def _paths(spans: list[dict[str, Any]]) -> dict[str, str]:
    """The place of each span in the tree: an export of a run has no other ids, and its file has the same places."""
    found: dict[str, str] = {}
    children: dict[str, int] = {}
    for span in spans:
        above = found.get(text(span, "parent_span_id"), "")
        children[above] = place = children.get(above, -1) + 1
        found[text(span, "span_id")] = f"{above}.{place}"
    return found


class _Run:
    """One run."""

    def __init__(self, run: dict[str, Any], spans: list[dict[str, Any]], steps: list[dict[str, Any]]) -> None:
        first = next((one for one in spans if not one.get("parent_span_id")), {})
        self._run = run
        self._spans = list({text(one, "span_id"): one for one in spans}.values())  # 0.6 may store one twice
        self._paths = _paths(self._spans)
        self._steps = steps
        own = (
            text(run, "run_id")
            or text(mapping(first, "attributes"), "flujo.run_id")
            or text(first, "span_id")
        )
        if not own:
            raise Malformed("a run without an id")
        self._trace = trace_id(NAME, own)
        self._own = own
        self._pipeline = text(run, "pipeline_name")
        self._process = process(NAME, self._pipeline, version=text(run, "pipeline_version"))
        self._shift = self._shifted()

    def made(self) -> list[Made]:
        """All that is known of it.

        Raises:
            Malformed: it has no time.
        """
        if not self._spans:
            return [self._process, *self._of_steps()]
        steps = _by_name(self._steps)
        made: list[Made] = [self._process]
        for told in self._spans:
            waiting = steps.get(text(told, "name"), [])
            step = waiting.pop(0) if waiting and told.get("parent_span_id") else {}
            span = self._span(told, step)
            made.append(span)
            made += self._events(told, span)
        return made

    def _shifted(self) -> int:
        """Nanoseconds between the clock of the spans and that of the world."""
        starts = [start for one in self._spans if (start := number(one, "start_time")) is not None]
        if not starts or min(starts) > _BOOTED:
            return 0
        begun = moment(self._run, "start_time", "created_at")
        if begun is not None:
            return begun - ns(min(starts), SECOND)
        written = moment(self._run, "exported_at")
        if written is None:
            raise Malformed("times of a clock that began with the machine, and none that says when that was")
        ends = [end for one in self._spans if (end := number(one, "end_time")) is not None]
        return written - ns(max([*starts, *ends]), SECOND)

    def _span(self, told: dict[str, Any], step: dict[str, Any]) -> Span:
        attributes = parsed(told.get("attributes"))
        attributes = attributes if isinstance(attributes, dict) else {}
        is_root = not told.get("parent_span_id")
        start = moment(told, "start_time")
        if start is None:
            raise Malformed(f"span {text(told, 'name')!r} of run {self._own!r} has no start")
        start += self._shift
        end = moment(told, "end_time")
        end = None if end is None else end + self._shift
        status = _STATUSES.get(text(told, "status"), "ok")
        if is_root and status in {"interrupted", "ok"}:
            status = _STATUSES.get(text(self._run, "status"), status)
            end = moment(self._run, "end_time", "updated_at") if end is None else end
        message = attributes.get("feedback") or parsed(step.get("error_blob")) or step.get("feedback")
        if is_root:
            message = message or self._run.get("error_message") or self._failure()
        kept = without(
            attributes, _INPUTS | _OUTPUTS | (frozenset({"feedback"}) if status == "error" else frozenset())
        )
        return Span(
            trace_id=self._trace,
            span_id=self._id(told, "span_id"),
            parent_id="" if is_root else self._id(told, "parent_span_id"),
            name=(self._pipeline if is_root else "") or text(told, "name") or "span",
            kind="workflow" if is_root else "step",
            start=start,
            end=max(start, end) if end is not None else (None if status == "paused" else start),
            status=status,
            input=next((attributes[name] for name in sorted(_INPUTS) if name in attributes), UNSET),
            output=self._output(attributes, step),
            error=fault(message or "failed") if status == "error" else None,
            attributes={
                **(self._about() if is_root else {}),
                **kept,
                **_used(attributes, step),
            },
            process_id=self._process.process_id,
        )

    def _id(self, told: Mapping[str, Any], name: str) -> str:
        own = text(told, name)
        return span_id(NAME, self._trace, self._paths.get(own, own), "path")

    def _failure(self) -> Any:
        """What the first span that failed said."""
        told = (mapping(one, "attributes") or parsed(one.get("attributes")) for one in self._spans)
        return next((one["feedback"] for one in told if isinstance(one, dict) and one.get("feedback")), None)

    def _output(self, attributes: dict[str, Any], step: dict[str, Any]) -> Any:
        for value in (
            attributes.get("step_output"),
            parsed(step.get("output_blob")),
            parsed(step.get("output")),
        ):
            if value is not None:
                return value
        return UNSET

    def _about(self) -> dict[str, Any]:
        told = {
            f"flujo.{name}": self._run[name]
            for name in ("pipeline_name", "pipeline_version")
            if self._run.get(name)
        }
        return {"flujo.run_id": self._own, **told}

    def _events(self, told: dict[str, Any], span: Span) -> list[Made]:
        made: list[Made] = []
        for place, event in enumerate(objects(told, "events")):
            name = text(event, "name") or "event"
            ours = _EVENTS.get(name, name)
            attributes = {**mapping(event, "attributes"), **({"flujo.event": name} if ours != name else {})}
            at = moment(event, "timestamp", "time")
            at = span.start if at is None else at + (self._shift if at < _BOOTED * SECOND else 0)
            made.append(
                Event(
                    event_id=event_id(NAME, self._trace, span.span_id, place, name),
                    trace_id=self._trace,
                    span_id=span.span_id,
                    time=at,
                    name=ours,
                    attributes=attributes,
                    process_id=self._process.process_id,
                )
            )
        return made

    def _of_steps(self) -> list[Made]:
        """The spans where none were kept: the run, and its steps under it."""
        begun = moment(self._run, "start_time", "created_at", "exported_at")
        if begun is None:
            raise Malformed(f"run {self._own!r} has neither spans nor a time")
        root = span_id(NAME, self._trace, self._own, "run")
        ended = moment(self._run, "end_time", "updated_at")
        status = _STATUSES.get(text(self._run, "status"), "ok")
        steps = list(self._stepped(self._steps, root, begun))
        end = max([begun if ended is None else ended, *(step.end or 0 for step in steps)])
        message = self._run.get("error_message") or next(
            (step.error.message for step in steps if step.error), "failed"
        )
        return [
            Span(
                trace_id=self._trace,
                span_id=root,
                name=self._pipeline or "pipeline",
                kind="workflow",
                start=begun,
                end=None if status == "paused" else end,
                status=status,
                error=fault(message) if status == "error" else None,
                attributes={
                    **self._about(),
                    **{f"flujo.{k}": v for k, v in without(self._run, _OF_RUN | {"result"}).items()},
                },
                process_id=self._process.process_id,
            ),
            *steps,
        ]

    def _stepped(self, steps: list[dict[str, Any]], parent: str, begun: int) -> Iterator[Span]:
        at = begun
        for place, step in enumerate(steps):
            took = number(step, "duration_ms", "execution_time_ms")
            took = ns(took, MILLI) if took is not None else ns(number(step, "latency_s") or 0, SECOND)
            start = moment(step, "start_time")
            start = at if start is None else start
            end = max(start + max(0, took), moment(step, "end_time") or 0)
            failed = step.get("success") is False or text(step, "status") in {"failed", "error"}
            message = parsed(step.get("error_blob")) or step.get("feedback") or "failed"
            given = parsed(step.get("input_blob"))
            own = span_id(NAME, self._trace, parent, place, text(step, "step_name", "name"))
            yield Span(
                trace_id=self._trace,
                span_id=own,
                parent_id=parent,
                name=text(step, "step_name", "name") or "step",
                kind="step",
                start=start,
                end=end,
                status="error" if failed else _STATUSES.get(text(step, "status"), "ok"),
                input=UNSET if given is None else given,
                output=self._output({}, step),
                error=fault(message) if failed else None,
                attributes={**without(step, _OF_STEP), **_used({}, step)},
                process_id=self._process.process_id,
            )
            yield from self._stepped(objects(step, "step_history"), own, start)
            at = end


def _by_name(steps: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for step in steps:
        found.setdefault(text(step, "step_name", "name"), []).append(step)
    return found


def _used(attributes: dict[str, Any], step: dict[str, Any]) -> dict[str, Any]:
    """Tokens and cost under our names; none where flujo counts zero, which it does of any function."""
    tokens = count(attributes, "flujo.budget.actual_tokens", "token_counts") or count(
        step, "tokens", "token_counts"
    )
    cost = number(attributes, "flujo.budget.actual_cost_usd", "cost_usd") or number(step, "cost", "cost_usd")
    return {**({TOTAL_TOKENS: tokens} if tokens else {}), **({REPORTED_COST[0]: cost} if cost else {})}
