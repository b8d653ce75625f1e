"""A model call by hand: one span with OpenTelemetry's names on it, whatever client made the call.

`llm` is what an integration of a client library writes with, and what a program writes with whose client has no
integration. It is used as a block, or, for a stream that is consumed later, elsewhere and by another task, with
`start` and `end`: then the call is nobody's current span in between, unless a `current` block says so.

Nothing here raises into the program, and everything may be called in any order: what comes before the start or
after the end does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from sys import _getframe
from time import monotonic_ns
from types import TracebackType
from typing import Any, Self

from flightlog.border import let_through
from flightlog.core import memo, rerun
from flightlog.core.classes import traceback_of
from flightlog.core.context import variable
from flightlog.core.counted import Within, closing, opened, within
from flightlog.core.engine import Span, span
from flightlog.core.llm_given import given_to, note_lost
from flightlog.core.on_span import OnSpan
from flightlog.core.outcome import fault_of, status_of
from flightlog.core.raw_request import tell_request
from flightlog.core.stream import Stream
from flightlog.core.told import count, word, words
from flightlog.core.told import port as told_port
from flightlog.core.unset import UNSET
from flightlog.records import agents, genai
from flightlog.records.kinds import Level


def llm(
    model: str,
    /,
    *,
    provider: str = "",
    messages: object = UNSET,
    tools: object = UNSET,
    operation: str = "chat",
    name: str = "",
    level: Level = "info",
    **parameters: object,
) -> ModelCall:
    """Make a span for one call of a model; it starts when its block is entered, or with `start`.

    Args:
        model: the name of the model that is asked.
        provider: whose service it is: `openai`, `anthropic`, `aws.bedrock`, …
        messages: the conversation that is sent, captured now.
        tools: the definitions of the tools that the model may call, captured now.
        operation: `chat`, `text_completion`, `embeddings`, …; `embeddings` makes a span of kind `embedding`.
        name: the span's name; empty means operation and model.
        level: as for `span`.
        **parameters: of the request, under the names that the provider gives them: `temperature`, `max_tokens`,
            `seed`, … become `gen_ai.request.*`, others `flightlog.request.*`; None means not given. `system`,
            `instructions`, `prompt`, `input` and `contents` are content and go beside the messages.
    """
    asked, sort, whose = word(model), word(operation) or "chat", word(provider)
    given: dict[str, object] = {"messages": messages, "tools": tools}
    given.update((key, parameters.pop(key)) for key in genai.CONTENT if key in parameters)
    content = {key: value for key, value in given.items() if value is not UNSET and value is not None}
    attributes: dict[str, Any] = {genai.OPERATION: sort}
    if whose:
        attributes[genai.PROVIDER] = whose
    if asked:
        attributes[genai.REQUEST_MODEL] = asked
    attributes.update(_request(parameters))
    kind = genai.KIND_OF.get(sort, "llm")
    title = word(name) or f"{sort} {asked}".strip()
    return ModelCall(span(title, kind, level, input=content or UNSET, **attributes), asked, kind)


def start_request(call: ModelCall) -> ModelCall:
    """Start a call on behalf of a client's wrapper: within a call made by hand it is how that is served."""
    call._is_by_hand = False
    call.start()
    call._within = within(call._span, call._model)
    return call


def failure_facts(code: object, retryable: object, raw: object) -> dict[str, object]:
    """Attributes of what is known of a failure; what is not known is left out."""
    facts: dict[str, object] = {agents.ERROR_CODE: word(code)} if code else {}
    if isinstance(retryable, bool):
        facts[agents.ERROR_RETRYABLE] = retryable
    if raw is not UNSET and raw is not None:
        facts[agents.ERROR_RAW] = raw
    return facts


def _request(parameters: Mapping[str, object]) -> dict[str, object]:
    """The request's parameters by the names of attributes."""
    named: dict[str, object] = {}
    for key, value in parameters.items():
        if value is not None and value is not UNSET:
            attribute = genai.PARAMETERS.get(key) or genai.REQUEST + key
            is_one = attribute in genai.LISTS and issubclass(type(value), str)
            named[attribute] = [value] if is_one else value
    return named


