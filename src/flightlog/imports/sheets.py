"""Rows out of a document of values that are separated by commas, its first line their names."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from flightlog.imports.formats.tracellm import COLUMNS

if TYPE_CHECKING:
    from flightlog.imports.document import Document

_MOST: int = 16 * 1024 * 1024
"""Characters of one value."""


def is_sheet(data: Any, _size: int) -> bool:
    """Whether a document is what tracellm exports as CSV."""
    return bytes(data[:64]).removeprefix(b"\xef\xbb\xbf").startswith(COLUMNS)


def rows(document: Document, bad: Callable[[str, str], object]) -> Iterator[tuple[str, str, Any]]:
    """The rows of a document: the place of each, nothing, and its values by name."""
    before = csv.field_size_limit(_MOST)
    try:
        reader = csv.DictReader(_lines(document))
        while True:
            try:
                row = next(reader, None)
            except csv.Error as error:
                bad(f"line {reader.line_num}", f"no row of values that are separated by commas ({error})")
                continue
            if row is None:
                return
            place = f"line {reader.line_num}"
            if any(value is None for value in row.values()) or None in row:
                bad(place, "it has more or fewer values than the first line names")
                continue
            yield place, "", row
    finally:
        csv.field_size_limit(before)


def _lines(document: Document) -> Iterator[str]:
    data, size, start = document.data, document.size, 0
    while start < size:
        found = data.find(b"\n", start)
        stop = size if found < 0 else found + 1
        yield bytes(data[start:stop]).decode("utf-8-sig" if not start else "utf-8", "replace")
        document.at = start = stop
