"""Searching as every engine does it: words in values, errors and events, and values for whoever types a question."""

from __future__ import annotations

import pytest

from contracts.store_lines import Engine, event, span, span_id
from flightlog.questions.parsing import parse
from flightlog.records.question import Pattern
from flightlog.store.open import open_texts
from flightlog.store.sqlite import textsearch
from flightlog.store.textport import Found, Hit, Search


@pytest.fixture(params=[False, True], ids=["no index", "index"])
def indexed(request: pytest.FixtureRequest, engine: Engine) -> Engine:
    """A store to which `keep` brings an index up to date, or leaves it without."""
    engine.keep = lambda: request.param and keep(engine)
    return engine


def keep(engine: Engine) -> None:
    texts = open_texts(engine.place)
    try:
        while texts.step().more:
            pass
    finally:
        texts.close()


def search(engine: Engine, *words: str, limit: int = 20, question: str = "", **where) -> Found:
    patterns = [Pattern(tuple(word.split("*"))) for word in words]
    asked = parse(question) if question else None
    return engine.reader().search(Search(patterns, **where), limit, question=asked)


def places(found: Found) -> list[str]:
    return [hit.span.span_id if hit.span is not None else hit.event.event_id for hit in found.hits]


def texts(hit: Hit) -> list[tuple[str, list[str]]]:
    return [(one.where, [one.text[begin:end] for begin, end in one.marks]) for one in hit.passages]


def test_all_words_are_found_in_one_step_newest_first(indexed):
    indexed.append(
        span(1, 1, at=0, input="the refund", output="of this policy"),
        span(1, 2, at=5, input={"q": "REFUND our policy"}),
        span(1, 3, at=9, input="refund"),
        span(1, 4, at=3, output="policies and refunds"),
    )
    indexed.keep()
    assert places(search(indexed, "refund", "policy")) == [span_id(2), span_id(1)]
    assert places(search(indexed, "refund policy")) == []
    assert places(search(indexed, "refund*", "polic*")) == [span_id(2), span_id(4), span_id(1)]
    assert places(search(indexed, "refund", limit=2)) == [span_id(3), span_id(2)]
    assert search(indexed, "refund", limit=2).has_more
    assert not search(indexed, "refund").has_more


@pytest.mark.parametrize("most", [textsearch.MOST_SORTED, 0])
def test_the_newest_are_those_that_started_last_also_where_older_ones_were_imported_later(
    engine, most, monkeypatch
):
    monkeypatch.setattr(textsearch, "MOST_SORTED", most)
    spans = [span(1, n, at=1000 - n, input="refund") for n in range(1, 61)]
    engine.append(*spans)
    keep(engine)
    found = search(engine, "refund", limit=1)
    assert places(found) == [span_id(1)]
    monkeypatch.setattr(textsearch, "SMALL", 10)
    assert (places(search(engine, "refund", limit=1)) == [span_id(1)]) == (most > 0)


def test_a_passage_says_where_and_marks_the_words(indexed):
    long = "before " * 100 + "the Refund of a policy " + "after " * 100
    indexed.append(
        span(1, 1, input={"question": [long]}, status="error", error={"type": "E", "message": "no refund"})
    )
    indexed.keep()
    (hit,) = search(indexed, "refund").hits
    assert texts(hit) == [("input", ["Refund"]), ("error", ["refund"])]
    passage = hit.passages[0]
    assert passage.is_begun
    assert passage.is_cut
    assert len(passage.text) < 300
    assert hit.span.input is hit.span.output, "hits come without their values"


def test_words_are_looked_for_where_it_is_said(indexed):
    indexed.append(
        span(1, 1, input="word"),
        span(1, 2, output="word"),
        span(1, 3, status="error", error={"type": "Word", "message": ""}),
        event(7, name="note", body="a word", span_id=span_id(1)),
        event(8, name="word", trace=0),
    )
    indexed.keep()
    assert sorted(places(search(indexed, "word"))) == sorted(
        [span_id(1), span_id(2), span_id(3), span_id(7), span_id(8)]
    )
    for where, number in (("input", 1), ("output", 2), ("error", 3)):
        assert places(search(indexed, "word", where=(where,))) == [span_id(number)]
    assert sorted(places(search(indexed, "word", where=("event",)))) == [span_id(7), span_id(8)]


def test_a_question_narrows_steps_and_the_events_on_them(indexed):
    indexed.append(
        span(1, 1, kind="llm", input="word"),
        span(1, 2, kind="tool", input="word"),
        event(7, body="word", span_id=span_id(1)),
        event(8, body="word", span_id=span_id(2)),
    )
    indexed.keep()
    assert sorted(places(search(indexed, "word", question="kind:llm"))) == [span_id(1), span_id(7)]


def test_what_a_conversation_repeats_is_told_once_at_its_first_step(indexed):
    messages = [{"role": "user", "content": f"{word} " * 200} for word in ("first", "second", "third")]
    for number in range(1, 4):
        indexed.append(span(1, number, at=number, kind="llm", input={"messages": messages[:number]}))
    indexed.append(span(2, 9, at=9, kind="llm", input={"messages": messages[:1]}))
    indexed.keep()
    found = search(indexed, "first")
    assert [(one.span.span_id, one.later) for one in found.hits] == [(span_id(9), 0), (span_id(1), 2)]


def test_what_came_after_the_index_is_found_as_well(engine):
    engine.append(span(1, 1, input="word"), event(7, body="word"))
    keep(engine)
    engine.append(
        span(1, 2, at=5, input="word"), span(1, 3, at=6, took=None, input="word"), event(8, body="word")
    )
    found = search(engine, "word")
    assert found.is_indexed
    assert sorted(places(found)) == sorted([span_id(1), span_id(2), span_id(3), span_id(7), span_id(8)])
    assert engine.reader().text_state().rows_behind == 3


def test_no_text_is_too_strange_to_be_looked_for(indexed):
    strange = [
        '"',
        "AND",
        "OR (",
        "NEAR(a b)",
        "a^b",
        "*",
        "-x",
        "col:x",
        "'; DROP",
        "\x00",
        "{}",
        "é́",
        "名前",
        "a" * 5000,
    ]
    indexed.append(*(span(1, number, input=f"x {text} y") for number, text in enumerate(strange, 1)))
    indexed.keep()
    for number, text in enumerate(strange, 1):
        pattern = Pattern((text,))
        found = indexed.reader().search(Search([pattern]), 50)
        if any(sign.isalnum() for sign in text):
            assert span_id(number) in places(found), text


def test_an_index_says_how_it_stands(engine):
    assert not engine.reader().text_state().is_there
    engine.append(span(1, 1, input="word", output="x" * 600), event(7, body="word"))
    keep(engine)
    state = engine.reader().text_state()
    assert (state.is_there, state.texts, state.rows_behind, state.trouble) == (True, 3, 0, "")
    assert state.bytes_on_disk > 0


def test_values_are_known_of_the_fields_that_a_question_may_name(engine):
    context = {"session": "s-1", "user": "u-7", "tags": ["beta", "alpha"]}
    engine.append(
        span(1, 1, name="root", kind="agent", context=context),
        span(1, 2, name="ask", kind="llm", attributes={"gen_ai.request.model": "m-1"}),
    )
    known = engine.reader().known_values(10)
    assert sorted(known["name"]) == ["ask", "root"]
    assert known["model"] == ["m-1"]
    assert known["tag"] == ["alpha", "beta"]
    assert (known["session"], known["user"], known["service"]) == (["s-1"], ["u-7"], ["svc"])
    assert len(engine.reader().known_values(1)["name"]) == 1
