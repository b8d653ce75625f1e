"""How a user names a trace or a span of it, and what to say of a name that fits none."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from flightlog.analysis.names import fits_name
from flightlog.cli import auditing
from flightlog.cli.opening import home, no_trace
from flightlog.records.errors import BadQuestion, UnknownId
from flightlog.records.span import Span
from flightlog.store.port import Reader

LEAST_DIGITS: Final = 4
"""Shortest beginning of an id that names a trace."""

MOST_NAMED: Final = 5
"""Spans that a message names when several fit."""

_WORDS: Final = frozenset(("latest", "last", "newest"))
_WAYS: Final = (
    f"a trace is named by its id, by {LEAST_DIGITS} or more of its first digits, by @latest, or by @-2"
)


def find(reader: Reader, ref: str) -> str:
    """The id of the trace that `ref` names.

    Raises:
        UnknownId: it names one that is not in the store.
        BadQuestion: it is no name of a trace, and it says how one looks; or there is no trace at all.
        AmbiguousId: several traces fit.
    """
    try:
        return auditing.named(reader.resolve(ref))
    except UnknownId as error:
        if not reader.traces(1):
            raise BadQuestion(no_trace(home(), reader.sizes().loose_events)) from error
        advice = _advice(ref)
        if advice:
            raise BadQuestion(f"no trace {ref!r}: {advice}") from error
        raise


def _advice(ref: str) -> str:
    """What may have been meant by a name that cannot name anything; empty for one that could."""
    if ref.lower().lstrip("@") in _WORDS:
        return "did you mean @latest?"
    if ref.startswith("@"):
        return "" if re.fullmatch(r"@-[1-9][0-9]*", ref) else "@latest is the newest, @-2 the second newest"
    if not re.fullmatch(r"[0-9a-fA-F]+", ref):
        return f"{_WAYS}{_about_files(ref)}"
    return f"give at least {LEAST_DIGITS} digits of its id" if len(ref) < LEAST_DIGITS else ""


def _about_files(ref: str) -> str:
    """What to do with a name that is one of a file; empty for any other."""
    try:
        is_file = Path(ref).is_file()
    except (OSError, ValueError):
        return ""
    if not is_file:
        return ""
    named = "" if "." in ref or "/" in ref else f", or named as ./{ref} where a command takes files"
    return f"; a file is brought in with `flightlog import {ref}` first{named}"


class AmbiguousName(BadQuestion):
    """What was given fits several spans of a trace."""

    def __init__(self, ref: str, found: Sequence[Span]) -> None:
        shown = ", ".join(f"{span.span_id} ({span.name})" for span in found[:MOST_NAMED])
        more = f", {len(found) - MOST_NAMED:,} more" if len(found) > MOST_NAMED else ""
        super().__init__(f"{ref!r} fits {len(found):,} spans: {shown}{more}; give the id of one")


def find_span(spans: Sequence[Span], ref: str) -> Span:
    """The span of a trace that `ref` names: its id, its name, a beginning of its id, a part of its name.

    Raises:
        BadQuestion: nothing fits, or several do; it names their ids.
    """
    for fits in (_has_id(ref), _has_name(ref), _begins_with(ref), _has_in_name(ref)):
        found = [span for span in spans if fits(span)]
        if len({span.span_id for span in found}) > 1:
            raise AmbiguousName(ref, found)
        if found:
            return found[0]
    raise BadQuestion(f"no span {ref!r} in this trace; `flightlog spans` lists them")


def _has_id(ref: str) -> Callable[[Span], bool]:
    return lambda span: span.span_id == ref


def _has_name(ref: str) -> Callable[[Span], bool]:
    return lambda span: span.name == ref


def _begins_with(ref: str) -> Callable[[Span], bool]:
    return lambda span: len(ref) >= LEAST_DIGITS and span.span_id.startswith(ref)


def _has_in_name(ref: str) -> Callable[[Span], bool]:
    return lambda span: fits_name(ref, span.name)
