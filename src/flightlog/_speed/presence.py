"""Whether the compiled core can be used in this process, and if not, why not.

The answer is found once, when this module is imported, and does not change: what a program has begun with one
engine it ends with the same.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import Final

VARIABLE: Final = "FLIGHTLOG_ENGINE"
"""The environment variable that chooses the engine: `pure` leaves all compiled parts alone, and `compiled` says aloud
where they cannot be used. Unset, they are used where they are there."""

FORCED: Final = os.environ.get(VARIABLE, "").strip().lower()
"""What it says."""

EDITION: Final = 6
"""The compiled core that this source fits; one that was built from other sources is not used."""

CORE: ModuleType | None = None
"""The compiled core, None where it is not to be used."""

ABSENCE: str = ""
"""Why it is not used; empty where it is."""

if FORCED == "pure":
    ABSENCE = f"{VARIABLE}=pure"
else:
    try:
        from flightlog._speed import _core
    except ImportError as failure:
        ABSENCE = f"the compiled core is not there: {failure}"
    else:
        if getattr(_core, "EDITION", 0) == EDITION:
            CORE = _core
        else:
            ABSENCE = "the compiled core was built from other sources: install flightlog anew"


ENGINE: ModuleType | None = CORE
"""The compiled core where it is the engine: the one that makes spans and appends their lines."""


def is_there() -> bool:
    """Say whether the compiled core is there and may be used."""
    return CORE is not None


def reason() -> str:
    """Say in a few words whether the compiled core is there, and if not, why."""
    return ABSENCE or "the compiled core is there"


def choice() -> str:
    """Say in a few words why the engine that runs is the one that runs."""
    return f"{VARIABLE}=compiled" if CORE is not None and FORCED == "compiled" else reason()
