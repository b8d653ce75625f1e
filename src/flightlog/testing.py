"""For tests of programs that record: `capture` takes what is recorded and keeps it from the journal."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from flightlog.core.context import Captured, variable
from flightlog.core.control import control

if TYPE_CHECKING:
    from flightlog.records.event import Event
    from flightlog.records.record import Record
    from flightlog.records.span import Span


class capture:  # noqa: N801 - used like a function, as contextlib's are
    """Take everything that is recorded in this block, and in the threads and tasks it starts.

    Spans begun in the block are roots of their own and reach neither journal nor store. Captures are bound to
    the context, so tests that run side by side do not see each other's. No file is made.
    """

    def __init__(self, level: str = "trace") -> None:
        """Prepare a capture.

        Args:
            level: the least level that is taken, whatever the settings say.
        """
        self._level = level
        self._lines: list[bytes] = []
        self._marker = Captured(self._lines.append)
        self._number = 0

    @property
    def records(self) -> list[Record]:
        """Every record so far, in the order written; a span that runs is there with status `running`."""
        from flightlog.codecs.lines import decode  # msgspec, which `import flightlog` must not cost

        return [decode(line[1:-1]) for line in list(self._lines)]

    @property
    def spans(self) -> list[Span]:
        """The spans that have ended, in the order in which they did."""
        return [span for span in self._of("span") if span.status not in {"running", "paused"}]

    @property
    def events(self) -> list[Event]:
        """The events, in the order in which they were recorded."""
        return self._of("event")

    def _of(self, type_: str) -> list[Any]:
        """The records whose line calls itself this."""
        return [record for record in self.records if record.__struct_config__.tag == type_]

    def span(self, name: str) -> Span:
        """The first ended span of this name.

        Raises:
            LookupError: there is none; it says which there are.
        """
        for span in self.spans:
            if span.name == name:
                return span
        raise LookupError(
            f"no span {name!r} was captured; there are {sorted({span.name for span in self.spans})}"
        )

    def __enter__(self) -> Self:
        self._before = variable.get()
        self._number = control.capture(self._level)
        variable.set(self._marker)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if variable.get() is self._marker:
            variable.set(self._before)
        control.captured(self._number)
