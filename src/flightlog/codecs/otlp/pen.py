"""What the readers of this room write with: the gate's encoder, which a room above hands over."""

from __future__ import annotations

from typing import Any, Protocol

from flightlog.codecs.otlp.members import Writer


class Pen(Writer, Protocol):
    """Writes JSON, and lets no secret into it."""

    def text(self, text: str, /) -> str:
        """A text as a JSON string: a name, an id."""

    def value(self, value: Any, path: str, /) -> str:
        """A value as JSON; `path` is the field of the record that it stands in."""

    def passes(self, text: str, /) -> bool:
        """Whether the gate would let this text through as it is."""
