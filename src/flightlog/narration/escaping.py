"""Texts of a trace inside a Mermaid diagram: whatever they hold, they stay texts.

Mermaid's grammar for sequence diagrams ends a text at a line feed, a `;` or a `#`, reads `%%` as a comment or a
directive, `wrap:` at the beginning of a message as an order, and its documentation warns of the word `end`;
afterwards it takes the text for a piece of HTML. Its own way out are entity codes, `#59;` for a semicolon, which it
puts away before it parses anything. So each character that is neither a letter nor one of a few harmless signs
becomes such a code, and so does the first letter of that word. No text of a trace ever begins a statement.
"""

from __future__ import annotations

import re
from typing import Final

from flightlog.narration.safe import clean

_HARMLESS: Final = frozenset(" .,'!?()/_=*")
_PUT_AWAY: Final = frozenset("ﬂ°¶ß")
"""What Mermaid itself writes in the place of an entity code while it parses."""
_WORDS: Final = re.compile(r"\bend\b", re.IGNORECASE)
_HYPHEN: Final = re.compile(r"(?<=[A-Za-z0-9])-(?=[A-Za-z0-9])")
"""One within a word, which cannot be the beginning of an arrow."""
_LAST_LATIN: Final = "\u024f"


def escaped(text: str, most: int = 120) -> str:
    """A text as it can stand in a diagram; never empty, never more than one line.

    Args:
        text: anything.
        most: characters of it that are kept; an ellipsis stands for the rest.
    """
    whole = " ".join(clean(text[: 8 * most].replace("\n", " ").replace("\t", " ")).split())
    cut = whole if len(whole) <= most else whole[: most - 1] + "…"
    marked = {match.start() for match in _WORDS.finditer(cut)}
    hyphens = {match.start() for match in _HYPHEN.finditer(cut)}
    return (
        "".join(
            letter if place in hyphens else _letter(letter, place in marked)
            for place, letter in enumerate(cut)
        )
        or "#32;"
    )


def _letter(letter: str, begins_word: bool) -> str:
    if begins_word or letter in _PUT_AWAY:
        return f"#{ord(letter)};"
    if letter.isalnum() or letter in _HARMLESS or (letter > _LAST_LATIN and letter.isprintable()):
        return letter
    return f"#{ord(letter)};"


def broken(text: str, cells: int = 46, most: int = 180) -> str:
    """The same on several lines, where the words allow it, each of about so many characters."""
    whole = " ".join(clean(text[: 8 * most].replace("\n", " ")).split())
    kept = whole if len(whole) <= most else whole[: most - 1] + "…"
    lines: list[str] = []
    for word in kept.split(" "):
        if lines and len(lines[-1]) + len(word) < cells:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return "<br/>".join(escaped(line, most) for line in lines)
