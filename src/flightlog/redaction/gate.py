"""The gate: it takes secrets out of texts, by the rules that hold in this process.

It keeps the contract of `core.ports.Gate`: callable from any thread and from a signal handler, without a
lock, without ever raising. It remembers a bounded number of short texts that held no secret, and judgements about
keys; never a text that held one.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Final

from flightlog.border import let_through
from flightlog.redaction import documents
from flightlog.redaction.arguments import redacted_arguments
from flightlog.redaction.assignments import has_root
from flightlog.redaction.evidence import is_secretive
from flightlog.redaction.keys import is_piece, is_secret
from flightlog.redaction.modes import DROPPED, Dropped, Hide, hide_by
from flightlog.redaction.pieces import BEYOND, beginning
from flightlog.redaction.policy import DEFAULT, Policy
from flightlog.redaction.roots import may_name
from flightlog.redaction.rule import Choice, Family, Rule
from flightlog.redaction.scanner import FirstLook

RULE_FAILED: Final = "[REDACTED: rule failed]"
"""What stands in the place of a text that a rule could not finish."""

UNDER_KEY: Final = "secret_key"
"""What is counted of values that stand under a secret's key."""

FAILED: Final = "rule_failed"
"""What is counted of texts that a rule could not finish."""

ROUNDS: Final = 8
"""Most times that a text with secrets is gone through. Each round that changes something removes a secret and
the second is nearly always the last; a text that is still not at rest is dropped like one whose rule failed."""

_FORMER: Final = 32
"""Exact texts that are still looked for although they are no longer among those that are sought."""
_SHORT: Final = 64
"""A text that is longer is not remembered."""
_MOST: Final = 4096
"""Texts that are remembered as clean."""


