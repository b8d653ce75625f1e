"""Transcripts of Claude Code (`~/.claude/projects/*/*.jsonl`): a trace for each prompt, with its model calls and tools.

An answer of the model stands there on several lines, one a block, each with the usage of the whole: it is one call, and
counted once. What a subagent did stands under the tool that started it, where its prompt tells which that was. A call
begins when what it answers was written, a tool when it was asked for; nothing else is known of either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import UNSET, Struct, field

from flightlog.codecs.otlp.messages import Malformed
from flightlog.imports.formats.reading import (
    Made,
    Sample,
    count,
    event_id,
    fault,
    mapping,
    moment,
    objects,
    process,
    span_id,
    text,
    trace_id,
    without,
)
from flightlog.records import genai
from flightlog.records.event import Event
from flightlog.records.kinds import Level
from flightlog.records.process import Process
from flightlog.records.span import Span

NAME: Final = "claude-code"

_TYPES: Final = frozenset({"user", "assistant", "system", "summary", "attachment", "progress"})
_INTERRUPTED: Final = "[Request interrupted by user"
_LEVELS: Final[Mapping[str, Level]] = {"error": "error", "warning": "warn", "warn": "warn"}
_PLACED: Final = frozenset(
    """type message uuid parentUuid sessionId timestamp isSidechain userType cwd version gitBranch
    requestId isMeta toolUseResult level content slug""".split()  # noqa: SIM905 - a list of words reads best as one
)


def tells(sample: Sample) -> bool:
    """Whether these are lines of such a transcript."""
    return any(
        "sessionId" in one and one.get("type") in _TYPES and ("uuid" in one or "message" in one)
        for one in sample.objects
    )


class _Call(Struct):
    """One call of the model, as far as its lines were read."""

    id: str
    parent: str
    start: int
    end: int
    given: list[Any]
    content: list[Any] = field(default_factory=list)
    message: dict[str, Any] = field(default_factory=dict)
    line: dict[str, Any] = field(default_factory=dict)


class _Tool(Struct):
    """A tool that was asked for."""

    id: str
    parent: str
    name: str
    start: int
    given: Any


class _Turn(Struct):
    """A prompt, and what came of it so far."""

    trace: str
    root: str
    number: int
    prompt: Any
    start: int
    end: int
    owner: Process
    session: str
    name: str
    calls: dict[str, _Call] = field(default_factory=dict)
    tools: dict[str, _Tool] = field(default_factory=dict)
    made: list[Made] = field(default_factory=list)
    waiting: dict[bool, list[Any]] = field(default_factory=dict)
    """What was said to the model since it answered last; apart for subagents."""
    above: dict[str, str] = field(default_factory=dict)
    """Of the lines of subagents, what they stand under."""
    answer: Any = None
    is_cancelled: bool = False
    about: dict[str, Any] = field(default_factory=dict)


class Taker:
    """Follows sessions; a turn is told when the next begins, or at the end."""

    def __init__(self) -> None:
        self._turns: dict[str, _Turn] = {}
        self._numbers: dict[str, int] = {}

    def take(self, _key: str, value: Any, /) -> list[Made]:
        """What the line completes.

        Raises:
            Malformed: it is no object.
        """
        if not isinstance(value, dict):
            raise Malformed("no line of a transcript: it must be an object")
        session, kind = text(value, "sessionId"), text(value, "type")
        time = moment(value, "timestamp")
        if not session or time is None:
            return []  # summaries, snapshots of files: they tell of other lines
        content = mapping(value, "message").get("content")
        made: list[Made] = []
        if kind == "user" and _is_prompt(value, content):
            turn = self._turns.get(session)
            if turn is None or not value.get("isSidechain"):
                made += _told(self._turns.pop(session)) if turn else []
                self._turns[session] = self._begun(value, content, session, time)
                return made
        turn = self._turns.get(session)
        if turn is None:
            turn = self._turns[session] = self._begun(value, None, session, time)
        turn.end = max(turn.end, time)
        if kind == "assistant":
            _answered(turn, value, time)
        elif kind == "user":
            _heard(turn, value, content, time)
        else:
            _noted(turn, value, kind, time)
        return made

    def end(self) -> list[Made]:
        """The turns that nothing followed."""
        return [made for turn in self._turns.values() for made in _told(turn)]

    def _begun(self, value: dict[str, Any], prompt: Any, session: str, time: int) -> _Turn:
        own = text(value, "uuid") or f"{session} {time}"
        trace = trace_id(NAME, session, own)
        number = self._numbers[session] = self._numbers.get(session, 0) + 1
        about = {
            f"claude_code.{name}": value[name] for name in ("cwd", "gitBranch", "agentId") if value.get(name)
        }
        return _Turn(
            trace=trace,
            root=span_id(NAME, trace, own),
            number=number,
            prompt=prompt,
            start=time,
            end=time,
            owner=process(NAME, NAME, version=text(value, "version")),
            session=session,
            name="subagent" if value.get("isSidechain") else "turn",
            waiting={
                bool(value.get("isSidechain")): []
                if prompt is None
                else [{"role": "user", "content": prompt}]
            },
            about=about,
        )


def _is_prompt(value: Mapping[str, Any], content: Any) -> bool:
    """Whether somebody asked for something, and it is no answer of a tool."""
    if value.get("isMeta") or value.get("isCompactSummary"):
        return False
    if isinstance(content, str):
        return not content.startswith(_INTERRUPTED)
    blocks = objects({"content": content}, "content")
    return (
        bool(blocks)
        and all(block.get("type") != "tool_result" for block in blocks)
        and not text(blocks[0], "text").startswith(_INTERRUPTED)
    )


def _parent(turn: _Turn, value: Mapping[str, Any]) -> str:
    """What a line stands under: the turn, or the tool that started the subagent whose line it is."""
    if not value.get("isSidechain") or turn.name == "subagent":
        return turn.root
    found = turn.above.get(text(value, "parentUuid"))
    if found is None:
        asked = mapping(value, "message").get("content")
        asked = (
            text(objects({"c": asked}, "c")[0], "text")
            if isinstance(asked, list) and objects({"c": asked}, "c")
            else asked
        )
        tools = (tool for tool in turn.tools.values() if isinstance(tool.given, dict))
        found = next((tool.id for tool in tools if asked and tool.given.get("prompt") == asked), turn.root)
    if own := text(value, "uuid"):
        turn.above[own] = found
    return found


def _answered(turn: _Turn, value: dict[str, Any], time: int) -> None:
    """Take a line of an answer of the model."""
    message = mapping(value, "message")
    aside = bool(value.get("isSidechain"))
    parent = _parent(turn, value)
    own = text(message, "id") or text(value, "uuid")
    call = turn.calls.get(own)
    if call is None:
        given = turn.waiting.pop(aside, [])
        begun = max((moment(one, "_at") or 0 for one in given), default=0) or (
            turn.start if not turn.calls else time
        )
        call = turn.calls[own] = _Call(
            span_id(NAME, turn.trace, own, "call"),
            parent,
            min(begun, time),
            time,
            [without(one, frozenset({"_at"})) for one in given],
        )
    call.end = max(call.end, time)
    call.message, call.line = {**call.message, **message}, value
    content = message.get("content")
    blocks = objects(message, "content") or (
        [{"type": "text", "text": content}] if isinstance(content, str) else []
    )
    call.content += blocks
    for block in blocks:
        if block.get("type") == "tool_use" and text(block, "id"):
            id_ = text(block, "id")
            turn.tools[id_] = _Tool(
                span_id(NAME, turn.trace, id_, "tool"),
                parent,
                text(block, "name") or "tool",
                time,
                block.get("input"),
            )
        elif block.get("type") == "text" and not aside:
            turn.answer = block.get("text")


def _heard(turn: _Turn, value: dict[str, Any], content: Any, time: int) -> None:
    """Take what was said to the model: results of tools, or a prompt within the turn."""
    aside = bool(value.get("isSidechain"))
    parent = _parent(turn, value)
    turn.waiting.setdefault(aside, []).append(
        {"role": "user", "content": content, "_at": text(value, "timestamp")}
    )
    blocks = objects({"content": content}, "content")
    said = content if isinstance(content, str) else next((text(block, "text") for block in blocks), "")
    if said.startswith(_INTERRUPTED):
        turn.is_cancelled = True
    for block in blocks:
        if block.get("type") == "tool_result":
            _returned(turn, block, parent, time)


def _returned(turn: _Turn, block: dict[str, Any], parent: str, time: int) -> None:
    own = text(block, "tool_use_id")
    tool = turn.tools.pop(own, None) or _Tool(
        span_id(NAME, turn.trace, own, "tool"), parent, "tool", time, None
    )
    failed = block.get("is_error") is True
    got = block.get("content")
    turn.made.append(
        _span(
            turn,
            span_id=tool.id,
            parent_id=tool.parent,
            name=tool.name,
            kind="tool",
            start=tool.start,
            end=max(time, tool.start),
            status="error" if failed else "ok",
            input=UNSET if tool.given is None else tool.given,
            output=UNSET if got is None else got,
            error=fault(got or "failed") if failed else None,
            attributes={genai.TOOL_NAME: tool.name, "gen_ai.tool.call.id": own},
        )
    )


def _noted(turn: _Turn, value: dict[str, Any], kind: str, time: int) -> None:
    """Keep any other line as an event of the turn."""
    turn.made.append(
        Event(
            event_id=event_id(NAME, turn.trace, text(value, "uuid") or time, kind),
            trace_id=turn.trace,
            span_id=turn.root,
            time=time,
            name=text(value, "subtype") or kind or "line",
            level=_LEVELS.get(text(value, "level"), "info"),
            body=text(value, "content"),
            attributes=without(value, _PLACED),
            process_id=turn.owner.process_id,
        )
    )


def _told(turn: _Turn) -> Iterator[Made]:
    """All of a turn that is over."""
    yield turn.owner
    yield _span(
        turn,
        span_id=turn.root,
        name=turn.name,
        kind="agent",
        start=turn.start,
        end=turn.end,
        status="cancelled" if turn.is_cancelled else "ok",
        input=UNSET if turn.prompt is None else turn.prompt,
        output=UNSET if turn.answer is None else turn.answer,
        attributes=turn.about,
    )
    yield from (_called(turn, call) for call in turn.calls.values())
    for tool in turn.tools.values():
        yield _span(
            turn,
            span_id=tool.id,
            parent_id=tool.parent,
            name=tool.name,
            kind="tool",
            start=tool.start,
            end=max(tool.start, turn.end),
            status="cancelled" if turn.is_cancelled else "interrupted",
            input=UNSET if tool.given is None else tool.given,
        )
    yield from turn.made


def _called(turn: _Turn, call: _Call) -> Span:
    message, model = call.message, text(call.message, "model")
    failed = call.line.get("isApiErrorMessage") is True
    said = next((text(block, "text") for block in call.content if block.get("type") == "text"), "")
    reason = text(message, "stop_reason")
    attributes: dict[str, Any] = {
        genai.PROVIDER: "anthropic",
        genai.RESPONSE_ID: text(message, "id"),
        **(
            {genai.REQUEST_MODEL: model, genai.RESPONSE_MODEL: model}
            if model and model != "<synthetic>"
            else {}
        ),
        **({genai.FINISH_REASONS: [reason]} if reason else {}),
        **({"claude_code.request_id": text(call.line, "requestId")} if call.line.get("requestId") else {}),
        **_used(mapping(message, "usage")),
    }
    return _span(
        turn,
        span_id=call.id,
        parent_id=call.parent,
        name=model or "call",
        kind="llm" if model != "<synthetic>" else "step",
        start=call.start,
        end=call.end,
        status="error" if failed else "ok",
        input=call.given or UNSET,
        output={"role": "assistant", "content": call.content} if call.content else UNSET,
        error=fault(said or "failed") if failed else None,
        attributes={name: one for name, one in attributes.items() if one != ""},
    )


def _used(usage: Mapping[str, Any]) -> dict[str, int]:
    """Tokens, where what came out of a cache or went into one is a part of the input."""
    given, made = count(usage, "input_tokens"), count(usage, "output_tokens")
    read, stored = (
        count(usage, "cache_read_input_tokens") or 0,
        count(usage, "cache_creation_input_tokens") or 0,
    )
    found: dict[str, int] = {}
    if given is not None:
        found[genai.INPUT_TOKENS] = given + read + stored
    if made is not None:
        found[genai.OUTPUT_TOKENS] = made
    found |= {genai.CACHE_READ_TOKENS: read} if read else {}
    found |= {genai.CACHE_WRITE_TOKENS: stored} if stored else {}
    long = count(mapping(usage, "cache_creation"), "ephemeral_1h_input_tokens")
    return found | ({genai.USAGE + "cache_write_1h_tokens": long} if long else {})


def _span(turn: _Turn, **fields: Any) -> Span:
    return Span(
        trace_id=turn.trace,
        context={"session": turn.session, "turn": turn.number},
        process_id=turn.owner.process_id,
        **fields,
    )
