"""One call of a model by LiteLLM, as its user sees it: from the function's beginning to the end of the answer.

LiteLLM's functions call each other: `text_completion` asks `completion`, a call with retries or fallbacks asks again.
The outermost is the call. It is a model call as if made by hand (`core.llm`), so that the request that a client of ours
records below it is how it was served, and counts no second time.
"""

from __future__ import annotations

import contextlib
from asyncio import CancelledError
from collections.abc import Callable, Iterator, Mapping
from time import monotonic_ns
from typing import Any, Final
from weakref import WeakValueDictionary

from msgspec import UNSET, Struct

from flightlog.border import let_through
from flightlog.core.context import parent_here, variable
from flightlog.core.counted import BLOCK, within
from flightlog.core.engine import Span
from flightlog.core.llm import ModelCall, llm
from flightlog.core.redact import shortened
from flightlog.integrations.litellm import told
from flightlog.integrations.openai import responses
from flightlog.integrations.stainless.answer import Answer, Stream, mapping, text
from flightlog.integrations.stainless.caller import called_from
from flightlog.integrations.stainless.package import INSTRUMENTATION
from flightlog.records import genai
from flightlog.records.attributes import RETRIES

Report = Callable[[str, Exception], object]
"""Takes what could not be done, and the failure; counts it and tells the user once."""

MOCK: Final = "flightlog.mock"
"""True on a call that LiteLLM answers itself, as the program asked it to: nobody served it."""
_MOCKS: Final = ("mock_response", "mock_tool_calls", "mock_timeout")
_MOST_REASON: Final = 200


class Sort(Struct, frozen=True):
    """One kind of function."""

    operation: str
    names: tuple[str, ...]
    """Of the parameters that are mostly given by position."""
    read: Callable[[Any], Answer]
    stream: Callable[[], Stream] | None
    content: tuple[str, ...]
    """Parameters that are what the model is given."""


_CHAT: Final = Sort("chat", ("model", "messages"), told.whole_chat, told.Pieces, ("messages", "tools"))
_TEXT: Final = Sort("text_completion", ("prompt", "model"), told.whole_text, told.Pieces, ("prompt",))
_RESPONSE: Final = Sort(
    "chat", ("input", "model"), told.whole_response, responses.Events, ("input", "instructions", "tools")
)
_EMBEDDING: Final = Sort("embeddings", ("model", "input"), told.whole_embedding, None, ("input",))

SORTS: Final[Mapping[str, Sort]] = {
    "completion": _CHAT,
    "acompletion": _CHAT,
    "text_completion": _TEXT,
    "atext_completion": _TEXT,
    "embedding": _EMBEDDING,
    "aembedding": _EMBEDDING,
    "responses": _RESPONSE,
    "aresponses": _RESPONSE,
}
"""Functions that are recorded, by their names in LiteLLM."""

REPEATS: Final = (
    "completion_with_retries",
    "acompletion_with_retries",
    "responses_with_retries",
    "aresponses_with_retries",
)
"""Functions with which LiteLLM tries again what failed."""

HANDED_ON: Final = ("acompletion", "atext_completion", "aembedding", "aresponses")
"""Members of a call's arguments by which a coroutine function says that it asks the plain one to do its work."""


class Trouble:
    """What went wrong within a call or within a router's work, until it is known whether something is tried again."""

    __slots__ = ("_error", "_failed", "_of", "_span", "attempts")

    def __init__(self, span: Any) -> None:
        self._span = span
        self._error: BaseException | None = None
        self._failed = 0
        self._of = ""
        self.attempts = 0
        """How many times something was tried again."""

    def failed(self, error: BaseException, of: str) -> None:
        """An attempt failed, of this model or of this group of deployments."""
        self._error, self._of, self._failed = error, of, monotonic_ns()

    def begins(self, of: str) -> None:
        """There is another attempt: told as an event, if one has failed before."""
        error, self._error = self._error, None
        if error is None:
            return
        reason = _reason(error)
        if of and self._of and of != self._of:
            self._span.event("fallback", level="warn", error=reason, **{"from": self._of, "to": of})
            return
        self.attempts += 1
        delay = (monotonic_ns() - self._failed) / 1e9
        self._span.event("retry", level="warn", attempt=self.attempts, reason=reason, delay=round(delay, 6))
        self._span.set_attributes({RETRIES: self.attempts})


def _reason(error: BaseException) -> str:
    status = getattr(error, "status_code", None)
    name = type(error).__name__
    return shortened(f"{status} {name}" if isinstance(status, int) else name, _MOST_REASON)


