"""Which records are wanted: the level filter.

Written like `info,myapp.worker=trace,noisy.library=off`: one default, then thresholds for modules, the longest
matching dotted prefix first. The module is the one whose code opened the span.
"""

from __future__ import annotations

from typing import Final

from flightlog.records.errors import BadSetting
from flightlog.records.kinds import LEVEL_OFF, LEVELS

_EXPECTED: Final = "levels such as info or info,myapp.worker=trace (trace debug info warn error fatal off)"


class Filter:
    """A parsed filter: thresholds as numbers of `LEVELS`."""

    __slots__ = ("default", "rules")

    def __init__(self, default: int, rules: tuple[tuple[str, int], ...] = ()) -> None:
        self.default = default
        self.rules = rules
        """Module prefix and threshold, the longest prefix first."""

    def threshold(self, module: str) -> int:
        """The least level number that is recorded for code of this module."""
        for prefix, number in self.rules:
            if module == prefix or module.startswith(prefix + "."):
                return number
        return self.default

    @property
    def is_off(self) -> bool:
        """Whether it admits nothing, from nobody."""
        return min(self.default, *(number for _, number in self.rules), LEVEL_OFF) == LEVEL_OFF

    def verdict(self, level: str) -> bool | None:
        """Say on (True) or off (False) for every module alike, or None when the module decides."""
        number = LEVELS.get(level)
        if number is None:
            return None
        thresholds = [self.default, *(threshold for _, threshold in self.rules)]
        if number >= max(thresholds):
            return True
        return False if number < min(thresholds) else None

    def admits(self, level: str, module: str) -> bool:
        """Whether code of this module may record at this level; an unknown level counts as info."""
        return LEVELS.get(level, LEVELS["info"]) >= self.threshold(module)


def parse(text: str, origin: str = "code") -> Filter:
    """Read a filter as people write it.

    Raises:
        BadSetting: a word is no level, or a rule has no module.
    """
    default = LEVELS["info"]
    rules: dict[str, int] = {}
    for part in text.split(","):
        module, sign, word = part.strip().rpartition("=")
        if not sign and not word:
            continue
        number = LEVEL_OFF if word.strip().lower() == "off" else LEVELS.get(word.strip().lower())
        if number is None or (sign and not module.strip()):
            raise BadSetting("level", text, origin, _EXPECTED)
        if sign:
            rules[module.strip()] = number
        else:
            default = number
    longest_first = sorted(rules.items(), key=lambda rule: (-len(rule[0]), rule[0]))
    return Filter(default, tuple(longest_first))
