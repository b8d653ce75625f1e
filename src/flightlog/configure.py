"""Settings from everywhere, and the hook that starts recording when somebody first wants it.

Nothing happens at import. The first span or event asks whether it is wanted; that question reads the settings
and starts the recorder (`recording.py`, which is imported only then). A forked child starts anew in the same
way, with a journal of its own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from flightlog.core import engine
from flightlog.core.control import control
from flightlog.core.level import parse
from flightlog.flushed import Flushed

if TYPE_CHECKING:
    from flightlog.recording import Recorder
    from flightlog.records.errors import BadSetting
    from flightlog.settings import Settings


def _working_directory() -> str:
    """Where we are; empty when that was deleted."""
    try:
        return os.getcwd()  # noqa: PTH109 - pathlib costs an import
    except OSError:
        return ""


_started_in: Final = _working_directory()
"""Where relative paths in the environment lead from, wherever the program goes before it records anything."""

in_code: Final[dict[str, object]] = {}
"""Settings from code, the strongest layer."""


def load_settings(code: Mapping[str, object] | None = None) -> Settings:
    """Resolve the settings of this process: code over environment over project file over user file.

    Raises:
        BadSetting: a value does not fit, or a file names a setting that does not exist.
    """
    layers = _layers()
    given = layers.anchored(code or {}, _working_directory())
    found: Settings = layers.load_settings(given, started_in=_started_in)
    return found


def load_usable(on_error: Callable[[BadSetting], None]) -> Settings:
    """Resolve the settings, those from code included; what cannot be used is told to `on_error` and left out."""
    found: Settings = _layers().load_settings(in_code, on_error, _started_in)
    return found


def _layers() -> Any:
    from flightlog import layers  # msgspec and tomllib: 40 ms that an import must not cost

    return layers


def _recorder() -> Recorder:
    from flightlog.recording import recorder  # everything heavy, and only once somebody records

    return recorder


def _start() -> None:
    _recorder().start(load_usable)


def _prepare() -> None:
    _recorder().prepare(load_usable)


def _forked() -> None:
    control.forked()
    engine.disown()
    recorder = getattr(sys.modules.get("flightlog.recording"), "recorder", None)
    if recorder is not None:  # else the module is not loaded, or only being loaded
        recorder.forked()


control.on_first_use(_start, _prepare)
os.register_at_fork(before=control.forking, after_in_parent=control.fork_done, after_in_child=_forked)


def configure(**settings: object) -> None:
    """Set settings from code, over everything else; recording goes on under the new ones.

    Args:
        **settings: names of `flightlog.settings.SETTINGS`, such as `home`, `project`, `level`, `enabled`,
            `sample`, `sinks`. None takes a former value from code back.

    Raises:
        BadSetting: a name or a value does not fit; nothing was changed.
    """
    given = _layers().anchored(settings, _working_directory())
    wanted = {name: value for name, value in {**in_code, **given}.items() if value is not None}
    resolved = load_settings(wanted)
    wanted_filter = parse(resolved.level, resolved.origins["level"])
    if any(name.startswith("redact") for name in settings):
        from flightlog.redacting import policy_of  # its patterns: only for those who change the rules

        policy_of(resolved)
    in_code.clear()
    in_code.update(wanted)
    if set(settings) <= {"level"} and control.is_running and resolved.enabled:
        control.configure(wanted_filter, enabled=True)
        return
    if control.is_running:
        _recorder().stop()
    control.on_first_use(_start, _prepare)


def flush(timeout: float = 2.0) -> Flushed:
    """Bring everything recorded so far into the store and the other sinks.

    Args:
        timeout: the longest this takes, in seconds.

    Returns:
        Whether all of it was delivered, and if not, what waits where. It is true when delivered.
    """
    if control.is_starting:  # a signal handler in the middle of it
        return Flushed(delivered=False)
    if not control.is_running:
        return Flushed(delivered=control.refused == 0)
    return _recorder().flush(timeout)
