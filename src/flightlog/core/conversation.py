"""Which conversation, and which exchange in it: what `bind` does, under the two names that everything can search."""

from __future__ import annotations

from flightlog.core.bound import Bind
from flightlog.core.engine import bind
from flightlog.core.told import count, word


def session(id: str, /) -> Bind:  # noqa: A002 - the word's own name
    """Say that what is recorded in this block belongs to one conversation.

    Args:
        id: the conversation's, whatever the program calls it by; the same in each of its traces. None says nothing.
    """
    return bind(session=name) if (name := word(id)) else bind()


def turn(number: int, /) -> Bind:
    """Say that what is recorded in this block is one exchange of the conversation around it.

    Args:
        number: its place in the conversation, a whole number from 0 up; anything else says nothing.
    """
    return bind() if (place := count(number)) is None else bind(turn=place)
