"""Texts made to slow the rules down: the work grows with the length of a text and never with its square.

Work is counted, not timed: as steps of the rules' own Python code (each call and line, through `sys.settrace`)
for the loops, and as a million hostile characters that have to be through before the test's generous time
limit for what runs inside `re`.
"""

from __future__ import annotations

import sys
from types import FrameType

import pytest

from flightlog.redaction.gate import RULE_FAILED, DefaultGate

MILLION = 1_000_000

HOSTILE = {
    "heads of openai keys": "sk-",
    "heads without a digit": "sk-aaaaaaaaaaaaaaaa-",
    "one long run after a head": ("sk-", "a"),
    "one long anthropic run": ("sk-ant-", "a"),
    "heads of github tokens": "gh" + "p_",
    "heads of fine-grained tokens": "github_pat_",
    "heads of gitlab tokens": "glpat-",
    "heads of slack tokens": "xoxb-",
    "heads of pypi tokens": "pypi-Ag",
    "heads of google keys": "AIza",
    "heads of aws keys": "AKIA",
    "heads of web tokens": "eyJ",
    "heads of web tokens behind dashes": "eyJaaaaaaaa-",
    "two parts of web tokens": "eyJaaaaaaaaaa.",
    "heads of private keys": "-----BEGIN PRIVATE KEY-----",
    "heads of private keys and base64": "-----BEGIN PRIVATE KEY-----\n" + "QUFB" * 16 + "\n",
    "one private key without an end": ("-----BEGIN PRIVATE KEY-----", "QUFB\n"),
    "one private key of escapes": ("-----BEGIN PRIVATE KEY-----", "QU\\n  "),
    "dashes": "-",
    "spaces of a private key": ("-----BEGIN ", " "),
    "schemes of urls": "://",
    "users of urls": "://a:",
    "one long user": ("://", "a"),
    "one long password": ("://a:", "b"),
    "passwords without a host": "://a:b@ ",
    "at signs": ("://a:", "@"),
    "bearers": "Bearer ",
    "bearers of words": "Bearer abcdef ",
    "one long bearer": ("Bearer ", "a"),
    "one long basic": ("Basic ", "QUFB"),
    "roots": "token",
    "roots and a delimiter": "token=",
    "strong roots and a delimiter": "password=",
    "calls in calls": "secret=f(",
    "calls in calls of weak keys": "token=f(",
    "colons": "token:",
    "quoted keys": "'password':",
    "opened quotations": 'password="',
    "opened quotations of three kinds": "password=\"password='password=`",
    "escaped quotations": 'token=\\"',
    "quotations at rising depths": 'token=\\"token=\\\\\\"token=\\\\\\\\\\\\\\"',
    "backslashes after an opened quotation": ('password="', "\\"),
    "other quotes after an opened quotation": ('password="', "'"),
    "backslashes": "\\",
    "quotes and backslashes": '\\"',
    "headers in headers": "authorization: ",
    "cookies in cookies": "cookie: a ",
    "one long header": ("Authorization: ", "a b "),
    "dots of a value": ("password=", "."),
    "digits and dots of a value": ("password=", "1."),
    "attributes of a value": ("password=", "a."),
    "names of a value": ("password=", "a_"),
    "blanks before a delimiter": "password        ",
    "blanks after a delimiter": "password=        ",
    "long tails of keys": "password_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "one key without an end": ("password", "_a"),
    "delimiters": ":",
    "equal signs": "=",
    "placeholders": "password=[REDACTED]",
    "secrets": 'password="geheim7" ',
    "growing letters": "İpassword=1a2",
}


def _hostile(kind: str, length: int) -> str:
    made = HOSTILE[kind]
    head, unit = made if isinstance(made, tuple) else ("", made)
    return head + unit * ((length - len(head)) // len(unit))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_million_hostile_characters_are_gone_through(kind: str) -> None:
    text = _hostile(kind, MILLION)
    gate = DefaultGate(b"k")
    once = gate.text("output", text)
    assert once != RULE_FAILED
    assert gate.text("output", once) is once


@pytest.mark.parametrize("kind", HOSTILE)
def test_twice_the_text_is_at_most_about_twice_the_work(kind: str) -> None:
    small, large = (_steps(_hostile(kind, length)) for length in (4_000, 8_000))
    assert large <= 2.2 * small + 200


def _steps(text: str) -> int:
    """Count the calls and lines that the rules run through for this text."""
    steps = 0

    def count(frame: FrameType, event: str, argument: object) -> object:
        nonlocal steps
        steps += 1
        return count

    gate = DefaultGate(b"k")
    before = sys.gettrace()
    sys.settrace(count)
    try:
        gate.text("output", text)
    finally:
        sys.settrace(before)
    return steps
