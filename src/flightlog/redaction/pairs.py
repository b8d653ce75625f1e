"""Secrets whose key stands in a piece of text of its own: pairs in quotes, tags, form parts, settings.

`('x-api-key', '…')`, `<add key="ApiSecret" value="…"/>`, `name: API_KEY` with `value: …` beneath it. Keys are
judged by the table of `keys.py`. What says so little (`get("token", "text")` is a pair, too) has to look like a
secret as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from flightlog.redaction.assignments import HEADS, has_root
from flightlog.redaction.evidence import Value, is_drawn, is_placeholder, is_secretive, is_telling, is_weak
from flightlog.redaction.keys import ELSEWHERE, is_secret
from flightlog.redaction.modes import STANDS
from flightlog.redaction.rule import Family, finding

Span = tuple[int, int]

_QUOTED: Final = re.compile(
    r"""[(\[] ?b?\\{0,7}["']([A-Za-z][\w.-]{2,60})\\{0,7}["']\s{0,4},\s{0,4}b?\\{0,7}["']([^"'\\\r\n]{8,}+)"""
    r"""(?=\\{0,7}["']\s*(?:[)\]]|,\s*[a-z_0-9]+[=),])|$)"""
)
_TAG: Final = re.compile(r"<[A-Za-z][^<>]{1,1000}>")
_ATTRIBUTE: Final = re.compile(r"""([A-Za-z][\w:-]{0,20})=\\{0,7}["']([^"'\\<>]{1,}+)\\{0,7}["']""")
_NAMES: Final = frozenset({"name", "key", "id", "type"})
_SAID_BY: Final = frozenset({"value", "content"})
_LINE_END: Final = r"(?:\r?\n|\\{1,7}r\\{1,7}n|\\{1,7}n)"
_PART: Final = re.compile(
    rf"""form-data; name=\\{{0,7}}"([\w.-]{{1,60}})\\{{0,7}}"(?:{_LINE_END}[A-Z][^\r\n\\]{{1,200}})?{_LINE_END}{{2}}"""
    r"""([^\r\n\\"]{1,}+)"""
)
_SETTING: Final = re.compile(
    rf"""name: ["']?([A-Za-z][\w.-]{{2,60}})["']?[ \t]{{0,8}}{_LINE_END}[ \t]{{0,40}}value: ["']?([^\s"'\\]{{3,}}+)"""
)
_IN_OBJECT: Final = re.compile(
    r"""\{\s{0,40}\\{0,7}["'](?:[Nn]ame|[Kk]ey)\\{0,7}["']\s?:\s?\\{0,7}["']([A-Za-z][\w.-]{2,60})\\{0,7}["'],\s{0,40}"""
    r"""\\{0,7}["'][Vv]alue\\{0,7}["']\s?:\s?(?:\{\s?\\{0,7}["']\w{1,20}\\{0,7}["']\s?:\s?)?\\{0,7}["']"""
    r"""([^"'\\\r\n]{3,}+)"""
)
"""`{"name": "API_KEY", "value": "…"}` where it is no document of its own: in a line of a log, as Python writes it."""
_ENCODED_SIGN: Final = re.compile(r"(?:%(?:25)?2[27])?%(?:25)?3[ADad](?:%(?:25)?2[270]|\+)?")
_ENCODED_VALUE: Final = re.compile(
    r"""(?:[^\s"'&;,%<>\\\[\]]|%(?!(?:25)?(?:2[267Cc]|7[Dd]|3[Bb]|3[Aa]|3[Dd](?![%&;"'\s]|$)))[0-9A-Fa-f]{2}){3,}+"""
)
_ENCODED_KEY: Final = re.compile(r"(?:%(?:25)?[0-9A-Fa-f]{2}|(?<![\w%.-]))([A-Za-z][\w.-]{1,60})$")
_LONGEST_KEY: Final = 64
_ESCAPE: Final = re.compile("%[0-9A-Fa-f]{2}")


def is_told(key: str, text: str) -> bool:
    """Say whether a value that only stands beside a secret's key can be secret."""
    if STANDS in text or is_placeholder(text) or not is_secret(key):
        return False
    if " " in text or is_weak(key):
        return is_secretive(text)
    value = Value(
        key=key, text=text, start=0, delimiter="=", leads=False, quoted_key=True, quoted=True, after=""
    )
    return is_telling(value)


def _quoted(text: str) -> Iterator[Span]:
    for pair in _QUOTED.finditer(text):
        if is_secret(pair[1]) and STANDS not in pair[2] and is_secretive(pair[2]):
            yield pair.span(2)


def _in_tags(text: str) -> Iterator[Span]:
    for tag in _TAG.finditer(text):
        key, value = "", None
        for attribute in _ATTRIBUTE.finditer(text, tag.start(), tag.end()):
            name = attribute[1].lower()
            if name in _NAMES and is_secret(attribute[2]):
                key = attribute[2]
            elif name in _SAID_BY:
                value = attribute
        if key and value is not None and is_told(key, value[2]):
            yield value.span(2)


def _in_parts(text: str) -> Iterator[Span]:
    for part in _PART.finditer(text):
        if is_told(part[1], part[2]):
            yield part.span(2)


def _in_settings(text: str) -> Iterator[Span]:
    for setting in _SETTING.finditer(text):
        if is_told(setting[1], setting[2]):
            yield setting.span(2)


def _in_objects(text: str) -> Iterator[Span]:
    for pair in _IN_OBJECT.finditer(text):
        if is_told(pair[1], pair[2]):
            yield pair.span(2)


def _encoded(text: str) -> Iterator[Span]:
    """`password%3D…`: a form or JSON inside an address."""
    for sign in _ENCODED_SIGN.finditer(text):
        key = _ENCODED_KEY.search(text[max(0, sign.start() - _LONGEST_KEY) : sign.start()])
        value = _ENCODED_VALUE.match(text, sign.end()) if key and is_secret(key[1]) else None
        if key and value and is_told(key[1], _ESCAPE.sub("", value[0])):
            yield value.span()


ROOTS: Final = "[Pp]ass|PASS|[Pp]wd|PWD|[Ss]ecret|SECRET|[Tt]oken|TOKEN|[Kk]ey|KEY|[Cc]red|CRED|[Aa]uth|AUTH"

ANYWHERE: Final = (
    Family(
        "<",
        re.compile(rf"<(?=[A-Za-z])[^<>]{{1,200}}?=\\{{0,7}}[\"'][^<>\"']{{0,60}}?(?:{ROOTS})").search,
        (finding("attribute", _in_tags),),
        rooted=True,
    ),
    Family(
        "-",
        re.compile("-data; name=(?<=form-data; name=)").search,
        (finding("form_part", _in_parts),),
        rooted=True,
    ),
    Family("%", re.compile(r"%(?:25)?3[ADad]").search, (finding("encoded", _encoded),), rooted=True),
)
_SETTINGS: Final = finding("setting", _in_settings)
_PAIR: Final = finding("pair", _quoted)


_CREDENTIALS: Final = re.compile(
    r"""(?:uth|ogin|redentials?)\\{0,7}["']?\s{0,2}[=:]?\s{0,2}[(\[]b?\\{0,7}["'][^"'\s\\]{1,128}\\{0,7}["'],\s{0,4}"""
    r"""b?\\{0,7}["']([^"'\\\r\n]{3,}+)\\{0,7}["']\s{0,4}[)\]]"""
)
"""`auth=("ada", …)`, `login("ada", …)`: a name, and the password of that name."""


_CLIENT: Final = re.compile(
    r"""(?:lient|onnect(?:ion)?|ession|ogin|redentials?)\((?:\\{0,7}["'][^"'\\\r\n]{1,256}\\{0,7}["'],\s{0,4}){1,3}"""
    r"""\\{0,7}["']([^"'\s\\]{10,}+)\\{0,7}["']\s{0,4}[,)]"""
)
"""`Client("ada", "…")`: what a program logs in with, by place."""


def _of_users(text: str) -> Iterator[Span]:
    told = "redential" in text
    if told or "uth" in text or "ogin" in text:
        for pair in _CREDENTIALS.finditer(text):
            if not is_placeholder(pair[1]) and STANDS not in pair[1]:
                yield pair.span(1)
    if told or _CALL.search(text):
        for call in _CLIENT.finditer(text):
            if is_drawn(call[1]):
                yield call.span(1)


_CALL: Final = re.compile(
    r"\((?<=[nt]\()(?:(?<=lient\()|(?<=ogin\()|(?<=onnect\()|(?<=onnection\()|(?<=ession\())"
)


class _Pair(Struct, frozen=True):
    """The sign of a pair: what it begins with, and a root of a secret's key somewhere."""

    between: re.Pattern[str]
    """Is in every pair and begins with the needle."""
    outlines: tuple[str | re.Pattern[str], ...]
    """What the rules find; as a text, in any case."""
    ways: tuple[re.Pattern[str], ...]
    """The same, one for each bracket: a pattern that begins with one character is searched much faster."""

    def is_there(self, text: str) -> bool:
        """Say whether both are in a text."""
        return (
            self.between.search(text) is not None
            and any(way.search(text) for way in self.ways)
            and (_CALL.search(text) is not None or has_root(text))
        )


_OF_USER: Final = finding("pair", _of_users)

_ROOT: Final = "|".join(head for _, head in HEADS)
_PAIRED: Final = r"""[\w.-]{0,60}\\{0,7}["']\s{0,4},\s{0,4}b?\\{0,7}["'][^"'\\\r\n]{8}"""
"""From a root in the first text of a pair into the second."""
_OPENED: Final = r""" ?b?\\*["'][A-Za-z][\w.@+-]{1,128}\\*["'],\s*b?\\*["'][^"'\s]{3}"""
_IS_PAIR: Final = _Pair(
    between=re.compile(r""",(?<=["'],)\s*b?\\*["'][^"'\s]{3}"""),
    outlines=(
        rf"(?:{_ROOT}|(?:vice|ckup|very)[\w.-]{{0,2}}code|{'|'.join(ELSEWHERE)}){_PAIRED}",
        _CREDENTIALS,
        _CLIENT,
    ),
    ways=tuple(re.compile(bracket + r"""(?=[ b\\"'])""" + _OPENED) for bracket in (r"\(", r"\[")),
).is_there

FAMILIES: Final = (
    Family(",", _IS_PAIR, (_PAIR, _OF_USER)),
    Family(
        "{",
        re.compile(r"""\{\s{0,40}\\{0,7}["'](?:[Nn]ame|[Kk]ey)\\{0,7}["']""").search,
        (finding("pair", _in_objects),),
        rooted=True,
    ),
    Family("v", re.compile(r"v(?:alue: (?<=[\sn]value: ))").search, (_SETTINGS,), rooted=True),
)
"""Those that need not be asked of a JSON document, which is walked."""
