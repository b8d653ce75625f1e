"""Puts the recorder into Haystack, for every pipeline and agent or for single ones, and takes it away.

Everything that Haystack traces goes through one object, which hands it to the tracer that the program has set. Ours is
put there beside that one, whichever it is and whenever it is set.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping
from contextvars import ContextVar
from importlib import import_module
from types import ModuleType
from typing import Any, Final

from flightlog.core.context import variable
from flightlog.integrations.haystack.traced import Given, Operation, Report, Traced, latest
from flightlog.integrations.http.methods import Replaced, Switch, Unfit
from flightlog.integrations.installation import Installation, Installed

_TRACER: Final = "haystack.tracing.tracer"
_PIPELINE: Final = "haystack.core.pipeline.pipeline"
_AGENT: Final = "haystack.components.agents.agent"
_NOBODY: Final = "NullSpan"
"""What is current for a program that has set no tracer."""

_within: Final[ContextVar[bool]] = ContextVar("flightlog_haystack", default=False)
"""Whether what runs here is a part of a single object that is recorded."""


class _Installed(Installed):
    """What of Haystack is ours at the moment."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self._report = report
        tracer, pipeline, agent = (import_module(name) for name in (_TRACER, _PIPELINE, _AGENT))
        proxy, flow, actor = (
            _class(module, name)
            for module, name in ((tracer, "ProxyTracer"), (pipeline, "Pipeline"), (agent, "Agent"))
        )
        self._replaced = Replaced(
            [
                (proxy, "trace", self._tracing),
                (proxy, "current_span", self._looking),
                *((owner, "run", self._running) for owner in (flow, actor)),
                *((owner, "run_async", self._awaiting) for owner in (flow, actor)),
                (flow, "run_async_generator", self._pulling),
            ]
        )

    def end(self) -> None:
        """Leave everything as it was."""
        self._replaced.restore()

    def _tracing(self, original: Any, switch: Switch) -> Any:
        def trace(proxy: Any, operation_name: str, tags: Any = None, parent_span: Any = None) -> Any:
            origin = parent_span.operation if isinstance(parent_span, Given) else None
            their_parent = parent_span.theirs if isinstance(parent_span, Given) else parent_span
            theirs = original(proxy, operation_name, tags=tags, parent_span=their_parent)
            if not (switch.on and (self.is_everywhere or _within.get())):
                return theirs
            given = tags if isinstance(tags, Mapping) else {}
            return Traced(theirs, Operation(operation_name, given, self._report), origin)

        return trace

    def _looking(self, original: Any, switch: Switch) -> Any:
        def current_span(proxy: Any) -> Any:
            found = original(proxy)
            given = latest.get() if switch.on else None
            if given is None or given.operation.made is None:
                return found
            is_theirs = found is given.theirs or type(found).__name__ == _NOBODY
            return given if is_theirs else found

        return current_span

    def _running(self, original: Any, switch: Switch) -> Any:
        def run(client: Any, *args: Any, **kwargs: Any) -> Any:
            before = _within.get()
            _within.set(before or (switch.on and self.holds(client)))
            try:
                return original(client, *args, **kwargs)
            finally:
                _within.set(before)

        return run

    def _awaiting(self, original: Any, switch: Switch) -> Any:
        async def run_async(client: Any, *args: Any, **kwargs: Any) -> Any:
            before = _within.get()
            _within.set(before or (switch.on and self.holds(client)))
            try:
                return await original(client, *args, **kwargs)
            finally:
                _within.set(before)

        return run_async

    def _pulling(self, original: Any, switch: Switch) -> Any:
        def run_async_generator(client: Any, *args: Any, **kwargs: Any) -> Any:
            source = original(client, *args, **kwargs)
            return _pulled(source, is_single=self.holds(client)) if switch.on else source

        return run_async_generator


def _class(module: Any, name: str) -> Any:
    found = getattr(module, name, None)
    if found is None:
        raise Unfit(f"it has no {name}")
    return found


_VARIABLES: Final[tuple[ContextVar[Any], ...]] = (variable, latest, _within)


async def _pulled(source: Any, *, is_single: bool) -> AsyncIterator[Any]:
    """Its items; what is current within it is so while the next one is made, and not between two of them."""
    inside: list[Any] | None = None
    try:
        while True:
            outside = [one.get() for one in _VARIABLES]
            if inside is None:
                _within.set(outside[2] or is_single)
            else:
                _set(inside)
            try:
                item = await anext(source)
            except StopAsyncIteration:
                return
            finally:
                inside = [one.get() for one in _VARIABLES]
                _set(outside)
            yield item
    finally:
        outside = [one.get() for one in _VARIABLES]
        _set(inside or outside)
        try:
            await source.aclose()
        finally:
            _set(outside)


def _set(values: list[Any]) -> None:
    for one, value in zip(_VARIABLES, values, strict=True):
        one.set(value)


_installation: Final = Installation(_Installed)
wrap = _installation.wrap
unwrap = _installation.unwrap
wrap_client = _installation.wrap_client
unwrap_client = _installation.unwrap_client


def is_client(module: ModuleType, value: object) -> bool:  # noqa: ARG001 - as above
    """Whether this is a pipeline or an agent."""
    known = ((_PIPELINE, "Pipeline"), (_AGENT, "Agent"))
    kinds = (getattr(sys.modules.get(name), kind, None) for name, kind in known)
    return isinstance(value, tuple(kind for kind in kinds if isinstance(kind, type)))
