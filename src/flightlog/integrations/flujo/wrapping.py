"""Puts the recorder into flujo, for every runner or for single ones, and takes it away.

A runner tells its hooks of a run and of the steps directly in it, and of no others. So the run is followed where it is
iterated, each step where an executor is asked for it, whatever asks; the hook says what only a hook is told.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import AsyncIterator, Callable
from importlib import import_module
from types import ModuleType
from typing import Any, Final
from weakref import WeakSet

from flightlog.border import let_through
from flightlog.integrations.flujo.places import here
from flightlog.integrations.flujo.recording import Recording, Report
from flightlog.integrations.http.methods import Replaced, Switch, Unfit
from flightlog.integrations.installation import Installation, Installed
from flightlog.integrations.on_import import when_imported

_RUNNER: Final = "flujo.application.runner"
_TRACING: Final = "flujo.tracing.manager"
_EXECUTORS: Final = (
    ("flujo.application.core.executor_core", "ExecutorCore", ("execute",)),
    ("flujo.application.core.ultra_executor", "UltraStepExecutor", ("execute_step", "_execute_complex_step")),
)
"""Where each step is executed: since 0.6, and before, where fallbacks go to the second of the two."""
_AGENTS: Final = ("flujo.application.core.runtime.default_components", "DefaultAgentRunner", "run")
"""Where an agent is asked, once for each attempt; there since 0.6."""
_ROOTS: Final = ("pipeline_run", "pipeline_root")
"""What a run is called whose pipeline has no name: since 0.6, and before."""


def _hook_of(recording: Recording) -> Any:
    """What hears a runner tell of itself."""

    async def flightlog(payload: Any) -> None:
        recording.heard(payload)

    # Flujo asks each hook which payloads it wants, for every payload: this is said at once, and means all.
    flightlog.__annotations__ = {}
    flightlog.__signature__ = inspect.Signature()  # type: ignore[attr-defined]  # as `inspect` looks for it
    return flightlog


class _Installed(Installed):
    """What of flujo is ours at the moment."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report
        self._met: WeakSet[Any] = WeakSet()
        """Runners that have our hook."""
        self._replaced: Replaced | None = None
        self._is_over = False
        when_imported(_RUNNER, self._try)

    def _try(self, module: ModuleType) -> None:
        """Begin, once the runner is there: somebody's import is going on, whatever we meet."""
        if self._is_over:
            return
        try:
            self._begin(module)
        except Exception as failure:  # noqa: BLE001 - the border, as said above
            let_through(failure)
            self.report("it is not recorded", failure)

    def _begin(self, module: Any) -> None:
        runner = getattr(module, "Flujo", None)
        if runner is None:
            raise Unfit(f"it has no {_RUNNER}.Flujo")
        is_new = callable(getattr(runner, "_run_async_impl", None))
        self._recording = Recording(_ROOTS[0] if is_new else _ROOTS[1], self.report)
        self._hook = _hook_of(self._recording)
        run = "_run_async_impl" if is_new else "run_async"
        if not inspect.isasyncgenfunction(inspect.unwrap(getattr(runner, run, None) or _absent)):
            raise Unfit(f"Flujo.{run} is no asynchronous generator")
        executor, names = _executor()
        methods: list[tuple[Any, str, Callable[[Any, Switch], Any]]] = [
            (runner, run, self._running),
            (runner, "resume_async", self._resuming),
            *((executor, name, self._executing) for name in names),
        ]
        if is_new:
            methods += [
                (_class(_TRACING, "TraceManager"), "add_event", self._telling),
                (_class(*_AGENTS[:2]), _AGENTS[2], self._asking),
            ]
        self._replaced = Replaced(methods)

    def end(self) -> None:
        """Leave everything as it was."""
        self._is_over = True
        if self._replaced is not None:
            self._replaced.restore()
        for runner in list(self._met):
            runner.hooks = [hook for hook in runner.hooks if hook is not self._hook]

    def _wants(self, runner: Any) -> bool:
        return self.is_everywhere or self.holds(runner) or here.get() is not None

    def _meet(self, runner: Any) -> None:
        """Be told what it tells its hooks, beside those that it has."""
        if not any(hook is self._hook for hook in runner.hooks):
            runner.hooks = [*runner.hooks, self._hook]
        self._met.add(runner)

    def _running(self, original: Any, switch: Switch) -> Any:
        def run_async(runner: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            if not switch.on or not self._wants(runner):
                return original(runner, *args, **kwargs)  # type: ignore[no-any-return]  # as it is
            try:
                self._meet(runner)
            except Exception as failure:  # noqa: BLE001 - the border: the run must go on
                let_through(failure)
                self.report("a runner could not be met", failure)
            given = args[0] if args else kwargs.get("initial_input")
            return self._followed(runner, given, original(runner, *args, **kwargs))

        return run_async

    async def _followed(self, runner: Any, given: Any, source: Any) -> AsyncIterator[Any]:
        """What a run gives, piece by piece; it is what goes on here while the next one is made, and not in between."""
        run = self._recording.begin_run(runner, given)
        if run is None:
            async for item in source:
                yield item
            return
        ended: BaseException | None = None
        is_complete = False
        try:
            while True:
                with run.current():
                    try:
                        item = await anext(source)
                    except StopAsyncIteration:
                        break
                is_complete = type(item).__name__.startswith("PipelineResult")
                if is_complete:
                    run.result = item
                yield item
        except BaseException as error:
            ended = error
            raise
        finally:
            try:
                with run.current():
                    await source.aclose()
            finally:
                self._recording.end_run(run, ended, is_complete)

    def _resuming(self, original: Any, switch: Switch) -> Any:
        async def resume_async(runner: Any, paused_result: Any, human_input: Any) -> Any:
            run = None
            if switch.on and self._wants(runner):
                run = await self._recording.resume_run(runner, paused_result, human_input)
            if run is None:
                return await original(runner, paused_result, human_input)
            error: BaseException | None = None
            try:
                with run.current():
                    run.result = await original(runner, paused_result, human_input)
            except BaseException as failure:
                error = failure
                raise
            finally:
                self._recording.end_run(run, error, error is None)
            return run.result

        return resume_async

    def _executing(self, original: Any, switch: Switch) -> Any:
        async def execute(executor: Any, *args: Any, **kwargs: Any) -> Any:
            around = here.get()
            place = None
            if around is not None and switch.on:
                place = self._recording.begin_step(around, executor, args, kwargs)
            if place is None:
                return await original(executor, *args, **kwargs)
            try:
                said = await original(executor, *args, **kwargs)
            except BaseException as error:
                self._recording.break_step(place, error)
                raise
            finally:
                here.set(around)
            self._recording.end_step(place, said)
            return said

        return execute

    def _asking(self, original: Any, switch: Switch) -> Any:
        async def run(agents: Any, agent: Any, *args: Any, **kwargs: Any) -> Any:
            place = here.get()
            if place is None or not switch.on or agent is not getattr(place.subject, "agent", None):
                return await original(agents, agent, *args, **kwargs)
            self._recording.asks(place)
            try:
                said = await original(agents, agent, *args, **kwargs)
            except BaseException as error:
                place.answered(error)
                raise
            place.answered()
            return said

        return run

    def _telling(self, original: Any, switch: Switch) -> Any:
        def add_event(tracing: Any, name: str, attributes: Any) -> Any:
            if switch.on:
                self._recording.happened(name, attributes)
            return original(tracing, name, attributes)

        return add_event


_installation: Final = Installation(_Installed)
wrap = _installation.wrap
unwrap = _installation.unwrap
wrap_client = _installation.wrap_client
unwrap_client = _installation.unwrap_client


def is_client(module: ModuleType, value: object) -> bool:  # noqa: ARG001 - as above
    """Whether this is a runner."""
    runner = getattr(sys.modules.get(_RUNNER), "Flujo", None)
    return isinstance(runner, type) and isinstance(value, runner)


def _absent() -> None:
    """Stands for a method that is not there."""


def _class(module: str, name: str) -> Any:
    """A class of flujo's.

    Raises:
        Unfit: it is not where we know it.
    """
    try:
        found = getattr(import_module(module), name, None)
    except ImportError as error:
        raise Unfit(f"it has no {module}") from error
    if not isinstance(found, type):
        raise Unfit(f"it has no {module}.{name}")
    return found


def _executor() -> tuple[Any, tuple[str, ...]]:
    """The class that executes steps, and its methods that do."""
    for module, kind, methods in _EXECUTORS:
        try:
            return _class(module, kind), methods
        except Unfit:
            continue
    raise Unfit(f"it has none of {', '.join(kind for _, kind, _ in _EXECUTORS)}")
