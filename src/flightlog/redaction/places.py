"""Secrets that are known by the place where they stand: in a URL, or after an authorization scheme."""

from __future__ import annotations

import binascii
import re
from typing import Final

from flightlog.redaction.evidence import is_opaque
from flightlog.redaction.rule import Family, matching


def _is_basic(word: str) -> bool:
    """Say whether `word` is base64 of `user:password`."""
    try:
        plain = binascii.a2b_base64(word + "=" * (-len(word) % 4)).decode()
    except ValueError:
        return False
    return ":" in plain and plain.isprintable()


_URL_PASSWORD: Final = matching(
    "url password",
    r"""://[^\s/?\#:@"'<>\\`]{0,256}+:(?!\[REDACTED\]@)(?!%s@|\{|\$\{|\d{1,5}[,;)])"""
    r"""([^\s/?\#"'<>\\`]+)@(?=[\w\[%{$-])""",
)
"""`scheme://user:password@`. A slash ends it, so a port before a path and an address after it stay. Every
match begins with a slash and reads none after it: no two attempts read the same characters."""

_BEARER: Final = matching("bearer token", r"earer(?<=\b[Bb]earer) {1,4}([A-Za-z0-9._~+/=-]{6,})", is_opaque)
_BASIC: Final = matching("basic credentials", r"asic(?<=\bBasic) {1,4}([A-Za-z0-9+/]{6,}={0,2})", _is_basic)
"""Either word begins prose, too ("basic authentication", "bearer of news"): the proof tells."""

FAMILIES: Final = (
    Family("@", re.compile(r"://[^\s/:@]*+:[^\s/]*@").search, (_URL_PASSWORD,)),
    Family("B", re.compile(r"B(?:earer|asic) ").search, (_BEARER, _BASIC)),
    Family("bearer ", bool, (_BEARER,)),
)
"""The schemes as they are usually written: `Bearer`, `bearer` (HTTP/2 lowers some) and `Basic`."""
