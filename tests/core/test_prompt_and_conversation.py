"""Conversations, their turns, and what a prompt was made of."""

from __future__ import annotations

import pytest

import flightlog as fl


def test_a_session_and_its_turns_stand_on_what_begins_in_them(seen):
    with fl.session("s-1"):
        with fl.turn(1), fl.span("first"):
            fl.event("inside")
        with fl.turn(2), fl.span("second"):
            pass
        with fl.span("between"):
            pass
    with fl.span("after"):
        pass
    assert {span.name: span.context for span in seen.spans} == {
        "first": {"session": "s-1", "turn": 1},
        "second": {"session": "s-1", "turn": 2},
        "between": {"session": "s-1"},
        "after": {},
    }
    assert seen.events[0].context == {"session": "s-1", "turn": 1}


def test_a_prompt_is_told_by_the_hash_and_size_of_its_parts_and_never_by_its_text(seen):
    with fl.span("ask"):
        fl.prompt_built({"system": "be brief", "user": "why is the sky blue?"}, template="v3")
    (event,) = seen.events
    assert (event.name, event.span_id) == ("prompt", seen.span("ask").span_id)
    assert event.attributes["sizes"] == {"system": 8, "user": 20}
    assert event.attributes["template"] == "v3"
    assert all(value.startswith("b2:") for value in event.attributes["components"].values())
    assert "sky" not in repr(seen.records)


def test_equal_parts_have_equal_hashes_and_others_have_others(seen):
    fl.prompt_built({"system": "a", "user": "x", "again": "a"})
    fl.prompt_built({"system": "a", "user": "y"})
    one, two = (event.attributes["components"] for event in seen.events)
    assert one["system"] == one["again"] == two["system"]
    assert one["user"] != two["user"]


def test_a_secret_in_a_prompt_is_not_in_its_hash(seen):
    """Two prompts that differ in a secret alone cannot be told apart: the hash knows neither."""
    for end in ("A" * 20, "B" * 20):
        fl.prompt_built({"system": "key: " + "sk-" + "ant-" + "api03-" + "Ab1" * 20 + end})
    one, two = (event.attributes["components"]["system"] for event in seen.events)
    assert one == two


def test_parts_that_are_no_texts_count_as_they_would_be_recorded(seen):
    fl.prompt_built({"messages": [{"role": "user"}], "more": None})
    (event,) = seen.events
    assert event.attributes["sizes"] == {"messages": len('[{"role":"user"}]'), "more": len("null")}


def test_a_huge_part_is_hashed_as_far_as_it_would_be_kept(seen):
    """The rest tells itself by the size."""
    fl.prompt_built({"one": "x" * 3_000_000, "two": "x" * 2_000_000})
    (event,) = seen.events
    assert event.attributes["components"]["one"] == event.attributes["components"]["two"]
    assert event.attributes["sizes"] == {"one": 3_000_000, "two": 2_000_000}


@pytest.mark.parametrize("parts", [None, 7, "text", [("a", "b")]])
def test_what_is_no_mapping_is_no_reason_to_fail(seen, parts):
    fl.prompt_built(parts)
    (event,) = seen.events
    assert event.attributes == {"components": {}, "sizes": {}}


def test_a_prompt_whose_level_is_off_is_not_looked_at():
    class Parts(dict):
        def items(self):
            raise AssertionError("looked at")

    with fl.capture(level="info") as captured:
        fl.prompt_built(Parts(), level="trace")
    assert captured.events == []
