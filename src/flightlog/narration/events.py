"""An event as a sentence: a narration in the voice asked for, and what else changes how a trace is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from flightlog.narration.words import MOST_TEXT, ended, plain, short
from flightlog.records.attributes import EXCEPTION
from flightlog.records.event import Event
from flightlog.records.narration import ATTRIBUTES, MARK, View, is_narration, spoken

_MOST_SPOKEN: Final = 2_000
_LOUD: Final = frozenset({"warn", "error", "fatal"})


def is_told(event: Event) -> bool:
    """Whether a story tells it by itself; a retry is told with its span, and a chunk, a loop or a state never."""
    return is_narration(event) or event.name in _SENTENCES or (event.level in _LOUD and event.name != "retry")


def sentence(event: Event, view: View = "human") -> str:
    """Tell one event; what is unknown to us by its name and what it says."""
    if is_narration(event):
        return narrated(event, view)
    tell = _SENTENCES.get(event.name)
    told = tell(event.attributes) if tell else _by_name(event)
    return ended(told)


def narrated(event: Event, view: View = "human") -> str:
    """What a narration says in this voice; one without any text is told by who did what to what."""
    said = spoken(event, view)
    if event.body or said != event.name:
        return short(said, _MOST_SPOKEN)
    return " ".join(filter(None, (actor(event), short(event.name), target(event))))


def actor(event: Event) -> str:
    """Who did it, as far as the narration tells; else the service."""
    return plain(event.attributes.get("actor") or "") or short(event.service)


def target(event: Event) -> str:
    """What it was done to; empty when it does not tell."""
    return plain(event.attributes.get("target") or "")


def own_fields(event: Event) -> dict[str, Any]:
    """What the program itself said beside the sentence."""
    return {
        name: value for name, value in event.attributes.items() if name not in ATTRIBUTES and name != MARK
    }


def _by_name(event: Event) -> str:
    said = short(event.body, MOST_TEXT)
    if event.name == "log":
        return f"Logged at level {event.level}: {said}"
    return f"{short(event.name)}: {said}" if said else short(event.name)


def _fallback(told: Mapping[str, Any]) -> str:
    return "A second choice took over" + _after(told.get("error"), " after ")


def _skip(told: Mapping[str, Any]) -> str:
    return "Skipped" + _after(told.get("reason"), ": ")


def _pause(told: Mapping[str, Any]) -> str:
    return "Waited for somebody" + _after(told.get("message"), ": ")


def _resume(told: Mapping[str, Any]) -> str:
    return "Went on" + _after(told.get("value"), ", with the answer ")


def _budget(told: Mapping[str, Any]) -> str:
    return "Reached a limit" + _after(told.get("limit"), " of ") + _after(told.get("value"), ": ")


def _branch(told: Mapping[str, Any]) -> str:
    rejected = told.get("rejected")
    names = rejected if isinstance(rejected, list) else [rejected] if rejected else []
    over = ", ".join(plain(name) for name in names[:5]) + (", …" if len(names) > 5 else "")
    chosen = told.get("chosen")
    return f"Chose {plain(chosen) if chosen else 'a way'}{f' over {over}' if over else ''}"


def _handoff(told: Mapping[str, Any]) -> str:
    return (
        "Handed over"
        + _after(told.get("from"), " from ")
        + _after(told.get("to"), " to ")
        + _after(told.get("reason"), ": ")
    )


def _coercion(told: Mapping[str, Any]) -> str:
    fitted = {True: ", and it fitted", False: ", and it did not fit"}
    ok = told.get("ok")
    return (
        "Bent an output into shape"
        + _after(told.get("stage"), " by ")
        + (fitted[ok] if isinstance(ok, bool) else "")
    )


def _exception(told: Mapping[str, Any]) -> str:
    return f"Met {plain(told.get(EXCEPTION['type']) or 'an exception')}" + _after(
        told.get(EXCEPTION["message"]), ": "
    )


def _after(value: object, lead: str) -> str:
    return "" if value is None or value == "" else lead + plain(value, MOST_TEXT)


_SENTENCES: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "branch": _branch,
    "budget": _budget,
    "coercion": _coercion,
    "exception": _exception,
    "fallback": _fallback,
    "handoff": _handoff,
    "pause": _pause,
    "resume": _resume,
    "skip": _skip,
}
"""Events of the vocabulary that a story tells, by name; the rest happens too often, or says nothing to people."""
