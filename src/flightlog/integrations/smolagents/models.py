"""Model calls of smolagents: whichever class of models, whole or in pieces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from importlib import import_module
from types import GeneratorType, TracebackType
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core.llm import ModelCall, llm
from flightlog.integrations.smolagents import told
from flightlog.integrations.smolagents.running import ENDED, INSTRUMENTATION, LIBRARY, Report, pulled
from flightlog.records import genai

MODELS: Final = "smolagents.models"
_MOST_PIECES: Final = 100_000

_asked: Final[ContextVar[Any]] = ContextVar("flightlog_smolagents_model", default=None)
"""The model whose call is being recorded: what its class asks of the one it is made from is the same call."""


class Asking:
    """One call of a model."""

    def __init__(self, model: Any, messages: Any, given: Mapping[str, Any], report: Report) -> None:
        self._report = report
        self._pieces: list[Any] = []
        self.call: ModelCall | None = None
        self._guarded(self._begin, model, messages, given)

    def _guarded(self, step: Callable[..., Any], *args: Any) -> None:
        try:
            step(*args)
        except Exception as failure:  # noqa: BLE001 - the border: the call must go on
            let_through(failure)
            self._report("a model's call could not be recorded", failure)

    def _begin(self, model: Any, messages: Any, given: Mapping[str, Any]) -> None:
        name = str(getattr(model, "model_id", None) or "")
        tools = given.get("tools_to_call_from")
        # No model by name: the client below may ask for it by another one, and is this same call.
        call = llm(
            "",
            provider=told.provider(model),
            messages=[told.message(one) for one in messages or ()],
            tools=[told.tool(one) for one in tools] if tools else None,
            name=f"chat {name or type(model).__name__}",
            **told.parameters(model, given),
        )
        call.set_attributes({INSTRUMENTATION: LIBRARY, **({genai.REQUEST_MODEL: name} if name else {})})
        self.call = call.start()

    def answered(self, said: Any) -> None:
        """Take in a whole answer."""
        self._guarded(self._answered, said)

    def _answered(self, said: Any) -> None:
        call = self.call
        if call is None:
            return
        raw = getattr(said, "raw", None)
        call.output = {"messages": [told.message(said)]}
        call.usage(**told.usage(said))
        call.finish(*told.reasons(raw))
        call.response(id=told.text(raw, "id"), model=told.text(raw, "model"))

    def heard(self, piece: Any) -> None:
        """Take in a piece."""
        self._guarded(self._heard, piece)

    def _heard(self, piece: Any) -> None:
        if self.call is None:
            return
        size = len(getattr(piece, "content", None) or "")
        for one in getattr(piece, "tool_calls", None) or ():
            size += len(getattr(getattr(one, "function", None), "arguments", None) or "")
        if size:
            self.call.chunk(size)
        if len(self._pieces) < _MOST_PIECES:
            self._pieces.append(piece)

    def end(self, error: BaseException | None = None) -> None:
        """End, with what ended it."""
        self._guarded(self._end, error)

    def _end(self, error: BaseException | None) -> None:
        call = self.call
        if call is None:
            return
        try:
            if self._pieces:
                joined = import_module(MODELS).agglomerate_stream_deltas(
                    self._pieces
                )  # as the agent itself does
                self._answered(joined)
            if isinstance(error, GeneratorExit):
                call.set_attributes({ENDED: "early"})
        finally:
            call.end(error)


def generate(
    model: Any, original: Callable[..., Any], given: tuple[Any, Mapping[str, Any]], report: Report
) -> Any:
    """Ask a model and record that; what is asked within it of the same model is the same call.

    Args:
        model: the model.
        original: asks it; it gives an answer, or a generator of pieces.
        given: the messages and the other arguments.
        report: is told of a failure of ours.
    """
    if _asked.get() is model:
        return original()
    asking = Asking(model, *given, report)
    try:
        with _Current(asking, model):
            said = original()
    except BaseException as error:
        asking.end(error)
        raise
    if isinstance(said, GeneratorType):
        return pulled(said, lambda: _Current(asking, model), asking.heard, asking.end)
    asking.answered(said)
    asking.end()
    return said


class _Current:
    """A block in which a call is current, and its model the one that is asked."""

    def __init__(self, asking: Asking, model: Any) -> None:
        self._block = None if asking.call is None else asking.call.current()
        self._model = model
        self._before: Any = None

    def __enter__(self) -> None:
        self._before = _asked.get()
        _asked.set(self._model)
        if self._block is not None:
            self._block.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._block is not None:
            self._block.__exit__(kind, error, trace)
        _asked.set(self._before)
