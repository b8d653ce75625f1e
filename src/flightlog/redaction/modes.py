"""What stands in the place of a secret: nothing of it, its end, a keyed hash of it, or nothing of the whole text.

| mode    | what is left                   | for whom                                                    |
|---------|--------------------------------|-------------------------------------------------------------|
| `mask`  | `[REDACTED]`                   | everybody; the default                                      |
| `last4` | `[REDACTED …wxyz]`             | people who ask "which of the two keys was it?"              |
| `hash`  | `[REDACTED #16 hex digits]`    | comparing: equal secrets of one home have equal hashes      |
| `drop`  | the whole text becomes `[REDACTED: dropped]` | texts that nobody should read once a secret was in them |

Brackets belong to no secret's shape, so what stands here never joins a new one, and every rule leaves it alone.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from hashlib import blake2b
from typing import Final, Literal, get_args

REDACTED: Final = "[REDACTED]"
"""What stands in the place of a secret, unless another mode was asked for."""

DROPPED: Final = "[REDACTED: dropped]"
"""What stands in the place of a text that held a secret whose mode is `drop`."""

STANDS: Final = "[REDACTED"
"""What everything that stands in a secret's place begins with."""

Mode = Literal["mask", "last4", "hash", "drop"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)

Hide = Callable[[str], str | None]
"""Makes what stands in the place of a secret; None where this one may stay.

Raises:
    Dropped: the whole text goes.
"""

_LONG_ENOUGH: Final = 16
"""Characters of a secret of which four may be shown."""


class Dropped(Exception):  # a way out, not an error
    """The text held a secret whose mode is `drop`."""


def hide_by(mode: Mode, key: bytes, allowed: Container[str] = ()) -> Hide:
    """Make what hides secrets.

    Args:
        mode: how.
        key: what hashes are keyed with, at most 64 bytes.
        allowed: texts that look like secrets and are none.
    """
    stand_in = {"mask": _mask, "last4": _last4, "hash": _hash_with(key), "drop": _drop}[mode]

    def hide(secret: str) -> str | None:
        return None if secret in allowed or is_hidden(secret) else stand_in(secret)

    return hide


def is_hidden(text: str) -> bool:
    """Say whether a text is what was put in the place of a secret, and nothing else."""
    return text.startswith(STANDS) and text.endswith("]") and len(text) <= len(STANDS) + 32


def _mask(_secret: str) -> str:
    return REDACTED


def _last4(secret: str) -> str:
    if len(secret) < _LONG_ENOUGH:
        return REDACTED
    end = "".join(letter if letter.isalnum() else "." for letter in secret[-4:])
    return f"{STANDS} …{end}]"


def _hash_with(key: bytes) -> Callable[[str], str]:
    def stand_in(secret: str) -> str:
        digest = blake2b(secret.encode(errors="replace"), digest_size=8, key=key, person=b"flightlog secret")
        return f"{STANDS} #{digest.hexdigest()}]"

    return stand_in


def _drop(_secret: str) -> str:
    raise Dropped
