"""A model call by hand in a rerun: its block gets the recorded answer, if it asks for it before it asks the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flightlog.core import rerun
from flightlog.core.given import error_of, lost_of
from flightlog.core.rerun import BLOCK, LOST, RECORDED, Unmakeable
from flightlog.records import genai

if TYPE_CHECKING:
    from flightlog.core.engine import Span
    from flightlog.records.span import Span as Record

_VALUES: Final = (str, int, float, list, dict, type(None))
"""What a record that has an output holds there: JSON."""
_OF_ANSWER: Final = ("gen_ai.usage.", "gen_ai.response.", genai.RESPONSE)
"""Before the names of attributes that tell of the answer."""


def given_to(span: Span) -> bool:
    """Give an open call its recorded answer; False in an ordinary run, and where the work is done anew.

    Raises:
        Stopped: the rerun ends here.
        BaseException: what the call ended with, where it had no answer.
    """
    answers = rerun.answers
    if not span.recorded:
        if answers is not None:
            answers.unrecorded("a model call by hand")
        return False
    span.set_attributes({RECORDED: BLOCK})
    record = None if answers is None else answers.find(span)
    if answers is None or record is None:
        return False
    try:
        answer, error = _outcome(record)
    except Unmakeable as reason:
        answers.refuse(span, record, str(reason))
        return False
    answers.gave(span, record)
    told = {name: value for name, value in record.attributes.items() if name.startswith(_OF_ANSWER)}
    span.set_attributes(told)
    if error is not None:
        raise error
    span.output = answer
    return True


def note_lost(span: Span, answer: object) -> None:
    """Say on the span of a call that asked for its answer what of it no record gives back."""
    if lost := lost_of(answer):
        span.set_attributes({LOST: lost})


def _outcome(record: Record) -> tuple[Any, BaseException | None]:
    """The answer; or the exception, where there was none. What failed behind an answer fails by itself again."""
    if not isinstance(record.output, _VALUES):
        return None, error_of(record)
    if lost := record.attributes.get(LOST):
        raise Unmakeable(f"its answer had {lost}, which no record gives back")
    return record.output, None
