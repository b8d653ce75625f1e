"""aiohttp's client: `ClientSession._request`, through which every request of its goes, WebSockets included.

The package gives an answer to the program before its body is there: a span ends when that was read or closed, or when
the answer is dropped. That of a WebSocket ends with the headers of the answer.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any, Final

from flightlog.integrations.http.bodies import Bodies
from flightlog.integrations.http.call import Call, Report, begun
from flightlog.integrations.http.methods import Replaced, Singles, Switch

_UPGRADED: Final = 101
_NAME: Final = "aiohttp"


def _broken(answer: Any) -> BaseException | None:
    failure: BaseException | None = answer.content.exception()
    return failure


_replaced: list[Replaced] = []
_singles: Final = Singles(lambda _: bool(_replaced))
_bodies: Final = Bodies(
    [("close", _broken), ("release", _broken)], lambda answer: int(answer.content.total_bytes)
)


def wrap(module: Any, report: Report) -> None:
    """Record every session; twice is harmless.

    Raises:
        Unfit: the package is another than this wrapper knows; nothing was changed.
    """
    if _replaced and _replaced[0].fits(module.ClientSession):
        return
    unwrap(module)
    _bodies.use(module.ClientResponse, _NAME)
    _replaced.append(
        Replaced(
            [
                (
                    module.ClientSession,
                    "_request",
                    lambda original, switch: _requesting(original, switch, report),
                )
            ]
        )
    )


def unwrap(module: ModuleType) -> None:  # noqa: ARG001 - the classes are those that were wrapped, of an earlier one too
    """Leave the package as it was."""
    while _replaced:
        _replaced.pop().restore()
    _bodies.drop(_NAME)


def is_client(module: Any, value: object) -> bool:
    """Whether this is a session."""
    return isinstance(value, module.ClientSession)


def wrap_client(client: Any, report: Report) -> bool:
    """Record one session; False if that is so already."""
    _bodies.use(import_module(_NAME).ClientResponse, _singles)
    return _singles.put(client, "_request", lambda original, switch: _requesting(original, switch, report))


def unwrap_client(client: Any) -> None:
    """Leave one session as it was."""
    _singles.take_back(client)
    if _singles.are_none:
        _bodies.drop(_singles)


def _requesting(original: Any, switch: Switch, report: Report) -> Any:
    async def _request(self: Any, method: str, str_or_url: Any, **kwargs: Any) -> Any:
        if not switch.on:
            return await original(self, method, str_or_url, **kwargs)
        given = kwargs.get("headers")
        call = begun("aiohttp", method, _whole(self, str_or_url), _names(self.headers, given), report)
        if call is None:
            return await original(self, method, str_or_url, **kwargs)
        if call.headers:
            kwargs["headers"] = _with(self, given, call)
        with call:
            response = await original(self, method, str_or_url, **kwargs)
        call.step(_finished, call, response)
        return response

    return _request


def _whole(session: Any, url: Any) -> str:
    try:
        return str(session._build_url(url))  # noqa: SLF001 - how the session joins its base address with this one
    except Exception:  # noqa: BLE001 - an address that is none is the session's to refuse
        return str(url)


def _names(*headers: Any) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for some in headers:
        pairs = some.items() if hasattr(some, "items") else some or ()
        found.update((name, value) for name, value in pairs)
    return found


def _with(session: Any, given: Any, call: Call) -> Any:
    """Their headers and ours, in the kind of mapping that keeps those which stand twice."""
    merged = session.headers.copy()
    merged.clear()
    merged.extend(given or ())
    merged.extend(call.headers)
    return merged


def _finished(call: Call, response: Any) -> None:
    version = getattr(response, "version", None)
    call.answered(
        response.status,
        version="" if version is None else f"{version.major}.{version.minor}",
        redirects=len(response.history),
    )
    if response.status == _UPGRADED or not call.span.recorded:
        call.end()
        return
    kept = _bodies.keep(call, response)
    content = response.content
    content.on_eof(lambda: kept.over(None, content.total_bytes))
