"""Puts the recorder around a package's clients, all of them or a single one, and takes it away again.

Every call of a client, whichever resource and helper it is made with, goes through its `request` method, which
is public; the pause before each of its retries is worked out by one method, and what was served is made into an
answer by another. These are wrapped, and of a single client also the method that copies it, so that
`client.with_options(…)` is recorded as `client` is.

A wrapper that somebody else has wrapped in turn cannot be taken out again; it is switched off instead.
"""

from __future__ import annotations

import functools
import weakref
from contextvars import ContextVar
from types import MethodType, ModuleType, TracebackType
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core import rerun
from flightlog.integrations.stainless.exchange import Answered, Report, guarded, opened, serving
from flightlog.integrations.stainless.package import Package
from flightlog.integrations.stainless.replica import stand_in, unseen

_MARK: Final = "_flightlog_original"
_ASYNC: Final = "AsyncAPIClient"
_REQUEST: Final = "request"
_RETRY: Final = "_calculate_retry_timeout"
_SLEEP: Final = "_sleep_for_retry"
_PROCESS: Final = "_process_response"
_METHODS: Final = (_REQUEST, _RETRY, _SLEEP, _PROCESS)
_COPIES: Final = ("copy", "with_options")
_STATE: Final = "__getstate__"
_VARARGS: Final = 0x04
"""`CO_VARARGS` of a code object (documented with the `inspect` module)."""


class Unfit(Exception):
    """The package is not as this wrapper knows it."""


class Switch:
    """Whether the wrappers that share it record."""

    __slots__ = ("clients", "kinds", "on")

    def __init__(self, *kinds: Any) -> None:
        self.on = True
        self.kinds = kinds
        """The classes that it stands for; a package that is imported anew has others."""
        self.clients: weakref.WeakSet[Any] = weakref.WeakSet()
        """The single clients that it stands for: one and its copies."""


class Wrapping:
    """The wrappers of one package; `instrumenting.py` says what the methods mean."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._everywhere: Switch | None = None
        """Of the classes, while they are wrapped."""
        self._single: weakref.WeakKeyDictionary[Any, Switch] = weakref.WeakKeyDictionary()

    def wrap(self, module: ModuleType, report: Report) -> None:
        """Record every client of the package, also those that exist already; twice is harmless.

        Raises:
            Unfit: the package is another than this wrapper knows; nothing was changed.
        """
        kinds = self._kinds(module)
        if self._everywhere is not None and self._everywhere.kinds == kinds:
            return
        self.unwrap(module)
        switch = Switch(*kinds)
        for kind in kinds:
            for name, wrapper in _wrappers(self._package, kind, switch, report).items():
                setattr(kind, name, wrapper)
        self._everywhere = switch

    def unwrap(self, module: ModuleType) -> None:  # noqa: ARG002 - the classes are those that were wrapped, of an earlier one too
        """Give the package's classes their own methods back."""
        if self._everywhere is None:
            return
        switch, self._everywhere = self._everywhere, None
        switch.on = False
        for kind in switch.kinds:
            for name in _METHODS:
                own = vars(kind).get(name)
                if hasattr(own, _MARK):
                    delattr(kind, name)
                    if getattr(kind, name) is not getattr(own, _MARK):
                        setattr(kind, name, getattr(own, _MARK))

    def is_client(self, module: ModuleType, value: object) -> bool:
        """Whether this is a client of the package."""
        names = (*self._package.classes, *self._package.more)
        return isinstance(
            value, tuple(kind for name in names if isinstance(kind := getattr(module, name, None), type))
        )

    def wrap_client(self, client: Any, report: Report) -> bool:
        """Record one client and what is copied from it; the others are left alone. False if it is recorded already.

        Raises:
            Unfit: the package is another than this wrapper knows; nothing was changed.
        """
        if client in self._single:
            return False
        _check(type(client))
        self._wrap_one(client, Switch(), report)
        return True

    def unwrap_client(self, client: Any) -> None:
        """Leave one client, and what was copied from it, as it was."""
        switch = self._single.get(client)
        if switch is None:
            return
        switch.on = False
        for one in list(switch.clients):
            self._single.pop(one, None)
            for name in (*_METHODS, *_COPIES, _STATE):
                if hasattr(vars(one).get(name), _MARK):
                    delattr(one, name)

    def _kinds(self, module: ModuleType) -> tuple[Any, ...]:
        """The classes to wrap: those that must be there, and others that do not come from one of these."""
        kinds = [_fit(module, name) for name in self._package.classes]
        for name in self._package.more:
            kind = getattr(module, name, None)
            if isinstance(kind, type) and not issubclass(kind, tuple(kinds)):
                _check(kind)
                kinds.append(kind)
        return tuple(kinds)

    def _wrap_one(self, client: Any, switch: Switch, report: Report) -> None:
        """Put ours on one object."""
        kind = type(client)
        for name, wrapper in _wrappers(self._package, kind, switch, report).items():
            setattr(client, name, MethodType(wrapper, client))
        for name in _COPIES:
            setattr(client, name, MethodType(self._copying(getattr(kind, name), switch, report), client))
        setattr(client, _STATE, MethodType(_without_ours(kind.__getstate__), client))
        switch.clients.add(client)
        self._single[client] = switch

    def _copying(self, original: Any, switch: Switch, report: Report) -> Any:
        def copy(client: Any, *args: Any, **kwargs: Any) -> Any:
            made = original(client, *args, **kwargs)
            if switch.on:
                self._wrap_one(made, switch, report)
            return made

        return _dressed(copy, original)


