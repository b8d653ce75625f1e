"""What is noted on a span that another library told of and that was read into our words (`dialects/`).

The note is `otel.understood`: by which version of the readers, which fields and attributes were added, and what stood
in their place. So whoever hands the span on, as the library told it, can leave out what was added.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

UNDERSTOOD: Final = "understood"
"""The member of `otel`."""
NORMALISER: Final = "normaliser"
"""Of the note: the version of the readers."""
BY: Final = "by"
"""The dialects that were found."""
ADDED: Final = "added"
"""Fields that were empty; those of the context as `context.<name>`."""
WAS: Final = "was"
"""Fields that had another value, and that value."""
ATTRIBUTES: Final = "attributes"
"""Names of attributes that were added."""
WERE: Final = "were"
"""Attributes that had another value, and that value."""

LENT: Final = "lent"
"""Of the note: what another telling of the same call knew: names of `attributes` and `fields`, and `by` whom."""
LOGGED: Final = "logged"
"""The member of `otel` on a span that was made from a log record: the id of that, or `prompt` around some of them."""

COUNTED: Final = "flightlog.counted"
"""The attribute that is False on a span which tells of a call that another span stands for."""
COUNTED_BY: Final = "flightlog.counted_by"
"""The attribute with the id of that other span."""


def raw_attributes(attributes: Mapping[str, Any], otel: Mapping[str, Any]) -> Mapping[str, Any]:
    """The attributes of a span as they were told.

    Args:
        attributes: the span's.
        otel: the span's, with or without a note.
    """
    note = otel.get(UNDERSTOOD)
    if not isinstance(note, Mapping):
        return attributes
    added, were = note.get(ATTRIBUTES), note.get(WERE)
    left_out = frozenset(name for name in added if isinstance(name, str)) if isinstance(added, list) else ()
    kept = {name: value for name, value in attributes.items() if name not in left_out}
    return {**kept, **were} if isinstance(were, dict) else kept
