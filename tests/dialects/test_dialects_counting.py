"""Which spans tell of the same call: the rules, and that the order in which spans come does not matter."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from flightlog.dialects.counting import Call, Place, Verdict, beside, verdicts, within
from flightlog.dialects.settling import Loan, loans_of
from flightlog.records import genai

MS = 1_000_000


def _key(span_id, trace_id="t"):
    return ("p", trace_id, span_id)


def _call(span_id, *, parent="", at=(0, 100), scope="a", trace_id="t", **more):
    told = {
        "kind": "llm",
        "process_id": "",
        "models": ("m",),
        "response_id": "",
        "input": 5,
        "output": 3,
        "is_failed": False,
    } | more
    return Call(
        key=_key(span_id, trace_id), parent_id=parent, start=at[0] * MS, end=at[1] * MS, scope=scope, **told
    )


def _verdicts(*calls, **places):
    known = {_key(name): Place(*place) for name, place in places.items()}
    known |= {call.key: Place(call.parent_id, call.kind) for call in calls}
    return {key[2]: verdict for key, verdict in verdicts(calls, known).items()}


def test_a_call_alone_counts():
    assert _verdicts(_call("1")) == {}


def test_what_is_within_a_call_is_how_it_was_served():
    found = _verdicts(_call("1"), _call("2", parent="h", scope="b", at=(10, 90)), h=("1", "http"))
    assert found == {"2": Verdict("http", "1")}


def test_tries_that_failed_within_a_call_do_not_count_beside_it():
    tries = [
        _call("2", parent="1", scope="b", at=(1, 9), is_failed=True, input=None, output=None),
        _call("3", parent="1", scope="b", at=(10, 90)),
    ]
    assert set(_verdicts(_call("1"), *tries)) == {"2", "3"}
    unknown = _call("1", input=None, output=None)
    assert _verdicts(unknown, *tries) == {"1": Verdict("step", "3"), "2": Verdict("http", "3")}


def test_several_answers_within_a_call_count_and_it_is_a_block_around_them():
    inner = [_call("2", parent="1", at=(1, 40)), _call("3", parent="1", at=(41, 90))]
    assert _verdicts(_call("1", input=10, output=6), *inner) == {"1": Verdict("step", "2")}


def test_three_deep_counts_once():
    found = _verdicts(_call("1"), _call("2", parent="1", scope="b"), _call("3", parent="2", scope="c"))
    assert found == {"2": Verdict("http", "1"), "3": Verdict("http", "2")}


def test_what_a_tool_calls_is_a_call_of_its_own():
    assert _verdicts(_call("1"), _call("2", parent="t", scope="b", at=(10, 90)), t=("1", "tool")) == {}


def test_the_run_of_a_tool_that_a_second_library_tells_of_within_the_first_counts_once():
    tool = {"kind": "tool", "models": ("weather",), "input": None, "output": None}
    outer, inner = _call("1", **tool), _call("2", parent="1", scope="b", **tool)
    assert _verdicts(outer, inner) == {"2": Verdict("step", "1")}
    for more in (
        {"scope": "a"},
        {"models": ("clock",)},
        {"parent": "x"},
        {"process_id": "q"},
        {"at": (50, 300)},
    ):
        other = _call("2", **{"parent": "1", "scope": "b", **tool, **more})
        assert _verdicts(outer, other) == {}, more
    assert _verdicts(outer, inner, _call("3", parent="1", scope="b", **tool)) == {}, "it was run twice"
    ids = _call("1", response_id="i", **tool), _call("2", parent="1", scope="b", response_id="j", **tool)
    assert _verdicts(*ids) == {}
    assert _verdicts(outer, _call("3", scope="c", at=(1, 99), **tool)) == {}, "beside it"


def test_parts_of_tokens_that_only_a_telling_knows_which_does_not_count_are_lent():
    def lent(*calls):
        found = verdicts(calls, {call.key: Place(call.parent_id, call.kind) for call in calls})
        return {key[2]: loan for key, loan in loans_of(found, {call.key: call for call in calls}).items()}

    cached, thought = (genai.CACHE_READ_TOKENS, 4), (genai.REASONING_TOKENS, 2)
    inner = _call("2", parent="1", scope="b", parts=(cached, thought))
    assert lent(_call("1"), inner) == {"1": Loan(dict((cached, thought)), "2")}
    assert lent(_call("1", parts=((cached[0], 3),)), inner) == {"1": Loan(dict([thought]), "2")}
    assert lent(_call("1", parts=(cached, thought)), inner) == {}
    assert lent(_call("1", input=6), inner) == {}, "another sum"
    assert lent(_call("1", scope=""), inner) == {}, "Flightlog itself, which knows all that is on the wire"
    deepest = _call("3", parent="2", scope="c", parts=(thought,))
    assert lent(_call("1"), _call("2", parent="1", scope="b", parts=(cached,)), deepest) == {
        "1": Loan(dict((cached, thought)), "2")
    }


def test_an_embedding_within_a_call_is_another_call():
    assert _verdicts(_call("1"), _call("2", parent="1", scope="b", kind="embedding")) == {}


def test_a_parent_that_leads_back_ends_the_way():
    assert _verdicts(_call("1", parent="2"), _call("2", parent="1", scope="b", at=(200, 300))) is not None


def test_the_same_answer_told_by_two_libraries_in_two_traces_counts_once():
    calls = [
        _call("1", response_id="r", models=("m-1",)),
        _call("2", response_id="r", scope="b", trace_id="u", at=(500, 600), input=None, output=None),
    ]
    assert _verdicts(*calls) == {"2": Verdict("http", "1")}
    assert _verdicts(calls[0], _call("2", response_id="r", trace_id="u", at=(500, 600))) == {}, "one library"


def test_calls_at_the_same_time_of_two_libraries_are_one_where_nothing_says_otherwise():
    other = {"scope": "b", "trace_id": "u", "at": (5, 95)}
    assert set(_verdicts(_call("1"), _call("2", **other))) == {"2"}
    assert set(_verdicts(_call("1", output=None, input=None), _call("2", **other))) == {"1"}
    for more in ({"input": 6}, {"models": ("n",)}, {"process_id": "q"}, {"is_failed": True}, {"scope": "a"}):
        assert _verdicts(_call("1"), _call("2", **{**other, **more})) == {}, more
    ids = [_call("1", response_id="r"), _call("2", response_id="s", **other)]
    assert _verdicts(*ids) == {}


def test_parallel_calls_of_two_libraries_are_pairs():
    calls = [
        *(_call(f"a{n}", at=(n, 100 + n)) for n in range(5)),
        *(_call(f"b{n}", at=(n, 100 + n), scope="b", trace_id="u") for n in range(5)),
    ]
    assert set(_verdicts(*calls)) == {f"b{n}" for n in range(5)}


def test_where_two_disagree_the_client_itself_counts():
    native = _call("2", scope="com.anthropic.sdk.python", trace_id="u", response_id="r", at=(5, 95))
    assert set(_verdicts(_call("1", response_id="r", output=6), native)) == {"1"}
    assert set(_verdicts(_call("1", response_id="r", has_content=True), native)) == {"2"}


calls = st.builds(
    _call,
    st.sampled_from([f"{n}" for n in range(8)]),
    parent=st.sampled_from(["", *(f"{n}" for n in range(8)), "x", "y"]),
    at=st.tuples(st.integers(0, 60), st.integers(0, 200)).map(lambda at: (at[0], at[0] + at[1])),
    scope=st.sampled_from("ab"),
    trace_id=st.sampled_from("tu"),
    input=st.sampled_from([None, 5, 6]),
    output=st.sampled_from([None, 3]),
    is_failed=st.booleans(),
    response_id=st.sampled_from(["", "", "r", "s"]),
    kind=st.sampled_from(["llm", "llm", "tool"]),
    may_be_logged=st.booleans(),
)
PLACES = {_key("x", trace): Place("1", "tool") for trace in "tu"} | {
    _key("y", trace): Place("2", "http") for trace in "tu"
}


@settings(max_examples=300, deadline=None)
@given(told=st.lists(calls, max_size=8, unique_by=lambda call: call.key), data=st.data())
def test_the_order_in_which_calls_come_does_not_matter(told, data):
    found = verdicts(told, PLACES)
    assert verdicts(data.draw(st.permutations(told)), PLACES) == found
    assert found.keys() <= {call.key for call in told}
    counted = [call for call in told if call.key not in found]
    assert bool(counted) == bool(told), "of all calls that were told of, at least one counts"
    nested = within(told, PLACES)
    assert {**nested.found, **beside(nested.counted, nested.apart)} == found
    assert loans_of(found, {call.key: call for call in told}).keys() <= {call.key for call in counted}
    kept = {call.key[2] for call in counted} | {verdict.by for verdict in found.values()}
    assert kept <= {call.key[2] for call in told}
