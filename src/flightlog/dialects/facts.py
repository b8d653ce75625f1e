"""What a dialect is asked, and what it answers: one span as it was told, and what is known of it in our words.

The names of attributes are those of `records/genai.py`, the form of messages is that of `messages.py`: what
Flightlog's own integrations write, so a span that some other library told of reads like one of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType, field

AGENT_ID: Final = "gen_ai.agent.id"
AGENT_NAME: Final = "gen_ai.agent.name"
AGENT_DESCRIPTION: Final = "gen_ai.agent.description"
AGENT_VERSION: Final = "gen_ai.agent.version"
CONVERSATION: Final = "gen_ai.conversation.id"
WORKFLOW_NAME: Final = "gen_ai.workflow.name"
TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_TYPE: Final = "gen_ai.tool.type"
TOOL_DESCRIPTION: Final = "gen_ai.tool.description"
TOOL_CALL_ID: Final = "gen_ai.tool.call.id"
PROMPT_NAME: Final = "gen_ai.prompt.name"
PROMPT_VERSION: Final = "gen_ai.prompt.version"
RETRIEVAL_QUERY: Final = "gen_ai.retrieval.query.text"
RETRIEVAL_TOP_K: Final = "gen_ai.retrieval.top_k"
DATA_SOURCE: Final = "gen_ai.data_source.id"
COST: Final = "gen_ai.usage.cost"
"""US dollars, by whoever told of the call."""


class Told(Struct, frozen=True):
    """An event of a span, or a log record that names it."""

    name: str
    attributes: Mapping[str, Any] = {}
    body: Any = None
    time: int = 0


class Seen(Struct, frozen=True):
    """A span as a library told of it."""

    name: str
    attributes: Mapping[str, Any]
    events: Sequence[Told] = ()
    scope: str = ""
    """The library."""
    otel_kind: int = 0
    """As OpenTelemetry numbers them: 3 is a client."""
    start: int = 0
    """Unix nanoseconds."""


class Usage(Struct, frozen=True):
    """Tokens; None is unknown."""

    input: int | None = None
    """All that went in, those read from and written to a cache included, unless `is_fresh`."""
    output: int | None = None
    """All that came out, those of reasoning included."""
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    total: int | None = None
    more: Mapping[str, int] = {}
    """By the unit of price lists: `input_audio_tokens`, …"""
    is_fresh: bool = False
    """Whether `input` is known to leave out what a cache held, as Anthropic counts."""

    @property
    def is_known(self) -> bool:
        """Whether it says anything that is counted."""
        return self.input is not None or self.output is not None

    @property
    def whole_input(self) -> int | None:
        """All that went in.

        Also where nobody says how it was counted, but the parts would be more than the whole, or only the sum with
        them makes the total.
        """
        if self.input is None:
            return None
        cached = (self.cache_read or 0) + (self.cache_write or 0)
        without = cached > self.input or (
            cached > 0 and self.total is not None and self.input + cached + (self.output or 0) == self.total
        )
        return self.input + cached if self.is_fresh or without else self.input


class Facts(Struct):
    """What is known of one span; what is unknown is empty."""

    kind: str = ""
    usage: Usage = Usage()
    attributes: dict[str, Any] = field(default_factory=dict)
    """Under their canonical names: provider, models, parameters, cost, tool, agent, …; without the usage."""
    messages: list[Any] | None = None
    """What the model was given."""
    tools: list[Any] | None = None
    """Definitions of the tools that it may call."""
    answers: list[Any] | None = None
    """What it said."""
    input: Any | UnsetType = UNSET
    """What went in, where that is no conversation."""
    output: Any | UnsetType = UNSET
    session: str = ""
    user: str = ""
    tags: list[str] = field(default_factory=list)

    def put(self, name: str, value: Any) -> None:
        """Note an attribute, unless there is nothing to note, or it is noted already."""
        if value is not None and value not in ("", []) and name not in self.attributes:
            self.attributes[name] = value
