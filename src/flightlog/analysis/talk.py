"""What was said to models and what they said, call after call, each message once.

A call sends all that was said before. What stands at the beginning of its messages as it stood at the end of an
earlier call is left out, so the calls of a conversation read like the conversation.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct

from flightlog.analysis.messages import Message, conversation
from flightlog.records.span import Span

REMEMBERED: Final = 20
"""Earlier calls with which a call is compared: as many conversations may go on beside each other."""


class Said(Struct, frozen=True, eq=False):
    """One call, and what is new in it."""

    call: Span
    known: int
    """Messages at its beginning that an earlier call ended with."""
    messages: Sequence[Message]
    """What follows, its answer included."""
    is_answered: bool


def told_once(calls: Iterable[Span]) -> Iterator[Said]:
    """What is new in each of these calls, which come by start and are whole."""
    earlier: deque[list[Message]] = deque(maxlen=REMEMBERED)
    for call in calls:
        asked, answered = messages_of(call.input, "input"), messages_of(call.output, "output")
        known = max((_common(asked, before) for before in earlier), default=0)
        yield Said(call, known, [*asked[known:], *answered], bool(answered))
        earlier.append([*asked, *answered])


def messages_of(value: Any, part: str) -> list[Message]:
    """The messages in an input or output; any other value is one message."""
    if value is UNSET:
        return []
    said = conversation(value)
    if said is not None:
        return list(said.messages)
    text = (
        value
        if isinstance(value, str)
        else msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    )
    return [Message("user" if part == "input" else "assistant", "", text)]


def _common(asked: Sequence[Message], before: Sequence[Message]) -> int:
    """How many messages both begin with."""
    number = 0
    for one, other in zip(asked, before, strict=False):
        if one != other:
            break
        number += 1
    return number
