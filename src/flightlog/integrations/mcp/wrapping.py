"""Puts the recorder into the `mcp` package, for every client and server or for single ones, and takes it away.

Everything that one end asks of the other goes through a dispatcher's `send_raw_request`, whatever the transport; what
a server is asked arrives at `ServerRunner._on_request`, and what a client is asked, at `dispatch_input_request` of its
session. These are wrapped. The package's own spans, which it tells through OpenTelemetry's API, are left out for
what we record, unless the program exports them.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from types import ModuleType
from typing import Any, Final

from flightlog.border import let_through
from flightlog.integrations.http.call import Report
from flightlog.integrations.http.methods import Replaced, Switch, Unfit
from flightlog.integrations.mcp.requests import (
    CLIENT,
    META,
    SERVER,
    Request,
    told_of_server,
    under_way,
)
from flightlog.integrations.on_import import when_imported

_SESSION: Final = "mcp.client.session"
_CLIENT: Final = "mcp.client.client"
_RUNNER: Final = "mcp.server.runner"
_LOWLEVEL: Final = "mcp.server.lowlevel.server"
_SERVER: Final = "mcp.server.mcpserver.server"
_DISPATCHERS: Final = {
    "mcp.shared.jsonrpc_dispatcher": ("JSONRPCDispatcher", "_JSONRPCDispatchContext"),
    "mcp.shared.direct_dispatcher": ("DirectDispatcher", "_DirectDispatchContext"),
}
"""Modules and their classes: what sends requests, and what a server reports its progress to."""
_TOOLS: Final = "mcp.server.mcpserver.tools.base"
_SPANS: Final = "mcp.server._otel"
_PARTS: Final = (*_DISPATCHERS, _SESSION, _RUNNER, _TOOLS, _SPANS)
_CLASSES: Final = (
    (_CLIENT, "Client"),
    (_SESSION, "ClientSession"),
    (_LOWLEVEL, "Server"),
    (_SERVER, "MCPServer"),
)
"""What can be recorded by itself."""
_HANDSHAKES: Final = frozenset({"initialize", "server/discover"})


class _Installed:
    """What of the package is ours at the moment."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.is_everywhere = False
        self.is_over = False
        self.single: dict[int, weakref.ref[Any]] = {}
        """Single objects, by their identity: clients are no keys."""
        self._servers: weakref.WeakKeyDictionary[Any, dict[str, str]] = weakref.WeakKeyDictionary()
        """What dispatchers of clients know of the other end."""
        self._replaced: list[Replaced] = []

    def begin(self) -> None:
        """Wrap what there is, each module as soon as it is imported."""
        for name in _PARTS:
            when_imported(name, partial(self._try, name))

    def end(self) -> None:
        """Leave everything as it was."""
        self.is_over = True
        while self._replaced:
            self._replaced.pop().restore()

    def holds(self, worker: object) -> bool:
        """Whether a dispatcher, a session or a server is recorded: all are, or one that it works for."""
        if self.is_everywhere:
            return True
        known = [one() for one in list(self.single.values())]
        return any(part is worker for one in known if one is not None for part in _parts(one))

    def _try(self, name: str, module: ModuleType) -> None:
        """Do what an import brings about, which must go on whatever we meet."""
        if self.is_over:
            return
        try:
            self._replaced.append(Replaced(self._methods(name, module)))
        except Exception as failure:  # noqa: BLE001 - the border: somebody's import is going on
            let_through(failure)
            self.report("it is not recorded", failure)

    def _methods(self, name: str, module: Any) -> list[tuple[Any, str, Callable[[Any, Switch], Any]]]:
        if name == _SESSION:
            return [(_class(module, "ClientSession"), "dispatch_input_request", self._asked)]
        if name == _RUNNER:
            return [(_class(module, "ServerRunner"), "_on_request", self._serving)]
        if name == _TOOLS:
            return [(_class(module, "Tool"), "run", _running)]
        if name == _SPANS:
            return [(module, "otel_span", self._silent)]
        dispatcher, context = (_class(module, one) for one in _DISPATCHERS[name])
        methods: list[tuple[Any, str, Callable[[Any, Switch], Any]]] = [
            (dispatcher, "send_raw_request", self._sending),
            (context, "progress", self._progressing),
        ]
        if hasattr(dispatcher, "_allocate_id"):  # without it only the id is not known
            methods.append((dispatcher, "_allocate_id", _numbering))
        if hasattr(module, "otel_span"):
            methods.append((module, "otel_span", self._silent))
        if hasattr(module, "inject_trace_context"):
            methods.append((module, "inject_trace_context", _injecting))
        return methods

    def _guarded(self, step: Callable[..., Any], *args: Any) -> Any:
        """Do one step of ours; a failure is reported, and the request is made or served all the same."""
        try:
            return step(*args)
        except Exception as failure:  # noqa: BLE001 - the border: the program must go on
            let_through(failure)
            self.report("a request could not be recorded", failure)
            return None

    def _sending(self, original: Any, switch: Switch) -> Any:
        async def send_raw_request(
            dispatcher: Any, method: str, params: Any, opts: Any = None, **kwargs: Any
        ) -> Any:
            asked = self._guarded(self._ask, dispatcher, method, params, opts) if switch.on else None
            if asked is None:
                return await original(dispatcher, method, params, opts, **kwargs)
            with asked:
                result = await original(dispatcher, method, asked.sent(), _watched(asked, opts), **kwargs)
                asked.answered(result)
                if method in _HANDSHAKES:
                    self._guarded(self._shook_hands, dispatcher, result)
            return result

        return send_raw_request

    def _ask(self, dispatcher: Any, method: str, params: Any, opts: Any) -> Request | None:
        within = under_way.get()
        if not self.holds(dispatcher) and (within is None or within.side != SERVER or not within.is_open):
            return None
        known = self._servers.get(dispatcher, {})
        return Request(CLIENT, method, params, self.report, request=(opts or {}).get("request_id"), **known)

    def _shook_hands(self, dispatcher: Any, result: Any) -> None:
        self._servers[dispatcher] = told_of_server(result)

    def _serving(self, original: Any, switch: Switch) -> Any:
        async def on_request(runner: Any, dctx: Any, method: str, params: Any) -> Any:
            served = self._guarded(self._serve, runner, dctx, method, params) if switch.on else None
            if served is None:
                return await original(runner, dctx, method, params)
            with served:
                result = await original(runner, dctx, method, params)
                served.answered(result)
            return result

        return on_request

    def _serve(self, runner: Any, dctx: Any, method: str, params: Any) -> Request | None:
        if not self.holds(runner.server):
            return None
        return Request(SERVER, method, params, self.report, **_told(runner, dctx))

    def _asked(self, original: Any, switch: Switch) -> Any:
        async def dispatch_input_request(session: Any, ctx: Any, request: Any) -> Any:
            served = self._guarded(self._serve_client, session, ctx, request) if switch.on else None
            if served is None:
                return await original(session, ctx, request)
            with served:
                answer = await original(session, ctx, request)
                if hasattr(answer, "code") and hasattr(answer, "message"):
                    served.refused(answer.code, answer.message)
                else:
                    served.answered(self._guarded(_wire, answer))
            return answer

        return dispatch_input_request

    def _serve_client(self, session: Any, ctx: Any, request: Any) -> Request | None:
        if not self.holds(session):
            return None
        params, meta = _wire(getattr(request, "params", None)), _wire(getattr(ctx, "meta", None))
        number = getattr(ctx, "request_id", None)
        return Request(SERVER, str(request.method), {**params, META: meta}, self.report, request=number)

    def _silent(self, original: Any, switch: Switch) -> Any:
        """The package's own span of what is told already, or of a notification, which is not worth one here.

        One without a provider would still make the place current that it knows of, and hide ours.
        """

        def otel_span(name: str, *, kind: Any, attributes: Any = None, **rest: Any) -> Any:
            side = str(getattr(kind, "name", "")).lower()
            method = str((attributes or {}).get("mcp.method.name", ""))
            here = under_way.get()
            is_told = here is not None and here.is_open and (here.side, here.method) == (side, method)
            is_told |= self.is_everywhere and method.startswith("notifications/")
            if not (switch.on and is_told) or _is_exported():
                return original(name, kind=kind, attributes=attributes, **rest)
            return nullcontext(sys.modules["opentelemetry.trace"].INVALID_SPAN)

        return otel_span

    def _progressing(self, original: Any, switch: Switch) -> Any:
        async def progress(dctx: Any, progress: Any, *args: Any, **kwargs: Any) -> Any:
            served = under_way.get()
            if switch.on and served is not None and served.side == SERVER and served.is_open:
                served.progress(progress, *args, **kwargs)
            return await original(dctx, progress, *args, **kwargs)

        return progress


