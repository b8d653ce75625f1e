"""A place in a journal: how far it was read, or how far it was written.

Cursors of one journal are ordered as its lines are: a reader whose cursor has reached a writer's position has
every line that was acknowledged before that position was asked for.
"""

from __future__ import annotations

from msgspec import Struct


class Cursor(Struct, frozen=True, order=True):
    """Everything before `offset` of `segment` lies behind; the zero cursor is the beginning."""

    segment: int = 0
    """Number of the segment; the first is 1."""
    offset: int = 0
    """Bytes from the beginning of the segment's file, always at the beginning of a record."""
