"""Puts the recorder around the methods of AutoGen's teams, agents, model clients and tools, and takes it away.

Agents and clients of models are classes that others derive theirs from: each is met when it is made.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any, Final

from flightlog.border import let_through
from flightlog.integrations.autogen import kinds
from flightlog.integrations.autogen.work import Work, Working
from flightlog.integrations.http.methods import Replaced, Switch, Unfit
from flightlog.integrations.installation import Installation, Installed
from flightlog.integrations.on_import import when_imported

Report = Callable[[str, Exception], object]
Make = Callable[[Any, tuple[Any, ...], Mapping[str, Any]], Work]

_WORKING: Final[Mapping[str, tuple[str, tuple[str, ...], Make]]] = {
    "autogen_core.models": ("ChatCompletionClient", ("create", "create_stream"), kinds.model),
    "autogen_core.tools": ("BaseTool", ("run_json", "run_json_stream"), kinds.tool),
    "autogen_agentchat.agents": ("BaseChatAgent", ("on_messages", "on_messages_stream"), kinds.agent),
    "autogen_agentchat.teams": ("BaseGroupChat", ("run_stream",), kinds.team),
}
"""Modules, the class that others derive from, its methods that do the work, and what begins its span."""

_HOOK: Final = "__init_subclass__"


class _Installed(Installed):
    """What of AutoGen is ours at the moment."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report
        self.working = Working(report)
        self.is_over = False
        self._replaced: dict[tuple[Any, str], Replaced] = {}
        self._hooked: dict[type, Any] = {}
        """Classes that tell of those that are derived from them, and our hook in each."""

    def begin(self) -> None:
        """Put a wrapper around each method, in each module as soon as it is there."""
        for name in _WORKING:
            when_imported(name, partial(self._try, name))

    def end(self) -> None:
        """Leave everything as it was."""
        self.is_over = True
        while self._hooked:
            base, hook = self._hooked.popitem()
            if vars(base).get(_HOOK) is hook:
                delattr(base, _HOOK)
        while self._replaced:
            self._replaced.popitem()[1].restore()

    def _try(self, name: str, module: ModuleType) -> None:
        """Do what an import brings about, which must go on whatever we meet."""
        if self.is_over:
            return
        try:
            self._meet_base(name, module)
        except Exception as failure:  # noqa: BLE001 - the border: somebody's import is going on
            let_through(failure)
            self.report("it is not recorded", failure)

    def _meet_base(self, name: str, module: Any) -> None:
        kind, methods, _ = _WORKING[name]
        base = getattr(module, kind, None)
        if not isinstance(base, type) or not callable(getattr(base, methods[0], None)):
            raise Unfit(f"it has no {name}.{kind}.{methods[0]}")
        if base in self._hooked:
            return
        self._meet(base, name)
        if _HOOK not in vars(base):  # else somebody's own
            hook = self._hook(base, name)
            setattr(base, _HOOK, hook)
            self._hooked[base] = hook

    def _hook(self, base: Any, name: str) -> Any:
        def made(cls: Any, /, **kwargs: Any) -> None:
            super(base, cls).__init_subclass__(**kwargs)
            if not self.is_over:
                try:
                    self._meet(cls, name)
                except Exception as failure:  # noqa: BLE001 - the border: somebody's class is being made
                    let_through(failure)
                    self.report("a class is not recorded", failure)

        return classmethod(made)

    def _meet(self, kind: Any, name: str) -> None:
        """Wrap the methods that a class has of its own, and those of all that are derived from it."""
        _, methods, make = _WORKING[name]
        for method in methods:
            original = vars(kind).get(method)
            if (
                inspect.isfunction(original)
                and (kind, method) not in self._replaced
                and not getattr(original, "__isabstractmethod__", False)
            ):
                self._replaced[kind, method] = Replaced([(kind, method, partial(self._around, make))])
        for derived in kind.__subclasses__():
            self._meet(derived, name)

    def _wants(self, of: object) -> bool:
        """Whether the work of this object is recorded, and not as part of what it does already."""
        around = self.working.here()
        if around is not None and around.of is of:
            return False
        return self.is_everywhere or around is not None or self.holds(of)

    def _around(self, make: Make, original: Any, switch: Switch) -> Any:
        """The wrapper of a method, of the same sort as the method."""

        def begin(this: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Work | None:
            if not switch.on:
                return None
            return self.working.begin(lambda: make(this, args, kwargs) if self._wants(this) else None)

        if inspect.iscoroutinefunction(original):

            async def work(this: Any, *args: Any, **kwargs: Any) -> Any:
                begun = begin(this, args, kwargs)
                source = original(this, *args, **kwargs)
                return await (source if begun is None else self.working.awaited(begun, source))

            return work

        def stream(this: Any, *args: Any, **kwargs: Any) -> Any:
            source = original(this, *args, **kwargs)
            if not switch.on or not hasattr(source, "__anext__"):
                return source
            return self.working.pulled(lambda: begin(this, args, kwargs), source)

        return stream


_installation: Final = Installation(_Installed)
wrap = _installation.wrap
unwrap = _installation.unwrap
wrap_client = _installation.wrap_client
unwrap_client = _installation.unwrap_client


def is_everywhere() -> bool:
    """Whether all of AutoGen's work is recorded."""
    return _installation.is_everywhere


def is_client(module: ModuleType, value: object) -> bool:  # noqa: ARG001 - as above
    """Whether this is a team, an agent, a client of a model or a tool."""
    bases = (getattr(sys.modules.get(name), kind, None) for name, (kind, _, _) in _WORKING.items())
    return any(isinstance(base, type) and isinstance(value, base) for base in bases)
