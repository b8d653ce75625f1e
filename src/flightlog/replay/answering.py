"""Answers the questions of one process of a rerun, and says what it could not answer.

A question is answered by the first recorded call that asked the same and was not given yet, whichever thread or
process asks. Where there is none, or none that can be given again, the rerun ends or the work is done anew, as the
order says; either way it is noted.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, Final, cast

import msgspec
from msgspec import UNSET

from flightlog.codecs.lines import decode
from flightlog.core.content import WITHHELD
from flightlog.core.memo import redacted
from flightlog.core.readback import known
from flightlog.core.rerun import DIVERGED, Stopped
from flightlog.integrations.stainless.caller import FILE, LINE, called_from
from flightlog.narration.safe import clean
from flightlog.records.attributes import RERUN_LIVE, RERUN_SERVED
from flightlog.records.span import Span
from flightlog.redaction.modes import STANDS
from flightlog.replay.asking import Asked, Difference, asked_by
from flightlog.replay.order import Change, Files, Note
from flightlog.replay.soundness import trouble_of
from flightlog.replay.tape import Tape

_GRACE: Final = 3.0
"""Seconds that a program has to end by itself once its rerun was stopped; then it is interrupted, then ended."""
_MOST_CHANGES: Final = 20
_MOST_CHARACTERS: Final = 400


class Replayer:
    """The recorded answers of one trace; see `core.rerun.Answers`."""

    def __init__(self, files: Files, *, sees_to_the_end: bool = True) -> None:
        """Answer in this process.

        Args:
            files: of the rerun.
            sees_to_the_end: end the process where it goes on after the rerun was ended.
        """
        self._files = files
        self._order = files.order()
        self._lock = threading.Lock()
        self._tape: Tape | None = None
        self._by_hand: dict[str, int] | None = None
        self._ending = not sees_to_the_end

    def find(self, span: Any) -> Span | None:
        """Give the recorded span that answers what this open span asks; None to do the work anew."""
        self._see_that_it_goes_on()
        tape, now = self._loaded(), cast("Span", decode(known(span)))
        asked, where = asked_by(now), _place(now)
        if WITHHELD in now.attributes:
            reason = "its input is withheld (the setting content)"
            self._lack(span, Note("unrecorded", asked.what, reason=reason, at=where))
            return None
        order = self._order
        last = len(tape.spans) - 1 if order.last is None else order.last
        number = tape.take(asked, last)
        if number is None:
            if order.last is not None and (last < 0 or self._files.is_taken(last) or tape.waits(asked)):
                self._beyond(span, asked, where)
            else:
                self._lack(span, _divergence(tape, asked, where))
            return None
        record = tape.spans[number]
        if trouble := trouble_of(record):
            self._lack(span, Note("refused", asked.what, number, reason=trouble, at=where))
            return None
        return record

    def gave(self, span: Any, record: Span) -> None:
        """Say that the answer which was found is given now."""
        span.set_attributes({RERUN_SERVED: record.span_id})
        self._files.tell(Note("served", asked_by(record).what, self._number(record)))

    def refuse(self, span: Any, record: Span, reason: str) -> None:
        """Say that the answer which was found cannot be given again."""
        now = cast("Span", decode(known(span)))
        note = Note("refused", asked_by(now).what, self._number(record), reason=reason, at=_place(now))
        self._lack(span, note)

    def ran_out(self, record: Span) -> Stopped:
        """Say that more was asked for than this stream had when it was recorded; gives what to raise."""
        reason = "the program stopped reading it there when it was recorded"
        self._files.tell(Note("ran out", asked_by(record).what, self._number(record), reason=reason))
        return self._stopped(f"the recorded stream of {record.name} ends here: {reason}")

    def told(self, span: Any) -> str | None:
        """Give what people answered when a span of this name waited before; None to ask them anew.

        Raises:
            Stopped: the rerun ends here.
        """
        self._see_that_it_goes_on()
        now = cast("Span", decode(known(span)))
        what = f"somebody, for {now.name}"
        reason = "nobody was asked so often when recorded"
        for number, told in enumerate(self._files.people()):
            if told.span == now.name and self._files.take(number, "people"):
                if isinstance(told.value, str) and STANDS not in told.value:
                    self._files.tell(Note("served", what))
                    return told.value
                reason = _why_not(told.value)
                break
        self._lack(span, Note("refused", what, reason=reason, at=_place(now)))
        return None

    def by_hand(self, span: Any) -> None:
        """Say that the block of a model call by hand begins; one whose own code asked cannot be answered."""
        self._see_that_it_goes_on()
        now = cast("Span", decode(known(span)))
        asked, order = asked_by(now), self._order
        if self._by_hand is None:
            self._by_hand = self._files.by_hand()
        before = self._by_hand.get(asked.key.hex())
        if before is None:
            return
        if order.last is not None and before > order.last:
            self._beyond(span, asked, _place(now))
            return
        reason = (
            "the program's own code asks in it; ask `given()` there, or mark the function that asks with "
            "`flightlog.recorded`, and record it anew"
        )
        self._lack(span, Note("refused", f"the block {now.name}", reason=reason, at=_place(now)))

    def resumed(self, trace_id: str, span_id: str) -> Span | None:
        """Give the recorded span of this id that waited, if it is one of the trace that is run again."""
        self._see_that_it_goes_on()
        if trace_id != self._order.trace_id:
            return None
        record = next((span for span in self._files.paused() if span.span_id == span_id), None)
        if record is not None:
            for number, told in enumerate(self._files.people()):  # the program says itself what was answered
                if told.span == record.name and self._files.take(number, "people"):
                    self._files.tell(Note("served", f"somebody, for {record.name}"))
                    break
        return record

    def unrecorded(self, what: str) -> None:
        """Say that something is asked which leaves no record, and so has no answer."""
        self._see_that_it_goes_on()
        reason = "it leaves no record, so it has no recorded answer"
        self._lack(None, Note("unrecorded", what, reason=reason, at=_place(None)))

    def _see_that_it_goes_on(self) -> None:
        """Answer nothing once the rerun was ended, or is over: a process may be left behind.

        Raises:
            Stopped: it was, or is.
        """
        if not self._files.directory.is_dir():
            raise Stopped("the rerun is over", DIVERGED)
        if self._files.is_stopped:
            raise self._stopped("the rerun was ended before")

    def _loaded(self) -> Tape:
        with self._lock:
            if self._tape is None:
                self._tape = Tape(self._files.tape(), self._files)
            return self._tape

    def _number(self, record: Span) -> int | None:
        ids = [span.span_id for span in self._loaded().spans]
        return ids.index(record.span_id) if record.span_id in ids else None

    def _beyond(self, span: Any, asked: Asked, where: str) -> None:
        """What comes after the last call that is to be answered."""
        if self._order.beyond == "stop":
            self._files.tell(Note("end", asked.what, at=where))
            raise self._stopped("the rerun was to end here", 0)
        span.set_attributes({RERUN_LIVE: "after the last call that was to be answered"})
        self._files.tell(Note("live", asked.what, at=where, live=True))

    def _lack(self, span: Any, note: Note) -> None:
        """There is no answer: end the rerun, or have the work done anew and say so at once."""
        note = msgspec.structs.replace(note, reason=redacted(note.reason))
        said = _said(note)
        if self._order.strict:
            self._files.tell(note)
            raise self._stopped(said)
        self._files.tell(msgspec.structs.replace(note, live=True))
        if span is not None:
            span.set_attributes({RERUN_LIVE: said})
        _say(f"flightlog rerun: {said}; asking anew")

    def _stopped(self, reason: str, code: int = DIVERGED) -> Stopped:
        self._files.stop()
        with self._lock:
            begin, self._ending = not self._ending, True
        if begin:
            threading.Thread(
                target=_see_to_the_end, args=(code,), name="flightlog-rerun", daemon=True
            ).start()
        return Stopped(reason, code)


def _see_to_the_end(code: int) -> None:
    """End a program that goes on although it gets no answers any more: one that waits for a thread, say."""
    import _thread  # beside its only use

    time.sleep(_GRACE)
    _thread.interrupt_main()
    time.sleep(_GRACE)
    os._exit(code)


def _why_not(value: object) -> str:
    """Why an answer of people cannot be given to `input()`."""
    if isinstance(value, str):
        return "the recorded answer was masked"
    return f"the recorded answer is {_shown(value)}, and what was typed is not recorded"


def _divergence(tape: Tape, asked: Asked, where: str) -> Note:
    count = tape.count(asked)
    if count:
        times = "once" if count == 1 else f"{count} times"
        return Note(
            "diverged", asked.what, reason=f"it was asked {times} when recorded, and now once more", at=where
        )
    nearest = tape.nearest(asked)
    if nearest is None:
        return Note("diverged", asked.what, reason="nothing of the kind was asked when recorded", at=where)
    number, places = nearest
    return Note(
        "diverged",
        asked.what,
        number,
        reason="it was asked otherwise when recorded",
        at=where,
        changes=[_change(place) for place in places[:_MOST_CHANGES]],
        more=max(0, len(places) - _MOST_CHANGES),
    )


def _change(place: Difference) -> Change:
    return Change(place.path, *_around(_shown(place.recorded), _shown(place.now)))


def _shown(value: Any) -> str | None:
    return None if value is UNSET else msgspec.json.encode(value).decode()


def _around(one: str | None, two: str | None) -> tuple[str | None, str | None]:
    """Both texts, of long ones the part where they begin to differ."""
    if one is None or two is None:
        return _headed(one), _headed(two)
    pairs = enumerate(zip(one, two, strict=False))
    same = next((at for at, (here, there) in pairs if here != there), min(len(one), len(two)))
    skip = max(0, same - _MOST_CHARACTERS // 4) if max(len(one), len(two)) > _MOST_CHARACTERS else 0
    return _headed(one, skip), _headed(two, skip)


def _headed(text: str | None, skip: int = 0) -> str | None:
    if text is None:
        return None
    part = text[skip : skip + _MOST_CHARACTERS]
    return f"{'…' if skip else ''}{part}{'…' if skip + len(part) < len(text) else ''}"


def _place(span: Span | None) -> str:
    """The line of the program that asks; empty where no line of it does."""
    said = {} if span is None else span.attributes
    said = said if FILE in said else called_from("<none>")
    return f"{said[FILE]}:{said[LINE]}" if FILE in said else ""


def _said(note: Note) -> str:
    at = f" ({note.at})" if note.at else ""
    paths = _paths(note.changes)
    differs = (
        f": {paths} {'differs' if len(note.changes) == 1 else 'differ'}" if paths else f": {note.reason}"
    )
    words = {
        "refused": f"the recorded answer of {note.what}{at} cannot be given: {note.reason}",
        "unrecorded": f"{note.what}{at} has no recorded answer: {note.reason}",
    }
    return words.get(note.sort, f"{note.what}{at} is not in the recording{differs}")


def _paths(changes: Sequence[Change]) -> str:
    paths = [change.path for change in changes]
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")


def _say(message: str) -> None:
    """Tell it on standard error at once; a program that closed that hears it at the end."""
    stream = sys.stderr
    if stream is not None and not stream.closed:
        stream.write(clean(redacted(message)) + "\n")
        stream.flush()
