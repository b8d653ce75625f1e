"""One request of the Model Context Protocol as one end of it sees it: a span, and in `_meta` where it belongs.

A request is told at both ends. Where the client's place came along, the tool call is the client's span, and the server
tells of its own end as a `function`, so that the call counts once. Nothing here raises into the program.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Final, Self

from flightlog.border import let_through
from flightlog.core.context import OPEN, variable
from flightlog.core.engine import span
from flightlog.core.outcome import fault_of, status_of
from flightlog.integrations.http.call import Report
from flightlog.propagation.extract import Extracted, extract
from flightlog.propagation.inject import headers_at
from flightlog.records.genai import ERROR_TYPE

CALL: Final = "tools/call"
META: Final = "_meta"
CLIENT: Final = "client"
SERVER: Final = "server"

_NAMES: Final = frozenset({"traceparent", "tracestate", "baggage"})
"""Members of `_meta` that say where a request belongs, as the specification has it (SEP-414)."""
_VERSION: Final = "io.modelcontextprotocol/protocolVersion"
_SERVER: Final = "io.modelcontextprotocol/serverInfo"
_REFUSED: Final = "tool_error"
"""OpenTelemetry's `error.type` of a tool whose result says that it failed."""
_MOST_PROGRESS: Final = 200
_MOST_WORDS: Final = 1000
_INVALID: Final = "-32602"
"""What a server answers to parameters that do not fit."""

under_way: Final[ContextVar[Request | None]] = ContextVar("flightlog_mcp", default=None)
"""The request that is asked or served in this context."""


class Request:
    """One request. As a `with` block: the time from when it is sent, or arrives, until it is answered."""

    __slots__ = (
        *("_came", "_has_failed", "_joined", "_progress", "_report", "_token"),
        *("made", "method", "params", "side"),
    )

    def __init__(
        self, side: str, method: str, params: Mapping[str, Any] | None, report: Report, **facts: object
    ) -> None:
        """Prepare.

        Args:
            side: which end this is, `CLIENT` or `SERVER`.
            method: of the protocol.
            params: as they are on the wire.
            report: told of what cannot be recorded.
            **facts: of the connection: `server`, `version`, `session`, `request`.
        """
        self.side = side
        self.method = method
        self.params: dict[str, Any] = dict(params or {})
        self._report = report
        self._token: Token[Request | None] | None = None
        self._progress = 0
        self._has_failed = False
        given = self.params.get(META)
        self._came = dict(given) if isinstance(given, Mapping) else {}
        # Where `_meta` names no place the one that is current goes on.
        placed = side == SERVER and any(name in self._came for name in _NAMES)
        self._joined: Extracted | None = None
        if placed:
            self._joined = extract({name: self._came[name] for name in _NAMES if name in self._came})
        target = self._target()
        made = span(f"{method} {target}".strip(), kind=self._kind(target))
        made.set_attributes({**_facts(side, method, target), **_connection(facts, self._came)})
        said = {name: value for name, value in self.params.items() if name != META}
        if method == CALL:
            said = said.get("arguments") or {}
        if said:
            made.input = said
        self.made: Any = made

    def _target(self) -> str:
        """What is called, read or asked for."""
        found = self.params.get("name", self.params.get("uri"))
        return str(found)[:200] if isinstance(found, str) else ""

    def _kind(self, target: str) -> str:
        if self.method != CALL or self._joined:
            return "function"
        above: Any = variable.get()
        is_told = getattr(above, "_kind", "") == "tool" and str(getattr(above, "_name", "")).endswith(target)
        return "function" if is_told and self.side == CLIENT else "tool"

    @property
    def is_open(self) -> bool:
        """Whether it is still on its way, here."""
        return getattr(self.made, "_state", None) == OPEN

    def __enter__(self) -> Self:
        if self._joined is not None:
            self._joined.__enter__()
        self.made.__enter__()
        self._token = under_way.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._token is not None:
            under_way.reset(self._token)
        if error is not None and status_of(error) == "error":
            self._guarded(self._failed, error)
        self.made.__exit__(kind, error, trace)
        if self._joined is not None:
            self._joined.__exit__(kind, error, trace)

    def sent(self) -> dict[str, Any] | None:
        """The parameters with the place of this request in them, as the package itself puts a place there.

        A server that asks its client hands on the `_meta` that came: what that says of the place is not its own.
        """
        told = self.place()
        return {**self.params, META: {**self._came, **told}} if told else self.params or None

    def place(self) -> dict[str, str]:
        """Where this request belongs, as members of `_meta`."""
        try:
            return {name: value for name, value in headers_at(self.made).items() if name in _NAMES}
        except Exception as failure:  # noqa: BLE001 - the border: the request must be sent
            let_through(failure)
            self._report("a request could not say where it belongs", failure)
            return {}

    def answered(self, result: object) -> None:
        """Its answer is there, as it is on the wire; one that says that it failed is an error."""
        self._guarded(self._answer, result)

    def refused(self, code: object, message: object) -> None:
        """It was answered with an error of the protocol, which is no exception here."""
        self._guarded(self._refuse, str(code), str(message))

    def numbered(self, request_id: object) -> None:
        """The client has given it an id."""
        self.made.set_attributes({"jsonrpc.request.id": str(request_id)})

    def progress(self, progress: object, total: object = None, message: object = None) -> None:
        """The server has said how far it is; the first of many are events."""
        self._progress += 1
        if self._progress <= _MOST_PROGRESS:
            told = {"progress": progress, "total": total, "message": message}
            self._guarded(self._happened, {name: value for name, value in told.items() if value is not None})

    def raised(self, error: BaseException) -> None:
        """The tool has raised this, of which the answer need not tell."""
        if status_of(error) == "error":
            self._has_failed = True
            self._guarded(self.made.fail, error)

    def _happened(self, told: dict[str, Any]) -> None:
        self.made.event("progress", **told)

    def _answer(self, result: object) -> None:
        if not isinstance(result, Mapping):
            return
        said = {name: value for name, value in result.items() if name not in (META, "resultType")}
        if said:
            self.made.output = said
        if self.method == CALL and result.get("isError") is True:
            self.made.set_attributes({ERROR_TYPE: _REFUSED})
            if not self._has_failed:
                self.made.fail(_words(result.get("content")) or "the tool failed", type=_REFUSED)
        if result.get("resultType") == "input_required":
            self.made.set_attributes({"mcp.result.type": "input_required"})

    def _failed(self, error: BaseException) -> None:
        told = getattr(error, "error", None)
        code = getattr(told, "code", None)
        if code is None and type(error).__name__ == "ValidationError" and self.side == SERVER:
            code = _INVALID
        if code is None:
            self.made.set_attributes({ERROR_TYPE: fault_of(error, brief=True)["type"]})
        else:
            self.made.set_attributes({ERROR_TYPE: str(code), "rpc.response.status_code": str(code)})

    def _refuse(self, code: str, message: str) -> None:
        self.made.set_attributes({ERROR_TYPE: code, "rpc.response.status_code": code})
        self.made.fail(message, type=code)

    def _guarded(self, step: Any, *args: Any) -> None:
        try:
            step(*args)
        except Exception as failure:  # noqa: BLE001 - the border: the answer must reach the program
            let_through(failure)
            self._report("a request could not be recorded", failure)


