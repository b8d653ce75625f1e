"""What a prompt was made of, told without its text: a keyed hash and a size for each part.

Two prompts that differ can be told apart part by part (the instructions stayed, the examples changed) from records
that hold no content. The hash is of the redacted text and keyed with the home's own key: it can be compared within
one home, and says nothing to whoever does not have the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core import memo
from flightlog.core.engine import bind, event, verdicts
from flightlog.core.outcome import text_of
from flightlog.core.told import word
from flightlog.records.kinds import LEVELS, Level

_OVERLAP: Final = 4096
"""Characters beyond the cap that the gate sees, so that no secret is cut in half before it is found."""


def prompt_built(parts: Mapping[str, object], /, level: Level = "info", **attributes: object) -> None:
    """Record on the current span which parts a prompt was built of; never their text.

    Args:
        parts: name of a part (`system`, `examples`, `question`, …) to its text. What is no text counts as the text
            that it would be recorded as.
        level: as for `span`.
        **attributes: anything else worth knowing: the name of the template, its version.
    """
    asked: Any = text_of(level) if issubclass(type(level), str) else ""
    level = asked if asked in LEVELS else "info"
    if verdicts.get(level) is False:
        return
    bind()  # recording begins here if nothing was recorded yet: the hashes are keyed
    components: dict[str, str] = {}
    sizes: dict[str, int] = {}
    try:
        for name, part in islice(parts.items(), memo._encoder.limits.nodes):
            key, text = text_of(name), _text(part)
            components[key], sizes[key] = _fingerprint(key, text), len(text)
    except Exception as failure:  # noqa: BLE001 - the border: a mapping is the program's code
        let_through(failure)
        memo._encoder.failed()
    body = word(attributes.pop("body", ""))  # a parameter of `event`
    event("prompt", level, body, **{**attributes, "components": components, "sizes": sizes})


def _text(part: object) -> str:
    return text_of(part) if issubclass(type(part), str) else memo.captured(part, "")[0]


def _fingerprint(name: str, text: str) -> str:
    """Redact, then cap, then hash: in this order, so that no hash speaks of a secret."""
    encoder = memo._encoder
    room = encoder.limits.value_bytes
    redacted = encoder.gate.text(name, text[: room + _OVERLAP])[:room]
    return f"b2:{encoder.gate.digest(redacted.encode(errors='replace'))}"
