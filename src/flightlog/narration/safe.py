r"""Text from a trace, made safe to show: what a terminal would obey is written out instead.

A traced program records what it is given, and a terminal obeys what it is sent: an escape sequence in a
span's name could recolour the screen, move the cursor or set the clipboard, a line feed could forge a row, and a
direction override or an invisible letter could make a text read as another. Every such character is shown as
an escape (`\x1b`, `\n`, `\u202e`). Letters of all scripts, combining marks and emoji stay as they are; the
two joiners that scripts and emoji need (U+200C, U+200D) stay as well.

This is the one place that says which characters those are; sinks and the command line both ask here. Markup
(`[red]`) needs no care: nothing of ours interprets any.
"""

from __future__ import annotations

import re
from typing import Final

OBEYED: Final = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL and C1: escape sequences, line feeds, bells
    "\u00ad\u061c\u115f\u1160\u180e\u3164\uffa0"  # invisible: soft hyphen, Arabic letter mark, fillers
    "\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"  # invisible or directing: marks, overrides, isolates
    "\ud800-\udfff\ufeff\ufff9-\ufffb"  # half a letter, byte order mark, annotation anchors
    "\U000e0000-\U000e0fff"  # tags: a whole alphabet nobody can see
    "]"
)
"""One character that a terminal would obey or hide."""


def clean(text: str) -> str:
    """Write out every character that a terminal would obey or hide; the same object when there is none."""
    if text.isascii() and text.isprintable():
        return text
    return OBEYED.sub(_written_out, text)


def clean_json(document: str) -> str:
    """Write the same characters of a JSON document as JSON escapes, which leaves its meaning as it is."""
    if document.isascii() and "\x7f" not in document:
        return document
    return OBEYED.sub(_json_escape, document)


def _written_out(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def _json_escape(match: re.Match[str]) -> str:
    letter = match[0]
    if letter < " ":
        return letter  # a line feed between values; inside a string it is an escape already
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in zip(units[::2], units[1::2], strict=True))