class Exchange:
    """One call on its way."""

    __slots__ = ("__weakref__", "_report", "call", "is_mock", "sort", "trouble")

    def __init__(self, call: ModelCall, sort: Sort, *, is_mock: bool, report: Report) -> None:
        self.call = call
        self.sort = sort
        self.is_mock = is_mock
        self.trouble = Trouble(call)
        self._report = report

    def answered(self, result: Any) -> None:
        """There is a whole answer for the program."""
        self.finish(self.sort.read(result), result)

    def finish(self, answer: Answer, result: Any, error: BaseException | None = None) -> None:
        """End with what was said.

        Args:
            answer: what was said.
            result: LiteLLM's object that holds it, or that streamed it.
            error: what ended it, if something did.
        """
        call = self.call
        call.response(id=answer.id, model=answer.model)
        if told.is_cached(result):
            call.event("cache", hit=True)
            call.span._kind = BLOCK  # noqa: SLF001 - nobody served it; known only now
        elif not self.is_mock:
            usage = answer.usage
            call.usage(
                input=usage.input,
                output=usage.output,
                cache_read=usage.cache_read,
                cache_write=usage.cache_write,
                reasoning=usage.reasoning,
            )
            call.set_attributes(told.facts_of(result, usage))
        call.finish(*answer.finish)
        call.set_attributes(answer.attributes)
        if answer.messages is not None:
            call.output = {"messages": answer.messages}
        elif answer.vectors is not None:
            call.output = {"vectors": answer.vectors}
        if answer.failure is not None:
            call.fail(answer.failure[1], type=answer.failure[0])
        self._end(error)

    def failed(self, error: BaseException) -> None:
        """The call ends with an exception, which is the program's to handle."""
        self.tell(error)
        self._end(error)

    def tell(self, error: BaseException) -> None:
        """Say what is known of an exception."""
        self.call.set_attributes(told.facts_of_error(error))

    def _end(self, error: BaseException | None) -> None:
        if isinstance(error, GeneratorExit):  # its coroutine was thrown away, so nobody waits for an answer
            error = CancelledError()
        self.call.end(error)

    def step(self, what: Callable[..., None], *args: Any) -> None:
        """Do one step of ours; a failure is reported, and the call ends with what is known."""
        try:
            what(*args)
        except Exception as failure:  # noqa: BLE001 - the border: the answer must reach the program
            self.call.end()
            let_through(failure)
            self._report("an answer could not be recorded", failure)


class Open:
    """The calls, and the work of routers, that are on their way: by the span that is current within each.

    Each knows its span, so neither is kept here for longer than it is on its way.
    """

    def __init__(self) -> None:
        self._exchanges: WeakValueDictionary[Span, Exchange] = WeakValueDictionary()
        """Whoever waits for the answer, or reads it as a stream, has the call at hand."""
        self._routed: dict[Span, Trouble] = {}

    def exchange(self) -> Exchange | None:
        """The call as a part of which LiteLLM is at work here, if it is."""
        here = parent_here(variable.get())
        found = self._exchanges.get(here) if isinstance(here, Span) else None
        return None if found is None or found.call.ended else found

    def routed(self) -> Trouble | None:
        """The router on whose behalf a call begins here, if there is one."""
        here = parent_here(variable.get())
        return self._routed.get(here) if isinstance(here, Span) else None

    def add(self, exchange: Exchange) -> None:
        """Know a call that has begun."""
        self._exchanges[exchange.call.span] = exchange

    @contextlib.contextmanager
    def routing(self, made: Span) -> Iterator[None]:
        """Know the work of a router while it is on its way."""
        self._routed[made] = Trouble(made)
        try:
            yield
        finally:
            self._routed.pop(made, None)  # at a level that is off, all have the same span


def given_to(sort: Sort, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """What a function is called with, by name, as far as it is of interest."""
    return {**dict(zip(sort.names, args, strict=False)), **kwargs}


def group_of(given: Mapping[str, Any]) -> str:
    """The router's word for what a call is one attempt at, else the model."""
    for name in ("metadata", "litellm_metadata"):
        if group := text(mapping(given.get(name)).get("model_group")):
            return group
    return text(given.get("model"))


def begun(
    sort: Sort, given: Mapping[str, Any], providers: Any, library: str, report: Report
) -> Exchange | None:
    """Begin to record a call; None for one that is not wanted, or that cannot be recorded.

    Args:
        sort: of the function.
        given: what it is called with.
        providers: LiteLLM's names of providers.
        library: the directory of its package.
        report: told of what cannot be recorded.
    """
    try:
        model, provider = told.model_of(given, providers)
        content: dict[str, Any] = {name: given.get(name) for name in sort.content}
        messages, tools = content.pop("messages", None), content.pop("tools", None)
        parameters: dict[str, Any] = {name: given.get(name) for name in told.PARAMETERS}
        call = llm(
            "",  # whatever model is asked within it is how it is served
            messages=UNSET if messages is None else messages,
            tools=UNSET if tools is None else tools,
            operation=sort.operation,
            name=f"{sort.operation} {model}".strip(),
            **parameters,
            **content,
        )
        facts = {
            genai.REQUEST_MODEL: model,
            **told.whose(provider, given.get("api_base") or given.get("base_url")),
        }
        is_mock = any(given.get(name) for name in _MOCKS)
        if is_mock:
            call.span._kind = BLOCK  # noqa: SLF001 - nobody serves it
            facts[MOCK] = True
        form = mapping(given.get("response_format")).get("type")
        if form:
            facts[genai.OUTPUT_TYPE] = "json" if str(form).startswith("json") else form
        call.set_attributes({INSTRUMENTATION: "litellm", **facts, **called_from(library)})
        if not call.recorded:
            return None
        call.start()
        asked = text(given.get("model"))  # with its provider, as others may name it too
        call._within = within(call.span, model) or within(call.span, asked)  # noqa: SLF001 - how a block by hand is served
        return Exchange(call, sort, is_mock=is_mock, report=report)
    except Exception as failure:  # noqa: BLE001 - the border: the call must be made whatever we cannot do
        let_through(failure)
        report("a call could not be recorded", failure)
        return None
