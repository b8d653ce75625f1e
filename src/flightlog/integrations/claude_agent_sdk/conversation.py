"""What goes over the pipe between the SDK and one `claude` program, as spans.

Every message is seen when it is written or read by the SDK, whenever the program looks at it. All of it happens in one
event loop's thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.core.context import OPEN
from flightlog.core.engine import Span
from flightlog.integrations.claude_agent_sdk import told
from flightlog.integrations.claude_agent_sdk.calls import Calls, Lane, Moment
from flightlog.integrations.claude_agent_sdk.spans import begun, cancelled, ended, now, of_session
from flightlog.integrations.claude_agent_sdk.turn import Turn, new_turn
from flightlog.records import genai

_TERMINAL: Final = frozenset({"completed", "failed", "stopped", "killed"})
_TOOL_CALL: Final = "gen_ai.tool.call.id"


_MOST_SESSIONS: Final = 1000
_sums: Final[dict[str | None, tuple[object, float]]] = {}
"""By session, the sums that its program said last, and the cost: one that goes on with it begins to count there."""


class Conversation:
    """One connection to a `claude` program."""

    def __init__(self, above: Any, run: Turn | None = None, *, resumes: str | None = None) -> None:
        """Begin.

        Args:
            above: what was current where the connection was made.
            run: the run of `query` that it is for; without one, turns begin with prompts.
            resumes: the id of the session that it goes on with, empty for one that nobody names; None begins one.
        """
        self._above = above
        self._turn = run
        self._last: Span | None = None
        """The turn before."""
        self._calls = Calls()
        self._lanes: dict[str, Lane] = {}
        """By the id of the tool's call that began a subagent; empty for the main agent."""
        self._agents: dict[str, Span] = {}
        """Subagents that are at work, by the same id."""
        self._tools: dict[str, Span] = {}
        """Tools that are at work, by the id of their call."""
        self._asked_tools: dict[str, Mapping[str, Any]] = {}
        """What subagents are asked to do, by the same id."""
        self._tasks: dict[str, str] = {}
        """The same id by that of a task."""
        self._session = self._model = ""
        self._cost = 0.0
        self._before_it = resumes is not None
        """Whether the program's sums may hold what was used before, nobody knows how much."""
        if resumes in _sums:
            usage, self._cost = _sums[resumes]
            self._calls.begin_at(usage)
            self._before_it = False
        self._failure = ""
        """Why no model answered last, in a word of the program's."""

    # -- what the SDK writes ----------------------------------------------------------------------------------------

    def sent(self, message: Mapping[str, Any], above: Any) -> None:
        """Take in a message to the program.

        Args:
            message: as it is written.
            above: what is current where that is done.
        """
        if message.get("type") == "user":
            content = told.mapping(message.get("message")).get("content")
            self._ask([content], above)
        elif told.mapping(message.get("request")).get("subtype") == "interrupt" and self._turn is not None:
            self._turn.is_interrupted = True

    def _ask(self, prompts: list[object], above: Any) -> Turn:
        turn = self._turn
        if turn is None:
            turn = self._turn = new_turn(above)
            self._in_session(turn.made)
        for content in prompts:
            turn.asked(content)
            self._lane("").heard("user", content, now())
        return turn

    # -- what the program writes ------------------------------------------------------------------------------------

    def came(self, message: Mapping[str, Any]) -> None:
        """Take in a message of the program."""
        kind, when = message.get("type"), now()
        if kind == "system":
            self._system(message, when)
        elif kind == "assistant":
            self._assistant(message, when)
        elif kind == "stream_event":
            ident = self._ident(message)
            event = told.mapping(message.get("event"))
            self._calls.streamed(self._lane(ident), event, self._moment(ident, when))
        elif kind == "user":
            self._user(message, when)
        elif kind == "result":
            self._result(message, when)

    def _system(self, message: Mapping[str, Any], when: int) -> None:
        subtype = message.get("subtype")
        if subtype == "init":
            self._session = str(message.get("session_id") or "")
            self._model = str(message.get("model") or "")
            self._lane("").since = when
            if self._turn is not None:
                self._in_session(self._turn.made)
        elif subtype == "api_retry":
            self._lane("").retries.append((when, message))
        elif subtype == "task_started" and message.get("task_type") == "local_agent":
            ident = str(message.get("tool_use_id") or "")
            self._tasks[str(message.get("task_id"))] = ident
            self._begin_agent(ident, message.get("subagent_type"), message.get("prompt"))
            self._lane(ident).heard("user", message.get("prompt"), when)
        elif subtype in {"task_notification", "task_updated"}:
            status = message.get("status") or told.mapping(message.get("patch")).get("status")
            task = str(message.get("task_id"))
            if status in _TERMINAL and (subtype == "task_notification" or status != "completed"):
                self._end_agent(self._tasks.pop(task, ""), str(status), message.get("summary"))

    def _assistant(self, message: Mapping[str, Any], when: int) -> None:
        ident = self._ident(message)
        lane, at = self._lane(ident), self._moment(ident, when)
        self._calls.said(lane, message, at)
        if not ident:
            self._failure = str(message.get("error") or "")
        lane.since = when
        for block in told.mapping(message.get("message")).get("content") or ():
            if told.mapping(block).get("type") in {"tool_use", "server_tool_use"}:
                self._begin_tool(block, at.above)

    def _user(self, message: Mapping[str, Any], when: int) -> None:
        ident = self._ident(message)
        content = told.mapping(message.get("message")).get("content")
        if message.get("isReplay"):
            return
        if ident or not isinstance(content, str):
            self._lane(ident).heard("user", content, when)
        decisions = {
            str(told.mapping(one).get("id")): told.mapping(told.mapping(one).get("permission_decision"))
            for one in message.get("tool_result_meta") or ()
        }
        for block in content if isinstance(content, list) else ():
            if told.mapping(block).get("type") == "tool_result":
                call = str(block.get("tool_use_id"))
                self._end_tool(call, block, decisions.get(call, {}))

    def _result(self, message: Mapping[str, Any], when: int) -> None:
        turn = self._turn or self._ask([], self._above)
        total = message.get("total_cost_usd")
        cost = None
        if isinstance(total, int | float):
            cost = None if self._before_it else max(0.0, total - self._cost)
            self._cost = float(total)
        above = turn.made if turn.made is not None else self._above
        self._calls.settle(message, above, turn.start, when, is_resumed=self._before_it)
        self._before_it = False
        _remember(self._session, message.get("modelUsage"), self._cost)
        turn.resulted(message, cost, self._failure)
        self._lane("").since = when
        if turn.is_run:
            return
        for call, tool in list(self._tools.items()):
            if tool._parent is turn.made:  # noqa: SLF001 - whose it is
                cancelled(tool)
                ended(self._tools.pop(call))
        turn.end()
        self._last, self._turn = turn.made, None

    def close(self, error: BaseException | None = None) -> None:
        """End what is on its way; but the run of `query` is ended by who began it."""
        self._calls.close()
        for made in (*self._tools.values(), *self._agents.values()):
            cancelled(made)
            ended(made)
        self._tools.clear()
        self._agents.clear()
        if self._turn is not None and not self._turn.is_run:
            self._turn.end(error)
            self._turn = None

    # -- where things belong ----------------------------------------------------------------------------------------

    def place_of(self, request: Mapping[str, Any]) -> Span | None:
        """The span that a request of the program belongs to: a tool's, else the turn's."""
        call = request.get("tool_use_id")
        if request.get("subtype") == "mcp_message":
            about = told.mapping(told.mapping(request.get("message")).get("params"))
            call = told.mapping(about.get("_meta")).get("claudecode/toolUseId")
        found = self._tools.get(str(call))
        if found is None and self._turn is not None:
            found = self._turn.made
        return found if found is not None and found._state == OPEN else None  # noqa: SLF001 - as the core looks

    def _ident(self, message: Mapping[str, Any]) -> str:
        return str(message.get("parent_tool_use_id") or "")

    def _lane(self, ident: str) -> Lane:
        lane = self._lanes.get(ident)
        if lane is None:
            lane = self._lanes[ident] = Lane(now(), is_main=not ident)
        return lane

    def _moment(self, ident: str, when: int) -> Moment:
        return Moment(self._above_in(ident), "" if ident else self._model, when)

    def _above_in(self, ident: str) -> Any:
        """What the work of the main agent, or of a subagent, stands under."""
        if ident:
            if ident not in self._agents:
                asked = self._asked_tools.get(ident, {})
                self._begin_agent(ident, asked.get("subagent_type"), asked.get("prompt"))
            return self._agents.get(ident, self._above)
        turn = self._turn
        if turn is None:  # it goes on by itself: something in its background is done
            turn = self._ask([], self._above)
            if turn.made is not None and self._last is not None:
                turn.made.link(self._last, "follows")
        return turn.made if turn.made is not None else self._above

    def _in_session(self, made: Span | None) -> None:
        if made is not None and self._session:
            of_session(made, self._session)
            about = {"gen_ai.conversation.id": self._session, genai.REQUEST_MODEL: self._model}
            made.set_attributes({name: value for name, value in about.items() if value})

    # -- tools and subagents ----------------------------------------------------------------------------------------

    def _begin_tool(self, block: Mapping[str, Any], above: Any) -> None:
        call, name = str(block.get("id")), str(block.get("name"))
        if call in self._tools:
            return
        facts = {genai.OPERATION: "execute_tool", genai.TOOL_NAME: name, _TOOL_CALL: call}
        made = begun(name, "tool", above, facts, content=block.get("input"))
        asked = told.mapping(block.get("input"))
        if "subagent_type" in asked:
            self._asked_tools[call] = {key: asked.get(key) for key in ("subagent_type", "prompt")}
        if made is not None:
            self._tools[call] = made

    def _end_tool(self, call: str, block: Mapping[str, Any], decision: Mapping[str, Any]) -> None:
        made = self._tools.pop(call, None)
        if made is None:
            return
        made.output = block.get("content")
        facts = {f"flightlog.permission.{name}": decision.get(name) for name in ("decision", "source")}
        made.set_attributes({name: value for name, value in facts.items() if value})
        if block.get("is_error"):
            refused = decision.get("decision") in {"reject", "deny"}
            made.fail(told.words(block.get("content")), type="PermissionDenied" if refused else "ToolError")
        ended(made)
        if call in self._agents and call not in self._tasks.values():  # nobody will say when it is done
            self._end_agent(call, "failed" if block.get("is_error") else "completed", block.get("content"))

    def _begin_agent(self, ident: str, name: object, prompt: object) -> None:
        above: Any = self._tools.get(ident)
        if above is None:
            above = self._turn.made if self._turn is not None and self._turn.made is not None else self._above
        if not ident or ident in self._agents:
            return
        title = str(name or "subagent")
        facts = {genai.OPERATION: "invoke_agent", "gen_ai.agent.name": title, _TOOL_CALL: ident}
        made = begun(title, "agent", above, facts, content=prompt)
        if made is not None:
            self._agents[ident] = made
        self._lane(ident)

    def _end_agent(self, ident: str, status: str, summary: object) -> None:
        made = self._agents.pop(ident, None)
        self._lanes.pop(ident, None)
        self._asked_tools.pop(ident, None)
        if made is None:
            return
        if summary is not None:
            made.output = summary
        if status == "failed":
            made.fail(told.words(summary) or status, type="SubagentError")
        elif status != "completed":
            cancelled(made)
        ended(made)


def _remember(session: str, usage: object, cost: float) -> None:
    _sums.pop(session, None)
    _sums[session] = usage, cost
    while len(_sums) > _MOST_SESSIONS:
        _sums.pop(next(iter(_sums)), None)
