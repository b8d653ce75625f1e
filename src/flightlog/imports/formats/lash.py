"""Records of lash (`schema_version` 2), one a line: a trace for each turn of a session.

A call of a model or of a tool is a pair of records, begun and done; a beginning whose end never came, as where the file
is torn, is an interrupted span, and an end without a beginning begins as long before as it took. Everything else is an
event on the span that its context names, those of kinds that nobody knows yet included, with all that they hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import UNSET, Struct, field, structs

from flightlog.codecs.otlp.messages import Malformed
from flightlog.imports.formats import lashwords
from flightlog.imports.formats.reading import (
    MILLI,
    Made,
    Sample,
    count,
    event_id,
    fault,
    mapping,
    needed_moment,
    ns,
    number,
    objects,
    process,
    span_id,
    text,
    trace_id,
    without,
)
from flightlog.records import genai
from flightlog.records.agents import DONE_REASON
from flightlog.records.attributes import GRAPH, NODE
from flightlog.records.event import Event
from flightlog.records.kinds import Status
from flightlog.records.span import Span

NAME: Final = "lash"

_IDS: Final = ("run_id", "experiment_id", "candidate_id", "candidate_parent_id", "example_id", "split")
_CONTEXT: Final = (
    *_IDS,
    "graph_node_id",
    "parent_graph_node_id",
    "protocol_iteration",
    "effect_id",
    "llm_call_id",
)
_OUTCOMES: Final[Mapping[str, Status]] = {"success": "ok", "failure": "error", "cancelled": "cancelled"}
_STATES: Final[Mapping[str, Status]] = {"completed": "ok", "failed": "error", "cancelled": "cancelled"}
_LLM: Final = ("llm_call_started", "llm_call_completed", "llm_call_failed")
_TOOL: Final = ("tool_call_started", "tool_call_completed")
_TURN: Final = ("turn_started", "turn_completed")
_OF_START: Final = frozenset({"kind", "event_key", "execution_map"})


def tells(sample: Sample) -> bool:
    """Whether these are such records."""
    return any({"schema_version", "timestamp", "type"} <= one.keys() for one in sample.objects)


class _Open(Struct):
    """A span that was begun."""

    id: str
    parent: str
    name: str
    kind: str
    start: int
    given: Any
    attributes: dict[str, Any]


class _Turn(Struct):
    """A turn of a session, or what of a session is in none."""

    trace: str
    root: str
    name: str
    start: int
    end: int
    context: dict[str, Any]
    owner: str
    attributes: dict[str, Any] = field(default_factory=dict)
    open: dict[str, _Open] = field(default_factory=dict)
    done: dict[str, Any] | None = None


class Taker:
    """Follows turns; a turn is told when it is completed, or at the end."""

    def __init__(self) -> None:
        self._process = process(NAME, NAME)
        self._turns: dict[str, _Turn] = {}

    def take(self, _key: str, value: Any, /) -> list[Made]:
        """What a record completes.

        Raises:
            Malformed: it is none, of a version that is too old, or has no time.
        """
        if not isinstance(value, dict) or not text(value, "type"):
            raise Malformed("no record of lash: it must be an object with a `type`")
        version = value.get("schema_version", 2)
        if not isinstance(version, int) or version < 2:
            raise Malformed(f"a record of schema {version!r:.20}; from 2 on they can be read")
        time = needed_moment(value, "timestamp")
        context, kind = mapping(value, "context"), text(value, "type")
        turn = self._turn(context, time)
        turn.start, turn.end = min(turn.start, time), max(turn.end, time)
        if kind in _TURN:
            return self._turned(turn, kind, value)
        if kind in _LLM:
            return self._called(turn, kind, value, context, time)
        if kind in _TOOL:
            return self._used(turn, kind, value, context, time)
        if kind == "lashlang_execution":
            return self._executed(turn, value, context, time)
        if kind == "protocol_step" and lashwords.execution(value)[0]:
            return self._coded(turn, value, context, time)
        return [self._process, self._event(turn, kind, value, context, time)]

    def end(self) -> list[Made]:
        """Turns, and what in them was begun and not ended."""
        made: list[Made] = [self._process]
        for turn in self._turns.values():
            made += [self._closed(turn, one, turn.end, "interrupted") for one in turn.open.values()]
            made.append(self._root(turn))
        return made

    # -- turns --------------------------------------------------------------------------------------------------

    def _turn(self, context: Mapping[str, Any], time: int) -> _Turn:
        session, own = text(context, "session_id"), text(context, "turn_id") or text(context, "turn_index")
        key = f"{session}\0{own}"
        turn = self._turns.get(key)
        if turn is None:
            trace = trace_id(NAME, text(context, "run_id"), session, own)
            said: dict[str, Any] = {"session": session} if session else {}
            if (place := count(context, "turn_index")) is not None:
                said["turn"] = place
            turn = self._turns[key] = _Turn(
                trace,
                span_id(NAME, trace, "turn"),
                "turn" if own else "session",
                time,
                time,
                said,
                self._process.process_id,
                {
                    f"lash.{name}": context[name]
                    for name in (*_IDS, "turn_id")
                    if context.get(name) is not None
                },
            )
        return turn

    def _turned(self, turn: _Turn, kind: str, value: dict[str, Any]) -> list[Made]:
        about = {**mapping(mapping(value, "context"), "metadata"), **mapping(value, "metadata")}
        turn.attributes |= {f"lash.metadata.{name}": one for name, one in about.items()}
        if kind != "turn_completed":
            return []
        turn.done = value
        switched = mapping(value, "agent_frame_switch")
        if not switched:
            return []
        to = {"to": text(switched, "frame_id")}
        return [self._process, self._note(turn, turn.root, "handoff", to, time=turn.end, own=turn.trace)]

    def _root(self, turn: _Turn) -> Span:
        done = turn.done or {}
        reason = text(done, "done_reason")
        failed = text(done, "status") == "failed"
        status: Status = "interrupted" if turn.name == "turn" and turn.done is None else "ok"
        if failed:
            status = "cancelled" if reason == "cancelled" else "error"
        switched = mapping(done, "agent_frame_switch")
        return Span(
            trace_id=turn.trace,
            span_id=turn.root,
            name=turn.name,
            kind="agent",
            start=turn.start,
            end=turn.end,
            status=status,
            error=fault(reason or "failed", reason) if status == "error" else None,
            attributes={
                **turn.attributes,
                **({DONE_REASON: reason} if reason else {}),
                **({"lash.turn.agent_frame_switch": switched} if switched else {}),
            },
            context=turn.context,
            process_id=turn.owner,
        )

    # -- calls --------------------------------------------------------------------------------------------------

    def _called(
        self, turn: _Turn, kind: str, value: dict[str, Any], context: Mapping[str, Any], time: int
    ) -> list[Made]:
        own = text(context, "llm_call_id") or text(context, "graph_node_id") or "call"
        key = f"llm {own}"
        if kind == "llm_call_started":
            request = mapping(value, "request")
            model = text(request, "model")
            turn.open[key] = _Open(
                _llm_id(turn, own),
                turn.root,
                model or "call",
                "llm",
                time,
                {
                    name: request[name]
                    for name in ("messages", "tools", "output_spec", "attachments")
                    if request.get(name)
                },
                {
                    **({genai.REQUEST_MODEL: model} if model else {}),
                    **{
                        f"lash.llm.{name}": request[name]
                        for name in ("model_variant", "tool_choice", "stream")
                        if request.get(name) is not None
                    },
                    **_placed(context),
                },
            )
            files = [lashwords.attachment(one) for one in objects(request, "attachments")]
            notes = [
                self._note(
                    turn,
                    _llm_id(turn, own),
                    "attachment",
                    told,
                    time=time,
                    own=f"{turn.trace} {own} {place}",
                )
                for place, told in enumerate(files)
            ]
            return [self._process, *notes] if notes else []
        response, wrong = mapping(value, "response"), mapping(value, "error")
        took = ns(number(response, "duration_ms") or 0, MILLI)
        begun = turn.open.pop(key, None) or _Open(
            _llm_id(turn, own), turn.root, "call", "llm", time - max(0, took), None, _placed(context)
        )
        begun.attributes |= lashwords.usage(mapping(value, "usage")) | lashwords.ended(response, wrong)
        for name in ("provider_usage", "stream_summary"):
            if value.get(name) is not None:
                begun.attributes[f"lash.{name}"] = value[name]
        waited = number(mapping(value, "stream_summary"), "first_visible_token_latency_ms")
        if waited is not None:
            begun.attributes[genai.TIME_TO_FIRST_CHUNK] = waited / 1000
        status: Status = "ok"
        if kind == "llm_call_failed":
            status = "cancelled" if text(wrong, "terminal_reason") == "cancelled" else "error"
        got = response.get("parts") or response.get("text")
        return [self._process, self._closed(turn, begun, time, status, got=got, wrong=wrong)]

    def _used(
        self, turn: _Turn, kind: str, value: dict[str, Any], context: Mapping[str, Any], time: int
    ) -> list[Made]:
        name = text(value, "name") or "tool"
        own = text(value, "call_id") or text(context, "graph_node_id") or name
        key = f"tool {own}"
        attributes = {genai.TOOL_NAME: name, **_placed(context)}
        if text(value, "call_id"):
            attributes["gen_ai.tool.call.id"] = own
        id_ = span_id(NAME, turn.trace, "tool", own)
        if kind == "tool_call_started":
            turn.open[key] = _Open(id_, turn.root, name, "tool", time, value.get("args"), attributes)
            return []
        took = max(0, ns(number(value, "duration_ms") or 0, MILLI))
        begun = turn.open.pop(key, None) or _Open(
            id_, turn.root, name, "tool", time - took, value.get("args"), attributes
        )
        output = mapping(value, "output")
        outcome = mapping(output, "outcome")
        if output.get("control") is not None:
            begun.attributes["lash.tool.control"] = output["control"]
        payload = outcome.get("payload")
        wrong = payload if isinstance(payload, dict) else {"message": payload}
        status = _OUTCOMES.get(text(outcome, "status"), "ok")
        return [self._process, self._closed(turn, begun, time, status, got=payload, wrong=wrong)]

    def _executed(
        self, turn: _Turn, value: dict[str, Any], context: Mapping[str, Any], time: int
    ) -> list[Made]:
        """Runs of programs of its own language and of their nodes; what else is told of them are events."""
        event = mapping(value, "event")
        kind, identity = text(event, "kind"), mapping(event, "identity")
        subject = mapping(identity, "subject")
        run = f"run {text(subject, 'process_id', 'effect_id')} {text(identity, 'entry_name')}"
        run_id = span_id(NAME, turn.trace, run)
        if kind == "execution_started":
            turn.open[run] = _Open(
                run_id,
                turn.root,
                text(identity, "entry_name") or "execution",
                "workflow",
                time,
                None,
                {
                    GRAPH: lashwords.declared(
                        mapping(event, "execution_map"), text(identity, "entry_name") or "execution"
                    ),
                    **{f"lash.execution.{name}": one for name, one in without(event, _OF_START).items()},
                },
            )
            return []
        node = f"{run} node {text(event, 'node_id')} {text(event, 'occurrence')}"
        begun = _Open(
            span_id(NAME, turn.trace, node),
            run_id if run in turn.open else turn.root,
            text(event, "label") or text(event, "node_id") or "node",
            "step",
            time,
            None,
            {NODE: text(event, "node_id"), "lash.node_kind": text(event, "node_kind")},
        )
        if kind == "node_started":
            turn.open[node] = begun
            return []
        if kind in {"node_completed", "node_failed"}:
            begun = turn.open.pop(node, begun)
            wrong = {"message": event.get("error")}
            return [
                self._process,
                self._closed(turn, begun, time, "error" if kind == "node_failed" else "ok", wrong=wrong),
            ]
        if kind == "execution_finished" and run in turn.open:
            status = _STATES.get(text(event, "status"), "ok")
            wrong = {"message": event.get("error")}
            return [self._process, self._closed(turn, turn.open.pop(run), time, status, wrong=wrong)]
        if kind == "branch_selected" and run in turn.open:
            told = self._event(turn, kind, value, context, time)
            return [self._process, structs.replace(told, span_id=run_id)]
        return [self._process, self._event(turn, kind or "lashlang_execution", value, context, time)]

    # -- records ------------------------------------------------------------------------------------------------

    def _closed(
        self,
        turn: _Turn,
        one: _Open,
        end: int,
        status: Status,
        *,
        got: Any = None,
        wrong: Mapping[str, Any] | None = None,
    ) -> Span:
        wrong = wrong or {}
        return Span(
            trace_id=turn.trace,
            span_id=one.id,
            parent_id=one.parent,
            name=one.name,
            kind=one.kind,
            start=one.start,
            end=max(end, one.start),
            status=status,
            input=UNSET if one.given in (None, {}) else one.given,
            output=UNSET if got is None else got,
            error=fault(wrong.get("message") or "failed", text(wrong, "code", "class"))
            if status == "error"
            else None,
            attributes=one.attributes,
            context=turn.context,
            process_id=turn.owner,
        )

    def _event(
        self, turn: _Turn, kind: str, value: dict[str, Any], context: Mapping[str, Any], time: int
    ) -> Event:
        """Any other record, whole."""
        call = text(context, "llm_call_id")
        name, level, attributes = lashwords.event(kind, value)
        return Event(
            event_id=event_id(
                NAME, text(value, "id") or f"{turn.trace} {time} {kind} {sorted(map(str, value.items()))}"
            ),
            trace_id=turn.trace,
            span_id=_llm_id(turn, call) if call else turn.root,
            time=time,
            name=name,
            level=level,
            attributes={**attributes, **_placed(context)},
            process_id=turn.owner,
        )

    def _note(
        self, turn: _Turn, span: str, name: str, told: Mapping[str, Any], *, time: int, own: str
    ) -> Event:
        """An event that a record tells of beside what it is."""
        return Event(
            event_id=event_id(NAME, f"{own} {name} {sorted(map(str, told.items()))}"),
            trace_id=turn.trace,
            span_id=span,
            time=time,
            name=name,
            attributes=dict(told),
            process_id=turn.owner,
        )

    def _coded(self, turn: _Turn, value: dict[str, Any], context: Mapping[str, Any], time: int) -> list[Made]:
        """A run of code that a model wrote; one at a time in a turn."""
        phase, told = lashwords.execution(value)
        if phase == "exec_code_started":
            turn.open["code"] = self._code(turn, time, told, context)
            return []
        took = max(0, ns(number(told, "duration_ms") or 0, MILLI))
        begun = turn.open.pop("code", None) or self._code(turn, time - took, {}, context)
        begun.attributes |= {
            f"lash.code.{name}": one for name, one in told.items() if name not in {"output", "error"}
        }
        wrong = {"message": told.get("error") or "failed"}
        failed = phase == "exec_code_failed" or bool(told.get("error"))
        status: Status = "error" if failed else "ok"
        return [
            self._process,
            self._closed(turn, begun, time, status, got=told.get("output"), wrong=wrong),
        ]

    def _code(self, turn: _Turn, start: int, told: Mapping[str, Any], context: Mapping[str, Any]) -> _Open:
        attributes = {genai.TOOL_NAME: "exec_code", genai.OPERATION: "execute_tool", **_placed(context)}
        given = {"code": told["code"]} if told.get("code") is not None else None
        own = span_id(NAME, turn.trace, "code", str(start))
        return _Open(own, turn.root, "exec_code", "tool", start, given, attributes)


def _llm_id(turn: _Turn, own: str) -> str:
    return span_id(NAME, turn.trace, "llm", own)


def _placed(context: Mapping[str, Any]) -> dict[str, Any]:
    told = {f"lash.context.{name}": context[name] for name in _CONTEXT if context.get(name) is not None}
    return {**told, **{f"lash.metadata.{name}": one for name, one in mapping(context, "metadata").items()}}
