"""Payloads that are packed behind the beginning of their conversation: what they take, and what they never need."""

from __future__ import annotations

import random
import sqlite3
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.store_lines import PROCESS, Engine, span, trace_id
from flightlog.records.errors import StoreError
from flightlog.records.line import Line
from flightlog.store import conversations, payloads
from flightlog.store.conversations import divide
from flightlog.store.payloads import BEFORE_BYTES, BEHIND_BYTES, DEEPEST, DEPTH, pack, unpack
from flightlog.store.port import Chunk
from flightlog.store.sqlite import textindex, verify
from flightlog.store.sqlite.numbered import CONNECTION
from flightlog.store.sqlite.wholes import BEFORE, standing_alone, whole_payloads

CHANCE = random.Random(5)
VOCABULARY = ["".join(CHANCE.choices("etaoinshrdlucm", k=CHANCE.randint(2, 9))) for _ in range(3000)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path / "store.db")
    yield engine
    engine.close()


def _said(seed: int, words: int = 160) -> dict[str, str]:
    chance = random.Random(seed)
    role = "assistant" if seed % 2 else "user"
    return {"role": role, "content": " ".join(chance.choices(VOCABULARY, k=words))}


def _chat(messages: int, first: int = 0) -> list[dict[str, str]]:
    return [_said(seed) for seed in range(first, first + messages)]


def _call(trace: int, messages: list[dict[str, str]], name: str = "messages") -> Line:
    return span(trace, len(messages), kind="llm", at=len(messages), input={name: messages})


def _rows(store: Engine, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(store.place)) as connection:
        return connection.execute(statement).fetchall()


def _inputs(store: Engine, trace: int) -> list[Any]:
    return [found.input for found in store.reader().spans(trace_id(trace))]


def _own_texts(store: Engine) -> bytes:
    """All that the rows of payloads say."""
    with closing(sqlite3.connect(store.place, factory=CONNECTION)) as connection:
        rows = connection.execute("SELECT id, dictionary, z FROM payloads").fetchall()
        return b"\n".join(unpack(frame, how) for _, how, frame in standing_alone(connection, rows))


# -- what is packed behind what -----------------------------------------------------------------------------------


def test_a_list_is_packed_behind_its_first_8_and_32_kib() -> None:
    messages = _chat(60)
    data = msgspec.json.encode({"messages": messages})
    division = divide(data)
    assert division is not None
    ends = [end for _, end in division.pieces]
    assert division.befores == [max(end for end in ends if end <= size) for size in BEFORE_BYTES]
    longer = divide(msgspec.json.encode({"messages": [*messages, *_chat(9, 60)]}))
    assert longer is not None
    assert longer.befores == division.befores


@pytest.mark.parametrize("first", [20, BEFORE_BYTES[-1] + 1])
def test_what_begins_with_little_or_with_too_much_is_packed_behind_nothing(first: int) -> None:
    data = msgspec.json.encode({"messages": [{"content": "x" * first}, {"content": "y" * 99_999}, *_chat(2)]})
    division = divide(data)
    assert division is not None
    assert division.befores == []


@pytest.mark.parametrize("together", [True, False])
def test_a_conversation_is_packed_behind_its_beginnings_and_comes_back(store: Engine, together: bool) -> None:
    requests = [_chat(count) for count in range(1, 60, 2)]
    lines = [_call(1, request) for request in requests]
    store.append_chunks(*([Chunk(PROCESS, lines)] if together else [Chunk(PROCESS, [x]) for x in lines]))
    behind = _rows(store, f"SELECT part, count(*) FROM payload_parts WHERE place = {BEFORE} GROUP BY part")
    assert [count for _, count in behind] == [pytest.approx(23, abs=3), pytest.approx(28, abs=3)]
    assert _inputs(store, 1) == [{"messages": request} for request in requests]
    assert store.reader().verify() == []


