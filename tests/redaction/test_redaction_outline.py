"""An outline is in every text that its pattern matches, whatever the pattern."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flightlog.redaction import outline, scanner
from flightlog.redaction.outline import ANY, BEYOND, WILD, Path, Unclear, of_pattern, of_text
from flightlog.redaction.policy import AHEAD, DEFAULT

PATTERNS = sorted(
    {
        sign.pattern
        for family in (*DEFAULT.families, *DEFAULT.assignments)
        if isinstance(sign := getattr(family.sign, "__self__", None), re.Pattern)
    }
)


def _fits(path: Path, text: str) -> bool:
    """Say whether a path is anywhere in a text: by `re`, over what the scanner sees of it."""
    narrow = "".join(chr(min(ord(letter), 255)) for letter in text)
    parts = [
        "[" + "".join(f"\\x{code:02x}" for code in range(256) if kind >> code & 1) + "]" for kind, _ in path
    ]
    pattern = "".join(part + ("*" if often else "") for part, (_, often) in zip(parts, path, strict=True))
    return re.search(pattern, narrow, re.DOTALL) is not None


def _matched_by(pattern: str) -> st.SearchStrategy[str]:
    """Texts in which a pattern is; what a sign only looks ahead at is written behind what it matches."""
    ahead = AHEAD["="]
    if ahead not in pattern:
        return st.from_regex(pattern)
    return st.from_regex(pattern.replace(ahead, "") + r"\Z").map(lambda text: text + "x" * 16)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_what_a_sign_matches_fits_its_outline(pattern):
    paths = of_pattern(re.compile(pattern))

    @settings(max_examples=30, deadline=None)
    @given(_matched_by(pattern))
    def fits(text):
        assert re.search(pattern, text)
        if not set(WILD) & set(text):
            assert any(_fits(path, text) for path in paths)

    fits()


_LETTERS = st.sampled_from(
    ["a", "b", "K", "-", ".", "é", "я", r"\d", r"\s", r"\W", "[a-c]", "[^a]", "[^-я]", r"[\w-]", "."]
)
_GROUPS = st.recursive(
    _LETTERS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        inner.map(lambda one: f"(?:{one})?"),
        inner.map(lambda one: f"(?:{one})*"),
        inner.map(lambda one: f"(?:{one}){{2,3}}"),
        inner.map(lambda one: f"(?:{one})++"),
        inner.map(lambda one: f"({one})+?"),
        inner.map(lambda one: f"(?={one})"),
        inner.map(lambda one: f"(?!{one})"),
        inner.map(lambda one: f"(?>{one})"),
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(_GROUPS, _LETTERS, _LETTERS, st.booleans(), st.text("abcKk-. 1éÉяЯ\n", max_size=12))
def test_what_any_pattern_matches_fits_its_outline(middle, before, after, folds, text):
    pattern = re.compile(f"{before}(?<={before}){middle}{after}", re.IGNORECASE if folds else 0)
    if pattern.search(text):
        try:
            paths = of_pattern(pattern)
        except Unclear:
            return
        assert any(_fits(path, text) for path in paths)


@settings(max_examples=200, deadline=None)
@given(_GROUPS, _LETTERS, st.text("abcKk-. 1éÉяЯ\n", max_size=12))
def test_in_lower_case_the_text_may_be_in_any(middle, before, text):
    pattern = re.compile(before + middle)
    if pattern.search(text.lower()):
        try:
            paths = of_pattern(pattern, in_lower_case=True)
        except Unclear:
            return
        assert any(_fits(path, text) for path in paths)


def test_no_other_characters_are_another_case_of_an_ascii_letter():
    """What `WILD` leaves out, neither lower case nor `re` takes for an ASCII letter."""
    everything = "".join(chr(code) for code in range(128, 0x110000) if chr(code) not in WILD)
    assert re.search("[a-z]", everything, re.IGNORECASE) is None
    assert re.search("[a-zA-Z]", "".join(letter.lower() for letter in everything)) is None


def test_a_look_behind_is_known_before_what_follows():
    (path,) = of_pattern(re.compile("c(?<=abc)d"))
    assert path == of_text("abcd")


def test_a_look_ahead_is_known_until_a_run():
    (path,) = of_pattern(re.compile("a(?=bcd*e)b"))
    assert path == of_text("abc")


def test_runs_at_the_ends_say_nothing():
    (path,) = of_pattern(re.compile("x*abc*"))
    assert path == of_text("ab")


@pytest.mark.parametrize("pattern", ["", "a*", "(?=a*)", "a?", "(a)?", r"(?!a)", "a|"])
def test_a_pattern_that_needs_nothing_is_unclear(pattern):
    with pytest.raises(Unclear):
        of_pattern(re.compile(pattern))


def test_a_branch_that_no_text_can_take_is_left_out():
    assert of_pattern(re.compile("(?:a(?<=b)|c)d")) == [of_text("cd")]


def test_what_is_not_understood_ends_the_path():
    (path,) = of_pattern(re.compile(r"(a)b\1c"))
    assert path == of_text("ab")


def test_classes_reach_beyond_what_fits_a_byte():
    ((kind, _),) = of_pattern(re.compile("[^a]"))[0]
    assert kind == ANY & ~(1 << ord("a"))
    ((kind, _),) = of_pattern(re.compile("[\u0430-\u044f]"))[0]
    assert kind == BEYOND


def test_the_looks_of_the_default_rules_can_be_told():
    looks = scanner._looks_of(DEFAULT.families, DEFAULT.assignments)
    assert 100 < len(looks) < 1024
    assert all(0 < len(path) <= 63 and not path[0][1] for _, path in looks)
    assert outline._MOST_PATHS >= 256
