"""Which conversation, and which exchange in it: what `bind` does, under the two names that everything can search."""

from __future__ import annotations

from flightlog.core.bound import Bind
from flightlog.core.engine import bind


def session(id: str, /) -> Bind:  # noqa: A002 - the word's own name
    """Say that what is recorded in this block belongs to one conversation.

    Args:
        id: the conversation's, whatever the program calls it by; the same in each of its traces.
    """
    return bind(session=id)


def turn(number: int, /) -> Bind:
    """Say that what is recorded in this block is one exchange of the conversation around it.

    Args:
        number: its place in the conversation.
    """
    return bind(turn=number)
