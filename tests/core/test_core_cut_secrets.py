"""What is cut is redacted before: a token that a limit goes through leaves no half of it, wherever there is a limit."""

from __future__ import annotations

import json
from pathlib import PurePosixPath

import pytest

import flightlog as fl
from flightlog.core import http
from flightlog.core.capture import Encoder, Limits
from flightlog.core.redact import shortened
from flightlog.redaction.gate import DefaultGate
from flightlog.redaction.modes import REDACTED

TOKEN = "ghp" + "_" + "a1B2c3D4" * 5
HEADS = tuple(TOKEN[:length] for length in (8, 12, 20, 30))
AT = (8, 12, 20, 30, 39)
"""Characters of the token that stand before the limit."""


def across(limit: int, before: int) -> str:
    """A text with the token across its limit."""
    return "w " * ((limit - before) // 2) + TOKEN + " z" * 3000


def holds_a_half(told: object) -> bool:
    return any(head in str(told) for head in HEADS)


def captured(value: object) -> str:
    return Encoder(DefaultGate(b"key"), Limits(), lambda: None).encode(value, "input")[0]


def test_a_text_that_fits_is_the_same_object():
    assert shortened(TOKEN, len(TOKEN)) is TOKEN


@pytest.mark.parametrize("before", AT)
@pytest.mark.parametrize("limit", [40, 1000, 100_000])
def test_a_text_that_does_not_fit_is_redacted_and_no_longer_than_asked_for(limit, before):
    told = shortened(across(limit, before), limit)
    assert not holds_a_half(told)
    assert across(limit, before).replace(TOKEN, REDACTED).startswith(told)
    assert limit - len(TOKEN) < len(told) <= limit


@pytest.mark.parametrize("before", AT)
@pytest.mark.parametrize(
    "key", [str.encode, lambda text: (text,), PurePosixPath, lambda text: ("a", (text,))]
)
def test_a_long_key_that_is_no_text_is_redacted_before_it_is_cut(key, before):
    told = captured({key(across(1000, before)): 1})
    assert not holds_a_half(told)
    assert len(next(iter(json.loads(told)))) <= 1000


@pytest.mark.parametrize("before", AT)
@pytest.mark.parametrize("kind", [str, str.encode])
def test_a_long_text_under_a_key_that_can_name_a_secret_is_redacted_before_it_is_cut(kind, before):
    room = Limits().value_bytes
    used = Encoder(DefaultGate(b"key"), Limits(), lambda: None)
    told, (cut,) = used.encode({"pass": kind(across(room, before))}, "input")
    assert not holds_a_half(told)
    assert cut.length == len(across(room, before))


@pytest.mark.parametrize("before", AT)
def test_addresses_queries_headers_and_methods_are_redacted_before_they_are_cut(before):
    most, front = http.MOST_CHARACTERS, "https://a.example/"
    path = "w" * (most - before - len(front) - 1)
    assert not holds_a_half(http.shown_url(f"{front}{path}/{TOKEN}/x"))
    assert not holds_a_half(http.shown_url(f"{front}{path}?{TOKEN}&a=1"))
    assert not holds_a_half(http.shown_query(f"a={path}{front}&{TOKEN}&c=1"))
    assert not holds_a_half([*http.named_headers([("x-a", across(most, before))], frozenset({"x-a"}), "h.")])
    assert not holds_a_half(http.method_facts(across(64, before)))


@pytest.mark.parametrize("before", AT)
def test_a_level_that_is_none_is_told_without_half_a_secret(before):
    with fl.capture() as seen:
        fl.narrate("x", level=across(40, before))
    (event,) = seen.events
    assert "no level" in str(event.attributes)
    assert not holds_a_half(event.attributes)
