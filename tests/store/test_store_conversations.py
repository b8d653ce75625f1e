"""Requests that share their messages: where they come apart, and that they are the same again afterwards."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.store_lines import PROCESS, Engine, span, trace_id
from flightlog.records.errors import StoreError
from flightlog.records.line import Line
from flightlog.store.conversations import MOST_ENDS, Division, divide
from flightlog.store.payloads import address, running_addresses
from flightlog.store.port import Chunk
from flightlog.store.sqlite.connect import APPLICATION_ID
from flightlog.store.sqlite.numbered import CONNECTION
from flightlog.store.sqlite.wholes import whole_payloads

LONG = "What the weather was like on each of these days, and what it may be like tomorrow. " * 9


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path / "store.db")
    yield engine
    engine.close()


def _message(number: int, text: str = LONG) -> dict[str, str]:
    return {"role": "user", "content": f"{number}: {text}"}


def _request(turns: int, **others: Any) -> dict[str, Any]:
    return {"messages": [_message(number) for number in range(turns)], **others}


def _turn(turns: int, *, trace: int = 1, **others: Any) -> Line:
    return span(trace, turns, kind="llm", at=turns, input=_request(turns, **others))


def _slices(data: bytes, division: Division | None) -> list[bytes]:
    assert division is not None
    return [data[begin:end] for begin, end in division.pieces]


def _count(store: Engine, table: str) -> int:
    with closing(sqlite3.connect(store.place)) as connection:
        (found,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(found)


# -- where a value comes apart ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["messages", "input", "output", "contents"])
@pytest.mark.parametrize("space", ["", " ", "\n\t"])
def test_each_long_message_is_a_piece_however_its_list_is_called_and_spaced(name: str, space: str) -> None:
    messages = [msgspec.json.encode(_message(number, "é" + LONG)) for number in range(4)]
    between = f",{space}".encode()
    data = b'{"model":"m","%b":%b[%b]}' % (name.encode(), space.encode(), between.join(messages))
    assert _slices(data, divide(data)) == messages


def test_a_short_message_stays_between_the_pieces() -> None:
    data = msgspec.json.encode({"messages": [_message(1), _message(2, ""), _message(3), _message(4)]})
    assert _slices(data, divide(data)) == [msgspec.json.encode(_message(number)) for number in (1, 3, 4)]


def test_what_is_said_with_every_call_is_one_piece() -> None:
    tools = [{"type": "function", "function": {"name": f"f{number}"}} for number in range(40)]
    mention = {"role": "user", "content": 'what are "tools"?', "tools": "tools"}
    data = msgspec.json.encode(
        {"system": LONG, "messages": [mention, _message(1), _message(2)], "tools": tools, "temperature": 0}
    )
    assert _slices(data, divide(data)) == list(
        map(msgspec.json.encode, [LONG, _message(1), _message(2), tools])
    )


def test_a_growing_list_ends_where_each_of_its_last_elements_does() -> None:
    data = msgspec.json.encode(_request(MOST_ENDS + 5))
    division = divide(data)
    assert division is not None
    assert division.ends == [end for _, end in division.pieces[-MOST_ENDS:]]
    assert list(running_addresses(data, division.ends)) == [address(data[:end]) for end in division.ends]


@pytest.mark.parametrize(
    "value",
    [
        _request(1),
        {"messages": [_message(1, LONG * 9)]},
        {"messages": LONG * 9},
        {"input": list(range(5000))},
        {"input": ["a text to embed"] * 500},
        {"messages": []},
        {"question": LONG * 9},
        {"messages": [{"role": "system", "content": "Be kind."}, _message(1, LONG * 9)]},
        [_message(number) for number in range(9)],
        "messages" * 900,
    ],
)
def test_what_no_other_request_shares_stays_whole(value: object) -> None:
    assert divide(msgspec.json.encode(value)) is None


# -- what comes back ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("backwards", [True, False])
def test_every_request_comes_back_in_whatever_order_it_came(
    store: Engine, together: bool, backwards: bool
) -> None:
    lines = [_turn(turns, tools=[LONG]) for turns in range(1, 12)]
    if backwards:
        lines.reverse()
    store.append_chunks(*([Chunk(PROCESS, lines)] if together else [Chunk(PROCESS, [x]) for x in lines]))
    found = [msgspec.json.encode(one.input) for one in store.reader().spans(trace_id(1))]
    assert found == [msgspec.json.encode(_request(turns, tools=[LONG])) for turns in range(1, 12)]
    assert store.reader().verify() == []


def test_a_chat_of_a_thousand_turns_comes_back(store: Engine) -> None:
    """Each turn is put together out of the one before; nothing that walks along them is recursive."""
    small = [{"role": "user", "content": f"{number} {'x' * 90}"} for number in range(1000)]
    writer = store.writer()
    for turns in range(900, 1001):
        writer.append([Chunk(PROCESS, [span(1, turns, input={"messages": small[:turns]}, at=turns)])])
    spans = store.reader().spans(trace_id(1))
    assert [one.input for one in spans] == [{"messages": small[:turns]} for turns in range(900, 1001)]
    assert (
        writer.delete_trace(trace_id(1)).payloads == 2 * 101 + 2
    )  # each list and itself, and what others are behind
    assert _count(store, "payload_parts") == 0


def test_each_turn_adds_its_message_its_list_and_itself(store: Engine) -> None:
    lines = [_turn(turns) for turns in range(1, 41)]
    store.append(*lines[:20])
    store.append(*lines[20:])
    assert _count(store, "payload_refs") == 40
    assert store.reader().sizes().payloads <= 3 * 40
    assert _count(store, "payload_parts") <= 4 * 40


def test_two_conversations_share_the_messages_that_they_share(store: Engine) -> None:
    store.append(*(_turn(turns) for turns in range(4, 8)))
    before = store.reader().sizes().payloads
    other = {"temperature": 1, **_request(7)}
    store.append(span(2, 1, input=other))
    assert store.reader().sizes().payloads == before + 2  # its list as it stands, and itself
    assert store.reader().spans(trace_id(2))[0].input == other


def test_a_message_counts_once_where_it_is_said_twice(store: Engine) -> None:
    request = {"messages": [_message(1), _message(1), _message(1), _message(1)]}
    store.append(span(1, 1, input=request))
    assert store.reader().sizes().payloads == 3
    assert store.reader().spans(trace_id(1))[0].input == request


def test_projects_share_no_message(store: Engine) -> None:
    store.append(_turn(5), _turn(5, trace=2), span(3, 1, input=_request(5), project="other"))
    assert store.reader().sizes().payloads == 14
    with closing(sqlite3.connect(store.place)) as connection:
        counts = connection.execute("SELECT count(*) FROM payloads GROUP BY project").fetchall()
    assert counts == [(7,), (7,)]


# -- what goes, and what stays --------------------------------------------------------------------------------------


def test_a_deletion_leaves_what_another_conversation_is_put_together_out_of(store: Engine) -> None:
    store.append(*(_turn(turns) for turns in range(1, 6)))
    store.append(_turn(6, trace=2))
    store.writer().delete_trace(trace_id(1))
    assert store.reader().verify() == []
    assert store.reader().spans(trace_id(2))[0].input == _request(6)
    store.writer().delete_trace(trace_id(2))
    assert (_count(store, "payloads"), _count(store, "payload_parts")) == (0, 0)
    assert store.reader().sizes().payload_bytes == 0


def test_a_line_that_supersedes_another_leaves_no_message_behind(store: Engine) -> None:
    store.append(span(1, 1, took=None, input=_request(5)))
    store.append(span(1, 1, input=_request(7)))
    store.append(span(1, 1, input="short", revision=1))
    assert (_count(store, "payloads"), _count(store, "payload_parts")) == (0, 0)
    assert store.reader().verify() == []


def test_a_part_that_is_gone_is_named_and_an_error_of_the_store(store: Engine) -> None:
    store.append(_turn(5))
    with closing(sqlite3.connect(store.place, isolation_level=None)) as connection:
        connection.execute("DELETE FROM payloads WHERE id = 1")
    assert {found.table for found in store.reader().verify()} >= {"payloads", "payload_parts"}
    with pytest.raises(StoreError, match="is gone"):
        store.reader().spans(trace_id(1))


def test_nothing_can_be_put_together_out_of_itself(store: Engine) -> None:
    store.append(_turn(5))
    with closing(sqlite3.connect(store.place)) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO payload_parts VALUES (1, 0, 1)")


# -- stores of the first version ------------------------------------------------------------------------------------


def _first_version(place: Path) -> None:
    """A store as the first release left it: one payload for each request, and no table of a later one."""
    newest = Engine(place.with_name("newest.db"))
    newest.append(span(1, 1, input=LONG * 5, output="fine"))
    newest.close()
    step = (
        files("flightlog.store.sqlite").joinpath("migrations", "0001_first.sql").read_text(encoding="utf-8")
    )
    with closing(sqlite3.connect(place, isolation_level=None)) as connection:
        connection.executescript(step.replace("INSERT INTO totals", "-- INSERT INTO totals"))
        connection.execute("ATTACH ? AS newest", (str(newest.place),))
        tables = connection.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            rows = connection.execute(f"PRAGMA main.table_info({table})").fetchall()
            columns = ", ".join(f'"{name}"' for _, name, *_ in rows)
            connection.execute(f"INSERT INTO main.{table} SELECT {columns} FROM newest.{table}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")


def test_a_store_of_the_first_version_is_migrated_by_whoever_opens_it(store: Engine) -> None:
    _first_version(store.place)
    (found,) = store.reader().spans(trace_id(1))
    assert (found.input, found.output) == (LONG * 5, "fine")
    store.append(*(_turn(turns, trace=2) for turns in range(3, 6)))
    assert [one.input for one in store.reader().spans(trace_id(2))] == [_request(n) for n in range(3, 6)]
    store.writer().delete_trace(trace_id(1))
    assert store.reader().verify() == []


def test_a_store_of_the_first_version_that_cannot_be_written_is_read_as_it_is(
    store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    _first_version(store.place)
    before = store.place.read_bytes()
    monkeypatch.setattr("os.access", lambda *_: False)
    (found,) = store.reader().spans(trace_id(1))
    assert found.input == LONG * 5
    assert store.reader().verify() == []
    assert store.place.read_bytes() == before


# -- whatever comes -------------------------------------------------------------------------------------------------

_names = st.sampled_from(["messages", "input", "tools", "system", "x", '"messages":[{', 'a"tools":['])
_text = st.one_of(
    _names, st.sampled_from([LONG, "é" * 300, '[{"messages":[{', "}]}", "\\", "\x00", "x" * 505])
)
_any: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.integers(0, 9), _text),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_names, inner, max_size=4)),
    max_leaves=14,
)
_messages = st.lists(
    st.one_of(st.dictionaries(_names, _any, max_size=3), st.builds(_message, st.integers(1, 3)))
)
_requests = st.lists(
    st.tuples(_names, st.one_of(_messages, _any, st.just(_request(3)["messages"]))), min_size=1, max_size=4
)


def _json(fields: Sequence[tuple[str, Any]], space: bytes) -> bytes:
    """An object whose names may come twice."""
    pairs = (msgspec.json.encode(name) + b":" + space + msgspec.json.encode(value) for name, value in fields)
    return b"{" + (b"," + space).join(pairs) + b"}"


def _with_input(number: int, value: bytes) -> Line:
    return Line(span(1, number, input=0).replace(b'"input":0', b'"input":' + value))


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(st.lists(st.tuples(_requests, st.sampled_from([b"", b" "])), min_size=1, max_size=5), st.booleans())
def test_any_value_comes_back_byte_for_byte(
    values: list[tuple[Sequence[tuple[str, Any]], bytes]], together: bool
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        engine = Engine(Path(directory) / "store.db")
        given_ = [_json(*value) for value in values]
        lines = [_with_input(number, value) for number, value in enumerate(given_, 1)]
        engine.append_chunks(*([Chunk(PROCESS, lines)] if together else [Chunk(PROCESS, [x]) for x in lines]))
        assert _stored_inputs(engine) == given_
        assert engine.reader().verify() == []
        engine.writer().delete_trace(trace_id(1))
        assert (_count(engine, "payloads"), _count(engine, "payload_parts")) == (0, 0)
        engine.close()


def _stored_inputs(engine: Engine) -> list[bytes]:
    """The bytes of each input, before anything decodes them."""
    with closing(sqlite3.connect(engine.place, factory=CONNECTION)) as connection:
        rows = connection.execute(
            "SELECT s.input, r.payload FROM spans s LEFT JOIN payload_refs r ON r.span = s.id"
            " ORDER BY s.start, s.span_id"
        ).fetchall()
        wholes = whole_payloads(connection, {payload for _, payload in rows if payload})
    return [wholes[payload] if inline is None else inline.encode() for inline, payload in rows]
