"""Lines on standard error are aligned, safe to show, and never the end of a program."""

from __future__ import annotations

import json
import os
import re
import sys
from types import SimpleNamespace

import pytest
from sinks_stderr import Screen

from flightlog.codecs.lines import encode
from flightlog.records.annotation import Annotation
from flightlog.records.event import Event
from flightlog.records.kinds import KINDS
from flightlog.records.process import Process
from flightlog.records.span import Fault, Span
from flightlog.sinks.stderr import Stderr

HOSTILE = "\x1b[31mred\x1b]0;title\x07\n\u202egnp.exe\x9b1m"
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")


def span(name="s", **fields):
    given = {"start": 1_763_653_000_000_000_000, "end": 1_763_653_001_240_000_000, "status": "ok", **fields}
    return encode(Span(trace_id="a" * 32, span_id="b" * 16, name=name, **given))


def event(name="e", **fields):
    return encode(Event(event_id="e" * 16, time=1_763_653_000_500_000_000, name=name, **fields))


@pytest.fixture
def screen(monkeypatch):
    made = Screen()
    monkeypatch.setattr(
        "flightlog.sinks.stream.sys", SimpleNamespace(stderr=made)
    )  # pytest changes sys.stderr
    return made


def test_a_span_has_a_line_when_it_ends(screen):
    Stderr().append([span("running", end=None, status="running"), span("answer", kind="llm")])
    (line,) = screen.lines
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.240 info    1\.24 s  ✓ llm {12}answer", line)


def test_columns_are_aligned(screen):
    failed = span("b", kind="retrieval", status="error", error=Fault(type="ValueError", message="no"))
    Stderr().append([span("a", kind="llm"), failed, event("c", level="warn")])
    assert [line.index(name) for line, name in zip(screen.lines, "abc", strict=True)] == [46] * 3
    assert screen.lines[1].endswith("b  ValueError: no")


def test_columns_are_aligned_whatever_the_kinds_are(screen):
    kinds = [*KINDS, "a kind of my own that is long"]
    Stderr().append([span("@", kind=kind) for kind in kinds])
    assert {line.index("@") for line in screen.lines} == {46}


def test_key_attributes_are_shown_and_the_rest_is_hinted_at(screen):
    Stderr().append([span(attributes={f"a{n}": n for n in range(20)} | {"text": "two words"})])
    assert screen.lines[0].endswith("a0=0 a1=1 a2=2 a3=3 a4=4 a5=5 …")


def test_what_people_need_not_see_has_no_line(screen):
    Stderr().append([encode(Process(process_id="c" * 32, started=1)), b'{"v":1,"type":"later"}'])
    assert screen.lines == []


def test_an_annotation_and_a_line_that_is_no_record_are_shown(screen):
    made = Annotation(annotation_id="1", trace_id="a" * 32, time=1, name="correct", value=0.9, note="good")
    Stderr().append([encode(made), b"not a record"])
    assert screen.lines[0].endswith("annotation     correct 0.9 good")
    assert screen.lines[1] == "not a record"


@pytest.mark.parametrize("form", ["human", "json"])
def test_nothing_of_a_trace_reaches_the_terminal_as_a_command(screen, form):
    made = span(
        HOSTILE,
        kind=HOSTILE,
        status="error",
        error=Fault(type=HOSTILE, message=HOSTILE),
        attributes={HOSTILE: HOSTILE, "b": {HOSTILE: [HOSTILE]}},
    )
    Stderr(form).append([made, event(HOSTILE, body=HOSTILE, attributes={HOSTILE: HOSTILE})])
    assert len(screen.lines) == 2
    assert OBEYED.findall(screen.getvalue()) == []


def test_json_lines_mean_what_they_meant(screen):
    made = span(HOSTILE + "é漢😀")
    Stderr("json").append([made])
    assert json.loads(screen.getvalue()) == json.loads(made)


def test_a_terminal_gets_colour_and_a_pipe_does_not(monkeypatch):
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for terminal in (True, False):
        made = Screen(terminal=terminal)
        monkeypatch.setattr(sys, "stderr", made)
        Stderr().append([span()])
        assert ("\x1b[" in made.getvalue()) == terminal


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colour_can_be_refused(monkeypatch, variable, value):
    made = Screen(terminal=True)
    monkeypatch.setattr(sys, "stderr", made)
    monkeypatch.setenv(variable, value)
    Stderr().append([span()])
    assert "\x1b" not in made.getvalue()


def test_a_stream_without_unicode_gets_ascii(monkeypatch):
    made = Screen(encoding="ascii")
    monkeypatch.setattr(sys, "stderr", made)
    Stderr().append([span("é", end=1_763_653_000_000_005_000)])
    assert made.getvalue().isascii()


def _closed():
    made = Screen()
    made.close()
    return made


@pytest.mark.parametrize("stream", [None, _closed(), object()], ids=["none", "closed", "no stream"])
def test_a_standard_error_that_is_not_there_is_survived(monkeypatch, stream):
    monkeypatch.setattr(sys, "stderr", stream)
    sink = Stderr()
    sink.append([span()])
    assert sink.flush(0)


def test_a_reader_that_went_away_is_survived(monkeypatch):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        sink = Stderr()
        sink.append([span()])
        sink.append([span()])
        assert sink.flush(0)


def test_many_lines_reach_a_pipe_whole(monkeypatch):
    """More than the pipe holds, and lines longer than what it takes at once."""
    lines = [span("x" * (50 + number * 40)) for number in range(200)]
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(read)
        with os.fdopen(write, "w", encoding="utf-8") as stream:
            sys.stderr = stream
            Stderr("json").append(lines)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as source:
        found = source.read().splitlines()
    os.waitpid(pid, 0)
    assert found == lines


def test_a_pipe_that_does_not_block_gets_everything(monkeypatch):
    lines = [span("x" * 500) for _ in range(400)]
    read, write = os.pipe()
    os.set_blocking(write, False)
    pid = os.fork()
    if not pid:
        os.close(read)
        with os.fdopen(write, "w", encoding="utf-8") as stream:
            sys.stderr = stream
            Stderr("json").append(lines)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as source:
        found = source.read().splitlines()
    os.waitpid(pid, 0)
    assert found == lines


def test_an_unknown_form_is_refused():
    with pytest.raises(ValueError, match="human, json"):
        Stderr("xml")
