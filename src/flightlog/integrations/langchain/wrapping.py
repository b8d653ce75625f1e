"""Puts the recorder into LangChain and LangGraph, for every run or for those of single objects, and takes it away.

LangChain asks a list of context variables for handlers whenever a run begins; ours is added to it. LangGraph says
nowhere which graph a run is one of: its `stream` and `astream`, which all runs go through, are wrapped to know that.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any, Final

from flightlog.border import let_through
from flightlog.integrations.http.methods import Replaced, Switch, Unfit
from flightlog.integrations.langchain.graphs import Graphs
from flightlog.integrations.langchain.handler import Recording, Report
from flightlog.integrations.langchain.placing import CONTEXTS, MODELS, Placing
from flightlog.integrations.on_import import when_imported

_HOOKS: Final = "langchain_core.tracers.context"
_BASE: Final = "langchain_core.callbacks.base"
_RUNNABLE: Final = "langchain_core.runnables.base"
_PREGEL: Final = "langgraph.pregel.main"
_STREAMS: Final = ("stream", "astream")


class _Installed:
    """What of LangChain is ours at the moment."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.graphs = Graphs()
        base = getattr(import_module(_BASE), "BaseCallbackHandler", None)  # LangChain's own, once it is there
        if base is None:
            raise Unfit(f"it has no {_BASE}.BaseCallbackHandler")
        self.handler: Any = type("FlightlogHandler", (Recording, base), {})(self.graphs, report)
        self.placing = Placing(self.handler)
        self.is_everywhere = False
        self.single: dict[int, weakref.ref[Any]] = {}
        """Single objects, by their identity: models are no keys."""
        self.variable: ContextVar[Any] = ContextVar("flightlog_langchain_handler", default=self.handler)
        self.pregel: Replaced | None = None
        self.is_over = False

    def holds(self, client: object) -> bool:
        """Whether this is one of the single objects."""
        known = self.single.get(id(client))
        return known is not None and known() is client

    def begin(self) -> None:
        """Make runs current and know graphs, in each module of theirs as soon as it is there."""
        for name in (*CONTEXTS, MODELS):
            when_imported(name, partial(self._try, partial(self.placing.arrived, name)))
        when_imported(_PREGEL, partial(self._try, self._declare))

    def everywhere(self) -> None:
        """Record every run."""
        self.is_everywhere = True
        when_imported(_HOOKS, partial(self._try, self._hook))

    def nowhere(self) -> None:
        """Record single objects only, if any."""
        self.is_everywhere = False
        hooks = getattr(sys.modules.get(_HOOKS), "_configure_hooks", [])
        hooks[:] = [hook for hook in hooks if hook[0] is not self.variable]

    def end(self) -> None:
        """Leave everything as it was."""
        self.is_over = True
        self.placing.leave()
        if self.pregel is not None:
            self.pregel.restore()

    def _try(self, step: Callable[[Any], None], module: ModuleType) -> None:
        """Do what an import brings about, which must go on whatever we meet."""
        if self.is_over:
            return
        try:
            step(module)
        except Exception as failure:  # noqa: BLE001 - the border: somebody's import is going on
            let_through(failure)
            self.report("it is not recorded", failure)

    def _hook(self, module: Any) -> None:
        hooks = getattr(module, "_configure_hooks", None)
        if not isinstance(hooks, list) or not callable(getattr(module, "register_configure_hook", None)):
            raise Unfit("it has no list of hooks that give handlers")
        if self.is_everywhere and not any(hook[0] is self.variable for hook in hooks):
            module.register_configure_hook(self.variable, inheritable=True)

    def _declare(self, module: Any) -> None:
        pregel = getattr(module, "Pregel", None)
        if pregel is None:
            raise Unfit("it has no Pregel")
        self.pregel = Replaced([(pregel, name, self._streaming) for name in _STREAMS])

    def _streaming(self, original: Any, switch: Switch) -> Any:
        def stream(graph: Any, input: Any, config: Any = None, *args: Any, **kwargs: Any) -> Any:  # noqa: A002 - its name
            if switch.on and (self.is_everywhere or self.holds(graph)):
                try:
                    given = dict(config or {})
                    config = {**given, "run_id": self.graphs.expect(graph, given.get("run_id"))}
                except Exception as failure:  # noqa: BLE001 - the border: the graph must run
                    let_through(failure)
                    self.report("a graph could not be read", failure)
            return original(graph, input, config, *args, **kwargs)

        return stream


_installed: _Installed | None = None


def wrap(module: ModuleType, report: Report) -> None:  # noqa: ARG001 - the parts of it are waited for by name
    """Record every run, from the next one that begins; twice is harmless.

    Raises:
        Unfit: the package is another than this wrapper knows; nothing was changed.
    """
    _installation(report).everywhere()


def unwrap(module: ModuleType) -> None:  # noqa: ARG001 - as above
    """Leave LangChain as it was."""
    if _installed is not None:
        _installed.nowhere()
        _leave_if_unused()


def is_client(module: ModuleType, value: object) -> bool:  # noqa: ARG001 - as above
    """Whether this is a model, a tool, a retriever or a compiled graph: what keeps handlers of its own."""
    runnable = getattr(sys.modules.get(_RUNNABLE), "Runnable", None)
    return (
        runnable is not None
        and isinstance(value, runnable)
        and (_is_graph(value) or hasattr(value, "callbacks"))
    )


def wrap_client(client: Any, report: Report) -> bool:
    """Record the runs of one object, and what runs within them. False if it is recorded already."""
    installed = _installation(report)
    if installed.holds(client):
        return False
    _set_handlers(client, [*_handlers(client), installed.handler])
    installed.single[id(client)] = weakref.ref(client)
    return True


def unwrap_client(client: Any) -> None:
    """Leave one object as it was."""
    if _installed is None or not _installed.holds(client):
        return
    del _installed.single[id(client)]
    _set_handlers(client, [one for one in _handlers(client) if one is not _installed.handler] or None)
    _leave_if_unused()


def _installation(report: Report) -> _Installed:
    global _installed  # noqa: PLW0603 - as global as what is replaced
    if _installed is None:
        made = _Installed(report)
        made.begin()
        _installed = made
    return _installed


def _leave_if_unused() -> None:
    global _installed  # noqa: PLW0603 - as above
    if _installed is not None and not _installed.is_everywhere and not _installed.single:
        _installed.end()
        _installed = None


def _is_graph(value: object) -> bool:
    pregel = getattr(sys.modules.get(_PREGEL), "Pregel", None)
    return pregel is not None and isinstance(value, pregel)


def _handlers(client: Any) -> list[Any]:
    """The handlers that an object keeps."""
    kept = (client.config or {}).get("callbacks") if _is_graph(client) else client.callbacks
    return list(getattr(kept, "handlers", kept) or ())


def _set_handlers(client: Any, handlers: list[Any] | None) -> None:
    if not _is_graph(client):
        client.callbacks = handlers
        return
    config = {name: value for name, value in (client.config or {}).items() if name != "callbacks"}
    if handlers is not None:
        config["callbacks"] = handlers
    client.config = config or None
