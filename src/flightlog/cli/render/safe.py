r"""Text from a trace, made safe to show: what a terminal would obey is written out instead.

A traced program records what it is given, and a terminal obeys what it is sent: an escape sequence in a
span's name could recolour the screen, move the cursor or set the clipboard, a line feed could forge a row, and a
direction override or an invisible letter could make a text read as another. Every such character is shown as
an escape (`\x1b`, `\n`, `\u202e`). Letters of all scripts, combining marks and emoji stay as they are; the
two joiners that scripts and emoji need (U+200C, U+200D) stay as well.

Markup (`[red]`) needs no care: nothing here interprets any.
"""

from __future__ import annotations

import re
from typing import Final

_OBEYED: Final = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL and C1: escape sequences, line feeds, bells
    "\u00ad\u061c\u115f\u1160\u180e\u3164\uffa0"  # invisible: soft hyphen, Arabic letter mark, fillers
    "\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"  # invisible or directing: marks, overrides, isolates
    "\ud800-\udfff\ufeff\ufff9-\ufffb"  # half a letter, byte order mark, annotation anchors
    "\U000e0000-\U000e0fff"  # tags: a whole alphabet nobody can see
    "]"
)
_NAMED: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def clean(text: str) -> str:
    """Write out every character that a terminal would obey or hide; the same object when there is none."""
    if text.isascii() and text.isprintable():
        return text
    return _OBEYED.sub(_written_out, text)


def clean_json(document: bytes) -> bytes:
    """Write the same characters of a JSON document as JSON escapes, which leaves its meaning as it is."""
    if document.isascii():
        return document
    return _OBEYED.sub(_json_escape, document.decode()).encode()


def _written_out(match: re.Match[str]) -> str:
    letter = match[0]
    if letter in _NAMED:
        return _NAMED[letter]
    code = ord(letter)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(match: re.Match[str]) -> str:
    letter = match[0]
    if letter < " ":
        return letter  # a line feed between values; inside a string it is an escape already
    units = letter.encode("utf-16-be")
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in zip(units[::2], units[1::2], strict=True))
