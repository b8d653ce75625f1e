"""Secrets on a command line: the value that follows an option whose name says that it is one.

The gate looks at one text at a time, and an option like `--password` and its value are two. Arguments that tell
both themselves (`--password=…`) and values with a shape of their own are found by the gate as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from flightlog.redaction.gate import DefaultGate
from flightlog.redaction.modes import REDACTED

_OPTION: Final = re.compile(r"--.*|-[^\W\d_]", re.DOTALL)
"""A long option or a single letter; anything else that begins with a dash may be a value."""
_COMMAND: Final = 2
"""Words that name a command: `mysql`, `docker login`."""


def redacted_arguments(gate: DefaultGate, arguments: Iterable[str]) -> list[str]:
    """Replace each argument that is the value of an option with a secret's name, by `gate.hides`.

    An option that stands where the value would be is left as it is.
    """
    shown: list[str] = []
    is_value = False
    for argument in arguments:
        name, sign, _ = argument.partition("=")
        hidden = name.startswith("-") and gate.hides(name.lstrip("-"))
        if is_value and not _OPTION.fullmatch(argument):
            shown.append(REDACTED)
        elif hidden and sign:
            shown.append(name + sign + REDACTED)
        else:
            shown.append(_in_line(gate, [*shown[:_COMMAND], *shown[_COMMAND:][-1:]], argument))
        is_value = hidden and not sign
    return shown


def _in_line(gate: DefaultGate, before: list[str], argument: str) -> str:
    """What is left of an argument where it stands in its line: `-p…` means a secret to some commands only."""
    line = " ".join([*before, ""])
    cleaned = gate.text("", line + argument)
    return cleaned[len(line) :] if cleaned.startswith(line) else argument
