"""How a block ended: the status and the error of an exception that leaves it."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core import classes
from flightlog.core.budget import Overrun, bounded
from flightlog.records.kinds import Status

_FRAMES: Final = 50
"""Innermost frames that a stack tells of."""

_OURS: Final = tuple(__file__.removesuffix("core/outcome.py") + room for room in ("core/", "integrations/"))
"""Where the frames come from that a wrapper of ours puts between the program's own."""

_PLAIN_STR: Final = (vars(BaseException)["__str__"], vars(KeyError)["__str__"])
"""What turns an exception into text without a look at anything but its arguments."""
_GROUP_STR: Final = vars(BaseExceptionGroup)["__str__"]
_OS_STR: Final = vars(OSError)["__str__"]
_PLAIN_TYPES: Final = frozenset({str, int, float, bool, bytes, type(None)})
_MOST_ARGUMENTS: Final = 100
_MOST_LINKS: Final = 50

_args_of: Final = vars(BaseException)["args"].__get__
_cause_of: Final = vars(BaseException)["__cause__"].__get__
_context_of: Final = vars(BaseException)["__context__"].__get__
_is_suppressed: Final = vars(BaseException)["__suppress_context__"].__get__
_members_of: Final = vars(BaseExceptionGroup)["exceptions"].__get__
_filename_of: Final = vars(OSError)["filename"].__get__
_filename2_of: Final = vars(OSError)["filename2"].__get__
_held_by: Final = vars(BaseException)["__dict__"].__get__
_code_of: Final = vars(SystemExit)["code"].__get__
_traceback_of: Final = vars(BaseException)["__traceback__"].__get__
_MOST_ENTRIES: Final = 1000

_LOOKS: Final = {
    name: classes.declared(BaseExceptionGroup, name)
    for name in (
        "__getattribute__",
        "__getattr__",
        "__class__",
        "__traceback__",
        "__cause__",
        "__context__",
        "__suppress_context__",
        "__notes__",
    )
}
"""What the interpreter's own formatting asks an exception for, and who answers when it is not the program."""
_GROUP_MEMBERS: Final = vars(BaseExceptionGroup)["exceptions"]

_CAUSE: Final = "The above exception was the direct cause of the following exception:"
_CONTEXT: Final = "During handling of the above exception, another exception occurred:"
"""The interpreter's own words."""


def mark_of(error: BaseException) -> int:
    """A number by which an exception is known again further up, without keeping it alive.

    Its address alone would not do: the next exception may get the same one.
    """
    depth, entry = 0, _traceback_of(error)
    last = -1 if entry is None else entry.tb_lasti
    while entry is not None and depth < _MOST_ENTRIES:
        depth, entry = depth + 1, entry.tb_next
    return _mark(error, depth, last)


def has_mark(error: BaseException, mark: int) -> bool:
    """Say whether an exception on its way up is the one that had this mark where it was `mark`ed."""
    if mark == 0:
        return False
    depth, entry = mark >> 52, _traceback_of(error)
    entries: list[TracebackType] = []
    while entry is not None and len(entries) < _MOST_ENTRIES:
        entries.append(entry)
        entry = entry.tb_next
    if len(entries) < depth:
        return False
    return mark == _mark(error, depth, entries[len(entries) - depth].tb_lasti if depth else -1)


def _mark(error: BaseException, depth: int, last: int) -> int:
    """How deep it was raised, where in its own code the outermost block was left, and a part of its address."""
    return depth << 52 | (last & 0xFFFF) << 36 | (id(error) >> 4) & 0xFFFFFFFFF


def status_of(error: BaseException) -> Status:
    """The status of a block that this exception leaves.

    A cancelled task, an interrupt from the keyboard and a cancelled scope of another library are
    `cancelled`. A generator that is closed, and an exit with a code that says success, are `ok`: nothing went
    wrong. Everything else is an `error`.
    """
    try:
        return _status_of(error)
    except Exception as failure:  # noqa: BLE001 - an exception's class and attributes are the program's code
        let_through(failure)
        return "error"


def _status_of(error: BaseException) -> Status:
    kind = type(error)
    if issubclass(kind, KeyboardInterrupt) or kind.__name__ in {"CancelledError", "Cancelled"}:
        return "cancelled"
    if issubclass(kind, GeneratorExit):
        return "ok"
    if issubclass(kind, SystemExit):
        code = _code_of(error)
        zero = any(issubclass(type(code), sort) and sort.__eq__(code, 0) for sort in (int, float))
        return "ok" if code is None or zero else "error"
    for base in classes.mro(kind):
        if base.__name__ == "CancelledError" and base.__module__.partition(".")[0] in {
            "asyncio",
            "concurrent",
        }:
            return "cancelled"
    return "error"


def fault_of(
    error: BaseException | str,
    name: str = "",
    stack: str = "",
    *,
    brief: bool = False,
) -> dict[str, Any]:
    """The `error` field of a span, not yet redacted.

    Args:
        error: an exception, or words.
        name: the error's type; empty means the exception's class, with its module unless built in.
        stack: a formatted traceback, where there is no exception to take it from.
        brief: leave the stack out; a span further in has it, and formatting it costs 0.2 ms and more.
    """
    name, stack = _word(name), _word(stack)
    if issubclass(type(error), BaseException):
        fault = {"type": name or classes.full_name(type(error)), "message": said(error)}  # type: ignore[arg-type]  # its type was just asked
        stack = stack or ("" if brief else stack_of(error))  # type: ignore[arg-type]  # as above
    else:
        fault = {"type": name or "error", "message": text_of(error)}
    return {**fault, "stack": stack} if stack else fault


