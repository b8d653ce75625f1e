"""Puts the recorder into smolagents, for every agent and model or for single ones, and takes it away.

Models and tools are classes that programs derive their own from. Those of the package are met at once; one of the
program's is met when an agent that has it begins to run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import partial
from importlib import import_module
from types import GeneratorType, ModuleType, TracebackType
from typing import Any, Final

from flightlog.integrations.http.methods import Replaced, Switch, Unfit
from flightlog.integrations.installation import Installation, Installed
from flightlog.integrations.smolagents import told
from flightlog.integrations.smolagents.models import MODELS, generate
from flightlog.integrations.smolagents.running import Report, Work, pulled
from flightlog.records.genai import OPERATION, TOOL_NAME

_AGENTS: Final = "smolagents.agents"
_TOOLS: Final = "smolagents.tools"
_DEFAULT_TOOLS: Final = "smolagents.default_tools"
_GENERATE: Final = ("generate", "generate_stream")
_AGENT_NAME: Final = "gen_ai.agent.name"
_HIDDEN: Final = frozenset({"sanitize_inputs_outputs"})

_within: Final[ContextVar[bool]] = ContextVar("flightlog_smolagents", default=False)
"""Whether what runs here is a part of a single object that is recorded."""


class _Installed(Installed):
    """What of smolagents is ours at the moment."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self._report = report
        self._followed: dict[tuple[type, str], Replaced] = {}
        agents = import_module(_AGENTS)  # its own, which it has imported itself
        base = _class(agents, "MultiStepAgent")
        steps = [kind for kind in _classes(agents, base) if "_step_stream" in vars(kind) and kind is not base]
        self._replaced = Replaced(
            [
                (base, "run", self._running),
                (base, "_generate_planning_step", self._planning),
                *((kind, "_step_stream", self._stepping) for kind in steps),
            ]
        )
        self._model = _class(import_module(MODELS), "Model")
        self._tool = _class(import_module(_TOOLS), "Tool")
        for kind in _classes(sys.modules[MODELS], self._model):
            self._follow_model(kind)
        for name in (_TOOLS, _DEFAULT_TOOLS):
            for kind in _classes(import_module(name), self._tool):
                self._follow(kind, "__call__", self._calling)

    def end(self) -> None:
        """Leave everything as it was."""
        self._replaced.restore()
        while self._followed:
            self._followed.popitem()[1].restore()

    def _is_wanted(self, client: object) -> bool:
        return self.is_everywhere or _within.get() or self.holds(client)

    # -- classes of the program's -----------------------------------------------------------------------------------

    def _follow(self, kind: type, name: str, make: Callable[[Any, Switch], Any]) -> None:
        """Replace a method where a class defines it."""
        if name in vars(kind) and (kind, name) not in self._followed:
            self._followed[kind, name] = Replaced([(kind, name, make)])

    def _follow_model(self, kind: type) -> None:
        for base in kind.__mro__:
            if issubclass(base, self._model):
                for name in _GENERATE:
                    self._follow(base, name, self._asking)

    def _meet(self, agent: Any) -> None:
        self._follow_model(type(agent.model))
        for tool in (agent.tools or {}).values():
            for base in type(tool).__mro__:
                if issubclass(base, self._tool):
                    self._follow(base, "__call__", self._calling)

    # -- what is put in their place ---------------------------------------------------------------------------------

    def _running(self, original: Any, switch: Switch) -> Any:
        def run(agent: Any, task: str, *args: Any, **kwargs: Any) -> Any:
            if not (switch.on and self._is_wanted(agent)):
                return original(agent, task, *args, **kwargs)
            work = Work(self._report)
            work.guarded(self._meet, agent)
            name = str(getattr(agent, "name", None) or type(agent).__name__)
            facts = {OPERATION: "invoke_agent", _AGENT_NAME: name}
            work.begin(name, "agent", facts, content={"messages": [{"role": "user", "content": task}]})
            done = partial(_ran, work, agent)
            try:
                with _Inside(work):
                    result = original(agent, task, *args, **kwargs)
            except BaseException as error:
                done(error)
                raise
            if isinstance(result, GeneratorType):
                return pulled(result, partial(_Inside, work), partial(_final, work), done)
            work.guarded(_put_out, work, getattr(result, "output", result))
            done(None)
            return result

        return run

    def _stepping(self, original: Any, switch: Switch) -> Any:
        def step_stream(agent: Any, memory: Any, *args: Any, **kwargs: Any) -> Any:
            source = original(agent, memory, *args, **kwargs)
            if not (switch.on and self._is_wanted(agent)):
                return source
            return self._step(source, memory)

        return step_stream

    def _step(self, source: Any, memory: Any) -> Iterator[Any]:
        work = Work(self._report)
        work.begin("step", "step", {"smolagents.step": getattr(memory, "step_number", None)})

        def done(error: BaseException | None) -> None:
            work.guarded(_put_step, work, memory)
            work.end(error)

        yield from pulled(source, work.current, _nothing, done)

    def _planning(self, original: Any, switch: Switch) -> Any:
        def generate_planning_step(agent: Any, *args: Any, **kwargs: Any) -> Any:
            source = original(agent, *args, **kwargs)
            if not (switch.on and self._is_wanted(agent)):
                return source
            return self._plan(source)

        return generate_planning_step

    def _plan(self, source: Any) -> Iterator[Any]:
        work = Work(self._report)
        work.begin("planning", "step", {})

        def noted(item: Any) -> None:
            plan = getattr(item, "plan", None)
            if plan is not None:
                work.guarded(_put_out, work, plan)

        yield from pulled(source, work.current, noted, work.end)

    def _asking(self, original: Any, switch: Switch) -> Any:
        def ask(model: Any, messages: Any, *args: Any, **kwargs: Any) -> Any:
            if not (switch.on and self._is_wanted(model)):
                return original(model, messages, *args, **kwargs)
            names = ("stop_sequences", "response_format", "tools_to_call_from")
            given = {**dict(zip(names, args, strict=False)), **kwargs}
            call = partial(original, model, messages, *args, **kwargs)
            return generate(model, call, (messages, given), self._report)

        return ask

    def _calling(self, original: Any, switch: Switch) -> Any:
        def call(tool: Any, *args: Any, **kwargs: Any) -> Any:
            if not (switch.on and self._is_wanted(tool)) or _called.get() is tool:
                return original(tool, *args, **kwargs)
            name = str(getattr(tool, "name", None) or type(tool).__name__)
            asked: Any = {key: value for key, value in kwargs.items() if key not in _HIDDEN}
            if args:
                asked = {**dict(zip(getattr(tool, "inputs", None) or (), args, strict=False)), **asked}
            work = Work(self._report)
            work.begin(name, "tool", {TOOL_NAME: name, OPERATION: "execute_tool"}, content=asked)
            before = _called.get()
            _called.set(tool)
            try:
                with work.current():
                    result = original(tool, *args, **kwargs)
            except BaseException as error:
                work.end(error)
                raise
            finally:
                _called.set(before)
            work.guarded(_put_out, work, result)
            work.end()
            return result

        return call


