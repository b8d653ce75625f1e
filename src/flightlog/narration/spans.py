"""A span as a sentence: what was done, how it ended, how long it took. Nothing is said that the record does not hold.

    Asked gpt-4.1-mini for an answer: 812 tokens in, 90 out, 1.20 s.
    Called the tool search_documents in 40.0 ms.
    reindex failed after 2.10 s: ValueError: bad date.

Work that is over is told in the past tense, work that goes on in the present. The words are chosen by the kind;
a kind that is not known is named. All texts are safe to show.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from flightlog.narration.words import MOST_TEXT, duration, ended, of_them, plain, short
from flightlog.records.attributes import WAITING, WAITING_SINCE
from flightlog.records.event import Event
from flightlog.records.genai import INPUT_TOKENS, OUTPUT_TOKENS, REQUEST_MODEL, RESPONSE_MODEL
from flightlog.records.span import Fault, Span

_DEEDS: Final[Mapping[str, tuple[str, str, str]]] = {
    "": ("Ran", "Running", "{name}"),
    "function": ("Ran", "Running", "{name}"),
    "run": ("Ran", "Running", "the program {name}"),
    "agent": ("Ran", "Running", "the agent {name}"),
    "workflow": ("Ran", "Running", "the workflow {name}"),
    "step": ("Took", "Taking", "the step {name}"),
    "llm": ("Asked", "Asking", "{model} for an answer"),
    "embedding": ("Made", "Making", "embeddings with {model}"),
    "retrieval": ("Searched", "Searching", "with {name}"),
    "rerank": ("Ranked", "Ranking", "what was found with {model}"),
    "tool": ("Called", "Calling", "the tool {name}"),
    "guardrail": ("Checked", "Checking", "the guardrail {name}"),
    "evaluation": ("Ran", "Running", "the evaluation {name}"),
    "prompt": ("Built", "Building", "the prompt {name}"),
    "audio": ("Worked", "Working", "on audio with {name}"),
    "audio_capture": ("Recorded", "Recording", "audio with {name}"),
    "voice_activity": ("Listened", "Listening", "for a voice with {name}"),
    "speech_to_text": ("Turned", "Turning", "speech into text with {model}"),
    "text_to_speech": ("Turned", "Turning", "text into speech with {model}"),
    "audio_playback": ("Played", "Playing", "audio with {name}"),
    "http": ("Made", "Making", "the request {name}"),
    "db": ("Made", "Making", "the database call {name}"),
}
"""By kind: what was done in the past tense, in the present, and to what."""

OPENERS: Final = frozenset(
    {"The", "Skipped", *(word for past, now, _ in _DEEDS.values() for word in (past, now))}
)
"""First words of sentences that are ours, which may stand after another word in small letters."""

_NO_NAME: Final = "(no name)"
PLACEHOLDER: Final = "(not recorded)"
"""Name of the span that stands for a parent nobody wrote."""


def sentence(
    span: Span, events: Iterable[Event] = (), *, now: int | None = None, told_below: bool = False
) -> str:
    """Tell one span.

    Args:
        span: as it stands.
        events: its own; retries and pauses among them are told with it.
        now: Unix nanoseconds; how long what is not over has lasted by then is said.
        told_below: its error is that of a step below it, which tells what it says; here its class is enough.
    """
    if span.name == PLACEHOLDER and span.status == "interrupted":
        return "A step was not recorded; what follows was under it."
    tries = [event for event in events if event.name == "retry"]
    if span.status == "ok":
        return ended(_done(span) + _tried(tries) + _waited(span))
    if span.status in {"running", "paused"}:
        return ended(_going_on(span, events, now) + _tried(tries))
    return ended(_broken(span, tries, told_below=told_below))


def deed(span: Span) -> str:
    """What the span does to what, in the present: `Calling the tool search`; a function by its name alone."""
    _, doing, what = _words(span)
    return what if span.kind in {"", "function"} else f"{doing} {what}"


def opening(span: Span) -> str:
    """The beginning of a trace, whose end is told elsewhere."""
    started = "has started" if span.end is None else "started"
    return ended(
        f"{_capital(_subject(span))} {started}{f' in {short(span.service)}' if span.service else ''}"
    )


def outcome(span: Span, took: int | None, *, now: int | None = None) -> str:
    """How a whole trace ended, by its root; `took` and `now` are nanoseconds."""
    so_far = "" if now is None else f", {duration(max(0, now - span.start))} so far"
    after = f" after {duration(took)}" if took is not None else ""
    told = {
        "ok": f"It went well and took {duration(took)}" if took is not None else "It went well",
        "running": f"It is still running{so_far}",
        "paused": f"It waits for somebody{so_far}",
        "cancelled": f"It was cancelled{after}",
        "interrupted": f"It was interrupted{after}",
    }.get(span.status)
    return ended(told or f"It failed{after}{_fault(span.error, short_form=False)}")


def model_of(attributes: Mapping[str, Any]) -> str:
    """The model that answered, else the one that was asked; empty when none is named."""
    found = attributes.get(RESPONSE_MODEL) or attributes.get(REQUEST_MODEL)
    return found if isinstance(found, str) else ""


def tokens(read: object, written: object) -> str:
    """Tokens as `812 tokens in, 90 out`; empty when neither is known."""
    has_read, has_written = _is_count(read), _is_count(written)
    if has_read and has_written:
        return f"{read:,} tokens in, {written:,} out"
    return f"{read:,} tokens in" if has_read else f"{written:,} tokens out" if has_written else ""


def _done(span: Span) -> str:
    past, _, what = _words(span)
    used = tokens(span.attributes.get(INPUT_TOKENS), span.attributes.get(OUTPUT_TOKENS))
    took = duration(span.duration_ns)
    if used:
        return f"{past} {what}: {', '.join(filter(None, (used, took)))}"
    return f"{past} {what}{f' in {took}' if took else ''}"


def _going_on(span: Span, events: Iterable[Event], now: int | None) -> str:
    _, doing, what = _words(span)
    since = span.start
    told = f"{doing} {what}"
    if span.status == "paused":
        found = span.attributes.get(WAITING_SINCE)
        since = int(found) if found and _is_count(found) else since
        asked = [event.attributes.get("message") for event in events if event.name == "pause"]
        told = f"{_subject(span)} waits for somebody" + (
            f" ({plain(asked[-1], MOST_TEXT)})" if asked and asked[-1] else ""
        )
    lasting = "not over yet" if now is None else f"{duration(max(0, now - since))} so far"
    return f"{told}, {lasting}"


def _broken(span: Span, tries: list[Event], *, told_below: bool) -> str:
    """A span that did not end well."""
    took = duration(span.duration_ns)
    again = of_them(len(tries), "retry", "retries") if tries else ""
    after = " and ".join(filter(None, (took, again)))
    told = {"cancelled": "was cancelled", "interrupted": "was interrupted"}.get(span.status, "failed")
    said = f"{_subject(span)} {told}{f' after {after}' if after else ''}"
    if told == "was interrupted":
        return said
    return said + _fault(span.error, short_form=told_below) + _waited(span)


def _fault(error: Fault | None, *, short_form: bool) -> str:
    if error is None or not (error.type or error.message):
        return ""
    kind = short(error.type)
    if short_form and kind:
        return f" with {kind}"
    first, *more = error.message.strip().split("\n", 1)
    message = short(first, MOST_TEXT) + (" …" if more else "")
    return ": " + ": ".join(filter(None, (kind, message)))


def _tried(tries: list[Event]) -> str:
    """How often it was tried again, and why."""
    if not tries:
        return ""
    reasons = dict.fromkeys(plain(found) for event in tries if (found := event.attributes.get("reason")))
    named = f" ({', '.join(list(reasons)[:3])}{', …' if len(reasons) > 3 else ''})" if reasons else ""
    return f", after {of_them(len(tries), 'retry', 'retries')}{named}"


def _waited(span: Span) -> str:
    found = span.attributes.get(WAITING)
    return f", of which it waited {duration(found)}" if _is_count(found) and found else ""


def _subject(span: Span) -> str:
    """What failed, or waits: `The tool search`, `Asking gpt-4.1-mini for an answer`, `reindex`."""
    _, doing, what = _words(span)
    if span.kind in {"", "function"}:
        return what
    return _capital(what) if what.startswith("the ") else f"{doing} {what}"


def _words(span: Span) -> tuple[str, str, str]:
    """What was done in the past tense, in the present, and to what."""
    name = short(span.name) or _NO_NAME
    model = short(model_of(span.attributes)) or name
    kind = short(span.kind.replace("_", " "))
    past, doing, what = _DEEDS.get(span.kind, ("Ran", "Running", "the {kind} {name}"))
    told = what.replace("{model}", "\0").replace("{kind}", kind).replace("{name}", name).replace("\0", model)
    if "{model}" in what and model not in name and name not in model:
        told += f" ({name})"
    return past, doing, told


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:] if text.startswith("the ") else text


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0
