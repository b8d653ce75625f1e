"""Errors: what they say, what they are, and that the tree in their module's docstring is the real one."""

from __future__ import annotations

import builtins
import re

import pytest

from flightlog.records import errors

SAMPLES: dict[type[errors.FlightlogError], tuple[errors.FlightlogError, str]] = {
    errors.UnknownId: (errors.UnknownId("4bf9"), "`flightlog list`"),
    errors.AmbiguousId: (errors.AmbiguousId("4b", ["4bf9", "4b00"], what="span"), "give more characters"),
    errors.NotPaused: (errors.NotPaused("review", "00-4b", "ok"), "has ended (ok)"),
    errors.BadSetting: (
        errors.BadSetting("sample", "7", "FLIGHTLOG_SAMPLE", "a number from 0 to 1"),
        "expected",
    ),
    errors.UnreadableQuestion: (
        errors.UnreadableQuestion("no field 'statu'; did you mean status?", "statu:error", 0),
        "did you mean",
    ),
    errors.BadRecord: (errors.BadRecord("not JSON", b"{" * 200), "not JSON"),
    errors.StoreBusy: (errors.StoreBusy("a.db"), "try again"),
    errors.StoreUnwritable: (errors.StoreUnwritable("a.db", "disk is full"), "cannot be written"),
    errors.StoreTooNew: (errors.StoreTooNew("a.db", 9, 3), "upgrade Flightlog"),
    errors.StoreCorrupt: (errors.StoreCorrupt("a.db", "not a database"), "move it away"),
    errors.HomeUnusable: (errors.HomeUnusable("/home", "read-only"), "set FLIGHTLOG_HOME"),
    errors.MissingExtra: (errors.MissingExtra("server", "The server"), 'pip install "flightlog[server]"'),
}
"""One of each class that composes its own message, and what it has to say."""


def _drawn_tree() -> dict[str, tuple[str, ...]]:
    """Read class to bases out of the tree in the docstring."""
    bases: dict[str, tuple[str, ...]] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^ {4}((?:│   |    )*(?:[├└]── )?)(\w+)(?: \((\w+)\))?", line)
        if not match or not match[2].isidentifier() or not hasattr(errors, match[2]):
            continue
        depth = len(match[1]) // 4
        path = [*path[:depth], match[2]]
        parent = [path[-2]] if len(path) > 1 else ["Exception"]
        bases[match[2]] = tuple(parent + ([match[3]] if match[3] else []))
    return bases


def _real_tree() -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(base.__name__ for base in value.__bases__)
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.FlightlogError)
    }


def test_the_tree_in_the_docstring_is_the_real_one() -> None:
    assert _drawn_tree() == _real_tree()
    assert len(_real_tree()) > 8


def test_every_error_is_also_the_builtin_that_fits() -> None:
    for name, bases in _real_tree().items():
        assert any(hasattr(builtins, base) or base in _real_tree() for base in bases), name


@pytest.mark.parametrize("kind", SAMPLES, ids=lambda kind: kind.__name__)
def test_a_message_says_what_happened_and_what_to_do(kind: type[errors.FlightlogError]) -> None:
    error, advice = SAMPLES[kind]
    assert type(error) is kind
    assert advice in str(error)
    assert "\n" not in str(error)


def test_every_class_with_a_message_of_its_own_has_a_sample() -> None:
    composing = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.FlightlogError) and "__init__" in vars(value)
    }
    assert composing == set(SAMPLES)


def test_an_ambiguous_id_names_five_candidates_and_keeps_all() -> None:
    error = errors.AmbiguousId("4b", [f"4b{n}" for n in range(7)])
    assert "4b0, 4b1, 4b2, 4b3, 4b4, …" in str(error)
    assert len(error.candidates) == 7


def test_a_bad_record_shows_the_beginning_of_the_line_only() -> None:
    assert len(str(errors.BadRecord("why", b"x" * 10_000))) < 200


def test_a_bad_setting_names_setting_value_origin_and_what_was_expected() -> None:
    message = str(SAMPLES[errors.BadSetting][0])
    assert message == "setting sample from FLIGHTLOG_SAMPLE is '7'; expected a number from 0 to 1"
