"""One call of a model counts once, also where it is recorded twice: by hand, and by the client's wrapper within.

Calls and tokens are summed over spans of kind `llm`. So a request that a wrapper records directly under an open
call made by hand, of the same model, is an `http` span: how the call was served. What the provider told goes to
the call by hand when that ends; whatever the program said there itself stays. Of several requests in one block (the
program tries again) the tokens add up, and the last one that was answered tells the rest.

A request that is still under way when the block ends (a stream that is consumed later) is the model call itself,
and the block around it a `step`, unless the block knows its tokens: then those count and the request stays `http`.
"""

from __future__ import annotations

from _thread import RLock
from collections.abc import Mapping
from typing import Any, Final

from flightlog.core.capture import Cut
from flightlog.core.content import WITHHELD
from flightlog.core.engine import Span
from flightlog.core.fields import decoded
from flightlog.core.memo import CUT
from flightlog.records import genai

SERVED: Final = "http"
"""The kind of a request that is counted on the call around it."""

BLOCK: Final = "step"
"""The kind of a block whose request went on after it and counts by itself."""

_TOLD: Final = (
    genai.RESPONSE_ID,
    genai.RESPONSE_MODEL,
    genai.FINISH_REASONS,
    genai.TIME_TO_FIRST_CHUNK,
)
"""What is known of an answer; it is taken from one request as a whole."""

_ASKED: Final = (genai.REQUEST_MODEL, genai.PROVIDER, WITHHELD)
"""What is known of a request whether it is answered or not."""

_USED: Final = (genai.INPUT_TOKENS, genai.OUTPUT_TOKENS)
"""Without both of these nobody knows what a call used."""

_by_hand: Final[dict[Span, tuple[str, str]]] = {}
"""Calls made by hand that are open, with the model and the kind of each."""

_heard: Final[dict[Span, ByHand]] = {}
"""Those of them within which a request was made."""


def opened(span: Span, model: str, kind: str) -> None:
    """Say that a call made by hand has begun: from now on requests may find it."""
    if span.span_id and span.recorded:
        _by_hand[span] = (model, kind)


def has_request(span: Span) -> bool:
    """Whether a request was recorded within this open call by hand: what was sent is told there, word for word."""
    return span in _heard


def closing(span: Span) -> None:
    """Say that a call made by hand is about to end: it takes over what was told within it."""
    if _by_hand.pop(span, None) is not None and (heard := _heard.pop(span, None)) is not None:
        heard.close()


class ByHand:
    """What the requests within one call made by hand have told.

    The lock is held for a few steps of our own and taken again by its owner: a signal handler may record as well.
    """

    __slots__ = ("_content", "_facts", "_kind", "_lock", "_over", "_running", "_span", "_used")

    def __init__(self, span: Span, kind: str) -> None:
        self._span = span
        self._kind = kind
        self._lock = RLock()
        self._running = 0
        self._over = ""
        """The kind of requests that end from now on; empty while the call is open."""
        self._used: dict[str, int] = {}
        self._facts: dict[str, str] = {}
        self._content: Span | None = None
        """The request whose input and output are told."""

    def close(self) -> None:
        """Take over what was told, and settle who counts."""
        with self._lock:
            self._over = SERVED if self._is_known() else self._kind
            if self._content is not None:
                self._take_over(self._content)
            if self._running and not self._is_known():
                self._span._kind = BLOCK

    def _is_known(self) -> bool:
        known = self._span._attributes or {}
        return any(name in known for name in _USED)

    def _take_over(self, served: Span) -> None:
        span = self._span
        span._set({})  # from here on there is a dictionary
        known = span._attributes
        if known is None:
            return
        span._set({name: count for name, count in self._used.items() if name not in known})
        for name, fragment in self._facts.items():
            known.setdefault(name, fragment)
        cuts = _cuts_of(served)
        for part in ("input", "output"):
            fragment = getattr(served, f"_{part}")
            if fragment is not None and getattr(span, f"_{part}") is None:
                setattr(span, f"_{part}", fragment)
                _note(span, part, cuts)

    def begin(self) -> None:
        """A request has begun."""
        with self._lock:
            self._running += 1

    def end(self, request: Span, used: Mapping[str, int]) -> str:
        """A request is about to end: hear what it told, if it is not too late, and say of which kind it is."""
        with self._lock:
            if self._over:
                return self._over
            self._running -= 1
            for name, count in used.items():
                self._used[name] = self._used.get(name, 0) + count
            told = request._attributes or {}
            answered = request._output is not None or any(name in told for name in _TOLD)
            if answered or self._content is None:
                for name in _TOLD:
                    self._facts.pop(name, None)
                self._facts.update((name, told[name]) for name in (*_ASKED, *_TOLD) if name in told)
                self._content = request
            return SERVED


class Within:
    """A request within a call made by hand."""

    __slots__ = ("_around", "_span", "kind")

    def __init__(self, span: Span, around: ByHand) -> None:
        self._span = span
        self._around = around
        self.kind = span._kind
        """What it would be by itself."""
        span._kind = SERVED  # also in the line that says that it runs: this process may be killed

    def set_output(self, value: object) -> None:
        """Capture the answer as that of a model call: the content policy goes by kinds."""
        self._span._kind = self.kind
        self._span.output = value
        self._span._kind = SERVED

    def end(self, used: Mapping[str, int]) -> None:
        """Tell what is known, and be of the kind that makes the call count once.

        Args:
            used: by the name of the attribute, the tokens that the provider told.
        """
        span = self._span
        span._kind = self._around.end(span, used)
        known = span._attributes
        if span._kind == SERVED and known is not None and used:
            for name in used:
                known.pop(name, None)
            span._set({genai.SERVED_TOKENS[name]: count for name, count in used.items()})


def within(span: Span, model: str) -> Within | None:
    """What stands between a request that has just begun and the call by hand directly around it, if one is.

    Args:
        span: the request's.
        model: whose answer is asked for.
    """
    parent: Any = getattr(span, "_parent", None)
    if _by_hand.get(parent) not in {("", span._kind), (model, span._kind)}:
        return None
    around = _heard.setdefault(parent, ByHand(parent, span._kind))
    around.begin()
    if parent not in _by_hand and (unheard := _heard.pop(parent, None)) is not None:
        unheard._over = span._kind  # another thread has just ended the call, and has heard of nothing here
        return None
    return Within(span, around)


def _cuts_of(span: Span) -> list[dict[str, object]]:
    """What was cut from the texts of a span."""
    fragment = (span._attributes or {}).get(CUT)
    return [] if fragment is None else list(decoded(f"{{{fragment}}}")[CUT])


def _note(span: Span, part: str, cuts: list[dict[str, object]]) -> None:
    """Say of the texts that were cut from this part of the record that they were."""
    found = [
        Cut(str(cut["path"]), int(str(cut["length"])), int(str(cut["kept"])), str(cut["hash"]))
        for cut in cuts
        if str(cut["path"]).startswith((f"{part}.", f"{part}[")) or cut["path"] == part
    ]
    if found:
        span._note(found)