def test_a_conversation_takes_a_twentieth_of_its_requests_each_as_one_payload(tmp_path: Path) -> None:
    """In bytes of payloads and in bytes of the file, though each whole request is compressed, too."""
    sizes = {}
    for name in ("messages", "whole", "nothing"):
        engine = Engine(tmp_path / f"{name}.db")
        requests = [_chat(count) for count in range(1, 100, 2)]
        engine.append(*(_call(1, request if name != "nothing" else [], name) for request in requests))
        engine.close()
        sizes[name] = (engine.reader().sizes().payload_bytes, engine.place.stat().st_size)
        engine.close()
    payload, file = (sizes["messages"][at] - sizes["nothing"][at] for at in (0, 1))
    whole_payload, whole_file = (sizes["whole"][at] - sizes["nothing"][at] for at in (0, 1))
    assert payload < 0.045 * whole_payload
    assert file <= 0.05 * whole_file


def test_short_messages_are_packed_behind_their_beginning_too(store: Engine) -> None:
    messages = [_said(seed, 30) for seed in range(100)]
    for count in range(1, 101, 3):
        store.append(_call(1, messages[:count]))
    ((behind,),) = _rows(store, f"SELECT count(*) FROM payload_parts WHERE place = {BEFORE}")
    assert behind > 10
    assert _inputs(store, 1) == [{"messages": messages[:count]} for count in range(1, 101, 3)]


def test_a_text_that_is_long_itself_is_packed_behind_nothing(store: Engine) -> None:
    long = {"role": "tool", "content": "x" * BEHIND_BYTES}
    request = [*_chat(12), long, *_chat(2, 12)]
    store.append(_call(1, request))
    behind = "SELECT max(size) FROM payloads JOIN payload_parts ON whole = id AND place < 0"
    assert _rows(store, behind)[0][0] < BEHIND_BYTES
    assert _inputs(store, 1) == [{"messages": request}]


