"""W3C trace context, level 2: what a service hands on for what it was sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import flightlog as fl
from flightlog.propagation import rules, traceparent, tracestate

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT_ID = "b7ad6b7169203331"
EVERYTHING = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in ",=")
"""Every character that a value may hold."""
PARENT = f"00-{TRACE_ID}-{PARENT_ID}-01"


@pytest.fixture(autouse=True)
def seen():
    with fl.capture() as captured:
        yield captured


def relayed(*headers):
    """What a service that was sent these headers sends on, from a span of its own."""
    with fl.extract(list(headers)), fl.span("service"):
        return fl.inject({})


def parts(sent):
    version, trace_id, parent_id, flags = sent["traceparent"].split("-")
    assert (version, len(trace_id), len(parent_id), len(flags)) == ("00", 32, 16, 2)
    return trace_id, parent_id, int(flags, 16)


def test_without_headers_a_trace_begins_that_is_sampled_and_random():
    trace_id, _, flags = parts(relayed())
    assert flags == 3
    assert trace_id != parts(relayed())[0]


def test_a_trace_goes_on_under_a_parent_of_ours():
    trace_id, parent_id, _ = parts(relayed(("traceparent", PARENT)))
    assert trace_id == TRACE_ID
    assert parent_id != PARENT_ID


@pytest.mark.parametrize("name", ["traceparent", "TraceParent", "TRACEPARENT", "TrAcEpArEnT"])
def test_names_count_in_any_case(name):
    assert parts(relayed((name, PARENT)))[0] == TRACE_ID


@pytest.mark.parametrize("name", ["trace-parent", "trace.parent", "traceparents", "xtraceparent"])
def test_other_names_do_not_count(name):
    assert parts(relayed((name, PARENT)))[0] != TRACE_ID


@pytest.mark.parametrize("space", [" {}", "\t{}", "{} ", "{}\t", " \t{}\t "])
def test_white_space_around_a_value_is_no_part_of_it(space):
    assert parts(relayed(("traceparent", space.format(PARENT))))[0] == TRACE_ID


def test_two_parents_are_none():
    other = PARENT.replace("0af7", "1af7")
    trace_id, _, _ = parts(relayed(("traceparent", PARENT), ("traceparent", other)))
    assert trace_id not in {TRACE_ID, other.split("-")[1]}
    assert parts(relayed(("traceparent", PARENT), ("TraceParent", PARENT)))[0] != TRACE_ID


@pytest.mark.parametrize(
    "value",
    [
        "",
        "00",
        PARENT + ".",
        PARENT + "-",
        PARENT + "-what-the-future-brings",
        PARENT.replace("-01", "-1"),
        PARENT.replace("-01", "-001"),
        PARENT.replace("-01", "-.1"),
        PARENT.replace("-01", "-0X"),
        PARENT.replace("-01", ""),
        "ff" + PARENT[2:],
        "0" + PARENT[2:],
        "000" + PARENT[2:],
        ".0" + PARENT[2:],
        "CC" + PARENT[2:],
        PARENT.upper(),
        PARENT.replace(TRACE_ID, "0" * 32),
        PARENT.replace(TRACE_ID, TRACE_ID + "0"),
        PARENT.replace(TRACE_ID, TRACE_ID[1:]),
        PARENT.replace(TRACE_ID, "." + TRACE_ID[1:]),
        PARENT.replace(TRACE_ID, "g" + TRACE_ID[1:]),
        PARENT.replace(PARENT_ID, "0" * 16),
        PARENT.replace(PARENT_ID, PARENT_ID + "0"),
        PARENT.replace(PARENT_ID, PARENT_ID[1:]),
        PARENT.replace(PARENT_ID, PARENT_ID[1:] + "."),
        "cc" + PARENT[2:] + ".what-the-future-brings",
        PARENT.replace("-", "_"),
        "\u0660\u0660" + PARENT[2:],
    ],
)
def test_an_invalid_parent_is_none_and_takes_the_state_with_it(value):
    sent = relayed(("traceparent", value), ("tracestate", "foo=1"))
    assert parts(sent)[0] != TRACE_ID
    assert parts(sent)[0].strip("0")
    assert "tracestate" not in sent


@pytest.mark.parametrize("rest", ["", "-", "-what-the-future-brings", "-01-02"])
def test_a_later_version_is_read_as_far_as_it_is_known(rest):
    assert parts(relayed(("traceparent", "cc" + PARENT[2:] + rest)))[0] == TRACE_ID


@pytest.mark.parametrize(
    ("flags", "sent"), [("00", 0), ("01", 1), ("02", 2), ("03", 3), ("ff", 3), ("fc", 0)]
)
def test_flags_are_handed_on_as_far_as_they_are_known(flags, sent):
    with fl.extract({"traceparent": PARENT[:-2] + flags}):
        assert parts(fl.inject({}))[2] == sent


def test_a_state_without_a_parent_is_dropped():
    assert "tracestate" not in relayed(("tracestate", "foo=1"))


@pytest.mark.parametrize(
    ("values", "sent"),
    [
        (["foo=1,bar=2"], "foo=1,bar=2"),
        (["foo=1,bar=2", "rojo=1,congo=2", "baz=3"], "foo=1,bar=2,rojo=1,congo=2,baz=3"),
        (["foo=1", ""], "foo=1"),
        (["", "foo=1"], "foo=1"),
        (["foo=1,,bar=2,"], "foo=1,bar=2"),
        (["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"),
        ([" foo=1\t"], "foo=1"),
        (["foo= 1"], "foo= 1"),
        (["foo=1,foo=1"], "foo=1"),
        (["foo=1,foo=2"], "foo=1"),
        (["foo@=1,bar=2"], "foo@=1,bar=2"),
        (["foo@@bar=1,a@b@c=2"], "foo@@bar=1,a@b@c=2"),
        (["0abc_-*/@z=1"], "0abc_-*/@z=1"),
        (["z" * 256 + "=1"], "z" * 256 + "=1"),
        ([f"a={EVERYTHING}"], f"a={EVERYTHING}"),
    ],
)
def test_a_valid_state_is_handed_on(values, sent):
    headers = [("tracestate", value) for value in values]
    assert relayed(("traceparent", PARENT), *headers)["tracestate"] == sent


@pytest.mark.parametrize(
    "value",
    [
        "",
        "foo",
        "=1",
        "foo=",
        "foo=,bar=3",
        "foo =1",
        "FOO=1",
        "foo.bar=1",
        "@foo=1,bar=2",
        "-foo=1",
        "foo=bar=baz",
        "foo=1,BAR=2",
        "foo=ü",
        "foo=a\tb",
        "z" * 257 + "=1",
        "foo=" + "v" * 257,
        ",".join(f"k{number}=1" for number in range(33)),
    ],
)
def test_an_invalid_state_is_dropped_whole_and_the_parent_kept(value):
    sent = relayed(("traceparent", PARENT), ("tracestate", value))
    assert parts(sent)[0] == TRACE_ID
    assert "tracestate" not in sent


def test_thirty_two_members_are_handed_on():
    value = ",".join(f"bar{number:02}={number:02}" for number in range(32))
    assert relayed(("traceparent", PARENT), ("tracestate", value))["tracestate"] == value


def test_beyond_512_characters_the_long_members_go_first_and_then_the_last():
    long = "long=" + "v" * 200
    short = [f"k{number:02}={'v' * 14}" for number in range(30)]
    kept, left_out = tracestate.render([long, *short])
    assert long not in kept
    assert kept.split(",") == short[: len(kept.split(","))]
    assert len(kept) <= 512 < len(kept) + 20
    assert left_out == 31 - len(kept.split(","))


def test_what_is_left_out_of_a_state_is_counted():
    value = ",".join(f"k{number}={'v' * 40}" for number in range(20))
    told = []
    held = rules.current()
    rules.use(held._replace(lose=told.append))
    try:
        relayed(("traceparent", PARENT), ("tracestate", value))
    finally:
        rules.use(held)
    assert told == ["headers_left_out"] * (len(value.split(",")) - 512 // 45)


def test_a_program_that_records_nothing_hands_on_what_it_was_sent():
    headers = [("traceparent", PARENT[:-2] + "00"), ("tracestate", "foo=1"), ("baggage", "a=1")]
    with fl.extract(headers):
        assert fl.inject({}) == dict(headers)


def test_an_unsampled_caller_s_trace_is_not_recorded_and_goes_on_unsampled(bench):
    out = bench.run(
        f"""
        import flightlog as fl
        with fl.extract({{"traceparent": {PARENT[:-2] + "00"!r}, "tracestate": "foo=1"}}), fl.span("dropped") as s:
            print(fl.inject({{}}), s.recorded)
        with fl.extract({{"traceparent": {PARENT!r}}}), fl.span("kept"):
            pass
        """
    )
    assert out.startswith(f"{{'traceparent': '00-{TRACE_ID}-")
    assert out.endswith("-00', 'tracestate': 'foo=1'} False\n")
    (kept,) = bench.spans().pop("kept")
    assert "dropped" not in bench.spans()
    assert (kept.trace_id, kept.parent_id) == (TRACE_ID, PARENT_ID)


@given(st.text(max_size=80))
def test_reading_a_parent_never_fails(text):
    found = traceparent.parse_flags(text)
    if found is not None:
        assert traceparent.parse(traceparent.render(found[0], found[1], sampled=True)) == (*found[:2], True)


@given(st.lists(st.text(max_size=60), max_size=40))
def test_a_state_is_handed_on_unchanged_a_second_time(values):
    once, _ = tracestate.render(tracestate.parse(values))
    assert len(once) <= 512
    assert tracestate.render(tracestate.parse([once])) == (once, 0)
