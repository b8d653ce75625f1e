"""Baggage, B3, and ids of any scheme: what is read, what is bound, what is handed on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import flightlog as fl
from flightlog.propagation import baggage, foreign, rules

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT_ID = "b7ad6b7169203331"
PARENT = f"00-{TRACE_ID}-{PARENT_ID}-01"


@pytest.fixture(autouse=True)
def seen():
    with fl.capture() as captured:
        yield captured


@pytest.fixture
def ruled():
    """Other rules than the settings', for one test."""
    held = rules.current()
    yield lambda **changes: rules.use(rules.current()._replace(**changes))
    rules.use(held)


def span_under(headers, seen):
    """The span that begins where these headers say."""
    with fl.extract(headers), fl.span("service"):
        pass
    return seen.records[-1]


# -- baggage -----------------------------------------------------------------------------------------------------


def test_baggage_is_read_and_handed_on_as_it_came():
    value = "user=ann%20b;prop=1,tenant=ü".replace("ü", "%C3%BC") + ",empty="
    found = fl.extract({"baggage": value})
    assert found.baggage == {"user": "ann b", "tenant": "ü", "empty": ""}
    with found, fl.span("any"):
        assert fl.inject({})["baggage"] == value


def test_baggage_without_a_trace_begins_one_and_goes_with_it(seen):
    span = span_under({"baggage": "a=1"}, seen)
    assert span.parent_id == ""
    assert not fl.extract({"baggage": "a=1"})


def test_nothing_of_it_is_recorded_unless_it_is_on_the_list(seen, ruled):
    headers = {"traceparent": PARENT, "baggage": "session=s-1,user=ann,note=secret-thing"}
    assert span_under(headers, seen).context == {}
    ruled(baggage_keys=frozenset({"session", "user", "absent"}))
    assert span_under(headers, seen).context == {"session": "s-1", "user": "ann"}


def test_what_is_bound_of_it_is_bounded_and_passes_the_gate(seen, ruled):
    ruled(baggage_keys=frozenset({"long", "password"}))
    span = span_under({"baggage": "password=tooth9brush,long=" + "x" * 5000}, seen)
    assert "tooth9brush" not in str(span)
    assert len(span.context["long"]) == 256
    token = "ghp" + "_" + "a1B2c3D4" * 5
    span = span_under({"baggage": f"long={'x' * 230}%20{token}{'%20y' * 2000}"}, seen)
    assert token[:8] not in str(span)


def test_what_is_bound_leaves_only_under_names_on_the_list(ruled):
    with fl.bind(session="s 1", user="ann", turn=3), fl.span("any"):
        assert "baggage" not in fl.inject({})
        ruled(baggage_keys=frozenset({"session", "turn"}))
        assert fl.inject({})["baggage"] == "session=s%201,turn=3"


def test_what_is_bound_wins_over_what_came_in(ruled):
    ruled(baggage_keys=frozenset({"session"}))
    with fl.extract({"traceparent": PARENT, "baggage": "other=1,session=old"}), fl.bind(session="new"):
        assert fl.inject({})["baggage"] == "other=1,session=new"


def test_a_member_that_breaks_the_grammar_is_left_out_alone():
    members, left_out = baggage.parse(["a=1, =2,b,c d=3,d=a b,e=ü", 'f="4"', "g = 5 ; p"])
    assert list(members) == ["a", "g"]
    assert baggage.value_of(members["g"]) == "5"
    assert left_out == 6


def test_sixty_four_members_and_8192_bytes_are_handed_on_and_no_more(ruled):
    told = []
    ruled(lose=told.append)
    many = ",".join(f"k{number}=1" for number in range(180))
    with fl.extract({"traceparent": PARENT, "baggage": many}):
        assert fl.inject({})["baggage"] == ",".join(f"k{number}=1" for number in range(64))
    assert told == ["headers_left_out"] * 116
    full = "a=" + "x" * 8190
    with fl.extract({"traceparent": PARENT, "baggage": full + ",b=1"}):
        assert fl.inject({})["baggage"] == full


