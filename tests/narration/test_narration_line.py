"""One narration a line: aligned, cut, safe, never refused."""

from __future__ import annotations

import re

import msgspec
import pytest
from narration_records import HOSTILE, narration

from flightlog.narration.cells import width
from flightlog.narration.line import STANDARD, Columns, fitting, head, line

WHO = {"actor": "queue", "target": "job-1"}


def said(action="dispatch", body="Dispatched job-1", attributes=WHO, **fields):
    return narration(1, 1, action, body=body, attributes=attributes, **fields)


def test_a_line_has_time_level_actor_action_target_and_sentence_in_columns():
    told = line(said(level="warn"))
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d\.000 warn  queue      dispatch        job-1        Dispatched job-1", told
    )
    assert told.index("Dispatched") == STANDARD.before


@pytest.mark.parametrize("level", ["trace", "debug", "info", "warn", "error", "fatal"])
@pytest.mark.parametrize(
    "who", ["q", "a very long name of an actor", "日本語の長い名前です", "👩\u200d💻" * 9, "", HOSTILE]
)
def test_columns_are_aligned_whatever_is_in_them(level, who):
    told = line(said(action=who or "x", attributes={"actor": who, "target": who}, level=level))
    before, sign, _ = told.partition("Dispatched")
    assert sign
    assert width(before) == STANDARD.before
    assert told.isprintable() or "\u200d" in told


def test_a_column_that_is_too_narrow_is_cut_with_an_ellipsis_and_one_of_0_is_left_out():
    narrow = Columns(actor=4, action=6, target=0)
    told = line(said(), columns=narrow)
    assert told[13:] == "info  que… dispa… Dispatched job-1"
    assert told.index("Dispatched") == narrow.before


def test_the_voice_is_chosen_and_a_narration_without_text_still_has_a_line():
    assert line(said(attributes={"cute": "🚚"}), "cute").endswith(" 🚚")
    assert line(said(body="")).endswith(" queue dispatch job-1")


def test_nothing_is_refused():
    odd = said(action="", body="", attributes={"actor": None, "target": [1, {}]})
    assert "[1,{}]" in line(odd)
    nowhere = msgspec.structs.replace(odd, time=2**63 - 1)
    assert line(nowhere).endswith(line(odd)[13:])
    assert line(msgspec.structs.replace(odd, time=10**40)).startswith("??:??:??.??? info")


def test_colours_are_put_on_after_the_widths_are_right():
    painted = head(said(level="error"), STANDARD, lambda style, text: f"<{style}>{text}</>")
    assert painted == "<red>error</> <cyan>queue     </> <>dispatch       </> <dim>job-1       </> "


def test_columns_fit_what_is_to_be_told():
    events = [said(), said(action="x", attributes={"actor": "日本語"})]
    assert fitting(events) == Columns(6, 8, 5)
    assert fitting(events, Columns(3, 4, 0)) == Columns(3, 4, 0)
    assert fitting([]) == Columns(0, 0, 0)
