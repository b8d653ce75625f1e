"""How long a call took, as people say it: `842 µs`, `15 ms`, `1.20 s`, `2m 03s`."""

from __future__ import annotations

_S = 10**9
_UNITS = ((10**3, 1, "ns"), (10**6, 10**3, "µs"), (_S, 10**6, "ms"))
"""Below how many nanoseconds a unit fits, how many nanoseconds it has, and its sign."""


class Elapsed(float):
    """Seconds that show themselves as people say them; with a format specification they are a number of seconds."""

    __slots__ = ()

    def __str__(self) -> str:
        return in_words(round(self * _S))

    def __format__(self, spec: str) -> str:
        return float.__format__(self, spec) if spec else str(self)


def in_words(ns: int) -> str:
    """A time in the unit that fits: whole microseconds and milliseconds, hundredths of seconds."""
    for limit, size, unit in _UNITS:
        if round(ns / size) * size < limit:
            return f"{round(ns / size)} {unit}"
    if ns < 59.995 * _S:
        return f"{ns / _S:.2f} s"
    minutes, seconds = divmod(round(ns / _S), 60)
    return f"{minutes}m {seconds:02}s" if minutes < 60 else f"{minutes // 60}h {minutes % 60:02}m"