@given(st.dictionaries(st.from_regex(r"[a-z]{1,9}", fullmatch=True), st.text(max_size=40), max_size=20))
def test_what_is_written_is_read_again(values):
    text, left_out = baggage.render({name: baggage.member(name, value) for name, value in values.items()})
    members, _ = baggage.parse([text])
    again = {name: baggage.value_of(member) for name, member in members.items()}
    assert left_out == 0
    assert again == {
        name: value.encode("utf-8", "replace").decode("utf-8", "replace") for name, value in values.items()
    }


@given(st.lists(st.text(max_size=100), max_size=20))
def test_reading_baggage_never_fails(values):
    members, _ = baggage.parse(values)
    assert baggage.render(members)[1] == 0
    assert all(isinstance(baggage.value_of(member), str) for member in members.values())


# -- B3 ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"b3": f"{TRACE_ID}-{PARENT_ID}-1"},
        {"B3": f"{TRACE_ID.upper()}-{PARENT_ID.upper()}-d-05e3ac9a4f6e3b90"},
        {"b3": f"{TRACE_ID}-{PARENT_ID}"},
        {"X-B3-TraceId": TRACE_ID, "X-B3-SpanId": PARENT_ID, "X-B3-Sampled": "1"},
        {"x-b3-traceid": TRACE_ID, "x-b3-spanid": PARENT_ID, "x-b3-flags": "1", "x-b3-sampled": "0"},
        {"x-b3-traceid": TRACE_ID, "x-b3-spanid": PARENT_ID},
    ],
)
def test_b3_names_the_parent(seen, headers):
    span = span_under(headers, seen)
    assert (span.trace_id, span.parent_id) == (TRACE_ID, PARENT_ID)


def test_a_short_trace_id_of_b3_gets_zeros_before_it(seen):
    assert span_under({"b3": f"{PARENT_ID}-{PARENT_ID}-1"}, seen).trace_id == "0" * 16 + PARENT_ID


@pytest.mark.parametrize(
    "headers", [{"b3": f"{TRACE_ID}-{PARENT_ID}-0"}, {"b3": "0"}, {"x-b3-sampled": "false"}]
)
def test_b3_says_that_a_trace_is_not_recorded(headers):
    assert not fl.extract(headers).sampled


@pytest.mark.parametrize(
    "headers",
    [
        {"b3": "1"},
        {"b3": ""},
        {"b3": TRACE_ID},
        {"b3": f"{'0' * 32}-{PARENT_ID}-1"},
        {"b3": f"{TRACE_ID}-{'0' * 16}-1"},
        {"b3": f"{TRACE_ID[1:]}-{PARENT_ID}-1"},
        {"b3": f"{TRACE_ID}-{PARENT_ID}-1-2-3"},
        {"x-b3-traceid": TRACE_ID},
        {"x-b3-spanid": PARENT_ID},
        {"x-b3-traceid": "xyz", "x-b3-spanid": PARENT_ID},
    ],
)
def test_b3_that_is_not_valid_is_none(headers):
    found = fl.extract(headers)
    assert (found.trace_id, found.span_id, found.sampled) == ("", "", True)


def test_w3c_is_believed_before_b3(seen):
    assert span_under({"b3": f"{'1' * 32}-{'2' * 16}-1", "traceparent": PARENT}, seen).trace_id == TRACE_ID


@pytest.mark.parametrize(
    ("formats", "names"),
    [
        (("b3",), {"b3"}),
        (("b3multi", "tracecontext"), {"X-B3-TraceId", "X-B3-SpanId", "X-B3-Sampled"}),
        (("tracecontext", "b3"), {"traceparent"}),
        ((), set()),
    ],
)
def test_of_the_trace_formats_the_first_is_written(ruled, formats, names):
    ruled(formats=formats)
    with fl.span("any"):
        written = fl.inject({})
        assert set(written) == names
        found = fl.extract(written)
        assert found.span_id == (fl.current().span_id if names else "")


