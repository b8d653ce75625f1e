"""urllib3: `PoolManager.urlopen`, which calls itself for redirects, and `HTTPConnectionPool.urlopen`, for retries.

One span is one request as the program made it; each time that a pool sends it again is an event `retry`. It ends
with the body of the answer, whether the pool reads that (`preload_content`, the default) or the program.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from flightlog.integrations.http.call import Call, Report, begun, enclosing
from flightlog.integrations.http.methods import Replaced, Switch
from flightlog.integrations.http.pooled import answers, bodies, end_with_body

_replaced: list[Replaced] = []


def wrap(module: Any, report: Report) -> None:
    """Record every pool; twice is harmless.

    Raises:
        Unfit: the package is another than this wrapper knows; nothing was changed.
    """
    kinds = (module.PoolManager, module.HTTPConnectionPool)
    if _replaced and _replaced[0].fits(*kinds):
        return
    unwrap(module)
    bodies.use(answers(), __name__)
    _replaced.append(
        Replaced(
            (kind, "urlopen", lambda original, switch: _opening(original, switch, report)) for kind in kinds
        )
    )


def unwrap(module: ModuleType) -> None:  # noqa: ARG001 - the classes are those that were wrapped, of an earlier one too
    """Leave the package as it was."""
    while _replaced:
        _replaced.pop().restore()
    bodies.drop(__name__)


def is_client(_module: ModuleType, _value: object) -> bool:
    """Single pools are not recorded by themselves."""
    return False


def _opening(original: Any, switch: Switch, report: Report) -> Any:
    def urlopen(self: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        if not switch.on:
            return original(self, method, url, *args, **kwargs)
        outer = enclosing("urllib3")
        if outer is not None:
            with _Within(outer, self, args, kwargs):
                return original(self, method, url, *args, **kwargs)
        given = args[1] if len(args) > 1 else kwargs.get("headers")  # a manager takes them by name alone
        theirs = self.headers if given is None else given
        call = begun("urllib3", method, _whole(self, url), theirs or {}, report)
        if call is None:
            return original(self, method, url, *args, **kwargs)
        if call.headers:
            args, kwargs = _with(theirs, call, args, kwargs)
        call.deep = hasattr(self, "host")
        with call:
            response = original(self, method, url, *args, **kwargs)
        call.step(_finished, call, response, kwargs.get("preload_content", True))
        return response

    return urlopen


class _Within:
    """A part of a request that somebody further out records; a pool calls itself to send it again."""

    __slots__ = ("_call", "_sends")

    def __init__(self, call: Call, pool: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._call = call
        self._sends = hasattr(pool, "host") and not call.deep  # a manager does not: its pools do
        if call.deep:
            retries = args[2] if len(args) > 2 else kwargs.get("retries")
            call.step(call.again, _reason(retries))

    def __enter__(self) -> None:
        if self._sends:
            self._call.deep = True

    def __exit__(self, *_: object) -> None:
        if self._sends:
            self._call.deep = False


def _reason(retries: Any) -> str:
    """Why the pool sends it again, as the history of its retries says."""
    history = getattr(retries, "history", ()) or ()
    if not history:
        return "again"
    last = history[-1]
    if last.error is not None:
        return f"{type(last.error).__name__}: {last.error}"
    return f"{last.status} {'redirect' if last.redirect_location else ''}".strip()


def _whole(pool: Any, url: str) -> str:
    if "://" in url:
        return url
    host = f"[{pool.host}]" if ":" in pool.host else pool.host
    return f"{pool.scheme}://{host}{f':{pool.port}' if pool.port else ''}{url}"


def _with(theirs: Any, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The arguments with our headers beside theirs, in a mapping of their kind."""
    merged = theirs.copy() if hasattr(theirs, "copy") else dict(theirs or {})
    merged.update(call.headers)
    if len(args) > 1:
        return (args[0], merged, *args[2:]), kwargs
    return args, {**kwargs, "headers": merged}


def _finished(call: Call, response: Any, is_read: bool) -> None:
    retries = getattr(response, "retries", None)
    redirects = sum(1 for one in getattr(retries, "history", ()) or () if one.redirect_location)
    call.answered(response.status, redirects=redirects)
    if is_read:
        call.end(None, len(response.data))
    else:
        end_with_body(call, response)
