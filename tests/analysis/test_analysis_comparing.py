"""What two traces come to, what of their values differs and where, and texts word by word."""

from __future__ import annotations

import pytest
from analysis_kit import MS, event, span, tree
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from flightlog.analysis.comparing import compare
from flightlog.analysis.differing import changes
from flightlog.analysis.wording import MOST_WORK, compared
from flightlog.pricing.charge import Charge


def free(_):
    return None


def places(before, after):
    return [(change.place, change.before, change.after) for change in changes(before, after)]


def told(before, after):
    return "".join(
        piece.text if piece.sign == "=" else f"[{piece.sign}{piece.text}]"
        for piece in compared(before, after)
    )


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"k": 5, "q": "x"}, {"k": 8, "q": "x"}, [("k", 5, 8)]),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3, 4]}}, [("a.b.1", 2, 3), ("a.b.2", UNSET, 4)]),
        ({"a": 1}, {"b": 1}, [("a", 1, UNSET), ("b", UNSET, 1)]),
        ("one", "two", [("", "one", "two")]),
        (True, 1, [("", True, 1)]),
        ([True], [1], [("0", True, 1)]),
        (1, 1.0, []),
        (UNSET, "x", [("", UNSET, "x")]),
        ({"b": 1, "a": 2}, {"a": 2, "b": 1}, []),
    ],
)
def test_values_differ_by_place(before, after, found):
    assert places(before, after) == found


def chat(*said):
    return {"messages": [{"role": role, "content": text} for role, text in said]}


def test_messages_differ_as_messages():
    before = chat(("system", "Be brief."), ("user", "Hello"))
    after = chat(("system", "Be very brief."), ("user", "Hello"), ("assistant", "Hi"))
    assert places(before, after) == [
        ("message 1 (system)", "Be brief.", "Be very brief."),
        ("message 3 (assistant)", UNSET, "Hi"),
    ]
    assert places(chat(("user", "x")), {**chat(("user", "x")), "model": "m"}) == [("model", UNSET, "m")]


def test_a_message_before_the_others_is_one_change():
    before = chat(("user", "a"), ("assistant", "b"))
    assert places(before, chat(("system", "s"), ("user", "a"), ("assistant", "b"))) == [
        ("message 1 (system)", UNSET, "s")
    ]


def test_a_value_as_deep_as_can_be_is_compared():
    before, after = [1], [2]
    for _ in range(500):
        before, after = [before], [after]
    assert [change[1:] for change in places(before, after)] == [(1, 2)]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("wrap long lines", "wrap very long lines", "wrap [+very ]long lines"),
        ("14 days", "30 days", "[-14][+30] days"),
        ("a b c", "a x y", "a [-b c][+x y]"),
        ("same", "same", "same"),
        ("", "new", "[+new]"),
    ],
)
def test_texts_differ_by_words(before, after, found):
    assert told(before, after) == found


_TEXTS = st.text(alphabet="ab \n.", max_size=30)


@given(_TEXTS, _TEXTS)
def test_the_pieces_are_both_texts(before, after):
    pieces = compared(before, after)
    assert "".join(piece.text for piece in pieces if piece.sign != "+") == before
    assert "".join(piece.text for piece in pieces if piece.sign != "-") == after


def test_very_long_texts_differ_by_lines():
    lines = [f"line {n} of many words that are the same" for n in range(1_000)]
    assert (len(lines) * 9) ** 2 > MOST_WORK
    other = [*lines[:500], "another line", *lines[501:]]
    found = [piece for piece in compared("\n".join(lines), "\n".join(other)) if piece.sign != "="]
    assert "".join(piece.text for piece in found).count("line") == 2


def test_figures_of_a_trace_leave_out_waiting_and_keep_the_unknown():
    waits = {"flightlog.waiting_ns": 4 * MS}
    call = {"kind": "llm", "attributes": {"gen_ai.usage.input_tokens": 7}}
    before = tree(span(1, 0, "root", 0, 10), span(2, 1, "ask", 1, 2, **call))
    after = tree(span(1, 0, "root", 0, 14, attributes=waits), span(2, 1, "ask", 1, 2, kind="llm"))
    found = compare(before, after, lambda _: Charge(pico_usd=5, basis="listed"))
    assert (found.before.duration_ns, found.after.duration_ns) == (10 * MS, 10 * MS)
    assert (found.before.input_tokens, found.after.input_tokens) == (7, None)
    assert (found.before.pico_usd, found.before.llm_calls, found.before.spans) == (5, 1, 2)


def test_a_trace_did_not_last_while_one_of_its_steps_waited_for_somebody():
    before = tree(span(1, 0, "root", 0, 10), span(2, 1, "approve", 1, 3))
    waits = {"flightlog.waiting_ns": 600 * MS}
    after = tree(span(1, 0, "root", 0, 610), span(2, 1, "approve", 1, 603, attributes=waits))
    aside = tree(
        span(1, 0, "root", 0, 610), span(2, 1, "approve", 1, 603, attributes=waits), span(3, 1, "b", 2, 609)
    )
    assert compare(before, after, free).after.duration_ns == 10 * MS
    assert compare(before, aside, free).after.duration_ns > 600 * MS, "something else took as long"


def test_what_differs_in_every_run_is_no_change():
    varying = [{"gen_ai.response.id": name, "gen_ai.usage.input_tokens": 5} for name in ("x", "y")]
    before, after = (tree(span(1, 0, "root", attributes=each)) for each in varying)
    assert compare(before, after, free).is_same


def test_errors_that_came_and_went_are_told_by_name_and_type():
    before = tree(
        span(1, 0, "root"), span(2, 1, "a", error=("KeyError", "1")), span(3, 1, "b", error=("Old", ""))
    )
    after = tree(
        span(1, 0, "root"), span(2, 1, "a", error=("KeyError", "2")), span(3, 1, "b", error=("New", ""))
    )
    found = compare(before, after, free)
    assert [node.error.type for node in found.new_errors] == ["New"]
    assert [node.error.type for node in found.gone_errors] == ["Old"]


def test_prompts_drift_by_their_parts():
    def built(**parts):
        return event(1, 1, 0, "prompt", attributes={"components": parts, "sizes": dict.fromkeys(parts, 10)})

    root = span(1, 0, "root")
    found = compare(tree(root, built(a="1", b="2", c="3")), tree(root, built(a="1", b="9", d="4")), free)
    (each,) = found.spans.values()
    assert [(part.name, part.fate) for part in each.prompt] == [
        ("a", "same"),
        ("b", "changed"),
        ("c", "removed"),
        ("d", "added"),
    ]
    assert compare(tree(root, built(a="1")), tree(root, built(a="1")), free).is_same
