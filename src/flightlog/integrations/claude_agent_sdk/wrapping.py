"""Puts the recorder into the Claude Agent SDK, for every connection or for those of single clients, and takes it away.

The SDK speaks with a `claude` program through a transport: what it writes there and reads from there is all there is to
know. A connection is met when it begins to be read; the run of `query` begins earlier, where the program is started.
The trace is handed on to the program in its environment, as the SDK itself does where OpenTelemetry's API is installed.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextvars import ContextVar
from importlib import import_module
from types import ModuleType
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core import rerun
from flightlog.core.context import OPEN, variable
from flightlog.core.engine import Span, span
from flightlog.integrations.claude_agent_sdk.conversation import Conversation
from flightlog.integrations.claude_agent_sdk.spans import INSTRUMENTATION, LIBRARY, within
from flightlog.integrations.claude_agent_sdk.turn import Turn, new_turn
from flightlog.integrations.http.methods import Replaced, Switch, Unfit
from flightlog.integrations.installation import Installation, Installed
from flightlog.propagation.inject import headers_at

Report = Callable[[str, Exception], object]

_VARIABLES: Final = {"traceparent": "TRACEPARENT", "tracestate": "TRACESTATE"}
_CONVERSATION: Final = "_flightlog_conversation"
_SEEN: Final = ('"user"', '"interrupt"')
"""Texts of which one is in every line to the program that says something for us."""

_run: Final[ContextVar[Turn | None]] = ContextVar("flightlog_claude_run", default=None)
"""The run of `query` whose connection is being made."""
_client: Final[ContextVar[Any]] = ContextVar("flightlog_claude_client", default=None)
"""The client whose connection is being made."""


class _Installed(Installed):
    """What of the SDK is ours at the moment."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self._report = report
        query, transport, inner = (
            import_module(f"{LIBRARY}._internal.{name}")  # the SDK's own, which it has imported itself
            for name in ("query", "transport.subprocess_cli", "client")
        )
        self._replaced = Replaced(
            [
                (_class(inner, "InternalClient"), "process_query", self._running),
                (_class(sys.modules[LIBRARY], "ClaudeSDKClient"), "connect", self._connecting),
                (_class(query, "Query"), "start", self._starting),
                (_class(query, "Query"), "_handle_control_request", self._handling),
                (_class(transport, "SubprocessCLITransport"), "connect", self._handing_on),
            ]
        )

    def end(self) -> None:
        """Leave everything as it was."""
        self._replaced.restore()

    def _guarded(self, step: Callable[..., Any], *args: Any) -> Any:
        try:
            return step(*args)
        except Exception as failure:  # noqa: BLE001 - the border: the program's own work must go on
            let_through(failure)
            self._report("something could not be recorded", failure)
            return None

    def _running(self, original: Any, switch: Switch) -> Any:
        def process_query(client: Any, *args: Any, **kwargs: Any) -> Any:
            if switch.on and self.is_everywhere:
                _refuse_again()
                return self._run_of(original(client, *args, **kwargs))
            return original(client, *args, **kwargs)

        return process_query

    async def _run_of(self, source: Any) -> AsyncIterator[Any]:
        """The messages of `query`; its run is current while the next one is waited for."""
        turn = self._guarded(_begin_run, variable.get())
        made = None if turn is None else turn.made
        error: BaseException | None = None
        try:
            while True:
                before = _run.get()
                _run.set(turn)
                try:
                    with within(made if made is not None else variable.get()):
                        message = await anext(source)
                except StopAsyncIteration:
                    return
                finally:
                    _run.set(before)
                yield message
        except GeneratorExit:
            raise
        except BaseException as failure:
            error = failure
            raise
        finally:
            try:
                await source.aclose()
            finally:
                if turn is not None:
                    self._guarded(turn.end, error)

    def _connecting(self, original: Any, switch: Switch) -> Any:
        async def connect(client: Any, *args: Any, **kwargs: Any) -> Any:
            if not switch.on:
                return await original(client, *args, **kwargs)
            if self.is_everywhere or self.holds(client):
                _refuse_again()
            before = _client.get(), _run.get()
            _client.set(client)
            _run.set(None)
            try:
                return await original(client, *args, **kwargs)
            finally:
                _client.set(before[0])
                _run.set(before[1])

        return connect

    def _is_wanted(self) -> bool:
        client = _client.get()
        return self.is_everywhere or (client is not None and self.holds(client))

    def _starting(self, original: Any, switch: Switch) -> Any:
        async def start(query: Any, *args: Any, **kwargs: Any) -> Any:
            if switch.on and self._is_wanted():
                self._guarded(self._follow, query, switch)
            return await original(query, *args, **kwargs)

        return start

    def _follow(self, query: Any, switch: Switch) -> None:
        if getattr(query, _CONVERSATION, None) is not None:
            return
        turn = _run.get()
        transport = query.transport
        conversation = Conversation(variable.get(), turn, resumes=_resumed(transport))
        write, read = transport.write, transport.read_messages

        async def writing(data: str, *args: Any, **kwargs: Any) -> Any:
            if switch.on:
                self._guarded(_note_written, conversation, data)
            return await write(data, *args, **kwargs)

        def reading(*args: Any, **kwargs: Any) -> Any:
            return self._read(read(*args, **kwargs), conversation, switch)

        transport.write, transport.read_messages = writing, reading
        setattr(query, _CONVERSATION, conversation)

    async def _read(self, source: Any, conversation: Conversation, switch: Switch) -> AsyncIterator[Any]:
        error: BaseException | None = None
        try:
            async for message in source:
                if switch.on and isinstance(message, Mapping):
                    self._guarded(conversation.came, message)
                yield message
        except GeneratorExit:
            raise
        except BaseException as failure:
            error = failure
            raise
        finally:
            self._guarded(conversation.close, error)
            close = getattr(source, "aclose", None)
            if close is not None:
                await close()

    def _handling(self, original: Any, switch: Switch) -> Any:
        async def handle(query: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            conversation = getattr(query, _CONVERSATION, None)
            if not switch.on or conversation is None:
                return await original(query, request, *args, **kwargs)
            asked = request.get("request") if isinstance(request, Mapping) else None
            place = self._guarded(conversation.place_of, asked) if isinstance(asked, Mapping) else None
            if place is None or place._state != OPEN:  # noqa: SLF001 - as the core itself looks
                return await original(query, request, *args, **kwargs)
            with within(place):
                if asked is None or asked.get("subtype") != "can_use_tool":
                    return await original(query, request, *args, **kwargs)
                with span(f"permission {asked.get('tool_name')}", "guardrail") as made:
                    made.set_attributes({INSTRUMENTATION: LIBRARY})
                    return await original(query, request, *args, **kwargs)

        return handle

    def _handing_on(self, original: Any, switch: Switch) -> Any:
        async def connect(transport: Any, *args: Any, **kwargs: Any) -> Any:
            if switch.on and self._is_wanted():
                self._guarded(_hand_on, transport)
            return await original(transport, *args, **kwargs)

        return connect


def _resumed(transport: Any) -> str | None:
    """The session that a connection goes on with; empty for one that is not named, None for a new one."""
    options = getattr(transport, "_options", None)
    if options is None:  # a transport of the program's own
        return ""
    if options.resume or options.continue_conversation:
        return str(options.resume or "")
    return None


def _class(module: Any, name: str) -> Any:
    found = getattr(module, name, None)
    if found is None:
        raise Unfit(f"it has no {name}")
    return found


def _refuse_again() -> None:
    """Say in a rerun that the program cannot be answered from the record: it is another process, which acts itself.

    Raises:
        Stopped: the rerun ends here.
    """
    if rerun.answers is not None:
        rerun.answers.unrecorded("a run of the claude program")


def _begin_run(above: Any) -> Turn:
    return new_turn(above, is_run=True)


def _note_written(conversation: Conversation, data: str) -> None:
    head = data[:_HEAD]
    if any(text in head for text in _SEEN):
        message = json.loads(data)
        if isinstance(message, Mapping):
            conversation.sent(message, variable.get())


_HEAD: Final = 300
"""Characters of a line in which it is said what it is."""


def _hand_on(transport: Any) -> None:
    """Say in the environment of the program that is about to be started where it belongs."""
    here = variable.get()
    if not isinstance(here, Span):
        return
    headers = headers_at(here)
    told = {name: headers[header] for header, name in _VARIABLES.items() if header in headers}
    options = transport._options  # noqa: SLF001 - there is no other way to its environment
    if told and not any(name in options.env for name in _VARIABLES.values()):
        transport._options = dataclasses.replace(options, env={**options.env, **told})  # noqa: SLF001 - as above


_installation: Final = Installation(_Installed)
wrap = _installation.wrap
unwrap = _installation.unwrap
wrap_client = _installation.wrap_client
unwrap_client = _installation.unwrap_client


def is_client(module: ModuleType, value: object) -> bool:
    """Whether this is a client."""
    kind = getattr(module, "ClaudeSDKClient", None)
    return isinstance(kind, type) and isinstance(value, kind)
