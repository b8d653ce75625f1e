"""Who says something and where: the program, its version, the module and the line.

The program's name and version are told once, when recording starts. Module and line are read from a frame; from
the module's name follows the actor: its last part, for a program's main module the service or the script's name.
The name is worked out once a module and kept by it, not by its code: two code objects that look alike are equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import FrameType
from typing import Any, Final

_OURS: Final = tuple(
    __file__.removesuffix("core/provenance.py") + room for room in ("core/", "integrations/")
)
"""Where the code is that speaks on behalf of whoever called it."""

_MAIN: Final = "__main__"
_MOST: Final = 4096
"""Modules whose actor is remembered; a program that makes modules without end pays for each anew."""


class Program:
    """What is known of the program that runs."""

    __slots__ = ("emitted_by", "service")

    def __init__(self) -> None:
        self.service = ""
        self.emitted_by = ""
        """`service@version`; without a version the service alone."""


program: Final = Program()
"""The one of this process."""

_actors: Final[dict[str, str]] = {}


def introduce(service: str, version: str) -> None:
    """Say which program this is, from now on."""
    program.service = service
    program.emitted_by = f"{service}@{version}" if service and version else service
    _actors.clear()


def outside(frame: FrameType) -> FrameType:
    """The nearest frame of the program: neither ours nor that of a wrapper around one of its functions."""
    here: FrameType | None = frame
    while here is not None and here.f_code.co_filename.startswith(_OURS):
        here = here.f_back
    return here or frame


def module_of(frame: FrameType) -> str:
    """The module whose code runs in a frame; where it has no name, that of its file."""
    name = frame.f_globals.get("__name__")
    return name if type(name) is str and name else _stem(frame.f_code.co_filename)


def actor_of(module: str, file: str, names: Mapping[str, Any]) -> str:
    """Who acts when code of this module does.

    Args:
        module: its dotted name.
        file: where its code stands.
        names: its globals.
    """
    try:
        return _actors[module]
    except KeyError:
        pass
    named = module.removesuffix("." + _MAIN)
    actor = named.rpartition(".")[2] if named != _MAIN else program.service or _script(file, names)
    if len(_actors) >= _MOST:
        _actors.clear()
    _actors[module] = actor
    return actor


def _script(file: str, names: Mapping[str, Any]) -> str:
    """The name of the script or, for `python -m package`, of the package."""
    package = names.get("__package__")
    if type(package) is str and package and _stem(file) == _MAIN:
        return package.rpartition(".")[2]
    return _stem(file)


def _stem(path: str) -> str:
    """The name of a file without its directories and ending; of `<stdin>`, `stdin`."""
    name = path.replace("\\", "/").rpartition("/")[2].strip("<>")
    return name.rpartition(".")[0] or name