def _class(module: Any, name: str) -> Any:
    found = getattr(module, name, None)
    if found is None:
        raise Unfit(f"it has no {module.__name__}.{name}")
    return found


def _numbering(original: Any, switch: Switch) -> Any:
    def allocate_id(dispatcher: Any) -> Any:
        number = original(dispatcher)
        asked = under_way.get()
        if switch.on and asked is not None and asked.side == CLIENT and asked.is_open:
            asked.numbered(number)
        return number

    return allocate_id


def _injecting(original: Any, switch: Switch) -> Any:
    """The package writes what OpenTelemetry has as current: where nobody records that, the request is ours alone."""

    def inject_trace_context(meta: dict[str, Any]) -> None:
        original(meta)
        asked = under_way.get()
        if switch.on and asked is not None and asked.side == CLIENT and asked.is_open and not _is_exported():
            meta.update(asked.place())

    return inject_trace_context


def _is_exported() -> bool:
    """Whether a provider of the program's takes the package's own spans, so that their ids are what others know."""
    trace: Any = sys.modules.get("opentelemetry.trace")
    provider = None if trace is None else trace.get_tracer_provider()
    return provider is not None and not type(provider).__module__.startswith(
        ("opentelemetry.trace", "flightlog.")
    )


def _running(original: Any, switch: Switch) -> Any:
    """A server's answer tells nothing of what a tool raised; its span does."""

    async def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return await original(*args, **kwargs)
        except Exception as error:
            served = under_way.get()
            if switch.on and served is not None and served.side == SERVER and served.is_open:
                served.raised(error.__cause__ or error)
            raise

    return run


