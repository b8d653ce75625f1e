"""The compiled first look changes no answer: the gate says the same with and without it, to every text."""

from __future__ import annotations

import json
import random
import re

import clean_texts
import fake_secrets
import hostile_texts
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import PLACES

from flightlog._speed import presence
from flightlog.redaction import assignments, outline, scanner
from flightlog.redaction.gate import DefaultGate
from flightlog.redaction.outline import WILD, of_text
from flightlog.redaction.policy import DEFAULT, Policy, policy_from
from flightlog.redaction.rule import Family, Rule

pytestmark = pytest.mark.skipif(
    not presence.is_there(),
    reason=f"{presence.reason()}; install a C compiler (`apt install gcc`, with Python's headers) and run `make test`",
)

EXACT = ("the program's own secret", "héimlich-ß", "тайна-12345")
POLICIES = {
    "default": DEFAULT,
    "everything on": policy_from(
        {"*": "mask", "email": "mask", "card": "last4", "phone": "drop", "iban": "hash"}
    ),
    "own keys": policy_from({}, keys=["x-*", "*geheim*"], allowed=["password"]),
    "own texts": policy_from({}, exact=EXACT),
    "few rules": policy_from({"assignment": "off", "openai_key": "off"}),
}
WIDER = ("", "é", "я", "\U0001f600")
"""Each makes the text of another width in memory."""
SURROUNDINGS = (
    "{}",
    "a {} b",
    '{"k": "{}", "password": 1}',
    '[["token", "{}"]]',
    ' \n{"a":"\\u0041{}"}',
    "x={}",
    "x: {}\n",
)


def _pair(policy: Policy) -> tuple[DefaultGate, DefaultGate]:
    """A gate without the first look, and one with it."""
    plain, scanning = DefaultGate(b"k", policy), DefaultGate(b"k", policy)
    plain._look.may_hold = None
    scanning._look.make()
    assert scanning._look.may_hold is not None
    return plain, scanning


@pytest.fixture(params=POLICIES)
def gates(request: pytest.FixtureRequest) -> tuple[DefaultGate, DefaultGate]:
    return _pair(POLICIES[request.param])


def _same(gates: tuple[DefaultGate, DefaultGate], text: str, path: str = "output") -> bool:
    plain, scanning = gates
    return plain.text(path, text) == scanning.text(path, text) and plain.hits == scanning.hits


def test_every_kind_of_secret_in_every_surrounding_and_width(gates):
    for make in fake_secrets.KINDS.values():
        secret = make()
        for surroundings in SURROUNDINGS:
            for wider in WIDER:
                assert _same(gates, surroundings.replace("{}", secret) + wider)


def test_every_place_in_every_width(gates):
    for place in PLACES:
        text, _ = place.filled(24)
        for wider in WIDER:
            assert _same(gates, wider + text), place.name
        assert _same(gates, json.dumps({"body": text}))
        assert _same(gates, json.dumps({"body": json.dumps([text])}))


def test_clean_texts_of_every_kind(gates):
    for kind in clean_texts.MADE:
        for text in clean_texts.made(kind, 5_000):
            assert _same(gates, text), kind


def test_hostile_texts_of_every_kind(gates):
    for kind in hostile_texts.HOSTILE:
        assert _same(gates, hostile_texts.made(kind, 3_000)), kind


def test_sources_of_the_library():
    gates = _pair(DEFAULT)
    for name, text in clean_texts.library_sources(every=40):
        assert _same(gates, text), name


@pytest.mark.parametrize("secret", EXACT)
@pytest.mark.parametrize("wider", WIDER)
def test_texts_that_are_sought_as_they_are(secret, wider):
    gates = _pair(POLICIES["own texts"])
    for before in range(40):
        text = "." * before + secret + wider
        assert _same(gates, text)
        assert gates[1].hits["exact_value"] == before + 1


def test_texts_that_are_sought_from_now_on():
    gate = DefaultGate(b"k")
    gate._look.make()
    assert gate.text("", "x" * 80 + EXACT[0]) == "x" * 80 + EXACT[0]
    gate.seek(EXACT)
    gate._look.make()
    assert EXACT[0] not in gate.text("", "x" * 80 + EXACT[0])


