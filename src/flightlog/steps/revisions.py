"""What was last saved of the spans of one trace, so that what has changed since counts when it is saved again."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from flightlog.core.past import Past

_HASH_BYTES: Final = 16


class Revisions:
    """The last line of each span.

    Of two lines of one span a store takes the one with the greater revision, then the one that ends later. A line
    that is other than the last one, and would not win by its end, gets the next revision.
    """

    __slots__ = ("_ids", "_last")

    def __init__(self) -> None:
        self._ids: dict[int, str] = {}
        """The ids that steps were saved under, by their positions."""
        self._last: dict[str, tuple[bytes, int, int]] = {}
        """By span id: hash of the line, end and revision."""

    def id_of(self, number: int, made: str) -> str:
        """The id of the step at this position: what it was first saved under, whatever has changed of it."""
        return self._ids.setdefault(number, made)

    def of(self, span: Past, line: str) -> int:
        """The revision of a line of this span that is about to be written."""
        made = blake2b(line.encode("utf-8", "surrogatepass"), digest_size=_HASH_BYTES).digest()
        before, end, revision = self._last.get(span.span_id, (made, span.end, 0))
        if made != before and span.end <= end:
            revision += 1
        self._last[span.span_id] = made, span.end, revision
        return revision