# -- ids of any scheme -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_id", "trace_id"),
    [
        (TRACE_ID, TRACE_ID),
        (TRACE_ID.upper(), TRACE_ID),
        ("0af76519-16cd-43dd-8448-eb211c80319c", TRACE_ID),
        (PARENT_ID, "0" * 16 + PARENT_ID),
    ],
)
def test_an_id_that_can_be_one_is_one(seen, given_id, trace_id):
    span = span_under({"X-Trace-Id": given_id, "X-Span-Id": PARENT_ID}, seen)
    assert (span.trace_id, span.parent_id, span.context) == (trace_id, PARENT_ID, {})


@pytest.mark.parametrize(
    "given_id", ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "job-7", "12", "0" * 32, "Grüße", "x" * 9000]
)
def test_any_other_id_becomes_one_and_is_kept_as_correlation_id(seen, given_id):
    first, second = (span_under({"X-Trace-Id": given_id, "X-Span-Id": "s/1"}, seen) for _ in range(2))
    assert first.trace_id == second.trace_id
    assert (first.parent_id, len(first.trace_id), len(first.parent_id)) == (second.parent_id, 32, 16)
    kept = first.context["correlation_id"]
    assert kept.isascii()
    assert len(kept) <= 128


def test_a_trace_without_a_caller_s_span_is_joined_at_its_root(seen):
    span = span_under({"X-Trace-Id": "job-7"}, seen)
    assert span.parent_id == ""
    assert span.trace_id == fl.extract({"X-Trace-Id": "job-7"}).trace_id


def test_the_caller_s_parent_stands_in_for_a_caller_who_names_no_span():
    headers = {"X-Trace-Id": TRACE_ID, "X-Parent-Span-Id": PARENT_ID}
    assert fl.extract(headers).span_id == PARENT_ID
    assert fl.extract({**headers, "X-Span-Id": "1" * 16}).span_id == "1" * 16


def test_a_correlation_id_alone_is_bound_and_begins_a_trace(seen):
    headers = {"X-Correlation-Id": "order 12/b"}
    first, second = (span_under(headers, seen) for _ in range(2))
    assert first.trace_id != second.trace_id
    assert first.context == second.context == {"correlation_id": "order 12/b"}


def test_a_correlation_id_goes_on_to_whoever_is_called():
    with fl.extract({"X-Correlation-Id": "order-12"}), fl.span("any"):
        assert fl.inject({})["X-Correlation-Id"] == "order-12"
    with fl.bind(correlation_id="mine"), fl.span("any"):
        assert fl.inject({})["X-Correlation-Id"] == "mine"


def test_both_foreign_ids_are_kept(seen):
    span = span_under({"X-Correlation-Id": "order-12", "X-Trace-Id": "job-7"}, seen)
    assert span.context == {"correlation_id": "order-12", "foreign_trace_id": "job-7"}


@pytest.mark.parametrize("evil", ["a\r\nSet-Cookie: x=1", "a\x00b", "\x1b[31mred", "\u202eabc", "{'a': 1}\n"])
def test_what_is_kept_can_stand_in_a_header_and_on_a_terminal(evil):
    with fl.extract({"X-Correlation-Id": evil}), fl.span("any"):
        sent = fl.inject({})["X-Correlation-Id"]
    assert sent.isprintable()
    assert sent.isascii()


def test_a_secret_that_comes_as_an_id_is_not_recorded(seen):
    secret = "ghp_" + "a1B2" * 9
    assert secret not in str(span_under({"X-Correlation-Id": secret}, seen))


@given(st.text(max_size=300))
def test_any_text_makes_valid_ids(text):
    kept = foreign.cleaned(text)
    trace_id, span_id = foreign.trace_id_of(kept), foreign.span_id_of(kept)
    if kept:
        assert (len(trace_id), len(span_id)) == (32, 16)
        assert set(trace_id + span_id) <= set("0123456789abcdef")
        assert trace_id.strip("0")
        assert span_id.strip("0")
    else:
        assert trace_id == span_id == ""
    assert foreign.cleaned(kept) == kept
