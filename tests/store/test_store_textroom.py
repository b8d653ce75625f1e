"""An index of texts forgets a part at a time, gives back the room that this frees, and misses no rewritten row."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from random import Random
from typing import Any

import pytest

from contracts.store_lines import Engine, span, sqlite, trace_id
from flightlog.questions.parsing import parse
from flightlog.records.traces import Selection
from flightlog.store.open import open_texts
from flightlog.store.sqlite import space, textindex, textnotes
from flightlog.store.sqlite.textindex import path_of


@pytest.fixture
def engine(tmp_path):
    with sqlite(tmp_path) as found:
        yield found


def index(engine: Engine, steps: int = 10_000) -> None:
    """Bring the index up to date, or so many steps nearer to it."""
    texts = open_texts(engine.place)
    try:
        for _ in range(steps):
            if not texts.step().more:
                return
    finally:
        texts.close()


def fitting(engine: Engine, text: str) -> list[tuple[int, int]]:
    """Trace and span of what fits, as numbers."""
    found = engine.reader().newest_spans(100, Selection(question=parse(text)))
    return sorted((int(one.trace_id, 16), int(one.span_id, 16)) for one in found)


def words_in(engine: Engine, word: str) -> list[int]:
    """The rows of spans and payloads that the index has a word of."""
    connection = sqlite3.connect(path_of(str(engine.place)))
    try:
        return [
            row[0]
            for table in ("span_words", "payload_words")
            for row in connection.execute(f"SELECT rowid FROM {table} WHERE {table} MATCH ?", (word,))
        ]
    finally:
        connection.close()


def texts_of(traces: int) -> dict[int, str]:
    """Words that no two traces share."""
    chance = Random(5)
    return {
        number: " ".join(chance.randbytes(4).hex() for _ in range(600)) for number in range(1, traces + 1)
    }


def state_of(engine: Engine) -> tuple[dict[str, Any], int]:
    """What an index notes of itself, and how many of its pages are free."""
    connection = sqlite3.connect(path_of(str(engine.place)))
    try:
        state = dict(connection.execute("SELECT name, value FROM state"))
        return state, connection.execute("PRAGMA freelist_count").fetchone()[0]
    finally:
        connection.close()


def fill(engine: Engine, traces: int) -> None:
    engine.append(*(span(number, 1, input=text) for number, text in texts_of(traces).items()))


def test_what_is_deleted_gives_its_room_in_the_index_back_to_the_disk(engine):
    fill(engine, 100)
    index(engine)
    before = path_of(str(engine.place)).stat().st_size
    for number in range(1, 80):
        engine.writer().delete_trace(trace_id(number))
    index(engine)
    assert path_of(str(engine.place)).stat().st_size < before / 2
    state, free = state_of(engine)
    assert (state["unmerged"], state["spare"], free) == (0, 0, 0)


def test_room_in_an_index_goes_back_a_little_at_a_time(engine, monkeypatch):
    fill(engine, 100)
    index(engine)
    for number in range(1, 80):
        engine.writer().delete_trace(trace_id(number))
    monkeypatch.setattr(textindex, "STEP_BYTES", 64 * 1024)
    given: list[int] = []

    def counted(connection: sqlite3.Connection, most: int) -> None:
        given.append(most)
        space.give_back(connection, most)

    monkeypatch.setattr(textindex, "give_back", counted)
    index(engine)
    assert set(given) == {64 * 1024}
    assert len(given) > 4
    assert state_of(engine)[1] == 0


def test_an_index_that_cannot_give_room_back_is_made_anew_when_most_of_it_is_gone(engine, monkeypatch):
    monkeypatch.setattr(textindex, "INCREMENTAL", 0)
    fill(engine, 100)
    index(engine)
    monkeypatch.undo()
    before = path_of(str(engine.place)).stat().st_size
    engine.writer().delete_trace(trace_id(1))
    index(engine)
    assert state_of(engine)[0]["spare"] == 0
    for number in range(2, 90):
        engine.writer().delete_trace(trace_id(number))
    index(engine)
    assert path_of(str(engine.place)).stat().st_size < before / 2
    assert [number for number, text in texts_of(100).items() if words_in(engine, text[:8])] == [
        *range(90, 101)
    ]


def test_much_is_forgotten_in_parts_by_whoever_goes_on(engine, monkeypatch):
    engine.append(*(span(number, 1, input=f"old{number} both") for number in range(1, 41)))
    index(engine)
    monkeypatch.setattr(textindex, "STEP_BYTES", 400)
    for number in range(1, 31):
        engine.writer().delete_trace(trace_id(number))
    engine.append(*(span(number, 1, input=f"new{number} both", revision=1) for number in range(31, 36)))
    index(engine, 1)
    state, _ = state_of(engine)
    assert 0 < state["forgotten"] < Path(f"{engine.place}-notes-taken").stat().st_size
    assert fitting(engine, "input:both") == [(number, 1) for number in range(31, 41)]
    index(engine, 2)
    engine.append(span(40, 1, input="new40 both", revision=1))
    index(engine)
    assert state_of(engine)[0]["unmerged"] == 0
    for number in range(1, 41):
        is_new = 31 <= number <= 35 or number == 40
        assert bool(words_in(engine, f"old{number}")) == (number > 30 and not is_new)
        assert bool(words_in(engine, f"new{number}")) == is_new


@pytest.mark.parametrize("is_known", [True, False])
def test_what_is_rewritten_while_notes_are_taken_leaves_no_word(engine, monkeypatch, is_known):
    """Whether the row was in the index before, or comes into it with this step."""
    engine.append(span(1, 1, input="one"))
    if is_known:
        index(engine)
        engine.append(span(1, 1, input="two", revision=1))
    take = textnotes.take

    def meanwhile(*args: Any) -> Any:
        taken = take(*args)
        monkeypatch.undo()
        engine.append(span(1, 1, input="three", revision=2))
        return taken

    texts = open_texts(engine.place)
    monkeypatch.setattr(textnotes, "take", meanwhile)
    texts.step()
    texts.close()
    assert fitting(engine, "input:three") == [(1, 1)]
    engine.append(span(1, 1, input="four", revision=3))
    index(engine)
    assert [words_in(engine, word) for word in ("one", "two", "three", "four")] == [[], [], [], [1]]
    assert fitting(engine, "input:four") == [(1, 1)]
