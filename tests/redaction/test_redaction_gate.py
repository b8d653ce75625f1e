"""What the gate promises to whoever calls it, whatever the rules are."""

from __future__ import annotations

import hashlib
import threading

import pytest
from hypothesis import given, settings

from flightlog.core.ports import Gate
from flightlog.redaction.gate import ROUNDS, RULE_FAILED, DefaultGate
from flightlog.redaction.modes import REDACTED, hide_by
from flightlog.redaction.policy import DEFAULT, Policy
from flightlog.redaction.rule import Family, Rule
from strategies import secretive_texts

FAMILIES = (*DEFAULT.families, *DEFAULT.assignments)


def _raises(text: str, _hide: object = None) -> tuple[str, int]:
    raise RecursionError(text)


def _gate(*families: Family) -> DefaultGate:
    return DefaultGate(b"k", Policy(families, ()))


def test_the_gate_is_what_the_core_asks_for() -> None:
    gate: Gate = DefaultGate(b"k")
    assert gate.text("", "clean") == "clean"


def test_what_was_sought_is_found_for_a_while_after_something_else_is_sought() -> None:
    gate = DefaultGate(b"k")
    for number in range(40):
        gate.seek((f"geheim-{number:02}", "always-there"))
    cleaned = gate.text("", " ".join(f"geheim-{number:02}" for number in range(40)))
    assert cleaned.count(REDACTED) == 33
    assert cleaned.endswith(f"geheim-06 {REDACTED}" + f" {REDACTED}" * 32)
    assert gate.text("", "it is always-there") == f"it is {REDACTED}"


def test_a_text_under_a_secret_key_is_replaced_whole() -> None:
    gate = DefaultGate(b"k")
    assert gate.text("input.headers.authorization", "whatever it is") == REDACTED
    assert gate.text("input.config.apiKey", "x") == REDACTED
    assert gate.hits["secret_key"] == 2


def test_a_text_under_a_secret_key_that_was_replaced_before_is_not_counted_again() -> None:
    gate = DefaultGate(b"k")
    assert gate.text("password", REDACTED) is REDACTED
    assert gate.hits["secret_key"] == 0


def test_only_the_last_key_of_a_path_decides() -> None:
    gate = DefaultGate(b"k")
    assert gate.text("secrets.name", "prod") == "prod"
    assert gate.text("", "prod") == "prod"


def test_a_rule_that_fails_drops_the_text_and_is_counted() -> None:
    gate = _gate(Family("", bool, (Rule("broken", _raises),)))
    assert gate.text("output", "something") == RULE_FAILED
    assert gate.hits == {"secret_key": 0, "broken": 0, "exact_value": 0, "rule_failed": 1}


def test_a_sign_that_fails_drops_the_text_too() -> None:
    gate = _gate(Family("", _raises, ()))
    assert gate.text("output", "something") == RULE_FAILED


def test_a_text_that_never_comes_to_rest_is_dropped() -> None:
    gate = _gate(Family("", bool, (Rule("restless", lambda text, _hide: (text + "!", 1)),)))
    assert gate.text("output", "a") == RULE_FAILED
    assert gate.hits["restless"] == ROUNDS


def test_the_gate_answers_where_the_stack_is_nearly_used_up() -> None:
    """What cannot be looked at for want of room is dropped or hidden, and never an error."""
    gate = DefaultGate(b"k")
    answers: list[object] = []

    def descend() -> None:
        try:
            descend()
        except RecursionError:
            if len(answers) < 80:
                answers.append(gate.text("input", f"password=geheim{len(answers)}"))
                answers.append(gate.hides(f"unheard_of_{len(answers)}"))
            raise

    with pytest.raises(RecursionError):
        descend()
    assert RULE_FAILED in answers
    assert set(answers) <= {RULE_FAILED, f"password={REDACTED}", True, False}


def test_the_mark_of_a_failed_rule_is_clean() -> None:
    assert DefaultGate(b"k").text("output", RULE_FAILED) is RULE_FAILED


def test_hits_are_counted_by_rule() -> None:
    gate = DefaultGate(b"k")
    gate.text("", "postgres://u:" + "geheim" + "@h/db and redis://:" + "geheim" + "@h")
    assert {name: count for name, count in gate.hits.items() if count} == {"url_password": 2}


def test_every_rule_has_a_counter_before_it_ever_hits() -> None:
    names = {rule.name for family in FAMILIES for rule in family.rules}
    assert set(DefaultGate(b"k").hits) == names | {"secret_key", "exact_value", "rule_failed"}


def test_a_digest_is_keyed_and_says_so_in_32_hexadecimal_digits() -> None:
    digest = DefaultGate(b"one home").digest(b"data")
    assert digest == hashlib.blake2b(b"data", digest_size=16, key=b"one home").hexdigest()
    assert len(digest) == 32
    assert digest == DefaultGate(b"one home").digest(b"data")
    assert digest != DefaultGate(b"another home").digest(b"data")


def test_a_key_that_is_too_long_is_refused_when_the_gate_is_made() -> None:
    with pytest.raises(ValueError, match="key"):
        DefaultGate(b"k" * 65)


def test_lone_surrogates_and_control_characters_pass() -> None:
    text = "\ud800 \x00 \x1e password: \udfff"
    assert DefaultGate(b"k").text("output", text) is text


def test_letters_that_grow_when_they_are_lowered_do_not_shift_what_is_replaced() -> None:
    redacted = DefaultGate(b"k").text("", 'İİİ PASSWORD="geheim7" İİİ')
    assert redacted == f'İİİ PASSWORD="{REDACTED}" İİİ'


def test_the_gate_answers_from_many_threads_at_once() -> None:
    gate = DefaultGate(b"k")
    answers: list[str] = []

    def ask() -> None:
        answers.extend(gate.text("", f"password=geheim{n}") for n in range(200))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) == {f"password={REDACTED}"}


@given(secretive_texts())
@settings(max_examples=400, deadline=None)
def test_redacting_twice_is_redacting_once(text: str) -> None:
    gate = DefaultGate(b"k")
    once = gate.text("output", text)
    found = dict(gate.hits)
    assert gate.text("output", once) is once
    assert gate.hits == found


@given(secretive_texts())
@settings(max_examples=200, deadline=None)
def test_a_text_comes_to_rest_without_being_dropped(text: str) -> None:
    gate = DefaultGate(b"k")
    assert gate.text("output", text) != RULE_FAILED


@given(secretive_texts())
@settings(max_examples=200, deadline=None)
def test_a_rule_whose_families_give_no_sign_has_nothing_to_change(text: str) -> None:
    hide = hide_by("mask", b"k")
    awake = {
        rule for family in FAMILIES if family.needle in text and family.sign(text) for rule in family.rules
    }
    for rule in {rule for family in FAMILIES for rule in family.rules} - awake:
        assert rule.clean(text, hide) == (text, 0)
