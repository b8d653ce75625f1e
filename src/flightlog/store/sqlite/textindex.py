"""The index of texts beside a store, as whoever keeps it up sees it: a step at a time, from what was committed.

Payloads come first, each with its own text alone: a message that a hundred requests repeat is one row of the store and
is indexed once. Spans come when they are over, with the values that lie in their rows. What the notes say of
rewritten and deleted rows is done before anything else, so that no step leaves words of what is gone.

Whatever is wrong with the index (damage, a store that is another one, notes that are lost), it is thrown away and made
anew from the store. One process at a time keeps it, which its owner sees to; any number read it.
"""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from flightlog.records.errors import StoreError
from flightlog.store.sqlite import textnotes
from flightlog.store.sqlite.connect import answering, change, connect_reader, snapshot, trim_log
from flightlog.store.sqlite.migrate import statements
from flightlog.store.sqlite.numbered import CONNECTION
from flightlog.store.sqlite.space import INCREMENTAL, give_back, room
from flightlog.store.sqlite.statements import as_array, insert
from flightlog.store.sqlite.textnotes import indexed_error, indexed_event, indexed_payload
from flightlog.store.sqlite.wholes import standing_alone
from flightlog.store.textport import TextStep
from flightlog.store.words import plain

VERSION: Final = 1
"""Of the index; another one is made anew."""

STEP_ROWS: Final = 2000
STEP_BYTES: Final = 1024 * 1024
"""A step takes no more than so many rows, and about so many bytes of texts: some 30 ms."""

_NOTE_BYTES: Final = 64
"""What a note counts besides its texts."""

_WITNESSES: Final = 8
_BUSY_MS: Final = 1000
_GENTLE_BUSY_MS: Final = 50
"""How long a step waits for others who write; beside a program hardly at all."""
_HEADS: Final = {"payloads": "payloads", "spans": "spans", "events": "events"}
_HEAD_OF: Final = "SELECT " + ", ".join(f"(SELECT coalesce(max(id), 0) FROM {name})" for name in _HEADS)
_PAYLOADS: Final = "SELECT id, dictionary, z FROM payloads WHERE id"
_SPANS: Final = """SELECT s.id, s.status, s.input, s.output, e.type, e.message, s.span_id, s.start
FROM spans s LEFT JOIN span_errors e ON e.span = s.id AND s.more & 256 WHERE s.id"""
_EVENTS: Final = "SELECT id, name, body FROM events WHERE id"
_BEHIND: Final = "> ? ORDER BY {0} LIMIT ?"
_THESE: Final = "IN (SELECT value FROM json_each(?))"
_OPEN: Final = ("running", "paused")
_BROKEN: Final = ("no such table", "vtable constructor failed", "no such column")
"""What SQLite says of a file that somebody changed."""
_TABLES: Final = {
    "payloads": ("payload_words", "text"),
    "spans": ("span_words", "input output"),
    "errors": ("error_words", "text"),
    "events": ("event_words", "text"),
}
_adds: Final = {name: insert(table, f"rowid {columns}") for name, (table, columns) in _TABLES.items()}
_forgets: Final = {
    name: insert(table, f"{table} rowid {columns}") for name, (table, columns) in _TABLES.items()
}
_cut: Final = insert("cut", "payload", "ON CONFLICT DO NOTHING")

_Rows = dict[str, list[tuple[Any, ...]]]


