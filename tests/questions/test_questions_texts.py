"""Words are found alike with an index of texts that is whole, behind, damaged or not there, and go with their trace."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import pytest
import random_questions
from plain_meaning import World, fits, price

from contracts.store_lines import Engine, event, span, span_id, sqlite, trace_id
from flightlog.questions.parsing import parse
from flightlog.questions.printing import text_of
from flightlog.records.question import And, Comparison, Or
from flightlog.records.traces import Selection
from flightlog.store.open import open_reader, open_texts
from flightlog.store.sqlite import askedtexts, textindex, textnotes, textsought
from flightlog.store.sqlite.textindex import path_of


@pytest.fixture
def engine(tmp_path):
    with sqlite(tmp_path) as found:
        yield found


def index(engine: Engine, steps: int = 1000) -> None:
    """Bring the index up to date, or so many steps nearer to it."""
    texts = open_texts(engine.place)
    try:
        for _ in range(steps):
            if not texts.step().more:
                return
    finally:
        texts.close()


def reading(engine: Engine) -> Any:
    reader = open_reader(engine.place, price=price)
    engine._opened.append(reader)
    return reader


def fitting(engine: Engine, text: str) -> list[tuple[int, int]]:
    """Trace and span of what fits, as numbers."""
    found = reading(engine).newest_spans(100, Selection(question=parse(text)))
    return sorted((int(one.trace_id, 16), int(one.span_id, 16)) for one in found)


def worded(chance: Random) -> Any:
    """A question of words, alone or with another condition."""
    fields = ["input", "output", "message", "text"]
    words = Comparison(chance.choice(fields), "=", random_questions.pattern(chance))
    other = random_questions.question(chance, 1)
    return chance.choice([words, words, And((words, other)), Or((words, other))])


@pytest.mark.parametrize("block", range(6))
def test_words_are_found_whatever_the_index_has_seen(block, monkeypatch):
    """Random stores that grow, are rewritten and lose traces while an index follows them now and then."""
    if block % 3 == 1:
        monkeypatch.setattr(askedtexts, "FEW", -1)
        monkeypatch.setattr(askedtexts, "LOOKS", 0)
    if block % 3 == 2:
        monkeypatch.setattr(textindex, "STEP_ROWS", 8)
        monkeypatch.setattr(textindex, "STEP_BYTES", 40)
        monkeypatch.setattr(askedtexts, "MOST", 3)
        monkeypatch.setattr(askedtexts, "LOOKS", 2)
    found_some = 0
    for seed in range(block * 25, block * 25 + 25):
        chance = Random(seed)
        with tempfile.TemporaryDirectory() as place, sqlite(Path(place)) as engine:
            for _ in range(chance.randint(1, 4)):
                engine.append(*random_questions.store(chance))
                if chance.random() < 0.3:
                    engine.writer().delete_trace(trace_id(chance.randint(1, 3)))
                if chance.random() < 0.7:
                    index(engine, chance.choice([1, 2, 1000]))
            reader = reading(engine)
            worlds = [
                World(trace, reader.spans(trace.trace_id), reader.events(trace.trace_id))
                for trace in reader.traces(100)
            ]
            for _ in range(12):
                question = worded(chance)
                expected = {
                    (one.trace_id, one.span_id)
                    for world in worlds
                    for one in world.spans
                    if fits(question, one, world)
                }
                case = f"seed {seed}: {text_of(question)}"
                selection = Selection(question=question)
                found_some += bool(expected)
                assert {
                    (one.trace_id, one.span_id) for one in reader.newest_spans(99, selection)
                } == expected, case
                assert {(one.trace_id, one.span_id) for one in reader.each_span(selection)} == expected, case
                assert reader.trace_figures(selection).traces == len({one for one, _ in expected}), case
                rows = reader.figures(("kind",), question=question)["kind"]
                over = [one for one in reader.each_span(selection) if one.end is not None]
                assert sum(row.spans for row in rows) == len(over), case
    assert found_some > 50


@pytest.mark.parametrize("is_indexed", [False, True])
def test_words_are_whole_and_a_star_stands_for_anything(engine, is_indexed):
    engine.append(
        span(1, 1, input="Please read the refund-policy."),
        span(1, 2, input="pre-refundable policyholder"),
        span(1, 3, output={"text": "LA POLITIQUE DÉJÀ\nVUE", "n": 5}),
        span(1, 4, kind="llm", input=["您的退款政策", "x" * 600]),
        span(1, 5, status="error", error={"type": "ReadTimeout", "message": "no policy within 30 s"}),
    )
    if is_indexed:
        index(engine)
    expected = {
        'input:"refund policy"': [1],
        'input:"REFUND  policy"': [1],
        "input:refund": [1],
        "input:refund*": [1, 2],
        "input:*able": [2],
        "input:*fund*": [1, 2],
        'input:"refund*holder"': [2],
        'input~"und-pol"': [1],
        'output:"deja vue"': [3],
        "output:njà": [],
        'output:"text la"': [],
        "output:5": [3],
        "message:退款": [4],
        "message:款退": [],
        "text:policy": [1, 5],
        "text:*timeout": [5],
        'text:"readtimeout no"': [],
        "error:Timeout": [5],
        'input:"-"': [1, 2],
    }
    assert {text: [one for _, one in fitting(engine, text)] for text in expected} == expected


def test_an_index_is_asked_for_rare_words(engine, monkeypatch):
    engine.append(*(span(number, 1, input="plain") for number in range(1, 50)), span(50, 1, input="needle"))
    index(engine)
    seen: list[Any] = []
    texts = askedtexts.AskedTexts._texts
    monkeypatch.setattr(
        askedtexts.AskedTexts, "_texts", lambda *given: seen.append(given[2]) or texts(*given)
    )
    assert fitting(engine, "input:needle") == [(50, 1)]
    assert set(seen) == {50}


def test_a_message_that_requests_repeat_is_indexed_once_and_found_in_each(engine):
    messages = [
        {"role": "user", "content": f"{word} " * 200} for word in ("first", "second", "third", "last")
    ]
    for number in range(1, 5):
        engine.append(span(1, number, kind="llm", input={"messages": messages[:number]}))
    index(engine)
    assert fitting(engine, "input:first") == [(1, 1), (1, 2), (1, 3), (1, 4)]
    assert fitting(engine, 'message:"second second"') == [(1, 2), (1, 3), (1, 4)]
    found = words_in(engine, "payload_words", "second")
    assert len(found) == 1


def words_in(engine: Engine, table: str, word: str) -> list[int]:
    connection = sqlite3.connect(path_of(str(engine.place)))
    try:
        return [
            row[0] for row in connection.execute(f"SELECT rowid FROM {table} WHERE {table} MATCH ?", (word,))
        ]
    finally:
        connection.close()


def everything(engine: Engine) -> bytes:
    """What is on the disk of an index and of its notes."""
    files = [path_of(str(engine.place)), Path(f"{path_of(str(engine.place))}-wal")]
    notes = textnotes.path_of(str(engine.place))
    return b"".join(file.read_bytes() for file in [*files, notes] if file.exists())


def test_a_deleted_trace_leaves_no_word(engine):
    engine.append(
        span(1, 1, input="sesame", output="x " * 400 + "quicksand"),
        span(1, 2, status="error", error={"type": "Zebra", "message": "gone"}),
        event(1, name="note", body="walrus"),
        span(2, 1, input="other"),
    )
    index(engine)
    assert b"sesame" in everything(engine)
    engine.writer().delete_trace(trace_id(1))
    index(engine)
    connection = sqlite3.connect(path_of(str(engine.place)))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    left = everything(engine)
    assert [word for word in (b"sesame", b"quicksand", b"zebra", b"walrus") if word in left] == []
    assert b"other" in left
    assert fitting(engine, "text:sesame OR text:quicksand OR text:zebra") == []
    assert fitting(engine, "input:other") == [(2, 1)]


def test_numbers_that_are_used_again_are_indexed_again(engine):
    engine.append(span(1, 1, input="before " * 100), span(1, 2, input="small"))
    index(engine)
    engine.writer().delete_trace(trace_id(1))
    engine.append(span(2, 1, input="after " * 100), span(2, 2, input="tiny"))
    index(engine)
    assert fitting(engine, "input:after") == [(2, 1)]
    assert fitting(engine, "input:tiny") == [(2, 2)]
    assert words_in(engine, "payload_words", "before") == []


def test_a_span_is_indexed_when_it_is_over_and_found_before(engine):
    engine.append(span(1, 1, took=None, input="waiting"))
    index(engine)
    assert words_in(engine, "span_words", "waiting") == []
    assert fitting(engine, "input:waiting") == [(1, 1)]
    engine.append(span(1, 1, input="waiting", output="over"))
    assert fitting(engine, "output:over") == [(1, 1)]
    index(engine)
    assert words_in(engine, "span_words", "over") == [1]


def test_an_index_is_made_anew_where_it_is_damaged_gone_or_of_another_store(engine):
    engine.append(span(1, 1, input="here"))
    index(engine)
    path = path_of(str(engine.place))
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 100_000)
    assert fitting(engine, "input:here") == [(1, 1)]
    index(engine)
    assert words_in(engine, "span_words", "here") == [1]
    path.unlink()
    assert fitting(engine, "input:here") == [(1, 1)]
    index(engine)
    assert words_in(engine, "span_words", "here") == [1]
    textnotes.path_of(str(engine.place)).unlink()
    engine.append(span(1, 1, input="there", revision=1))
    assert fitting(engine, "input:there") == [(1, 1)]
    index(engine)
    assert words_in(engine, "span_words", "there") == [1]


def test_an_index_of_another_store_is_not_believed(engine):
    engine.append(span(1, 1, input="old"))
    index(engine)
    for end in ("", "-wal", "-shm"):
        Path(f"{engine.place}{end}").unlink(missing_ok=True)
    engine.append(span(7, 7, input="new"))
    index(engine)
    assert words_in(engine, "span_words", "old") == []
    assert fitting(engine, "input:new") == [(7, 7)]


def test_of_a_huge_text_the_beginning_is_indexed_and_the_rest_is_found(engine):
    engine.append(span(1, 1, output="word " * 100_000 + "end"), span(1, 2, output="nothing"))
    index(engine)
    assert words_in(engine, "payload_words", "end") == []
    assert fitting(engine, "output:end") == [(1, 1)]
    assert textsought.Sought(str(engine.place)).candidates(
        reading(engine)._opened(), "output", parse("output:end").value, 10
    ) == {1}


def test_notes_that_were_done_are_not_done_twice(engine, monkeypatch):
    engine.append(span(1, 1, input="one"), span(1, 2, input="two"))
    index(engine)
    engine.append(span(1, 1, input="uno", revision=1))
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)  # as if it died before its last step
    index(engine, 1)
    monkeypatch.undo()
    engine.append(span(1, 2, input="due", revision=1))
    index(engine)
    assert [words_in(engine, "span_words", word) for word in ("one", "two", "uno", "due")] == [
        [],
        [],
        [1],
        [2],
    ]
    assert fitting(engine, "input:uno OR input:due") == [(1, 1), (1, 2)]


def test_a_transaction_that_is_rolled_back_takes_nothing_out_of_the_index(engine, monkeypatch):
    engine.append(span(1, 1, input="kept"))
    index(engine)
    writer = engine.writer()

    def fails(*_: Any) -> None:
        raise sqlite3.OperationalError("no")

    monkeypatch.setattr("flightlog.store.sqlite.deletion.PayloadBatch.write", fails)
    with pytest.raises(Exception, match="no"):
        writer.delete_trace(trace_id(1))
    monkeypatch.undo()
    index(engine)
    assert words_in(engine, "span_words", "kept") == [1]
    assert fitting(engine, "input:kept") == [(1, 1)]
    assert span_id(1)
