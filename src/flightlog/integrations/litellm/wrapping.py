"""Puts the recorder around LiteLLM's functions and routers, all of them or a single router, and takes it away again.

Its functions are replaced under every name that modules know them by (`bindings.py`), its routers' methods in their
class, which look whose they are. For a single router LiteLLM's functions record the calls that it makes, no others.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any, Final
from weakref import WeakSet

from flightlog.border import let_through
from flightlog.core.engine import span
from flightlog.integrations.http.methods import Replaced, Switch, Unfit
from flightlog.integrations.litellm.bindings import Bindings
from flightlog.integrations.litellm.calls import (
    HANDED_ON,
    REPEATS,
    SORTS,
    Exchange,
    Open,
    Report,
    Sort,
    begun,
    given_to,
    group_of,
)
from flightlog.integrations.litellm.streams import Streams
from flightlog.integrations.stainless.caller import called_from
from flightlog.integrations.stainless.package import INSTRUMENTATION

_MARK: Final = "_flightlog_original"
_BEHIND: Final = ("litellm.main", "litellm.responses.main")
_NEEDED: Final = ("completion", "acompletion")
"""Without these it is another package."""
_ROUTES: Final = (
    "completion",
    "acompletion",
    "text_completion",
    "atext_completion",
    "embedding",
    "aembedding",
)
"""Methods of a router by which it is asked."""
_GROUP: Final = "flightlog.litellm.model_group"
"""On a router's span: the name of the deployments among which it chooses."""