def _watched(asked: Request, opts: Any) -> Any:
    """The options of a request; what is told of its progress is recorded on the way to the program."""
    told = (opts or {}).get("on_progress")
    if told is None:
        return opts

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        asked.progress(progress, total, message)
        await told(progress, total, message)

    return {**opts, "on_progress": on_progress}


def _told(runner: Any, dctx: Any) -> dict[str, object]:
    """What a server knows of the connection that a request came through."""
    connection = getattr(runner, "connection", None)
    return {
        "server": getattr(runner.server, "name", None),
        "version": getattr(connection, "protocol_version", None),
        "session": getattr(connection, "session_id", None),
        "request": getattr(dctx, "request_id", None),
    }


def _wire(value: Any) -> dict[str, Any]:
    """A message in the form in which it is sent."""
    if isinstance(value, Mapping):
        return dict(value)
    dump = getattr(value, "model_dump", None)
    return {} if dump is None else dict(dump(by_alias=True, mode="json", exclude_none=True))


def _parts(client: Any) -> tuple[Any, ...]:
    """What works for an object that is recorded by itself: its session and dispatcher, or its server."""
    session = getattr(client, "_session", client)
    server = getattr(client, "_lowlevel_server", client)
    return client, session, getattr(session, "_dispatcher", None), server


_installed: _Installed | None = None


def wrap(module: ModuleType, report: Report) -> None:  # noqa: ARG001 - the parts of it are waited for by name
    """Record every client and server, from their next request on; twice is harmless."""
    _installation(report).is_everywhere = True


def unwrap(module: ModuleType) -> None:  # noqa: ARG001 - as above
    """Leave the package as it was."""
    if _installed is not None:
        _installed.is_everywhere = False
        _leave_if_unused()


def is_client(module: ModuleType, value: object) -> bool:  # noqa: ARG001 - as above
    """Whether this is a client, a session of one, or a server."""
    kinds = (getattr(sys.modules.get(name), kind, None) for name, kind in _CLASSES)
    return isinstance(value, tuple(kind for kind in kinds if isinstance(kind, type)))


def wrap_client(client: Any, report: Report) -> bool:
    """Record the requests of one object. False if it is recorded already."""
    installed = _installation(report)
    if id(client) in installed.single:
        return False
    key = id(client)
    installed.single[key] = weakref.ref(client, lambda _: installed.single.pop(key, None))
    return True


def unwrap_client(client: Any) -> None:
    """Leave one object as it was."""
    if _installed is not None and _installed.single.pop(id(client), None) is not None:
        _leave_if_unused()


def _installation(report: Report) -> _Installed:
    global _installed  # noqa: PLW0603 - as global as what is replaced
    if _installed is None:
        _installed = _Installed(report)
        _installed.begin()
    return _installed


def _leave_if_unused() -> None:
    global _installed  # noqa: PLW0603 - as above
    if _installed is not None and not _installed.is_everywhere and not _installed.single:
        _installed.end()
        _installed = None
