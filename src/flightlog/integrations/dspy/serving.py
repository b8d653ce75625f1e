"""How DSPy's model calls were served, which its callbacks do not tell: tokens, its cache, retries, pieces, embeddings.

What is replaced here are a few functions through which each call goes; all of them do what they did.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core.llm import llm
from flightlog.dialects.providers import provider_of
from flightlog.integrations.dspy import told
from flightlog.integrations.dspy.callback import INSTRUMENTATION, Callback
from flightlog.integrations.dspy.runs import Run
from flightlog.integrations.http.methods import Replaced, Switch
from flightlog.records import genai

_EXECUTION: Final = "dspy.clients.execution"
_STREAMING: Final = "dspy.clients.engines.streaming"
_RESULT: Final = "dspy.clients.call_result"
_EMBEDDING: Final = "dspy.clients.embedding"
_LM: Final = "dspy.clients.lm"
BLOCK: Final = "step"
"""The kind of a call that a cache answered: nobody served it."""


class Serving:
    """What is replaced beneath DSPy's callbacks."""

    def __init__(self, callback: Callback) -> None:
        """Begin.

        Raises:
            Unfit: DSPy is of another shape; nothing was changed.
            ImportError: as above.
        """
        self._callback = callback
        execution, embedding = import_module(_EXECUTION), import_module(_EMBEDDING)
        embedder = getattr(embedding, "Embedder", None)
        self._replaced = Replaced(
            [
                (execution, "execute", self._executing),
                (execution, "aexecute", self._executing_async),
                (execution, "finalize", self._finalizing),
                (execution, "_account_failed_call", self._accounting),
                (execution, "_delay", self._delaying),
                (getattr(import_module(_STREAMING), "ListenerBridge", None), "chunk", self._chunking),
                (import_module(_LM), "stream_emitted", self._emitting),
                (embedder, "__call__", self._embedding),
                (embedder, "acall", self._embedding_async),
                (embedding, "_compute_embeddings", self._computing),
                (embedding, "_acompute_embeddings", self._computing),
            ]
        )

    def leave(self) -> None:
        """Leave DSPy as it was."""
        self._replaced.restore()

    def _try(self, step: Callable[..., object], *args: Any) -> Any:
        try:
            return step(*args)
        except Exception as failure:  # noqa: BLE001 - the border: the call must be made
            let_through(failure)
            self._callback.report("how a call was served could not be recorded", failure)
            return None

    def _asked(self, lm: object = None) -> Run | None:
        """The model call that is current here."""
        run = self._callback.runs.around()
        is_it = run is not None and run.call is not None and (lm is None or run.instance is lm)
        return run if is_it else None

    # -- the answer, and where it came from -------------------------------------------------------------------------

    def _executing(self, original: Any, switch: Switch) -> Any:
        def execute(lm: Any, call: Any) -> Any:
            run = self._try(self._asked, lm) if switch.on else None
            if run is not None and call.request is None and run.call.given():
                return _given(run, lm)
            return original(lm, call)

        return execute

    def _executing_async(self, original: Any, switch: Switch) -> Any:
        async def aexecute(lm: Any, call: Any) -> Any:
            run = self._try(self._asked, lm) if switch.on else None
            if run is not None and call.request is None and run.call.given():
                return _given(run, lm)
            return await original(lm, call)

        return aexecute

    def _finalizing(self, original: Any, switch: Switch) -> Any:
        def finalize(lm: Any, call: Any, result: Any) -> Any:
            if switch.on:
                self._try(self._served, lm, result)
            return original(lm, call, result)

        return finalize

    def _served(self, lm: object, result: Any) -> None:
        run = self._asked(lm)
        if run is None or run.call is None or run.is_given:
            return
        if result.cache_hit:
            _hit(run)
            return
        answer_id, reasons = told.facts(result)
        run.call.usage(**told.usage(result.usage))
        run.call.response(id=answer_id, model=str(result.response_model or ""))
        run.call.finish(*reasons)

    def _accounting(self, original: Any, switch: Switch) -> Any:
        """A call that failed may have been answered, and is paid for."""

        def account(lm: Any, results: Any, primary: Any) -> Any:
            if switch.on:
                self._try(self._paid, lm, results)
            return original(lm, results, primary)

        return account

    def _paid(self, lm: object, results: Any) -> None:
        run = self._asked(lm)
        used = [told.usage(result.usage) for result in results]
        names = {name for one in used for name in one}
        if run is not None and run.call is not None:
            run.call.usage(**{name: sum(one.get(name) or 0 for one in used) for name in names})

    def _delaying(self, original: Any, switch: Switch) -> Any:
        """DSPy is about to try again."""

        def delay(error: Any, attempt: Any) -> Any:
            seconds = original(error, attempt)
            if switch.on:
                self._try(self._retried, error, attempt, seconds)
            return seconds

        return delay

    def _retried(self, error: BaseException, attempt: int, seconds: float) -> None:
        run = self._asked()
        if run is not None:
            reason = type(error).__name__
            run.made.event("retry", level="warn", attempt=attempt + 1, reason=reason, delay=seconds)

    # -- pieces -----------------------------------------------------------------------------------------------------

    def _chunking(self, original: Any, switch: Switch) -> Any:
        def chunk(bridge: Any, event: Any) -> Any:
            if switch.on:
                self._try(self._piece, event)
            return original(bridge, event)

        return chunk

    def _piece(self, event: Any) -> None:
        run = self._asked()
        if run is None or run.call is None or event.type != "delta":
            return
        said = getattr(event.delta, "text", None) or getattr(event.delta, "input", None)
        if isinstance(said, str) and said:
            run.call.chunk(len(said))

    def _emitting(self, original: Any, switch: Switch) -> Any:
        def emitted() -> Any:
            run = self._try(self._asked) if switch.on else None
            if run is not None:
                run.call.first_token()
            return original()

        return emitted

    # -- embeddings -------------------------------------------------------------------------------------------------

    def _embedding(self, original: Any, switch: Switch) -> Any:
        def embed(embedder: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            run = self._try(self._embed, embedder, inputs) if switch.on else None
            try:
                found = original(embedder, inputs, *args, **kwargs)
            except BaseException as error:
                self._try(self._embedded, run, None, error)
                raise
            self._try(self._embedded, run, found, None)
            return found

        return embed

    def _embedding_async(self, original: Any, switch: Switch) -> Any:
        async def embed(embedder: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            run = self._try(self._embed, embedder, inputs) if switch.on else None
            try:
                found = await original(embedder, inputs, *args, **kwargs)
            except BaseException as error:
                self._try(self._embedded, run, None, error)
                raise
            self._try(self._embedded, run, found, None)
            return found

        return embed

    def _embed(self, embedder: Any, inputs: Any) -> Run | None:
        if not self._callback.wants(embedder):
            return None
        said = embedder.model if isinstance(embedder.model, str) else ""
        provider, name = told.model_of(said)
        title = name or getattr(embedder.model, "__name__", type(embedder.model).__name__)
        call = llm(
            "",
            provider=provider_of(provider),
            operation="embeddings",
            name=f"embeddings {title}",
        )
        call.input = {"input": inputs}
        call.set_attributes({INSTRUMENTATION: "dspy", **({genai.REQUEST_MODEL: name} if name else {})})
        call.server(*told.server(embedder.default_kwargs, {}))
        run = Run(call.span, embedder, call)
        self._callback.runs.begin(call.span_id or str(id(run)), run)
        return run

    def _embedded(self, run: Run | None, found: Any, error: BaseException | None) -> None:
        if run is None:
            return
        if error is None:
            shape = getattr(found, "shape", (0,))
            many = len(shape) > 1
            facts = {"flightlog.embedding.count": shape[0] if many else 1}
            run.made.set_attributes({**facts, genai.DIMENSION_COUNT: shape[-1]})
            if not run.is_served:
                _hit(run)
        self._callback.runs.end(run, error)

    def _computing(self, original: Any, switch: Switch) -> Any:
        """Somebody is asked for vectors: no cache has them."""

        def compute(*args: Any, **kwargs: Any) -> Any:
            run = self._try(self._asked) if switch.on else None
            if run is not None:
                run.is_served = True
            return original(*args, **kwargs)

        return compute


def _hit(run: Run) -> None:
    """Say that a cache had the answer: no call was served."""
    run.made._kind = BLOCK  # noqa: SLF001 - as `core/counted.py` does for calls that another one stands for
    run.made.event("cache", hit=True)


def _given(run: Run, lm: Any) -> Any:
    """What DSPy makes of an answer, made of the recorded one."""
    run.is_given = True
    result: Any = sys.modules[_RESULT]
    said = (run.made.output or {}).get("messages") or ()
    outputs = told.outputs_of(said, as_mappings=lm.model_type == "responses")
    return result.CallResult(outputs=result.attributes(outputs), response_model=getattr(lm, "model", None))
