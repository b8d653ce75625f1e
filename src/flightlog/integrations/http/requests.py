"""requests: `Session.send`, through which every request of its goes, redirects included.

What is sent underneath with urllib3 is the same request. One that is streamed (`stream=True`) ends with its headers:
who reads its body, and when, is not known here.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from flightlog.integrations.http.call import Call, Report, begun
from flightlog.integrations.http.methods import Replaced, Switch

_replaced: list[Replaced] = []


def wrap(module: Any, report: Report) -> None:
    """Record every session; twice is harmless.

    Raises:
        Unfit: the package is another than this wrapper knows; nothing was changed.
    """
    if _replaced and _replaced[0].fits(module.Session):
        return
    unwrap(module)
    _replaced.append(
        Replaced([(module.Session, "send", lambda original, switch: _sending(original, switch, report))])
    )


def unwrap(module: ModuleType) -> None:  # noqa: ARG001 - the classes are those that were wrapped, of an earlier one too
    """Leave the package as it was."""
    while _replaced:
        _replaced.pop().restore()


def is_client(_module: ModuleType, _value: object) -> bool:
    """Single sessions are not recorded by themselves."""
    return False


def _sending(original: Any, switch: Switch, report: Report) -> Any:
    def send(self: Any, request: Any, **kwargs: Any) -> Any:
        call = begun("requests", request.method, request.url, request.headers, report) if switch.on else None
        if call is None:
            return original(self, request, **kwargs)
        call.step(request.headers.update, call.headers)
        try:
            with call:
                response = original(self, request, **kwargs)
        finally:
            call.step(_without, request, call)
        call.step(_finished, call, response, bool(kwargs.get("stream")))
        return response

    return send


def _without(request: Any, call: Call) -> None:
    """The request is the program's: it may be sent again."""
    for name in call.headers:
        request.headers.pop(name, None)


def _finished(call: Call, response: Any, is_streamed: bool) -> None:
    call.answered(response.status_code, redirects=len(response.history))
    if is_streamed:
        call.span.set_attributes({"flightlog.http.streamed": True})
    call.end(None, None if is_streamed else len(response.content))
