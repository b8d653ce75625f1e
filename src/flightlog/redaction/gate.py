"""The gate that is used when nobody gave another: it takes secrets out of texts, by the default rules.

It keeps the contract of `core.ports.Gate`: callable from any thread and from a signal handler, without a
lock, without ever raising. It never caches texts, so it holds on to nothing that it saw; judgements about
keys are cached in a table of bounded size.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from flightlog.border import let_through
from flightlog.redaction import assignments, places, shapes
from flightlog.redaction.keys import is_secret
from flightlog.redaction.rule import REDACTED, Family

FAMILIES: Final = (*shapes.FAMILIES, *places.FAMILIES, *assignments.FAMILIES)
"""The default rules. Shapes come first: what they find inside a value shortens the work of the others."""

RULE_FAILED: Final = "[REDACTED: rule failed]"
"""What stands in the place of a text that a rule could not finish."""

ROUNDS: Final = 8
"""Most times that a text with secrets is gone through. Each round that changes something removes a secret and
the second is nearly always the last; a text that is still not at rest is dropped like one whose rule failed."""


class DefaultGate:
    """Replaces what the rules find by `[REDACTED]`, and counts it.

    Args:
        key: what `digest` is keyed with, at most 64 bytes; the home's own.
        families: the rules.
    """

    __slots__ = ("_key", "_plan", "hits")

    def __init__(self, key: bytes, families: Sequence[Family] = FAMILIES) -> None:
        blake2b(key=key)
        self._key = key
        self._plan = tuple((family.needle, family.sign, family.rules) for family in families)
        names = [rule.name for family in families for rule in family.rules]
        self.hits: dict[str, int] = dict.fromkeys(("secret key", *names, "rule failed"), 0)
        """How many secrets each rule replaced. Kept without a lock: two threads that count at the same
        instant may count once."""

    def text(self, path: str, text: str) -> str:
        """Return `text` with every secret in it replaced; the same object when it holds none."""
        try:
            if path and is_secret(path[path.rfind(".") + 1 :]):
                return self._hidden(text)
            for needle, sign, _ in self._plan:
                if needle in text and sign(text):
                    return self._clean(text)
        except Exception as failure:  # noqa: BLE001 # the recorder's own border: what fails drops the text, not the program
            let_through(failure)
            self.hits["rule failed"] += 1
            return RULE_FAILED
        return text

    def hides(self, key: str) -> bool:
        """Say whether whatever stands under a key of this name is secret, whatever its type."""
        try:
            return is_secret(key)
        except Exception as failure:  # noqa: BLE001 # the recorder's own border: what cannot be judged is hidden
            let_through(failure)
            self.hits["rule failed"] += 1
            return True

    def digest(self, data: bytes) -> str:
        """Keyed BLAKE2b-128 of already redacted bytes, as 32 hexadecimal digits."""
        return blake2b(data, digest_size=16, key=self._key).hexdigest()

    def _hidden(self, text: str) -> str:
        if text == REDACTED:
            return text
        self.hits["secret key"] += 1
        return REDACTED

    def _clean(self, text: str) -> str:
        for _ in range(ROUNDS):
            cleaned = self._round(text)
            if cleaned is text:
                return text
            text = cleaned
        self.hits["rule failed"] += 1
        return RULE_FAILED

    def _round(self, text: str) -> str:
        for needle, sign, rules in self._plan:
            if needle in text and sign(text):
                for rule in rules:
                    text, hits = rule.clean(text)
                    if hits:
                        self.hits[rule.name] += hits
        return text
