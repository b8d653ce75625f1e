"""A recorded text in pieces again, as a stream gives it."""

from __future__ import annotations

from collections.abc import Iterator


def cut(text: str, pieces: int) -> Iterator[str]:
    """A text in so many pieces of about the same length; none for an empty one."""
    size = max(1, -(-len(text) // pieces))
    return (text[at : at + size] for at in range(0, len(text), size))
