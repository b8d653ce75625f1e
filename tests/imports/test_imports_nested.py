"""Traces with their spans nested, as `flightlog export --format json` writes them, come back as they were."""

from __future__ import annotations

import json

import pytest
from imports_documents_of_others import FILES, brought_in, drawn

from flightlog.export import json as documents
from flightlog.loading import load_trace

NESTED = FILES["flightlog-json"]


def _exported(home):
    """Every trace of a home, as the command writes them."""
    with home.reader() as reader:
        found = [
            (trace, load_trace(reader, trace.trace_id), list(reader.annotations(trace.trace_id)))
            for trace in reader.traces(100)
        ]
    return json.loads(b"".join(documents.documents(found)))


def test_what_was_exported_is_imported_and_exported_as_the_same(home):
    done, skipped = brought_in(home, NESTED)
    assert (done.records, skipped) == (8, [])
    assert _exported(home) == json.loads(NESTED.read_text(encoding="utf-8"))


def test_spans_stand_under_their_parents_with_their_events_and_scores(home):
    brought_in(home, NESTED)
    assert drawn(home) == [
        "support agent error *handoff",
        "  search tool error",
        "  chat m llm ok",
        "alone step ok *pause *resume",
    ]


def test_one_trace_as_a_command_prints_it_is_read_as_well(home, tmp_path):
    (path := tmp_path / "one.json").write_text(json.dumps(json.loads(NESTED.read_text(encoding="utf-8"))[0]))
    brought_in(home, path)
    assert len(drawn(home)) == 1


def test_importing_twice_changes_nothing(home):
    brought_in(home, NESTED)
    before = _exported(home)
    done, _ = brought_in(home, NESTED)
    assert (done.new, _exported(home)) == (0, before)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"start": "soon"}, "Expected `int`, got `str` - at `$.start`"),
        ({"span_id": None}, "Expected `str`, got `null` - at `$.span_id`"),
        ({"v": 99}, "a span of a version that is not known yet"),
    ],
)
def test_a_trace_with_a_span_that_is_none_is_left_out_by_name(home, tmp_path, change, why):
    traces = json.loads(NESTED.read_text(encoding="utf-8"))
    traces[0]["roots"][0] |= change
    (path := tmp_path / "bad.json").write_text(json.dumps(traces))
    _, skipped = brought_in(home, path)
    assert len(skipped) == 1
    assert why in skipped[0][1]
    assert len(drawn(home)) == 3  # the other trace


def test_an_input_that_is_null_stays_one(home, tmp_path):
    traces = json.loads(NESTED.read_text(encoding="utf-8"))
    traces[0]["roots"][0]["input"] = None
    (path := tmp_path / "null.json").write_text(json.dumps(traces))
    brought_in(home, path)
    (alone,) = (found for trace in _exported(home) for found in trace["roots"] if found["name"] == "alone")
    assert alone["input"] is None
