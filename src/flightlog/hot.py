"""The hot tier: trace calls that are cheap enough for the innermost loop. Names only; `core/hot.py` has the code.

    from flightlog import hot

    for job in hot.loop(jobs, every=100):
        if hot.on:
            hot.tiny("queue", "dispatch", job.id, "sent to {}", job.worker)

`on` says whether anybody records level trace, of whatever module. It is an ordinary attribute of this module, kept up
to date when the level changes, so looking at it costs a look at a name: look at `hot.on`, and do not import it by
itself. A first look before anything was recorded reads the settings.
"""

from __future__ import annotations

from flightlog.core.control import control
from flightlog.core.hot import loop
from flightlog.core.hot_calls import traced_fn
from flightlog.core.hot_engine import correlated, enter, exit, iteration, state, tiny  # noqa: A004 - the tier's
from flightlog.core.hot_telling import TRACE

__all__ = ["correlated", "enter", "exit", "iteration", "loop", "on", "state", "tiny", "traced_fn"]

on: bool


def _worked_out(name: str) -> bool:
    """What `on` is, for whoever looks at it before the settings were read; reads them."""
    if name != "on":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    answer = control.foresees(TRACE)
    _heed()
    return answer


def _heed() -> None:
    """Have `on` say what is so now; while the settings were not read, whoever looks works it out."""
    with control.undivided:
        if control.is_running:
            _names["on"] = control.foresees(TRACE)
            # The interpreter finds what a module has the fast way (4 ns, not 20) only without this.
            _names.pop("__getattr__", None)
        else:  # nor where they could not be read: the next look tries again
            _names["__getattr__"] = _worked_out
            _names.pop("on", None)


_names = globals()
control.on_change(_heed)
