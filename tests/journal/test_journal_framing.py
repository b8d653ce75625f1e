"""Whatever the bytes are, exactly the complete records come out, in order, each once."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from flightlog.journal.framing import first_record, frame, scan, split_clean

RECORD = re.compile(rb"\x1e([^\0\x1e\n]+)\n")
"""The definition of a complete record, as the architecture states it."""

texts = st.binary(min_size=1, max_size=40).map(lambda b: b.translate(None, b"\0\x1e\n") or b"x")
scraps = st.one_of(
    texts.map(frame),
    texts.map(lambda text: frame(text)[1:]),
    texts.map(lambda text: frame(text)[:-1]),
    texts.map(lambda text: b"\0" * (len(text) // 2) + frame(text)[len(text) // 2 :]),
    st.integers(1, 20).map(bytes),
    st.sampled_from([b"\x1e\n", b"\x1e", b"\n", b"\x1e\x1e", b"\n\n", b"\r\n"]),
    st.binary(max_size=20),
)
bytes_of_any_kind = st.lists(scraps, max_size=12).map(b"".join)


@given(st.lists(texts, min_size=1))
def test_complete_records_alone_are_split_clean(lines: list[bytes]) -> None:
    assert split_clean(b"".join(map(frame, lines))) == lines


@given(bytes_of_any_kind)
def test_bytes_are_split_clean_if_and_only_if_they_are_complete_records_alone(data: bytes) -> None:
    expected = RECORD.findall(data)
    is_clean = bool(expected) and b"".join(map(frame, expected)) == data
    assert split_clean(data) == (expected if is_clean else None)


@given(bytes_of_any_kind)
def test_a_scan_finds_exactly_what_the_definition_says(data: bytes) -> None:
    found = scan(data, 1 << 30, passes=1 << 30)
    matches = list(RECORD.finditer(data))
    assert found.lines == [match[1] for match in matches]
    assert found.end == (matches[-1].end() if matches else 0)
    ends = [0, *(match.end() for match in matches)]
    assert found.gaps == sum(match.start() > end for match, end in zip(matches, ends, strict=False))


@given(bytes_of_any_kind, st.integers(0, 3))
def test_a_scan_stops_at_the_first_gap_that_it_may_not_pass(data: bytes, passes: int) -> None:
    whole = scan(data, 1 << 30, passes=1 << 30)
    found = scan(data, 1 << 30, passes=passes)
    assert found.blocked == (whole.gaps > passes)
    assert found.gaps == min(whole.gaps, passes)
    assert found.lines == whole.lines[: len(found.lines)]
    assert found.blocked or found.lines == whole.lines


@given(bytes_of_any_kind, st.integers(1, 60))
def test_scans_with_a_limit_give_together_what_one_scan_gives(data: bytes, limit: int) -> None:
    lines: list[bytes] = []
    place = gaps = 0
    while (found := scan(data[place:], limit, passes=1 << 30)).lines:
        lines += found.lines
        gaps += found.gaps
        place += found.end
    whole = scan(data, 1 << 30, passes=1 << 30)
    assert (lines, place, gaps) == (whole.lines, whole.end, whole.gaps)


@given(bytes_of_any_kind)
def test_the_first_record_is_one_that_stands_at_the_very_beginning(data: bytes) -> None:
    match = RECORD.match(data)
    assert first_record(data) == (match[1] if match else None)
