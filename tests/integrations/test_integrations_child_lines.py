"""Bytes as lines: what is kept of a line, however its bytes arrive."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlog.integrations.child_lines import KEY, LINE_BYTES, OVERLAP, Lines


def _lines(*pieces):
    lines = Lines()
    found = [text for piece in pieces for text, _ in lines.feed(piece)]
    return [*found, *(text for text, _ in lines.end())]


CASES = {
    b"": [],
    b"a\nb\n": ["a", "b"],
    b"a\nb": ["a", "b"],
    b"a\r\nb\r\n": ["a", "b"],
    b"\n\na\n": ["", "", "a"],
    b"10%\r20%\r30%\n": ["30%"],
    b"10%\r20%\r": ["20%"],
    b"long line\rshort\n": ["short"],
    b"\x1b[31mred\x1b[0m \x1b]0;title\x07x\x1b]8;;http://h\x1b\\link\n": ["red xlink"],
    b"caf\xc3\xa9 \xff\xfe \x00\n": ["café \ufffd\ufffd "],
    b"a\x00b\x07\x0ec\td\n": ["abc\td"],
    b"N\bNA\bAME\b\b\bx\n": ["NxME"],
    b"\b\ba|\b/\b\n": ["a/"],
    b"\xe2\x82\n\xac\n": ["\ufffd", "\ufffd"],
}


@pytest.mark.parametrize("data", CASES)
def test_lines_are_what_stands_there_in_the_end(data):
    assert _lines(data) == CASES[data]


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=6))
def test_how_the_bytes_arrive_makes_no_difference(data, cuts):
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in pairwise(edges)]
    assert _lines(*pieces) == _lines(data)


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"], codec="utf-8"), min_size=1), max_size=8)
)
def test_plain_lines_come_back_as_they_were(texts):
    assert _lines("".join(f"{text}\n" for text in texts).encode()) == texts


def test_a_line_without_end_takes_no_more_memory_than_is_kept():
    lines = Lines()
    for _ in range(200):
        assert list(lines.feed(b"x" * 65536)) == []
    ((text, cut),) = lines.feed(b"\n")
    assert len(text) == LINE_BYTES + OVERLAP
    assert cut == 200 * 65536 - LINE_BYTES


def test_a_progress_bar_without_end_leaves_its_last_state():
    lines = Lines()
    for number in range(10_000):
        assert list(lines.feed(b"%d of 10000\r" % number)) == []
    assert [text for text, _ in lines.feed(b"\n")] == ["9999 of 10000"]


def test_a_private_key_is_taken_out_of_the_lines_that_it_takes():
    word = "PRIVATE" + " KEY"
    data = f"before\nx -----BEGIN RSA {word}-----\nMIIEabc\nZZZ=\n-----END RSA {word}-----\nafter\n"
    assert _lines(data.encode()) == ["before", f"x {KEY}", KEY, KEY, KEY, "after"]
    lines = Lines()
    assert list(lines.feed(b"first\n")) == [("first", 0)]
    lines.skip(f"much\n-----BEGIN {word}-----\n".encode())
    assert [text for text, _ in lines.feed(b"MIIEabc\n")] == [KEY]
