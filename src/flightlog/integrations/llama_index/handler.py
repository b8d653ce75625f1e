"""The handler of LlamaIndex's dispatcher: what it tells of its work becomes spans.

The dispatcher calls it in the thread and the context in which the work is done, for coroutines too, so that a span is
current exactly while its work is. Nothing here raises into the program.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core.engine import Span, span
from flightlog.core.llm import llm
from flightlog.dialects.providers import provider_of
from flightlog.integrations.llama_index import told
from flightlog.integrations.llama_index.kinds import kind_of
from flightlog.integrations.llama_index.runs import Run, Runs
from flightlog.integrations.llama_index.streams import Reading, expected
from flightlog.integrations.stainless.caller import called_from
from flightlog.records import genai

Report = Callable[[str, Exception], object]

INSTRUMENTATION: Final = "flightlog.instrumentation"
_ID: Final = 37
"""Characters of the dash and the UUID at the end of the dispatcher's names."""
_CANCELLED: Final = "SpanCancelledEvent"
_STREAMING: Final = frozenset({"StreamingResponse", "AsyncStreamingResponse", "StreamingAgentChatResponse"})
"""Classes of answers that go on after they are returned."""


def _guarded(step: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(step)
    def guarded(self: Handler, *args: Any, **kwargs: Any) -> None:
        try:
            step(self, *args, **kwargs)
        except Exception as failure:  # noqa: BLE001 - the border: the work must go on
            let_through(failure)
            self.report("some work could not be recorded", failure)

    return guarded


class Handler:
    """What the dispatcher takes for a handler of its spans and of its events."""

    def __init__(self, is_wanted: Callable[[object], bool], packages: str, report: Report) -> None:
        """Prepare.

        Args:
            is_wanted: whether what an object does is to be recorded where nothing around it is.
            packages: the directory of packages that LlamaIndex is in: whoever calls from there is not the program.
            report: takes what could not be done.
        """
        self._packages = packages
        self.runs = Runs()
        self.open_spans: dict[str, Any] = {}
        """The dispatcher's own interface: what it drops when it shuts down. None of ours needs to be."""
        self._is_wanted = is_wanted
        self.report = report

    # -- work -------------------------------------------------------------------------------------------------------

    @_guarded
    def span_enter(self, id_: str, bound_args: Any, instance: Any = None, **_: Any) -> None:
        """Some work begins."""
        around = self.runs.around()
        if around is None and not self._is_wanted(instance):
            return
        title, method = _names(id_, instance)
        kind = kind_of(instance, method)
        if not kind or _is_part(kind, method, instance, around):
            return
        given = _given(bound_args)
        if kind == "llm":
            run = _model_call(title, method, instance, given, around)
        elif kind == "embedding":
            run = _embedding_call(title, instance, given, around)
        else:
            run = Run(_work(kind, title, instance, given), kind, instance, around)
        if around is None:
            run.made.set_attributes(called_from(self._packages))
        if self.runs.begin(id_, run):
            wanted = expected.get()
            if wanted is not None and wanted.model is instance and wanted.method == method:
                wanted.run = run

    @_guarded
    def span_exit(self, id_: str, result: Any = None, **_: Any) -> None:
        """It ended well, or gave a stream."""
        run = self.runs.take(id_)
        if run is None:
            return
        wanted = expected.get()
        if wanted is not None and wanted.run is run and _is_stream(result):
            run.waits = True
            self.runs.stream_begins(run)
        elif run.kind == "llm":
            answered(run, result)
        elif not run.is_cancelled:
            _say_output(run, result)
            run.waits = run.streams > 0 and _is_stream(result)
        if run.waits:
            self.runs.lay_aside(run)
        else:
            self.runs.end(run)

    @_guarded
    def span_drop(self, id_: str, err: BaseException | None = None, **_: Any) -> None:
        """It ended with an exception."""
        run = self.runs.take(id_)
        if run is not None:
            self.runs.end(run, err)

    # -- the rest of the dispatcher's interface ---------------------------------------------------------------------

    @_guarded
    def handle(self, event: Any, **_: Any) -> None:
        """Something happened within the work: only that it was cancelled is not told otherwise."""
        if event.class_name() == _CANCELLED:
            run = self.runs.get(event.span_id)
            if run is not None:
                run.is_cancelled = True

    async def ahandle(self, event: Any, **_: Any) -> None:
        """The same, for tasks."""
        self.handle(event)

    def capture_propagation_context(self) -> dict[str, Any]:
        """What a run needs that goes on in another process: ours is in the environment or in no place."""
        return {}

    def restore_propagation_context(self, context: dict[str, Any]) -> None:
        """As above."""

    def close(self) -> None:
        """The dispatcher shuts down."""

    # -- streams ----------------------------------------------------------------------------------------------------

    def lazy(self) -> Run | None:
        """The run that a stream belongs to which does its work while it is read; None where none is recorded."""
        around = self.runs.around()
        if around is not None:
            self.runs.stream_begins(around)
        return around

    @_guarded
    def stream_ended(self, reading: Reading, error: BaseException | None) -> None:
        """A stream is over, and what broke it."""
        run = reading.run
        if run.call is not None and reading.last is not None:
            answered(run, reading.last)
            run.call.usage(**reading.used)
            if reading.reason:
                run.call.finish(reading.reason)
        self.runs.stream_ends(run, reading.text, error)


def _names(name: str, instance: object) -> tuple[str, str]:
    """A title for people, and the method or function."""
    label = name[:-_ID]
    method = label.rpartition(".")[2]
    return (label if instance is not None else method), method


def _is_part(kind: str, method: str, instance: object, around: Run | None) -> bool:
    """Whether this is how the work around it is done, and no work of its own."""
    if instance is None or around is None or around.instance is not instance:
        return False
    return kind in {"step", around.kind} or method.startswith("_")


def _given(bound: Any) -> dict[str, Any]:
    """What a method was given, by name."""
    given = dict(bound.arguments)
    for parameter in bound.signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            given.update(given.pop(parameter.name, {}))
        elif parameter.name in {"self", "cls"}:
            given.pop(parameter.name, None)
    return given


def _model_call(title: str, method: str, model: Any, given: Mapping[str, Any], around: Run | None) -> Run:
    first = next(
        iter(given.get("args") or ()), None
    )  # methods that complete a text are told without its name
    messages = given.get("messages")
    said = (
        [{"role": "user", "content": given.get("prompt", first)}]
        if messages is None
        else [told.plain(one) for one in messages]
    )
    name = told.model_of(model)
    call = llm(
        "",  # whatever model it asks, the request within it is how it is served
        provider=provider_of(told.provider_in(type(model))),
        messages=said,
        tools=given.get("tools"),
        operation="text_completion" if "complete" in method else "chat",
        name=f"chat {name}" if name else title,
        stream="stream" in method or None,
        **told.parameters(model, given),
    )
    call.set_attributes({INSTRUMENTATION: "llama_index", **({genai.REQUEST_MODEL: name} if name else {})})
    run = Run(call.span, "llm", model, around)
    run.call = call
    return run


def _embedding_call(title: str, model: Any, given: Mapping[str, Any], around: Run | None) -> Run:
    name = told.model_of(model)
    call = llm(
        "",  # as above
        provider=provider_of(told.provider_in(type(model))),
        operation="embeddings",
        name=f"embeddings {name}" if name else title,
    )
    call.input = told.plain(given)
    call.set_attributes({INSTRUMENTATION: "llama_index", **({genai.REQUEST_MODEL: name} if name else {})})
    run = Run(call.span, "embedding", model, around)
    run.call = call
    return run


def _work(kind: str, title: str, instance: Any, given: Mapping[str, Any]) -> Span:
    attributes: dict[str, Any] = {INSTRUMENTATION: "llama_index"}
    if kind == "tool":
        title = _tool_name(instance) or title
        attributes[genai.TOOL_NAME] = title
        given = {name: value for name, value in given.items() if value != ()}
    elif kind in {"agent", "workflow"} and "start_event" in given:
        title = str(getattr(instance, "name", "") or "") if kind == "agent" else ""
        title = title if title and title != "Agent" else type(instance).__name__
        given = {"start_event": given["start_event"]}
    made = span(title, kind, input=told.plain(given))
    made.set_attributes(attributes)
    return made


def _tool_name(tool: Any) -> str:
    said = getattr(getattr(tool, "metadata", None), "name", None)
    return said if isinstance(said, str) else ""


def answered(run: Run, response: Any) -> None:
    """Say what a model answered."""
    call = run.call
    if call is None or response is None or _is_stream(response):
        return
    raw = getattr(response, "raw", None)
    facts = told.facts(raw)
    call.usage(**told.usage(raw, getattr(response, "additional_kwargs", None)))
    call.response(id=facts.get("id", ""), model=facts.get("model", ""))
    if reason := facts.get("reason"):
        call.finish(reason)
    said = getattr(response, "message", None)
    call.output = {
        "messages": [
            {"role": "assistant", "content": getattr(response, "text", "")}
            if said is None
            else told.message(said)
        ]
    }


def _say_output(run: Run, result: Any) -> None:
    if run.kind == "embedding":
        many = isinstance(result, list) and bool(result) and isinstance(result[0], list)
        run.made.set_attributes({"flightlog.embedding.count": len(result) if many else 1})
        return
    if getattr(result, "is_error", False) is True and run.kind == "tool":
        run.made.fail(str(getattr(result, "content", ""))[:2000], type="ToolError")
    if isinstance(result, Generator | AsyncGenerator):
        return  # its pieces are no output of what gave it
    nodes = getattr(result, "source_nodes", None)
    if not isinstance(nodes, list):
        run.made.output = told.plain(result)
    elif _is_stream(result):
        run.answer = {"source_nodes": told.plain(nodes)}
    else:
        said = getattr(result, "response", None)
        run.made.output = {
            "response": said if isinstance(said, str) else told.plain(said),
            "source_nodes": told.plain(nodes),
        }


def _is_stream(result: object) -> bool:
    return isinstance(result, Generator | AsyncGenerator) or type(result).__name__ in _STREAMING
