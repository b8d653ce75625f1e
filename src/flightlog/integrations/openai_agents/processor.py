"""The tracing processor: what the SDK tells of its traces and spans becomes ours.

The SDK keeps in a context variable which of its spans is current. Where it sets that, ours is made current, until it
ends; so a tool's own code, the client's request and whatever tasks are started stand below the right span.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, Final

from msgspec import UNSET

from flightlog.border import let_through
from flightlog.core.bound import Bind
from flightlog.core.context import OPEN, variable
from flightlog.core.conversation import session
from flightlog.core.counted import has_request
from flightlog.core.engine import span
from flightlog.core.lasting import rename
from flightlog.core.llm import llm
from flightlog.integrations.langchain.runs import Run, Runs, end
from flightlog.integrations.openai_agents import told
from flightlog.integrations.stainless.answer import text
from flightlog.integrations.stainless.package import INSTRUMENTATION
from flightlog.records import genai

Report = Callable[[str, Exception], object]
"""Takes what could not be done, and the failure; counts it and tells the user once."""

_NAME: Final = "openai_agents"
_SEVERAL: Final = 2
"""Runs of a workflow, of which none speaks for the whole."""


class Place:
    """What is ours about one trace or span that the SDK has begun."""

    __slots__ = (
        "around",
        "before",
        "binding",
        "given",
        "group",
        "handled",
        "kind",
        "noted",
        "run",
        "runs",
        "said",
    )

    def __init__(self, run: Run, group: str, kind: str = "", around: str = "") -> None:
        self.run = run
        self.kind = kind
        """The SDK's type of it; empty for a trace."""
        self.around = around
        """The SDK's id of what it is in."""
        self.given: Any = None
        """What its first model call was given; None where that is not told."""
        self.said: Any = None
        """What its last model call or tool gave; None where that is not told."""
        self.runs = 0
        """How many runs began in it, where it is a trace."""
        self.group = group
        """The conversation that its trace belongs to, as the program named it."""
        self.handled = sys.exc_info()[1]
        """The exception that was being handled already when it began."""
        self.noted: BaseException | None = None
        """The exception because of which the SDK calls it failed; it tells others less of it."""
        self.before: Any = None
        """What was current before it."""
        self.binding: Bind | None = None