class TextIndex:
    """Keeps the index of one SQLite store up to date; the contract is `store.textport.TextIndex`."""

    def __init__(self, store: str, *, is_gentle: bool = False) -> None:
        """Open the index, made anew where there is none that can be used; the store must be there.

        Args:
            store: the file.
            is_gentle: steps are an eighth as long.

        Raises:
            StoreError: it cannot be made.
        """
        self._path = path_of(store)
        self._store = store
        self._rows = STEP_ROWS // 8 if is_gentle else STEP_ROWS
        self._bytes = STEP_BYTES // 8 if is_gentle else STEP_BYTES
        reader = connect_reader(store)
        if reader is None:
            raise StoreError(f"store {store} is not there yet")
        self._busy_ms = _GENTLE_BUSY_MS if is_gentle else _BUSY_MS
        reader.execute(f"PRAGMA busy_timeout = {self._busy_ms}")
        self._reader = reader
        self._connection: sqlite3.Connection | None = None
        self._file = (0, 0)
        try:
            self._ready()
        except BaseException:
            self.close()
            raise

    def step(self) -> TextStep:
        """Do what the notes say, and index some of what is new.

        Raises:
            StoreError: nothing was changed; the next step tries again.
        """
        with answering(str(self._path)):
            try:
                if not self._is_there():
                    raise FileNotFoundError(self._path)  # noqa: TRY301 - as notes that are gone
                return self._step()
            except (sqlite3.DatabaseError, ValueError, FileNotFoundError) as error:
                if isinstance(error, sqlite3.OperationalError) and not any(w in str(error) for w in _BROKEN):
                    raise
                self.rebuild()
                return TextStep(more=True)

    def rebuild(self) -> None:
        """Throw the index away and begin a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        remove(self._store)
        self._ready()

    def close(self) -> None:
        """Give back every handle; closing twice is harmless."""
        self._reader.close()
        if self._connection is not None:
            self._connection.close()

    def _ready(self) -> None:
        with answering(str(self._path)):
            if self._path.exists():
                with suppress(sqlite3.DatabaseError, OSError):
                    self._connection = _opened(self._path, self._busy_ms)
                    self._file = _identity(self._path)
                    if self._is_ours(self._connection):
                        return
                if self._connection is not None:
                    self._connection.close()
                remove(self._store)
            self._connection = _made(self._path, self._busy_ms)
            self._file = _identity(self._path)
            textnotes.begin(self._reader, self._store)

    def _is_there(self) -> bool:
        """Whether the file that is open is still the one at its place."""
        return self._file == _identity(self._path)

    def _is_ours(self, connection: sqlite3.Connection) -> bool:
        """Whether it is an index of today's, and of this store."""
        state = dict(connection.execute("SELECT name, value FROM state"))
        if state.get("version") != VERSION or not textnotes.path_of(self._store).exists():
            return False
        seen = connection.execute("SELECT span, span_id, start FROM witnesses").fetchall()
        ids = as_array(span for span, _, _ in seen)
        rows = self._reader.execute(
            f"SELECT id, span_id, start FROM spans WHERE id {_THESE}", (ids,)
        ).fetchall()
        told = {note.id for note in textnotes.waiting(self._store) or () if note.table == "spans"}
        return not seen or any(row in seen for row in rows) or any(span in told for span, _, _ in seen)

    def _step(self) -> TextStep:
        connection = self._connection
        if connection is None:
            raise StoreError("the index of texts is closed")
        taken = textnotes.take(self._reader, self._store)
        state = dict(connection.execute("SELECT name, value FROM state"))
        if taken is not None and textnotes.word_of(taken) == state.get("taken"):
            taken.unlink()
            taken = None
        if taken is not None:
            if self._forget(connection, state, taken):
                self._again(connection, state, taken)
            return TextStep(more=True)
        done = self._onward(connection, state)
        if not done.more and state.get("unmerged"):
            self._merge(connection, int(state["unmerged"]))
            return TextStep(done.texts, more=True)
        if not done.more and state.get("spare"):
            return TextStep(done.texts, more=self._give_back(connection))
        return done

    def _forget(self, connection: sqlite3.Connection, state: dict[str, Any], taken: Path) -> bool:
        """Take some of the texts out that the notes tell of; whether no more are left.

        Nothing is put in their place before that: of a row that is not in the index, later notes say nothing.
        """
        word = textnotes.word_of(taken)
        begun = state.get("forgotten", 0) if state.get("forgetting") == word else 0
        seen: set[tuple[str, int]] = set()
        rows: _Rows = {name: [] for name in _TABLES}
        place, room_left = begun, self._bytes // 2  # forgetting costs twice as much as indexing
        for behind, notes in textnotes.read_from(taken, begun):
            place = behind
            for note in notes:
                room_left -= _NOTE_BYTES
                if note.texts is None or (note.table, note.id) in seen:
                    continue  # what was indexed is what the first of them says
                seen.add((note.table, note.id))
                if _has(connection, note.table, note.id):
                    rows[note.table].append(("delete", note.id, *note.texts))
                    room_left -= sum(map(len, note.texts))
            if room_left <= 0:
                break
        with change(connection):
            _forget_rows(connection, rows)
            _note(connection, {"forgetting": word, "forgotten": place})
        return room_left > 0

    def _again(self, connection: sqlite3.Connection, state: dict[str, Any], taken: Path) -> None:
        """Index what stands in the place of the texts that were forgotten, and be done with the notes."""
        ids: dict[str, set[int]] = {name: set() for name in _TABLES}
        for note in textnotes.read(taken):
            ids[note.table].add(note.id)
        # What the notes said is nowhere else once they are gone.
        connection.execute("PRAGMA synchronous = FULL")
        with change(connection):
            with snapshot(self._reader):
                heads = dict(zip(_HEADS, self._reader.execute(_HEAD_OF).fetchone(), strict=True))
                known = {name: min(state.get(name, 0), head) for name, head in heads.items()}
                newer = self._named_now()
                again = {
                    name: as_array(
                        number
                        for number in numbers - newer[name]
                        if number <= known.get(name, known["spans"])
                    )
                    for name, numbers in ids.items()
                }
                self._add(connection, self._read(_THESE, {name: (some,) for name, some in again.items()}))
            _note(connection, {**known, "taken": textnotes.word_of(taken)})
        connection.execute("PRAGMA synchronous = NORMAL")
        taken.unlink()

    def _onward(self, connection: sqlite3.Connection, state: dict[str, Any]) -> TextStep:
        """Index some of what is behind the greatest numbers so far."""
        known = {name: state.get(name, 0) for name in _HEADS}
        with snapshot(self._reader):
            heads = dict(zip(_HEADS, self._reader.execute(_HEAD_OF).fetchone(), strict=True))
            if heads == known:
                return TextStep()
            place = {name: (min(known[name], heads[name]), self._rows) for name in _HEADS}
            rows = self._read(_BEHIND, place)
            newer = self._named_now()
        reached = {
            name: rows[name][-1][0] if rows[name] else min(heads[name], known[name]) for name in _HEADS
        }
        with change(connection):
            found = {name: [row for row in some if row[0] not in newer[name]] for name, some in rows.items()}
            texts = self._add(connection, found)
            _note(connection, reached)
        trim_log(connection, str(self._path))
        return TextStep(texts, more=reached != heads)

    def _named_now(self) -> dict[str, set[int]]:
        """Rows that were rewritten since the notes were taken, by table.

        What a snapshot has of them may be newer than what their notes say; they are indexed with those notes.
        """
        named = textnotes.named_now(self._store)
        spans = named.get("spans", set()) | named.get("errors", set())
        events, payloads = named.get("events", set()), named.get("payloads", set())
        return {"spans": spans, "errors": spans, "events": events, "payloads": payloads}

    def _read(self, which: str, values: dict[str, tuple[Any, ...]]) -> _Rows:
        """Rows of the store; of those that are behind, no more than a step's bytes of each table."""
        answer = self._reader.execute
        taken = partial(_some, room=self._bytes) if which is _BEHIND else list
        payloads = taken(answer(f"{_PAYLOADS} {which.format('id')}", values["payloads"]))
        rows: _Rows = {
            "payloads": standing_alone(self._reader, payloads),
            "spans": taken(answer(f"{_SPANS} {which.format('s.id')}", values["spans"])),
            "events": taken(answer(f"{_EVENTS} {which.format('id')}", values["events"])),
        }
        if "errors" in values:  # an error may be noted without its span
            both = dict.fromkeys((*rows["spans"], *answer(f"{_SPANS} {which}", values["errors"])))
            rows["spans"] = list(both)
        return rows

    def _add(self, connection: sqlite3.Connection, rows: _Rows) -> int:
        """Index rows that are not yet; gives how many."""
        found: _Rows = {name: [] for name in _TABLES}
        cut: list[tuple[int]] = []
        for number, dictionary, frame in rows["payloads"]:
            text, is_cut = indexed_payload(dictionary, frame)
            found["payloads"].append((number, text))
            cut += [(number,)] * is_cut
        for number, status, given, answered, kind, message, _, _ in rows["spans"]:
            if status in _OPEN:
                continue
            if given is not None or answered is not None:
                found["spans"].append((number, plain(given or ""), plain(answered or "")))
            if kind is not None:
                found["errors"].append((number, indexed_error(kind, message)))
        found["events"] = [(number, indexed_event(name, body)) for number, name, body in rows["events"]]
        for name, some in found.items():
            new = _new(connection, name, some)
            _adds[name].run(connection, new)
        _cut.run(connection, cut)
        _witness(connection, rows["spans"][-2:])
        return sum(map(len, found.values()))

    def _merge(self, connection: sqlite3.Connection, turn: int) -> None:
        """Write parts of the index anew until nothing of what was forgotten is left in it; what that frees is spare."""
        before = connection.total_changes
        pages = self._rows // 4 if turn > 1 else -(self._rows // 4)
        with change(connection):
            for table, _ in _TABLES.values():
                connection.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('merge', ?)", (pages,))
            is_done = turn > 1 and connection.total_changes - before <= len(_TABLES) * 2
            _note(connection, {"unmerged": 0, "spare": 1} if is_done else {"unmerged": turn + 1})

    def _give_back(self, connection: sqlite3.Connection) -> bool:
        """Hand some of what is spare back to the disk; whether there is more."""
        before = room(connection)
        if not before.gives_back and before.free_bytes > before.used_bytes:
            self.rebuild()  # one of an older Flightlog; so much is gone that it is soon made anew
            return True
        if before.gives_back and before.free_bytes:
            give_back(connection, self._bytes)
            if room(connection).free_bytes < before.free_bytes:
                return True
        _note(connection, {"spare": 0})
        return False


