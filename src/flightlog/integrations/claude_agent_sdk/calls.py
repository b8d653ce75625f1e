"""Model calls that the `claude` program makes: seen by their messages, and by their tokens once these are known.

A message of the model comes in as many messages as it has blocks, each with the tokens as they were known when the
answer began: what went in is right there, what came out is a first guess. What came out is known from the events of the
stream, where the program that is traced asked for these, else from the sums that stand on the result of the turn. So a
call is held until then. Where several calls have only a sum between them, it stands on the last one, which says of how
many. What the sums have beyond all calls that were seen is one more span: calls of which there are no messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from time import monotonic_ns
from typing import Any, Final, NamedTuple

from flightlog.core.detached import tell
from flightlog.core.engine import Span
from flightlog.core.stream import Stream
from flightlog.integrations.claude_agent_sdk import told
from flightlog.integrations.claude_agent_sdk.spans import begun, ended
from flightlog.integrations.claude_agent_sdk.told import Tokens
from flightlog.records import genai

OUTPUT_OF: Final = "flightlog.usage.output_of_calls"
"""On a call: of how many calls, this one the last, its output tokens are the sum."""
UNSEEN: Final = "flightlog.usage.unseen_calls"
"""On a span that stands for calls of which only the tokens are known: true."""
_MOST_HELD: Final = 500
_DATE: Final = re.compile(r"(-\d{8})?(\[\w+\])?$")


class Call:
    """One call of a model."""

    __slots__ = (
        "asked",
        "blocks",
        "end",
        "failure",
        "id",
        "is_known",
        "is_main",
        "made",
        "reason",
        "served",
        "stream",
        "tokens",
    )

    def __init__(self, made: Span, ident: str, end: int, *, is_main: bool) -> None:
        self.made, self.id, self.end, self.is_main = made, ident, end, is_main
        self.asked = self.served = ""
        self.blocks: list[Any] = []
        self.tokens = Tokens()
        self.is_known = False
        """Whether the number of tokens that came out is more than a guess."""
        self.failure: Mapping[str, Any] = {}
        self.reason = ""
        self.stream: Stream | None = None


class Lane:
    """The calls of the main agent, or of one subagent: one after another."""

    __slots__ = ("call", "is_main", "news", "retries", "since")

    def __init__(self, since: int, *, is_main: bool) -> None:
        self.since = since
        """When the last thing happened that a model may answer to, in Unix nanoseconds."""
        self.is_main = is_main
        self.news: list[dict[str, Any]] = []
        """Messages that no model has answered to yet."""
        self.retries: list[tuple[int, Mapping[str, Any]]] = []
        self.call: Call | None = None
        """The last one."""

    def heard(self, role: str, content: object, when: int) -> None:
        """Note a message that the next call answers to."""
        self.news.append({"role": role, "content": content})
        self.since = when


class Moment(NamedTuple):
    """Where a message belongs, and when it came."""

    above: Any
    """What a call stands under."""
    model: str
    """The model that was asked, as far as that is known."""
    when: int
    """Unix nanoseconds."""


class Calls:
    """The model calls of one conversation."""

    def __init__(self) -> None:
        self._held: list[Call] = []
        """Calls whose tokens are not settled."""
        self._settled: dict[str, Tokens] = {}
        """By model as the sums name it, what stands on spans so far, or went before."""

    def said(self, lane: Lane, message: Mapping[str, Any], at: Moment) -> None:
        """Take in a block of an answer, or one that says that there was no answer.

        Args:
            lane: whose call it is.
            message: as the program sends it.
            at: where it belongs, and when it came.
        """
        content = told.mapping(message.get("message"))
        call = self._call(lane, str(content.get("id") or ""), str(content.get("model") or ""), at)
        if call is None:
            return
        call.end = at.when
        call.blocks += content.get("content") or []
        if message.get("error") or content.get("model") == told.SYNTHETIC:
            call.failure = message
        elif not call.is_known:
            call.tokens = told.tokens(content.get("usage"))

    def streamed(self, lane: Lane, event: Mapping[str, Any], at: Moment) -> None:
        """Take in an event of a stream."""
        kind = event.get("type")
        if kind == "message_start":
            begin = told.mapping(event.get("message"))
            call = self._call(lane, str(begin.get("id") or ""), str(begin.get("model") or ""), at)
            if call is not None:
                call.tokens = told.tokens(begin.get("usage"))
                call.stream = Stream(monotonic_ns() - max(0, at.when - lane.since))
            return
        call = lane.call
        if call is None or call.stream is None:
            return
        call.end = at.when
        delta = told.mapping(event.get("delta"))
        if kind == "content_block_delta":
            size = sum(
                len(piece) for name in ("text", "thinking", "partial_json") if (piece := delta.get(name))
            )
            if size:
                call.stream.add(size, monotonic_ns())
        elif kind == "message_delta":
            call.tokens.output = told.number(told.mapping(event.get("usage")).get("output_tokens"))
            call.is_known = True
            call.reason = str(delta.get("stop_reason") or "")

    def _call(self, lane: Lane, ident: str, served: str, at: Moment) -> Call | None:
        if lane.call is not None and lane.call.id == ident:
            return lane.call
        served = "" if served == told.SYNTHETIC else served
        asked = at.model or served
        attributes: dict[str, object] = {genai.OPERATION: "chat", genai.PROVIDER: "anthropic"}
        if asked:
            attributes[genai.REQUEST_MODEL] = asked
        if served:
            attributes |= {genai.RESPONSE_MODEL: served, genai.RESPONSE_ID: ident}
        made = begun(
            f"chat {asked}".strip(),
            "llm",
            at.above,
            attributes,
            start=min(lane.since, at.when),
            content={"messages": lane.news},
        )
        lane.news = []
        if made is None:
            return None
        for when, retry in lane.retries:
            tell(made, "retry", "warn", "", _retry(retry), time=when)
        lane.retries.clear()
        lane.call = Call(made, ident, at.when, is_main=lane.is_main)
        lane.call.asked, lane.call.served = asked, served
        self._held.append(lane.call)
        if len(self._held) > _MOST_HELD:
            first = self._held.pop(0)
            first.tokens = Tokens()  # they will stand on the span of the calls that were not seen
            self._end(first)
        return lane.call

    def settle(
        self, result: Mapping[str, Any], above: Any, start: int, when: int, *, is_resumed: bool = False
    ) -> None:
        """End the calls of a turn that is over, with the tokens that its sums say.

        Args:
            result: the message that ended it.
            above: the span of the turn.
            start: when that began, in Unix nanoseconds.
            when: it ended.
            is_resumed: whether the sums hold what was used before, nobody knows how much.
        """
        sums = told.totals(result.get("modelUsage"))
        answered = [call for call in self._held if not call.failure]
        main = [call for call in answered if call.is_main]
        _divide(main, told.tokens(result.get("usage")).output)
        waiting: list[Call] = []
        for model, total in sums.items():
            mine = [call for call in answered if _sum_of(call, sums) == model]
            for call in mine:
                call.made.set_attributes({genai.PROVIDER: told.provider(result.get("modelUsage"), model)})
            rest = total - self._settled.get(model, Tokens()) - _added(call for call in mine if call.is_main)
            others = [call for call in mine if not call.is_main]
            if is_resumed:
                self._settled[model] = total
                _forget_guesses(others)
                continue
            if _added(others).all_in > rest.all_in:  # one of them is not in the sums yet
                waiting += others
                self._settled[model] = total - rest
                continue
            _divide(others, rest.output)
            rest -= _added(others)
            if rest:
                _unseen(model, rest, above, start, when)
            self._settled[model] = total
        for call in self._held:
            if call not in waiting:
                self._end(call)
        self._held = waiting

    def begin_at(self, usage: object) -> None:
        """Say what was used before this conversation began, as the sums have it."""
        self._settled = told.totals(usage)

    def close(self, error: BaseException | None = None) -> None:
        """End what is left, where no sums will come."""
        _forget_guesses(self._held)
        for call in self._held:
            self._end(call, error)
        self._held.clear()

    def _end(self, call: Call, error: BaseException | None = None) -> None:
        made = call.made
        if call.failure:
            said = told.words(told.mapping(call.failure.get("message")).get("content"))
            kind = str(call.failure.get("error") or "error")
            made.set_attributes({genai.ERROR_TYPE: kind})
            status = call.failure.get("api_error_status")
            if isinstance(status, int):
                made.set_attributes({"http.response.status_code": status})
            made.fail(said, type=kind)
        else:
            made.output = {"messages": [{"role": "assistant", "content": call.blocks}]}
            facts: dict[str, object] = dict(call.tokens.came_in()) if call.tokens else {}
            if call.tokens.output:
                facts[genai.OUTPUT_TOKENS] = call.tokens.output
            if call.reason or any(told.mapping(one).get("type") == "tool_use" for one in call.blocks):
                facts[genai.FINISH_REASONS] = [call.reason or "tool_use"]
            if call.stream is not None:
                facts |= call.stream.summary()
            made.set_attributes(facts)
        ended(made, error, end=call.end)


def _sum_of(call: Call, sums: Mapping[str, Tokens]) -> str:
    """The model in whose sums a call is: named as it was asked or as it answered, maybe with a date behind it."""
    names = {_DATE.sub("", name): name for name in reversed(list(sums))}
    for name in (call.served, call.asked):
        found = names.get(_DATE.sub("", name))
        if found is not None:
            return found
    return next(iter(sums), "")


def _added(calls: Iterable[Call]) -> Tokens:
    return sum((call.tokens for call in calls), Tokens())


def _divide(calls: list[Call], total: int) -> None:
    """Give calls the tokens that came out of them all, as far as that can be said."""
    open_ones = [call for call in calls if not call.is_known]
    left = total - sum(call.tokens.output for call in calls if call.is_known)
    if open_ones and sum(call.tokens.output for call in open_ones) != left:
        for call in open_ones:
            call.tokens.output = 0
        open_ones[-1].tokens.output = max(0, left)
        if len(open_ones) > 1:
            open_ones[-1].made.set_attributes({OUTPUT_OF: len(open_ones)})
    for call in open_ones:
        call.is_known = True


def _forget_guesses(calls: Iterable[Call]) -> None:
    """Leave unknown what came out, where nothing will tell."""
    for call in calls:
        if not call.is_known:
            call.tokens.output = 0


def _unseen(model: str, rest: Tokens, above: Any, start: int, when: int) -> None:
    attributes = {
        genai.OPERATION: "chat",
        genai.PROVIDER: "anthropic",
        genai.REQUEST_MODEL: model,
        UNSEEN: True,
        **rest.came_in(),
        genai.OUTPUT_TOKENS: rest.output,
    }
    made = begun(f"other calls of {model}", "llm", above, attributes, start=start)
    if made is not None:
        ended(made, end=when)


def _retry(said: Mapping[str, Any]) -> dict[str, object]:
    delay = said.get("retry_delay_ms")
    reason = said.get("error_status") or said.get("error") or ""
    told_ = {"attempt": said.get("attempt"), "reason": str(reason)}
    return told_ | ({"delay": delay / 1000} if isinstance(delay, int | float) else {})
