"""Where secrets stand that have no shape of their own: the rows of `corpus/places.txt`, and of `out_of_reach.txt`."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import fake_secrets

from flightlog.redaction.modes import REDACTED


class Place(NamedTuple):
    """One place: its name, the text with `{}` for the secret, and what is left of it."""

    name: str
    text: str
    left: str

    def filled(self, length: int) -> tuple[str, str]:
        """Put a secret of so many characters there; return the text, and what is to be left of it."""
        alone = self.name.startswith("bearer") and "Authorization" not in self.text
        secret = fake_secrets.opaque(max(length, 16) if alone else length)
        return self.text.replace("{basic}", fake_secrets.basic()).replace("{}", secret), self.left


def _place(line: str) -> Place:
    name, text, left = [*line.split(" | "), ""][:3]
    left = left or text.replace("{basic}", "{}").replace("{}", REDACTED)
    return Place(name, _unfold(text), _unfold(left))


def _unfold(text: str) -> str:
    return text.replace("⏎", "\n").replace("\\|", "|")


def _places(file: str) -> list[Place]:
    lines = (Path(__file__).parent / "corpus" / file).read_text(encoding="utf-8").splitlines()
    return [_place(line) for line in lines if not line.startswith("#")]


PLACES = _places("places.txt")
OUT_OF_REACH = _places("out_of_reach.txt")
