"""Secrets on a command line: the value that follows an option whose name says that it is one.

The gate looks at one text at a time, and an option like `--password` and its value are two. Arguments that tell
both themselves (`--password=…`) and values with a shape of their own are found by the gate as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Protocol

from flightlog.redaction.modes import REDACTED, is_hidden

_OPTION: Final = re.compile(r"--.*|-[^\W\d_]", re.DOTALL)
"""A long option or a single letter; anything else that begins with a dash may be a value."""
_SPACE: Final = re.compile(r"\s")
_COMMAND: Final = 2
"""Words that name a command: `mysql`, `docker login`."""


class Looks(Protocol):
    """What the words are shown to."""

    def hides(self, key: str) -> bool:
        """Say whether what stands under a key of this name is secret."""

    def text(self, path: str, text: str) -> str:
        """Return `text` with every secret in it replaced."""


def redacted_arguments(gate: Looks, arguments: Iterable[str]) -> list[str]:
    """Replace each argument that is the value of an option with a secret's name, by `gate.hides`.

    An option that stands where the value would be is left as it is.
    """
    shown: list[str] = []
    is_value = False
    for argument in arguments:
        name, sign, _ = argument.partition("=")
        is_option = name.startswith("-") and not _SPACE.search(
            name
        )  # a line of its own has its options in it
        hidden = is_option and gate.hides(name.lstrip("-"))
        if is_value and not _OPTION.fullmatch(argument):
            shown.append(REDACTED)
        elif hidden and sign:
            shown.append(name + sign + REDACTED)
        else:
            shown.append(_in_line(gate, [*shown[:_COMMAND], *shown[_COMMAND:][-1:]], argument))
        is_value = hidden and not sign
    return shown


def _in_line(gate: Looks, before: list[str], argument: str) -> str:
    """What is left of an argument where it stands in its line: `-p…` means a secret to some commands only."""
    line = " ".join([*before, ""])
    cleaned = gate.text("", line + argument)
    if cleaned.startswith(line):
        return cleaned[len(line) :]
    return cleaned if is_hidden(cleaned) else argument
