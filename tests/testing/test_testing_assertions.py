"""What `capture` asserts: what it accepts, and what a failure shows."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from pathlib import Path
from unittest.mock import ANY

import pytest

import flightlog as fl


class Status(Enum):
    OPEN = "open"


@pytest.fixture
def seen():
    """A small program: an answer, with a plan, a search that finds, and a reranking that fails."""
    with fl.capture() as captured:
        with fl.span("answer", kind="agent", user="u-7"):
            with fl.span("plan"):
                pass
            with fl.span("search_documents", kind="retrieval", input={"query": "refunds"}, top_k=5) as span:
                span.output = [{"title": "Refunds"}, {"title": "Returns"}]
                span.set_attributes({"gen_ai.request.model": "m-1", "gen_ai.request": {"model": "m-2"}})
                fl.event("cache", hit=False)
            with pytest.raises(ValueError, match="bad"), fl.span("rerank", kind="rerank"):
                raise ValueError("bad date")
        yield captured


def refusal(assertion, *args, **kwargs):
    """What an assertion says when it fails, its columns one blank apart."""
    with pytest.raises(AssertionError) as caught:
        assertion(*args, **kwargs)
    return re.sub(r" {2,}", " ", str(caught.value))


# -- executed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"kind": "retrieval"},
        {"top_k": 5},
        {"times": 1},
        {"status": "ok", "level": "info", "error": None},
        {"input": {"query": "refunds"}},
        {"input.query": "refunds"},
        {"input.query": re.compile("^ref")},
        {"output.0.title": "Refunds", "output.-1.title": "Returns"},
        {"output": ({"title": "Refunds"}, {"title": "Returns"})},
        {"top_k": ANY, "output": ANY},
        {"top_k": pytest.approx(5.0001, abs=0.01)},
        {"gen_ai.request.model": "m-1"},
        {"attributes.top_k": 5},
        {"nothing_of_the_kind": None},
    ],
)
def test_a_span_that_fits_was_executed(seen, wanted):
    seen.assert_executed("search_documents", **wanted)


@pytest.mark.parametrize(
    "value",
    [
        (1, (2,)),
        {3},
        Path("/x/y"),
        date(2026, 1, 2),
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        timedelta(seconds=3),
        b"abc",
        Status.OPEN,
        2**70,
        float("nan"),
        {1: 2},
        {"at": [Path("/x")]},
    ],
)
def test_a_value_that_was_recorded_is_found_by_the_value_that_was_handed_over(value):
    with fl.capture() as seen, fl.span("work", value=value):
        pass
    seen.assert_executed("work", value=value)
    assert " value " in refusal(seen.assert_executed, "work", value=[value, "more"])


def test_nothing_is_recorded_less_than_never(seen):
    with pytest.raises(ValueError, match="nothing can be recorded -1 times"):
        seen.assert_executed("plan", times=-1)


def test_a_name_may_be_a_pattern(seen):
    seen.assert_executed(re.compile("^search_"), kind=re.compile("retr"))


def test_a_refusal_shows_the_nearest_span_and_only_what_differs(seen):
    said = refusal(seen.assert_executed, "search_document", kind="tool", top_k=8, status="ok")
    assert said.splitlines() == [
        "no span 'search_document' with kind 'tool', top_k 8 and status 'ok' was recorded",
        "",
        "nearest of 4: answer > search_documents (retrieval ok)",
        " wanted recorded",
        " name 'search_document' 'search_documents'",
        " kind 'tool' 'retrieval'",
        " top_k 8 5",
    ]


def test_the_columns_of_a_refusal_stand_under_one_another(seen):
    with pytest.raises(AssertionError) as caught:
        seen.assert_executed("search_documents", top_k=8, **{"input.query": "wide 漢字"})
    head, *rows = str(caught.value).splitlines()[3:]
    assert head == "               wanted       recorded"
    assert rows == [
        "  top_k        8            5",
        "  input.query  'wide 漢字'  'refunds'",
    ]


def test_a_similar_name_comes_before_a_span_that_has_the_fields(seen):
    assert "nearest of 4: answer > rerank (rerank error)" in refusal(
        seen.assert_executed, "rerang", kind="retrieval", top_k=5
    )


def test_a_value_that_is_not_there_is_said_to_be_missing(seen):
    assert " top_k 5 (not there)" in refusal(seen.assert_executed, "plan", top_k=5)


@pytest.mark.parametrize(("wanted", "recorded"), [(True, 1), (1, True), ("1", 1), ([1], 1), (5, "5")])
def test_values_of_different_types_do_not_fit(wanted, recorded):
    with fl.capture() as seen, fl.span("work", value=recorded):
        pass
    assert f" value {wanted!r} {recorded!r}" in refusal(seen.assert_executed, "work", value=wanted)


def test_of_long_texts_the_part_is_shown_in_which_they_differ():
    with fl.capture() as seen, fl.span("work", text="a" * 300 + " HERE " + "b" * 300):
        pass
    said = refusal(seen.assert_executed, "work", text="a" * 300 + " THERE " + "b" * 300)
    assert "HERE" in said
    assert "THERE" in said
    assert max(map(len, said.splitlines())) < 200


def test_a_refusal_holds_nothing_that_a_terminal_would_obey():
    with fl.capture() as seen, fl.span("\x1b[31mred\u202e", text="\x1b]0;title\x07"):
        pass
    said = refusal(seen.assert_executed, "red", text="\x1b[0m")
    assert said.isprintable() or set(said) - {"\n"} == {letter for letter in said if letter.isprintable()}
    assert "\\x1b[31mred\\u202e" in said


def test_a_value_whose_repr_fails_is_shown_all_the_same(seen):
    class Broken:
        def __repr__(self):
            raise RuntimeError("no")

    assert "<Broken whose repr fails: RuntimeError>" in refusal(seen.assert_executed, "plan", x=Broken())


def test_a_number_of_times_is_exact():
    with fl.capture() as seen:
        for page in range(3):
            with fl.span("fetch", page=page):
                pass
    seen.assert_executed("fetch", times=3)
    seen.assert_executed("fetch", times=1, page=2)
    assert refusal(seen.assert_executed, "fetch", times=2).splitlines() == [
        "span 'fetch' was recorded 3 times instead of 2 times",
        "",
        " fetch (step ok)",
        " fetch (step ok)",
        " fetch (step ok)",
    ]
    said = refusal(seen.assert_executed, "fetch", times=2, page=1)
    assert "span 'fetch' with page 1 was recorded once instead of 2 times" in said
    assert "nearest of 2: fetch (step ok)" in said
    assert " page 1 0" in said


def test_a_long_list_is_cut():
    with fl.capture() as seen:
        for _ in range(30):
            with fl.span("fetch"):
                pass
    said = refusal(seen.assert_executed, "fetch", times=1)
    assert said.count("fetch (step ok)") == 12
    assert "… and 18 more" in said


def test_what_was_not_executed(seen):
    seen.assert_not_executed("fallback")
    seen.assert_not_executed("plan", kind="tool")
    seen.assert_not_executed("search_documents", top_k=6)
    assert refusal(seen.assert_not_executed, "search_documents", top_k=5).splitlines() == [
        "span 'search_documents' with top_k 5 was recorded once instead of never",
        "",
        " answer > search_documents (retrieval ok)",
    ]


def test_a_span_that_still_runs_counts_once_and_is_shown_as_running():
    with fl.capture() as seen, fl.span("work"):
        fl.event("step")
        seen.assert_executed("work", times=1, status="running")
        assert " status 'ok' 'running'" in refusal(seen.assert_status, "work", "ok")
    seen.assert_executed("work", times=1, status="ok")


def test_where_nothing_was_recorded_a_refusal_says_so():
    with fl.capture() as seen:
        pass
    assert refusal(seen.assert_executed, "work").splitlines() == [
        "no span 'work' was recorded",
        "",
        "there is no span at all; nothing was recorded",
    ]


def test_where_only_events_were_recorded_a_refusal_names_them():
    with fl.capture() as seen:
        fl.event("tick")
    assert "there is no span at all; recorded were tick" in refusal(seen.assert_executed, "work")


# -- events ---------------------------------------------------------------------------------------------------


def test_an_event_is_asserted_as_a_span_is(seen):
    seen.assert_event("cache", hit=False, times=1, level="info")
    said = refusal(seen.assert_event, "cache", hit=True)
    assert "no event 'cache' with hit True was recorded" in said
    assert "nearest of 1: answer > search_documents > cache (event)" in said
    assert " hit True False" in said


# -- order ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["answer"],
        ["plan", "rerank"],
        ["answer", "plan", "search_documents", "cache", "rerank"],
        [re.compile("^p"), "cache"],
    ],
)
def test_others_may_stand_between_those_in_order(seen, names):
    seen.assert_order(*names)


def test_a_refusal_of_an_order_says_where_it_ends(seen):
    assert refusal(seen.assert_order, "plan", "rerank", "cache").splitlines() == [
        "no 'cache' began after 'rerank'",
        "",
        " wanted 'plan' → 'rerank' → 'cache'",
        " recorded 'plan' → 'cache' → 'rerank'",
    ]


def test_a_refusal_stands_in_the_test_and_not_in_what_makes_its_text(seen):
    for names in (("plan", "nosuch"), ("rerank", "plan")):
        with pytest.raises(AssertionError) as refused:
            seen.assert_order(*names)
        ours = [entry for entry in refused.traceback if "flightlog" in entry.path.parts]
        assert ours
        assert all(entry.frame.f_locals.get("__tracebackhide__") for entry in ours)


def test_a_name_in_an_order_stands_for_one_record_each_time(seen):
    assert "no 'plan' began after 'plan'" in refusal(seen.assert_order, "plan", "plan")


def test_a_name_that_was_never_recorded_is_refused_with_the_nearest(seen):
    said = refusal(seen.assert_order, "plan", "rerang")
    assert "no span or event 'rerang' was recorded" in said
    assert " name 'rerang' 'rerank'" in said


# -- one field, status, parent --------------------------------------------------------------------------------


def test_a_field_is_found_by_its_path(seen):
    seen.assert_field("search_documents", "output.1.title", "Returns")
    seen.assert_field("rerank", "error.message", re.compile("date"))
    seen.assert_field("rerank", "error.type", "ValueError")
    seen.assert_field("cache", "hit", value=False)
    seen.assert_field("plan", "error", None)


def test_every_record_of_the_name_must_have_the_field():
    with fl.capture() as seen:
        for page in (1, 2, 2):
            with fl.span("fetch", page=page):
                pass
    assert refusal(seen.assert_field, "fetch", "page", 2).splitlines() == [
        "1 of 3 'fetch' has another page",
        "",
        "fetch (step ok)",
        " wanted recorded",
        " page 2 1",
    ]


def test_a_field_of_what_was_never_recorded_is_refused(seen):
    assert "no span or event 'serch' was recorded" in refusal(seen.assert_field, "serch", "top_k", 5)


def test_a_status_is_asserted_of_every_span_of_the_name(seen):
    seen.assert_status("rerank", "error")
    seen.assert_status("answer", "ok")
    assert refusal(seen.assert_status, "rerank", "ok").splitlines() == [
        "the only 'rerank' has another status",
        "",
        "answer > rerank (rerank error)",
        " wanted recorded",
        " status 'ok' 'error'",
    ]


def test_a_parent_is_the_span_right_above(seen):
    seen.assert_parent("search_documents", "answer")
    seen.assert_parent("answer", None)
    assert refusal(seen.assert_parent, "plan", "search_documents").splitlines() == [
        "the only 'plan' is not directly under 'search_documents'",
        "",
        " answer > plan (step ok)",
    ]
    assert "the only 'plan' is not a root" in refusal(seen.assert_parent, "plan", None)


def test_a_grandparent_is_no_parent():
    with fl.capture() as seen, fl.span("a"), fl.span("b"), fl.span("c"):
        pass
    assert " a > b > c (step ok)" in refusal(seen.assert_parent, "c", "a")


# -- narrations -----------------------------------------------------------------------------------------------


@pytest.fixture
def told():
    """A queue that says what it does."""
    with fl.capture() as captured:
        with fl.bind(correlation_id="order-7"):
            fl.narrate("enqueue", "job-1", human="Queued job-1 behind 3 others.", actor="queue")
            fl.narrate(
                "dispatch",
                "job-1",
                human="Sent job-1 to worker w-3.",
                cute="Off you go, job-1! 🐝",
                story='"I have room for one more," said w-3.',
                level="debug",
                pool="default",
            )
        fl.event("dispatch", pool="default")
        yield captured


@pytest.mark.parametrize(
    "wanted",
    [
        {"action": "dispatch"},
        {"action": "dispatch", "human": "job-1 to worker"},
        {"human": re.compile(r"w-\d")},
        {"cute": "🐝"},
        {"cute": True, "story": True, "human": True},
        {"dialogue": True},
        {"story": "w-3", "dialogue": True, "action": re.compile("^dis")},
        {"correlation_id": "order-7", "times": 2},
        {"actor": "queue", "target": "job-1"},
        {"emitted_by": True, "source": re.compile(r"test_testing_assertions:\d+$"), "times": 2},
        {"pool": "default", "level": "debug", "times": 1},
        {"action": "retry", "times": 0},
    ],
)
def test_a_narration_that_fits_was_said(told, wanted):
    told.assert_narrated(**wanted)


def test_narrations_are_listed(told):
    assert [event.body for event in told.narrations] == [
        "Queued job-1 behind 3 others.",
        "Sent job-1 to worker w-3.",
    ]


def test_a_refusal_of_a_narration_shows_the_nearest(told):
    said = refusal(told.assert_narrated, "dispatch", human="Sent job-2", correlation_id="order-8")
    assert said.splitlines() == [
        "no narration 'dispatch' with human …Sent job-2… and correlation_id 'order-8' was recorded",
        "",
        "nearest of 2: dispatch (event, debug)",
        " wanted recorded",
        " human …Sent job-2… 'Sent job-1 to worker w-3.'",
        " correlation_id 'order-8' 'order-7'",
    ]


def test_a_voice_that_is_not_there_is_refused(told):
    said = refusal(told.assert_narrated, "enqueue", cute=True)
    assert "no narration 'enqueue' with cute (anything) was recorded" in said
    assert " cute (anything) (not there)" in said


def test_a_story_in_which_nobody_speaks_is_no_dialogue():
    with fl.capture() as seen:
        fl.narrate("dispatch", human="Sent.", story="The worker's day began.")
        fl.narrate("rest", human="Done.", story="“Enough,” said the worker.")
    seen.assert_narrated("dispatch", story="day")
    said = refusal(seen.assert_narrated, "dispatch", dialogue=True)
    assert "in whose story somebody speaks" in said
    assert 'nobody does in "The worker\'s day began."' in said


def test_provenance_is_who_emitted_it_and_the_line_that_said_it(told):
    told.assert_provenance()
    told.assert_provenance("enqueue")
    assert "no narration 'retry' was recorded" in refusal(told.assert_provenance, "retry")


def test_a_narration_without_provenance_is_refused():
    with fl.capture() as seen:
        fl.narrate("dispatch", human="Sent.")
        fl.event("dispatch", **{"flightlog.event": "narration", "source": "elsewhere"})
    said = refusal(seen.assert_provenance)
    assert "1 of 2 'dispatch' has another emitted_by and source" in said
    assert "(not there)" in said
    assert "'elsewhere'" in said


def test_a_mere_event_is_no_narration(told):
    told.assert_event("dispatch", times=2)
    told.assert_narrated("dispatch", times=1)


# -- to look at -----------------------------------------------------------------------------------------------


def test_an_outline_shows_spans_events_and_what_went_wrong_by_time(seen):
    fl.event("afterwards", body="all done")
    lines = [re.sub(r" {2,}[\d.]+ \S?s\b", "", line) for line in seen.outline().splitlines()]
    assert lines == [
        "answer (agent)  ok  user='u-7'",
        "  plan (step)  ok",
        "  search_documents (retrieval)  ok  top_k=5 gen_ai.request.model='m-1' gen_ai.request={'model': 'm-2'}",
        "    · cache  hit=False",
        "  rerank (rerank)  error  ValueError: bad date",
        "· afterwards  'all done'",
    ]


def test_an_outline_is_cut_where_it_is_long():
    with fl.capture() as seen:
        for _ in range(70):
            fl.event("tick")
    assert seen.outline().splitlines()[-1] == "… and 10 more"


def test_an_outline_of_nothing_says_so():
    with fl.capture() as seen:
        pass
    assert seen.outline() == "nothing"


def test_a_capture_counts_its_lines_in_its_repr(seen):
    assert re.fullmatch(r"<capture of \d+ lines>", repr(seen))


def test_what_was_recorded_is_forgotten_but_for_spans_that_run():
    with fl.capture() as seen:
        with fl.span("prepare"):
            fl.narrate("warm", "cache", human="Warmed the cache.")
        with fl.span("answer"):
            with fl.span("before"):
                pass
            seen.clear()
            assert seen.spans == []
            with fl.span("search"):
                fl.narrate("find", "it", human="Found it.")
            seen.assert_parent("search", "answer")
    assert [one.name for one in seen.spans] == ["search", "answer"]
    seen.assert_not_executed("prepare")
    seen.assert_story_matches("Found it.")
