"""`recorded`: a function whose result a rerun gives again instead of calling it.

In an ordinary run it is a traced function that also notes what of its result a record cannot give back. In a
rerun (`flightlog rerun`) the function is not called where its answer is recorded.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterable, Mapping
from typing import Any, Final, Self, TypeVar, overload

from flightlog.core import rerun
from flightlog.core.engine import Span, current
from flightlog.core.given import NOTHING, error_of, kept_of, lost_of, outcome_of, pieces_of
from flightlog.core.rerun import BLOCK, ENDED, LOST, RECORDED, RETURNED, Unmakeable
from flightlog.core.traced_arguments import code_of
from flightlog.core.traced_calls import ASYNC_GENERATOR, COROUTINE, GENERATOR
from flightlog.core.tracer import traced
from flightlog.records.kinds import Level

_Recorded = TypeVar("_Recorded", bound=Callable[..., Any])
Decode = Callable[[Any], Any]
"""Makes a result of what its record holds."""

_FACE: Final = ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__", "__type_params__")
MOST_PIECES: Final = 10_000
"""Pieces of a generator that are kept."""


@overload
def recorded(function: _Recorded, /) -> _Recorded: ...


@overload
def recorded(
    *,
    name: str = "",
    kind: str = "function",
    level: Level = "info",
    ignore: str | Iterable[str] = (),
    decode: Decode | None = None,
) -> Callable[[_Recorded], _Recorded]: ...


def recorded(
    function: Any = None,
    /,
    *,
    name: str = "",
    kind: str = "function",
    level: Level = "info",
    ignore: str | Iterable[str] = (),
    decode: Decode | None = None,
) -> Any:
    """Record each call of a function, and have `flightlog rerun` give the recorded result instead of calling it.

    Works bare and with options, on functions, coroutine functions, generator functions and async generator
    functions, and on methods; above or below `staticmethod` and `classmethod`. A call is known again by its name
    and its arguments, as they are recorded: redacted, and without those that `ignore` names.

    JSON values (None, booleans, 64-bit integers, finite floats, texts, lists, and dictionaries with texts as keys)
    are given back as they were, exceptions as the same class with the same message. Of any other result its span
    says that a record cannot give it back; a rerun then refuses it by name, unless `decode` makes it anew.

    Args:
        function: what is decorated, when used bare.
        name: the span's name; empty means the qualified name.
        kind: the span's kind.
        level: the span's level.
        ignore: names of parameters that are left out of the input, and so do not tell one call from another.
        decode: gets what the record of a result holds and gives the result; of a generator, of each piece.

    Raises:
        TypeError: at decoration, for what cannot be called, and for a name in `ignore` that is no parameter's.
    """

    def mark(target: Any) -> Any:
        if isinstance(target, (staticmethod, classmethod)):
            return type(target)(mark(target.__func__))
        if not callable(target) or isinstance(target, type):
            raise TypeError(f"recorded takes a function or a method, not {target!r}")
        return replayable(target, name, kind, level, ignore=ignore, decode=decode)

    return mark if function is None else mark(function)


def replayable(
    target: Any,
    name: str,
    kind: str,
    level: Level,
    *,
    ignore: str | Iterable[str] = (),
    decode: Decode | None = None,
    attributes: Mapping[str, object] | None = None,
) -> Any:
    """What `recorded` makes of a function; its spans may have further attributes."""
    code = code_of(target)
    make, sort = _sort_of(0 if code is None else code.co_flags)
    inner = dressed(make(target, decode), target)
    return traced(
        name=name,
        kind=kind,
        level=level,
        ignore=ignore,
        attributes={**(attributes or {}), RECORDED: sort},
        capture_result=make in (_around, _around_coroutine),
    )(inner)


def _sort_of(flags: int) -> tuple[Callable[[Any, Decode | None], Any], str]:
    if flags & ASYNC_GENERATOR:
        return _around_async_generator, "async generator"
    if flags & GENERATOR:
        return _around_generator, "generator"
    return (_around_coroutine, "coroutine") if flags & COROUTINE else (_around, "function")


def dressed(inner: Any, function: Any) -> Any:
    """Give a function the face and the parameters of the one that it calls."""
    for attribute in _FACE:
        value = getattr(function, attribute, None)
        if value is not None:
            setattr(inner, attribute, value)
    inner.__wrapped__ = function  # by which the tracer reads the parameters
    return inner


def _around(function: Any, decode: Decode | None) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        if rerun.answers is not None:
            given = _given(decode)
            if given is not NOTHING:
                return given
        result = function(*args, **kwargs)
        _note(result)
        return result

    return call


def _around_coroutine(function: Any, decode: Decode | None) -> Any:
    async def call(*args: Any, **kwargs: Any) -> Any:
        if rerun.answers is not None:
            given = _given(decode)
            if given is not NOTHING:
                return given
        result = await function(*args, **kwargs)
        _note(result)
        return result

    return call


def _around_generator(function: Any, decode: Decode | None) -> Any:
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        if rerun.answers is not None:
            record = _found()
            pieces = NOTHING if record is None else _pieces(record, decode)
            if pieces is not NOTHING:
                with _Keeping() as keeping:
                    for piece in pieces:
                        keeping.add(piece)
                        yield piece
                    return _end_of(record, keeping)
        with _Keeping() as keeping:
            source = function(*args, **kwargs)
            try:
                sent = None
                while True:
                    try:
                        piece = source.send(sent)
                    except StopIteration as end:
                        return keeping.exhausted(end.value)
                    keeping.add(piece)
                    sent = yield piece
                    if sent is not None:
                        keeping.lose("a value that was sent into it")
            finally:
                source.close()

    return call


def _around_async_generator(function: Any, decode: Decode | None) -> Any:
    async def call(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        if rerun.answers is not None:
            record = _found()
            pieces = NOTHING if record is None else _pieces(record, decode)
            if pieces is not NOTHING:
                with _Keeping() as keeping:
                    for piece in pieces:
                        keeping.add(piece)
                        yield piece
                    _end_of(record, keeping)
                    return
        with _Keeping() as keeping:
            source = function(*args, **kwargs)
            try:
                async for piece in source:
                    keeping.add(piece)
                    yield piece
                keeping.exhausted(None)
            finally:
                await source.aclose()

    return call


def _note(result: Any) -> None:
    """Say on the span what of a result its record cannot give back."""
    lost = lost_of(result)
    if lost and (here := _here()) is not None:
        here.set_attributes({LOST: lost})


def _here() -> Span | None:
    """The span of this call; None where it leaves none."""
    here = current()
    return here if here.recorded and (here._attributes or {}).get(RECORDED, BLOCK) != BLOCK else None


def _found() -> Any:
    """The recorded span that answers this call; None to make it."""
    answers = rerun.answers
    assert answers is not None
    here = _here()
    if here is None:
        answers.unrecorded("a call of a function that `recorded` marks")
        return None
    return answers.find(here)


def _given(decode: Decode | None) -> Any:
    """The recorded result, or `NOTHING`. Raises what the call raised."""
    record = _found()
    if record is None:
        return NOTHING
    try:
        result, error = outcome_of(record, decode)
    except Unmakeable as reason:
        _refuse(record, str(reason))
        return NOTHING
    _gave(record)
    if error is not None:
        raise error
    return result


def _pieces(record: Any, decode: Decode | None) -> Any:
    try:
        pieces = pieces_of(record, decode)
    except Unmakeable as reason:
        _refuse(record, str(reason))
        return NOTHING
    _gave(record)
    return pieces


def _gave(record: Any) -> None:
    assert rerun.answers is not None
    rerun.answers.gave(current(), record)


def _refuse(record: Any, reason: str) -> None:
    assert rerun.answers is not None
    rerun.answers.refuse(current(), record, reason)


def _end_of(record: Any, keeping: _Keeping) -> Any:
    """What a recorded generator came to after its last piece: what it returned, raised, or was never asked for."""
    assert rerun.answers is not None
    if record.error is not None:
        raise error_of(record)
    if record.attributes.get(ENDED) == "early":
        raise rerun.answers.ran_out(record)
    return keeping.exhausted(record.attributes.get(RETURNED))


class _Keeping:
    """The pieces of one generator, kept as they are now; its span is told of them at its end."""

    __slots__ = ("_exhausted", "_lost", "_pieces", "_returned", "_span", "_whole")

    def __init__(self) -> None:
        self._span = _here()
        self._pieces: list[Any] = []
        self._whole = 0
        self._lost = ""
        self._exhausted = False
        self._returned: Any = None

    def __enter__(self) -> Self:
        return self

    def add(self, piece: Any) -> None:
        """Take the next piece."""
        self._whole += 1
        if self._span is None or self._whole > MOST_PIECES:
            return
        lost = "" if self._lost else lost_of(piece, f"$[{self._whole - 1}]")
        self._lost = self._lost or lost
        self._pieces.append(kept_of(piece))

    def lose(self, what: str) -> None:
        """Say what else its record cannot give back."""
        self._lost = self._lost or what

    def exhausted(self, returned: Any) -> Any:
        """There is no more; gives back what it returned."""
        self._exhausted = True
        self._returned = returned
        return returned

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        span = self._span
        if span is None:
            return
        told: dict[str, object] = {}
        if self._whole > MOST_PIECES:
            self.lose(f"{self._whole - MOST_PIECES} pieces after the first {MOST_PIECES}")
        if self._returned is not None:
            told[RETURNED] = self._returned
            self.lose(lost_of(self._returned, "what it returned"))
        if not self._exhausted and (kind is None or kind is GeneratorExit):
            told[ENDED] = "early"
        if self._lost:
            told[LOST] = self._lost
        span.output = self._pieces
        if told:
            span.set_attributes(told)
