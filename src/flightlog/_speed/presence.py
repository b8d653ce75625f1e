"""Whether the compiled core can be used in this process, and if not, why not.

The answer is found once, when this module is imported, and does not change: what a program has begun with one
engine it ends with the same.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import Final

VARIABLE: Final = "FLIGHTLOG_ENGINE"
"""The environment variable that forces an engine: `pure` or `compiled`; unset, whichever is there."""

FORCED: Final = os.environ.get(VARIABLE, "").strip().lower()
"""What it says."""

EDITION: Final = 1
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


def is_there() -> bool:
    """Say whether the compiled core is there and may be used."""
    return CORE is not None


def reason() -> str:
    """Say in a few words why the engine that runs is the one that runs."""
    return ABSENCE or "the compiled core is there"
