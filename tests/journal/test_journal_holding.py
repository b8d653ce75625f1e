"""A segment that the owner's own sinks still read is not deleted by whoever indexes; a dead owner reads nothing."""

from __future__ import annotations

from flightlog.codecs.lines import encode
from flightlog.journal.directory import segment_numbers
from flightlog.journal.holding import HOLD_NAME, held_from, hold
from flightlog.journal.reader import Journal
from flightlog.journal.writer import Writer
from flightlog.records.cursor import Cursor
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.settings import Layer, resolve


def several_segments(root):
    process = Process(process_id="a" * 32, started=1)
    settings = resolve([Layer("code", {"segment_bytes": 4096})])
    writer = Writer(root, process.process_id, Line(encode(process)), settings, say=lambda _: None)
    number = 0
    while writer.position().segment < 4:
        writer.write(Line(b'{"v":1,"n":%d,"pad":"%s"}' % (number, b"x" * 2000)))
        number += 1
    return writer, Journal(writer.path), writer.position()


def test_what_is_held_stays_until_it_is_let_go(tmp_path):
    writer, journal, end = several_segments(tmp_path)
    hold(journal.path, 2)
    journal.discard(end)
    assert segment_numbers(journal.path)[0] == 2
    hold(journal.path, 3)
    journal.discard(end)
    assert segment_numbers(journal.path)[0] == 3
    writer.close()


def test_nothing_is_held_unless_somebody_says_so(tmp_path):
    writer, journal, end = several_segments(tmp_path)
    journal.discard(end)
    assert segment_numbers(journal.path)[0] == end.segment
    writer.close()


def test_a_dead_owner_holds_nothing_and_its_directory_goes(tmp_path):
    writer, journal, _ = several_segments(tmp_path)
    hold(journal.path, 1)
    writer.close()
    cursor = Cursor()
    while not (batch := journal.read(cursor)).end:
        cursor = batch.cursor
    assert journal.discard(batch.cursor)
    assert not journal.path.exists()


def test_a_file_that_is_no_number_holds_nothing(tmp_path):
    (tmp_path / HOLD_NAME).write_text("odd")
    assert held_from(tmp_path) > 2**60
    assert held_from(tmp_path / "nowhere") > 2**60
