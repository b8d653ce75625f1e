"""What a collector did not take while a program ran, the next program of the same home sends, within bounds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from otlp_collector import Collector

from flightlog.codecs.lines import encode
from flightlog.journal.counters import read_counters
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.unsent import DIRECTORY, Unsent

PROGRAM = """
import sys
import flightlog as fl

with fl.span("outer", part=sys.argv[1]):
    fl.event("within", part=sys.argv[1])
    with fl.span("inner"):
        pass
"""
HEAD = Line(encode(Process(process_id="1" * 32, started=1)))
AWAY = (503, {}, b"")


def _run(tmp_path: Path, collector: str, part: str, **settings: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLIGHTLOG_")}
    environment |= {
        "FLIGHTLOG_HOME": str(tmp_path / "home"),
        "FLIGHTLOG_SINKS": f"store,otlp:{collector}",
        "FLIGHTLOG_EXIT_DRAIN": "5",
        **settings,
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, part], env=environment, capture_output=True, text=True, check=True
    )
    return done.stderr


def _files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "home" / DIRECTORY).glob("*"))


def _told(collector: Collector) -> list[tuple[str, str]]:
    """Name and part of each span that the collector has, and of the events in it."""
    found = []
    for span in collector.spans:
        part = {one.key: one.value.string_value for one in span.attributes}.get("part", "")
        found.append((span.name, part))
        found += [(event.name, part) for event in span.events]
    return sorted(found)


ALL_OF_IT = [("inner", ""), ("outer", "first"), ("within", "first")]
SECOND = [("inner", ""), ("outer", "second"), ("within", "second")]


@pytest.mark.parametrize("how", ["gone", "busy"])
def test_what_a_collector_did_not_take_the_next_program_sends(tmp_path, how):
    collector = Collector()
    where = f"http://127.0.0.1:{collector.port}"
    if how == "gone":
        collector.stop()
    else:
        collector.replies = [AWAY] * 100
    said = _run(tmp_path, where, "first", FLIGHTLOG_EXIT_DRAIN="0.3")
    assert "the next program of this home that has it sends them" in said
    (left,) = _files(tmp_path)
    assert left.stat().st_mode & 0o777 == 0o600
    assert left.parent.stat().st_mode & 0o777 == 0o700
    (owner,) = (tmp_path / "home" / "journal").iterdir()
    losses = read_counters(owner / "counters")
    if how == "gone":
        collector = Collector(collector.port)
    collector.replies = []
    try:
        assert collector.spans == []
        assert _run(tmp_path, where, "second") == ""
        assert _told(collector) == sorted([*ALL_OF_IT, *SECOND])
        assert _files(tmp_path) == []
        assert _run(tmp_path, where, "third") == ""
        assert len(collector.spans) == 6
    finally:
        collector.stop()
    assert losses["sink_lines_kept"] == _left(said)
    assert "sink_lines_missed" not in {name for name, lost in losses.items() if lost}


def _left(said: str) -> int:
    """The number of records that a program said it leaves."""
    return int(said.partition("did not take ")[2].split()[0].replace(",", ""))


def test_another_collector_is_not_sent_what_this_one_did_not_take(tmp_path):
    collector, other = Collector(), Collector()
    collector.stop()
    try:
        _run(tmp_path, f"http://127.0.0.1:{collector.port}", "first", FLIGHTLOG_EXIT_DRAIN="0.3")
        before = _files(tmp_path)
        assert _run(tmp_path, f"http://127.0.0.1:{other.port}", "second") == ""
        assert _told(other) == sorted(SECOND)
        assert _files(tmp_path) == before
    finally:
        other.stop()


def test_what_two_programs_left_is_sent_by_the_third(tmp_path):
    collector = Collector()
    collector.stop()
    where = f"http://127.0.0.1:{collector.port}"
    for part in ("first", "second"):
        _run(tmp_path, where, part, FLIGHTLOG_EXIT_DRAIN="0.3")
    assert len(_files(tmp_path)) == 2
    collector = Collector(collector.port)
    try:
        assert _run(tmp_path, where, "third") == ""
        parts = {part for name, part in _told(collector) if name == "outer"}
        assert parts == {"first", "second", "third"}
        assert _files(tmp_path) == []
    finally:
        collector.stop()


# -- the files ------------------------------------------------------------------------------------------------


def _lines(number: int) -> list[Line]:
    return [Line(b'{"number":%d}' % place) for place in range(number)]


def test_one_program_alone_has_what_was_left(tmp_path):
    Unsent(tmp_path, "a", 10_000).keep("there", HEAD, _lines(3))
    first, second = Unsent(tmp_path, "b", 10_000), Unsent(tmp_path, "c", 10_000)
    (claim,) = first.claim("there")
    assert claim.lines == [HEAD, *_lines(3)]
    assert second.claim("there") == []
    claim.leave()
    (again,) = second.claim("there")
    again.done()
    assert first.claim("there") == []
    assert list((tmp_path / DIRECTORY).iterdir()) == []


def test_of_what_is_too_much_the_oldest_is_left_out(tmp_path):
    bound = len(HEAD) + 1 + 3 * len(b'{"number":9}\n')
    kept = Unsent(tmp_path, "a", bound)
    assert kept.keep("there", HEAD, _lines(9)) == 3
    assert kept.keep("elsewhere", HEAD, _lines(9)) == 0
    (claim,) = kept.claim("there")
    assert claim.lines == [HEAD, *_lines(9)[-3:]]
    claim.leave()


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path):
    (tmp_path / DIRECTORY).write_text("in the way")
    assert Unsent(tmp_path, "a", 10_000).keep("there", HEAD, _lines(3)) == 0
    assert Unsent(tmp_path, "a", 10_000).claim("there") == []
