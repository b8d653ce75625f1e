"""Objects of the program as JSON: told by what they hold, never by what they would say.

Records that name their fields (dataclasses, attrs classes, pydantic models, Structs) become objects of those
fields; a field whose author left it out of the `repr` is left out here, too, since that is how people hide secrets.
Anything else becomes its class and its public attributes (the private ones where there is no public one),
two objects deep and `_NODES` nodes at most. None of the libraries is imported: their classes carry marks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from flightlog.core import classes
from flightlog.core.classes import MISSING, State
from flightlog.core.containers import Writer, guarded

if TYPE_CHECKING:
    from flightlog.core.capture import Walk

_DEPTH: Final = 2
"""Objects within objects that are told by what they hold; further in, only by their class."""
_NODES: Final = 200
"""Most nodes that one object may take: whatever it holds on to is not what was handed over."""
_MOST: Final = 50
"""Most attributes of one object."""

CLASS: Final = "__class__"
"""The member that names the class of an object."""


def record(kind: type) -> Writer | None:
    """The writer for a class that names its fields, or None."""
    names = _fields(kind)
    if names is None:
        return None
    fields, state = tuple(names), State(kind)
    extra = "__pydantic_extra__" if classes.declared(kind, "__pydantic_fields__") is not MISSING else ""

    def write(walk: Walk, value: Any, path: str, depth: int) -> str:
        items = state.pick(value, fields)
        if extra:
            more = extras(value)
            items += list(dict.items(more)) if issubclass(type(more), dict) else []
        return walk.mapping(items, len(items), path, depth)

    extras = _slot(kind, extra)
    return guarded(write)


def _slot(kind: type, name: str) -> Any:
    """What reads one slot, for names that `State` leaves out."""
    member: Any = classes.declared(kind, name) if name else MISSING

    def read(value: Any) -> Any:
        try:
            return member.__get__(value)
        except AttributeError:
            return None

    return read


def _fields(kind: type) -> Iterable[str] | None:
    """The names of the fields that a class shows; None where it has no such thing."""
    for mark in ("__dataclass_fields__", "__pydantic_fields__", "model_fields", "__fields__"):
        if (
            mark in {"model_fields", "__fields__"}
            and classes.base_named(kind, "pydantic", "BaseModel") is None
        ):
            continue
        found = classes.declared(kind, mark)
        if type(found) is dict:
            return [name for name, field in found.items() if _is_shown(field)]
    found = classes.declared(kind, "__attrs_attrs__")
    if issubclass(type(found), tuple):
        return [field.name for field in tuple.__iter__(found) if _is_shown(field)]
    if classes.base_named(kind, "msgspec", "Struct") is not None:
        return tuple(kind.__struct_fields__)  # type: ignore[attr-defined]  # the mark of a Struct, set in C
    return None


def _is_shown(field: Any) -> bool:
    """Whether the author of a class lets this field appear in the `repr`."""
    info = getattr(field, "field_info", field)  # where pydantic 1 keeps it
    return getattr(info, "repr", True) is not False


def instance(kind: type) -> Writer:
    """The writer for any other class of objects."""
    state, name = State(kind), classes.full_name(kind)
    short = name.rpartition(".")[2]

    def write(walk: Walk, value: Any, path: str, depth: int) -> str:
        if walk.gate.hides(short):
            return walk.hidden()
        held = [] if walk.instances >= _DEPTH else _shown(state.all(value, 2 * _MOST))
        if not held:
            return walk.text(f"<{name}>", path)
        left = walk.nodes
        allowed = min(left, _NODES)
        walk.nodes = allowed
        walk.instances += 1
        try:
            return walk.mapping([(CLASS, name), *held[:_MOST]], len(held) + 1, path, depth)
        finally:
            walk.instances -= 1
            walk.nodes = left - (allowed - walk.nodes)

    return guarded(write)


def _shown(held: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [item for item in held if not item[0].startswith("_")] or held


def nameless(kind: type) -> Writer:
    """The writer for what is told by its class alone: what runs, waits, or holds a resource."""
    text = f"<{classes.full_name(kind)}>"
    return lambda walk, _value, path, _depth: walk.text(text, path)
