"""A score is recorded where it is said: about the current span, its trace, or what is named."""

from __future__ import annotations

import flightlog as fl
from flightlog.records.annotation import Annotation


def _said(seen: object) -> list[Annotation]:
    return [record for record in seen.records if isinstance(record, Annotation)]  # type: ignore[attr-defined]  # what `capture` gives


def test_a_score_is_about_the_current_span_or_its_trace() -> None:
    with fl.capture() as seen, fl.span("work") as span:
        first = fl.annotate("correctness", 0.9, note="well done", by="me", attributes={"k": 1})
        fl.annotate("passed", True)
        fl.annotate("tone", "rude", whole_trace=True)
    one, passed, tone = _said(seen)
    assert (one.annotation_id, one.trace_id, one.span_id) == (first, span.trace_id, span.span_id)
    assert (one.name, one.value, one.note, one.by, one.attributes) == (
        "correctness",
        0.9,
        "well done",
        "me",
        {"k": 1},
    )
    assert passed.value is True
    assert (tone.label, tone.value, tone.span_id, tone.trace_id) == ("rude", None, "", span.trace_id)


def test_what_is_over_is_judged_by_itself_or_by_its_id() -> None:
    with fl.capture() as seen:
        with fl.span("work") as span:
            pass
        assert fl.annotate("late", 1, span=span)
        assert fl.annotate("far", 2, trace_id="a" * 32, span_id="b" * 16, project="other")
        assert fl.annotate("none", 3) == ""
    late, far = _said(seen)
    assert (late.span_id, late.value) == (span.span_id, 1.0)
    assert (far.trace_id, far.span_id, far.project) == ("a" * 32, "b" * 16, "other")


def test_a_number_that_is_none_is_left_out_and_a_secret_is_masked() -> None:
    with fl.capture() as seen, fl.span("work"):
        fl.annotate(
            "score", float("nan"), note="key sk-" + "proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH"
        )
    (one,) = _said(seen)
    assert one.value is None
    assert "abcdefgh" not in one.note
    assert one.note.startswith("key ")


def test_a_value_that_cannot_be_told_breaks_nothing() -> None:
    class Rude:
        def __str__(self) -> str:
            raise RuntimeError("no")

    with fl.capture() as seen, fl.span("work"):
        fl.annotate("odd", Rude(), note=Rude())  # type: ignore[arg-type]  # what a program may do
        fl.annotate("after", 1)
    assert _said(seen)[-1].name == "after"
