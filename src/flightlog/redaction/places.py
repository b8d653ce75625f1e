"""Secrets that are known by the place where they stand: in a URL, after an authorization scheme, in markup.

Keys that something is assigned to have a file of their own (`assignments.py`).
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from typing import Final

from flightlog.redaction.evidence import is_drawn, is_opaque, is_placeholder
from flightlog.redaction.keys import is_secret
from flightlog.redaction.modes import STANDS
from flightlog.redaction.rule import Family, finding, matching


def _is_basic(word: str) -> bool:
    """Say whether `word` is base64 of `user:password`."""
    try:
        plain = binascii.a2b_base64(word + "=" * (-len(word) % 4)).decode()
    except ValueError:
        return False
    return ":" in plain and plain.isprintable()


_URL_PASSWORD: Final = matching(
    "url_password",
    r"""://[^\s/?\#:@"'<>\\`]{0,256}+:(?!%s@|\{|\$\{|\d{1,5}[,;)])"""
    r"""([^\s/?\#"'<>\\`]+)@(?=[\w\[%{$-])""",
    lambda secret: not secret.startswith(STANDS),
)
"""`scheme://user:password@`. A slash ends it, so a port before a path and an address after it stay. Every
match begins with a slash and reads none after it: no two attempts read the same characters."""

_DRIVER_PASSWORD: Final = matching(
    "url_password", r"""(?<![\w.-])[\w.-]{1,64}:([^\s/"'<>\\@]{3,256})@(?=tcp\()"""
)
"""`user:password@tcp(host)`, as drivers written in Go have it."""

_BEARER: Final = matching("bearer_token", r"Bearer(?<=\bBearer) {1,4}([A-Za-z0-9._~+/=-]{6,})", is_opaque)
_BASIC: Final = matching("basic_credentials", r"Basic(?<=\bBasic) {1,4}([A-Za-z0-9+/]{6,}={0,2})", _is_basic)
"""Either word begins prose, too ("basic authentication", "bearer of news"): the proof tells."""

_WEBHOOK: Final = matching(
    "webhook",
    r"(?:hooks\.slack\.com/(?:services|workflows|triggers)|(?:discord|discordapp)\.com/api/webhooks"
    r"|webhook\.office\.com/webhookb2)/([A-Za-z0-9_@/-]{20,})",
)
"""An address that whoever knows it may post to."""

_HOOK: Final = matching(
    "webhook",
    r"/(?:web-?)?hooks?/(?:[A-Za-z0-9_-]{1,40}/){0,4}?((?=[^\s/]{0,40}?[0-9])[A-Za-z0-9_-]{12,}+)(?!\.[A-Za-z])",
    is_drawn,
)
_WAYS_IN: Final = (
    *("activat", "confirm", "invit", "magic", "password-reset", "password_reset", "recover"),
    *("reset", "unsubscribe", "verif"),
)
"""What parts of an address begin with behind which the secret stands that lets somebody in."""
_LONG: Final = "[A-Za-z0-9_-]{12}"
_WAY_IN: Final = matching(
    "url_code", rf"/(?:{'|'.join(_WAYS_IN)})[a-z_-]{{0,16}}+/({_LONG}[A-Za-z0-9_-]*+)(?!\.[A-Za-z])", is_drawn
)
"""`/password/reset/…`: whoever has the address is let in."""
ALONE_IN_URL: Final = matching(
    "url_password", r"://([A-Za-z0-9_~.-]{12,256}+)@(?!(?:[\w-]{1,63}\.){0,8}sentry\.)", is_drawn
)
"""`https://…@host`: a token with no name before it; what Sentry has there may be seen."""

_SIGNATURE: Final = matching(
    "url_signature",
    r"ig(?:=(?<=[?&;6][Ss]ig=)|nature=(?<=[?&;6-][Ss]ignature=))([A-Za-z0-9%+/_-]{20,}={0,2})",
)
"""What makes an address valid for whoever holds it; the 6 is the end of `\\u0026`, an escaped `&`."""

_OPTION: Final = re.compile(r"--(?<![\w-]--)([a-z][\w-]{1,40})[ \t]++(?!-)")
_ARGUMENT: Final = re.compile(r"""(["']?)([^\s"'`,;&|<>\\]+)""")


def after_options(text: str) -> Iterator[tuple[int, int]]:
    """`--password geheim` inside a text: a command line that somebody logged."""
    for option in _OPTION.finditer(text):
        argument = _ARGUMENT.match(text, option.end()) if is_secret(option[1]) else None
        if argument is not None and _is_argument(argument[2]):
            yield argument.span(2)


def _is_argument(word: str) -> bool:
    """Say whether a word after an option can be a secret: prose about an option goes on with plain words."""
    if len(word) < 4 or is_placeholder(word):
        return False
    plain = word.rstrip(".,:)")
    return not (plain.isalpha() and (plain.islower() or plain.isupper()))


OPTION: Final = finding("option", after_options)

_ELEMENT: Final = re.compile(
    r"<(?:[A-Za-z][\w.-]{0,40}:)?([A-Za-z][\w.-]{0,60})(?: [^<>]{0,200})?>([^<>\r\n]{3,4096})</"
)


_CLOSES_A_SECRET: Final = re.compile(
    r"</[\w:.-]{0,60}?(?:[Pp]ass|PASS|[Pp]wd|PWD|[Ss]ecret|SECRET|[Tt]oken|TOKEN|[Kk]ey|KEY|[Cc]red|CRED|[Aa]uth|AUTH"
    r"|[Cc]ookie|COOKIE|[Jj]wt|JWT)"
).search


def _in_elements(text: str) -> Iterator[tuple[int, int]]:
    """`<password>geheim</password>`, as in settings and messages written in XML."""
    for element in _ELEMENT.finditer(text):
        value = element[2].strip()
        if is_secret(element[1]) and not is_placeholder(value):
            start = element.start(2) + element[2].index(value)
            yield start, start + len(value)


_OPENVPN: Final = matching(
    "element", r"<auth-user-pass>\s{0,8}[^\s<>]{1,256}\s{1,8}([^\s<>]{3,256})\s{0,8}</auth-user-pass>"
)
"""A name, and the password of that name beneath it."""

FAMILIES: Final = (
    Family("@", re.compile(r"://[^\s/:@]*+:[^\s/]*@").search, (_URL_PASSWORD,)),
    Family("@", re.compile(r"@tcp\(").search, (_DRIVER_PASSWORD,)),
    Family("B", re.compile(r"B(?:earer|asic) ").search, (_BEARER, _BASIC)),
    Family("/", re.compile(r"/(?:services/|workflows/|triggers/|webhooks/|webhookb2/)").search, (_WEBHOOK,)),
    Family("/", re.compile(r"/(?:hooks?/[A-Za-z0-9]|web-?hooks?/[A-Za-z0-9])").search, (_HOOK,)),
    Family(
        "/",
        re.compile("|".join(f"{way}[a-z_-]{{0,16}}/{_LONG}" for way in _WAYS_IN).join(("/(?:", ")"))).search,
        (_WAY_IN,),
    ),
    Family("=", re.compile(r"=(?:(?<=[?&;6][Ss]ig=)|(?<=[Ss]ignature=))").search, (_SIGNATURE,)),
    Family("<", _CLOSES_A_SECRET, (finding("element", _in_elements), _OPENVPN), rooted=True),
)
"""The schemes as they are usually written. Behind a key, as HTTP/2 lowers them, they are found as assignments."""