def _fit(module: ModuleType, name: str) -> Any:
    kind = getattr(module, name, None)
    if kind is None:
        raise Unfit(f"it has no class {name}")
    _check(kind)
    return kind


def _check(kind: Any) -> None:
    """Refuse a class whose methods do not take what ours hands on."""
    for name, wanted in ((_REQUEST, ("cast_to", "options")), (_RETRY, ("remaining_retries", "options"))):
        method: Any = getattr(kind, name, None)
        while hasattr(method, "__wrapped__"):
            method = method.__wrapped__
        code = getattr(method, "__code__", None)
        takes_all = (
            code is not None and code.co_flags & _VARARGS
        )  # somebody else's wrapper, which hands on as well
        if code is None or not (takes_all or code.co_varnames[1 : 1 + len(wanted)] == wanted):
            raise Unfit(f"{kind.__name__}.{name} does not take {' and '.join(wanted)}")


def _wrappers(package: Package, kind: Any, switch: Switch, report: Report) -> dict[str, Any]:
    """Our methods in place of a class's own."""
    request = getattr(kind, _REQUEST)
    is_async = any(base.__name__ == _ASYNC for base in kind.__mro__)
    around = _around_async if is_async else _around
    wrappers = {
        _REQUEST: _dressed(around(package, request, switch, report), request),
        _RETRY: _dressed(_noting(getattr(kind, _RETRY), switch, report), getattr(kind, _RETRY)),
    }
    for name, make in (
        (_PROCESS, _seeing),
        (_SLEEP, _refused),
    ):  # without them only less is known of a failure
        if original := getattr(kind, name, None):
            wrappers[name] = _dressed(make(original, switch), original)
    return wrappers


def _dressed(wrapper: Any, original: Any) -> Any:
    functools.update_wrapper(wrapper, original)
    setattr(wrapper, _MARK, original)
    return wrapper


def _around(package: Package, original: Any, switch: Switch, report: Report) -> Any:
    def request(self: Any, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        exchange = opened(package, self, options, report) if switch.on else None
        if exchange is None:
            if rerun.answers is not None:
                unseen(package, options)
            return original(self, cast_to, options, *args, **kwargs)
        with Serving(exchange):
            client = self if rerun.answers is None else stand_in(self, exchange, options)
            result = original(client, cast_to, options, *args, **kwargs)
        guarded(exchange, exchange.answered, result)
        return result

    return request


def _around_async(package: Package, original: Any, switch: Switch, report: Report) -> Any:
    async def request(self: Any, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        exchange = opened(package, self, options, report) if switch.on else None
        if exchange is None:
            if rerun.answers is not None:
                unseen(package, options)
            return await original(self, cast_to, options, *args, **kwargs)
        with Serving(exchange):
            client = self if rerun.answers is None else stand_in(self, exchange, options)
            result = await original(client, cast_to, options, *args, **kwargs)
        guarded(exchange, exchange.answered, result)
        return result

    return request


class Serving:
    """The time during which the client makes its requests: the call is the current span, and knows a failure."""

    __slots__ = ("_before", "_current", "_exchange", "_variable")

    def __init__(self, exchange: Answered, variable: ContextVar[Any] = serving) -> None:
        """Begin it as a block.

        Args:
            exchange: the call.
            variable: of what the wrapper around the call has to find again within.
        """
        self._exchange = exchange
        self._current = exchange.call.current()
        self._variable = variable
        self._before = variable.get()

    def __enter__(self) -> None:
        self._variable.set(self._exchange)
        self._current.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._current.__exit__(kind, error, trace)
        if self._variable.get() is self._exchange:
            self._variable.set(self._before)
        if error is not None:
            guarded(self._exchange, self._exchange.failed, error)
        self._exchange.body = self._exchange.response = None


def _noting(original: Any, switch: Switch, report: Report) -> Any:
    """The pause before a retry is worked out for one reason only: there is going to be one."""

    def timeout(self: Any, remaining_retries: int, options: Any, *args: Any, **kwargs: Any) -> Any:
        delay = original(self, remaining_retries, options, *args, **kwargs)
        exchange = serving.get() if switch.on else None
        if exchange is not None:
            try:
                most = options.get_max_retries(self.max_retries)
                exchange.retry(most - remaining_retries + 1, delay)
            except Exception as failure:  # noqa: BLE001 - the border: the client must go on
                let_through(failure)
                report("a retry could not be recorded", failure)
        return delay

    return timeout


def _seeing(original: Any, switch: Switch) -> Any:
    """What was served is known from here on, also when the package refuses to make an answer of it."""

    def process(self: Any, *args: Any, **kwargs: Any) -> Any:
        exchange = serving.get() if switch.on else None
        if exchange is not None:
            exchange.response = kwargs.get("response")
        return original(self, *args, **kwargs)

    return process


def _refused(original: Any, switch: Switch) -> Any:
    """The answer because of which there is going to be another try."""

    def sleep(self: Any, *args: Any, **kwargs: Any) -> Any:
        exchange = serving.get() if switch.on else None
        if exchange is not None:
            exchange.refused = kwargs.get("response")
        return original(self, *args, **kwargs)

    return sleep


def _without_ours(original: Any) -> Any:
    """What `copy.copy` takes over of one object: not our methods, which would make the requests of that one."""

    def getstate(self: Any) -> Any:
        state = original(self)
        if not isinstance(state, dict):
            return state
        return {name: value for name, value in state.items() if not hasattr(value, _MARK)}

    return _dressed(getstate, original)
