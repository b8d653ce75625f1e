"""CrewAI's events become spans, in the thread and the context that tell of them.

Events come in pairs, `…_started` and what ends it. Those of flows by which CrewAI itself makes its agents work are left
out; what happens in them belongs to the agent.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final

from flightlog.core.engine import span
from flightlog.core.llm import ModelCall, llm
from flightlog.core.unset import UNSET
from flightlog.dialects.providers import provider_of
from flightlog.integrations.crewai import told
from flightlog.integrations.crewai.flows import Graph
from flightlog.integrations.crewai.runs import Run, Runs
from flightlog.integrations.refusal import refusal
from flightlog.records import genai
from flightlog.records.attributes import GRAPH, NODE

INSTRUMENTATION: Final = "flightlog.instrumentation"
_OURS: Final = {INSTRUMENTATION: "crewai"}
sent: Final[ContextVar[tuple[Any, Any] | None]] = ContextVar("flightlog_crewai_sent", default=None)
"""Messages and tools of the call whose beginning is being told: the event has the texts deep in them as Python's own
`repr` of them."""

_STARTED: Final = "_started"
_GOOD: Final = frozenset({"completed", "finished"})
_BAD: Final = frozenset({"failed", "error", "canceled"})
_PAUSED: Final = "paused"

_PLAIN: Final[Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]]] = {
    "crew_train": ("workflow", ("inputs", "n_iterations"), ()),
    "crew_test": ("workflow", ("inputs", "n_iterations"), ()),
    "agent_reasoning": ("step", ("attempt",), ("plan", "ready")),
    "memory_query": ("retrieval", ("query", "limit", "score_threshold"), ("results",)),
    "memory_retrieval": ("retrieval", (), ("memory_content",)),
    "memory_save": ("step", ("value", "metadata"), ()),
    "knowledge_query": ("retrieval", ("task_prompt",), ("query",)),
    "knowledge_search_query": ("retrieval", (), ("query", "retrieved_knowledge")),
    "llm_guardrail": ("guardrail", ("guardrail", "retry_count"), ("success", "result", "error")),
    "mcp_connection": ("step", ("server_name", "server_url", "transport_type"), ()),
    "mcp_tool_execution": ("step", ("server_name", "tool_name", "tool_args"), ("result",)),
    "a2a_delegation": ("agent", ("endpoint", "task_description"), ("status", "result")),
    "a2a_conversation": ("agent", ("endpoint",), ("status", "final_result")),
    "a2a_parallel_delegation": ("step", ("endpoints", "task_description"), ("results",)),
    "a2a_server_task": ("agent", ("task_id",), ("result",)),
}
"""Families whose spans say no more than their events: kind, and the members that are input and output."""

_POINTS: Final = frozenset(
    {
        "context_window_summarization_started",
        "context_window_summarization_completed",
        "context_window_summarization_failed",
        "conversation_route_selected",
        "flow_input_requested",
        "flow_input_received",
        "goal_achieved_early",
        "hook_dispatched",
        "human_feedback_requested",
        "human_feedback_received",
        "mcp_config_fetch_failed",
        "plan_refinement",
        "plan_replan_triggered",
        "plan_step_started",
        "plan_step_completed",
        "skill_load_failed",
        "skill_used",
        "step_observation_failed",
        "tool_selection_error",
        "tool_validate_input_error",
    }
)
"""Events that are a point in time on the span around them."""

_FACTS: Final = (
    "tool_name",
    "skill_name",
    "slug",
    "route",
    "message",
    "response",
    "feedback",
    "outcome",
    "interception_point",
    "step_number",
    "step_description",
    "replan_reason",
    "success",
    "abort_reason",
)


class Recording:
    """What listens to the bus."""

    def __init__(self, is_wanted: Callable[[object, Run | None], bool]) -> None:
        """Listen.

        Args:
            is_wanted: whether what a source begins is recorded, within the run around it.
        """
        self.runs = Runs()
        self._is_wanted = is_wanted

    def heard(self, source: Any, event: Any) -> None:
        """Take in one event."""
        kind = event.type
        if kind.endswith(_STARTED):
            self._start(kind.removesuffix(_STARTED), source, event)
        elif kind in {"llm_stream_chunk", "llm_thinking_chunk"}:
            self._piece(source, event)
        else:
            family, _, ending = kind.rpartition("_")
            if ending in _GOOD or ending in _BAD or ending == _PAUSED:
                self._stop(family, ending, source, event)
        if kind in _POINTS:
            self._point(kind, event)

    # -- beginnings -------------------------------------------------------------------------------------------------

    def _start(self, family: str, source: Any, event: Any) -> None:
        begin = _BEGINNINGS.get(family)
        if begin is None and family not in _PLAIN:
            return
        if family in {"flow", "method_execution"} and getattr(source, "suppress_flow_events", False):
            return
        if not self._is_wanted(source, self.runs.here()):
            return
        run = _plainly(family, source, event) if begin is None else begin(source, event)
        run.made.set_attributes(_OURS)
        self.runs.begin(run)

    # -- ends -------------------------------------------------------------------------------------------------------

    def _stop(self, family: str, ending: str, source: Any, event: Any) -> None:
        run = self.runs.find(family, source, _mark(family, source, event))
        if run is None:
            return
        if ending == _PAUSED:
            if family != "flow":  # which has returned, and goes on as a run of its own
                run.made.pause(str(getattr(event, "message", ""))[:1000])
            self.runs.end(run)
            return
        if ending not in _GOOD:
            self._fail(run, event)
            return
        if run.call is not None:
            _answered(run.call, event)
        else:
            _finish(run, event)
        self.runs.end(run)

    def _fail(self, run: Run, event: Any) -> None:
        said = getattr(event, "error", None)
        error = said if isinstance(said, BaseException) else _handled(said)
        if error is None:
            (run.call or run.made).fail(str(said or "")[:2000], type=f"{run.family}_error")
        elif run.call is not None:
            run.call.set_attributes(refusal(error))
        self.runs.end(run, error)

    # -- in between -------------------------------------------------------------------------------------------------

    def _piece(self, source: Any, event: Any) -> None:
        """A piece of an answer, or of what a model thinks before it."""
        run = self.runs.find("llm_call", source, _mark("llm_call", source, event))
        if run is not None and run.call is not None and event.chunk:
            run.call.chunk(len(event.chunk))

    def _point(self, kind: str, event: Any) -> None:
        run = self.runs.here()
        if run is not None:
            facts = told.members(event, *_FACTS)
            error = getattr(event, "error", None)
            level = "info" if error is None else "warn"
            run.made.event(kind, level, "" if error is None else str(error)[:1000], **facts)  # type: ignore[arg-type]  # both are levels


def _mark(family: str, source: Any, event: Any) -> str:
    if family == "llm_call":
        return str(event.call_id)
    if family == "tool_usage":
        return str(event.tool_name)
    return f"{id(source)} {event.method_name}" if family == "method_execution" else ""


def _handled(said: object) -> BaseException | None:
    """The exception of which an event tells in words: the one that is being handled, if those are its words."""
    error, words = sys.exc_info()[1], str(said or "")
    if error is None or not words:
        return None
    its_own = str(error)
    return error if its_own and (its_own in words or words in its_own) else None


# -- each family ----------------------------------------------------------------------------------------------------


def _plainly(family: str, source: Any, event: Any) -> Run:
    kind, asked, _ = _PLAIN[family]
    given = told.members(event, *asked)
    return Run(family, source, "", span(family, kind, input=given or UNSET), None)


def _crew(source: Any, event: Any) -> Run:
    made = span(told.short(event.crew_name, "crew"), "workflow", input=event.inputs or {})
    made.set_attributes(told.crew(source, event))
    return Run("crew_kickoff", source, "", made, None)


def _flow(source: Any, event: Any) -> Run:
    name = told.short(event.flow_name, "flow")
    made = span(name, "workflow", input=event.inputs or {})
    run = Run("flow", source, "", made, None)
    run.graph = Graph(source)
    if run.graph.declaration["nodes"]:
        made.set_attributes({GRAPH: {**run.graph.declaration, "name": name}})
    return run


def _method(source: Any, event: Any) -> Run:
    made = span(told.short(event.method_name, "method"), "step", input=event.params or {})
    made.set_attributes({NODE: str(event.method_name)})
    return Run("method_execution", source, _mark("method_execution", source, event), made, None)


def _task(source: Any, event: Any) -> Run:
    given = {**told.task(source), **told.members(event, "context")}
    made = span(told.short(getattr(source, "name", None), "task"), "step", input=given)
    return Run("task", source, "", made, None)


def _agent(source: Any, event: Any) -> Run:
    made = span(told.short(getattr(event.agent, "role", None), "agent"), "agent", input=event.task_prompt)
    made.set_attributes(told.agent(event.agent))
    return Run("agent_execution", source, "", made, None)


def _lite_agent(source: Any, event: Any) -> Run:
    said = {"messages": told.messages(event.messages)}
    made = span(told.short(event.agent_info.get("role"), "agent"), "agent", input=said)
    made.set_attributes(told.agent(event.agent_info))
    return Run("lite_agent_execution", source, "", made, None)


def _tool(source: Any, event: Any) -> Run:
    name = told.short(event.tool_name, "tool")
    made = span(name, "tool", input=event.tool_args)
    made.set_attributes({genai.TOOL_NAME: name})
    return Run("tool_usage", source, _mark("tool_usage", source, event), made, None)


def _model(source: Any, event: Any) -> Run:
    model = str(event.model or getattr(source, "model", "") or "")
    whose, slash, name = model.partition("/")
    if not getattr(source, "is_litellm", False):
        whose, name = str(getattr(source, "provider", "") or ""), model
    elif not slash:
        whose, name = "", model
    messages, tools = sent.get() or (event.messages, event.tools)
    call = llm(
        name,
        provider=provider_of(whose),
        messages=told.messages(messages),
        tools=tools,
        **told.parameters(event),
    )
    return Run("llm_call", source, _mark("llm_call", source, event), call.span, call)


_BEGINNINGS: Final[Mapping[str, Callable[[Any, Any], Run]]] = {
    "crew_kickoff": _crew,
    "flow": _flow,
    "method_execution": _method,
    "task": _task,
    "agent_execution": _agent,
    "lite_agent_execution": _lite_agent,
    "tool_usage": _tool,
    "llm_call": _model,
}


def _answered(call: ModelCall, event: Any) -> None:
    call.usage(**told.usage(event.usage))
    call.finish(*([event.finish_reason] if event.finish_reason else []))
    call.response(id=event.response_id or "")
    said = told.answer(event)
    if said is not None:
        call.output = {"messages": said}


def _finish(run: Run, event: Any) -> None:
    """Say what came of a run that ended well."""
    made = run.made
    if run.family in _PLAIN:
        given = told.members(event, *_PLAIN[run.family][2])
        if given:
            made.output = given
        return
    if run.family in {"flow", "method_execution"}:
        made.output = told.plain(getattr(event, "result", None))
        _branch(run, event)
        return
    made.output = told.plain(getattr(event, "output", None))
    if getattr(event, "from_cache", False):
        made.event("cache", hit=True)
    failure = getattr(event, "failure", None)
    if failure is not None:
        words = getattr(failure, "message", None) or getattr(failure, "reason", None) or failure
        made.fail(str(words)[:2000], type=type(failure).__name__)


def _branch(run: Run, event: Any) -> None:
    """Say which way a router chose."""
    graph = None if run.origin is None else run.origin.graph
    ways = None if graph is None else graph.chosen(getattr(event, "method_name", ""), event.result)
    if ways is not None:
        rejected = {"rejected": ways[1]} if ways[1] else {}
        run.made.event("branch", node=event.method_name, chosen=ways[0], **rejected)
