"""Server-sent events are found wherever the bytes are cut, and readers take whatever a server may send."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlog.integrations.openai import chat, embeddings, responses
from flightlog.integrations.stainless.wire import Events

WORDS = [
    "choices",
    "delta",
    "content",
    "tool_calls",
    "function",
    "arguments",
    "index",
    "usage",
    "prompt_tokens",
    "message",
    "error",
    "type",
    "response",
    "output",
    "item",
    "output_index",
    "status",
    "data",
    "embedding",
    "incomplete_details",
    "finish_reason",
]

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(WORDS) | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.lists(st.lists(st.text("ab:é ", max_size=4), min_size=1, max_size=3), max_size=5),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.lists(st.integers(0, 80), max_size=12),
)
def test_events_are_the_same_wherever_the_bytes_are_cut(events, end, cuts):
    text = "".join(
        "".join(f"data: {line}{end}" for line in lines) + f"id: 7{end}: remark{end}{end}" for lines in events
    )
    body = text.encode()
    places = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    splitter = Events()
    found = []
    for start, stop in itertools.pairwise(places):
        found += splitter.feed(body[start:stop])
    assert found == ["\n".join(lines).encode() for lines in events]


def test_an_event_that_no_blank_line_ends_is_none():
    splitter = Events()
    assert splitter.feed(b"data:one\ndata: two\n") == []
    assert splitter.feed(b"\r\ndata: three") == [b"one\ntwo"]


@given(
    st.dictionaries(st.text(max_size=8), ANYTHING, max_size=4)
    | ANYTHING.filter(lambda v: isinstance(v, dict))
)
def test_whole_answers_of_any_shape_are_read(body):
    for api in (chat, responses, embeddings):
        json.dumps(api.read(body).messages)


@given(
    st.lists(ANYTHING.filter(lambda v: isinstance(v, dict)), max_size=6),
    st.sampled_from(
        ["response.output_text.delta", "response.output_item.added", "response.completed", "error"]
    ),
)
def test_streamed_events_of_any_shape_are_read(events, kind):
    for reader in (chat.Chunks(), responses.Events()):
        for data in events:
            size = reader.event({"type": kind, **data})
            assert size is None or size >= 0
        json.dumps(reader.answer().messages)


def test_a_message_without_end_is_counted_to_the_end_and_kept_to_a_bound():
    reader = chat.Chunks()
    piece = "x" * (chat.MOST_CHARACTERS // 4)
    for _ in range(8):
        assert reader.event({"choices": [{"delta": {"content": piece}}]}) == len(piece)
    (message,) = reader.answer().messages
    assert len(message["content"]) == chat.MOST_CHARACTERS


@pytest.mark.parametrize("value", [True, 1.5, "7", None, [7]])
def test_only_whole_numbers_are_counts(value):
    answer = chat.read({"usage": {"prompt_tokens": value, "completion_tokens": 7}})
    assert (answer.usage.input, answer.usage.output) == (None, 7)
