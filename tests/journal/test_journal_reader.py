"""Reading: no line is missed and none comes twice, whatever happened to the files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journal_kit import PROCESS_ID, Clock, head, line, opened, read_all, segment
from test_journal_framing import RECORD, bytes_of_any_kind, texts

from flightlog.journal.framing import frame
from flightlog.journal.reader import GAP_SECONDS, Journal, backlog, journals
from flightlog.records.cursor import Cursor
from flightlog.settings import KIB

HEAD = frame(head())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One directory for all examples of a property; each replaces the journal of the one before."""
    return tmp_path_factory.mktemp("property")


def torn_in(content: bytes) -> int:
    """Runs of bytes that belong to no complete record; zeros at the end are not written yet."""
    ends = [0]
    gaps = 0
    for match in RECORD.finditer(content):
        gaps += match.start() > ends[-1]
        ends.append(match.end())
    return gaps + bool(content[ends[-1] :].strip(b"\0"))


def lay(root: Path, *contents: bytes) -> Journal:
    """A dead journal with these segments."""
    shutil.rmtree(root / PROCESS_ID, ignore_errors=True)
    for number, content in enumerate(contents, 1):
        segment(root, number).write_bytes(content)
    return Journal(root / PROCESS_ID)


@given(contents=st.lists(bytes_of_any_kind, min_size=1, max_size=3), limit=st.integers(1, 200))
def test_a_dead_journal_gives_exactly_its_complete_records(
    place: Path, contents: list[bytes], limit: int
) -> None:
    journal = lay(place, *(HEAD + content for content in contents))
    lines, last = read_all(journal, limit=limit)
    assert lines == [text for content in contents for text in RECORD.findall(content)]
    assert last.torn == sum(map(torn_in, contents))
    assert last.dead
    assert last.process.process_id == PROCESS_ID


@given(lines=st.lists(texts, min_size=1, max_size=8), data=st.data())
def test_a_journal_cut_or_zeroed_anywhere_gives_the_records_that_are_left(
    place: Path, lines: list[bytes], data: st.DataObject
) -> None:
    whole = b"".join(map(frame, lines))
    begin = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(begin, len(whole)))
    kept = whole[:begin] + bytes(end - begin) + whole[end:]
    found, last = read_all(lay(place, HEAD + kept + bytes(100)), limit=data.draw(st.integers(1, 100)))
    assert found == RECORD.findall(kept)
    assert last.torn == torn_in(kept)


def test_a_torn_tail_of_the_dead_is_counted_and_the_zeros_behind_it_are_not(tmp_path: Path) -> None:
    torn = lay(tmp_path, HEAD + frame(b"whole") + b"\x1e{half" + bytes(500))
    lines, last = read_all(torn)
    assert (lines, last.torn, last.dead) == ([b"whole"], 1, True)
    clean = lay(tmp_path, HEAD + frame(b"whole") + bytes(500))
    lines, last = read_all(clean)
    assert (lines, last.torn, last.dead) == ([b"whole"], 0, True)


def test_a_record_whose_copy_lost_its_head_is_torn(tmp_path: Path) -> None:
    lines, last = read_all(lay(tmp_path, HEAD + frame(b"a") + bytes(4) + b'":1}\n' + frame(b"b")))
    assert (lines, last.torn) == ([b"a", b"b"], 1)


def test_the_process_line_is_decoded_and_not_among_the_lines(tmp_path: Path) -> None:
    journal = lay(tmp_path, HEAD + frame(b"a"), HEAD + frame(b"b"))
    first = journal.read(Cursor())
    assert (first.lines, first.process.pid) == ([b"a"], 7)
    assert read_all(journal)[0] == [b"a", b"b"]


def test_the_process_is_known_also_when_reading_begins_in_the_middle(tmp_path: Path) -> None:
    lay(tmp_path, HEAD + frame(b"a") + frame(b"b"))
    batch = Journal(tmp_path / PROCESS_ID).read(Cursor(1, len(HEAD) + 3))
    assert (batch.lines, batch.process.pid) == ([b"b"], 7)


