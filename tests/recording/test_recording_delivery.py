"""The program's own reader of its journal: what it still needs is not deleted, and what it read may go."""

from __future__ import annotations

import time

import pytest

from flightlog.codecs.lines import decode, encode
from flightlog.delivery import Delivery
from flightlog.journal.directory import segment_numbers
from flightlog.journal.reader import Journal
from flightlog.journal.writer import Writer
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.settings import Layer, resolve
from flightlog.sinks.memory import Memory

PROCESS = Process(process_id="c" * 32, started=1)


class Recording:
    """A journal, a sink and what stands between them; its reader reads only when it is asked."""

    def __init__(self, root, sinks):
        self.kept = Memory(10**6)
        self.settings = resolve([Layer("code", {"segment_bytes": 4096, "sinks": [*sinks, self.kept]})])
        head = Line(encode(PROCESS))
        self.writer = Writer(root, PROCESS.process_id, head, self.settings, say=lambda _: None)
        self.delivery = Delivery(self.writer, PROCESS, self.settings, say=lambda _: None)
        self.number = 0

    def write_segments(self, many):
        end = self.writer.position().segment + many
        while self.writer.position().segment < end:
            self.writer.write(Line(b'{"v":1,"type":"note","n":%d,"pad":"%s"}' % (self.number, b"x" * 2000)))
            self.number += 1

    def end(self):
        late = self.delivery.finish(time.monotonic() + 20)
        self.writer.close()
        self.delivery.discard_journal()
        return late

    @property
    def numbers(self):
        return [decode(line).fields["n"] for line in self.kept.lines if b'"note"' in line]


@pytest.fixture
def slow(monkeypatch):
    """The reader's thread never gets its turn; only who asks reads."""
    monkeypatch.setattr(Delivery, "_run", lambda _: None)


def test_a_segment_that_is_not_read_yet_survives_an_indexer_that_is_faster(tmp_path, slow):
    one = Recording(tmp_path, ["store"])
    one.delivery.start(Line(encode(PROCESS)))
    for _ in range(3):
        one.write_segments(3)
        Journal(one.writer.path).discard(one.writer.position())
        one.delivery.wait(one.delivery.ask(time.monotonic() + 20))
    assert one.end() == ()
    assert one.numbers == list(range(one.number))


def test_what_was_read_is_not_held_any_more(tmp_path, slow):
    one = Recording(tmp_path, ["store"])
    one.delivery.start(Line(encode(PROCESS)))
    one.write_segments(5)
    one.delivery.wait(one.delivery.ask(time.monotonic() + 20))
    Journal(one.writer.path).discard(one.writer.position())
    assert segment_numbers(one.writer.path) == [one.writer.position().segment]
    one.end()


def test_nothing_is_held_when_no_thread_can_be_started(tmp_path, monkeypatch):
    def refuse(_):
        raise RuntimeError("can't start new thread")

    one = Recording(tmp_path, ["store"])
    monkeypatch.setattr("flightlog.delivery.start_quietly", refuse)
    with pytest.raises(RuntimeError):
        one.delivery.start(Line(encode(PROCESS)))
    one.write_segments(3)
    Journal(one.writer.path).discard(one.writer.position())
    assert segment_numbers(one.writer.path) == [one.writer.position().segment]
    one.writer.close()


def test_without_the_store_what_every_sink_has_is_deleted_at_once(tmp_path, slow):
    one = Recording(tmp_path, [])
    one.delivery.start(Line(encode(PROCESS)))
    for _ in range(3):
        one.write_segments(3)
        one.delivery.wait(one.delivery.ask(time.monotonic() + 20))
    one.delivery.ask(time.monotonic() + 20)
    assert len(segment_numbers(one.writer.path)) < 6
    path = one.writer.path
    assert one.end() == ()
    assert not path.exists()
    assert one.numbers == list(range(one.number))
