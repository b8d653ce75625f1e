"""Secrets that follow a word, with nothing between that assigns: command lines, SQL, files of credentials.

`curl -u ada:…`, `mysql -p…`, `IDENTIFIED BY '…'`, `ENV DB_PASSWORD …`, `login ada password …`. Each is known by
words that stand before it, because a short option or the word "password" alone says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from flightlog.redaction.evidence import is_placeholder
from flightlog.redaction.keys import is_secret
from flightlog.redaction.modes import STANDS
from flightlog.redaction.rule import Family, finding, matching

Span = tuple[int, int]

_LINE: Final = 400
"""Characters before an option in which its command has to stand."""

_SHORT: Final = re.compile(
    r""" -(?:[sSLfkvigIjX#]{0,6}([uU]|-user|-proxy-user)[ =]?\\{0,7}["']?[^\s:"'%\\]{0,128}[:%]"""
    r"""|(pass(?:in|out)?)[ =]\\{0,7}["']?pass:"""
    r"""|([pPaw]) ?\\{0,7}["']?|([kt]) \\{0,7}["']?)([^\s"'`;|&<>\\]{3,}+)"""
)
_COMMANDS: Final = {
    option: re.compile(rf"(?<![\w.-])(?:{commands})(?![\w-])").search
    for option, commands in {
        "u": "curl|wget|https?|xh|aria2c",
        "-user": "curl|wget|https?",
        "-proxy-user": "curl|wget",
        "U": "curl|smbclient|rpcclient",
        "p": r"mysql\w*|mariadb[\w-]*|sshpass|mongo\w*"
        r"|cqlsh|cypher-shell|useradd|usermod|7z[a-z]?|unrar|rar"
        r"|(?:docker|podman|nerdctl|helm|oras|az|oc|cf|skopeo)(?=[^\n]* login)",
        "P": "sqlcmd|bcp|zip|unzip",
        "a": "redis-cli|valkey-cli",
        "w": "ldap[a-z]+",
        "k": "openssl",
        "t": "influx",
        "pass": "openssl",
        "passin": "openssl",
        "passout": "openssl",
    }.items()
}
"""What has to stand before a short option, which means something else to every other command."""

_VARIABLE: Final = re.compile(
    r"""(?:ENV|ARG|setx|setenv|set -[a-zA-Z]{1,4}|\#define|\((?:setq|defvar|defconst|defparameter)|_header|_param"""
    r"""|request-header|requirepass|masterauth) {1,4}([A-Za-z][\w-]{2,60}) {1,4}"""
    r"""["']?((?![Bb]asic |[Bb]earer )[^\s"'=;\\]{3,}+)"""
)


def after_short_options(text: str) -> Iterator[Span]:
    """`mysql -p…`, `curl -u ada:…`, inside a line that tells the command."""
    for option in _SHORT.finditer(text):
        before = text[max(0, option.start() - _LINE) : option.start()]
        command = _COMMANDS[option[1] or option[2] or option[3] or option[4]]
        if command(before[before.rfind("\n") + 1 :]) and _is_secret_word(option[5]):
            yield option.span(5)


def _after_variables(text: str) -> Iterator[Span]:
    for variable in _VARIABLE.finditer(text):
        if is_secret(variable[1]) and _is_secret_word(variable[2]):
            yield variable.span(2)


def _is_secret_word(word: str) -> bool:
    return not word.startswith(STANDS) and not is_placeholder(word)


_PASSFILE: Final = matching(
    "booked",
    r":(?:543[0-9]|15432|25060|26257|6432|6543|\*):[^\s:]{1,64}:[^\s:]{1,64}:([^\s:]{3,256})(?![^\s])",
    _is_secret_word,
)
"""A line of a password file of PostgreSQL, at the ports where it and what stands before it usually listen."""

_GAP: Final = r"(?:[ \t]|\r?\n|\\n)++"
_BOOKED: Final = matching(
    "booked",
    rf"""login(?<=\blogin){_GAP}[\w.@%+-]{{1,200}}{_GAP}password{_GAP}([^\s"'\\]{{3,}}+)""",
    _is_secret_word,
)
"""A line of a `.netrc`."""

_QUOTED: Final = r"""\\{0,7}["']([^"'\\\r\n]{3,}+)"""
_STATEMENTS: Final = tuple(
    matching("statement", pattern, _is_secret_word)
    for pattern in (
        rf"IDENTIFIED (?:WITH \S{{1,64}} )?(?:BY|AS) (?:PASSWORD )?{_QUOTED}",
        r"IDENTIFIED BY ([A-Za-z0-9_$#.!-]{3,128})(?![^\s;])",
        rf"identified (?:with \S{{1,64}} )?(?:by|as) {_QUOTED}",
        rf"PASSWORD(?<=\bPASSWORD)(?: FOR \S{{1,128}} ?=)?[ (]{{1,3}}{_QUOTED}",
        rf"password(?<=[a-zA-Z] password) {_QUOTED}(?=[\\\"']{{1,8}}(?:;|\s|$))",
    )
)
"""SQL that gives somebody a password."""

_LOWER: Final = (_BOOKED, *_STATEMENTS[2::2])

_AUTH: Final = matching("statement", r"AUTH (?:PLAIN|LOGIN) ([A-Za-z0-9+/]{8,}={0,2})")
"""A line of a conversation with a mail server."""

CURL_COOKIE: Final = matching(
    "short_option", r"""curl (?<=\bcurl )[^\r\n"']{0,200}?(?:-b|--cookie) ["']([^"'\r\n]{3,}+)["']"""
)

_VARIABLES: Final = finding("variable", _after_variables)

SHORT_OPTION: Final = finding("short_option", after_short_options)

FAMILIES: Final = (
    Family("A", re.compile("A(?:UTH (?:PLAIN|LOGIN) )").search, (_AUTH,), rooted=True),
    Family(
        "_",
        re.compile(r"_(?:[PSTK](?:ASS|ECRET|OKEN|EY|WD)[A-Z_]{0,24} [^\s=:]|[hp](?:eader|aram) )").search,
        (_VARIABLES,),
        rooted=True,
    ),
    Family("-", re.compile(r"-(?:token \"|key \"|secret \"|password \")").search, (_VARIABLES,), rooted=True),
    *(
        Family(letter, re.compile(rf"{letter}(?:assword[ \r\n\\(])").search, _LOWER, rooted=True)
        for letter in "pP"
    ),
    Family("W", re.compile("W(?<=PASSW)ORD").search, _STATEMENTS[3:4], rooted=True),
    Family("B", re.compile("B(?<=IDENTIFIED B)Y ").search, _STATEMENTS[:2]),
    Family(
        "5",
        re.compile(
            r"5(?:(?<=:5)43[0-9]|(?<=:15)432|(?<=:25)060|(?<=:65)43|(?<=:2625)7):[^\s:]{1,64}:"
        ).search,
        (_PASSFILE,),
    ),
    Family("6", re.compile(r"6(?<=:6)432:[^\s:]{1,64}:").search, (_PASSFILE,)),
    Family("*", re.compile(r"\*(?<=:\*):[^\s:]{1,64}:").search, (_PASSFILE,)),
)
