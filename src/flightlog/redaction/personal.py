"""What tells of people: e-mail addresses, phone, card and account numbers. Looked for where a setting asks for it.

Numbers are proven before they are replaced: cards by their check digit (Luhn), beginning and length, accounts by
the remainder that ISO 13616 gives them. Phone numbers have no check digit, so only those count that are written
as people write them: with a country code, or in groups.
"""

from __future__ import annotations

import re
from typing import Final

from flightlog.redaction.rule import Family, matching

_ISSUED: Final = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3[0689]\d{12}|35\d{14}|(?:6|5[06-8])\d{15,18}"
).fullmatch
"""How the numbers of the larger issuers begin, and how long they are then."""
_PHONE_DIGITS: Final = range(9, 16)
"""Of a number with its country code; at most fifteen, by ITU-T E.164."""
_IBAN_LENGTHS: Final = range(15, 35)


def digits_of(text: str) -> str:
    """The digits of a text."""
    return "".join(letter for letter in text if "0" <= letter <= "9")


def is_card(text: str) -> bool:
    """Say whether a number is a payment card's: beginning and length of an issuer, the right check digit."""
    digits = digits_of(text)
    if not _ISSUED(digits) or len(set(digits)) == 1:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value  # the sum of its digits
    return total % 10 == 0


def is_iban(text: str) -> bool:
    """Say whether a text is an account number of ISO 13616: the remainder modulo 97 is 1."""
    compact = text.replace(" ", "")
    if len(compact) not in _IBAN_LENGTHS:
        return False
    return int("".join(str(int(letter, 36)) for letter in compact[4:] + compact[:4])) % 97 == 1


def is_phone(text: str) -> bool:
    """Say whether a number has as many digits as phone numbers have."""
    return len(digits_of(text)) in _PHONE_DIGITS


_EMAIL: Final = matching(
    "email",
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])",
    by_default=False,
)
_CARD_NUMBER: Final = matching(
    "card",
    r"(?<![0-9A-Za-z.-])[2-6][0-9]{3}(?:[ -]?[0-9]){9,15}(?![0-9A-Za-z]|\.[0-9])",
    is_card,
    by_default=False,
)
_IBAN: Final = matching(
    "iban",
    r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}(?![A-Za-z0-9])",
    is_iban,
    by_default=False,
)
_PHONE: Final = matching(
    "phone",
    r"(?<![0-9A-Za-z.+-])(?<![0-9] )(?:\+[1-9][0-9]{0,2}(?:[ ./-]?\(?[0-9]{1,4}\)?){2,6}"
    r"|\(?0[0-9]{1,4}\)?[ /-][0-9]{3,4}(?:[ -][0-9]{2,5}){0,3}|\([2-9][0-9]{2}\) ?[0-9]{3}-[0-9]{4}"
    r"|[2-9][0-9]{2}[-.][2-9][0-9]{2}[-.][0-9]{4})(?![0-9A-Za-z]|[.-][0-9])",
    is_phone,
    by_default=False,
)
_SIX_DIGITS: Final = re.compile(r"[0-9](?:[ ./()-]{0,2}[0-9]){5}").search

FAMILIES: Final = (
    Family("@", bool, (_EMAIL,)),
    Family("", _SIX_DIGITS, (_IBAN, _CARD_NUMBER, _PHONE)),
)
