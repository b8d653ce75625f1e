"""Programs that a program starts: their environment says where they belong.

`subprocess` (which `asyncio` starts its own with), `os.execv` and `os.execve`, and what stands on them. Where
`TRACEPARENT` came to this process (`flightlog run`, `fl.run_process`, another tracer) and would go on to the child
unchanged, it names the current span instead. Spans that are open when another program takes the place of this one
are announced first: nobody will end them. A variable that was not there is only added when the setting
`propagate_environment` says so, and one that the program gives of its own is never touched.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core.engine import announce_open
from flightlog.integrations.on_import import when_imported
from flightlog.propagation.inject import headers_here

_MARK: Final = "_flightlog_original"
_ENV: Final = 10
"""The place of `env` among the arguments of `Popen`, after `self` and the command's own."""
_VARIABLES: Final = {"traceparent": "TRACEPARENT", "tracestate": "TRACESTATE", "baggage": "BAGGAGE"}


class _Mode:
    adds = False


_mode: Final = _Mode()


def carry_into_children(*, adds: bool) -> None:
    """Wrap what starts programs, when it is imported, unless there is nothing to tell them; twice is harmless.

    Args:
        adds: whether the variables are added where there were none.
    """
    _mode.adds = adds
    if adds or "TRACEPARENT" in os.environ:
        when_imported("subprocess", _wrap_popen)
    if not hasattr(os.execv, _MARK):
        os.execv = _replacing(os.execv, os.execve)
        os.execve = _replacing_with_environment(os.execve)


def child_environment(env: Mapping[Any, Any] | None) -> Mapping[Any, Any] | None:
    """The environment for a child in the place of the one that was asked for; None is ours, as it is.

    Never raises.
    """
    try:
        return _adjusted(env)
    except Exception as failure:  # noqa: BLE001 - the border: the child must be started
        let_through(failure)
        return env


def _adjusted(env: Mapping[Any, Any] | None) -> Mapping[Any, Any] | None:
    ours = os.environ.get("TRACEPARENT")
    if ours is None and not _mode.adds:
        return env
    given = os.environ if env is None else env
    theirs = next((value for key, value in given.items() if _name(key) == "TRACEPARENT"), None)
    if theirs is None and not (_mode.adds or env is None):
        return env
    if theirs is not None and theirs not in {ours, None if ours is None else ours.encode()}:
        return env  # the program's own
    told = headers_here()
    if "traceparent" not in told or told["traceparent"] == ours:
        return env
    kept = {key: value for key, value in given.items() if _name(key) not in _VARIABLES.values()}
    return {**kept, **{name: told[header] for header, name in _VARIABLES.items() if header in told}}


def _name(key: Any) -> str:
    return key.decode("ascii", "replace") if isinstance(key, bytes) else str(key)


def _wrap_popen(module: ModuleType) -> None:
    original = module.Popen.__init__
    if hasattr(original, _MARK):
        return

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - the method that is replaced
        if len(args) > _ENV:
            args = (*args[:_ENV], child_environment(args[_ENV]), *args[_ENV + 1 :])
        else:
            found = child_environment(kwargs.get("env"))
            if found is not kwargs.get("env"):
                kwargs["env"] = found
        original(self, *args, **kwargs)

    setattr(__init__, _MARK, original)
    __init__.__doc__ = original.__doc__
    __init__.__wrapped__ = original  # type: ignore[attr-defined]  # where `inspect` finds the signature
    module.Popen.__init__ = __init__


def _replacing(execv: Any, execve: Any) -> Any:
    def replacing(path: Any, argv: Any, /) -> Any:
        env = child_environment(None)
        announce_open()
        if env is None:
            execv(path, argv)
        else:
            execve(path, argv, env)

    setattr(replacing, _MARK, execv)
    replacing.__doc__, replacing.__name__, replacing.__qualname__ = execv.__doc__, "execv", "execv"
    return replacing


def _replacing_with_environment(execve: Any) -> Any:
    def replacing(path: Any, argv: Any, env: Any) -> Any:
        env = child_environment(env)
        announce_open()
        execve(path, argv, env)

    setattr(replacing, _MARK, execve)
    replacing.__doc__, replacing.__name__, replacing.__qualname__ = execve.__doc__, "execve", "execve"
    return replacing
