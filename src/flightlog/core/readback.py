"""Reading back what was recorded: the core keeps the question, somebody above it the answer.

`Span.tree` asks here. Whoever can read journals and stores says how (`on_tree`); the core must not know them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flightlog.core.fields import encoded
from flightlog.core.memo import texts

if TYPE_CHECKING:
    from flightlog.core.engine import Span
    from flightlog.core.ports import Branch, ReadBack

_ask: ReadBack | None = None


def on_tree(ask: ReadBack) -> None:
    """Have this answer what `Span.tree` asks."""
    global _ask  # noqa: PLW0603 - one answer a process, as there is one engine
    _ask = ask


def tree_of(span: Any) -> Branch:
    """A span, or what stands for one that is off, with everything below it.

    Raises:
        RuntimeError: nobody answers, since `flightlog` itself was never imported.
    """
    if _ask is None:
        raise RuntimeError("a span is read back by the package `flightlog`; import it")
    return _ask(span)


def known(span: Span) -> bytes:
    """What this process knows of a span, as a line without a frame; when it ended stands on its own line alone."""
    status = span._status if span.ended else "running"
    if not span.ended and span._waits is not None and span._waits.are_on:
        status = "paused"
    parent, start = (
        getattr(span, "_parent_field", ""),
        getattr(span, "start", 0),
    )  # unset before it is entered
    line = (
        f'{{"v":1,"type":"span","trace_id":"{span.trace_id}","span_id":"{span.span_id}",'
        f'{parent}"name":{texts[span._name]},"kind":{texts[span._kind]},{span._level_field}'
        f'"start":{start},"status":"{status}"{span._rest(status)}}}'
    )
    return encoded(line)
