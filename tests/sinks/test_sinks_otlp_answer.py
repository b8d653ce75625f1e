"""What a collector says of a failure is shortened, and a secret that it repeats is gone before that."""

from __future__ import annotations

import json

import pytest

from flightlog.sinks.otlp_answer import answer_of, reason_of

TOKEN = "ghp" + "_" + "a1B2c3D4" * 5


@pytest.mark.parametrize("before", [8, 20, 39])
def test_a_reason_is_redacted_before_it_is_cut(before: int) -> None:
    said = "w" * (299 - before) + " " + TOKEN + " z" * 3000
    body = json.dumps({"message": said}).encode()
    answer = json.dumps({"partialSuccess": {"rejectedSpans": 2, "errorMessage": said}}).encode()
    refused = answer_of(answer, "application/json")
    assert refused.rejected == 2
    for told in (
        reason_of(body, "application/json"),
        reason_of(said.encode(), "text/plain"),
        refused.message,
    ):
        assert 250 < len(told) <= 300
        assert TOKEN[:8] not in told