def _word(value: object) -> str:
    return "" if value is None else text_of(value)


def text_of(value: object) -> str:
    """A value as text, even when turning it into text raises or would never end."""
    if type(value) is str:
        return value
    if issubclass(type(value), str):
        return str.__str__(value)
    return _bounded_text(value, classes.short_name(type(value)))


def said(error: BaseException) -> str:
    """What an exception says, even when saying it raises or would never end."""
    kind = classes.short_name(type(error))
    if not _is_plain(error):
        return _bounded_text(error, kind)
    try:
        return str(error)
    except Exception as failure:  # noqa: BLE001 - as below: a number of more digits than the program allows
        let_through(failure)
        return f"<{kind}, its str raised {classes.short_name(type(failure))}>"


def _bounded_text(value: object, kind: str) -> str:
    try:
        return bounded(str, value)
    except Overrun:
        return f"<{kind}, its str did not end>"
    except Exception as failure:  # noqa: BLE001 - a __str__ is the program's code and may do anything
        let_through(failure)
        return f"<{kind}, its str raised {classes.short_name(type(failure))}>"


def _is_plain(error: BaseException) -> bool:
    """Whether an exception can say what it says without any code of the program."""
    how = classes.declared(type(error), "__str__")
    held = _args_of(error)
    if how is _GROUP_STR:
        held = held[:1]
    elif how is _OS_STR:
        held = (*held, _filename_of(error), _filename2_of(error))
    elif how not in _PLAIN_STR:
        return False
    return len(held) <= _MOST_ARGUMENTS and all(type(argument) in _PLAIN_TYPES for argument in held)


def _notes_of(error: BaseException) -> list[str] | None:
    """Its notes; None if they are not what `add_note` makes of them."""
    notes = dict.get(_held_by(error), "__notes__", [])
    if type(notes) is not list or len(notes) > _MOST_ARGUMENTS:
        return None
    return notes if all(type(note) is str for note in notes) else None


def _is_transparent(error: BaseException) -> bool:
    """Whether all that is told of an exception can be found out without any code of the program."""
    kind = type(error)
    return (
        _is_plain(error)
        and _notes_of(error) is not None
        and all(classes.declared(kind, name) is found for name, found in _LOOKS.items())
        and (
            not issubclass(kind, BaseExceptionGroup) or classes.declared(kind, "exceptions") is _GROUP_MEMBERS
        )
    )


def stack_of(error: BaseException) -> str:
    """The formatted traceback, causes included, without our own frames."""
    try:
        import traceback  # 4 ms, and only once something has failed

        if not all(_is_transparent(link) for link in _reachable(error)):
            chain = reversed(_chain(error))
            return "\n\n".join(_told(traceback, link, relation) for link, relation in chain)
        told = traceback.TracebackException(type(error), error, classes.traceback_of(error), limit=-_FRAMES)
        seen: list[Any] = [told]
        for part in seen:
            part.stack[:] = [frame for frame in part.stack if not frame.filename.startswith(_OURS)]
            seen += [also for also in (part.__cause__, part.__context__) if also is not None]
            seen += getattr(part, "exceptions", None) or ()
        return "".join(told.format()).rstrip()
    except Exception as failure:  # noqa: BLE001 - formatting calls the program's own code
        let_through(failure)
        return ""


def _reachable(error: BaseException) -> list[BaseException]:
    """Every exception that the traceback tells of: causes, contexts and the members of groups."""
    found = [error]
    known = {id(error)}
    for one in found:
        members = _members_of(one) if issubclass(type(one), BaseExceptionGroup) else ()
        for other in (_cause_of(one), _context_of(one), *members):
            if other is not None and id(other) not in known:
                known.add(id(other))
                found.append(other)
    return found


def _chain(error: BaseException) -> list[tuple[BaseException, str]]:
    """The exception, and before it what it came of, each with the words that join it to the one it became."""
    chain = [(error, "")]
    known = {id(error)}
    while len(chain) < _MOST_LINKS:
        last = chain[-1][0]
        cause = _cause_of(last)
        before = cause if cause is not None or _is_suppressed(last) else _context_of(last)
        if before is None or id(before) in known:
            break
        known.add(id(before))
        chain.append((before, _CAUSE if cause is not None else _CONTEXT))
    return chain


def _told(traceback: Any, error: BaseException, relation: str) -> str:
    """One exception as the interpreter would print it, in words that `said` has bounded."""
    frames = traceback.StackSummary.extract(traceback.walk_tb(classes.traceback_of(error)))
    lines = traceback.StackSummary.from_list(
        [frame for frame in frames if not frame.filename.startswith(_OURS)][-_FRAMES:]
    ).format()
    head = "Traceback (most recent call last):\n" if lines else ""
    told = f"{head}{''.join(lines)}{classes.full_name(type(error))}: {said(error)}"
    told = "\n".join([told, *(_notes_of(error) or ())])
    return f"{told}\n\n{relation}" if relation else told
