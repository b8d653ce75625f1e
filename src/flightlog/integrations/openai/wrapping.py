"""Puts the recorder around the package's clients, all of them or a single one, and takes it away again.

Every call of a client, whichever resource and helper it is made with, goes through its `request` method, which
is public; the pause before each of its retries is worked out by one method, and what was served is made into an
answer by another. These three are wrapped, and of a single client also the method that copies it, so that
`client.with_options(…)` is recorded as `client` is.

A wrapper that somebody else has wrapped in turn cannot be taken out again; it is switched off instead.
"""

from __future__ import annotations

import functools
import weakref
from types import MethodType, ModuleType, TracebackType
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core import rerun
from flightlog.integrations.openai.exchange import Exchange, Report, guarded, opened, serving
from flightlog.integrations.openai.replica import stand_in, unseen

_MARK: Final = "_flightlog_original"
_ASYNC: Final = "AsyncOpenAI"
_CLASSES: Final = ("OpenAI", _ASYNC)
_REQUEST: Final = "request"
_RETRY: Final = "_calculate_retry_timeout"
_PROCESS: Final = "_process_response"
_METHODS: Final = (_REQUEST, _RETRY, _PROCESS)
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


_everywhere: Switch | None = None
"""Of the classes, while they are wrapped."""
_single: Final[weakref.WeakKeyDictionary[Any, Switch]] = weakref.WeakKeyDictionary()


def wrap(module: ModuleType, report: Report) -> None:
    """Record every client of the package, also those that exist already; twice is harmless.

    Raises:
        Unfit: the package is another than this wrapper knows; nothing was changed.
    """
    global _everywhere  # noqa: PLW0603 - the classes are as global as this
    kinds = tuple(_fit(module, name) for name in _CLASSES)
    if _everywhere is not None and _everywhere.kinds == kinds:
        return
    unwrap(module)
    switch = Switch(*kinds)
    for kind in kinds:
        for name, wrapper in _wrappers(kind, switch, report).items():
            setattr(kind, name, wrapper)
    _everywhere = switch


def unwrap(module: ModuleType) -> None:  # noqa: ARG001 - the classes are those that were wrapped, of an earlier one too
    """Give the package's classes their own methods back."""
    global _everywhere
    if _everywhere is None:
        return
    switch, _everywhere = _everywhere, None
    switch.on = False
    for kind in switch.kinds:
        for name in _METHODS:
            own = vars(kind).get(name)
            if hasattr(own, _MARK):
                delattr(kind, name)
                if getattr(kind, name) is not getattr(own, _MARK):
                    setattr(kind, name, getattr(own, _MARK))


def is_client(module: ModuleType, value: object) -> bool:
    """Whether this is a client of the package."""
    return isinstance(
        value, tuple(kind for name in _CLASSES if isinstance(kind := getattr(module, name, None), type))
    )


def wrap_client(client: Any, report: Report) -> bool:
    """Record one client and what is copied from it; the others are left alone. False if it is recorded already.

    Raises:
        Unfit: the package is another than this wrapper knows; nothing was changed.
    """
    if client in _single:
        return False
    _check(type(client))
    _wrap_one(client, Switch(), report)
    return True


def unwrap_client(client: Any) -> None:
    """Leave one client, and what was copied from it, as it was."""
    switch = _single.get(client)
    if switch is None:
        return
    switch.on = False
    for one in list(switch.clients):
        _single.pop(one, None)
        for name in (*_METHODS, *_COPIES, _STATE):
            if hasattr(vars(one).get(name), _MARK):
                delattr(one, name)


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


def _wrappers(kind: Any, switch: Switch, report: Report) -> dict[str, Any]:
    """Our methods in place of a class's own."""
    request = getattr(kind, _REQUEST)
    is_async = any(base.__name__ == _ASYNC for base in kind.__mro__)
    around = _around_async if is_async else _around
    wrappers = {
        _REQUEST: _dressed(around(request, switch, report), request),
        _RETRY: _dressed(_noting(getattr(kind, _RETRY), switch, report), getattr(kind, _RETRY)),
    }
    if process := getattr(kind, _PROCESS, None):  # without it only an answer that cannot be made is not known
        wrappers[_PROCESS] = _dressed(_seeing(process, switch), process)
    return wrappers


def _dressed(wrapper: Any, original: Any) -> Any:
    functools.update_wrapper(wrapper, original)
    setattr(wrapper, _MARK, original)
    return wrapper


def _around(original: Any, switch: Switch, report: Report) -> Any:
    def request(self: Any, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        exchange = opened(self, options, report) if switch.on else None
        if exchange is None:
            if rerun.answers is not None:
                unseen(options)
            return original(self, cast_to, options, *args, **kwargs)
        with _Serving(exchange):
            client = self if rerun.answers is None else stand_in(self, exchange, options)
            result = original(client, cast_to, options, *args, **kwargs)
        guarded(exchange, exchange.answered, result)
        return result

    return request


def _around_async(original: Any, switch: Switch, report: Report) -> Any:
    async def request(self: Any, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        exchange = opened(self, options, report) if switch.on else None
        if exchange is None:
            if rerun.answers is not None:
                unseen(options)
            return await original(self, cast_to, options, *args, **kwargs)
        with _Serving(exchange):
            client = self if rerun.answers is None else stand_in(self, exchange, options)
            result = await original(client, cast_to, options, *args, **kwargs)
        guarded(exchange, exchange.answered, result)
        return result

    return request


class _Serving:
    """The time during which the client makes its requests: the call is the current span, and knows a failure."""

    __slots__ = ("_before", "_current", "_exchange")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._current = exchange.call.current()
        self._before = serving.get()

    def __enter__(self) -> None:
        serving.set(self._exchange)
        self._current.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._current.__exit__(kind, error, trace)
        if serving.get() is self._exchange:
            serving.set(self._before)
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


def _wrap_one(client: Any, switch: Switch, report: Report) -> None:
    """Put ours on one object."""
    kind = type(client)
    for name, wrapper in _wrappers(kind, switch, report).items():
        setattr(client, name, MethodType(wrapper, client))
    for name in _COPIES:
        setattr(client, name, MethodType(_copying(getattr(kind, name), switch, report), client))
    setattr(client, _STATE, MethodType(_without_ours(kind.__getstate__), client))
    switch.clients.add(client)
    _single[client] = switch


def _copying(original: Any, switch: Switch, report: Report) -> Any:
    def copy(self: Any, *args: Any, **kwargs: Any) -> Any:
        made = original(self, *args, **kwargs)
        if switch.on:
            _wrap_one(made, switch, report)
        return made

    return _dressed(copy, original)


def _without_ours(original: Any) -> Any:
    """What `copy.copy` takes over of one object: not our methods, which would make the requests of that one."""

    def getstate(self: Any) -> Any:
        state = original(self)
        if not isinstance(state, dict):
            return state
        return {name: value for name, value in state.items() if not hasattr(value, _MARK)}

    return _dressed(getstate, original)
