"""`narrates`: a decorator that says after each call what it did.

The texts are templates, checked against the function's signature when it is decorated (`template.py`); what stands
in the function's place is made as `traced` makes it (`traced_calls.py`), and follows the call without a span of
its own (`narrates_calls.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from sys import _getframe
from types import MethodType
from typing import Any, TypeVar

from flightlog.core.editor import Spot
from flightlog.core.elapsed import Elapsed
from flightlog.core.narrate import complain, no_level, spot_of, worded
from flightlog.core.narrates_calls import ELAPSED, ERROR, RESULT, Speech, Spoken, Texts
from flightlog.core.parameters import Parameters
from flightlog.core.provenance import outside
from flightlog.core.template import template as read
from flightlog.core.traced_arguments import code_of
from flightlog.core.traced_calls import ASYNC_GENERATOR
from flightlog.core.tracer import SHAPE, _name_of, around, is_traced, retraced
from flightlog.records.kinds import LEVELS, Level

_Told = TypeVar("_Told")


def narrates(
    template: str,
    *,
    action: str | None = None,
    target: str = "",
    cute: str = "",
    story: str = "",
    level: Level | str = "info",
    failed: str | None = None,
    actor: str = "",
    correlation_id: str = "",
    **fields: object,
) -> Callable[[_Told], _Told]:
    """Say after each call what it did, in a sentence with names in it.

        @fl.narrates("Dispatched {job_id} to {result.worker} in {elapsed}", target="{job_id}")
        def dispatch(job_id, queue="default"): ...

    Works on functions, coroutine functions, generator functions and async generator functions (they are told of
    when they end), on methods, static and class methods, on `functools.partial` and other objects that can be
    called, above or below `traced`: with both, what is said stands on the span of the call.

    A text may name any parameter, `result` (what the call gave back; for a generator what it returned), `elapsed`
    (`15 ms`, `1.20 s`; with a format specification a number of seconds) and, in `failed`, `error`. A parameter that is
    called like one of these wins. Attributes, items, conversions and format specifications are spelt as for
    `str.format`, and values are read after the call. Of one value at most 1,000 characters are told. One that
    belongs to a secret's name is `[REDACTED]`; one whose own code raises leaves its field standing, and is counted.

    A call that fails is told of at level error; one that is cancelled at the call's level.

    Args:
        template: the sentence for people.
        action: what was done; None: the function's name.
        target: what it was done to; a template, as `cute`, `story` and `correlation_id`.
        cute: the sentence with a wink. Like `story` it is for calls that succeed.
        story: the sentence as a part of a story, with dialogue.
        level: as for `span`; `off` says nothing, of failures neither. One that there is not counts as `info`, which
            an `EditorialWarning` says at decoration.
        failed: the sentence for a call that fails; None: that it failed, and with which type of exception.
        actor: who did it; else as for `narrate`, from the module that decorates.
        correlation_id: the flow that it belongs to; else as for `narrate`.
        **fields: the same with every narration, as for `narrate`.

    Raises:
        ValueError: at decoration: a text cannot be read, names what the function has no parameter for, or tells
            `elapsed` by a format specification that no number has.
        TypeError: at decoration: what is decorated cannot be called, or is a class; or there is no sentence, as in
            `@fl.narrates` without parentheses.
    """
    if callable(template):
        raise TypeError(
            f'narrates takes the sentence, as in @fl.narrates("Sent {{mail}}"), not {template!r:.80}'
        )
    others = {"target": target, "cute": cute, "story": story, "correlation_id": correlation_id}
    wanted = _Wanted(template, failed, others, spot_of(outside(_getframe(1))))
    wanted.action, wanted.actor, wanted.fields = action, worded(actor, "actor"), fields
    wanted.is_off = type(level) is str and level == "off"
    if type(level) is not str or level not in (*LEVELS, "off"):
        complain(no_level(level), wanted.spot)
    wanted.level = level if type(level) is str and level in LEVELS else "info"  # type: ignore[assignment]  # one of them
    return wanted.applied


class _Wanted:
    """What one decoration asks for."""

    __slots__ = ("action", "actor", "failed", "fields", "is_off", "level", "others", "spot", "template")

    action: str | None
    actor: str
    fields: Mapping[str, object]
    is_off: bool
    level: Level

    def __init__(self, template: str, failed: str | None, others: Mapping[str, str], spot: Spot) -> None:
        self.template = template
        self.failed = failed
        self.others = others
        self.spot = spot

    def applied(self, told: Any) -> Any:
        """What stands in the place of what is decorated."""
        if isinstance(told, (staticmethod, classmethod)):
            return type(told)(self._function(told.__func__))
        if isinstance(told, type) or not callable(told):
            raise TypeError(_refused(told))
        return self._function(told)

    def _function(self, function: Any) -> Any:
        if isinstance(function, MethodType):
            return MethodType(self._function(function.__func__), function.__self__)
        if is_traced(function):  # the span goes around: what is said belongs to it
            return retraced(self._function(function.__wrapped__), getattr(function, SHAPE))
        parameters = Parameters(function)
        texts = self._texts(function, parameters)
        if self.is_off:
            return function
        name = _name_of(function).rpartition(".")[2]
        spoken = Spoken(
            name,
            name if self.action is None else worded(self.action, "action"),
            self.level,
            actor=self.actor,
            fields=self.fields,
            spot=self.spot,
        )
        return around(function, Speech(spoken, texts, parameters), self.spot.module)

    def _texts(self, function: Any, parameters: Parameters) -> Texts:
        """Read the texts.

        Raises:
            ValueError: one cannot be read, or names what there is not.
        """
        of = f"of {_name_of(function)}"
        code = code_of(function)
        gives = code is None or not code.co_flags & ASYNC_GENERATOR
        names = _once(parameters.names, RESULT if gives else "", ELAPSED)
        failed = _once(parameters.names, ELAPSED, ERROR)
        samples = {} if ELAPSED in parameters.names else {ELAPSED: Elapsed()}
        others: Mapping[str, object] = self.others  # whatever the program gave
        return Texts(
            read(self.template, names, f"the template {of}", samples),
            None if self.failed is None else read(self.failed, failed, f"failed {of}", samples),
            {
                what: read("" if text is None else text, names, f"{what} {of}", samples)
                for what, text in others.items()
            },
        )


def _once(parameters: tuple[str, ...], *more: str) -> tuple[str, ...]:
    """Names in their order, each once, empty ones left out."""
    return tuple(filter(None, dict.fromkeys((*parameters, *more))))


def _refused(told: object) -> str:
    if isinstance(told, property):
        return "put narrates below the property, on its function"
    if isinstance(told, type):
        return f"narrates takes a function, not a class; put it on the methods of {told!r} that are to be told of"
    return f"narrates takes what can be called, not {type(told).__name__}: {told!r}"