def _facts(side: str, method: str, target: str) -> dict[str, object]:
    """What the request itself says, by OpenTelemetry's names where there are any."""
    facts: dict[str, object] = {
        "mcp.method.name": method,
        "flightlog.mcp.side": side,
        "flightlog.instrumentation": "mcp",
    }
    if not target:
        return facts
    if method == CALL:
        facts |= {"gen_ai.tool.name": target, "gen_ai.operation.name": "execute_tool"}
    elif method == "prompts/get":
        facts["gen_ai.prompt.name"] = target
    elif method.startswith("resources/"):
        facts["mcp.resource.uri"] = target
    return facts


def _connection(facts: Mapping[str, object], meta: Mapping[str, Any]) -> dict[str, object]:
    names = {
        "server": "mcp.server.name",
        "version": "mcp.protocol.version",
        "session": "mcp.session.id",
        "request": "jsonrpc.request.id",
    }
    given = {"version": meta.get(_VERSION), **{name: value for name, value in facts.items() if value}}
    return {names[name]: str(value) for name, value in given.items() if value is not None and name in names}


def told_of_server(result: object) -> dict[str, str]:
    """What the answer to a handshake says of the server: `server`, its name, and the protocol's `version`."""
    if not isinstance(result, Mapping):
        return {}
    meta = result.get(META)
    info = result.get("serverInfo") or (meta.get(_SERVER) if isinstance(meta, Mapping) else None)
    found = {
        "server": info.get("name") if isinstance(info, Mapping) else None,
        "version": result.get("protocolVersion"),
    }
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _words(content: object) -> str:
    """The text in the content of a result."""
    parts = content if isinstance(content, list) else []
    texts = [
        part["text"] for part in parts if isinstance(part, Mapping) and isinstance(part.get("text"), str)
    ]
    return "\n".join(texts)[:_MOST_WORDS]
