"""The callback handler: what LangChain tells of its runs becomes spans.

It is called in the thread and the context in which a run begins and ends, for coroutines too. Nothing here raises
into the program.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core.engine import Span, span
from flightlog.core.llm import llm
from flightlog.dialects.providers import provider_of
from flightlog.integrations.langchain import told
from flightlog.integrations.langchain.graphs import Graphs, item_of
from flightlog.integrations.langchain.runs import Run, Runs, end
from flightlog.records import genai
from flightlog.records.attributes import GRAPH, ITEM, NODE

Report = Callable[[str, Exception], object]

INSTRUMENTATION: Final = "flightlog.instrumentation"
_HIDDEN: Final = "langsmith:hidden"
"""Tag of runs that LangChain itself wants nobody to see."""
_AGENT: Final = "langchain_create_agent"
"""How an agent names itself in the metadata of its run."""

latest: Final[ContextVar[Run | None]] = ContextVar("flightlog_langchain", default=None)
"""The run of a model that has just begun in this context: what makes its call is not told which run it is."""


def _guarded(step: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(step)
    def guarded(self: Recording, *args: Any, **kwargs: Any) -> None:
        try:
            step(self, *args, **kwargs)
        except Exception as failure:  # noqa: BLE001 - the border: the run must go on
            let_through(failure)
            self.report("a run could not be recorded", failure)

    return guarded


class Recording:
    """A handler but for its base class, which is LangChain's own and there only once that is imported."""

    run_inline = True
    """In the order in which it happens, and in the context in which it does."""
    raise_error = False

    def __init__(self, graphs: Graphs, report: Report) -> None:
        self.runs = Runs()
        self.graphs = graphs
        self.report = report

    def __copy__(self) -> Recording:
        return self

    def __deepcopy__(self, memo: object) -> Recording:
        return self

    def made_of(self, run_id: object) -> Span | None:
        """The span of a run that is on its way."""
        run = self.runs.get(run_id)
        return None if run is None else run.made

    # -- chains, and graphs and their nodes -------------------------------------------------------------------------

    @_guarded
    def on_chain_start(
        self,
        serialized: Any,
        inputs: Any,
        *,
        run_id: Any,
        parent_run_id: Any = None,
        tags: Any = None,
        metadata: Any = None,
        **kwargs: Any,
    ) -> None:
        """A chain, a graph, a node of one, a prompt template, a parser or a function begins."""
        graph = self.graphs.take(run_id)
        if _HIDDEN in (tags or ()) and graph is None:
            self.runs.pass_by(run_id, parent_run_id)
            return
        about: Mapping[str, Any] = metadata or {}
        name = _name(serialized, kwargs, "chain")
        around = self.runs.get(parent_run_id)
        attributes: dict[str, Any] = {INSTRUMENTATION: "langchain"}
        kind = "prompt" if kwargs.get("run_type") == "prompt" else "step"
        node = name if around is not None and around.graph and about.get("langgraph_node") == name else ""
        if node:
            attributes[NODE] = node
            item = item_of(about)
            if item is not None:
                attributes[ITEM] = item
        if graph is not None:
            kind = "agent" if about.get("ls_integration") == _AGENT else "workflow"
            attributes[GRAPH] = {**graph.declaration, "name": name}
        if around is None and about.get("thread_id"):
            attributes["gen_ai.conversation.id"] = str(about["thread_id"])
        made = span(name, kind, input=told.plain(inputs))
        made.set_attributes(attributes)
        run = self.runs.begin(run_id, parent_run_id, made)
        if run is not None:
            run.graph, run.node, run.name = graph, node, name

    @_guarded
    def on_chain_end(self, outputs: Any, *, run_id: Any, **kwargs: Any) -> None:
        """It ended well."""
        run = self.runs.take(run_id)
        if run is None:
            return
        if kwargs.get("inputs") is not None:  # those of a stream are known only now
            run.made.input = told.plain(kwargs["inputs"])
        run.made.output = told.plain(outputs)
        node = run.origin
        if node is not None and node.node and node.origin is not None and node.origin.graph is not None:
            ways = node.origin.graph.chosen(node.node, run.name, outputs)
            if ways is not None:
                rejected = {"rejected": ways[1]} if ways[1] else {}
                node.made.event("branch", node=node.node, chosen=ways[0], **rejected)
        end(run)

    @_guarded
    def on_chain_error(self, error: BaseException, *, run_id: Any, **_: Any) -> None:
        """It ended with an exception."""
        self._failed(run_id, error)

    def _failed(self, run_id: Any, error: BaseException) -> None:
        run = self.runs.take(run_id)
        if run is not None:
            end(run, error)

    # -- models -----------------------------------------------------------------------------------------------------

    @_guarded
    def on_chat_model_start(
        self, serialized: Any, messages: Any, *, run_id: Any, parent_run_id: Any = None, **kwargs: Any
    ) -> None:
        """A chat model is asked."""
        said = [told.message(one) for one in messages[0]] if messages else []
        self._ask(serialized, said, (run_id, parent_run_id), kwargs)

    @_guarded
    def on_llm_start(
        self, serialized: Any, prompts: Any, *, run_id: Any, parent_run_id: Any = None, **kwargs: Any
    ) -> None:
        """A model that completes texts is asked."""
        said = [{"role": "user", "content": prompt} for prompt in prompts]
        self._ask(serialized, said, (run_id, parent_run_id), kwargs, "text_completion")

    def _ask(
        self,
        serialized: Any,
        messages: list[dict[str, Any]],
        ids: tuple[Any, Any],
        kwargs: Mapping[str, Any],
        operation: str = "chat",
    ) -> None:
        """Begin a model call; the ids are those of its run and of the run around it."""
        about: Mapping[str, Any] = kwargs.get("metadata") or {}
        given: Mapping[str, Any] = kwargs.get("invocation_params") or {}
        model = str(about.get("ls_model_name") or given.get("model") or given.get("model_name") or "")
        call = llm(
            model,
            provider=provider_of(str(about.get("ls_provider") or "")),
            messages=messages,
            tools=given.get("tools"),
            operation=operation,
            name="" if model else _name(serialized, kwargs, "model"),
            **told.parameters(given),
        )
        call.set_attributes({INSTRUMENTATION: "langchain"})
        latest.set(self.runs.begin_call(*ids, call))

    @_guarded
    def on_llm_new_token(self, token: Any, *, run_id: Any, chunk: Any = None, **_: Any) -> None:
        """A piece of a streamed answer."""
        run = self.runs.get(run_id)
        size = len(getattr(chunk, "text", None) or (token if isinstance(token, str) else ""))
        size += sum(
            len(call.get("args") or "")
            for call in getattr(getattr(chunk, "message", None), "tool_call_chunks", None) or ()
        )
        if run is not None and run.call is not None and size:
            run.call.chunk(size)

    @_guarded
    def on_llm_end(self, response: Any, *, run_id: Any, **_: Any) -> None:
        """A model has answered."""
        run = self.runs.take(run_id)
        if run is not None and run.call is not None:
            self._answer(run, response)
            end(run)

    @_guarded
    def on_llm_error(self, error: BaseException, *, run_id: Any, **kwargs: Any) -> None:
        """A model could not be asked, or what it answered not be read."""
        run = self.runs.take(run_id)
        if run is None or run.call is None:
            return
        response = kwargs.get("response")
        if response is not None and response.generations and isinstance(error, GeneratorExit):
            self._answer(run, response)
        end(run, error)

    def _answer(self, run: Run, response: Any) -> None:
        call = run.call
        if call is None:
            return
        generations = [one for several in response.generations for one in several]
        facts = [
            {
                **(one.generation_info or {}),
                **(getattr(getattr(one, "message", None), "response_metadata", None) or {}),
            }
            for one in generations
        ]
        reasons = [
            str(reason) for one in facts if (reason := one.get("finish_reason") or one.get("stop_reason"))
        ]
        call.usage(**told.usage(generations, response.llm_output or {}))
        call.finish(*reasons)
        if facts:
            call.response(
                id=str(facts[0].get("id") or ""),
                model=str(facts[0].get("model_name") or facts[0].get("model") or ""),
            )
        call.output = {
            "messages": [
                told.message(one.message)
                if hasattr(one, "message")
                else {"role": "assistant", "content": one.text}
                for one in generations
            ]
        }

    # -- tools and retrievers ---------------------------------------------------------------------------------------

    @_guarded
    def on_tool_start(
        self,
        serialized: Any,
        input_str: str,
        *,
        run_id: Any,
        parent_run_id: Any = None,
        inputs: Any = None,
        **kwargs: Any,
    ) -> None:
        """A tool is called."""
        name = _name(serialized, kwargs, "tool")
        made = span(name, "tool", input=told.plain(inputs if inputs is not None else input_str))
        said = {
            "gen_ai.tool.call.id": kwargs.get("tool_call_id"),
            "gen_ai.tool.description": _of(serialized, "description"),
        }
        named = {key: value for key, value in said.items() if value}
        made.set_attributes({INSTRUMENTATION: "langchain", genai.TOOL_NAME: name, **named})
        self.runs.begin(run_id, parent_run_id, made)

    @_guarded
    def on_tool_end(self, output: Any, *, run_id: Any, **_: Any) -> None:
        """A tool has given its result, which may be the word that it failed."""
        run = self.runs.take(run_id)
        if run is None:
            return
        is_message = hasattr(output, "tool_call_id") and hasattr(output, "content")
        run.made.output = output.content if is_message else told.plain(output)
        if is_message and getattr(output, "status", "") == "error":
            run.made.fail(str(output.content)[:2000], type="ToolError")
        end(run)

    @_guarded
    def on_tool_error(self, error: BaseException, *, run_id: Any, **_: Any) -> None:
        """A tool ended with an exception."""
        self._failed(run_id, error)

    @_guarded
    def on_retriever_start(
        self, serialized: Any, query: str, *, run_id: Any, parent_run_id: Any = None, **kwargs: Any
    ) -> None:
        """Something is looked up."""
        made = span(_name(serialized, kwargs, "retriever"), "retrieval", input={"query": query})
        made.set_attributes({INSTRUMENTATION: "langchain"})
        self.runs.begin(run_id, parent_run_id, made)

    @_guarded
    def on_retriever_end(self, documents: Any, *, run_id: Any, **_: Any) -> None:
        """Documents were found."""
        run = self.runs.take(run_id)
        if run is not None:
            run.made.output = [told.document(one) for one in documents]
            end(run)

    @_guarded
    def on_retriever_error(self, error: BaseException, *, run_id: Any, **_: Any) -> None:
        """It ended with an exception."""
        self._failed(run_id, error)

    @_guarded
    def on_retry(self, retry_state: Any, *, run_id: Any, **_: Any) -> None:
        """A run is going to be tried again, by a runnable `with_retry`."""
        run = self.runs.get(run_id)
        if run is not None:
            outcome = getattr(retry_state, "outcome", None)
            reason = "" if outcome is None or not outcome.failed else type(outcome.exception()).__name__
            run.made.event("retry", level="warn", attempt=retry_state.attempt_number, reason=reason)


def _name(serialized: Any, kwargs: Mapping[str, Any], otherwise: str) -> str:
    """The name of a run: its own, else that of what runs."""
    path = _of(serialized, "id")
    last = path[-1] if isinstance(path, list) and path else ""
    return str(kwargs.get("name") or _of(serialized, "name") or last or otherwise)


def _of(serialized: Any, key: str) -> Any:
    return serialized.get(key) if isinstance(serialized, Mapping) else None
