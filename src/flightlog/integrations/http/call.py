"""One HTTP request as a program makes it: a span of kind `http`, and headers that say where it belongs.

A request that one library makes for another (`requests` over `urllib3`) is one request. Within a model's call it is
that call's raw form, of level `trace`; its headers then name the call's span. Headers that a program, or another
tracer, has put on a request stay as they are. Nothing here raises into the program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Final, Self

from flightlog.border import let_through
from flightlog.core import lasting
from flightlog.core.context import variable
from flightlog.core.engine import span
from flightlog.core.http import host_and_port, level_here, method_facts, short_name, shown_url
from flightlog.core.outcome import fault_of, status_of
from flightlog.core.redact import shortened
from flightlog.propagation import rules
from flightlog.propagation.inject import headers_here
from flightlog.records import http

Report = Callable[[str, Exception], object]
"""Takes what could not be done, and the failure; counts it and tells the user once."""

_THEIR_CLIENT: Final = '"kind":3,"scope":{"name":"opentelemetry.instrumentation.'
"""In the field `otel` of a span of kind CLIENT that the OpenTelemetry project's instrumentors tell."""
_LEAST_REFUSAL: Final = 400
_THEIRS: Final = frozenset({"traceparent", "b3", "x-b3-traceid"})
_BENEATH: Final = {"requests": ("requests", "urllib3"), "urllib3": ("urllib3",)}
"""Libraries that make a request of a library for it."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}

under_way: Final[ContextVar[Call | None]] = ContextVar("flightlog_http", default=None)
"""The request that is being made in this context."""


class Call:
    """A request on its way. As a `with` block: the time during which the library makes it."""

    __slots__ = ("_before", "_report", "_token", "deep", "headers", "is_over", "library", "resent", "span")

    def __init__(
        self, library: str, method: str, url: str, theirs: Mapping[Any, Any], report: Report
    ) -> None:
        """Begin it.

        Args:
            library: that makes it.
            method: of the request.
            url: whole, with scheme and host.
            theirs: headers that the request has already.
            report: told of what cannot be recorded.
        """
        self._report = report
        self.library = library
        self.is_over = False
        self.resent = 0
        self.deep = False
        """Whether a library underneath is at it."""
        self._token: Token[Call | None] | None = None
        facts = method_facts(method) | _place(url)
        made: Any = span(short_name(facts), kind="http", level=level_here())
        made.set_attributes({**facts, "flightlog.instrumentation": library})
        self.span = made
        self._before = lasting.here()
        self.headers: dict[str, str] = {}
        """What is to be added to the request."""
        made.__enter__()
        try:
            self.headers = _added(str(facts.get(http.SERVER_ADDRESS, "")), frozenset(map(_lower, theirs)))
        except BaseException:
            lasting.end(made)
            raise
        finally:
            lasting.put_back(made, self._before)

    def __enter__(self) -> Self:
        self._before = lasting.stand(self.span)
        self._token = under_way.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        lasting.put_back(self.span, self._before)
        if under_way.get() is self and self._token is not None:
            try:
                under_way.reset(self._token)
            except ValueError:  # left in another context, where nothing of it is left to put back
                under_way.set(None)
        if error is not None:
            self.step(self.end, error)

    def step(self, what: Callable[..., object], *args: Any) -> None:
        """Do one step of ours; a failure is reported, and the program goes on."""
        try:
            what(*args)
        except Exception as failure:  # noqa: BLE001 - the border: the answer must reach the program
            let_through(failure)
            lasting.end(self.span)
            self._report("a request could not be recorded", failure)

    def answered(self, status: int, *, version: str = "", redirects: int = 0) -> None:
        """The answer has begun."""
        facts: dict[str, object] = {http.STATUS_CODE: status}
        if version:
            facts[http.PROTOCOL_VERSION] = version.removeprefix("HTTP/")
        if redirects:
            facts["flightlog.http.redirects"] = redirects
        if self.resent:
            facts[http.RESEND_COUNT] = self.resent
        self.span.set_attributes(facts)
        if status >= _LEAST_REFUSAL:
            self.span.set_attributes({http.ERROR_TYPE: str(status)})
            self.span.fail(f"answered with status {status}", type=str(status))

    def again(self, reason: str) -> None:
        """The library sends it again."""
        self.resent += 1
        self.span.event("retry", level="warn", attempt=self.resent, reason=shortened(reason, 200))

    def end(self, error: BaseException | None = None, size: int | None = None) -> None:
        """End it, once: with its answer, or with what came instead."""
        if self.is_over:
            return
        self.is_over = True
        if size is not None:
            self.span.set_attributes({http.RESPONSE_SIZE: size})
        if error is not None and status_of(error) == "error":
            self.span.set_attributes({http.ERROR_TYPE: fault_of(error, brief=True)["type"]})
        lasting.end(self.span, error)


def enclosing(library: str) -> Call | None:
    """The request on whose behalf this library is at work here, if it is.

    A task that was started within a request may outlive it, and a hook may make requests of its own.
    """
    outer = under_way.get()
    if outer is None or outer.is_over or library not in _BENEATH.get(outer.library, ()):
        return None
    return outer


def begun(
    library: str, method: object, url: object, theirs: Mapping[Any, Any], report: Report
) -> Call | None:
    """Begin to record a request; None for one that is a part of another, or that cannot be recorded.

    One that an instrumentor of OpenTelemetry's which the program set up has begun to tell is told already.
    """
    if enclosing(library) is not None or _is_told():
        return None
    try:
        return Call(library, str(method), str(url), theirs, report)
    except Exception as failure:  # noqa: BLE001 - the border: the request must be made whatever we cannot do
        let_through(failure)
        report("a request could not be recorded", failure)
        return None


def _is_told() -> bool:
    above: Any = variable.get()
    return getattr(above, "_kind", "") == "http" and _THEIR_CLIENT in str(above._remote)  # noqa: SLF001 - the engine's


def _added(host: str, theirs: frozenset[str]) -> dict[str, str]:
    """The headers to add for the span that is current: none where the program or another tracer has its own."""
    if not rules.is_meant(host) or not _THEIRS.isdisjoint(theirs):
        return {}
    return {name: value for name, value in headers_here().items() if name.lower() not in theirs}


def _place(url: str) -> dict[str, object]:
    scheme, _, rest = url.partition("://")
    authority = rest.partition("/")[0].partition("?")[0].rpartition("@")[2]
    host, port = host_and_port(authority)
    facts: dict[str, object] = {http.URL: shown_url(url)}
    if host:
        facts[http.SERVER_ADDRESS] = host
        facts[http.SERVER_PORT] = port or _DEFAULT_PORTS.get(scheme.lower(), 0)
    return facts


def _lower(name: object) -> str:
    return (name.decode("latin-1") if isinstance(name, bytes) else str(name)).lower()
