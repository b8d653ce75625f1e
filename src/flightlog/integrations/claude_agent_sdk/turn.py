"""One turn of a conversation: what its span is told, from the prompt to the result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.core.engine import Span
from flightlog.integrations.claude_agent_sdk import told
from flightlog.integrations.claude_agent_sdk.spans import begun, cancelled, ended, now
from flightlog.records.genai import ERROR_TYPE, REPORTED_COST

NAME: Final = "claude_agent_sdk"
ENDED: Final = "flightlog.stream.ended"
_AGENT: Final[Mapping[str, object]] = {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.agent.name": "claude",
    "gen_ai.provider.name": "anthropic",
}
_MOST_PROMPTS: Final = 100


class Turn:
    """What a prompt led to; for `query`, all that its prompts led to."""

    __slots__ = ("_charged", "_prompts", "is_interrupted", "is_over", "is_run", "made", "start")

    def __init__(self, made: Span | None, *, is_run: bool = False) -> None:
        self.made = made
        self.start = now()
        self.is_run = is_run
        """Whether it ends with the run of `query`, and not with its result."""
        self.is_over = False
        """Whether its result has come."""
        self.is_interrupted = False
        self._prompts: list[dict[str, Any]] = []
        self._charged = 0.0

    def asked(self, content: object) -> None:
        """Take in a prompt."""
        self.is_over = False
        if self.made is not None and len(self._prompts) < _MOST_PROMPTS:
            self._prompts.append({"role": "user", "content": content})
            self.made.input = {"messages": self._prompts}

    def resulted(self, result: Mapping[str, Any], cost: float | None, failure: str) -> None:
        """Take in its result.

        Args:
            result: the message.
            cost: in US dollars, of this turn, as the program says.
            failure: why no model answered last, in a word of the program's; empty where one did.
        """
        self.is_over = True
        if self.made is None:
            return
        made, fault = self.made, told.fault(result)
        made.set_attributes(told.result_facts(result))
        if cost is not None:
            self._charged += cost
            made.set_attributes({REPORTED_COST[0]: self._charged})
        structured = result.get("structured_output")
        made.output = result.get("result") if structured is None else structured
        if self.is_interrupted:
            cancelled(made)
        elif fault is not None:
            made.set_attributes({ERROR_TYPE: failure or fault[1]})
            made.fail(fault[0], type=failure or fault[1])

    def end(self, error: BaseException | None = None) -> None:
        """End it; where no result came and nothing failed, somebody stopped it."""
        if self.made is None:
            return
        if error is None and not self.is_over:
            self.made.set_attributes({ENDED: "early"})
            cancelled(self.made)
        ended(self.made, error)


def new_turn(above: Any, *, is_run: bool = False) -> Turn:
    """Begin one."""
    return Turn(begun(NAME, "agent", above, _AGENT), is_run=is_run)
