"""`narrate`: says in words, for people, what happened; recorded as an event that `records/narration.py` describes.

Whether it is wanted is asked before anything else is looked at: a narration whose level is off costs as little as
an event. What is said then is made into texts within bounds, and no code of the program runs for that but
`human` where it is a function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from sys import _getframe
from types import FrameType
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core import memo
from flightlog.core.bound import Binding, innermost
from flightlog.core.context import Captured
from flightlog.core.control import control
from flightlog.core.editor import Spot, editor
from flightlog.core.engine import happened, parent_at, verdicts
from flightlog.core.fields import decoded
from flightlog.core.provenance import actor_of, module_of, outside, program
from flightlog.core.traced_items import FAILED, counted
from flightlog.records.errors import EditorialWarning
from flightlog.records.kinds import Level
from flightlog.records.narration import MARK, NARRATION

FIELD: Final = "fields."
"""Stands before the name of a field that would else be taken for what a narration itself has."""

_OWN: Final = frozenset(
    {MARK, "emitted_by", "source", "actor", "target", "cute", "story", "correlation_id", FAILED}
)
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
        level: as for `span`; `off` says nothing.
        correlation_id: the flow that it belongs to, across traces; else what `bind(correlation_id=…)` says,
            else the trace's id.
        **fields: anything else worth knowing, captured now. `source` and `emitted_by` say where the narration
            comes from: a field of such a name is kept as `fields.source`.
    """
    try:
        verdict = verdicts[level]
    except Exception as failure:  # noqa: BLE001 - the border: a level is whatever the program says
        let_through(failure)
        if type(level) is str and level == "off":
            return
        level, verdict = "info", verdicts.get("info")
    if verdict is False or (verdict is None and not control.decide(level, outside(_getframe(1)))):
        return
    frame = outside(_getframe(1))
    given = {"actor": actor, "target": target, "cute": cute, "story": story, "correlation_id": correlation_id}
    speak(Words(action, human, level, given, fields), frame)


class Words:
    """What is said, before it is made into texts."""

    __slots__ = ("action", "fields", "given", "human", "is_done", "level", "spot")

    def __init__(
        self,
        action: object,
        human: object,
        level: str,
        given: dict[str, object],
        fields: Mapping[str, object],
    ) -> None:
        self.action = action
        self.human = human
        self.level = level
        self.given = given
        """Actor, target, cute, story and correlation id, as far as they are known; written in this order."""
        self.fields = fields
        self.spot: Spot | None = None
        """The line that speaks, where it is not the one that the frame stands at."""
        self.is_done = False
        """Whether what it tells of is over."""


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
        parent: Any = parent_at(frame)
        if parent is not None and parent._drops:
            return
        trace_id = "" if parent is None or isinstance(parent, Captured) else parent.trace_id
        attributes, body = _told(words, binding, trace_id, frame)
        action = words.action if type(words.action) is str else worded(words.action, "")
        happened(action[:_LONGEST_ACTION] or NARRATION, words.level, body, attributes, parent)
    except Exception as failure:  # noqa: BLE001 - the border: a narration must not break its program
        let_through(failure)
        memo._encoder.failed()
        return
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
    spot = words.spot
    module = module_of(frame) if spot is None else spot.module
    for name, value in words.given.items():
        text = value if type(value) is str else worded(value, name)
        if not text and name == "actor":
            text = _bound(binding, name) or _inferred(module, spot, frame)
        elif not text and name == "correlation_id":
            text = _bound(binding, name) or trace_id
        if text:
            attributes[name] = text
    if program.emitted_by:
        attributes["emitted_by"] = program.emitted_by
    attributes["source"] = f"{module}:{frame.f_lineno if spot is None else spot.line}"
    for name, value in words.fields.items():
        attributes[FIELD + name if name in _OWN else name] = value
    return attributes, body


def _inferred(module: str, spot: Spot | None, frame: FrameType) -> str:
    if spot is None:
        return actor_of(module, frame.f_code.co_filename, frame.f_globals)
    return actor_of(module, spot.file, spot.names)


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


def spot_of(frame: FrameType) -> Spot:
    """The line that a frame stands at."""
    return Spot(frame.f_code.co_filename, frame.f_lineno, module_of(frame), frame.f_globals)


def _edit(words: Words, spot: Spot, said: tuple[str, dict[str, object]], trace_id: str) -> None:
    """Tell whoever develops the program what could be better about a narration that was just recorded."""
    body, attributes = said
    try:
        if trace_id:
            editor.count(spot, trace_id)
        texts = (body, str(attributes.get("cute", "")), str(attributes.get("story", "")))
        editor.read(spot, words.level, texts, is_done=words.is_done)
    except EditorialWarning:
        raise
    except Exception as failure:  # noqa: BLE001 - the border, as above: how a warning is shown is the program's
        let_through(failure)
        memo._encoder.failed()
