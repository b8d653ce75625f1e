"""The first look at lines on their way into the store: which of them may speak a dialect, and what the others are.

To look costs as much as to read many a line, and nothing has to be remembered for it but whether anything was found
yet. So an import does it where the document is read, in a process of its own, and `understanding` goes on with the few
lines that are told here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from flightlog.codecs.lines import decode
from flightlog.dialects.plain import kind_in
from flightlog.dialects.registry import may_speak
from flightlog.records.errors import BadRecord
from flightlog.records.genai import CHARGED_KINDS
from flightlog.records.kinds import BY_ATTRIBUTE
from flightlog.records.line import Line
from flightlog.records.span import Span

FOREIGN: Final = b'"otel":{'
"""What a line has that another library told."""
SPAN: Final = b'{"v":1,"type":"span"'
"""How the line of a span begins."""
IMPORTED: Final = b'"otlp":1'
HEAD: Final = 2048
"""Bytes at the beginning of a line within which its short fields are."""
_KIND: Final = b'"kind":"'
_HEADS: Final = {kind: b'%b,"kind":"%b"' % (SPAN, kind.encode()) for _, kind in BY_ATTRIBUTE}
_own_call: Final = re.compile(b'"kind":"(?:' + "|".join(CHARGED_KINDS).encode() + b')"').search
"""Whether a line of Flightlog's own is about a call of a model."""


class FirstLook:
    """Looks at lines, in the order in which they come."""

    __slots__ = ("_has_seen_any",)

    def __init__(self) -> None:
        self._has_seen_any = False
        """Whether a line came that may speak: from then on calls of our own may be around what others tell of."""

    def look(self, lines: Sequence[Line]) -> tuple[Sequence[Line], list[int]]:
        """The lines, with their kind those of which it is seen; and the places of those to be looked at more closely.

        Those are the lines that may speak a dialect, and Flightlog's own about calls of models.
        """
        found: list[Line] | None = None
        closer: list[int] = []
        for place, line in enumerate(lines):
            if line.find(FOREIGN) < 0:
                if self._has_seen_any and _own_call(line[:HEAD]) is not None:
                    closer.append(place)
            elif may_speak(line):
                self._has_seen_any = True
                closer.append(place)
            elif line.startswith(SPAN):
                new = kinded(line)
                if new is not line:
                    found = list(lines) if found is None else found
                    found[place] = new
        return lines if found is None else found, closer


def kinded(line: Line) -> Line:
    """The line of a span that speaks no dialect, with its kind; itself where it is of none, or has one."""
    kind = kind_in(line)
    if not kind or line.rfind(IMPORTED) < 0:
        return line
    if line.find(_KIND) >= 0:  # or what looks like it
        try:
            span = decode(line)
        except BadRecord:
            return line
        if not isinstance(span, Span) or span.kind:
            return line
    return Line(_HEADS[kind] + line[len(SPAN) :])
