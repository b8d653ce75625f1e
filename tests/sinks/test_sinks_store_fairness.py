"""The indexer shares itself among the journals of a home."""

from __future__ import annotations

from flightlog.codecs.lines import encode
from flightlog.journal.writer import Writer
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.records.span import Span
from flightlog.settings import resolve
from flightlog.sinks.store import Indexer
from flightlog.store.open import open_reader, open_writer


def journal(root, number):
    process = Process(process_id=f"{number:032x}", started=number)
    writer = Writer(root, process.process_id, Line(encode(process)), resolve([]), say=lambda _: None)

    def record(n):
        made = Span(
            trace_id=f"{number:032x}", span_id=f"{n:016x}", name=f"p{number}", start=1, end=2, status="ok"
        )
        writer.write(Line(encode(made)))

    return writer, record


def test_a_journal_that_never_ends_does_not_keep_another_waiting(tmp_path):
    busy, record_busy = journal(tmp_path / "journal", 1)
    quiet, record_quiet = journal(tmp_path / "journal", 2)
    record_quiet(1)
    indexer = Indexer(tmp_path / "journal", open_writer(tmp_path / "store.db"), batch_bytes=2000)
    written = 0
    for _ in range(6):
        for _ in range(50):
            written += 1
            record_busy(written)
        indexer.step()
    reader = open_reader(tmp_path / "store.db")
    assert [span.name for span in reader.spans(f"{2:032x}")] == ["p2"]
    for thing in (reader, indexer, busy, quiet):
        thing.close()
