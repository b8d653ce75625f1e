"""`redact`: the gate for whoever wants to hand something on that Flightlog does not record."""

from __future__ import annotations

from typing import Any

from flightlog.core import memo
from flightlog.core.control import control
from flightlog.core.fields import decoded


def redact(value: Any) -> Any:
    """Return a value as it would be recorded: bounded, plain JSON, every secret in it replaced.

    Works whether or not anything is recorded, by the settings `redact`, `redact_values` and so on.

    Args:
        value: a text, which stays one; or anything else that can be an input or an attribute.

    Returns:
        A text, a number, a truth value, None, or lists and dictionaries of these. A new object, except for a text
        without a secret.
    """
    control.prepared()
    if type(value) is str:
        return memo.redacted(value)
    return decoded(memo.captured(value, "")[0])


def shortened(text: str, most: int) -> str:
    """A text for a record that keeps so many characters of it: a longer one is redacted before it is cut.

    What is cut first leaves half a secret, which no rule knows. A text that fits comes back as it is.

    Args:
        text: of any length; how much of it is looked at is bounded.
        most: characters that are kept.
    """
    if len(text) <= most:
        return text
    control.prepared()
    return memo.redacted_beginning(text, most)[:most]
