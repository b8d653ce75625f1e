"""A body is one line of text, whatever the program hands over."""

from __future__ import annotations

import pytest

import flightlog as fl


@pytest.mark.parametrize(
    ("body", "text"), [({"a": 1}, '{"a":1}'), ([1, 2], "[1,2]"), (5, "5"), (1.5, "1.5"), ("t", "t")]
)
def test_a_body_that_is_no_text_becomes_the_text_it_is_captured_as(body: object, text: str) -> None:
    with fl.capture() as seen, fl.span("work"):
        fl.event("e", body=body)  # type: ignore[arg-type]  # what a program may do all the same
    (event,) = seen.events
    assert event.body == text
