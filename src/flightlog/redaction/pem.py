"""Private keys in the textual encoding of RFC 7468 (PEM), of any kind and length, whole or cut off.

So are those of PuTTY and of OpenVPN, and whole blocks that were encoded in base64 once more, as settings of Kubernetes
hold them.
"""

from __future__ import annotations

import binascii
import re
from typing import Final

from flightlog.redaction.modes import Hide
from flightlog.redaction.rule import Rule, matching

_KIND: Final = "(?:[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?|OpenVPN Static key V1)-----"
_BEGIN: Final = re.compile(f"-----BEGIN {_KIND}")
_END: Final = re.compile(f"-----END {_KIND}")
_CUT: Final = re.compile(
    r"(?:[A-Za-z0-9+/=]++|[\t\r\n\"',>#|]|\\++[nrt]| {2,}+|[A-Z][A-Za-z-]{2,20}: [A-Za-z0-9,-]++)*+"
)
"""What may follow the head of a block that has no end: lines of base64 and headers, indented or quoted."""
_ENCODED: Final = re.compile(r"LS0tLS1CRUdJTiB[A-Za-z0-9+/]{64,}+={0,2}")
_HEAD_IN_BASE64: Final = 76
"""Characters in which the first line of a block is whole; a multiple of four."""
_BASE64_RUN: Final = re.compile(r"[A-Za-z0-9+/=]{16}").search


def _clean(text: str, hide: Hide) -> tuple[str, int]:
    """Replace whole blocks, and what there is of a block that was cut off.

    A block holds no five dashes, so it ends at the next ones or is cut. One without base64 in it is somebody
    talking about private keys.
    """
    pieces: list[str] = []
    done = 0
    begin = _BEGIN.search(text)
    while begin:
        stop = _end_of_block(text, begin.end())
        if _BASE64_RUN(text, begin.end(), stop):
            hidden = hide(text[begin.start() : stop])
            if hidden is not None:
                pieces += text[done : begin.start()], hidden
                done = stop
        begin = _BEGIN.search(text, max(stop, begin.end()))
    return ("".join([*pieces, text[done:]]), len(pieces) // 2) if pieces else (text, 0)


def _end_of_block(text: str, start: int) -> int:
    dashes = text.find("-----", start)
    end = _END.match(text, dashes) if dashes >= 0 else None
    if end:
        return end.end()
    cut = _CUT.match(text, start, dashes if dashes >= 0 else len(text))
    return cut.end() if cut else start


def _clean_encoded(text: str, hide: Hide) -> tuple[str, int]:
    """Replace blocks in base64, if what they decode to begins as a private key."""
    pieces: list[str] = []
    done = 0
    for block in _ENCODED.finditer(text):
        if _BEGIN.match(binascii.a2b_base64(block[0][:_HEAD_IN_BASE64]).decode(errors="replace")):
            hidden = hide(block[0])
            if hidden is not None:
                pieces += text[done : block.start()], hidden
                done = block.end()
    return ("".join([*pieces, text[done:]]), len(pieces) // 2) if pieces else (text, 0)


RULE: Final = Rule("private_key", _clean)
IN_BASE64: Final = Rule("private_key", _clean_encoded)
PUTTY: Final = matching(
    "private_key",
    r"Private-Lines: [0-9]{1,4}(?:[\r\n]|\\++[nr])++((?:[A-Za-z0-9+/=]{16,}+(?:[\r\n]|\\++[nr])*+)++)",
)
