"""The hot tier: trace calls that are cheap enough for the innermost loop. Names only; `core/hot.py` has the code.

    from flightlog import hot

    for job in hot.loop(jobs, every=100):
        if hot.on:
            hot.tiny("queue", "dispatch", job.id, "sent to {}", job.worker)

`on` says whether anybody records level trace, of whatever module. It is an ordinary attribute of this module, kept up
to date when the level changes, so looking at it costs a look at a name: look at `hot.on`, and do not import it by
itself. The first look, and the first after the settings have changed, works it out (and reads the settings).
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
    """What `on` is, for whoever looks at it while it is not known; it is a name of the module afterwards."""
    if name != "on":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    while True:
        seen = control.changes
        answer = control.foresees(TRACE)
        if not control.is_running:  # the settings could not be read: the next look tries again
            return answer
        with control.undivided:
            if control.changes == seen:
                _names["on"] = answer
                # The interpreter looks up an attribute of a module the fast way (4 ns, not 20) only without this.
                _names.pop("__getattr__", None)
        if control.changes == seen:
            return answer
        _forget()


def _forget() -> None:
    with control.undivided:
        _names["__getattr__"] = _worked_out
        _names.pop("on", None)


_names = globals()
control.on_change(_forget)
