"""A conversation as it is drawn: call after call, each message once (`analysis.talk`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from flightlog.analysis.arriving import Arriving
from flightlog.analysis.messages import Message
from flightlog.analysis.talk import told_once
from flightlog.cli.render import details, words, wrap
from flightlog.cli.render.marks import status_sign, status_style
from flightlog.cli.render.safe import clean
from flightlog.cli.render.step import ROLE_STYLES
from flightlog.cli.render.terminal import Terminal
from flightlog.records import genai
from flightlog.records.span import Span

_INDENT: Final = "  "


def lines(
    calls: Sequence[Span], terminal: Terminal, now_ns: int, arriving: Mapping[str, Arriving] = {}
) -> Iterator[str]:
    """Draw the calls, by start.

    Args:
        calls: model calls, whole.
        terminal: where they are drawn.
        now_ns: Unix nanoseconds; a call that is open lasts until then.
        arriving: how far the answers of open calls are, by span id, where that is known.
    """
    for place, said in enumerate(told_once(calls)):
        call = said.call
        if place:
            yield ""
        yield _title(call, terminal, now_ns)
        if said.known:
            yield terminal.paint(
                "dim", f"{_INDENT}{terminal.ellipsis()} {words.of_them(said.known, 'message')} as before"
            )
        yield from of_messages(said.messages, terminal)
        if call.error is not None:
            told = ": ".join(text for text in (call.error.type, call.error.message) if text)
            yield from (terminal.paint("red", line) for line in _text(told, terminal))
        elif call.end is None and not said.is_answered:
            yield terminal.paint("cyan", f"{_INDENT}{_awaited(call, terminal, now_ns, arriving)}")


def _awaited(call: Span, terminal: Terminal, now_ns: int, arriving: Mapping[str, Arriving]) -> str:
    """What can be said of an answer that is not there yet: of a streamed one how far it is, never its text."""
    so_far = arriving.get(call.span_id)
    if so_far is not None:
        facts = (
            words.of_them(so_far.pieces, "piece"),
            words.of_them(so_far.characters, "character"),
            f"last {words.ago(so_far.last, now_ns)}",
        )
        return f"{terminal.ellipsis()} {', '.join(facts)}"
    if call.attributes.get(genai.REQUEST_STREAM) is True:
        return f"{terminal.ellipsis()} streaming; with the setting level=trace this says how far it is"
    return terminal.ellipsis()


def of_messages(messages: Iterable[Message], terminal: Terminal) -> Iterator[str]:
    """Draw messages, each with who said it."""
    for message in messages:
        yield from _message(message, terminal)


def _title(call: Span, terminal: Terminal, now_ns: int) -> str:
    sign = terminal.paint(status_style(call.status), status_sign(call.status, terminal))
    model = call.attributes.get(genai.RESPONSE_MODEL) or call.attributes.get(genai.REQUEST_MODEL) or ""
    took = words.lasting_span(call, now_ns, unicode=terminal.unicode)
    facts = [clean(details.plain(model)), words.short_moment(call.start, now_ns), took]
    told = terminal.paint("dim", terminal.dot().join(filter(None, facts)))
    return f"{sign} {terminal.paint('bold', clean(call.name) or '(no name)')}  {told}"


def _message(message: Message, terminal: Terminal) -> Iterator[str]:
    title = " ".join(filter(None, (message.role, message.about)))
    yield _INDENT + terminal.paint(ROLE_STYLES.get(message.role, "yellow"), clean(title))
    yield from _text(message.text, terminal)


def _text(text: str, terminal: Terminal) -> Iterator[str]:
    room = max(20, terminal.width - 2 * len(_INDENT))
    for line in text.splitlines() or [""]:
        for wrapped in wrap.lines(clean(line.expandtabs(4)), room):
            yield 2 * _INDENT + wrapped