class ModelCall(OnSpan):
    """One call of a model, recorded when its block is left or `end` is called.

    `span` is the span behind it, for whatever is not offered here. All of it may be called from any thread or
    task; one at a time.
    """

    __slots__ = (
        "_asks",
        "_begun",
        "_detached",
        "_is_by_hand",
        "_kind",
        "_model",
        "_place",
        "_stream",
        "_used",
        "_within",
    )

    def __init__(self, span: Span, model: str, kind: str) -> None:
        super().__init__(span)
        self._model = model
        """Who was asked."""
        self._kind = kind
        self._is_by_hand = True
        """Else a client's wrapper makes the call."""
        self._asks = False
        """Whether its block asks for the recorded answer."""
        self._within: Within | None = None
        self._used: dict[str, int] = {}
        """Tokens, by the name of their attribute."""
        self._begun = 0
        self._detached = False
        self._place: Any = None
        """What was current where it was made current last."""
        self._stream: Stream | None = None

    # -- its beginning and its end ----------------------------------------------------------------------------

    def __enter__(self) -> Self:
        if self._begin() and self._span.span_id:  # OFF has none
            self._span._hold(_getframe(1))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._detached:
            self._finish(error, trace)

    def start(self) -> Self:
        """Begin without a block: the span of this moment is its parent, and stays the current one."""
        before = variable.get()
        if self._begin():
            if variable.get() is not before:
                variable.set(before)
            self._detached = True
        return self

    def detach(self) -> Self:
        """Within the block: let the call outlive it. From now on it is not current, and only `end` ends it."""
        if self._span.span_id and not self._detached and not self._span.ended:
            self._detached = True
            self._span._release()
            if variable.get() is self._span:
                variable.set(self._span._outer)
        return self

    def end(self, error: BaseException | None = None) -> None:
        """End a call that was started without a block, or detached from it; once, from anywhere.

        Args:
            error: what it ended with: as if this exception had left the block. Words will do.
        """
        if error is not None and not issubclass(type(error), BaseException):
            if self._is_open():
                self.fail(error)
            error = None
        if self._detached and variable.get() is self._span:  # in a `current` block: over with this
            variable.set(self._place)
        self._finish(error, None if error is None else traceback_of(error))

    def current(self) -> Current:
        """A block in which the call is the current span: what begins in it is recorded under the call."""
        return Current(self)

    def _begin(self) -> bool:
        """Begin, once; whether it was now."""
        if self._begun:
            return False
        self._begun = monotonic_ns()
        self._span.__enter__()
        if self._is_by_hand:
            opened(self._span, self._model, self._kind)
            if rerun.answers is not None and self._span.span_id:
                self._tell(rerun.answers)
        return True

    def _tell(self, answers: rerun.Answers) -> None:
        """Tell a rerun that the block begins, which may end it here."""
        try:
            answers.by_hand(self._span)
        except rerun.Stopped as stopped:
            self._finish(stopped, stopped.__traceback__)
            raise

    def _finish(self, error: BaseException | None, trace: TracebackType | None) -> None:
        if not self._is_open():
            return
        try:
            self._conclude(error)
        except Exception as failure:  # noqa: BLE001 - the border: the program's block is being left
            let_through(failure)
            memo._encoder.failed()
        finally:
            self._span.__exit__(None if error is None else type(error), error, trace)

    def _conclude(self, error: BaseException | None) -> None:
        """Say what is known only now."""
        if self._stream is not None:
            known = getattr(self._span, "_attributes", None) or ()  # OFF has none
            summary = self._stream.summary()
            self.set_attributes({name: value for name, value in summary.items() if name not in known})
        if error is not None and status_of(error) == "error":
            self._name_error(fault_of(error, brief=True)["type"])
        if self._is_by_hand:
            closing(self._span)
        if self._within is not None:
            self._within.end(self._used)

    def _is_open(self) -> bool:
        return self._begun > 0 and not self._span.ended

    def _name_error(self, kind: str) -> None:
        """Say `error.type`, unless somebody who knew better has: the status code of an answer, say."""
        known = getattr(self._span, "_attributes", None)
        if known is None or genai.ERROR_TYPE not in known:
            self.set_attributes({genai.ERROR_TYPE: kind})

    def given(self) -> bool:
        """Give the call its recorded answer in a rerun: then `output` has it, and nobody is to be asked.

        In an ordinary run, and where a rerun has the work done anew, this is False: `if not call.given(): …`.

        Raises:
            SystemExit: a rerun ends here, as there is no such answer.
            BaseException: in a rerun, what the call ended with when it was recorded.
        """
        self._asks = True
        return self._is_open() and given_to(self._span)

    # -- what came of it ----------------------------------------------------------------------------------------

    def usage(
        self,
        *,
        input: int | None = None,  # noqa: A002 - the word that providers use
        output: int | None = None,
        cache_read: int | None = None,
        cache_write: int | None = None,
        reasoning: int | None = None,
        total: int | None = None,
    ) -> None:
        """Say how many tokens it took; None is unknown, and a later call replaces what it names.

        Args:
            input: all tokens that went in, those read from and written to a cache included.
            output: all tokens that came out, those of reasoning included.
            cache_read: of the input, what the provider took from its cache.
            cache_write: of the input, what the provider put into its cache.
            reasoning: of the output, what the model thought without saying it.
            total: the provider's own total, where it gives one.
        """
        if self._span.ended:
            return
        told = {
            genai.INPUT_TOKENS: input,
            genai.OUTPUT_TOKENS: output,
            genai.CACHE_READ_TOKENS: cache_read,
            genai.CACHE_WRITE_TOKENS: cache_write,
            genai.REASONING_TOKENS: reasoning,
            genai.TOTAL_TOKENS: total,
        }
        counts = {name: number for name, said in told.items() if (number := count(said)) is not None}
        self._used.update(counts)
        self._span.set_attributes(counts)

    def first_token(self) -> None:
        """The first piece of the answer is here; only the first time counts."""
        if self._is_open():
            self._streamed().begin(monotonic_ns())

    def chunk(self, size: int, index: int | None = None) -> None:
        """A piece of a streamed answer is here. Its size and time are recorded, its text never.

        Each is an event of level `trace`, which is off unless asked for; the sum of them is on the span.

        Args:
            size: in characters.
            index: its place in the stream, counted from 0; by default the pieces are counted.
        """
        if not self._is_open():
            return
        size = count(size) or 0
        place = self._streamed().add(size, monotonic_ns())
        told = count(index)
        self._span.event("chunk", level="trace", size=size, index=place if told is None else told)

    def finish(self, *reasons: str) -> None:
        """Say why the model stopped, once for each choice: `stop`, `length` or `tool_calls`, for instance."""
        if told := words(reasons):
            self.set_attributes({genai.FINISH_REASONS: told})

    def response(self, *, id: str = "", model: str = "", **facts: object) -> None:  # noqa: A002 - the provider's word
        """Say what the provider told about its answer.

        Args:
            id: the answer's id.
            model: the model that answered, which may be another than was asked.
            **facts: anything else, such as `service_tier`; becomes `flightlog.response.*`. None means not given.
        """
        told: dict[str, object] = {
            genai.RESPONSE_ID: word(id) or None,
            genai.RESPONSE_MODEL: word(model) or None,
        }
        told.update((genai.RESPONSE + key, value) for key, value in facts.items())
        self.set_attributes({key: value for key, value in told.items() if value is not None})

    def request(self, body: object, *, endpoint: str = "") -> None:
        """Say what is sent, as it is sent. An event of level `trace`, which is off unless asked for.

        Args:
            body: the request, as a value or as JSON; kept up to the setting `request_bytes`, else its size and hash.
            endpoint: the path that it goes to.
        """
        if self._is_open():
            tell_request(self._span, body, endpoint)

    def server(self, address: str, port: int | None = None) -> None:
        """Say where the request went: a host name or address, without scheme and path."""
        where: dict[str, object] = {
            genai.SERVER_ADDRESS: word(address) or None,
            genai.SERVER_PORT: told_port(port),
        }
        self.set_attributes({name: value for name, value in where.items() if value is not None})

    def _streamed(self) -> Stream:
        if self._stream is None:
            self._stream = Stream(self._begun or monotonic_ns())
        return self._stream

    # -- what every span can ------------------------------------------------------------------------------------

    @property
    def input(self) -> Any:
        """What the model was given, as it was captured; as for a span."""
        return self._span.input

    @input.setter
    def input(self, value: object) -> None:
        self._span.input = value

    @property
    def output(self) -> Any:
        """What the model answered, as it was captured; as for a span."""
        return self._span.output

    @output.setter
    def output(self, value: object) -> None:
        if self._asks:
            note_lost(self._span, value)
        if self._within is None:
            self._span.output = value
        else:
            self._within.set_output(value)

    def fail(
        self,
        error: BaseException | str,
        *,
        type: str = "",  # noqa: A002 - the field's name
        stack: str = "",
        code: str = "",
        retryable: bool | None = None,
        raw: object = UNSET,
    ) -> None:
        """Mark the call as failed although no exception leaves its block, as for a span.

        Args:
            error: what went wrong.
            type: as for a span.
            stack: as for a span.
            code: the provider's code for it, where it has one beside its type.
            retryable: whether the same request may succeed later; None where nobody knows.
            raw: what the provider said of it, as it came.
        """
        if not self._span.ended:
            self.set_attributes(failure_facts(code, retryable, raw))
            kind, stack = word(type), word(stack)
            self._name_error(fault_of(error, kind, brief=True)["type"])
            self._span.fail(error, type=kind, stack=stack)


class Current:
    """A block in which an open call is the current span, wherever it was started; leaving it ends nothing."""

    __slots__ = ("_before", "_call")

    def __init__(self, call: ModelCall) -> None:
        self._call = call
        self._before: list[Any] = []
        """What was current before each of its blocks: it may be entered again within itself."""

    def __enter__(self) -> Span:
        before = variable.get()
        self._before.append(before)
        found = self._call._span
        if found.span_id and not found.ended and before is not found:
            self._call._place = before
            variable.set(found)
        return found

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        before = self._before.pop() if self._before else None
        if variable.get() is self._call._span and before is not self._call._span:
            variable.set(before)
