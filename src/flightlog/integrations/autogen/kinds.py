"""The four sorts of AutoGen's work: how the span of each begins, and what it takes from what the work gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.core.engine import Span, span
from flightlog.core.llm import llm
from flightlog.integrations.autogen import told
from flightlog.integrations.autogen.work import Work
from flightlog.records import genai

_OURS: Final = {"flightlog.instrumentation": "autogen"}


def _named(made: Span, facts: Mapping[str, Any]) -> None:
    made.set_attributes({**_OURS, **{name: value for name, value in facts.items() if value}})


def team(of: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Work:
    """A run of a team begins."""
    name = str(getattr(of, "name", "") or type(of).__name__)
    made = span(name, "workflow", input={"task": told.chats(_given(args, kwargs, "task"))})
    _named(made, {"flightlog.autogen.team": type(of).__name__})
    return Work(of, made, _take_result)


def _take_result(work: Work, said: Any, _: bool) -> None:
    if not hasattr(said, "stop_reason"):
        return  # one of its messages on the way
    last = said.messages[-1] if said.messages else None
    work.made.output = told.chat(last)
    _named(work.made, {"flightlog.autogen.stop_reason": said.stop_reason})


def agent(of: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Work:
    """It is an agent's turn."""
    name = str(getattr(of, "name", "") or type(of).__name__)
    made = span(name, "agent", input={"messages": told.chats(list(_given(args, kwargs, "messages") or ()))})
    described = getattr(of, "description", "")
    _named(
        made,
        {
            "gen_ai.agent.name": name,
            "gen_ai.agent.description": str(described),
            "flightlog.autogen.agent": type(of).__name__,
        },
    )
    return Work(of, made, _take_response)


def _take_response(work: Work, said: Any, _: bool) -> None:
    message = getattr(said, "chat_message", None)
    if message is None:
        return
    work.made.output = told.chat(message)
    if target := getattr(message, "target", None):
        work.made.event("handoff", to=str(target))


def tool(of: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Work:
    """A tool is called."""
    name = str(of.name)
    made = span(name, "tool", input=_given(args, kwargs, "args"))
    call_id = kwargs.get("call_id") or (args[2] if len(args) > 2 else None)
    described = getattr(of, "description", "")
    _named(
        made,
        {
            genai.TOOL_NAME: name,
            "gen_ai.tool.call.id": call_id,
            "gen_ai.tool.description": str(described),
        },
    )
    return Work(of, made, _take_value)


def _take_value(work: Work, said: Any, _: bool) -> None:
    work.made.output = said


def model(of: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Work:
    """A model is asked."""
    asked = told.model(of)
    call = llm(
        asked,
        provider=told.provider(of),
        messages=told.conversation(_given(args, kwargs, "messages") or ()),
        tools=told.tools(kwargs.get("tools") or ()),
        name="" if asked else type(of).__name__,
        **told.parameters(of, kwargs),
    )
    call.set_attributes(_OURS)
    return Work(of, call.span, _take_answer, call)


def _take_answer(work: Work, said: Any, _: bool) -> None:
    call = work.call
    if call is None:
        return
    if isinstance(said, str):  # a piece of a stream
        call.chunk(len(said))
        return
    if getattr(said, "cached", False):  # from a cache of AutoGen's: nobody served it
        call.event("cache", hit=True)
    else:
        call.usage(**told.usage(said))
    call.finish(str(said.finish_reason))
    call.output = {"messages": told.answer(said)}


def _given(args: tuple[Any, ...], kwargs: Mapping[str, Any], name: str) -> Any:
    """The first argument, by its place or its name."""
    return args[0] if args else kwargs.get(name)
