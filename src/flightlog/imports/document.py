"""A document that is open: its bytes, how far they were read, and what is known of their end."""

from __future__ import annotations

from typing import Any


class Document:
    """One document, open for reading."""

    def __init__(self, data: Any, size: int, *, cut: bool = False, path: str = "") -> None:
        self.data = data
        self.size = size
        """Bytes, once it is decompressed."""
        self.path = path
        """Of the file that is mapped; empty where it is a copy."""
        self.at = 0
        """Bytes that were read so far, about."""
        self.cut = cut
        """Whether it is compressed and ends too early: a program was killed, or still writes."""
