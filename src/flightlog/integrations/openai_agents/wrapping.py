"""Puts our tracing processor into the OpenAI Agents SDK, for every run or for those of single agents, and takes it out.

The SDK hands what happens to an object that tells its processors; that object tells ours first, whatever list of
processors the program sets. The processor that the SDK makes for itself, which sends everything to its vendor, hears
nothing of what is recorded, and so neither starts its thread nor sends. What the program adds hears everything.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import ContextVar
from importlib import import_module
from types import ModuleType
from typing import Any, Final

from flightlog.integrations.http.methods import Replaced, Switch, Unfit
from flightlog.integrations.installation import Installation, Installed
from flightlog.integrations.openai_agents.processor import Recording, Report

_PROVIDER: Final = "agents.tracing.provider"
_PROCESSORS: Final = "agents.tracing.processors"
_SPANS: Final = "agents.tracing.spans"
_SCOPE: Final = "agents.tracing.scope"
_RUN: Final = "agents.run"
_TOLD: Final = ("on_trace_start", "on_trace_end", "on_span_start", "on_span_end")
_SENT: Final = ("on_trace_start", "on_span_end")
"""Of these the one that sends queues what it is told."""
_RUNS: Final = ("run", "run_streamed")
_SETS: Final = ("set_current_span", "set_current_trace")


class _Installed(Installed):
    """What of the SDK is ours at the moment."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.recording = Recording(report)
        self.is_wanted: ContextVar[bool] = ContextVar("flightlog_openai_agents", default=False)
        """Whether this is within a run of one of them."""
        teller = _part(_PROVIDER, "SynchronousMultiTracingProcessor")
        sender = _part(_PROCESSORS, "BatchTraceProcessor")
        runner = _part(_RUN, "AgentRunner")
        kind = _part(_SPANS, "SpanImpl")
        self.scope = _part(_SCOPE, "Scope")
        for name in _SETS:
            if not isinstance(vars(self.scope).get(name), classmethod):
                raise Unfit(f"its Scope has no {name}")
        self.replaced = Replaced(
            [
                *((teller, name, self._telling) for name in _TOLD),
                *((sender, name, self._sending) for name in _SENT),
                *((runner, name, self._running) for name in _RUNS),
                (kind, "set_error", self._noting),
            ]
        )
        self._own = {name: vars(self.scope)[name] for name in _SETS}
        self._ours = {name: staticmethod(self._setting(name)) for name in _SETS}
        for name, ours in self._ours.items():
            setattr(self.scope, name, ours)

    def end(self) -> None:
        """Leave everything as it was."""
        self.replaced.restore()
        for name, own in self._own.items():
            if vars(self.scope).get(name) is self._ours[name]:
                setattr(self.scope, name, own)
        self.recording.end_all()

    def _wants(self) -> bool:
        return self.is_everywhere or self.is_wanted.get()

    def _telling(self, original: Any, switch: Switch) -> Any:
        step: Callable[[Any], None] = getattr(self.recording, original.__name__)
        begins = original.__name__.endswith("_start")

        def tell(processors: Any, item: Any) -> Any:
            # What has begun ends as well, wherever that is.
            if switch.on and (not begins or self._wants()):
                step(item)
            return original(processors, item)

        return tell

    def _noting(self, original: Any, switch: Switch) -> Any:
        def set_error(theirs: Any, error: Any) -> Any:
            if switch.on:
                self.recording.note(theirs)
            return original(theirs, error)

        return set_error

    def _sending(self, original: Any, switch: Switch) -> Any:
        def send(processor: Any, item: Any) -> Any:
            own = getattr(sys.modules.get(_PROCESSORS), "_global_processor", None)
            if switch.on and processor is own and self._wants():
                return None
            return original(processor, item)

        return send

    def _running(self, original: Any, switch: Switch) -> Any:
        """Runs are told apart only where single agents are recorded."""

        def begin(agent: Any) -> Any:
            return self.is_wanted.set(True) if switch.on and self.holds(agent) else None

        async def run(runner: Any, starting_agent: Any, *args: Any, **kwargs: Any) -> Any:
            token = begin(starting_agent)
            try:
                return await original(runner, starting_agent, *args, **kwargs)
            finally:
                if token is not None:
                    self.is_wanted.reset(token)

        def run_streamed(runner: Any, starting_agent: Any, *args: Any, **kwargs: Any) -> Any:
            token = begin(starting_agent)
            try:
                return original(runner, starting_agent, *args, **kwargs)
            finally:
                if token is not None:
                    self.is_wanted.reset(token)

        return run if original.__name__ == "run" else run_streamed

    def _setting(self, name: str) -> Any:
        original = getattr(self.scope, name)
        switch = self.replaced.switch

        def set_current(item: Any) -> Any:
            token = original(item)
            if switch.on:
                self.recording.stand(_key(item))
            return token

        return set_current


def _key(item: Any) -> object:
    """The SDK's id of a trace or a span."""
    return getattr(item, "span_id", None) or getattr(item, "trace_id", None)


def _part(module: str, name: str) -> Any:
    """A class of the SDK.

    Raises:
        Unfit: it has none of this name.
    """
    try:
        kind = getattr(import_module(module), name, None)  # the SDK's own, once it is there
    except ImportError:
        kind = None
    if not isinstance(kind, type):
        raise Unfit(f"it has no {module}.{name}")
    return kind


_installation: Final = Installation(_Installed)
unwrap = _installation.unwrap
wrap_client = _installation.wrap_client
unwrap_client = _installation.unwrap_client


def wrap(module: ModuleType, report: Report) -> None:
    """Record every run; a package of the program's own that is called `agents` as well is nobody's business.

    Raises:
        Unfit: the package is another than this wrapper knows; nothing was changed.
    """
    if hasattr(module, "Runner"):
        _installation.wrap(module, report)


def is_client(module: ModuleType, value: object) -> bool:
    """Whether this is an agent."""
    kind = getattr(module, "Agent", None)
    return isinstance(kind, type) and isinstance(value, kind)
