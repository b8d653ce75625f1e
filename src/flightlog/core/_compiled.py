"""The hot path in C, where it could be built: the names of `_pure`, with whatever is plain done by `_speed`.

Nothing is decided twice. The compiled span has the plain one's members under the same names, and every rare method is
the plain one's, from the same base class; a case that the C code does not take is handed to the plain function. So
`_pure` works on compiled spans in this process: what the two share (the clock, the ids, the open spans) is put into
its place here, once, before anybody records.
"""

from __future__ import annotations

from sys import modules
from types import BuiltinFunctionType
from typing import Any, Final

from flightlog._speed.presence import ENGINE
from flightlog.core import _pure, classes, context, memo, tasks
from flightlog.core.bound import bound
from flightlog.core.clock import Anchored
from flightlog.core.content import CALLS
from flightlog.core.fields import cut_list, level_field
from flightlog.core.off import OFF, Off
from flightlog.core.plan import Plan
from flightlog.core.unset import UNSET

_core: Final[Any] = ENGINE


class Clock(_core.Anchor, Anchored):  # type: ignore[misc]  # a class that is made in C
    """The anchor whose two numbers C reads."""

    __slots__ = ("_monotonic", "_wall")


clock: Final = Clock()
open_spans: Final = _core.OpenSpans()
_pool: Final = _core.IdPool(_pure.ids)


_get_ident: Final = vars(_pure)["get_ident"]


def _is_plain(get_ident: Any) -> bool:
    """Whether this tells threads apart as C does; gevent puts one in its place that tells greenlets apart."""
    return type(get_ident) is BuiltinFunctionType and get_ident.__self__ is modules["_thread"]


_core.use(
    {
        "variable": context.variable,
        "bound": bound,
        "held": context.held,
        "verdicts": _pure.verdicts,
        "texts": memo.texts,
        "keys": memo.keys,
        "modules": modules,
        "off": OFF,
        "unset": UNSET,
        "make_span": _pure.span,
        "make_event": _pure.event,
        "enter": _pure.Spanning.__enter__,
        "leave": _pure.Spanning.__exit__,
        "append": _pure.Spanning._append,
        "member": memo.member,
        "cut_list": cut_list,
        "level_field": level_field,
        "task_here": tasks.current,
        "lose": _pure._lose,
        "meet_thread": _pure._meet_thread,
        "thread_fields": _pure._thread_fields,
        "get_ident": None if _is_plain(_get_ident) else _get_ident,
        "anchor": clock,
        "ids": _pool,
        "plain": vars(_pure),
    }
)

Span: Final[Any] = _core.span_type(_pure.Spanning)
Span.__doc__ = _pure.Span.__doc__
Span.__slots__ = _pure.Span.__slots__  # which `copy` and `pickle` go by


class Unrecorded(_pure.Unrecording, Span):  # type: ignore[misc]  # as above
    """A span of a trace that is not sampled."""

    __slots__ = ()


span: Final = _core.function(
    "span",
    "(name, /, kind='step', level='info', input=..., links=(), **attributes)",
    _pure.span.__doc__ or "",
)
event: Final = _core.function(
    "event", "(name, /, level='info', body='', **attributes)", _pure.event.__doc__ or ""
)
Off.__enter__, Off.__exit__ = _core.off_block(OFF)  # type: ignore[method-assign]  # the signatures hold

vars(_pure).update(Span=Span, Unrecorded=Unrecorded, clock=clock, open_spans=open_spans, _pool=_pool)
# A span that is captured as a value tells its ids, which are made of what C holds when somebody asks for them.
classes.PLAIN_GETTERS.update(vars(Span)[name] for name in ("span_id", "start", "trace_id"))


def disown() -> None:
    """In a forked child: make new ids, and leave the parent's open spans to the parent."""
    _pure.disown()
    _core.forget_task()


def install(plan: Plan) -> None:
    """Start recording by this plan; spans that are open go on and end by it."""
    _pure.install(plan)
    _core.install(
        plan.write,
        plan.journal,
        plan.origin,
        plan.line_bytes,
        _pure._roots_may_drop,
        _pure.withholds(CALLS),
        plan.content is None,
    )
