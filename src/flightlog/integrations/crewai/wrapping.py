"""Puts the recorder beside CrewAI's event bus, for everything or for single objects, and takes it away.

Listeners of the bus run in threads of its own, some time later; so what tells of an event, `emit`, is wrapped: it is
called where and when things happen. What a run is left by that CrewAI does not tell of, such as its being cancelled,
is seen at the methods by which programs begin.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import partial
from types import ModuleType
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core.context import variable
from flightlog.integrations.crewai.recording import Recording, sent
from flightlog.integrations.crewai.runs import Run
from flightlog.integrations.http.methods import Replaced, Switch, Unfit
from flightlog.integrations.installation import Installation, Installed
from flightlog.integrations.on_import import when_imported

Report = Callable[[str, Exception], object]

_BUS: Final = "crewai.events.event_bus"
_CLASS: Final = "CrewAIEventsBus"
_TELLING: Final = ("emit", "aemit")
_ENTRIES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "crewai.crew": (
        "Crew",
        (
            "kickoff",
            "kickoff_async",
            "akickoff",
            "kickoff_for_each",
            "kickoff_for_each_async",
            "akickoff_for_each",
            "replay",
        ),
    ),
    "crewai.agent.core": ("Agent", ("kickoff", "kickoff_async", "akickoff")),
    "crewai.flow.runtime": ("Flow", ("kickoff", "kickoff_async", "resume_async")),
    "crewai.task": ("Task", ("execute_sync", "aexecute_sync")),
}
"""Modules, their class, and its methods by which programs begin something."""
_MODELS: Final = "crewai.llms.base_llm"
_MODEL: Final = "BaseLLM"
_SENDING: Final = "_emit_call_started_event"
"""What makes the event of a model call's beginning."""

_inside: Final[ContextVar[bool]] = ContextVar("flightlog_crewai", default=False)
"""Whether a method of a single object that is recorded is going on in this context."""


class _Installed(Installed):
    """What of CrewAI is ours at the moment."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report
        self.recording = Recording(self.wants)
        self.is_over = False
        self.replaced: dict[str, Replaced] = {}

    def wants(self, source: object, around: Run | None) -> bool:
        """Whether what this source begins is recorded."""
        return self.is_everywhere or around is not None or _inside.get() or self.holds(source)

    def begin(self) -> None:
        """Put a wrapper around each method, in each module as soon as it is there."""
        when_imported(_BUS, partial(self._try, self._listen))
        when_imported(_MODELS, partial(self._try, self._send))
        for name in _ENTRIES:
            when_imported(name, partial(self._try, partial(self._enter, name)))

    def end(self) -> None:
        """Leave everything as it was."""
        self.is_over = True
        self.recording.runs.end_all()
        while self.replaced:
            self.replaced.popitem()[1].restore()

    def _try(self, step: Callable[[Any], None], module: ModuleType) -> None:
        """Do what an import brings about, which must go on whatever we meet."""
        if self.is_over:
            return
        try:
            step(module)
        except Exception as failure:  # noqa: BLE001 - the border: somebody's import is going on
            let_through(failure)
            self.report("it is not recorded", failure)

    def _listen(self, module: Any) -> None:
        bus = getattr(module, _CLASS, None)
        if bus is None:
            raise Unfit(f"it has no {_BUS}.{_CLASS}")
        self.replaced[_BUS] = Replaced([(bus, name, self._telling) for name in _TELLING])

    def _send(self, module: Any) -> None:
        model = getattr(module, _MODEL, None)
        if callable(getattr(model, _SENDING, None)):  # else the events say it, as well as they can
            self.replaced[_MODELS] = Replaced([(model, _SENDING, _sending)])

    def _enter(self, name: str, module: Any) -> None:
        kind, methods = _ENTRIES[name]
        owner = getattr(module, kind, None)
        found = [
            (owner, method, self._entering) for method in methods if callable(getattr(owner, method, None))
        ]
        if not found:
            raise Unfit(f"it has no {name}.{kind}")
        self.replaced[name] = Replaced(found)

    def _telling(self, original: Any, switch: Switch) -> Any:
        if inspect.iscoroutinefunction(original):

            async def tell_later(bus: Any, source: Any, event: Any) -> Any:
                done = await original(bus, source, event)
                if switch.on:
                    self._heard(source, event)
                return done

            return tell_later

        def tell(bus: Any, source: Any, event: Any) -> Any:
            done = original(bus, source, event)
            if switch.on:
                self._heard(source, event)
            return done

        return tell

    def _heard(self, source: Any, event: Any) -> None:
        try:
            self.recording.heard(source, event)
        except Exception as failure:  # noqa: BLE001 - the border: the crew must go on
            let_through(failure)
            self.report("an event could not be recorded", failure)

    def _entering(self, original: Any, switch: Switch) -> Any:
        if inspect.iscoroutinefunction(original):

            async def enter_later(this: Any, *args: Any, **kwargs: Any) -> Any:
                since = variable.get()
                token = _inside.set(True) if switch.on and self.holds(this) else None
                try:
                    return await original(this, *args, **kwargs)
                except BaseException as error:
                    self._left(since, error, switch)
                    raise
                finally:
                    if token is not None:
                        _inside.reset(token)

            return enter_later

        def enter(this: Any, *args: Any, **kwargs: Any) -> Any:
            since = variable.get()
            token = _inside.set(True) if switch.on and self.holds(this) else None
            try:
                return original(this, *args, **kwargs)
            except BaseException as error:
                self._left(since, error, switch)
                raise
            finally:
                if token is not None:
                    _inside.reset(token)

        return enter

    def _left(self, since: object, error: BaseException, switch: Switch) -> None:
        """An exception leaves a method by which the program began something."""
        if not switch.on:
            return
        try:
            self.recording.runs.abandon(since, error)
        except Exception as failure:  # noqa: BLE001 - the border: the program has an exception of its own
            let_through(failure)
            self.report("the end of a run could not be recorded", failure)


def _sending(original: Any, switch: Switch) -> Any:
    def send(model: Any, *args: Any, **kwargs: Any) -> Any:
        given = dict(zip(("messages", "tools"), args, strict=False)) | kwargs
        token = sent.set((given.get("messages"), given.get("tools"))) if switch.on else None
        try:
            return original(model, *args, **kwargs)
        finally:
            if token is not None:
                sent.reset(token)

    return send


_installation: Final = Installation(_Installed)
wrap = _installation.wrap
unwrap = _installation.unwrap
wrap_client = _installation.wrap_client
unwrap_client = _installation.unwrap_client


def is_client(module: ModuleType, value: object) -> bool:  # noqa: ARG001 - as above
    """Whether this is a crew, an agent, a flow, a task or a model."""
    kinds = [(_MODELS, _MODEL), *((name, kind) for name, (kind, _) in _ENTRIES.items())]
    found = (getattr(sys.modules.get(name), kind, None) for name, kind in kinds)
    return any(isinstance(kind, type) and isinstance(value, kind) for kind in found)
