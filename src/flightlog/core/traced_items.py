"""What came out of a stream: how many pieces, how soon the first, and their sum as the span's output.

Pieces are kept within bounds, whatever the stream gives; beyond them they are only counted. A piece that can
change is captured when it passes: a generator that fills one list again and again has made many pieces. A
reducer of the program is given the pieces themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core import classes, memo
from flightlog.core.engine import Span
from flightlog.core.fields import decoded
from flightlog.core.outcome import said
from flightlog.records.genai import STREAM_CHUNKS

MOST_ITEMS: Final = 1_000
"""Pieces that are kept, unless all are texts."""
MOST_TEXTS: Final = 100_000
"""Pieces that are kept while all are texts."""
MOST_CHARACTERS: Final = 1024 * 1024
"""Characters of text, or of JSON, that are kept."""
MOST_REDUCED: Final = 10_000
"""Pieces that are kept for a reducer."""

FIRST_CHUNK: Final = "flightlog.stream.first_chunk_ns"
"""From the span's start to its first piece, in nanoseconds."""
CHUNKS_KEPT: Final = "flightlog.stream.chunks_kept"
"""How many of the pieces the output was made of, where it was not all of them."""
RETURNED: Final = "flightlog.stream.returned"
"""The value that a generator returned at its end."""
FAILED: Final = "flightlog.capture_error"
_MOST_SAID: Final = 100
_SHORTEST_SECRET: Final = 16
"""Characters; a shorter piece of a stream is no secret by itself."""
_UNSPEAKABLE: Final = "the reason could not be redacted"

_LASTING: Final = frozenset({str, int, float, bool, bytes, complex, type(None)})
"""Types whose values cannot change."""


class Items:
    """The pieces of one stream."""

    __slots__ = (
        "_characters",
        "_count",
        "_first_ns",
        "_full",
        "_keeps",
        "_kept",
        "_reduce",
        "_span",
        "_texts",
    )

    def __init__(self, span: Span, reduce: Callable[[list[Any]], object] | None, *, keep: bool) -> None:
        """Begin with none.

        Args:
            span: the span whose output they are.
            reduce: makes the output of the pieces; None: texts are joined, anything else is a list.
            keep: False only counts them.
        """
        self._span = span
        self._reduce = reduce
        self._kept: list[Any] = []
        self._texts = True
        self._count = self._characters = self._first_ns = 0
        self._keeps = keep and span.recorded
        self._full = not self._keeps

    def add(self, item: object) -> None:
        """Take the next piece."""
        if not self._count:
            self._first_ns = monotonic_ns() - self._span._zero
        self._count += 1
        if not self._full:
            self._keep(item)

    def _keep(self, item: object) -> None:
        if self._reduce is not None:
            most = MOST_REDUCED
        else:
            if type(item) is str:
                self._characters += len(item)
            else:
                self._texts = False
                item = self._as_it_is_now(item)
            most = MOST_TEXTS if self._texts else MOST_ITEMS
        if len(self._kept) >= most or (self._kept and self._characters > MOST_CHARACTERS):
            self._full = True
        else:
            self._kept.append(item)

    def _as_it_is_now(self, item: object) -> object:
        if type(item) in _LASTING:
            self._characters += 8 if not isinstance(item, bytes) else len(item)
            return item
        fragment, cuts = memo.captured(item, "output")
        self._characters += len(fragment)
        if cuts:
            self._span._note(cuts)
        return decoded(fragment)

    def tell(self, returned: object = None) -> None:
        """Put on the span what there is to say, its output included; `returned` is what a generator returned."""
        span = self._span
        if not span.recorded:
            return
        attributes: dict[str, object] = {STREAM_CHUNKS: self._count}
        if self._count:
            attributes[FIRST_CHUNK] = self._first_ns
        if self._kept and len(self._kept) < self._count:
            attributes[CHUNKS_KEPT] = len(self._kept)
        if returned is not None:
            attributes[RETURNED] = returned
        span.set_attributes(attributes)
        if self._keeps:
            self._join()

    def _join(self) -> None:
        """Make the output of what was kept."""
        span = self._span
        kept, self._kept = self._kept, []
        if self._reduce is None:
            span.output = "".join(map(_whole, kept)) if kept and self._texts else kept
            return
        try:
            span.output = self._reduce(kept)
        except Exception as failure:  # noqa: BLE001 - the border: a reducer is the program's code
            let_through(failure)
            fail_softly(span, failure)


def _whole(piece: str) -> str:
    """A piece as it is joined: a secret in it goes first, as its neighbours may hide where that ends."""
    return memo.redacted(piece) if len(piece) >= _SHORTEST_SECRET else piece


def fail_softly(span: Span, failure: Exception) -> None:
    """Count what the program's own code kept us from recording, and say it on the span."""
    span.set_attributes({FAILED: counted(failure)})


def counted(failure: Exception) -> str:
    """Count what the program's own code kept us from recording; gives what can be said of it."""
    memo._encoder.failed()
    try:
        return memo.redacted(f"{classes.short_name(type(failure))}: {said(failure)}")[:_MOST_SAID]
    except Exception as again:  # noqa: BLE001 - the border: the gate fails; then nothing of the program's is said
        let_through(again)
        return _UNSPEAKABLE
