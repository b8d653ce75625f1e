"""Words within recorded values: what a word is, how texts are made alike, and whether words stand in a text.

A word is a run of letters and digits, whatever its case and accents; each ideograph, kana and letter of a script
without blanks is a word of its own. An index of words and a look at the value itself agree on that because both
see the text as `plain` makes it: whatever an index says may hold some words is looked at once more here.

`*` stands for anything: `refun*` is a word that begins so, `*fund` one that ends so, `refund*policy` the one and
somewhere behind it the other. Words side by side stand side by side in one string of the value, with nothing but signs
between them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Final, NamedTuple

from flightlog.records.question import Pattern

_LETTER: Final = "[^\x00-/:-`{-\x7f]"
"""What a word is made of in a text that was made plain: small letters, digits and all beyond ASCII.

By what it is not, since `re` takes milliseconds to compile a class of a million signs, at every start of a program.
"""

_WORD: Final = re.compile(f"{_LETTER}+")
_GAP: Final = "[\x00-!#-/:-`{-\x7f]+"
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_SIMPLE_ESCAPE: Final = re.compile(r"\\.", re.DOTALL)
_PAIR: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_ACCENT: Final = re.compile("[\u0300-\u036f]")
_SIGN: Final = re.compile(r"[^\w\x00-\x7f]+")
_APART: Final = (
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
"""Letters of scripts that put no blanks between words."""
_ORIGINAL_WORD: Final = re.compile(r"[^\W_]+")


class Piece(NamedTuple):
    """Words side by side, between two `*` of a pattern."""

    words: tuple[str, ...]
    is_open_left: bool
    """The first may be the end of a longer word."""
    is_open_right: bool
    """The last may be the beginning of a longer word."""


def plain(json: str) -> str:
    """A JSON value, or a part of one, in which words are told apart: bounds of strings stay, escapes go."""
    if "\\" in json:
        json = _ESCAPE.sub(_unescaped, json) if "\\u" in json else _SIMPLE_ESCAPE.sub(" ", json)
        if not json.isascii():
            json = _PAIR.sub(_joined, json)
    return folded(json)


def folded(text: str) -> str:
    """A text without case and accents, and without signs beyond ASCII."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKD", text).casefold()
    text = unicodedata.normalize("NFC", _ACCENT.sub("", text))
    return _apart().sub(r" \g<0> ", _SIGN.sub(" ", text))


@lru_cache(maxsize=256)
def pieces_of(pattern: Pattern) -> tuple[Piece, ...]:
    """The words of a pattern; none where it has only signs."""
    last = len(pattern.pieces) - 1
    found = []
    for place, piece in enumerate(pattern.pieces):
        text = folded(piece)
        words = tuple(_WORD.findall(text))
        if words:
            begins, ends = _WORD.match(text) is not None, _WORD.search(text[-1:]) is not None
            found.append(Piece(words, place > 0 and begins, place < last and ends))
    return tuple(found)


def expression(pieces: Sequence[Piece], column: str = "") -> str | None:
    """What FTS5 is asked for a superset of the texts that hold these pieces; None where it cannot narrow them."""
    best: tuple[int, str] | None = None
    for words, is_open_left, is_open_right in pieces:
        known = words[1:] if is_open_left else words
        if known:
            text = " ".join(known)
            asked = f'"{text}"{" *" if is_open_right else ""}'
            if best is None or len(text) > best[0]:
                best = (len(text), asked)
    if best is None:
        return None
    return f"{column} : {best[1]}" if column else best[1]


def holds(text: str, pieces: Sequence[Piece]) -> bool:
    """Whether a plain text holds these pieces, one behind the other."""
    place = 0
    for piece in pieces:
        found = _matcher(piece).search(text, place)
        if found is None:
            return False
        place = found.end()
    return True


def marks(text: str, patterns: Sequence[Pattern]) -> list[tuple[int, int]]:
    """Begin and end of each place in a text, as it was recorded, where words of these patterns stand, in order."""
    tokens = list(_tokens(text))
    found: set[tuple[int, int]] = set()
    for pattern in patterns:
        for piece in pieces_of(pattern):
            found.update(_places(tokens, piece))
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(found):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def may_be_marked(text: str, pattern: Pattern) -> bool:
    """Whether `marks` may find a place of this pattern in a text; asking is a hundredth of looking."""
    known = text.lower() if text.isascii() else folded(text).replace(" ", "")
    return any(all(word in known for word in piece.words) for piece in pieces_of(pattern))


def _places(tokens: Sequence[tuple[str, int, int]], piece: Piece) -> Iterator[tuple[int, int]]:
    first, count = piece.words[0], len(piece.words)
    for place, (token, begin, end) in enumerate(tokens):
        if first not in token or not _is_word(token, first, piece, is_first=True, is_last=count == 1):
            continue
        if count == 1:
            yield begin, end
            continue
        some = tokens[place + 1 : place + count]
        if len(some) == count - 1 and all(
            _is_word(token, word, piece, is_first=False, is_last=at == count - 1)
            for at, ((token, _, _), word) in enumerate(zip(some, piece.words[1:], strict=True), 1)
        ):
            yield begin, some[-1][2]


def _is_word(token: str, word: str, piece: Piece, *, is_first: bool, is_last: bool) -> bool:
    left, right = is_first and piece.is_open_left, is_last and piece.is_open_right
    if left and right:
        return word in token
    if left:
        return token.endswith(word)
    return token.startswith(word) if right else token == word


def _tokens(text: str) -> Iterator[tuple[str, int, int]]:
    """The words of a text, as `folded` has them, and where each stands."""
    for match in _ORIGINAL_WORD.finditer(text):
        begin, end = match.span()
        if match[0].isascii():
            yield match[0].lower(), begin, end
        elif _apart().search(match[0]) is None:
            yield folded(match[0]).replace(" ", ""), begin, end
        else:
            for place, sign in enumerate(match[0], begin):
                yield folded(sign).strip(), place, place + 1


@lru_cache(maxsize=256)
def _matcher(piece: Piece) -> re.Pattern[str]:
    left = "" if piece.is_open_left else f"(?<!{_LETTER})"
    right = "" if piece.is_open_right else f"(?!{_LETTER})"
    return re.compile(left + _GAP.join(map(re.escape, piece.words)) + right)


@cache
def _apart() -> re.Pattern[str]:
    return re.compile(_APART)


def _unescaped(match: re.Match[str]) -> str:
    """A letter that is written by its number, else a blank."""
    if match[1] is None:
        return " "
    sign = chr(int(match[1], 16))
    return sign if sign.isalnum() or "\ud800" <= sign <= "\udfff" or _ACCENT.match(sign) else " "


def _joined(match: re.Match[str]) -> str:
    return match[0].encode("utf-16", "surrogatepass").decode("utf-16")
