"""News: what came into a store since somebody looked, and one span whole."""

from __future__ import annotations

from typing import Any

from contracts.store_lines import Engine, event, span, span_id, trace_id
from flightlog.questions.parsing import parse
from flightlog.store.following import Mark, News


def told(news: News) -> list[tuple[str, str]]:
    return [(found.span_id, found.status) for found in news.spans]


def look(engine: Engine, mark: Mark | None, most: int = 100, **options: Any) -> News:
    return engine.reader().news(mark, most, **options)


def test_the_first_look_tells_nothing_but_where_the_store_stands(engine: Engine) -> None:
    engine.append(span(1, 1), span(1, 2, took=None))
    first = look(engine, None)
    assert told(first) == []
    assert told(look(engine, first.mark)) == []


def test_new_spans_come_once_as_they_stand(engine: Engine) -> None:
    mark = look(engine, None).mark
    engine.append(span(1, 1, took=None), span(1, 2, parent=1), event(1))
    news = look(engine, mark)
    assert sorted(told(news)) == [(span_id(1), "running"), (span_id(2), "ok")]
    assert told(look(engine, news.mark)) == []


def test_a_span_that_was_open_comes_again_when_it_is_over(engine: Engine) -> None:
    engine.append(span(1, 1, took=None))
    mark = look(engine, None).mark
    engine.append(span(2, 5, took=None))
    mark = look(engine, mark).mark
    engine.append(span(1, 1, took=7), span(2, 5, took=9, status="error"))
    news = look(engine, mark)
    assert told(news) == [(span_id(1), "ok"), (span_id(5), "error")]
    assert told(look(engine, news.mark)) == []


def test_more_than_was_asked_for_comes_with_the_next_looks(engine: Engine) -> None:
    mark = look(engine, None).mark
    engine.append(*(span(1, number) for number in range(1, 8)))
    seen: list[tuple[str, str]] = []
    more = True
    while more:
        news = look(engine, mark, 3)
        seen += told(news)
        mark, more = news.mark, news.has_more
    assert sorted(seen) == [(span_id(number), "ok") for number in range(1, 8)]


def test_with_a_question_a_span_comes_when_it_fits(engine: Engine) -> None:
    failed = parse("status:error")
    mark = look(engine, None, question=failed).mark
    engine.append(span(1, 1, took=None), span(1, 2))
    news = look(engine, mark, question=failed)
    assert told(news) == []
    engine.append(span(1, 1, took=3, status="error"))
    assert told(look(engine, news.mark, question=failed)) == [(span_id(1), "error")]


def test_a_store_that_was_made_anew_is_followed_from_where_it_stands(engine: Engine) -> None:
    engine.append(span(1, 1))
    assert told(look(engine, Mark(1_000_000))) == []
    assert told(look(engine, look(engine, Mark(1_000_000)).mark)) == []


def test_large_values_come_only_when_they_are_asked_for(engine: Engine) -> None:
    mark = look(engine, None).mark
    engine.append(span(1, 1, input="x" * 5000))
    assert look(engine, mark, payloads=True).spans[0].input == "x" * 5000
    assert look(engine, mark).spans[0].input != "x" * 5000


def test_one_span_is_read_whole(engine: Engine) -> None:
    engine.append(span(1, 1, input="x" * 5000), span(1, 2))
    found = engine.reader().span(trace_id(1), span_id(1))
    assert found is not None
    assert found.input == "x" * 5000
    assert engine.reader().span(trace_id(1), span_id(9)) is None
    assert engine.reader().span(trace_id(2), span_id(1)) is None
