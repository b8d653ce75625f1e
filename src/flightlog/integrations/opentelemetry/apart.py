"""Spans of OpenTelemetry's that no block holds: `start_span` begins them, and a call ends them.

With the compiled engine they end by its own end, as what `core/detached.py` does in Python takes three times as long:
for as long as that takes, the span is made current, and what was current is set back.
"""

from __future__ import annotations

from typing import Final

from flightlog.core.context import LEFT, OPEN, variable
from flightlog.core.detached import finish
from flightlog.core.engine import NAME, lose
from flightlog.integrations.opentelemetry.span import Span, shown

_IS_PLAIN: Final = NAME == "pure"


class Detached(Span):
    """A span that is current nowhere, unless somebody attached it."""

    __slots__ = ()

    def end(self, end_time: int | None = None) -> None:
        """End it, from any thread. The second time does nothing."""
        made, here = self.made, variable.get()
        if end_time is not None or self.attachments or here is made or made._state != OPEN:  # noqa: SLF001 - as above
            super().end(end_time)
            return
        try:
            if _IS_PLAIN:
                finish(made)
                return
            made._outer = here  # noqa: SLF001 - what the engine sets back
            variable.set(made)
            made.__exit__(None, None, None)
            if made._state != LEFT:  # noqa: SLF001 - of another thread or task, which changes nothing for this one
                made._state = LEFT  # noqa: SLF001 - as above
                variable.set(here)
        except BaseException as failure:
            variable.set(here)
            if not isinstance(failure, Exception):
                raise
            lose(failure)
        finally:
            shown.pop(made, None)
