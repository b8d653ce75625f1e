"""WSGI: any application of PEP 3333."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from flightlog.core.http import host_and_port, method_facts, shown_query
from flightlog.core.redact import shortened
from flightlog.middleware.options import Options
from flightlog.middleware.served import CancelledError, Served, guarded
from flightlog.records import http

StartResponse = Callable[..., Callable[[bytes], object]]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

_FRONT: Final = "HTTP_"
_PLAIN: Final = {"CONTENT_TYPE": "content-type", "CONTENT_LENGTH": "content-length"}
_ROUTES: Final = ("werkzeug.request", "bottle.route")


class WSGIMiddleware(Options):
    """Records each request of an application as a span of kind `http`, until its body has been sent."""

    app: Application

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        served: Served | None = None
        if not self.excludes(path):
            served = guarded(_begun, self, environ, path)
        if served is None:
            return self.app(environ, start_response)
        try:
            body = self.app(environ, _starting(served, environ, start_response))
        except BaseException as error:
            guarded(served.leave, error)
            raise
        if isinstance(body, (list, tuple)):
            served.sent += sum(map(len, body))
            guarded(served.leave)
            return body
        if _is_file(body, environ):  # a server sends these by itself, as it likes
            guarded(served.leave)
            return body
        guarded(served.step_out)
        return _Body(body, served)


class _Body:
    """A body that is made while it is sent: the request's span is current in each of its steps."""

    __slots__ = ("_body", "_iterator", "_served")

    def __init__(self, body: Iterable[bytes], served: Served) -> None:
        self._body = body
        self._iterator: Iterator[bytes] | None = None
        self._served = served

    def __iter__(self) -> _Body:
        return self

    def __next__(self) -> bytes:
        served = self._served
        guarded(served.step_in)
        try:
            if self._iterator is None:
                self._iterator = iter(self._body)
            piece = next(self._iterator)
        except StopIteration:
            guarded(served.end)
            raise
        except BaseException as error:
            guarded(served.end, error)
            raise
        finally:
            guarded(served.step_out)
        served.sent += len(piece)
        return piece

    def close(self) -> None:
        """The server wants no more, because it has all of it or because the client went away."""
        close = getattr(self._body, "close", None)
        guarded(self._served.step_in)
        try:
            if close is not None:
                close()
        finally:
            guarded(self._served.step_out)
            guarded(self._served.end, CancelledError("the client went away before it had the whole answer"))


def _starting(served: Served, environ: dict[str, Any], start_response: StartResponse) -> StartResponse:
    def starting(status: str, headers: list[tuple[str, str]], *args: Any) -> Callable[[bytes], object]:
        guarded(served.routed, _route(environ))
        told = guarded(_dressed, served, status, headers)
        write = start_response(status, headers if told is None else told, *args)

        def writing(data: bytes) -> object:
            served.sent += len(data)
            return write(data)

        return writing

    return starting


def _dressed(served: Served, status: str, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    lower = [(name.lower(), value) for name, value in headers]
    code = status[:3]
    served.answered(int(code) if code.isdigit() else 0, lower)
    return [*headers, *served.missing_from(name for name, _ in lower).items()]


def _begun(options: Options, environ: dict[str, Any], path: str) -> Served:
    headers = list(_headers(environ))
    return Served(options, headers, _facts(options, environ, path, dict(headers)))


def _headers(environ: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in environ.items():
        if name.startswith(_FRONT):
            yield name[len(_FRONT) :].replace("_", "-").lower(), str(value)
        elif name in _PLAIN and value:
            yield _PLAIN[name], str(value)


def _facts(
    options: Options, environ: dict[str, Any], path: str, headers: dict[str, str]
) -> dict[str, object]:
    scheme = environ.get("wsgi.url_scheme", "http")
    facts = method_facts(environ.get("REQUEST_METHOD", "GET"))
    facts |= {http.PATH: path, http.SCHEME: scheme}
    protocol = environ.get("SERVER_PROTOCOL", "")
    if protocol.startswith("HTTP/"):
        facts[http.PROTOCOL_VERSION] = protocol[5:]
    if options.query and environ.get("QUERY_STRING"):
        facts[http.QUERY] = shown_query(environ["QUERY_STRING"])
    host, port = host_and_port(headers.get("host") or environ.get("SERVER_NAME", ""))
    if host:
        facts[http.SERVER_ADDRESS] = host
        facts[http.SERVER_PORT] = port or int(environ.get("SERVER_PORT") or 0)
    if agent := headers.get("user-agent"):
        facts[http.USER_AGENT] = shortened(agent, 512)
    if options.client_address and environ.get("REMOTE_ADDR"):
        facts[http.CLIENT_ADDRESS] = environ["REMOTE_ADDR"]
    if (length := headers.get("content-length", "")).isdigit() and len(length) < 16:
        facts[http.REQUEST_SIZE] = int(length)
    return facts


def _route(environ: dict[str, Any]) -> str:
    """The route that a framework found, where it says so in the environment while it answers: Flask, Bottle."""
    rule: Any = None
    for name in _ROUTES:
        found = environ.get(name)
        rule = getattr(getattr(found, "url_rule", found), "rule", None) if found is not None else rule
    return rule if isinstance(rule, str) else ""


def _is_file(body: object, environ: dict[str, Any]) -> bool:
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(body, wrapper)
