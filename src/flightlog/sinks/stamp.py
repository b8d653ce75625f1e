"""Writes on each line what its journal says once for all, so that a line outside a journal explains itself.

Said by `codecs.lines.stamp` for records. Here the same is done to the bytes of a line, without taking them
apart; a line that may have such fields of its own takes the long way.
"""

from __future__ import annotations

import re
from typing import Final

from flightlog.codecs.lines import decode, encode, stamp
from flightlog.records.errors import BadRecord
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.records.record import Unknown

_FIELDS: Final = ("process_id", "project", "environment", "service", "version")
_has_own: Final = re.compile(f'"(?:{"|".join(_FIELDS)})":'.encode()).search


class Stamp:
    """The fields of one process, ready to be put on its lines, which are objects with a field at least."""

    def __init__(self, process: Process) -> None:
        self._process = process
        said = {name: value for name in _FIELDS if (value := getattr(process, name))}
        self._tail = b"," + encode(Unknown(said))[1:]

    def on(self, line: Line) -> Line:
        """The line with the fields on it; one that is no record of a process's work stays as it is."""
        if _has_own(line):
            return self._decoded(line)
        return Line(line[:-1] + self._tail)

    def _decoded(self, line: Line) -> Line:
        try:
            return Line(encode(stamp(decode(line), self._process)))
        except BadRecord:
            return line
