"""The value of an argument that was not given, where None is a value like any other."""

from __future__ import annotations

from enum import Enum
from typing import Final


class Unset(Enum):
    """Has one member, which no program hands over by accident."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
"""Not given."""
