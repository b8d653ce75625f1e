"""Questions about scores and notes: of a span, of the root where the trace was judged, the latest of each judge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.store_lines import Engine, annotation, span, span_id, trace_id
from flightlog.questions.parsing import parse
from flightlog.questions.printing import text_of
from flightlog.records.traces import Selection
from flightlog.store.port import Reader


@pytest.fixture
def judged(tmp_path: Path) -> Iterator[Reader]:
    """Traces 1 to 4: a good one, a bad one that was judged twice, one with a label and a note, one without."""
    engine = Engine(tmp_path / "store.db")
    engine.append(
        annotation(1, trace=1, span_id=span_id(2), value=0.9, by="me"),  # before its span
        *(span(number, place, parent=place - 1, at=number) for number in range(1, 5) for place in (1, 2)),
        annotation(2, trace=2, span_id=span_id(2), value=0.8, by="me", at=1),
        annotation(3, trace=2, span_id=span_id(2), value=0.2, by="me", at=2),
        annotation(4, trace=2, span_id=span_id(2), value=0.3, by="model", at=3),
        annotation(5, trace=3, name="tone", label="very rude", note='an insult, "quoted"', at=4),
        annotation(6, trace=3, name="passed", value=False, at=5),
        annotation(7, trace=2, name="passed", value=True, at=6),
    )
    reader = engine.reader()
    yield reader
    reader.close()


@pytest.mark.parametrize(
    ("question", "traces"),
    [
        ("score.correctness<0.5", [2]),
        ("score.correctness>0.5", [1]),  # the 0.8 was taken back by the same judge
        ("score.correctness=0.9", [1]),
        ("score.correctness:0.3", [2]),
        ("score.passed:true", [2]),
        ("score.passed:false", [3]),
        ("score.tone:very*", [3]),
        ("score.tone~RUDE", [3]),
        ('score."tone"="very rude"', [3]),
        ("score.tone!=rude", [1, 2, 3, 4]),
        ("note~insult", [3]),
        ("has:note", [3]),
        ("has:score", [1, 2, 3]),
        ("NOT has:score", [1, 3, 4]),  # of 2 the root was judged as well as the other
        ("trace(NOT has:score)", [1, 4]),  # nobody judged it as a whole
        ("score.correctness<0.5 name:step_1", []),
        ("score.other>0", []),
    ],
)
def test_a_score_is_asked_for_by_its_name(judged: Reader, question: str, traces: list[int]) -> None:
    asked = parse(question)
    assert parse(text_of(asked)) == asked
    found = judged.each_trace(Selection(question=asked), oldest_first=True)
    assert [trace.trace_id for trace in found] == [trace_id(number) for number in traces]


def test_of_what_a_judge_said_again_the_latest_counts_and_all_is_kept(judged: Reader) -> None:
    said = [(one.trace_id[-1], one.name, one.value, one.by) for one in judged.judgements()]
    assert said == [
        ("1", "correctness", 0.9, "me"),
        ("2", "correctness", 0.2, "me"),
        ("2", "correctness", 0.3, "model"),
        ("3", "tone", None, ""),
        ("3", "passed", False, ""),
        ("2", "passed", True, ""),
    ]
    assert len(judged.annotations(trace_id(2))) == 4
    only = judged.judgements(Selection(question=parse("score.tone~rude")))
    assert {one.trace_id for one in only} == {trace_id(3)}
    assert next(judged.judgements()).about == "step_2"
