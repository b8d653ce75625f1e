"""A question among the arguments of a command: which words are one, and what it says.

The parser is loaded when a question is asked, and not before.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, ParamSpec

import click
from msgspec import structs

from flightlog.records.question import And, Comparison, Not, Or, Related

if TYPE_CHECKING:
    from flightlog.records.question import Question

_P = ParamSpec("_P")
_SIGNS: Final = re.compile(r"[:<>=~()\s]|^(?:NOT|AND|OR)$")
"""What a question has and the name of a trace has not."""

_COST: Final = "flightlog.asks_cost"

words: Final = click.argument("words", nargs=-1, metavar="[QUESTION]...")
"""A question, in one argument or in several."""


def asking(command: Callable[_P, None]) -> Callable[..., None]:
    """Add the question to the `selection` of a command; what the options say must hold as well."""

    @words
    @functools.wraps(command)
    def with_question(*args: _P.args, **kwargs: _P.kwargs) -> None:
        given: Sequence[str] = kwargs.pop("words")  # type: ignore[assignment]  # click gives texts
        selection = kwargs["selection"]
        kwargs["selection"] = structs.replace(selection, question=asked(given))  # type: ignore[type-var]  # a Struct
        command(*args, **kwargs)

    return with_question


def asked(given: Sequence[str]) -> Question | None:
    """The question that these words of the command that runs are; it is remembered whether it is about cost.

    Raises:
        UnreadableQuestion: they are no question.
    """
    question = question_of(given)
    click.get_current_context().meta[_COST] = _is_about_cost(question)
    return question


def asks_cost() -> bool:
    """Whether the question of the command that runs is about what calls cost."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(_COST))


def _is_about_cost(question: Question | None) -> bool:
    if question is None:
        return False
    if isinstance(question, And | Or):
        return any(map(_is_about_cost, question.parts))
    if isinstance(question, Not | Related):
        return _is_about_cost(question.question)
    return isinstance(question, Comparison) and question.field == "cost"


def question_of(given: Sequence[str]) -> Question | None:
    """The question that these words are; None where there are none.

    Raises:
        UnreadableQuestion: they are no question.
    """
    if not given:
        return None
    from flightlog.questions.parsing import parse  # with its parser, for those who ask

    return parse(" ".join(given))


def is_question(word: str) -> bool:
    """Whether a word can be part of a question, and not the name of a trace."""
    return bool(_SIGNS.search(word))


def divided(given: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of traces that come first, and the question that follows."""
    place = next((place for place, word in enumerate(given) if is_question(word)), len(given))
    return tuple(given[:place]), tuple(given[place:])


def hint(question: Question | None) -> str:
    """What may have been meant by a question that nothing fits; empty for nothing that is known."""
    if question is None:
        return ""
    from flightlog.questions.hints import hints  # for those whose question nothing fits

    return "".join(f"; {one}" for one in hints(question))
