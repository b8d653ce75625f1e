"""Secrets under a key, as single formats write the two: none of them assigns, so each has its own rule.

Rows of tables in Markdown, settings of a Mac and of Android, XML-RPC, and the data of a document
of Kubernetes that says of itself that it is a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from flightlog.redaction.evidence import is_drawn, is_secretive
from flightlog.redaction.modes import STANDS
from flightlog.redaction.pairs import ROOTS, is_told
from flightlog.redaction.rule import Family, finding, matching

Span = tuple[int, int]

_ROW: Final = re.compile(
    r"""\|[ `*]{1,4}([A-Za-z][\w .-]{1,40}?)[ `*]{1,40}\|[ `*]{1,40}([^\s|`]{6,}+)[ `*]{1,40}\|"""
)
_IN_PLIST: Final = re.compile(
    r"""<(?:key|name)>([A-Za-z][\w.-]{2,60})</(?:key|name)>\s{0,80}(?:<value>\s{0,80})?<(?:string|data)>([^<>\r\n]{3,4096})</"""
)
_NAMED_ELEMENT: Final = re.compile(
    r"""<[A-Za-z]\w{0,30} name="([A-Za-z][\w.-]{2,60})"[^<>]{0,200}>([^<>\r\n]{3,4096})</"""
)
_OF_KUBERNETES: Final = re.compile(r"(?:^|: )kind: Secret\r?$", re.MULTILINE)
_DATA: Final = re.compile(r"^(?:data|stringData):[ \t]*\r?\n((?:[ \t]+[^\r\n]*(?:\r?\n|$))+)", re.MULTILINE)
_DATUM: Final = re.compile(r"""^[ \t]+["']?[\w.-]+["']?: ["']?([^\s"'|>][^\s"']{2,})""", re.MULTILINE)


_VARIABLE: Final = re.compile(
    r"""variable\s{1,4}\\{0,7}"([A-Za-z][\w-]{1,60})\\{0,7}"\s{0,4}\{[^{}]{0,400}?default\s{0,40}=\s{0,40}\\{0,7}"([^"\\\r\n]{3,}+)"""
)
_GENERATED: Final = matching(
    "setting", r"""random_password\\{0,7}"[^\0]{0,600}?"result\\{0,7}"\s?:\s?\\{0,7}"([^"\\\r\n]{3,}+)"""
)
"""What Terraform has drawn, as its state holds it."""
_OF_A_HOST: Final = matching(
    "booked",
    r"\[[\w-]++(?:\.[\w-]++)++\](?::[a-z0-9]{1,16})?[ \t]++[^\s:]{1,128}:([^\s:]{3,256})(?![^\r\n])",
    is_drawn,
)
"""A line of a file that says by which name and password a mail server logs in where."""


def _in_variables(text: str) -> Iterator[Span]:
    """A variable of Terraform, `variable "db_password" { default = "…" }`."""
    for variable in _VARIABLE.finditer(text):
        if is_told(variable[1], variable[2]):
            yield variable.span(2)


def _in_rows(text: str) -> Iterator[Span]:
    """A row of a table in Markdown, of which the first cell names a secret and the second looks like one."""
    for row in _ROW.finditer(text):
        if is_told(row[1], row[2]) and is_secretive(row[2]) and not _is_kind(row[2]):
            yield row.span(2)


def _is_kind(text: str) -> bool:
    """Say whether a cell tells what sort of thing stands there: `varchar(255)`, `AES-256-GCM`, `utf8_text`."""
    return "(" in text or "_" in text or text.isupper() or (text.islower() and "-" in text)


def _in_elements(text: str) -> Iterator[Span]:
    """`<key>password</key><string>…`, `<string name="api_key">…`: settings of a Mac, of Android, XML-RPC."""
    for pattern in (_IN_PLIST, _NAMED_ELEMENT):
        for pair in pattern.finditer(text):
            if is_told(pair[1], pair[2].strip()):
                yield pair.span(2)


def _of_kubernetes(text: str) -> Iterator[Span]:
    """Everything in the data of a document that says of itself that it is a secret."""
    if _OF_KUBERNETES.search(text):
        for data in _DATA.finditer(text):
            for datum in _DATUM.finditer(text, data.start(1), data.end(1)):
                if STANDS not in datum[1]:
                    yield datum.span(1)


_VARIABLES: Final = finding("setting", _in_variables)

ANYWHERE: Final = (
    Family(
        "[",
        re.compile(r"\[(?:[\w-]++\.[\w.-]++\][^\s]{0,17}[ \t]++[^\s:]{1,128}:)").search,
        (_OF_A_HOST,),
    ),
    Family("k", re.compile(r"k(?:e[yn]\\{0,7}\" ?\{)").search, (_VARIABLES,), rooted=True),
    Family(
        "k",
        re.compile(r"k(?:ind: Secret(?![^\r\n]))").search,
        (finding("setting", _of_kubernetes),),
        rooted=True,
    ),
    Family("_", re.compile(r"_(?:secret\\{0,7}\" ?\{)").search, (_VARIABLES,), rooted=True),
    Family(
        "p",
        re.compile(r"p(?:assword(?:\\{0,7}\" ?\{|[\"\\](?<=random_password.)))").search,
        (_VARIABLES, _GENERATED),
        rooted=True,
    ),
    Family(
        "<",
        re.compile(
            rf"<(?:(?:key|name)>[\w.-]{{0,60}}?(?:{ROOTS})|[A-Za-z]\w{{0,30}} name=\"[\w.-]{{0,60}}?(?:{ROOTS}))"
        ).search,
        (finding("element", _in_elements),),
        rooted=True,
    ),
)

FAMILIES: Final = (
    Family(
        "|",
        re.compile(rf"\|[ `*]{{1,4}}[\w .-]{{0,40}}?(?:{ROOTS})").search,
        (finding("pair", _in_rows),),
        rooted=True,
    ),
)
"""Those that need not be asked of a JSON document, which is walked."""