_PIECES = st.one_of(
    st.sampled_from([make() for make in fake_secrets.KINDS.values()]),
    st.sampled_from([place.filled(24)[0] for place in PLACES]),
    st.sampled_from([head for place in PLACES for head in place.text.split("{}")]),
    st.text(max_size=10),
    st.sampled_from(
        ["{", "[", "}", "]", '"', "\\", "\n", " ", ":", "=", "-", "_", ".", "@", "%3D", "\\u006b", *WILD]
    ),
)


def _cut(pieces: list[str], cuts: tuple[int, int]) -> str:
    text = "".join(pieces)
    return text[cuts[0] : len(text) - cuts[1]]


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(sorted(POLICIES)).map(POLICIES.get),
    st.builds(_cut, st.lists(_PIECES, max_size=6), st.tuples(st.integers(0, 12), st.integers(0, 12))),
    st.sampled_from(["", "output", "headers.authorization", "token"]),
)
def test_pieces_of_secrets_and_of_places_in_any_order(policy, text, path):
    assert _same(_pair(policy), text, path)


@given(
    st.recursive(
        st.one_of(st.integers(), _PIECES),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(_PIECES, inner)),
        max_leaves=8,
    )
)
@settings(max_examples=200, deadline=None)
def test_documents_of_any_build(value):
    assert _same(_pair(DEFAULT), json.dumps(value))
    assert _same(_pair(DEFAULT), json.dumps(value, ensure_ascii=False))


@pytest.mark.parametrize("kind", ["plain", "ssse3", "avx2", "avx512"])
def test_every_way_of_searching_finds_a_secret_at_every_place(kind):
    before = presence.CORE.sieve("")
    try:
        presence.CORE.sieve(kind)
    except ValueError:
        pytest.skip(f"this processor has no {kind}")
    try:
        may_hold = scanner.scanner(DEFAULT, ("needle-1",))
        for size in range(130):
            assert not may_hold("." * size)
        for head in range(100):
            for tail in (0, 1, 2, 3, 30, 31, 32, 33, 64, 67):
                assert may_hold(" " * head + "needle-1" + " " * tail)
        draw = random.Random(3)
        texts = ["".join(draw.choices("akey-_.@:= p/<", k=draw.randrange(220))) for _ in range(3000)]
        presence.CORE.sieve("plain")
        plain = [may_hold(text) for text in texts]
        presence.CORE.sieve(kind)
        assert [may_hold(text) for text in texts] == plain
    finally:
        presence.CORE.sieve(before)


def test_it_says_no_to_most_of_what_people_write():
    may_hold = scanner.scanner(DEFAULT, ())
    prose = "".join(text for _, text in clean_texts.library_prose())
    asked = [prose[start : start + 300] for start in range(0, len(prose), 300)]
    assert len(asked) > 500
    assert sum(map(may_hold, asked)) < len(asked) / 10


def test_what_follows_a_root_is_the_same_for_each_so_that_one_outline_serves_all():
    assert all(pattern.pattern.endswith(assignments.TAIL) for _, pattern in assignments._TOLD)
    heads = [pattern.pattern.removesuffix(assignments.TAIL) for _, pattern in assignments._TOLD]
    assert heads == [head for _, head in assignments.HEADS]
    assert assignments._TOLD_ELSEWHERE.pattern.endswith(assignments.TAIL)


def test_a_character_that_lower_case_makes_ascii_is_left_to_the_signs():
    may_hold = scanner.scanner(DEFAULT, ())
    assert [may_hold(f"plain {letter} text") for letter in WILD] == [True] * len(WILD)


@pytest.mark.parametrize("kind", hostile_texts.HOSTILE)
def test_a_hostile_text_is_read_a_bounded_number_of_times(kind):
    """Ten times the text is no more than ten times the work and a little: the scanner counts it and gives up."""
    may_hold = scanner.scanner(DEFAULT, ())
    assert may_hold(hostile_texts.made(kind, 300_000)) in (True, False)


def test_it_is_made_when_it_is_worth_it():
    gate = DefaultGate(b"k")
    waiting = gate._look.may_hold
    gate.text("", "x" * 100)
    assert gate._look.may_hold == waiting
    for _ in range(5):
        gate.text("", "x" * 500_000)
    assert gate._look.may_hold != waiting
    assert gate._look.may_hold("x" * 100) is False


def test_a_rule_that_can_be_anything_leaves_every_text_to_the_signs():
    policy = policy_from({}, rules={"own": lambda text: text.replace("blue", "red")})
    assert scanner.scanner(policy, ()) is None
    gate = DefaultGate(b"k", policy)
    gate._look.make()
    assert gate.text("", "x" * 70 + "blue") == "x" * 70 + "red"


