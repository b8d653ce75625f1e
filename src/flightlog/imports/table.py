"""Every format of other tools that can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from flightlog.imports import databases, sheets
from flightlog.imports.formats import (
    chrome,
    claudecode,
    flujo,
    frametrace,
    jaeger,
    langfuse,
    lash,
    narration,
    nested,
    phoenix,
    tracellm,
    zipkin,
)
from flightlog.imports.formats.reading import Sample, Taker
from flightlog.imports.forms import Form

Opened = Callable[[Sample], frozenset[str] | None]
Rows = Callable[[Any, Callable[[str, str], object]], Iterator[tuple[str, str, Any]]]


def _whole(_sample: Sample) -> None:
    """An object is one value."""


def _never(_data: Any, _size: int) -> bool:
    return False


class Format(NamedTuple):
    """One format."""

    name: Form
    tells: Callable[[Sample], bool]
    """Whether a document with this head is of it."""
    taker: Callable[[], Taker]
    opened: Opened = _whole
    """The members of the document's object whose elements come one by one; None for the object as one value."""
    rows: Rows | None = None
    """Its values where they do not stand in JSON: place, key and value; told of the document, and whom to tell of what
    cannot be read."""
    are_rows: Callable[[Any, int], bool] = _never
    """Whether a document is of that sort."""


FORMATS: Final = (
    Format(nested.NAME, nested.tells, nested.Taker),
    Format(frametrace.NAME, frametrace.tells, frametrace.Taker),
    Format(flujo.NAME, flujo.tells, flujo.Taker, rows=databases.runs, are_rows=databases.is_database),
    Format(
        tracellm.NAME,
        tracellm.tells,
        tracellm.Taker,
        tracellm.opened,
        rows=sheets.rows,
        are_rows=sheets.is_sheet,
    ),
    Format(jaeger.NAME, jaeger.tells, jaeger.Taker, jaeger.opened),
    Format(zipkin.NAME, zipkin.tells, zipkin.Taker),
    Format(phoenix.NAME, phoenix.tells, phoenix.Taker, phoenix.opened),
    Format(langfuse.NAME, langfuse.tells, langfuse.Taker, langfuse.opened),
    Format(claudecode.NAME, claudecode.tells, claudecode.Taker),
    Format(narration.NAME, narration.tells, narration.Taker),
    Format(lash.NAME, lash.tells, lash.Taker),
    Format(chrome.NAME, chrome.tells, chrome.Taker, chrome.opened),
)
"""In the order in which they are asked; no two of them claim the same document."""

BY_NAME: Final[Mapping[str, Format]] = {form.name: form for form in FORMATS}