def _guarded(step: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(step)
    def guarded(self: Recording, *args: Any) -> None:
        try:
            step(self, *args)
        except Exception as failure:  # noqa: BLE001 - the border: the run must go on
            let_through(failure)
            self.report("a run could not be recorded", failure)

    return guarded


class Recording:
    """What the SDK tells is told to this."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self._runs = Runs()
        self._places: dict[str, Place] = {}
        """By the SDK's ids of what has begun and not ended."""

    # -- beginnings and ends ----------------------------------------------------------------------------------------

    @_guarded
    def on_trace_start(self, trace: Any) -> None:
        """A workflow begins."""
        made = span(trace.name or "workflow", "workflow")
        group = trace.group_id if isinstance(trace.group_id, str) else ""
        facts = {"gen_ai.conversation.id": group, "flightlog.metadata": trace.metadata}
        made.set_attributes(
            {INSTRUMENTATION: _NAME, **{name: value for name, value in facts.items() if value}}
        )
        with session(group):
            run = self._runs.begin(trace.trace_id, None, made)
        if run is not None:
            self._places[trace.trace_id] = Place(run, group)

    @_guarded
    def on_trace_end(self, trace: Any) -> None:
        """A workflow is over."""
        self._end(trace.trace_id, None, None)

    @_guarded
    def on_span_start(self, theirs: Any) -> None:
        """A part of a workflow begins."""
        data = theirs.span_data
        around = theirs.parent_id or theirs.trace_id
        if data.type in told.CALLS:
            model = text(getattr(data, "model", None))
            call = llm(
                "",  # whatever model is asked within it is how it is served
                name=f"chat {model}".strip() if data.type == "generation" else data.type,
                **told.parameters(data),
            )
            facts = {genai.REQUEST_MODEL: model} if model else {}
            call.set_attributes({INSTRUMENTATION: _NAME, **facts})
            run = self._runs.begin_call(theirs.span_id, around, call)
        else:
            made = span(told.name_of(data), told.KINDS.get(data.type, "step"))
            made.set_attributes({INSTRUMENTATION: _NAME, **told.facts_of(data)})
            run = self._runs.begin(theirs.span_id, around, made)
        if run is not None:
            self._places[theirs.span_id] = Place(run, "", data.type, around)
        if data.type == "task" and around in self._places:
            self._places[around].runs += 1

    @_guarded
    def on_span_end(self, theirs: Any) -> None:
        """A part of a workflow is over."""
        data = theirs.span_data
        place = self._places.get(theirs.span_id)
        if place is not None and place.run.made._state == OPEN:  # noqa: SLF001 - as the core itself looks
            try:
                self._say(place, data)
            finally:
                self._end(theirs.span_id, theirs.error, data)
        else:
            self._end(theirs.span_id, None, data)

    @_guarded
    def note(self, theirs: Any) -> None:
        """The SDK says that a span failed, where it handles the exception."""
        place = self._places.get(theirs.span_id)
        error = sys.exc_info()[1]
        if place is not None and error is not place.handled:
            place.noted = error

    def _say(self, place: Place, data: Any) -> None:
        """Say what is known only now."""
        if place.run.call is not None:
            said = self._answer(place.run, data)
            self._tell_around(place, told.input_of(data), said)
            return
        made = place.run.made
        made.set_attributes(told.facts_of(data))
        came_in, came_out = told.content_of(data)
        if data.type == "function":
            self._tell_around(place, UNSET, came_out)
        if came_in is not None:
            made.input = came_in
        if came_out is not None:
            made.output = came_out
        if data.type == "handoff" and data.to_agent:
            rename(made, f"handoff to {data.to_agent}")
            made.event("handoff", to=data.to_agent, **({"from": data.from_agent} if data.from_agent else {}))

    def _tell_around(self, place: Place, given: Any, said: Any) -> None:
        """Tell the agent, the run and the workflow around a part what it was given first and gave last.

        The SDK says neither. What is in a tool or a guardrail is theirs alone.
        """
        around = self._places.get(place.around)
        while around is not None and around.kind in told.AROUND:
            if around.kind != "turn":
                if around.given is None and given is not UNSET:
                    around.given = told.asked(given, is_whole=around.kind == "agent")
                if said is not None:
                    around.said = said
            around = self._places.get(around.around)

    def _answer(self, run: Run, data: Any) -> Any:
        """Say what a model said, and give it; None where nothing is told."""
        call = run.call
        if call is None:
            return None
        answer = told.answer_of(data)
        asked = text(getattr(data, "model", ""))  # which the SDK repeats where it puts a stream together
        call.response(id=answer.id, model="" if answer.model == asked else answer.model)
        usage = answer.usage
        call.usage(
            input=usage.input,
            output=usage.output,
            cache_read=usage.cache_read,
            cache_write=usage.cache_write,
            reasoning=usage.reasoning,
        )
        call.finish(*answer.finish)
        call.set_attributes(answer.attributes)
        if data.type == "response" and answer.model:
            rename(call.span, f"chat {answer.model}")
        if data.type == "generation" or not has_request(call.span):
            call.set_attributes(told.whose(data))
            call.input = told.input_of(data)
        if answer.messages is not None:
            call.output = {"messages": answer.messages}
        return None if answer.messages is None else {"messages": answer.messages}

    def _end(self, key: str, failure: Any, data: Any) -> None:
        place = self._places.pop(key, None)
        run = self._runs.take(key)
        if place is None or run is None:
            return
        if place.runs < _SEVERAL and run.made._state == OPEN:  # noqa: SLF001 - as above
            if place.given is not None:
                run.made.input = place.given
            if place.said is not None:
                run.made.output = place.said
        if variable.get() is run.made:
            variable.set(place.before)
        if place.binding is not None:
            place.binding.__exit__(None, None, None)
        error = sys.exc_info()[1]
        error = place.noted if error is None or error is place.handled else error
        if error is not None and run.call is not None:
            run.call.set_attributes(told.facts_of_error(error))
        if error is None and failure:
            kind, said = told.failure_of(failure, data.type)
            (run.made if run.call is None else run.call).fail(said, type=kind)
        end(run, error)

    # -- what is current --------------------------------------------------------------------------------------------

    @_guarded
    def stand(self, key: object) -> None:
        """The SDK makes one of its traces or spans current here."""
        place = self._places.get(key) if isinstance(key, str) else None
        if place is None:
            return
        place.before = variable.get()
        variable.set(place.run.made)
        if place.group:
            place.binding = session(place.group)
            place.binding.__enter__()

    def end_all(self) -> None:
        """End what is still open: nobody tells of it any more."""
        for key in list(self._places):
            self._end(key, None, None)
