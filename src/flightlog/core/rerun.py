"""A rerun: answers of an earlier run are given instead of new ones. The core asks; the room `replay` answers.

What can be answered asks `answers` before it does its work. In an ordinary run that is None, and nothing else is
looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from flightlog.records.span import Span as Record

RECORDED: Final = "flightlog.recorded"
"""On the span of a function that `recorded` marks: what sort of function it is; or of a model call by hand: `BLOCK`."""
BLOCK: Final = "block"
"""A block that asks for its recorded answer (`ModelCall.given`)."""
LOST: Final = "flightlog.recorded.lost"
"""On such a span: what of its result a record cannot give back, and where it stands in it."""
ENDED: Final = "flightlog.recorded.ended"
"""On the span of such a generator: `early`, where the program stopped asking before it was exhausted."""
RETURNED: Final = "flightlog.recorded.returned"
"""On the span of such a generator: the value that it returned at its end."""


class Unmakeable(Exception):  # caught where the answer was asked for, and told
    """What is recorded does not suffice to give the answer again; its text says why."""


class Stopped(SystemExit):
    """The rerun ends here, and the program with it.

    No `Exception`: what a program does about failures must not go on without an answer.
    """

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(code)
        self.reason = reason

    def __str__(self) -> str:
        """Why it ends."""
        return self.reason


DIVERGED: Final = 3
"""Exit code of a rerun that ended because something had no recorded answer."""


class Answers(Protocol):
    """Gives recorded answers. Asked from any thread, and by any process of the rerun."""

    def find(self, span: Any) -> Record | None:
        """Give the recorded span that answers what this open span asks; None to do the work anew.

        Equal questions are answered in the order in which they were recorded, each answer once.

        Raises:
            Stopped: the rerun ends here.
        """

    def gave(self, span: Any, record: Record) -> None:
        """Say that the answer which was found is given now."""

    def refuse(self, span: Any, record: Record, reason: str) -> None:
        """Say that the answer which was found cannot be given again; returns where the work is done anew.

        Raises:
            Stopped: as above.
        """

    def ran_out(self, record: Record) -> Stopped:
        """Say that more was asked for than this stream had when it was recorded; gives what to raise."""

    def by_hand(self, span: Any) -> None:
        """Say that the block of a model call by hand begins, which may be one whose own code asked when recorded.

        Raises:
            Stopped: as above.
        """

    def resumed(self, trace_id: str, span_id: str) -> Record | None:
        """Give the recorded span of this id that waited, if it is one of the trace that is run again."""

    def unrecorded(self, what: str) -> None:
        """Say that something is asked which leaves no record, and so has no answer.

        Raises:
            Stopped: as above.
        """


answers: Answers | None = None
"""Who answers; None in an ordinary run."""


def answer_by(given: Answers | None) -> None:
    """Ask this from now on; None ends it."""
    global answers  # noqa: PLW0603 - one rerun a process, as there is one engine
    answers = given
