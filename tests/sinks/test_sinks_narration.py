"""Narrations on standard error: aligned lines in the voice chosen, safe, and whole where they are JSON."""

from __future__ import annotations

import json
import re
import sys
from types import SimpleNamespace

import pytest
from msgspec.structs import replace
from sinks_stderr import Screen

from flightlog.codecs.lines import encode
from flightlog.narration.cells import width
from flightlog.records.errors import BadSetting
from flightlog.records.event import Event
from flightlog.records.narration import MARK, NARRATION
from flightlog.records.span import Span
from flightlog.settings import Layer, resolve, sink_word
from flightlog.sinks.console import Console
from flightlog.sinks.console_line import event_text
from flightlog.sinks.console_tree import lines
from flightlog.sinks.open import open_sinks
from flightlog.sinks.stderr import Stderr
from flightlog.sinks.stream import Look

START = 1_763_653_000_000_000_000
HOSTILE = "\x1b[31mred\x1b]0;title\x07\n\u202egnp.exe"


def narration(body="Dispatched job-1", **attributes):
    held = {MARK: NARRATION, "actor": "queue", "target": "job-1", "cute": "🚚 off", **attributes}
    return Event(
        event_id="e" * 16,
        trace_id="a" * 32,
        span_id="b" * 16,
        time=START,
        name="dispatch",
        body=body,
        attributes=held,
    )


def span(**fields):
    known = {"end": START + 10**6, "status": "ok", **fields}
    return Span(trace_id="a" * 32, span_id="b" * 16, name="work", start=START, **known)


@pytest.fixture
def screen(monkeypatch):
    made = Screen()
    monkeypatch.setattr("flightlog.sinks.stream.sys", SimpleNamespace(stderr=made))
    return made


@pytest.mark.parametrize(
    ("view", "text"), [("human", "Dispatched job-1"), ("cute", "🚚 off"), ("story", "Dispatched job-1")]
)
def test_a_narration_is_an_aligned_line_in_the_voice_chosen(screen, view, text):
    Stderr(view=view).append([encode(narration())])
    (line,) = screen.lines
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.000 info  queue      dispatch        job-1        " + text, line)


def test_json_holds_every_voice_whatever_the_view_is(screen):
    made = encode(narration(story="“Off!”"))
    Stderr("json", "cute").append([made])
    assert json.loads(screen.lines[0]) == json.loads(made)


def test_a_narration_is_safe_to_show_in_every_form(screen, monkeypatch):
    monkeypatch.setattr(sys, "stderr", screen)
    made = encode(narration(HOSTILE, actor=HOSTILE, target=HOSTILE, cute=HOSTILE))
    for view in ("human", "cute", "story"):
        Stderr(view=view).append([made])
        console = Console("tree", view=view)
        console.append([made, encode(span())])
        console.close()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", screen.getvalue())
    assert screen.getvalue().count("\\x1b[31mred") >= 6


@pytest.mark.parametrize("mode", ["live", "tree"])
def test_the_console_shows_narrations_under_their_span(screen, monkeypatch, mode):
    monkeypatch.delenv("TRACEPARENT", raising=False)
    console = Console(mode, view="cute")
    console.append([encode(narration()), encode(span())])
    console.close()
    under = [line for line in screen.lines if "🚚 off" in line]
    assert len(under) == 1
    assert "• info  queue      dispatch        job-1        🚚 off" in under[0]
    assert under[0].startswith(("  ", "└"))


def test_a_narrow_terminal_has_no_column_for_the_target():
    assert "job-1  " not in event_text(narration("Said"), Look(width=80))
    assert "job-1  " in event_text(narration("Said"), Look(width=160))


@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize(
    "sentence", ["Sent it to the worker " * 6, "これは長い文章です。" * 9, "👩\u200d💻 e\u0301 " * 30]
)
@pytest.mark.parametrize("unicode", [True, False])
def test_a_sentence_that_is_too_long_goes_on_under_itself(columns, sentence, unicode):
    before = "  │  " if unicode else "  |  "
    drawn = event_text(
        narration(sentence, actor="アクターアクター" if unicode else "actor"),
        Look(width=columns, unicode=unicode),
        before=before,
    )
    first, *more = drawn.split("\n")
    assert more
    assert len(before) + width(first) <= columns
    assert all(line.startswith(before) and width(line) <= columns for line in more)
    indents = {len(line) - len(line[len(before) :].lstrip(" ")) for line in more}
    assert indents == {len(before) + (19 if columns == 40 else 35 if columns == 80 else 48)}
    assert "".join(first[-200:].split())[-6:] in "".join(Look(unicode=unicode).readable(sentence).split())


def test_without_a_terminal_a_narration_is_one_line():
    assert "\n" not in event_text(narration("Sent it to the worker " * 20), Look())


def test_in_a_tree_the_branches_go_on_beside_a_long_sentence():
    events = [narration("Sent it to the worker " * 6), replace(narration("Done"), time=START + 1)]
    drawn = "\n".join(lines([span()], events, Look(width=80))).split("\n")
    assert sum(line.startswith("│  ") for line in drawn) >= 1
    assert all(width(line) <= 80 for line in drawn)


def test_the_setting_is_for_all_and_a_word_has_its_own():
    chosen = resolve(
        [Layer("code", {"view": "cute", "console": "live", "sinks": "stderr,stderr?view=story"})]
    )
    views = [getattr(sink, "_view", None) or sink._say.args[0] for _, sink in open_sinks(chosen)]
    assert views == ["cute", "cute", "story"]
    with pytest.raises(BadSetting, match="human, cute, story"):
        resolve([Layer("code", {"view": "loud"})])


@pytest.mark.parametrize(
    ("word", "target", "view"),
    [("stderr", "", None), ("stderr?view=cute", "", "cute"), ("stderr:json?view=cute", "json", "cute")],
)
def test_a_word_may_have_options_without_a_target(word, target, view):
    found = sink_word(word)
    assert (found.kind, found.target, found.options.get("view")) == ("stderr", target, view)


@pytest.mark.parametrize(
    "word", ["stderr?view=loud", "stderr?voice=cute", "store?view=cute", "stderr:x?view=cute"]
)
def test_an_option_that_makes_no_sense_is_refused(word):
    with pytest.raises(ValueError, match=r"view|options|stderr|store"):
        sink_word(word)