class DefaultGate:
    """Replaces what the rules find, and counts it.

    Args:
        key: what `digest` is keyed with, at most 64 bytes; the home's own.
        policy: the rules and modes that hold.
    """

    __slots__ = (
        "_clean_texts",
        "_exact",
        "_hides",
        "_key",
        "_known",
        "_look",
        "_nameless_plan",
        "_plan",
        "_policy",
        "_secret_paths",
        "_signs",
        "_signs_of_assignments",
        "hits",
    )

    def __init__(self, key: bytes, policy: Policy = DEFAULT) -> None:
        blake2b(key=key)
        self._key = key
        self._policy = policy
        self._clean_texts: set[str] = set()
        self._exact: tuple[str, ...] = ()
        self._known: tuple[str, ...] = ()
        families = (*policy.families, *policy.assignments)
        rules = [rule for family in families for rule in family.rules]
        names = dict.fromkeys((UNDER_KEY, *(rule.name for rule in rules), policy.exact_rule, FAILED), 0)
        self.hits: dict[str, int] = names
        """How many secrets each rule replaced. Kept without a lock: two threads that count at the same
        instant may count once."""
        self._hides: dict[str, Hide] = {name: self._hide_of(name) for name in names}
        self._secret_paths = _Paths(self._judged)
        self._signs = _signs(policy.families)
        self._signs_of_assignments = _signs(policy.assignments)
        self._plan = _plan((*policy.families, *policy.assignments))
        nameless = policy.families if policy.nameless is None else policy.nameless
        self._nameless_plan = self._plan
        if policy.nameless is not None:
            unrooted = (family for family in policy.assignments if not family.rooted)
            self._nameless_plan = _plan((*nameless, *unrooted))
        self.seek(policy.exact)

    def seek(self, exact: tuple[str, ...]) -> None:
        """Look for these texts, too, from now on: secrets that the program itself has.

        What was sought before is not forgotten at once: a secret that is replaced in the environment, or taken out
        of it, is still in the program's hands.
        """
        former = [text for text in self._known if text not in exact][:_FORMER]
        self._known = (*exact, *former)
        self._exact = tuple(sorted(self._known, key=lambda text: (-len(text), text)))
        self._look = FirstLook(self._policy, self._exact)
        self._clean_texts = set()

    # -- the contract ---------------------------------------------------------------------------------------

    def text(self, path: str, text: str) -> str:
        """Return `text` with every secret in it replaced; the same object when it holds none."""
        try:
            if path and self._secret_paths[path]:
                return self._under(path[path.rfind(".") + 1 :], text)
            if len(text) > _SHORT:  # what `_looked_at` does with it, without the call
                first_look = self._look.may_hold
                if first_look is not None and not first_look(text):
                    return text
                return self._clean(text, documents.DEEPEST)
            return self._looked_at(text, documents.DEEPEST)
        except Dropped:
            return DROPPED
        except Exception as failure:  # noqa: BLE001 # the recorder's own border: what fails drops the text, not the program
            return self._failed(failure)

    def beginning(self, path: str, text: str, length: int) -> str:
        """Return as much of the beginning of a text as is looked at for a bounded amount of work, redacted.

        A text of which nearly all is read is looked at whole, as `text` does it.
        """
        if len(text) <= length + BEYOND:
            return self.text(path, text)
        try:
            if path and self._secret_paths[path]:
                return self._under(path[path.rfind(".") + 1 :], text[: length + BEYOND])
            return beginning(text, length, self._looked_at_piece)
        except Dropped:
            return DROPPED
        except Exception as failure:  # noqa: BLE001 # as above
            return self._failed(failure)

    def under(self, key: str, text: str) -> str:
        """Return what a text under a key that hides becomes."""
        try:
            return self._under(key, text)
        except Dropped:
            return DROPPED
        except Exception as failure:  # noqa: BLE001 # as above
            return self._failed(failure)

    def hides(self, key: str) -> bool:
        """Say whether what stands under a key of this name is secret."""
        try:
            return self._judged(key)
        except Exception as failure:  # noqa: BLE001 # the recorder's own border: what cannot be judged is hidden
            self._failed(failure)
            return True

    def spares(self, key: str) -> bool:
        """Say of a key that hides whether it hides only what looks like a secret."""
        try:
            return is_piece(key) and key not in self._policy.keys
        except Exception as failure:  # noqa: BLE001 # as above
            self._failed(failure)
            return False

    def arguments(self, arguments: list[str]) -> list[str]:
        """Return the words of a command with every secret in them replaced."""
        try:
            return redacted_arguments(self, arguments)
        except Dropped:
            return [DROPPED] * len(arguments)
        except Exception as failure:  # noqa: BLE001 # as above
            return [self._failed(failure)] * len(arguments)

    def digest(self, data: bytes) -> str:
        """Keyed BLAKE2b-128 of already redacted bytes, as 32 hexadecimal digits."""
        return blake2b(data, digest_size=16, key=self._key).hexdigest()

    # -- how ------------------------------------------------------------------------------------------------

    def _failed(self, failure: Exception) -> str:
        """Count a text, or a key, that a rule could not finish; return what stands in the place of a text."""
        let_through(failure)
        self.hits[FAILED] += 1
        return RULE_FAILED

    def _judged(self, key: str) -> bool:
        policy = self._policy
        if policy.keys and policy.names_secret(key):
            return True
        return is_secret(key) and key not in policy.allowed

    def _hide_of(self, rule: str) -> Hide:
        """What replaces what a rule finds; a drop is counted here, because it does not come back."""
        mode = self._policy.mode_of(rule)
        hide = hide_by(mode, self._key, self._policy.allowed)
        if mode != "drop":
            return hide

        def drop(secret: str) -> str | None:
            try:
                return hide(secret)
            except Dropped:
                self.hits[rule] += 1
                raise

        return drop

    def _looked_at(self, text: str, levels: int) -> str:
        short = len(text) <= _SHORT
        if short and text in self._clean_texts:
            return text
        first_look = self._look.may_hold
        if first_look is None or first_look(text):
            cleaned = self._clean(text, levels)
            if cleaned is not text:
                return cleaned
        if short:
            if len(self._clean_texts) >= _MOST:
                self._clean_texts = set()
            self._clean_texts.add(text)
        return text

    def _looked_at_piece(self, text: str) -> tuple[str, bool]:
        first_look = self._look.may_hold
        if (first_look is not None and not first_look(text)) or self._is_clean_document(text):
            return text, False
        return self._at_rest(text)

    def _has_sign(self, text: str) -> bool:
        """Say of a document whether a secret can be in it that no key of it tells."""
        for needle, sign in self._signs:
            if needle in text and sign(text):
                return True
        for secret in self._exact:  # noqa: SIM110 # a generator costs as much as the signs do
            if secret in text:
                return True
        return False

    def _is_clean_document(self, text: str) -> bool:
        """Say of a text that begins as a document whether no rule has anything to do in it."""
        return documents.begins_one(text) and not self._has_sign(text) and not self._document_may_hold(text)

    def _may_assign(self, text: str) -> bool:
        for needle, sign in self._signs_of_assignments:  # noqa: SIM110 # a generator costs as much as the signs do
            if needle in text and sign(text):
                return True
        return False

    def _document_may_hold(self, text: str) -> bool:
        if self._policy.keys or documents.is_escaped(text):
            return True
        return has_root(text) and (
            documents.may_hold(text, self._judged, self._may_assign) or not documents.is_one(text)
        )

    def _under(self, key: str, text: str) -> str:
        if self.spares(key) and not is_secretive(text):
            return self._looked_at(text, documents.DEEPEST)
        hidden = self._hidden(text)
        return text if hidden is None else hidden

    def _hidden(self, text: str) -> str | None:
        """What stands in the place of a text under a secret's key; None when it may stay."""
        hidden = self._hides[UNDER_KEY](text) if text else None
        if hidden is not None:
            self.hits[UNDER_KEY] += 1
        return hidden

    def _clean(self, text: str, levels: int) -> str:
        if documents.begins_one(text):
            signed = self._has_sign(text)
            if not signed and not self._document_may_hold(text):
                return text
            if levels and documents.is_one(text):
                return self._walked(text, levels, signed=signed)
        return self._at_rest(text)[0]

    def _at_rest(self, text: str) -> tuple[str, bool]:
        """Return a text, for which the rules are asked until none changes it any more, and whether any was."""
        cleaned, asked = self._round(text)
        if cleaned is text:
            return text, asked
        first_look = self._look.may_hold
        for _ in range(1, ROUNDS):
            if first_look is not None and not first_look(cleaned):
                return cleaned, True
            text = cleaned
            cleaned, _ = self._round(text)
            if cleaned is text:
                return cleaned, True
        self.hits[FAILED] += 1
        return RULE_FAILED, True

    def _walked(self, text: str, levels: int, *, signed: bool) -> str:
        judge = documents.Judge(
            hides=self._judged,
            insists=self._policy.names_secret,
            hide=self._hides[UNDER_KEY],
            clean=self._looked_at,
            arguments=self.arguments,
            is_plain=not signed and "\\" not in text,
        )
        cleaned, hits = documents.clean(text, judge, levels)
        self.hits[UNDER_KEY] += hits
        return cleaned

    def _round(self, text: str) -> tuple[str, bool]:
        """Ask every rule whose sign is there; return the text without what they found, and whether there was one."""
        asked = False
        for secret in self._exact:
            if secret in text:
                text, asked = self._without(text, secret), True
        plan = self._nameless_plan
        if not ("_" in text or "=" in text) or may_name(text):
            plan = self._plan  # also for most prose, in which looking for a name costs more than it saves
        for needle, sign, chosen in plan:
            if needle in text and sign(text):
                asked = True
                for rule in chosen(text):
                    text = self._by(rule, text)
        return text, asked

    def _by(self, rule: Rule, text: str) -> str:
        text, hits = rule.clean(text, self._hides[rule.name])
        if hits:
            self.hits[rule.name] += hits
        return text

    def _without(self, text: str, secret: str) -> str:
        name = self._policy.exact_rule
        hidden = self._hides[name](secret)
        if hidden is None:
            return text
        self.hits[name] += text.count(secret)
        return text.replace(secret, hidden)


class _Paths(dict[str, bool]):
    """Whether what stands at a path is secret, by its last key: judged once, and a bounded number kept."""

    __slots__ = ("_judge",)

    def __init__(self, judge: Callable[[str], bool]) -> None:
        self._judge = judge

    def __missing__(self, path: str) -> bool:
        judged = self._judge(path[path.rfind(".") + 1 :])
        if len(self) >= _MOST:
            self.clear()
        self[path] = judged
        return judged


def _signs(families: tuple[Family, ...]) -> tuple[tuple[str, Callable[[str], object]], ...]:
    """The signs of families as tuples, which unpack fastest."""
    return tuple((family.needle, family.sign) for family in families)


def _plan(families: tuple[Family, ...]) -> tuple[tuple[str, Callable[[str], object], Choice], ...]:
    """What is asked of a text that holds a secret, family by family."""
    return tuple((family.needle, family.sign, Choice(family)) for family in families)
