"""A story as a document: a heading for each trace, what is deeper further to the right."""

from __future__ import annotations

import export_records

from flightlog.analysis.tree import build
from flightlog.export import story


def text(traces) -> str:
    return b"".join(story.text(traces)).decode()


def test_a_trace_has_a_heading_and_its_sentences_are_those_of_the_story():
    lines = text([(export_records.row(), export_records.tree())]).splitlines()
    assert lines[:4] == [
        "POST /chat",
        "==========",
        "4bf92f3577b34da6a3ce929d0e0e4736 · 2025-11-20 15:36:40 UTC · ok · 1.84 s",
        "",
    ]
    assert "    Called the tool find_order in 360 ms, after 1 retry (no answer)." in lines
    assert lines[-1].startswith("It went well and took 1.84 s. 21 steps, 1 failed.")


def test_nothing_that_a_terminal_obeys_is_in_it_and_several_traces_stand_apart():
    told = text([(export_records.row(), export_records.tree()), (None, export_records.tree())])
    assert not {letter for letter in told if letter < " " and letter != "\n"}
    assert "\u202e" not in told
    assert told.count("==========") == 2
    assert "\n\nPOST /chat\n===" in told


def test_a_trace_without_a_span_is_told_by_nothing():
    assert text([]) == text([(None, build([]))]) == ""
