"""The callback: what DSPy tells of its modules, models, tools and evaluations becomes spans.

It is called in the thread and the context in which the work is done, for coroutines too, so that a span is current
exactly while its work is. Nothing here raises into the program.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core.engine import span
from flightlog.core.llm import llm
from flightlog.dialects.providers import provider_of
from flightlog.integrations.dspy import told
from flightlog.integrations.dspy.runs import Run, Runs
from flightlog.integrations.stainless.caller import called_from
from flightlog.records import genai

Report = Callable[[str, Exception], object]

INSTRUMENTATION: Final = "flightlog.instrumentation"
SIGNATURE: Final = "flightlog.dspy.signature"
_AGENTS: Final = frozenset({"ReAct", "ReActV2", "CodeAct", "RLM", "Avatar"})
_RETRIEVERS: Final = frozenset({"Retrieve", "Embeddings"})
_PREDICT: Final = "Predict"


def guarded(step: Callable[..., None]) -> Callable[..., None]:
    """Do a step of ours; what goes wrong is reported."""

    @functools.wraps(step)
    def guarded(self: Callback, *args: Any, **kwargs: Any) -> None:
        try:
            step(self, *args, **kwargs)
        except Exception as failure:  # noqa: BLE001 - the border: the work must go on
            let_through(failure)
            self.report("some work could not be recorded", failure)

    return guarded


class Callback:
    """What DSPy takes for a callback."""

    def __init__(self, is_wanted: Callable[[object], bool], package: str, report: Report) -> None:
        """Prepare.

        Args:
            is_wanted: whether what an object does is to be recorded where nothing around it is.
            package: the directory of DSPy: whoever calls from there is not the program.
            report: takes what could not be done.
        """
        self._package = package
        self.runs = Runs()
        self._is_wanted = is_wanted
        self.report = report

    def _begin(
        self, name: str, instance: object, kind: str, title: str, said: object, **attributes: object
    ) -> None:
        if self.runs.knows(name) or not self.wants(instance):
            return
        made = span(title, kind, input=said)
        made.set_attributes({INSTRUMENTATION: "dspy", **attributes, **self._caller()})
        self.runs.begin(name, Run(made, instance))

    def _end(self, name: str, outputs: object, error: BaseException | None) -> None:
        run = self.runs.take(name)
        if run is not None:
            if error is None:
                run.made.output = told.plain(outputs)
            self.runs.end(run, error)

    def _caller(self) -> dict[str, object]:
        """The line of the program that called, for what nothing is around."""
        return {} if self.runs.around() is not None else called_from(self._package)

    def wants(self, instance: object) -> bool:
        """Whether what an object does is recorded here."""
        return self._is_wanted(instance) or self.runs.around() is not None

    # -- modules ----------------------------------------------------------------------------------------------------

    @guarded
    def on_module_start(self, call_id: str, instance: Any, inputs: Mapping[str, Any]) -> None:
        """A module, a predictor or a retriever begins."""
        names = {base.__name__ for base in type(instance).__mro__ if base.__module__.startswith("dspy.")}
        own = type(instance).__name__
        kind = "step" if _PREDICT in names or self.runs.around() is not None else "workflow"
        if names & _AGENTS:
            kind = "agent"
        elif names & _RETRIEVERS:
            kind = "retrieval"
        signature = getattr(getattr(instance, "signature", None), "signature", None)
        more = {SIGNATURE: signature} if isinstance(signature, str) else {}
        self._begin(call_id, instance, kind, own, told.given(inputs), **more)

    @guarded
    def on_module_end(self, call_id: str, outputs: Any, exception: BaseException | None = None) -> None:
        """It is over."""
        self._end(call_id, outputs, exception)

    # -- models -----------------------------------------------------------------------------------------------------

    @guarded
    def on_lm_start(self, call_id: str, instance: Any, inputs: Mapping[str, Any]) -> None:
        """A model is asked."""
        if self.runs.knows(call_id) or not self.wants(instance):
            return
        own = getattr(instance, "kwargs", None) or {}
        said = inputs.get("kwargs") or {}
        provider, name = told.model_of(getattr(instance, "model", ""))
        call = llm(
            "",  # whatever model it asks, the request within it is how it is served
            provider=provider_of(provider),
            messages=told.messages(inputs),
            tools=said.get("tools", own.get("tools")),
            operation="text_completion" if getattr(instance, "model_type", "") == "text" else "chat",
            name=f"chat {name}" if name else type(instance).__name__,
            **told.parameters(own, said),
        )
        call.set_attributes({INSTRUMENTATION: "dspy", **({genai.REQUEST_MODEL: name} if name else {})})
        call.set_attributes(self._caller())
        host, port = told.server(own, said)
        call.server(host, port)
        self.runs.begin(call_id, Run(call.span, instance, call))

    @guarded
    def on_lm_end(self, call_id: str, outputs: Any, exception: BaseException | None = None) -> None:
        """It has answered, or failed."""
        run = self.runs.take(call_id)
        if run is None or run.call is None:
            return
        if exception is None and not run.is_given:
            run.call.output = {"messages": told.answers(outputs)}
        self.runs.end(run, exception)

    # -- tools ------------------------------------------------------------------------------------------------------

    @guarded
    def on_tool_start(self, call_id: str, instance: Any, inputs: Mapping[str, Any]) -> None:
        """A tool is called."""
        name = str(getattr(instance, "name", "") or type(instance).__name__)
        self._begin(call_id, instance, "tool", name, told.given(inputs), **{genai.TOOL_NAME: name})

    @guarded
    def on_tool_end(self, call_id: str, outputs: Any, exception: BaseException | None = None) -> None:
        """It is over."""
        self._end(call_id, outputs, exception)

    @guarded
    def on_interpreter_execute_start(self, call_id: str, instance: Any, inputs: Mapping[str, Any]) -> None:
        """Code that a model wrote is run."""
        name = f"{type(instance).__name__}.execute"
        self._begin(call_id, instance, "tool", name, told.given(inputs), **{genai.TOOL_NAME: name})

    @guarded
    def on_interpreter_execute_end(
        self, call_id: str, outputs: Any, exception: BaseException | None = None
    ) -> None:
        """It is over."""
        self._end(call_id, outputs, exception)

    # -- adapters: they are told of where they fail -----------------------------------------------------------------

    @guarded
    def on_adapter_format_end(self, *, exception: BaseException | None = None, **_: Any) -> None:
        """A prompt was made."""
        self._misread("format", exception)

    @guarded
    def on_adapter_parse_end(self, *, exception: BaseException | None = None, **_: Any) -> None:
        """An answer was taken apart."""
        self._misread("parse", exception)

    def _misread(self, what: str, error: BaseException | None) -> None:
        """Say on the module's span that its adapter failed; another adapter may do better, and then nothing failed."""
        around = self.runs.around() if error is not None else None
        if around is not None:
            about = {"exception.type": type(error).__name__, "exception.message": str(error)[:2000]}
            around.made.event("exception", level="warn", adapter=what, **about)

    # -- evaluations and optimisers -----------------------------------------------------------------------------------

    @guarded
    def on_evaluate_start(self, call_id: str, instance: Any, inputs: Mapping[str, Any]) -> None:
        """A program is evaluated."""
        metric = inputs.get("metric") or getattr(instance, "metric", None)
        examples = inputs.get("devset")
        examples = getattr(instance, "devset", None) if examples is None else examples
        said = {
            "program": type(inputs.get("program")).__name__,
            "metric": getattr(metric, "__name__", type(metric).__name__),
            "examples": len(examples or ()),
        }
        self._begin(call_id, instance, "evaluation", type(instance).__name__, said)

    @guarded
    def on_evaluate_end(self, call_id: str, outputs: Any, exception: BaseException | None = None) -> None:
        """It is over."""
        found = outputs
        if hasattr(outputs, "score"):
            found = {"score": outputs.score, "scores": [each[-1] for each in outputs.results]}
        self._end(call_id, found, exception)

    @guarded
    def on_compile_start(self, call_id: str, instance: Any, inputs: Mapping[str, Any]) -> None:
        """An optimiser begins."""
        said = {
            name: len(value) if isinstance(value, list) else told.plain(value)
            for name, value in told.given(inputs).items()
        }
        self._begin(call_id, instance, "workflow", f"{type(instance).__name__}.compile", said)

    @guarded
    def on_compile_end(self, call_id: str, outputs: Any, exception: BaseException | None = None) -> None:
        """It is over."""
        self._end(call_id, type(outputs).__name__, exception)

    def __getattr__(self, name: str) -> Callable[..., None]:
        """What else DSPy tells of, now or in a later version, is nothing to record."""
        if name.startswith("on_"):
            return _nothing
        raise AttributeError(name)


def _nothing(**_: object) -> None:
    """Record nothing."""