def test_a_lost_process_line_is_found_in_another_segment(tmp_path: Path) -> None:
    journal = lay(tmp_path, bytes(len(HEAD)) + frame(b"a"), HEAD + frame(b"b"))
    assert journal.read(Cursor()).process.pid == 7


def test_without_any_process_line_the_directory_names_the_process(tmp_path: Path) -> None:
    lines, last = read_all(lay(tmp_path, frame(b"a")))
    assert (lines, last.process.process_id, last.process.started) == ([b"a"], PROCESS_ID, 0)


def test_a_line_longer_than_the_limit_comes_out_whole(tmp_path: Path) -> None:
    long = b"x" * 900_000
    lines, _ = read_all(lay(tmp_path, HEAD + frame(b"a") + frame(long) + frame(b"b")), limit=1000)
    assert lines == [b"a", long, b"b"]


def test_a_batch_keeps_to_its_limit(tmp_path: Path) -> None:
    journal = lay(tmp_path, HEAD + frame(b"x" * 98) * 100)
    batch = journal.read(Cursor(), 1000)
    assert 0 < sum(map(len, batch.lines)) <= 1000


def test_with_room_for_less_than_a_record_the_next_one_is_taken_and_no_more_is_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = lay(tmp_path, HEAD + frame(b"a" * 98) + frame(b"b" * 98) + frame(b"c" * 98))
    begin = journal.read(Cursor(), 100).cursor
    monkeypatch.delattr("flightlog.journal.stretch.scan")
    for limit in (1, 99, 100):
        assert journal.read(begin, limit).lines == [b"b" * 98]
    assert journal.read(begin, 101).lines == [b"b" * 98, b"c" * 98]


def test_reading_waits_at_the_tail_of_the_living_and_sees_what_is_added(tmp_path: Path) -> None:
    writer = opened(tmp_path)
    journal = Journal(tmp_path / PROCESS_ID)
    cursor = Cursor()
    for number in range(50):
        writer.write(line(number))
        batch = journal.read(cursor)
        assert batch.lines == [line(number)]
        cursor = batch.cursor
        again = journal.read(cursor)
        assert (again.lines, again.end, again.dead, again.cursor) == ([], True, False, cursor)
    writer.close()
    assert journal.read(cursor).dead


@pytest.mark.parametrize("hole", [bytes(50), b"\x1e{torn", bytes(9) + b"orn}\n", b"\x1e{to\0\0\0n}\n"])
def test_a_hole_of_the_living_is_waited_for_a_second_and_then_stepped_over(
    tmp_path: Path, hole: bytes
) -> None:
    writer = opened(tmp_path)
    writer.write(line(1))
    writer.append(hole)
    writer.write(line(2))
    clock = Clock()
    journal = Journal(tmp_path / PROCESS_ID, clock)
    first = journal.read(Cursor())
    assert (first.lines, first.torn) == ([line(1)], 0)
    waiting = journal.read(first.cursor)
    assert (waiting.lines, waiting.end, waiting.cursor) == ([], True, first.cursor)
    clock.now += GAP_SECONDS * 0.9
    assert journal.read(first.cursor).end
    clock.now += GAP_SECONDS * 0.2
    passed = journal.read(first.cursor)
    assert (passed.lines, passed.torn) == ([line(2)], 1)
    writer.close()


def test_a_hole_that_is_filled_in_time_loses_nothing(tmp_path: Path) -> None:
    writer = opened(tmp_path)
    late = frame(line(2))
    hole = writer.position().offset
    writer.append(bytes(len(late)))
    writer.write(line(3))
    clock = Clock()
    journal = Journal(tmp_path / PROCESS_ID, clock)
    waiting = journal.read(Cursor())
    assert waiting.end
    with (tmp_path / PROCESS_ID / "00000001.seg").open("r+b") as file:
        file.seek(hole)
        file.write(late)
    clock.now += GAP_SECONDS * 2
    assert read_all(journal, waiting.cursor)[0] == [line(2), line(3)]
    writer.close()


