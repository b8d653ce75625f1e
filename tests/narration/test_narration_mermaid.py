"""A sequence diagram that Mermaid can read, whatever the trace holds.

The grammar's own parser is not at hand where these tests run. So they hold a text to what that grammar takes for
one: no line feed, no semicolon and no number sign that is not part of an entity code.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from narration_records import HOSTILE, narration, span

from flightlog.analysis.tree import build
from flightlog.narration.escaping import broken, escaped
from flightlog.narration.mermaid import MOST_CHARACTERS, MOST_MESSAGES, MOST_PARTICIPANTS, diagram
from flightlog.narration.trace import Manner
from flightlog.records.span import Fault

TEXT = r"(?:[^#;\n%<>{}\[\]\"`|&\\:]|#\d+;|<br/>)+"
STATEMENTS = re.compile(
    rf"participant p\d+ as {TEXT}|p\d+(?:->>|-->>|--x)p\d+: {TEXT}|Note over p\d+(?:,p\d+)?: {TEXT}|loop {TEXT}|end"
)
WORDS = [
    "end",
    "END",
    ";",
    "#",
    "\n",
    "%%",
    "%%{init: {}}%%",
    "<script>",
    "->>",
    "--x",
    "wrap:",
    "as ",
    "loop",
    "ﬂ°°60¶ß",
    '"',
]


def drawn(spans, events=(), **manner):
    tree = build(list(spans), list(events))
    lines = list(diagram(tree.roots, tree.loose_events, Manner(**manner)))
    assert lines[0] == "sequenceDiagram"
    assert [line for line in lines[1:] if not STATEMENTS.fullmatch(line.strip())] == []
    opened = 0
    for line in lines:
        opened += line.strip().startswith("loop ") - (line.strip() == "end")
        assert opened >= 0
    assert opened == 0
    return [line.strip() for line in lines[1:]]


def root(**fields):
    return span(1, name="answer", kind="agent", took=1000, service="bot", **fields)


def test_steps_are_arrows_to_models_tools_and_systems_and_answers_are_dashed():
    usage = {"gen_ai.request.model": "m-1", "gen_ai.usage.output_tokens": 90}
    assert drawn(
        [
            root(),
            span(2, 1, "search", at=1, took=40, kind="tool"),
            span(3, 2, "select", at=2, took=8, kind="db", attributes={"db.system.name": "sqlite"}),
            span(4, 1, "draft", at=50, took=20, kind="llm", attributes=usage),
            span(5, 1, "tidy", at=80),
            span(6, 1, "ship", at=90, service="worker"),
        ]
    ) == [
        "participant p1 as bot",
        "participant p2 as search",
        "participant p3 as sqlite",
        "participant p4 as m-1",
        "participant p5 as worker",
        "Note over p1: The agent answer started in bot.",
        "p1->>p2: call",
        "p2->>p3: select",
        "p3-->>p2: 8.00 ms",
        "p2-->>p1: 40.0 ms",
        "p1->>p4: ask#58; draft",
        "p4-->>p1: 90 tokens, 20.0 ms",
        "p1->>p1: tidy",
        "p1->>p5: ship",
        "p5-->>p1: 1.00 ms",
        "Note over p1: It went well and took 1.00 s.",
    ]


def test_a_failure_is_a_dashed_arrow_with_a_cross_and_what_is_open_a_note():
    failed = span(2, 1, "search", kind="tool", status="error", error=Fault("ValueError", "bad; date"))
    lines = drawn([root(), failed, span(3, 1, "wait", at=9, kind="tool", took=None)])
    assert "p2--xp1: The tool search failed after 1.00 ms#58;<br/>ValueError#58; bad#59; date." in lines
    assert "Note over p3: Calling the tool wait, not over yet." in lines


def test_narrations_are_arrows_from_actor_to_target_and_notes_without_one():
    said = [
        narration(
            1, 1, "dispatch", at=1, body="Dispatched", attributes={"actor": "queue", "target": "worker"}
        ),
        narration(
            2, 1, "refuse", at=2, body="No", level="error", attributes={"actor": "worker", "target": "queue"}
        ),
        narration(3, 1, "think", at=3, body="Hm", attributes={"actor": "queue"}),
        narration(4, 1, "rest", at=4, body="Done"),
    ]
    assert drawn([root()], said)[:-1] == [
        "participant p1 as bot",
        "participant p2 as queue",
        "participant p3 as worker",
        "p2->>p3: Dispatched",
        "p3--xp2: No",
        "Note over p2: Hm",
        "Note over p1: Done",
    ]


def test_many_targets_that_differ_in_a_number_are_one_participant():
    said = [
        narration(n, 1, "do", at=n, body=chr(97 + n), attributes={"actor": "queue", "target": f"job-{n}"})
        for n in range(9)
    ]
    assert [line for line in drawn([root()], said) if line.startswith("participant")] == [
        "participant p1 as bot",
        "participant p2 as queue",
        "participant p3 as job#45;#35;",
    ]


def test_alike_steps_are_a_loop_around_one_of_them_and_the_failed_are_counted():
    pages = [
        span(10 + n, 1, f"page {n}", at=n, kind="tool", status="error" if n > 40 else "ok") for n in range(43)
    ]
    assert drawn([root(), *pages])[3:-1] == [
        "loop 43 like page 0",
        "p1->>p2: call",
        "p2-->>p1: 1.00 ms",
        "Note over p1: 2 of them failed",
        "end",
    ]
    said = [narration(n, 1, "count", at=n, body=f"Counted {n}") for n in range(30)]
    assert drawn([root()], said)[1:-1] == ["loop 30 times", "Note over p1: Counted 0", "end"]


def test_a_large_trace_is_cut_where_nobody_could_read_it_and_says_so():
    spans = [root(), *(span(10 + n, 1, f"{chr(0x4E00 + n)}" * 50, at=n, kind="tool") for n in range(2_000))]
    lines = drawn(spans)
    assert len([line for line in lines if line.startswith("participant")]) == MOST_PARTICIPANTS + 1
    assert len(lines) <= MOST_MESSAGES + MOST_PARTICIPANTS + 10
    assert sum(map(len, lines)) < 1.2 * MOST_CHARACTERS
    assert re.fullmatch(
        r"Note over p1,p\d+: 1,\d\d\d more steps and narrations are not<br/>drawn|Note over .* are not drawn",
        lines[-1],
    )
    everything = drawn(spans, everything=True)
    assert sum(line.startswith("participant") for line in everything) == 2_001
    assert sum("->>" in line for line in everything) == 4_000


def test_a_diagram_of_nothing_is_empty():
    assert drawn([]) == []


@pytest.mark.parametrize("word", WORDS)
def test_no_text_of_a_trace_is_more_than_a_text(word):
    spans = [
        span(1, name=word, kind=word, service=word, took=99, status="error", error=Fault(word, word)),
        *(
            span(n, 1, f"{word}{'x' * n}", at=n, kind=kind)
            for n, kind in enumerate(("tool", "llm", "http", word), 2)
        ),
        span(9, 77, word),
    ]
    held = {"actor": word, "target": f"to {word}"}
    drawn(spans, [narration(n, 1, word, at=n, body=word, attributes=held) for n in range(3)])


@given(
    st.text(
        alphabet=st.one_of(st.characters(), st.sampled_from(";#%<>&\"'`:-\n {}[]()|\\$@~+=")), max_size=80
    )
)
def test_any_text_is_escaped_to_one_text_that_is_not_empty(text):
    assert re.fullmatch(TEXT, escaped(text))
    assert re.fullmatch(TEXT, broken(text))
    assert not re.search(r"\bend\b", escaped(text), re.IGNORECASE)


def test_codes_stand_for_the_letters_they_replace():
    text = 'a;b#c <b>%% "end" é 日本 👩 it\'s-so'
    back = re.sub(r"#(\d+);", lambda match: chr(int(match[1])), escaped(text))
    assert back == text
    assert "\\x1b" in re.sub(r"#(\d+);", lambda match: chr(int(match[1])), escaped(HOSTILE))
    assert escaped("x" * 500, 40) == "x" * 39 + "…"


def test_each_trace_of_a_flow_says_how_it_went():
    trees = [
        build([span(1, name="order", service=service, took=took, trace_id=trace_id, status=status)], [])
        for service, took, trace_id, status in (("shop", 5, "1" * 32, "ok"), ("bank", 7, "2" * 32, "error"))
    ]
    lines = list(diagram([root for tree in trees for root in tree.roots]))
    notes = [line.partition(": ")[2] for line in lines if "Note over" in line]
    assert notes[0] == "order started in shop."
    assert notes[1].startswith("It went well and took ")
    assert notes[2] == "order started in bank."
    assert notes[3].startswith("It failed after ")
