"""JSON inside a text: walked by its structure, so that neither escapes nor nesting hide a secret.

A text that parses as JSON is read token by token. What stands under a secret's key goes as a whole, be it a text,
a number or a container; every other text in it is looked at by itself, unescaped, and JSON in it is walked again.
So are pairs that tell a key and its value apart: `{"name": "password", "value": …}` and `["authorization", …]`.
Only what is secret is replaced; everything else stays byte for byte, spacing and number formats included.
"""

from __future__ import annotations

import re
from _json import encode_basestring
from collections.abc import Callable
from typing import Final

from msgspec import DecodeError, Struct
from msgspec.json import decode

from flightlog.redaction.evidence import SCHEME, Value, is_header, is_secretive, is_telling
from flightlog.redaction.keys import is_piece

LONGEST: Final = 64 * 1024
"""Characters of a text that is walked; a longer one is looked at as any text."""

DEEPEST: Final = 3
"""Levels of JSON in JSON that are walked."""

_TOKEN: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]|[^\s"\[\]{},:]++', re.DOTALL)
_NAMES: Final = frozenset(
    {"name", "key", "header", "field", "variable", "option", "Name", "Key", "ParameterName"}
)
_VALUES: Final = frozenset({"value", "val", "content", "data", "default", "const", "Value"})
_CONTENTS: Final = frozenset({"content", "data"})
"""Members that hold a whole answer as often: `{"role": "tool", "name": "reset_password", "content": "Done."}`."""
_OF_KUBERNETES: Final = frozenset({"data", "stringData"})
"""Members of an object of the kind `Secret` in which everything is one."""
_GENERATOR: Final = "random_password"
"""What Terraform calls what draws passwords; in its state, they are the results of one."""
_MAY_ASSIGN: Final = re.compile(r"[:=(\[{\n\\|]").search
"""Is in every text in which something is assigned, and in JSON inside it."""
_BEGINS: Final = ("{", "[")
_STRING: Final = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"', re.DOTALL)
_SCHEMA: Final = re.compile(
    r'\{\s*"(?:type|\$ref|anyOf|oneOf|allOf|title|description|enum|format|default|items)"\s*:'
).match
"""What describes a value and holds none: a property of a JSON Schema."""
ESCAPED: Final = re.compile(r"\\u00[2-7]")
"""ASCII characters that need no escape."""


Text = tuple[tuple[int, int], str]
"""Where a text stands in a document, and what it says."""


class Judge(Struct, frozen=True):
    """Who decides, while a document is walked."""

    hides: Callable[[str], bool]
    """Says of a key whether what stands under it is secret."""
    insists: Callable[[str], bool]
    """Says of such a key that everything under it is, however it looks."""
    hide: Callable[[str], str | None]
    """Makes what stands in the place of a secret."""
    clean: Callable[[str, int], str]
    """Looks at a text by itself, given how many more levels of JSON may be walked in it."""
    arguments: Callable[[list[str]], list[str]]
    """Looks at texts that may be the words of a command."""
    is_plain: bool
    """No rule has anything to do anywhere in the document, but for those that something is assigned to: its texts
    are only looked at where something can be."""


def begins_one(text: str) -> bool:
    """Say whether a text begins as a JSON document that is to be walked; most texts do not."""
    first = text[:1]
    if first > " ":
        return first in "{[" and len(text) <= LONGEST
    return text.lstrip(" \t\r\n").startswith(_BEGINS) and len(text) <= LONGEST


def is_one(text: str) -> bool:
    """Say whether a text is a JSON document."""
    try:
        decode(text.encode())
    except (DecodeError, UnicodeEncodeError, RecursionError):
        return False
    return True


def is_escaped(text: str) -> bool:
    """Say whether letters of a document are written as escapes although they need not be."""
    return "\\" in text and ESCAPED.search(text) is not None


def may_hold(text: str, hides: Callable[[str], bool], assigns: Callable[[str], bool]) -> bool:
    """Say whether a walk can find anything, by the document's texts alone.

    It cannot where no text names a secret, holds an assignment, or is JSON itself.

    Args:
        text: in which there is no sign but one of an assignment.
        hides: says of a key whether what stands under it is secret.
        assigns: says of a text whether something may be assigned to such a key in it.
    """
    said = set(_STRING.findall(text))
    return (
        "\\" in text
        or any(hides(word) and not (is_piece(word) and _is_harmless(text, word)) for word in said)
        or any(assigns(word) for word in said if _MAY_ASSIGN(word))
    )


def _is_harmless(text: str, piece: str) -> bool:
    """Say whether a key stands only before texts that do not look like a secret: `{"token": " the"}`."""
    values = re.findall(rf'"{re.escape(piece)}"\s*:\s*"([^"]*)"', text)
    return len(values) == text.count(f'"{piece}"') and not any(is_secretive(value) for value in set(values))


def clean(text: str, judge: Judge, levels: int) -> tuple[str, int]:
    """Replace the secrets of a document, and say how many values stood under a secret's key.

    Args:
        text: for which `is_document` holds.
        judge: who decides.
        levels: how many levels of JSON may be walked, this one included.
    """
    walk = _Walk(text, judge, levels)
    for token in _TOKEN.finditer(text):
        walk.take(token)
    return walk.result(), walk.hits


class _Frame:
    """A container that is open: what is known of its members so far."""

    __slots__ = (
        "count",
        "data",
        "is_object",
        "is_secret_document",
        "key",
        "name",
        "named",
        "start",
        "under",
        "values",
        "words",
    )

    def __init__(self, *, is_object: bool, start: int, under: str) -> None:
        self.is_object = is_object
        self.start = start
        self.under = under
        """The key of the object around it under which it stands."""
        self.key: str | None = None
        """Of the member whose value comes next; None where a key comes next."""
        self.count = 0
        self.name = ""
        """What the first element of an array, or a member such as `name`, says that the other one is."""
        self.named = False
        """Whether such a member named a secret."""
        self.values: list[tuple[int, int]] = []
        """Where the texts stand that are secret if so."""
        self.words: list[Text] = []
        """The texts of an array; of an object, those that are secrets if the one around it says that they are."""
        self.data: list[Text] = []
        """Those of a member."""
        self.is_secret_document = False
        """Whether it is of the kind that holds secrets."""


class _Walk:
    def __init__(self, text: str, judge: Judge, levels: int) -> None:
        self.text = text
        self.judge = judge
        self.levels = levels
        self.hits = 0
        self.open: list[_Frame] = []
        self.skip_until = 0
        """Depth at which a container under a secret's key began, plus one; 0 outside of one."""
        self.generates = False
        """Whether a text said that passwords are drawn there."""
        self.found: dict[tuple[int, int], str] = {}
        """What is put in the place of which part of the text."""

    def take(self, token: re.Match[str]) -> None:
        word = token[0]
        mark = word[0]
        if mark in "{[":
            self._enter(token.start(), is_object=mark == "{")
        elif mark in "}]":
            self._leave(token.end())
        elif mark == '"':
            self._string(token.span(), word)
        else:
            self._scalar(token.span(), word)

    def result(self) -> str:
        if not self.found:
            return self.text
        pieces: list[str] = []
        done = 0
        for (start, end), instead in sorted(self.found.items()):
            if start >= done:
                pieces += self.text[done:start], instead
                done = end
        return "".join([*pieces, self.text[done:]])

    def _enter(self, start: int, *, is_object: bool) -> None:
        under = self.open[-1].key if self.open else None
        frame = _Frame(is_object=is_object, start=start, under=under or "")
        if not self.skip_until and self._is_secret_member():
            if _SCHEMA(self.text, start):
                frame.named, frame.name = True, self.open[-1].key or ""
            else:
                self.skip_until = len(self.open) + 1
        self._counted()
        self.open.append(frame)

    def _leave(self, end: int) -> None:
        frame = self.open.pop()
        if self.skip_until:
            if len(self.open) + 1 == self.skip_until:
                self.skip_until = 0
                self._hide((frame.start, end), self.text[frame.start : end])
        elif frame.named or (not frame.is_object and frame.count == 2 and self._hides(frame.name)):
            for span in frame.values:
                self._hide_told(span, frame.name, _plain(self.text[slice(*span)]), pair=not frame.is_object)
        elif frame.words and frame.is_object:
            self.open[-1].data = frame.words
        elif frame.words:
            self._leave_words(frame.words)
        if frame.data and frame.is_secret_document:
            for span, plain in frame.data:
                self._hide(span, plain)

    def _leave_words(self, words: list[Text]) -> None:
        """Look at the texts of an array together: they may be the words of a command."""
        if not any(plain[:1] == "-" for _, plain in words):
            return
        for (span, plain), shown in zip(
            words, self.judge.arguments([plain for _, plain in words]), strict=True
        ):
            if shown != plain:
                self.hits += 1
                self.found[span] = _quoted(shown)

    def _string(self, span: tuple[int, int], word: str) -> None:
        frame = self.open[-1] if self.open else None
        if frame is not None and frame.is_object and frame.key is None:
            frame.key = _plain(word)
            if not self.skip_until:
                self._text(span, frame.key)
            return
        if self.skip_until:
            self._counted()
            return
        plain = _plain(word)
        if not (frame and self._is_secret_member() and self._hide_told(span, frame.key or "", plain)):
            self._note(frame, span, plain)
            self._text(span, plain)
        self._counted()

    def _scalar(self, span: tuple[int, int], word: str) -> None:
        if not self.skip_until and self._is_secret_member():
            self._hide_told(span, self.open[-1].key or "", word)
        self._counted()

    def _note(self, frame: _Frame | None, span: tuple[int, int], plain: str) -> None:
        """Remember what may turn out to be a pair of a key and its value."""
        if frame is None:
            return
        if not frame.is_object:
            frame.words.append((span, plain))
            if frame.count == 0:
                frame.name = plain
            elif frame.count == 1:
                frame.values.append(span)
        elif frame.key in _VALUES and (frame.key not in _CONTENTS or " " not in plain):
            frame.values.append(span)
        elif frame.key in _NAMES and self._hides(plain):
            frame.named, frame.name = True, plain
        elif frame.key == "kind" and plain == "Secret":
            frame.is_secret_document = True
        elif frame.key == "type":
            self.generates = plain == _GENERATOR
        if frame.is_object and frame.under in _OF_KUBERNETES:
            frame.words.append((span, plain))

    def _is_secret_member(self) -> bool:
        frame = self.open[-1] if self.open else None
        if frame is None or not frame.is_object or frame.key is None:
            return False
        return self._hides(frame.key) or (self.generates and frame.key == "result")

    def _counted(self) -> None:
        """One value more is read in the container that is open."""
        if self.open:
            self.open[-1].count += 1
            self.open[-1].key = None

    def _hides(self, key: str) -> bool:
        return bool(key) and self.judge.hides(key)

    def _hide_told(self, span: tuple[int, int], key: str, plain: str, *, pair: bool = False) -> bool:
        """Replace a value if it can be a secret, and say whether it can."""
        value = Value(
            key=key, text=plain, start=0, delimiter=":", leads=False, quoted_key=True, quoted=True, after=""
        )
        if not self.judge.insists(key) and (not is_telling(value) or (pair and not is_secretive(plain))):
            return False
        scheme = SCHEME.match(plain) if is_header(key, ":") else None
        self._hide(span, plain, scheme[0] if scheme else "")
        return True

    def _hide(self, span: tuple[int, int], plain: str, before: str = "") -> None:
        """Replace a value but for what is no secret of it: the scheme of an authorization."""
        hidden = self.judge.hide(plain[len(before) :])
        if hidden is not None:
            self.hits += 1
            self.found[span] = _quoted(before + hidden)

    def _text(self, span: tuple[int, int], plain: str) -> None:
        if self.judge.is_plain and not _MAY_ASSIGN(plain):
            return
        cleaned = self.judge.clean(plain, self.levels - 1)
        if cleaned is not plain and cleaned != plain:
            self.found[span] = _quoted(cleaned)


def _plain(word: str) -> str:
    """What a JSON string says."""
    if "\\" not in word:
        return word[1:-1]
    said = decode(word.encode())
    return said if isinstance(said, str) else word[1:-1]


def _quoted(text: str) -> str:
    return encode_basestring(text)
