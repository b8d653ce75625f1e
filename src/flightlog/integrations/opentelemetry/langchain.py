"""LangChain's runs made current while their code runs, for an instrumentor that only tells of them.

OpenInference begins and ends the span of a run in callbacks, and makes none current: what a tool, a node or a model
does within would stand beside its run, or be a trace of its own. LangChain itself knows where it is: it runs the code
of a run in a copy of the context, and hands a model's run to the method that makes the call. There, and nowhere else,
the run's span is made current, so that nothing of it is left behind in the program's own context.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core.context import OPEN, variable
from flightlog.core.engine import Span as Made
from flightlog.integrations.http.methods import Replaced, Switch, Unfit
from flightlog.integrations.on_import import when_imported
from flightlog.integrations.opentelemetry.span import Span

_CONTEXTS: Final = ("langchain_core.runnables.config", "langgraph._internal._runnable")
"""Modules with a function that is called in the copy of the context in which a run's code will run."""
_PLACED: Final = "_set_config_context"
_MODELS: Final = "langchain_core.language_models.chat_models"
_CALLS: Final = ("_generate_with_cache", "_agenerate_with_cache")
_MANAGER: Final = 2
"""Place of a model's run among their arguments."""

SpanOf = Callable[[Any], Any]
"""Gives the span of a run by the run's id, or None."""

_replaced: Final[dict[str, Replaced]] = {}
_span_of: SpanOf | None = None


def follow(span_of: SpanOf) -> None:
    """Make runs current from now on, in each of LangChain's modules as soon as it is there."""
    global _span_of  # noqa: PLW0603 - as global as the methods that are replaced
    _span_of = span_of
    for name in (*_CONTEXTS, _MODELS):
        when_imported(name, partial(_arrived, name))


def leave() -> None:
    """Leave LangChain as it was."""
    global _span_of  # noqa: PLW0603 - as above
    _span_of = None
    while _replaced:
        _replaced.popitem()[1].restore()


def _arrived(name: str, module: ModuleType) -> None:
    if _span_of is None or name in _replaced:
        return
    methods: list[tuple[Any, str, Callable[[Any, Switch], Any]]] = [(module, _PLACED, _placing)]
    if name == _MODELS:
        model: Any = module.BaseChatModel
        methods = [(model, _CALLS[0], _calling), (model, _CALLS[1], _calling_async)]
    try:
        _replaced[name] = Replaced(methods)
    except Unfit:
        return  # another version: its runs are told, and what they do stands beside them


def _made_of(run_id: object) -> Made | None:
    """The open span of a run."""
    try:
        span = None if _span_of is None or run_id is None else _span_of(run_id)
    except Exception as failure:  # noqa: BLE001 - the border: the run must go on
        let_through(failure)
        return None
    if not isinstance(span, Span) or span.made._state != OPEN:  # noqa: SLF001 - as everywhere in this room
        return None
    return span.made


def _placing(original: Any, switch: Switch) -> Any:
    def placed(config: Any, *args: Any, **kwargs: Any) -> Any:
        done = original(config, *args, **kwargs)
        if switch.on:
            made = _made_of(getattr(config.get("callbacks"), "parent_run_id", None))
            if made is not None:
                variable.set(made)
        return done

    return placed


def _run_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Made | None:
    manager = args[_MANAGER] if len(args) > _MANAGER else kwargs.get("run_manager")
    return _made_of(getattr(manager, "run_id", None))


def _calling(original: Any, switch: Switch) -> Any:
    def generate(self: Any, *args: Any, **kwargs: Any) -> Any:
        made = _run_of(args, kwargs) if switch.on else None
        if made is None:
            return original(self, *args, **kwargs)
        before = variable.get()
        variable.set(made)
        try:
            return original(self, *args, **kwargs)
        finally:
            if variable.get() is made:
                variable.set(before)

    return generate


def _calling_async(original: Any, switch: Switch) -> Any:
    async def generate(self: Any, *args: Any, **kwargs: Any) -> Any:
        made = _run_of(args, kwargs) if switch.on else None
        if made is None:
            return await original(self, *args, **kwargs)
        before = variable.get()
        variable.set(made)
        try:
            return await original(self, *args, **kwargs)
        finally:
            if variable.get() is made:
                variable.set(before)

    return generate
