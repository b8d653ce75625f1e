"""`narrate`: says in words, for people, what happened; recorded as an event that `records/narration.py` describes.

Whether it is wanted is asked before anything else is looked at: a narration whose level is off costs as little as
an event. What is said then is made into texts within bounds, and no code of the program runs for that but
`human` where it is a function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from sys import _getframe
from types import CodeType, FrameType
from typing import Any, Final

from flightlog._speed.presence import ENGINE
from flightlog.border import let_through
from flightlog.core import memo
from flightlog.core.bound import Binding, innermost
from flightlog.core.context import LEFT, Captured, held, variable
from flightlog.core.control import control
from flightlog.core.editor import Spot, editor
from flightlog.core.engine import happened, parent_at, verdicts
from flightlog.core.fields import decoded
from flightlog.core.provenance import actor_of, module_of, outside, program
from flightlog.core.redact import shortened
from flightlog.core.traced_items import FAILED, counted
from flightlog.records.errors import EditorialWarning
from flightlog.records.kinds import LEVELS, Level
from flightlog.records.narration import MARK, NARRATION

FIELD: Final = "fields."
"""Stands before the name of a field that would else be taken for what a narration itself has."""

_OWN: Final = frozenset(
    {MARK, "emitted_by", "source", "actor", "target", "cute", "story", "correlation_id", FAILED}
)
_SHOWN: Final = 40
"""Characters of a level that there is not."""
_MOST_HERES: Final = 4096
"""Call sites that are remembered; a program that makes code without end pays for each anew."""

_said: Final = None if ENGINE is None else ENGINE.said
"""Records what `happened` would, made in C; it gives False for what is not plain, of which it has written nothing."""

_LONGEST_ACTION: Final = 2 * memo.LONGEST_NAME
"""Characters of an action that are looked at; the name of an event holds half of them."""


def narrate(
    action: str,
    target: object = "",
    *,
    human: str | Callable[[], str] = "",
    cute: str = "",
    story: str = "",
    actor: str = "",
    level: Level | str = "info",
    correlation_id: object = "",
    **fields: object,
) -> None:
    """Say what happened, on the current span or on none when there is none.

    Never raises, whatever it is given: what is no text is told as it is captured (42, a path, a list as JSON).
    Only an `EditorialWarning` that the program's own filters make an exception comes out of it.

    Args:
        action: what was done, with few distinct values: `dispatch`, `enqueue`.
        target: what it was done to.
        human: the sentence for people; or a function without arguments that gives it, called only where it is
            recorded. Without one, readers make a sentence of actor, action and target.
        cute: the same with a wink.
        story: the same as a part of a story, with dialogue.
        actor: who did it; else what `bind(actor=…)` says, else the last part of the caller's module name, for
            a main module the service or the script.
        level: as for `span`; `off` says nothing. One that there is not counts as `info`: the narration says so in
            `flightlog.capture_error`, and an `EditorialWarning` does once for each line.
        correlation_id: the flow that it belongs to, across traces; else what `bind(correlation_id=…)` says,
            else the trace's id.
        **fields: anything else worth knowing, captured now. `source` and `emitted_by` say where the narration
            comes from: a field of such a name is kept as `fields.source`.
    """
    flaw = ""
    try:
        verdict = verdicts[level]
    except Exception as failure:  # noqa: BLE001 - the border: a level is whatever the program says
        let_through(failure)
        if type(level) is str and level == "off":
            return
        flaw = no_level(level)
        level, verdict = "info", verdicts.get("info")
    if verdict is False or (verdict is None and not control.decide(level, outside(_getframe(1)))):
        return
    frame = _getframe(1)
    here = _heres.get((id(frame.f_code), frame.f_lasti))
    if here is None or here.module != frame.f_globals.get("__name__"):
        frame = outside(frame)
        here = _met(frame)
    words = Words(action, human, level, (actor, target, cute, story, correlation_id), fields)
    words.source = here.source
    words.flaw = flaw
    speak(words, frame)


Given = tuple[object, object, object, object, object]
"""Actor, target, cute, story and correlation id, as far as they are known."""


class Words:
    """What is said, before it is made into texts."""

    __slots__ = ("action", "fields", "flaw", "given", "human", "is_done", "level", "source", "spot")

    def __init__(
        self,
        action: object,
        human: object,
        level: str,
        given: Given,
        fields: Mapping[str, object],
    ) -> None:
        self.action = action
        self.human = human
        self.level = level
        self.given = given
        self.fields = fields
        self.spot: Spot | None = None
        """The line that speaks, where it is not the one that the frame stands at."""
        self.source = ""
        """That line, or the one of the frame, as it is told; empty: nobody has looked."""
        self.is_done = False
        """Whether what it tells of is over."""
        self.flaw = ""
        """What was wrong with how it was asked for; recorded, counted and warned of."""


def speak(words: Words, frame: FrameType) -> None:
    """Record a narration whose level is wanted.

    Args:
        words: what is said.
        frame: who says it: code of the program.
    """
    try:
        binding = innermost()
        if binding is not None and binding.muted:
            return
        parent: Any = variable.get()
        if parent is None or parent._state > LEFT or held:
            parent = parent_at(frame)
        if parent is not None and parent._drops:
            return
        trace_id = "" if parent is None or isinstance(parent, Captured) else parent.trace_id
        attributes, body = _told(words, binding, trace_id, frame)
        action = words.action if type(words.action) is str else worded(words.action, "")
        action = action[:_LONGEST_ACTION] or NARRATION
        if _said is None or not _said(action, words.level, body, attributes, parent):
            happened(action, words.level, body, attributes, parent)
    except Exception as failure:  # noqa: BLE001 - the border: a narration must not break its program
        let_through(failure)
        memo._encoder.failed()
        return
    if words.flaw:
        complain(words.flaw, words.spot or spot_of(frame))
    if editor.is_on:
        _edit(words, words.spot or spot_of(frame), (body, attributes), trace_id)


def _told(
    words: Words, binding: Binding | None, trace_id: str, frame: FrameType
) -> tuple[dict[str, object], str]:
    """The attributes and the body."""
    attributes: dict[str, object] = {MARK: NARRATION}
    body = words.human
    if type(body) is not str:
        body = _sentence(body, attributes)
    actor, target, cute, story, correlation_id = words.given
    attributes["actor"] = (
        (actor if type(actor) is str else worded(actor, "actor"))
        or _bound(binding, "actor")
        or _actor(words, frame)
    )
    if not attributes["actor"]:
        del attributes["actor"]
    if text := target if type(target) is str else worded(target, "target"):
        attributes["target"] = text
    if text := cute if type(cute) is str else worded(cute, "cute"):
        attributes["cute"] = text
    if text := story if type(story) is str else worded(story, "story"):
        attributes["story"] = text
    text = correlation_id if type(correlation_id) is str else worded(correlation_id, "correlation_id")
    if text := text or _bound(binding, "correlation_id") or trace_id:
        attributes["correlation_id"] = text
    if program.emitted_by:
        attributes["emitted_by"] = program.emitted_by
    spot = words.spot
    attributes["source"] = (
        words.source or _met(frame).source if spot is None else f"{spot.module}:{spot.line}"
    )
    if words.flaw:
        attributes.setdefault(FAILED, words.flaw)
    if words.fields:
        for name, value in words.fields.items():
            attributes[FIELD + name if name in _OWN else name] = value
    return attributes, body


def _actor(words: Words, frame: FrameType) -> str:
    """The last part of the name of the module that speaks."""
    spot = words.spot or spot_of(frame)
    return actor_of(spot.module, spot.file, spot.names)


def _bound(binding: Binding | None, name: str) -> str:
    """What `bind` holds under a name, as a text; empty when it holds nothing."""
    member = "" if binding is None else binding.members.get(name, "")
    return _unquoted(member.partition(":")[2]) if member else ""


def _sentence(given: Any, attributes: dict[str, object]) -> str:
    """The plain sentence, from a function or from what is no text."""
    if given is None:
        return ""
    if callable(given):
        try:
            given = given()
        except Exception as failure:  # noqa: BLE001 - the border: it is the program's code, called on our account
            let_through(failure)
            attributes[FAILED] = counted(failure)
            return ""
    return worded(given, "body")


def worded(value: object, path: str) -> str:
    """Any value as a text: a text as it is, nothing for None, else what is captured of it."""
    if value is None:
        return ""
    if issubclass(type(value), str):
        return str.__str__(value)
    return _unquoted(memo.captured(value, path)[0])


def _unquoted(fragment: str) -> str:
    """The text that a piece of JSON is, or its JSON if it is none."""
    if fragment == "null":
        return ""
    if not fragment.startswith('"'):
        return fragment
    return decoded(fragment) if "\\" in fragment else fragment[1:-1]


class _Here:
    """A call site that narrates, and what is told of it."""

    __slots__ = ("code", "line", "module", "source")

    def __init__(self, code: CodeType, module: str, line: int) -> None:
        self.code = code
        """Held, so that its identity belongs to nobody else."""
        self.module = module
        self.line = line
        self.source = f"{module}:{line}"


_heres: Final[dict[tuple[int, int], _Here]] = {}
"""Call sites by the identity of their code and the instruction: finding out where one is takes 0.5 us."""


def _met(frame: FrameType) -> _Here:
    """Where a frame of the program stands, looked up and remembered."""
    if len(_heres) >= _MOST_HERES:
        _heres.clear()
    code = frame.f_code
    here = _heres[id(code), frame.f_lasti] = _Here(code, module_of(frame), frame.f_lineno)
    return here


def spot_of(frame: FrameType) -> Spot:
    """The line that a frame stands at."""
    return Spot(frame.f_code.co_filename, frame.f_lineno, module_of(frame), frame.f_globals)


def no_level(level: object) -> str:
    """What to say of a level that there is not."""
    told = repr(shortened(level, _SHOWN)) if type(level) is str else f"of type {type(level).__name__}"
    return f"no level {told}: taken as info; there are {', '.join(LEVELS)} and off"


def complain(flaw: str, spot: Spot) -> None:
    """Count what was wrong with a call, and warn of it once for each line, also where nobody develops.

    Raises:
        EditorialWarning: somebody develops, and the program's filters make it an exception.
    """
    memo._encoder.failed()
    try:
        editor.tell(spot, f"{spot.file}:{spot.line}", "level", memo.redacted(flaw))
    except EditorialWarning:
        if editor.is_on:
            raise
    except Exception as failure:  # noqa: BLE001 - the border: how a warning is shown is the program's
        let_through(failure)
        memo._encoder.failed()


def _edit(words: Words, spot: Spot, said: tuple[str, dict[str, object]], trace_id: str) -> None:
    """Tell whoever develops the program what could be better about a narration that was just recorded."""
    body, attributes = said
    try:
        if trace_id:
            editor.count(spot, trace_id)
        cute, story, target = (str(attributes.get(name, "")) for name in ("cute", "story", "target"))
        editor.read(spot, words.level, (body, cute, story, target), is_done=words.is_done)
    except EditorialWarning:
        raise
    except Exception as failure:  # noqa: BLE001 - the border, as above: how a warning is shown is the program's
        let_through(failure)
        memo._encoder.failed()
