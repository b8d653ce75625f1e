"""Notes for the index of texts: what a transaction of a store takes out of it, or writes anew.

An index that follows the numbers of rows finds what is new by itself. Of a row that was rewritten or deleted it must
hear, and it needs the text that it had: FTS5 forgets a text only when it is told which. So each connection that writes
a store has triggers of its own, which see every such row whatever statement it was; before the transaction
commits they are appended to a file beside the store. Where there is no such file nobody has an index, and nothing is
noted.

Notes are written within a transaction that writes, and taken away while nobody is in one (`take`), so each note that
is taken is of a transaction that is over: one that was rolled back left a note of a row that is as it was, which
does no harm. The file begins with a word of its own, so that notes that were taken and not thrown away are known again.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from flightlog.records.errors import StoreError
from flightlog.store.payloads import unpack
from flightlog.store.words import folded, plain

MOST_BYTES: Final = 1024 * 1024 * 1024
"""Notes that are longer are not read: the index is made anew."""

MOST_WAITING: Final = 16 * 1024 * 1024
"""Notes that are longer are not looked through by who asks a question; it is answered without the index."""

CUT: Final = 256 * 1024
"""So many characters of a text are indexed, and no more."""

Table = Literal["payloads", "spans", "errors", "events"]

_TRIGGERS: Final = (
    """CREATE TEMP TRIGGER noted_payload BEFORE DELETE ON payloads BEGIN
  SELECT text_note('payloads', old.id, old.dictionary, old.z, NULL); END""",
    """CREATE TEMP TRIGGER noted_end BEFORE UPDATE OF input, output, status ON spans
  WHEN old.status IN ('running', 'paused') BEGIN SELECT text_open(old.id); END""",
    """CREATE TEMP TRIGGER noted_change BEFORE UPDATE OF input, output, status ON spans
  WHEN old.status NOT IN ('running', 'paused') BEGIN
  SELECT text_note('spans', old.id, NULL, old.input, old.output); END""",
    """CREATE TEMP TRIGGER noted_open BEFORE DELETE ON spans
  WHEN old.status IN ('running', 'paused') BEGIN SELECT text_open(old.id); END""",
    """CREATE TEMP TRIGGER noted_span BEFORE DELETE ON spans
  WHEN old.status NOT IN ('running', 'paused') BEGIN
  SELECT text_note('spans', old.id, NULL, old.input, old.output); END""",
    """CREATE TEMP TRIGGER noted_error BEFORE DELETE ON span_errors BEGIN
  SELECT text_note('errors', old.span, NULL, old.type, old.message); END""",
    """CREATE TEMP TRIGGER noted_event BEFORE UPDATE OF name, body ON events BEGIN
  SELECT text_note('events', old.id, NULL, old.name, old.body); END""",
    """CREATE TEMP TRIGGER noted_deletion BEFORE DELETE ON events BEGIN
  SELECT text_note('events', old.id, NULL, old.name, old.body); END""",
)


class Note(Struct, frozen=True, array_like=True):
    """One row that was rewritten or deleted."""

    table: Table
    id: int
    texts: tuple[str, ...] | None = None
    """As they were indexed, if they were; None for a span that was open, which is not."""


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Note).decode
_decode_open: Final = msgspec.json.Decoder(list[int]).decode


def path_of(store: str) -> Path:
    """Where the notes of a store lie."""
    return Path(store + "-notes")


class TextNotes:
    """What one connection that writes has to note."""

    def __init__(self, connection: sqlite3.Connection, store: str) -> None:
        self._path = path_of(store)
        self._rows: list[tuple[Any, ...]] = []
        self._open: list[int] = []
        """Spans that were open, of which nothing is indexed yet: most of what is rewritten."""
        connection.create_function("text_note", 5, self._add)
        connection.create_function("text_open", 1, self._open.append)
        for trigger in _TRIGGERS:
            connection.execute(trigger)

    def write(self) -> None:
        """Append them to the file, if there is one; called before the transaction commits."""
        if not (self._rows or self._open):
            return
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        except OSError:
            self.forget()
            return  # nobody has an index
        try:
            data = b"".join(_encode(_note(*row)) + b"\n" for row in self._rows)
            data += _encode(self._open) + b"\n" if self._open else b""
            if os.write(file, data) != len(data):
                raise OSError  # noqa: TRY301 - as any other failure to write
        except OSError:
            with suppress(OSError):  # an index without its notes is made anew
                self._path.unlink()
        finally:
            os.close(file)
            self.forget()

    def forget(self) -> None:
        """Drop those of a transaction that was rolled back."""
        self._rows.clear()
        self._open.clear()

    def _add(self, *row: Any) -> None:
        self._rows.append(row)


def begin(connection: sqlite3.Connection, store: str) -> str:
    """Make an empty file of notes; gives its word. From the commit that was the last one on, all is noted."""
    word = os.urandom(8).hex()
    with _alone(connection):
        _make(path_of(store), word)
    return word


def take(connection: sqlite3.Connection, store: str) -> Path | None:
    """Put a new file in the place of the notes, and give the old one; None where there are no notes."""
    path, taken = path_of(store), _taken(store)
    if taken.exists():
        return taken  # somebody died over them
    if path.stat().st_size <= _HEAD_BYTES:
        return None
    with _alone(connection):
        path.rename(taken)
        _make(path, os.urandom(8).hex())
    return taken


def word_of(path: Path) -> str:
    """The word that a file of notes begins with."""
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES).decode().strip()


def read(path: Path) -> Iterator[Note]:
    """The notes in a file, in their order.

    Raises:
        ValueError: there are too many, or one was not written whole.
    """
    for _, notes in read_from(path, 0):
        yield from notes


def read_from(path: Path, place: int) -> Iterator[tuple[int, list[Note]]]:
    """The notes in a file from a place on, line by line, each with the place behind it; 0 is the beginning.

    Raises:
        ValueError: as for `read`.
    """
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(path)
    with path.open("rb") as file:
        place = max(place, len(file.readline()))
        file.seek(place)
        for line in file:
            place += len(line)
            try:
                if line.startswith(b'["'):
                    yield place, [_decode(line)]
                else:
                    yield place, [Note("spans", number) for number in _decode_open(line)]
            except msgspec.MsgspecError as error:
                raise ValueError(path) from error


def waiting(store: str) -> list[Note] | None:
    """What was noted and is not in the index yet; None where nobody can say, or it is too much."""
    files = [path for path in (_taken(store), path_of(store)) if path.exists()]
    try:
        if path_of(store) not in files or sum(path.stat().st_size for path in files) > MOST_WAITING:
            return None
        return [note for path in files for note in read(path)]
    except (OSError, ValueError):
        return None


def named_now(store: str) -> dict[Table, set[int]]:
    """The rows that the notes name which nobody has taken yet.

    Raises:
        OSError, ValueError: nobody can say.
    """
    found: dict[Table, set[int]] = {}
    path = path_of(store)
    if path.stat().st_size > _HEAD_BYTES:
        for note in read(path):
            found.setdefault(note.table, set()).add(note.id)
    return found


def indexed_payload(dictionary: int, frame: bytes) -> tuple[str, bool]:
    """The text of a payload's row as it is indexed, and whether it was cut; its parts are rows of their own."""
    try:
        data = unpack(frame, dictionary)
    except StoreError:  # `verify` tells of it
        return "", False
    text = data[: CUT * 4].decode("utf-8", "replace")[:CUT]
    return plain(text), len(data) > CUT


