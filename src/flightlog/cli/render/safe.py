"""Text from a trace, made safe to show; which characters a terminal would obey, `narration/safe.py` says.

Here that is done to documents as the command line has them, in bytes.
"""

from __future__ import annotations

from flightlog.narration import safe
from flightlog.narration.safe import clean

__all__ = ["clean", "clean_json"]


def clean_json(document: bytes) -> bytes:
    """Write such characters of a JSON document as JSON escapes, which leaves its meaning as it is."""
    if document.isascii() and b"\x7f" not in document:
        return document
    return safe.clean_json(document.decode("utf-8", "backslashreplace")).encode()
