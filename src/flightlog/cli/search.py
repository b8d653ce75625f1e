"""`flightlog search`: words within what was recorded."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import click
import msgspec

from flightlog.cli.asking import question_of
from flightlog.cli.filters import project, since
from flightlog.cli.jsonout import print_array
from flightlog.cli.looks import drawn, paged
from flightlog.cli.opening import caught_up, holds_something, home, no_trace, say
from flightlog.cli.options import EXIT_CODES, as_json
from flightlog.cli.render import hits as drawing
from flightlog.cli.render.terminal import Terminal
from flightlog.cli.render.words import of_them
from flightlog.codecs.lines import encode
from flightlog.home import Home
from flightlog.records.errors import BadQuestion
from flightlog.records.question import And, Comparison, Moment, Or, Pattern, Question
from flightlog.store.textport import Found, Hit, Search, TextState, Where
from flightlog.store.words import pieces_of

MOST: Final = 20
PATIENCE: Final = 1.5
"""Seconds that the index of words gets to catch up before it is asked; what it has not is looked at itself."""

PLACES: Final = ("input", "output", "messages", "error", "event")
"""Where somebody may look: `messages` are inputs and outputs of model calls."""

_PART: Final = re.compile(r'"([^"]*)"')


@click.command("search", epilog=EXIT_CODES)
@click.argument("words", nargs=-1, required=True, metavar="WORDS...")
@click.option(
    "--in",
    "places",
    type=click.Choice(PLACES),
    multiple=True,
    help="Look only there; may be given again. Messages are inputs and outputs of model calls.",
)
@click.option(
    "--kind", "kinds", multiple=True, metavar="KIND", help="Steps of this kind; may be given again."
)
@click.option(
    "--where", default="", metavar="QUESTION", help="Steps that fit a question: 'model:gpt-4* since:1d'."
)
@project
@since
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1, 10_000),
    default=MOST,
    show_default=True,
    help="Most steps and events to show.",
)
@as_json
@drawn
@paged
def command(
    *,
    words: tuple[str, ...],
    places: tuple[str, ...],
    limit: int,
    as_json: bool,
    look: Terminal,
    page: Callable[[Iterable[str]], None],
    **narrowing: Any,
) -> None:
    """Find words in inputs, outputs, errors and events, newest first.

    Every argument has to be found, all of them in one step: `flightlog search refund policy` finds both words,
    `flightlog search "refund policy"` the one right behind the other. Words are whole, whatever their case and accents;
    `*` stands for anything, so `refun*` finds what begins so. Nothing else in a word means anything but itself.

    A message that the later requests of a conversation repeat is shown once, with the step in which it came first.
    Names of steps are not looked at: `flightlog spans 'name~search'` finds those.

    Words are found through an index that is kept beside the store (setting fulltext); without it the newest steps are
    looked at one by one for a few seconds, which is said.

    With --json: an array with one object a hit: the step or the event as a record line, and its passages with the
    places of the words in them, in characters.
    """
    patterns = [pattern for word in words for pattern in _patterns(word)]
    if not patterns:
        raise BadQuestion(f"{' '.join(words)!r} has no letter or digit")
    question = _question(places, **narrowing)
    found = home()
    if not holds_something(found):
        say(no_trace(found))
        if as_json:
            print_array(())
        return
    result, state = _search(found, Search(patterns, _where(places)), limit, question)
    if as_json:
        print_array(_documents(result.hits))
    elif result.hits:
        page(drawing.lines(result.hits, look, time.time_ns()))
    _tell(result, state, limit)


def _search(found: Home, asked: Search, limit: int, question: Question | None) -> tuple[Found, TextState]:
    with caught_up(found) as (reader, _):
        found.index_texts(PATIENCE)
        return reader.search(asked, limit, question=question), reader.text_state()


def _patterns(argument: str) -> Iterator[Pattern]:
    """What one argument asks for: a phrase, or where it has quotes of its own those in them and the words beside."""
    if '"' not in argument:
        yield _pattern(argument)
        return
    rest = _PART.sub(" ", argument)
    for phrase in (*_PART.findall(argument), *rest.replace('"', " ").split()):
        if phrase.strip():
            yield _pattern(phrase)


def _pattern(phrase: str) -> Pattern:
    pieces = re.split(r"\*+", phrase)
    pattern = Pattern(tuple(pieces))
    if not pieces_of(pattern):
        raise BadQuestion(
            f"{phrase!r} has no letter or digit; `flightlog spans 'input~\"...\"'` finds any signs"
        )
    return pattern


def _where(places: Sequence[str]) -> tuple[Where, ...]:
    chosen = set(places or ("input", "output", "error", "event"))
    if "messages" in chosen:
        chosen |= {"input", "output"}
    every: tuple[Where, ...] = ("input", "output", "error", "event")
    return tuple(where for where in every if where in chosen)


def _question(
    places: Sequence[str], *, kinds: Sequence[str], where: str, project: str, since: int | None
) -> Question | None:
    """What must be true of the steps."""
    parts: list[Question] = []
    if kinds:
        parts.append(Or(tuple(Comparison("kind", "=", Pattern((kind,))) for kind in kinds)))
    if "messages" in places:
        parts.append(Comparison("kind", "=", Pattern(("llm",))))
    if project:
        parts.append(Comparison("project", "=", Pattern((project,))))
    if since is not None:
        parts.append(Comparison("since", "=", Moment(since)))
    if (asked := question_of([where] if where else [])) is not None:
        parts.append(asked)
    return And(tuple(parts)) if parts else None


def _documents(hits: Iterable[Hit]) -> Iterator[bytes]:
    for hit in hits:
        record = hit.span if hit.span is not None else hit.event
        assert record is not None
        passages = msgspec.json.encode(hit.passages)
        name = b"span" if hit.span is not None else b"event"
        yield b'{"%b":%b,"passages":%b,"later":%d}' % (name, encode(record), passages, hit.later)


def _tell(result: Found, state: TextState, limit: int) -> None:
    if not result.hits:
        say("nothing that was recorded has these words in one step" if not result.has_more else _NOT_FOUND)
    elif len(result.hits) == limit and result.has_more:
        say(f"these are the newest {limit:,}; -n shows more")
    if state.trouble:
        say(f"the index of words cannot be used ({state.trouble}); it is made anew")
    if not result.is_indexed:
        why = "" if state.is_possible else " (this Python's SQLite has no FTS5)"
        newest = "the newest " if result.has_more else "all "
        said = of_them(result.looked_at, "step")
        say(f"without an index of words{why}: {newest}{said} were looked at one by one")
    elif state.rows_behind:
        say(
            f"{of_them(state.rows_behind, 'record')} are not in the index of words yet and were looked at one by one"
        )


_NOT_FOUND: Final = "nothing was found among the newest steps; say more with --since or --where"
