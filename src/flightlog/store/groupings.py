"""What spans can be grouped by, when it is said what they add up to (`port.Reader.figures`)."""

from __future__ import annotations

from typing import Final

Grouping = str
"""What the spans of one group have in common: one of `FIELDS`, an attribute as `attr.NAME`, or two of these with a
comma between. With a name goes the kind, with a model its provider."""

FIELDS: Final = ("name", "kind", "model", "service", "user", "session", "tag", "status")
"""What spans can be grouped by, beside their attributes; the first four are answered from sums by the hour."""

GROUPINGS: Final[tuple[Grouping, ...]] = ("name", "kind", "model")
"""The three that say most."""