def test_a_conversation_that_an_earlier_version_began_goes_on(
    store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(conversations, "BEFORE_BYTES", ())
        store.append(*(_call(1, _chat(count)) for count in range(1, 20)))
    assert _rows(store, "SELECT max(dictionary) FROM payloads") == [(1,)]
    for count in range(20, 60):
        store.append(_call(1, _chat(count)))
    assert _rows(store, "SELECT max(dictionary) > 1 FROM payloads") == [(1,)]
    assert _inputs(store, 1) == [{"messages": _chat(count)} for count in range(1, 60)]
    assert store.reader().verify() == []


# -- how deep reading goes ----------------------------------------------------------------------------------------


def test_reading_goes_two_deep_however_many_conversations_pass_a_message_on(store: Engine) -> None:
    """Each conversation begins with what the one before it ended with, and with little that is its own."""
    requests = [_chat(12)]
    store.append(_call(1, requests[0]))
    for number in range(1, 12):
        requests.append([*requests[-1][-3:], *_chat(40, 100 * number)])
        store.append(_call(number + 1, requests[-1]))
    assert _rows(store, f"SELECT max(dictionary) / {DEPTH} FROM payloads") == [(DEEPEST,)]
    for number, request in enumerate(requests, 1):
        assert _inputs(store, number) == [{"messages": request}]
    assert store.reader().verify() == []


def _tamper(store: Engine, *statements: str) -> None:
    with closing(sqlite3.connect(store.place, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_file_in_which_reading_goes_deeper_is_damaged(store: Engine) -> None:
    store.append(_call(1, _chat(40)))
    ids = "SELECT id, row_number() OVER (ORDER BY id) AS at FROM payloads WHERE size BETWEEN 512 AND 2000"
    _tamper(
        store,
        "DELETE FROM payload_parts WHERE place < 0",
        f"INSERT INTO payload_parts SELECT a.id, {BEFORE}, b.id FROM ({ids}) a JOIN ({ids}) b ON b.at = a.at - 1",
    )
    with pytest.raises(StoreError, match="damaged"):
        _inputs(store, 1)


def test_a_file_in_which_something_is_packed_behind_too_much_is_damaged(store: Engine) -> None:
    store.append(span(1, 1, input="x" * (BEFORE_BYTES[-1] + 1)))
    store.append(_call(2, _chat(12, 900)))
    last = "(SELECT payload FROM payload_refs ORDER BY payload DESC LIMIT 1)"
    long = "(SELECT id FROM payloads ORDER BY size DESC LIMIT 1)"
    _tamper(store, f"INSERT OR REPLACE INTO payload_parts VALUES ({last}, {BEFORE}, {long})")
    with pytest.raises(StoreError, match="too long"):
        _inputs(store, 2)


def test_a_number_that_says_deeper_than_this_version_goes_asks_for_another_version() -> None:
    (frame,) = pack([b"x" * 600])
    with pytest.raises(StoreError, match="upgrade"):
        unpack(frame, DEPTH * (DEEPEST + 1) + 1)


# -- what a deletion leaves ---------------------------------------------------------------------------------------


def test_a_deletion_leaves_no_word_of_a_beginning_that_others_are_packed_behind(store: Engine) -> None:
    """A document that two conversations quote is packed behind the first of them, which then goes."""
    document = _said(7_777)
    secret = [
        {"role": "user", "content": f"secret-{number} {_said(number)['content']}"} for number in range(30)
    ]
    store.append(_call(1, [*secret, document, *_chat(2, 40)]))
    other = [*_chat(3, 50), document]
    store.append(_call(2, other))
    assert b"secret-3" in _own_texts(store)
    store.writer().delete_trace(trace_id(1))
    assert b"secret" not in _own_texts(store)
    assert _rows(store, "SELECT count(*) FROM payload_parts WHERE place < 0") == [(0,)]
    assert _inputs(store, 2) == [{"messages": other}]
    assert store.reader().verify() == []
    store.writer().delete_trace(trace_id(2))
    assert _rows(store, "SELECT count(*) FROM payloads") == [(0,)]
    assert store.reader().sizes().payload_bytes == 0


def test_whoever_sees_a_payload_go_can_read_it_without_another(store: Engine) -> None:
    store.append(_call(1, _chat(60)))
    before = _own_texts(store)
    gone: list[bytes] = []
    writer = store.writer()
    connection = writer._connection  # type: ignore[attr-defined]  # a trigger sees a row as it goes
    connection.create_function("going", 2, lambda how, frame: gone.append(unpack(frame, how)))
    connection.execute(
        "CREATE TEMP TRIGGER goes BEFORE DELETE ON payloads BEGIN SELECT going(old.dictionary, old.z); END"
    )
    writer.delete_trace(trace_id(1))
    assert b"\n".join(gone) == before


@pytest.mark.skipif(not textindex.is_possible(), reason="this SQLite has no FTS5")
def test_what_is_said_late_is_found_by_its_words_until_it_is_deleted(store: Engine) -> None:
    store.append(_call(1, [*_chat(59), {"role": "user", "content": "unmistakably " + _said(60)["content"]}]))
    with closing(textindex.TextIndex(str(store.place))) as index:
        while index.step().more:
            pass
        found = _matches(store)
        store.writer().delete_trace(trace_id(1))
        while index.step().more:
            pass
        assert (found, _matches(store)) == (1, 0)


def _matches(store: Engine) -> int:
    with closing(sqlite3.connect(textindex.path_of(str(store.place)))) as connection:
        (count,) = connection.execute("SELECT count(*) FROM payload_words('unmistakably')").fetchone()
    return int(count)


def test_a_conversation_with_a_damaged_beginning_can_be_deleted(store: Engine) -> None:
    store.append(_call(1, _chat(60)))
    _tamper(store, "UPDATE payloads SET z = x'00' WHERE id = 1")
    with pytest.raises(StoreError):
        _inputs(store, 1)
    store.writer().delete_trace(trace_id(1))
    assert _rows(store, "SELECT (SELECT count(*) FROM payloads) + count(*) FROM payload_parts") == [(0,)]


def test_rows_stand_alone_when_they_were_packed_behind_others(store: Engine) -> None:
    messages = _chat(60)
    store.append(_call(1, messages))
    texts = _own_texts(store).split(b"\n")
    assert {msgspec.json.encode(message) for message in messages} <= set(texts)


_ITEMS = st.integers(0, 40).map(lambda seed: _said(seed, 20 + 40 * (seed % 4)))
_STEPS = st.lists(
    st.tuples(st.integers(1, 3), st.lists(_ITEMS, min_size=1, max_size=9), st.booleans()),
    min_size=1,
    max_size=14,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_STEPS, st.integers(1, 6), st.permutations([1, 2, 3]))
def test_conversations_come_back_whatever_goes_before_them(
    steps: list[tuple[int, list[dict[str, str]], bool]], batch: int, going: list[int]
) -> None:
    """Conversations grow side by side or begin anew, in batches of any size, and go one after the other."""
    chats: dict[int, list[dict[str, str]]] = {}
    expected: dict[int, list[Any]] = {}
    lines = []
    for number, (trace, new, again) in enumerate(steps, 1):
        chats[trace] = new if again else [*chats.get(trace, []), *new]
        expected.setdefault(trace, []).append({"messages": chats[trace]})
        lines.append(span(trace, number, kind="llm", at=number, input={"messages": chats[trace]}))
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(conversations, "BEFORE_BYTES", (1500, 4000))
        engine = Engine(Path(directory) / "store.db")
        for first in range(0, len(lines), batch):
            engine.append(*lines[first : first + batch])
        for trace in going:
            assert {one: _inputs(engine, one) for one in expected} == expected
            assert engine.reader().verify() == []
            engine.writer().delete_trace(trace_id(trace))
            expected.pop(trace, None)
        assert _rows(engine, "SELECT (SELECT count(*) FROM payloads) + count(*) FROM payload_parts") == [(0,)]
        engine.close()


@pytest.mark.parametrize("room", [0, 20_000])
def test_verification_looks_at_each_payload_however_few_are_put_together_at_a_time(
    store: Engine, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    monkeypatch.setattr(verify, "_PAGE_BYTES", room)
    store.append(*(_call(1, _chat(count)) for count in range(1, 30)))
    assert store.reader().verify() == []
    numbers = "1, 40, (SELECT max(id) FROM payloads)"
    _tamper(store, f"UPDATE payloads SET hash = CAST(printf('%016d', id) AS BLOB) WHERE id IN ({numbers})")
    assert [found.table for found in store.reader().verify()] == ["payloads"] * 3


# -- threads ------------------------------------------------------------------------------------------------------


def test_threads_pack_and_unpack_at_once() -> None:
    """A compressor or a decompressor that two threads use at once ends the process."""
    values = [" ".join(random.Random(seed).choices(VOCABULARY, k=40_000)).encode() for seed in range(4)]

    def work(value: bytes) -> bool:
        short = value[:3000]
        return all(
            unpack(*pack([value])) == value
            and unpack(pack([short], value[:9000])[0], 3, value[:9000]) == short
            for _ in range(15)
        )

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, values))


def test_what_was_packed_behind_a_text_is_unpacked_behind_it() -> None:
    before = msgspec.json.encode(_chat(8))
    value = msgspec.json.encode(_said(3))
    (frame,) = pack([value], before)
    assert unpack(frame, 3, before) == value
    assert len(frame) < len(pack([value])[0]) / 2
    assert payloads.unpack(value, 4) == value


def test_whole_payloads_of_nothing_are_nothing(store: Engine) -> None:
    store.append(_call(1, _chat(3)))
    with closing(sqlite3.connect(store.place, factory=CONNECTION)) as connection:
        assert whole_payloads(connection, []) == {}
