"""An event is told in words: a narration in the voice asked for, others that matter by what they hold."""

from __future__ import annotations

from typing import Any

import pytest
from narration_records import HOSTILE, event, narration

from flightlog.narration.events import is_told, narrated, own_fields, sentence
from flightlog.records.events import VOCABULARY
from flightlog.records.narration import VIEWS

VOICES = {"cute": "🚚 off", "story": "“Off?”, it asked."}


def test_a_narration_is_told_in_the_voice_asked_for_and_plainly_without_it() -> None:
    said = narration(1, 1, "dispatch", body="Dispatched job-1", attributes=VOICES)
    assert [sentence(said, view) for view in VIEWS] == ["Dispatched job-1", "🚚 off", "“Off?”, it asked."]
    plain = narration(1, 1, "dispatch", body="Dispatched job-1")
    assert [sentence(plain, view) for view in VIEWS] == ["Dispatched job-1"] * 3


def test_a_narration_without_a_text_is_told_by_who_did_what_to_what() -> None:
    assert narrated(narration(1, 1, "dispatch", attributes={"actor": "queue", "target": "job-1"})) == (
        "queue dispatch job-1"
    )
    assert narrated(narration(1, 1, "dispatch")) == "dispatch"
    assert narrated(narration(1, 1, "dispatch", attributes={"cute": "🚚"}), "cute") == "🚚"


def test_actor_and_target_may_be_anything() -> None:
    odd = narration(1, 1, "x", attributes={"actor": ["a", 1], "target": {"b": None}, "cute": 7})
    assert narrated(odd, "cute") == '["a",1] x {"b":null}'


@pytest.mark.parametrize(
    ("name", "attributes", "told"),
    [
        ("fallback", {"error": "RateLimitError"}, "A second choice took over after RateLimitError."),
        ("skip", {"reason": "already indexed"}, "Skipped: already indexed."),
        ("pause", {"message": "approve?"}, "Waited for somebody: approve?"),
        ("resume", {"value": "yes"}, "Went on, with the answer yes."),
        ("budget", {"limit": "tokens", "value": 100_000}, "Reached a limit of tokens: 100000."),
        ("branch", {"chosen": "a", "rejected": ["b", "c"]}, "Chose a over b, c."),
        ("coercion", {"stage": "json", "ok": True}, "Bent an output into shape by json, and it fitted."),
        ("coercion", {"ok": "perhaps"}, "Bent an output into shape."),
        ("exception", {"exception.type": "ValueError"}, "Met ValueError."),
        ("skip", {}, "Skipped."),
        ("handoff", {"from": "triage", "to": "refunds"}, "Handed over from triage to refunds."),
        ("handoff", {"to": "b", "reason": "money"}, "Handed over to b: money."),
    ],
)
def test_events_that_matter_are_told(name: str, attributes: dict[str, Any], told: str) -> None:
    found = event(1, 1, name, attributes=attributes)
    assert is_told(found)
    assert sentence(found) == told


def test_every_event_of_the_vocabulary_is_told_or_left_out_on_purpose() -> None:
    silent = {name for name in VOCABULARY if not is_told(event(1, 1, name))}
    assert silent == {
        "attachment",
        "cache",
        "chunk",
        "enter",
        "exit",
        "log",
        "loop",
        "output",
        "prompt",
        "request",
        "retry",
        "state",
        "tiny",
    }


def test_what_is_loud_is_told_whatever_it_is() -> None:
    warned = event(1, 1, "log", level="warn", body="index is old")
    assert is_told(warned)
    assert sentence(warned) == "Logged at level warn: index is old."
    assert sentence(event(1, 1, "cache.miss", level="error")) == "cache.miss."
    assert not is_told(event(1, 1, "cache.miss"))


@pytest.mark.parametrize("name", ["x", "skip", "branch", "log"])
def test_whatever_an_event_holds_its_sentence_is_safe(name: str) -> None:
    held = dict.fromkeys(("reason", "chosen", "rejected", "actor", "target", "cute"), HOSTILE)
    for made in (event, narration):
        assert sentence(made(1, 1, name, body=HOSTILE, attributes=held), "cute").isprintable()


def test_the_program_s_own_fields_are_told_from_those_of_a_narration() -> None:
    said = narration(1, 1, "x", attributes={"actor": "a", "target": "b", "job": 7})
    assert own_fields(said) == {"job": 7}
