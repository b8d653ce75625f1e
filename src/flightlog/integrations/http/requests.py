"""requests: `Session.send`, through which every request of its goes, redirects included.

What is sent underneath with urllib3 is the same request. One that is streamed (`stream=True`) ends when its body was
read or closed, or when its answer is dropped.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, Final

from flightlog.integrations.http.call import Call, Report, begun
from flightlog.integrations.http.methods import Replaced, Singles, Switch
from flightlog.integrations.http.pooled import answers, bodies, end_with_body

_NAME: Final = "requests"

_replaced: list[Replaced] = []
_singles: Final = Singles(lambda _: bool(_replaced))


def wrap(module: Any, report: Report) -> None:
    """Record every session; twice is harmless.

    Raises:
        Unfit: the package is another than this wrapper knows; nothing was changed.
    """
    if _replaced and _replaced[0].fits(module.Session):
        return
    unwrap(module)
    bodies.use(answers(), _NAME)
    _replaced.append(
        Replaced([(module.Session, "send", lambda original, switch: _sending(original, switch, report))])
    )


def unwrap(module: ModuleType) -> None:  # noqa: ARG001 - the classes are those that were wrapped, of an earlier one too
    """Leave the package as it was."""
    while _replaced:
        _replaced.pop().restore()
    bodies.drop(_NAME)


def is_client(module: Any, value: object) -> bool:
    """Whether this is a session."""
    return isinstance(value, module.Session)


def wrap_client(client: Any, report: Report) -> bool:
    """Record one session; False if that is so already."""
    bodies.use(answers(), _singles)
    return _singles.put(client, "send", lambda original, switch: _sending(original, switch, report))


def unwrap_client(client: Any) -> None:
    """Leave one session as it was."""
    _singles.take_back(client)
    if _singles.are_none:
        bodies.drop(_singles)


def _sending(original: Any, switch: Switch, report: Report) -> Any:
    def send(self: Any, request: Any, **kwargs: Any) -> Any:
        call = begun(_NAME, request.method, request.url, request.headers, report) if switch.on else None
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
        end_with_body(call, response.raw)
    else:
        call.end(None, len(response.content))
