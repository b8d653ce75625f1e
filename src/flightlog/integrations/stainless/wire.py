"""Server-sent events, split where the bytes of a stream happen to be cut.

The recorder reads a stream beside the client, from the same bytes, so it needs a splitter of its own; what the
client's one makes of them is the client's business.
"""

from __future__ import annotations


class Events:
    """Gathers the pieces of one stream and gives the data of each event that is complete.

    Lines may end with LF, CR or CRLF, and a piece may end anywhere. An event that no blank line ends is none. An
    event's name is not kept: the two APIs that stream say it in the data as well.
    """

    __slots__ = ("_after_cr", "_data", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        """The line that has not ended yet."""
        self._data: list[bytes] = []
        """The data of the event that has not ended yet."""
        self._after_cr = False
        """Whether the line before ended with a CR, so that an LF would still belong to it."""

    def feed(self, piece: bytes) -> list[bytes]:
        """Take the next piece, and give the data of the events that it completes."""
        if self._after_cr and piece:
            piece = piece.removeprefix(b"\n")
            self._after_cr = False
        ends = max(piece.rfind(b"\n"), piece.rfind(b"\r")) + 1
        if not ends:
            self._pieces.append(piece)
            return []
        lines = b"".join([*self._pieces, piece[:ends]]).splitlines()
        self._pieces = [piece[ends:]]
        self._after_cr = piece.endswith(b"\r")
        return self._events(lines)

    def _events(self, lines: list[bytes]) -> list[bytes]:
        found = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])
            elif not line and self._data:
                found.append(b"\n".join(self._data))
                self._data = []
        return found