_called: Final[ContextVar[Any]] = ContextVar("flightlog_smolagents_tool", default=None)
"""The tool whose call is being recorded: what its class asks of the one it is made from is the same call."""


class _Inside:
    """A block of a run: it is current, and what is in it is a part of it."""

    def __init__(self, work: Work) -> None:
        self._block = work.current()
        self._before = False

    def __enter__(self) -> None:
        self._before = _within.get()
        _within.set(True)
        self._block.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._block.__exit__(kind, error, trace)
        _within.set(self._before)


def _ran(work: Work, agent: Any, error: BaseException | None) -> None:
    """End the span of a run."""
    if (
        error is not None
        and getattr(agent, "interrupt_switch", False)
        and not isinstance(error, GeneratorExit)
    ):
        work.cancel()
    else:
        work.end(error)


def _final(work: Work, item: Any) -> None:
    if type(item).__name__ == "FinalAnswerStep":
        work.guarded(_put_out, work, item.output)


def _put_out(work: Work, value: Any) -> None:
    if work.made is not None:
        work.made.output = value


def _put_step(work: Work, memory: Any) -> None:
    came = told.step(memory)
    if came:
        _put_out(work, came)


def _nothing(_item: Any) -> None:
    """Nothing is to be noted."""


def _class(module: Any, name: str) -> Any:
    found = getattr(module, name, None)
    if not isinstance(found, type):
        raise Unfit(f"it has no {name}")
    return found


def _classes(module: Any, base: type) -> list[type]:
    """Those that a module defines."""
    found = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, base)]
    return [kind for kind in dict.fromkeys(found) if kind.__module__ == module.__name__]


_installation: Final = Installation(_Installed)
wrap = _installation.wrap
unwrap = _installation.unwrap
wrap_client = _installation.wrap_client
unwrap_client = _installation.unwrap_client


def is_client(module: ModuleType, value: object) -> bool:
    """Whether this is an agent or a model."""
    kinds = (getattr(module, name, None) for name in ("MultiStepAgent", "Model"))
    return isinstance(value, tuple(kind for kind in kinds if isinstance(kind, type)))
