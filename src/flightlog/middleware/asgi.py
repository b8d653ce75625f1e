"""ASGI: HTTP and WebSockets of any framework, and of none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from flightlog.core.http import host_and_port, method_facts, shown_query
from flightlog.core.redact import shortened
from flightlog.middleware.options import Options
from flightlog.middleware.served import CancelledError, Served, guarded
from flightlog.records import http

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Receive, Send], Awaitable[None]]

_SWITCHED: Final = 101
_REFUSED: Final = 403
_LOST: Final = 1006
"""The connection broke without a word."""
_SERVER_FAILED: Final = 1011
_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class ASGIMiddleware(Options):
    """Records each request of an application as a span of kind `http`, and each WebSocket for as long as it is open.

    Wrap the application (`app = ASGIMiddleware(app)`) or add it the framework's way
    (`app.add_middleware(ASGIMiddleware, exclude="/health")`).
    """

    app: Application

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        kind = scope["type"]
        if kind not in {"http", "websocket"} or self.excludes(scope.get("path", "")):
            await self.app(scope, receive, send)
            return
        served: Served | None = guarded(_begun, self, scope)
        if served is None:
            await self.app(scope, receive, send)
            return
        exchange = _Request(served, scope) if kind == "http" else _Socket(served, scope)
        try:
            await self.app(scope, exchange.receiving(receive), exchange.sending(send))
        except BaseException as error:
            guarded(exchange.leave, error)
            raise
        guarded(exchange.leave, None)


class _Exchange:
    """What passes between server and application, looked at and handed on."""

    def __init__(self, served: Served, scope: Any) -> None:
        self.served = served
        self._scope = scope
        self._outer_path = scope.get("root_path", "")

    def receiving(self, receive: Receive) -> Receive:
        """What the application receives with."""

        async def receiving() -> Message:
            message = await receive()
            guarded(self.received, message)
            return message

        return receiving

    def sending(self, send: Send) -> Send:
        """What the application sends with."""

        async def sending(message: Message) -> None:
            message = guarded(self.dressed, message) or message
            await send(message)
            guarded(self.sent, message)

        return sending

    def received(self, message: Message) -> None:
        """Look at what the application is given."""

    def dressed(self, message: Message) -> Message:
        """What goes out in the place of a message."""
        return message

    def sent(self, message: Message) -> None:
        """Look at what has gone out."""

    def end(self, error: BaseException | None = None, facts: dict[str, object] | None = None) -> None:
        """End the span, once."""
        self.served.routed(_route(self._scope, self._outer_path))
        self.served.end(error, facts)

    def leave(self, error: BaseException | None) -> None:
        """The application is done."""
        self.served.routed(_route(self._scope, self._outer_path))
        self.served.leave(error)

    def _with_answer(self, message: Message) -> Message:
        headers = list(message.get("headers") or ())
        added = self.served.missing_from(_text(name).lower() for name, _ in headers)
        return {
            **message,
            "headers": [
                *headers,
                *((name.lower().encode(), value.encode()) for name, value in added.items()),
            ],
        }


class _Request(_Exchange):
    """One HTTP request."""

    _trailers = False

    def received(self, message: Message) -> None:
        if message["type"] == "http.request":
            self.served.received += len(message.get("body", b""))
        elif message["type"] == "http.disconnect" and not self.served.is_over and not self.served.has_failed:
            self.end(CancelledError("the client went away before it had the whole answer"))

    def dressed(self, message: Message) -> Message:
        return self._with_answer(message) if message["type"] == "http.response.start" else message

    def sent(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            self._trailers = bool(message.get("trailers"))
            self.served.answered(message["status"], _headers_of(message))
        elif kind == "http.response.body":
            self.served.sent += len(message.get("body", b""))
            self._finish(is_last=not message.get("more_body") and not self._trailers)
        elif kind == "http.response.pathsend":
            self._finish(is_last=True)
        elif kind == "http.response.trailers":
            self._finish(is_last=not message.get("more_trailers"))

    def _finish(self, *, is_last: bool) -> None:
        """An answer that says that the server failed is often followed by the exception that tells why."""
        if is_last and not self.served.has_failed:
            self.end()


class _Socket(_Exchange):
    """One WebSocket."""

    _is_open = False
    _received = _sent = 0

    def received(self, message: Message) -> None:
        if message["type"] == "websocket.receive":
            self._received += 1
            self.served.received += _size(message)
        elif message["type"] == "websocket.disconnect":
            self._close(message.get("code", 1005), message.get("reason"))

    def dressed(self, message: Message) -> Message:
        if message["type"] in {"websocket.accept", "websocket.http.response.start"}:
            return self._with_answer(message)
        return message

    def sent(self, message: Message) -> None:
        kind = message["type"]
        if kind == "websocket.accept":
            self._is_open = True
            self.served.answered(_SWITCHED, _headers_of(message))
        elif kind == "websocket.send":
            self._sent += 1
            self.served.sent += _size(message)
        elif kind == "websocket.close":
            if not self._is_open:
                self.served.answered(_REFUSED, ())
            self._close(message.get("code", 1000), message.get("reason"))
        elif kind == "websocket.http.response.start":
            self.served.answered(message["status"], _headers_of(message))
        elif kind == "websocket.http.response.body" and not message.get("more_body"):
            self.end()

    def leave(self, error: BaseException | None) -> None:
        self.served.span.set_attributes(self._counts())
        super().leave(error)

    def _close(self, code: int, reason: object) -> None:
        facts = {"flightlog.websocket.close_code": code, **self._counts()}
        if reason:
            facts["flightlog.websocket.close_reason"] = shortened(str(reason), 256)
        if code == _SERVER_FAILED and not self.served.is_over:
            self.served.span.fail(f"closed with code {code}", type=str(code))
        gone = CancelledError("the connection broke") if code == _LOST else None
        self.end(gone, facts)

    def _counts(self) -> dict[str, object]:
        return {"flightlog.websocket.received": self._received, "flightlog.websocket.sent": self._sent}


def _begun(options: Options, scope: Any) -> Served:
    headers = [(_text(name).lower(), _text(value)) for name, value in scope.get("headers") or ()]
    return Served(options, headers, _facts(options, scope, dict(headers)))


def _facts(options: Options, scope: Any, headers: dict[str, str]) -> dict[str, object]:
    scheme = scope.get("scheme", "http")
    facts = method_facts(scope.get("method", "GET"))
    facts |= {http.PATH: scope.get("path", ""), http.SCHEME: scheme}
    if version := scope.get("http_version"):
        facts[http.PROTOCOL_VERSION] = version
    if scope["type"] == "websocket":
        facts[http.PROTOCOL] = "websocket"
    query = scope.get("query_string") or b""
    if query and options.query:
        facts[http.QUERY] = shown_query(_text(query))
    server = scope.get("server") or ("", None)
    host, port = host_and_port(headers["host"]) if headers.get("host") else (server[0], server[1])
    if host:
        facts[http.SERVER_ADDRESS] = host
        facts[http.SERVER_PORT] = port or _DEFAULT_PORTS.get(scheme, 0)
    if agent := headers.get("user-agent"):
        facts[http.USER_AGENT] = shortened(agent, 512)
    if options.client_address and scope.get("client"):
        facts[http.CLIENT_ADDRESS] = scope["client"][0]
    return facts


def _route(scope: Any, outer_path: str) -> str:
    """The route that a framework found, where it says so in the scope: Starlette, FastAPI, Litestar and others do."""
    route = scope.get("route")
    path = getattr(route, "path_format", None) or getattr(route, "path", None) or scope.get("path_template")
    if not isinstance(path, str):
        return ""
    mounted = scope.get("root_path", "").removeprefix(outer_path)
    return f"{mounted}{path}" if mounted and not path.startswith(mounted) else path


def _headers_of(message: Message) -> list[tuple[str, str]]:
    return [(_text(name).lower(), _text(value)) for name, value in message.get("headers") or ()]


def _size(message: Message) -> int:
    data = message.get("bytes")
    return len(data) if data is not None else len((message.get("text") or "").encode("utf-8", "replace"))


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
