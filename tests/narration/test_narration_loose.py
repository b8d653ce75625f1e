"""Events outside any span are told by time, with who said them, and nothing of them is left out."""

from __future__ import annotations

import re

from narration_records import HOSTILE, MS, event, narration

from flightlog.narration.loose import loose
from flightlog.narration.trace import Manner
from flightlog.records.hot import MARK, TINY

OTHER = "b" * 32
DAY = 86_400_000


def alone(number, name, at=0, **fields):
    return event(number, 0, name, at, **{"trace_id": "", "service": "shop", **fields})


def said(number, action, at=0, **fields):
    return narration(number, 0, action, at, **{"trace_id": "", "service": "shop", **fields})


def drawn(events, **manner):
    told = ["  " * one.depth + one.text for one in loose(events, Manner(**manner))]
    return [re.sub(r"\d{4}-\d\d-\d\d", "<day>", line) for line in told]


def test_narrations_and_other_events_come_by_time_with_who_said_them():
    assert drawn(
        [
            said(1, "enqueue", body="Queued job-1.", attributes={"actor": "queue"}),
            alone(2, "started", at=1, body="came up"),
            alone(3, "ready", at=2, attributes={"port": 80, "host": "x"}),
            said(4, "pack", at=3, attributes={"actor": "packer", "target": "job-1"}),
            alone(5, "quiet", at=4, level="trace"),
            alone(6, "tick", at=5, level="trace", body="round 1", attributes={MARK: TINY, "actor": "engine"}),
        ]
    ) == [
        "In shop on <day>:",
        "  queue: Queued job-1.",
        "  started: came up.",
        "  ready (port=80, host=x)",
        "  packer pack job-1",
        "  quiet",
        '  TRACE engine tick "round 1"',
        "6 events outside any span, over 5.00 ms.",
    ]


def test_a_line_names_the_service_the_day_and_the_trace_wherever_they_change():
    assert drawn(
        [
            alone(1, "a"),
            alone(2, "b", service=""),
            alone(3, "c", at=DAY, service=""),
            alone(4, "d", at=DAY + 1, service="", trace_id=OTHER),
        ]
    )[::2] == [
        "In shop on <day>:",
        "In a program without a name on <day>:",
        "In a program without a name on <day>:",
        "In a program without a name on <day>, of trace bbbbbbbb whose spans are not here:",
        "4 events outside any span, over 1d 00h.",
    ]


def test_alike_ones_are_folded_unless_everything_is_wanted_and_levels_and_voices_hold():
    events = [said(n, "count", at=n, body=f"Counted {n}", attributes={"cute": "🐑"}) for n in range(7)]
    events.append(alone(9, "debugged", at=9, level="debug"))
    told = drawn(events, level="info")
    assert told[1:3] == ["  shop: Counted 0", "  shop: Counted 1"]
    assert re.fullmatch(r"  …and 5 more like it, to [\d:.]{12}: shop: Counted 0", told[3])
    assert told[4:] == ["7 events outside any span, over 6.00 ms."]
    assert drawn(events, view="cute", everything=True)[1:-1] == ["  shop: 🐑"] * 7 + ["  debugged"]


def test_a_failure_among_alike_ones_is_not_folded_away():
    events = [alone(n, "poll", at=n, body="no answer", level="info") for n in range(6)]
    events.append(alone(7, "poll", at=7, body="no answer", level="error"))
    assert [one.level for one in loose(events)].count("error") == 1


def test_what_is_told_is_safe_to_show_and_nothing_is_said_of_nothing():
    events = [
        alone(1, HOSTILE, body=HOSTILE, service=HOSTILE, trace_id=HOSTILE),
        alone(2, HOSTILE, attributes={HOSTILE: HOSTILE}),
        said(3, HOSTILE, attributes={"actor": HOSTILE}),
        alone(4, "late", at=2**62 // MS),
    ]
    assert all(one.text.isprintable() for one in loose(events))
    assert list(loose([])) == []