def indexed_error(kind: str, message: str | None) -> str:
    """The text of an error as it is indexed; a message that is large is a payload."""
    return f'{_bare(kind)} " {_bare(message or "")}'


def indexed_event(name: str, body: str | None) -> str:
    """The text of an event as it is indexed."""
    return f'{_bare(name)} " {_bare((body or "")[:CUT])}'


_HEAD_BYTES: Final = 17


def _bare(text: str) -> str:
    """A text that is no JSON; what it quotes bounds nothing."""
    return folded(text.replace('"', " "))


def _taken(store: str) -> Path:
    return Path(store + "-notes-taken")


def _make(path: Path, word: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, word.encode() + b"\n")
    finally:
        os.close(file)


class _alone:  # noqa: N801 - used as a statement
    """While this lasts nobody is within a transaction that writes the store."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("PRAGMA query_only = OFF")
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, *_: object) -> None:
        self._connection.execute("ROLLBACK")
        self._connection.execute("PRAGMA query_only = ON")


def _note(table: Table, number: int, how: Any, one: Any, other: Any) -> Note:
    if table == "payloads":
        return Note(table, number, (indexed_payload(how, one)[0],))
    if table == "spans":
        return Note(table, number, (plain(one or ""), plain(other or "")))
    make = indexed_error if table == "errors" else indexed_event
    return Note(table, number, (make(one, other),))
