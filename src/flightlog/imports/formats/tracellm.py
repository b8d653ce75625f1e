"""Traces that tracellm exports, as JSON or as CSV: a model call, and the steps under it.

A key of the project stands in the clear on every trace there: it is left out, and so is any other member of that
name. Tokens are its own estimate of all texts together; a step's time is when it ended.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET

from flightlog.codecs.otlp.messages import Malformed
from flightlog.imports.formats.reading import (
    MILLI,
    Made,
    Sample,
    count,
    fault,
    moment,
    needed_moment,
    ns,
    number,
    objects,
    process,
    span_id,
    text,
    trace_id,
    without,
)
from flightlog.records.attributes import RETRIES
from flightlog.records.genai import REQUEST_MODEL
from flightlog.records.span import Span

NAME: Final = "tracellm"
ESTIMATE: Final = "tracellm.token_count"
"""Words and a quarter of the letters of all texts: no count of tokens, so it stands under a name of its own."""
COLUMNS: Final = (b"trace_id,project_id,", b'"trace_id","project_id"')
"""How its CSV begins."""

_KNOWN: Final = frozenset(
    """trace_id prompt response latency token_count model_name project_id project_name api_key
    environment status steps retry_count failure_reason slow_request created_at updated_at
    step_count""".split()  # noqa: SIM905 - a list of words reads best as one
)
_KNOWN_OF_STEP: Final = frozenset(
    """step_id tool_name input output duration success timestamp children api_key""".split()  # noqa: SIM905 - a list of words reads best as one
)


def tells(sample: Sample) -> bool:
    """Whether these are such traces, or the answer of its server that lists them."""
    return any(
        {"trace_id", "prompt", "model_name", "latency"} <= one.keys()
        or any({"trace_id", "prompt", "model_name"} <= item.keys() for item in objects(one, "items"))
        for one in sample.objects
    )


def opened(sample: Sample) -> frozenset[str] | None:
    """The list of a server's answer is read one by one."""
    return frozenset({"items"}) if any("items" in one for one in sample.objects) else None


class Taker:
    """Makes a trace of each value."""

    def take(self, key: str, value: Any, /) -> list[Made]:
        """The spans of one trace.

        Raises:
            Malformed: it is none.
        """
        if key not in {"", "items"}:
            return []
        if not isinstance(value, dict) or not text(value, "trace_id"):
            raise Malformed("a trace without a `trace_id`")
        own = text(value, "trace_id")
        trace, root = trace_id(NAME, own), ""
        root = span_id(NAME, trace, own, "root")
        project = text(value, "project_id", "project_name")
        owner = process(
            NAME,
            text(value, "project_name", "project_id"),
            project=project,
            environment=text(value, "environment"),
        )
        start = needed_moment(value, "created_at")
        took = ns(number(value, "latency") or 0, MILLI)
        reason = text(value, "failure_reason")
        failed = text(value, "status").lower() == "failed"
        retries = count(value, "retry_count")
        estimate = count(value, "token_count")
        model = text(value, "model_name")
        answer = value.get("response")
        prompt = text(value, "prompt")
        call = Span(
            trace_id=trace,
            span_id=root,
            name=prompt[:100] or "trace",
            kind="llm",
            start=start,
            end=start + max(0, took),
            status="error" if failed else "ok",
            input=prompt or UNSET,
            output=UNSET if answer in (None, "") else answer,
            error=fault(reason or "failed") if failed else None,
            attributes={
                **({REQUEST_MODEL: model} if model not in {"", "unknown"} else {}),
                **({RETRIES: retries} if retries else {}),
                **({ESTIMATE: estimate} if estimate is not None else {}),
                **({"tracellm.status": "warning"} if text(value, "status").lower() == "warning" else {}),
                **(
                    {"tracellm.steps": steps}
                    if (steps := count(value, "step_count")) and "steps" not in value
                    else {}
                ),
                **without(value, _KNOWN),
            },
            process_id=owner.process_id,
            revision=1 if "steps" in value else 0,  # CSV knows less of the same trace
        )
        return [owner, call, *self._steps(objects(value, "steps"), call)]

    def end(self) -> list[Made]:
        """Nothing is left: a trace is one value."""
        return []

    def _steps(self, steps: list[dict[str, Any]], parent: Span) -> list[Made]:
        made: list[Made] = []
        for place, step in enumerate(steps):
            took = max(0, ns(number(step, "duration") or 0, MILLI))
            end = moment(step, "timestamp")
            end = parent.start + took if end is None else end
            given, got = (
                step.get("input", step.get("input_data")),
                step.get("output", step.get("output_data")),
            )
            failed = step.get("success") is False
            message = got.get("error") if isinstance(got, dict) else None
            span = Span(
                trace_id=parent.trace_id,
                span_id=span_id(NAME, parent.trace_id, parent.span_id, place, text(step, "step_id")),
                parent_id=parent.span_id,
                name=text(step, "tool_name", "step_type") or "step",
                kind="tool",
                start=end - took,
                end=end,
                status="error" if failed else "ok",
                input=given if given not in (None, {}) else UNSET,
                output=got if got not in (None, {}) else UNSET,
                error=fault(message or "failed") if failed else None,
                attributes=without(step, _KNOWN_OF_STEP),
                process_id=parent.process_id,
            )
            made.append(span)
            made += self._steps(objects(step, "children"), span)
        return made