def test_what_is_torn_at_the_tail_of_the_living_is_never_stepped_over(tmp_path: Path) -> None:
    writer = opened(tmp_path)
    writer.append(b"\x1e{torn")
    clock = Clock()
    journal = Journal(tmp_path / PROCESS_ID, clock)
    batch = journal.read(Cursor())
    for _ in range(3):
        clock.now += GAP_SECONDS * 2
        batch = journal.read(batch.cursor)
        assert (batch.end, batch.dead, batch.torn) == (True, False, 0)
    writer.close()
    last = journal.read(batch.cursor)
    assert (last.torn, last.dead) == (1, True)


def test_a_segment_is_not_left_before_its_successor_can_be_seen(tmp_path: Path) -> None:
    writer = opened(tmp_path, clock=Clock())
    journal = Journal(tmp_path / PROCESS_ID)
    expected, cursor, found = [], Cursor(), []
    for number in range(2000):
        text = line(number, 300)
        expected.append(text)
        writer.write(text)
        if number % 7 == 0:
            batch = journal.read(cursor)
            found += batch.lines
            cursor = batch.cursor
        if number % 500 == 0:
            writer.tend()  # seals, so that segments are read before and after they were cut
    found += read_all(journal, cursor)[0]
    assert found == expected
    assert cursor.segment > 5
    writer.close()


def test_discarding_deletes_what_lies_wholly_before_the_cursor(tmp_path: Path) -> None:
    writer = opened(tmp_path)
    for number in range(1000):
        writer.write(line(number, 300))
    journal = Journal(tmp_path / PROCESS_ID)
    _, last = read_all(journal)
    assert not journal.discard(last.cursor)
    left = sorted(path.name for path in journal.path.glob("[0-9]*.seg"))
    assert left == [f"{last.cursor.segment:08}.seg"]
    writer.write(line(1000))
    writer.tend()
    assert read_all(journal, last.cursor)[0] == [line(1000)]
    assert read_all(journal)[0][-1] == line(1000), "a cursor in a discarded segment goes on with the next one"
    writer.close()


def test_a_dead_journal_goes_when_everything_was_read_and_not_before(tmp_path: Path) -> None:
    journal = lay(tmp_path, HEAD + frame(b"a") + frame(b"b"))
    assert not journal.discard(Cursor(1, len(HEAD) + 3))
    _, last = read_all(journal)
    assert journal.discard(last.cursor)
    assert not journal.path.exists()
    assert journal.discard(last.cursor), "another indexer was faster"
    gone = journal.read(last.cursor)
    assert (gone.end, gone.dead, gone.lines) == (True, False, [])


def test_foreign_files_are_ignored_and_left_alone(tmp_path: Path) -> None:
    journal = lay(tmp_path, HEAD + frame(b"a"))
    (journal.path / "notes.txt").write_text("mine")
    (journal.path / "1.seg").write_bytes(frame(b"wrong name"))
    (journal.path / "00000009.seg").symlink_to("nowhere")
    (tmp_path / "file").write_text("no journal")
    (tmp_path / "empty").mkdir()
    lines, last = read_all(journal)
    assert lines == [b"a"]
    assert [found.path for found in journals(tmp_path)] == [journal.path]
    journal.discard(last.cursor)
    assert (journal.path / "notes.txt").read_text() == "mine"


def test_an_empty_segment_is_stepped_over(tmp_path: Path) -> None:
    lines, last = read_all(lay(tmp_path, HEAD + frame(b"a"), b"", bytes(4096), HEAD + frame(b"b")))
    assert (lines, last.torn, last.dead) == ([b"a", b"b"], 0, True)


