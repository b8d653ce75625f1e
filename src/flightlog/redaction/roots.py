"""Whether a text names anything that could be secret: asked first, because most texts do not.

A third of the rules find what stands under, behind or beside the name of a secret. Such a name has one of a few parts
in it (`assignments.ROOTS`; a key and a code have somebody's name before them). In a text without any of them those
rules have nothing to do, and five searches take the place of some fifteen. A family of rules says of itself that it is
one of them (`Family.rooted`).

A few heads of keys are looked for on the way, because the letter that the search is for is in them: `SK…`, `dapi…`.
Families that know a secret by one of those are rooted, too.
"""

from __future__ import annotations

import re
from typing import Final

from flightlog.redaction.keys import CODE_OWNERS, HOLDERS, KEY_OWNERS

_OWNERS: Final = (*KEY_OWNERS, "client", *(word.rstrip("s")[:-3] for word in HOLDERS if "key" in word))
_KEY: Final = "|".join(
    rf"(?<=(?:{'|'.join(sorted({owner[-3:] for owner in _OWNERS}))}){between}key)"
    for between in ("", "[^a-z]")
)
"""Behind what may be an owner of it: a key without one is no secret's."""
_PAST: Final = r"ass(?:[wpc]|e(?![ds][^a-z]|nger)|(?![a-z])(?!(?<=  pass)\n))"
"""Not "passed" and "passage", and not alone on a line of a program."""
_CODE: Final = "|".join(
    rf"(?<=(?:{'|'.join(sorted(owner[-4:] for owner in CODE_OWNERS))}){between}code)"
    for between in ("", "[^a-z]")
)
_FURTHER: Final = {
    word: rf"(?<=[0-9_.#/-][^a-z]{word})|(?<=[^a-z][0-9_.#/-]{word})|(?<=[a-z] [ :]{word})|(?<=::{word})"
    for word in ("key", "code")
}
"""More than one sign stands before it: an owner may be before those."""
_IN_LOWER_CASE: Final = (
    rf"k(?:ey(?:{_KEY}|{_FURTHER['key']})|en(?:(?<=token)|nwort)|ie(?<=cookie)|(?<=psk)|(?<=absk)|(?<=sk)[0-9a-f]{{8}})",
    rf"p(?:{_PAST}|w|i(?<=dapi)[0-9a-f]{{8}}|lus(?<=sqlplus) )",
    rf"c(?:re(?:d|t(?<=secret))|ode(?:{_CODE}|{_FURTHER['code']})|ontrasena|htwoord(?<=wachtwoord))",
    r"h(?<=[eu][nt]h)(?:a(?<=senha)|(?<=auth))",
)
SIGNS: Final = (*map(re.compile, _IN_LOWER_CASE), re.compile("jwt"))
"""Of which one finds something in lower case in every text in ASCII that names a secret. The likeliest come first."""

_K, _P, _C, _H, _J = (sign.search for sign in SIGNS)


def may_name(text: str) -> bool:
    """Say whether a secret may be named in a text; of what is not in ASCII, it may."""
    if not text.isascii():
        return True
    lowered = text.lower()
    return bool(_K(lowered) or _P(lowered) or _C(lowered) or _H(lowered) or ("j" in lowered and _J(lowered)))