def path_of(store: str) -> Path:
    """Where the index of a store lies."""
    return Path(store).with_name("fulltext.db")


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def remove(store: str) -> None:
    """Take away an index and the notes for it; nothing of the store is lost."""
    path = path_of(store)
    notes = textnotes.path_of(store)
    for file in (notes, Path(f"{notes}-taken"), path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        file.unlink(missing_ok=True)


@cache
def is_possible() -> bool:
    """Whether the SQLite that runs here has FTS5."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE words USING fts5 (text)")
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True


def _opened(path: Path, busy_ms: int) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=busy_ms / 1000, isolation_level=None, check_same_thread=False, factory=CONNECTION
    )
    connection.execute(f"PRAGMA auto_vacuum = {INCREMENTAL}")  # before anything else is in the file
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA cache_size = -16384")
    return connection


def _made(path: Path, busy_ms: int) -> sqlite3.Connection:
    from importlib.resources import files  # brings all that packs files: some milliseconds of each start

    path.touch(mode=0o600)
    connection = _opened(path, busy_ms)
    with change(connection):
        script = files(__package__).joinpath("fulltext.sql").read_text(encoding="utf-8")
        for statement in statements(script):
            connection.execute(statement)
        _note(connection, {"version": VERSION})
    return connection


def _some(rows: Iterable[tuple[Any, ...]], room: int) -> list[tuple[Any, ...]]:
    """As many rows as there is room for their bytes, one at least."""
    taken: list[tuple[Any, ...]] = []
    for row in rows:
        taken.append(row)
        room -= sum(len(value) for value in row if isinstance(value, str | bytes))
        if room <= 0:
            break
    return taken


def _note(connection: sqlite3.Connection, values: dict[str, Any]) -> None:
    for name, value in values.items():
        connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))


def _has(connection: sqlite3.Connection, name: str, number: int) -> bool:
    table = _TABLES[name][0]
    found = connection.execute(f"SELECT 1 FROM {table}_docsize WHERE id = ?", (number,)).fetchone()
    return found is not None


def _new(connection: sqlite3.Connection, name: str, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows that are not indexed yet."""
    table = _TABLES[name][0]
    ids = as_array(row[0] for row in rows)
    there = {
        number
        for (number,) in connection.execute(f"SELECT id FROM {table}_docsize WHERE id {_THESE}", (ids,))
    }
    return [row for row in rows if row[0] not in there]


def _forget_rows(connection: sqlite3.Connection, rows: _Rows) -> None:
    if any(rows.values()):
        _note(connection, {"unmerged": 1})
    for name, some in rows.items():
        _forgets[name].run(connection, some)
        some.clear()


def _witness(connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    for row in rows:
        connection.execute("INSERT OR REPLACE INTO witnesses VALUES (?, ?, ?)", (row[0], row[6], row[7]))
    connection.execute(
        "DELETE FROM witnesses WHERE span NOT IN (SELECT span FROM witnesses ORDER BY span DESC LIMIT ?)",
        (_WITNESSES,),
    )