def test_a_missing_segment_is_stepped_over(tmp_path: Path) -> None:
    journal = lay(tmp_path, HEAD + frame(b"a"), HEAD + frame(b"b"), HEAD + frame(b"c"))
    (journal.path / "00000002.seg").unlink()
    assert read_all(journal)[0] == [b"a", b"c"]


def test_a_listing_that_misses_a_segment_misses_no_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory listing may miss a file that is renamed while it runs, and show a later one."""
    journal = lay(tmp_path, HEAD + frame(b"a"), HEAD + frame(b"b"), HEAD + frame(b"c"))
    monkeypatch.setattr("flightlog.journal.reader.segment_numbers", lambda _: [3])
    assert read_all(journal)[0] == [b"a", b"b", b"c"]


def test_a_segment_that_cannot_be_read_is_counted_and_skipped(tmp_path: Path) -> None:
    journal = lay(tmp_path, HEAD + frame(b"a"), b"", HEAD + frame(b"c"))
    (journal.path / "00000002.seg").unlink()
    (journal.path / "00000002.seg").mkdir()
    first = journal.read(Cursor())
    second = journal.read(first.cursor)
    assert (first.lines, second.lines, second.unreadable) == ([b"a"], [b"c"], 1)


def test_a_journal_whose_last_segment_cannot_be_read_is_kept(tmp_path: Path) -> None:
    journal = lay(tmp_path, HEAD + frame(b"a"), b"")
    (journal.path / "00000002.seg").unlink()
    (journal.path / "00000002.seg").mkdir()
    _, last = read_all(journal)
    assert last.unreadable == 1
    assert not journal.discard(last.cursor)
    assert (journal.path / "00000002.seg").is_dir()


def test_a_directory_that_is_none_is_counted(tmp_path: Path) -> None:
    (tmp_path / PROCESS_ID).write_text("a file")
    batch = Journal(tmp_path / PROCESS_ID).read(Cursor())
    assert (batch.end, batch.unreadable, batch.dead) == (True, 1, False)


def test_the_backlog_counts_what_is_behind_the_cursors(tmp_path: Path) -> None:
    writer = opened(tmp_path)
    journal = Journal(tmp_path / PROCESS_ID)
    for number in range(500):
        writer.write(line(number, 298))
    _, last = read_all(journal)
    assert journal.backlog(last.cursor) == 0
    for number in range(10):
        writer.write(line(number, 298))
    assert backlog(tmp_path, {PROCESS_ID: last.cursor}) == 3000
    unread = backlog(tmp_path, {})
    heads = len(HEAD) * len(list(journal.path.glob("[0-9]*.seg")))
    assert unread == 510 * 300 + heads
    writer.close()
    assert backlog(tmp_path, {}) == unread


def test_journals_are_listed_by_their_start(tmp_path: Path) -> None:
    ids = ["f" * 32, "0" * 32, "7" * 32]
    for age, process_id in enumerate(ids):
        segment(tmp_path, 1, b"a", process_id=process_id)
        os.utime(tmp_path / process_id / "lock", (age, age))
    (tmp_path / ".half").mkdir()
    assert [journal.process_id for journal in journals(tmp_path)] == ids
    assert journals(tmp_path / "absent") == []


def test_two_readers_see_the_same_while_one_of_them_discards(tmp_path: Path) -> None:
    writer = opened(tmp_path, segment_bytes=16 * KIB)
    for number in range(1000):
        writer.write(line(number, 100))
    writer.close()
    fast, slow = Journal(tmp_path / PROCESS_ID), Journal(tmp_path / PROCESS_ID)
    seen = slow.read(Cursor())
    lines, last = read_all(fast)
    assert lines == [line(number, 100) for number in range(1000)]
    fast.discard(Cursor(last.cursor.segment))
    rest, end = read_all(slow, seen.cursor)
    assert rest == lines[-len(rest) :]
    assert end.dead