class _Installed:
    """What of LiteLLM is ours at the moment."""

    def __init__(self, module: ModuleType, report: Report) -> None:
        self.report = report
        self.module = module
        self.is_everywhere = False
        self.singles: WeakSet[Any] = WeakSet()
        self.open = Open()
        self.streams = Streams()
        self.library = str(module.__file__).removesuffix("__init__.py")
        self.router = getattr(module, "Router", None)
        for name in _NEEDED:
            if not callable(getattr(module, name, None)):
                raise Unfit(f"it has no {name}")
        if not isinstance(self.router, type):
            raise Unfit("it has no class Router")
        routes = [name for name in _ROUTES if callable(getattr(self.router, name, None))]
        self.routes = Replaced([(self.router, name, self._routing) for name in routes])
        self.bindings = Bindings(self._wrappers())

    def _wrappers(self) -> dict[Any, Any]:
        """Functions to what takes their place: those that LiteLLM offers, and those of the same names behind them."""
        places = [self.module, *filter(None, map(sys.modules.get, _BEHIND))]
        wrappers: dict[Any, Any] = {}
        for name in (*SORTS, *REPEATS):
            is_async = name.startswith("a")
            for place in places:
                function = vars(place).get(name)
                if isinstance(function, FunctionType) and function not in wrappers:
                    made = (
                        self._calling(function, SORTS[name], is_async=is_async)
                        if name in SORTS
                        else self._repeating(function, is_async=is_async)
                    )
                    wrappers[function] = self._marked(made, function)
        return wrappers

    def end(self) -> None:
        """Leave everything as it was."""
        self.routes.restore()
        self.bindings.restore()
        self.streams.leave()

    def _marked(self, wrapper: Any, original: Any) -> Any:
        functools.update_wrapper(wrapper, original)
        setattr(wrapper, _MARK, original)
        return wrapper

    # -- calls ------------------------------------------------------------------------------------------------------

    def _begin(self, sort: Sort, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Exchange | None:
        """Begin a call; None for what is none of its own, and for what is not wanted."""
        if any(kwargs.get(name) is True for name in HANDED_ON) or self.open.exchange() is not None:
            return None
        routed = self.open.routed()
        if not (self.is_everywhere or routed is not None):
            return None
        given = given_to(sort, args, kwargs)
        if routed is not None:
            routed.begins(group_of(given))
        exchange = begun(sort, given, getattr(self.module, "provider_list", ()), self.library, self.report)
        if exchange is not None:
            self.open.add(exchange)
        return exchange

    def _around(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[[BaseException], None]:
        """What to tell when a call fails that is a part of another one, or a router's."""
        if any(kwargs.get(name) is True for name in HANDED_ON):
            return _ignored
        outer = self.open.exchange()
        trouble = self.open.routed() if outer is None else outer.trouble
        if trouble is None:
            return _ignored
        model = kwargs.get("model") or (args[0] if args else "")
        of = str(model) if outer is not None else group_of(kwargs)
        if outer is not None:
            trouble.begins(of)
        return lambda error: trouble.failed(error, of)

    def _calling(self, original: Any, sort: Sort, *, is_async: bool) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            failed = self._around(args, kwargs)
            exchange = self._begin(sort, args, kwargs)
            try:
                if exchange is None:
                    return original(*args, **kwargs)
                with exchange.call.current():
                    result = original(*args, **kwargs)
            except BaseException as error:
                failed(error)
                if exchange is not None:
                    exchange.step(exchange.failed, error)
                raise
            self._answered(exchange, result)
            return result

        async def call_async(*args: Any, **kwargs: Any) -> Any:
            failed = self._around(args, kwargs)
            exchange = self._begin(sort, args, kwargs)
            try:
                if exchange is None:
                    return await original(*args, **kwargs)
                with exchange.call.current():
                    result = await original(*args, **kwargs)
            except BaseException as error:
                failed(error)
                if exchange is not None:
                    exchange.step(exchange.failed, error)
                raise
            self._answered(exchange, result)
            return result

        return call_async if is_async else call

    def _answered(self, exchange: Exchange, result: Any) -> None:
        try:
            if self.streams.watch(result, exchange):
                return
        except Exception as failure:  # noqa: BLE001 - the border: the stream must reach the program
            let_through(failure)
            self.report("a stream could not be recorded", failure)
        exchange.step(exchange.answered, result)

    def _repeating(self, original: Any, *, is_async: bool) -> Any:
        """What LiteLLM asks again with, told of each attempt."""

        def repeat(*args: Any, **kwargs: Any) -> Any:
            return original(*args, **self._noting(original, kwargs, is_async=False))

        async def repeat_async(*args: Any, **kwargs: Any) -> Any:
            return await original(*args, **self._noting(original, kwargs, is_async=True))

        return repeat_async if is_async else repeat

    def _noting(self, original: Any, kwargs: dict[str, Any], *, is_async: bool) -> dict[str, Any]:
        outer = self.open.exchange()
        first = sys.exc_info()[1]  # because of which it is tried again
        if outer is None or first is None:
            return kwargs
        trouble = outer.trouble
        trouble.failed(first, "")
        asked = kwargs.get("original_function") or getattr(
            self.module, original.__name__.removesuffix("_with_retries")
        )

        def attempt(*args: Any, **kwargs: Any) -> Any:
            trouble.begins("")
            try:
                return asked(*args, **kwargs)
            except Exception as error:
                trouble.failed(error, "")
                raise

        async def attempt_async(*args: Any, **kwargs: Any) -> Any:
            trouble.begins("")
            try:
                return await asked(*args, **kwargs)
            except Exception as error:
                trouble.failed(error, "")
                raise

        return {**kwargs, "original_function": attempt_async if is_async else attempt}

    # -- routers ----------------------------------------------------------------------------------------------------

    def _routing(self, original: Any, switch: Switch) -> Any:
        name = original.__name__

        def route(router: Any, *args: Any, **kwargs: Any) -> Any:
            made = self._route(router, name, args, kwargs) if switch.on else None
            if made is None:
                return original(router, *args, **kwargs)
            with made, self.open.routing(made):
                return original(router, *args, **kwargs)

        async def route_async(router: Any, *args: Any, **kwargs: Any) -> Any:
            made = self._route(router, name, args, kwargs) if switch.on else None
            if made is None:
                return await original(router, *args, **kwargs)
            with made, self.open.routing(made):
                return await original(router, *args, **kwargs)

        return route_async if name.startswith("a") else route

    def _route(self, router: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The span of a router's work, not begun; None within another one, and for one that is not recorded."""
        if not (self.is_everywhere or router in self.singles) or self.open.routed() is not None:
            return None
        group = str(given_to(SORTS[name], args, kwargs).get("model") or "")
        made = span(f"route {group}".strip(), "step")
        facts = {_GROUP: group} if group else {}
        made.set_attributes({INSTRUMENTATION: "litellm", **facts, **called_from(self.library)})
        return made


def _ignored(_error: BaseException) -> None:
    """It is nobody's part."""


_installed: _Installed | None = None


def wrap(module: ModuleType, report: Report) -> None:
    """Record every call, from the next one that begins; twice is harmless.

    Raises:
        Unfit: the package is another than this wrapper knows; nothing was changed.
    """
    _installation(module, report).is_everywhere = True


def unwrap(module: ModuleType) -> None:  # noqa: ARG001 - what was replaced is known, of an earlier module too
    """Leave LiteLLM as it was."""
    if _installed is not None:
        _installed.is_everywhere = False
        _leave_if_unused()


def is_client(module: ModuleType, value: object) -> bool:
    """Whether this is a router."""
    kind = getattr(module, "Router", None)
    return isinstance(kind, type) and isinstance(value, kind)


def wrap_client(client: Any, report: Report) -> bool:
    """Record one router, and the calls that it makes. False if it is recorded already.

    Raises:
        Unfit: the package is another than this wrapper knows; nothing was changed.
    """
    installed = _installation(sys.modules["litellm"], report)
    if client in installed.singles:
        return False
    installed.singles.add(client)
    return True


def unwrap_client(client: Any) -> None:
    """Leave one router as it was."""
    if _installed is not None and client in _installed.singles:
        _installed.singles.discard(client)
        _leave_if_unused()


def _installation(module: ModuleType, report: Report) -> _Installed:
    global _installed  # noqa: PLW0603 - as global as what is replaced
    if _installed is None or _installed.module is not module:
        _installed = _Installed(module, report)
    return _installed


def _leave_if_unused() -> None:
    global _installed  # noqa: PLW0603 - as above
    if _installed is not None and not _installed.is_everywhere and not _installed.singles:
        _installed.end()
        _installed = None