def _says_something_new(*_arguments):
    raise KeyError("CATEGORY_OF_TOMORROW")


@pytest.mark.parametrize("parser", [None, type("Parser", (), {"parse": staticmethod(_says_something_new)})])
def test_a_python_that_reads_patterns_in_another_way_leaves_every_text_to_the_signs(parser, monkeypatch):
    scanner._looks_of.cache_clear()
    monkeypatch.setattr(outline, "_parser", parser)
    gate = DefaultGate(b"k")
    for _ in range(3):
        assert gate.text("", "clean " * 200_000) == "clean " * 200_000
    assert gate._look.may_hold is None
    secret = next(iter(fake_secrets.KINDS.values()))()
    assert secret not in gate.text("", "x" * 70 + " " + secret)
    scanner._looks_of.cache_clear()


def test_a_sign_that_is_no_pattern_is_known_by_its_needle():
    family = Family("~", lambda text: "~~" in text, (Rule("own", lambda text, _hide: (text, 0)),))
    may_hold = scanner.scanner(Policy((family,), ()), ())
    assert (may_hold("a~b"), may_hold("ab")) == (True, False)


def test_more_looks_than_there_is_room_for_are_refused():
    assert scanner.scanner(DEFAULT, tuple(fake_secrets.opaque() for _ in range(2100))) is None


def _made(**changes):
    tables = {**scanner._tables([(3, of_text("abc"))]), "every": False, "wild": WILD} | changes
    return presence.CORE.Scanner(**tables)


def test_a_scanner_is_made_of_tables():
    assert _made().may_hold("xxabcxx") is True
    assert _made().may_hold("xxabxcx") is False
    assert _made(looks=()).may_hold("abc") is False


_KINDS = st.sampled_from(["a", "b", "-", "_", "ab", "a-", "ab-_", "<", "|"])
_PATHS = st.lists(st.tuples(_KINDS, st.booleans()), min_size=1, max_size=7).map(
    lambda parts: (*parts, ("a", False))
)


@settings(max_examples=400, deadline=None)
@given(st.lists(_PATHS, min_size=1, max_size=6), st.text("ab-_<|.", max_size=40))
def test_a_scanner_finds_what_the_paths_say_and_nothing_else(paths, text):
    looks = [
        (3, tuple((sum(1 << ord(letter) for letter in kind), often) for kind, often in path))
        for path in paths
    ]
    may_hold = _made(**scanner._tables(looks)).may_hold
    pattern = "|".join("".join(f"[{kind}]" + "*" * often for kind, often in path) for path in paths)
    pattern = pattern.replace("[a-]", "[a\\-]").replace("[ab-_]", "[ab\\-_]")
    assert may_hold(text) is (re.search(pattern, text) is not None)


def test_a_word_beside_which_a_rare_mark_has_to_stand_is_found_with_it_alone():
    path = (*of_text("<"), (outline.ANY, True), *of_text("key"))
    may_hold = _made(**scanner._tables([(3, path)])).may_hold
    texts = ("a key, a key", "< and a key", "a key <", "<key")
    assert [may_hold(text) for text in texts] == [False, True, False, True]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"classes": b"short"}, ValueError),
        ({"weights": b"short"}, ValueError),
        ({"looks": ((True, True, b"abc"),)}, ValueError),
        ({"looks": ((True, True, b""),)}, ValueError),
        ({"looks": ((True, True, b"\xff\xff\x00\x00"),)}, ValueError),
        ({"looks": ((True, True, b"\x00\x00\x00\x00" * 64),)}, ValueError),
        ({"looks": ((True, True, b"\x00\x00\x01\x00"),)}, ValueError),
        ({"looks": ((True, True),)}, TypeError),
        ({"looks": [(True, True, b"")]}, TypeError),
        ({"looks": (("a", b"", "c"),)}, TypeError),
        ({"wild": "123456789"}, ValueError),
        ({"wild": b""}, TypeError),
    ],
)
def test_tables_that_do_not_fit_are_refused(changes, error):
    with pytest.raises(error):
        _made(**changes)


@pytest.mark.parametrize("text", [None, b"bytes", 7])
def test_only_texts_are_looked_at(text):
    with pytest.raises(TypeError):
        _made().may_hold(text)
