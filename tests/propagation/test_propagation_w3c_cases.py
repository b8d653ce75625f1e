"""Every case of the public suite for W3C trace context by its name, in both kinds of web applications.

The suite itself is somebody else's program and runs where a checkout is (`test_propagation_w3c_suite.py`). Here stands
what each of its cases is about, in our own words: what is sent, and what of it a service hands on.
"""

from __future__ import annotations

import asyncio

import pytest

import flightlog as fl
from flightlog.middleware import ASGIMiddleware, WSGIMiddleware

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-00"
SAMPLED = f"00-{TRACE}-{SPAN}-01"
ALL = "".join(map(chr, [*range(0x20, 0x2C), *range(0x2D, 0x3D), *range(0x3E, 0x7F)]))
LONG = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
MEMBERS = [f"m{number:02}={number}" for number in range(33)]
FOUR = [("tracestate", ",".join(MEMBERS[at : at + 8])) for at in range(0, 32, 8)]


def goes_on(*values):
    """Parents under which the trace goes on."""
    return [([("traceparent", value)], True, None) for value in values]


def begins(*values):
    """Parents that are none: another trace begins, and no state is handed on."""
    return [([("traceparent", value), ("tracestate", "foo=1")], False, None) for value in values]


def hands_on(state, *values):
    """States under a valid parent, and what is handed on of them."""
    return [([("traceparent", PARENT), *(("tracestate", value) for value in values)], True, state)]


def drops(*values):
    """States under a valid parent which are dropped whole."""
    return [case for value in values for case in hands_on(None, value)]


def with_ids(*pieces):
    return [f"00-{trace}-{span}-01" for trace, span in pieces]


CASES = {
    "both_traceparent_and_tracestate_missing": [([], False, None)],
    "traceparent_included_tracestate_missing": goes_on(SAMPLED),
    "traceparent_duplicated": [
        ([("traceparent", SAMPLED), ("traceparent", SAMPLED.replace("4bf9", "5bf9"))], False, None)
    ],
    "traceparent_header_name": [
        ([(name, SAMPLED)], False, None) for name in ("trace-parent", "trace.parent")
    ],
    "traceparent_header_name_valid_casing": [
        ([(name, SAMPLED)], True, None) for name in ("TraceParent", "TrAcEpArEnT", "TRACEPARENT")
    ],
    "traceparent_version_0x00": begins(SAMPLED + ".", SAMPLED + "-and-more"),
    "traceparent_version_0xcc": [
        *goes_on("cc" + SAMPLED[2:], "cc" + SAMPLED[2:] + "-and-more"),
        *begins("cc" + SAMPLED[2:] + ".and-more"),
    ],
    "traceparent_version_0xff": begins("ff" + SAMPLED[2:]),
    "traceparent_version_illegal_characters": begins(".0" + SAMPLED[2:], "0." + SAMPLED[2:]),
    "traceparent_version_too_long": begins("000" + SAMPLED[2:], "0000" + SAMPLED[2:]),
    "traceparent_version_too_short": begins("0" + SAMPLED[2:]),
    "traceparent_trace_id_all_zero": begins(*with_ids(("0" * 32, SPAN))),
    "traceparent_trace_id_illegal_characters": begins(
        *with_ids(("." + TRACE[1:], SPAN), (TRACE[:-1] + ".", SPAN))
    ),
    "traceparent_trace_id_too_long": begins(*with_ids((TRACE + "1", SPAN))),
    "traceparent_trace_id_too_short": begins(*with_ids((TRACE[:-1], SPAN))),
    "traceparent_parent_id_all_zero": begins(*with_ids((TRACE, "0" * 16))),
    "traceparent_parent_id_illegal_characters": begins(
        *with_ids((TRACE, "." + SPAN[1:]), (TRACE, SPAN[:-1] + "."))
    ),
    "traceparent_parent_id_too_long": begins(*with_ids((TRACE, SPAN + "1"))),
    "traceparent_parent_id_too_short": begins(*with_ids((TRACE, SPAN[:-1]))),
    "traceparent_trace_flags_illegal_characters": begins(SAMPLED[:-2] + ".0", SAMPLED[:-2] + "0."),
    "traceparent_trace_flags_too_long": begins(SAMPLED[:-2] + "001"),
    "traceparent_trace_flags_too_short": begins(SAMPLED[:-2] + "1"),
    "traceparent_ows_handling": goes_on(
        " " + SAMPLED, "\t" + SAMPLED, SAMPLED + " ", SAMPLED + "\t", f"\t {SAMPLED} \t"
    ),
    "tracestate_included_traceparent_missing": [
        ([("tracestate", value)], False, None) for value in ("foo=1", "foo=1,bar=2")
    ],
    "tracestate_included_traceparent_included": hands_on("foo=1,bar=2", "foo=1,bar=2"),
    "tracestate_header_name": [
        ([("traceparent", PARENT), (name, "foo=1")], True, None) for name in ("trace-state", "trace.state")
    ],
    "tracestate_header_name_valid_casing": [
        ([("traceparent", PARENT), (name, "foo=1")], True, "foo=1")
        for name in ("TraceState", "TrAcEsTaTe", "TRACESTATE")
    ],
    "tracestate_empty_header": [
        *drops(""),
        *hands_on("foo=1", "foo=1", ""),
        *hands_on("foo=1", "", "foo=1"),
    ],
    "tracestate_multiple_headers_different_keys": hands_on("a=1,b=2,c=3,d=4", "a=1,b=2", "c=3", "d=4"),
    "tracestate_duplicated_keys": [
        *hands_on("foo=1", "foo=1,foo=1"),
        *hands_on("foo=1", "foo=1,foo=2"),
        *hands_on("foo=1", "foo=1", "foo=1"),
        *hands_on("foo=1", "foo=1", "foo=2"),
    ],
    "tracestate_all_allowed_characters": [
        *hands_on(f"{LONG}={ALL}", f"{LONG}={ALL}"),
        *hands_on(f"{LONG}@{LONG}={ALL}", f"{LONG}@{LONG}={ALL}"),
    ],
    "tracestate_ows_handling": [
        *hands_on("a=1,b=2,c=3", "a=1 \t , \t b=2, \t c=3"),
        *hands_on("a=1,b=2,c=3", "a=1\t \t,\t \tb=2,\t \tc=3"),
        *(one for value in (" a=1", "\ta=1", "a=1 ", "a=1\t", "\t a=1 \t") for one in hands_on("a=1", value)),
    ],
    "tracestate_key_illegal_characters": drops("foo =1", "FOO=1", "foo.bar=1"),
    "tracestate_key_illegal_vendor_format": [
        *drops("@foo=1,bar=2"),
        *(
            one
            for value in ("foo@=1,bar=2", "foo@@bar=1,bar=2", "foo@bar@baz=1,bar=2")
            for one in hands_on(value, value)
        ),
    ],
    "tracestate_member_count_limit": [
        ([("traceparent", PARENT), *FOUR], True, ",".join(MEMBERS[:32])),
        ([("traceparent", PARENT), *FOUR, ("tracestate", MEMBERS[32])], True, None),
    ],
    "tracestate_key_length_limit": [
        *(
            one
            for key in ("z" * 256, "t" * 241 + "@" + "v" * 14, "t" * 242 + "@v", "t@" + "v" * 15)
            for one in hands_on(f"foo=1,{key}=1", "foo=1", f"{key}=1")
        ),
        *hands_on(None, "foo=1", "z" * 257 + "=1"),
    ],
    "tracestate_value_illegal_characters": drops("foo=bar=baz", "foo=,bar=3"),
    "multiple_requests_with_valid_traceparent": goes_on(SAMPLED),
    "multiple_requests_without_traceparent": [([], False, None)],
    "multiple_requests_with_illegal_traceparent": begins(*with_ids(("0" * 32, SPAN))),
    "propagates_random_flag": goes_on(PARENT[:-2] + "02"),
}


def _asked():
    """What a service sends with three requests of its own, each from a span."""
    sent = []
    for _ in range(3):
        with fl.span("ask"):
            sent.append(fl.inject({}))
    return sent


def by_asgi(headers):
    """What an ASGI service sends on."""
    sent = []

    async def service(_scope, _receive, send):
        sent.extend(_asked())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(_message):
        pass

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.strip(" \t").encode()) for name, value in headers],
    }  # a server gives names in lower case, and values without white space around them
    asyncio.run(ASGIMiddleware(service)(scope, receive, send))
    return sent


def by_wsgi(headers):
    """What a WSGI service sends on."""
    sent = []

    def service(_environ, start_response):
        sent.extend(_asked())
        start_response("200 OK", [])
        return [b""]

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/"}
    for name, value in headers:
        if "." in name:
            continue  # a server leaves out what no variable can be named after
        key = "HTTP_" + name.upper().replace("-", "_")
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    list(WSGIMiddleware(service)(environ, lambda *_: None))
    return sent


@pytest.mark.parametrize("service", [by_asgi, by_wsgi])
@pytest.mark.parametrize("name", CASES)
def test_each_case_of_the_suite(name, service):
    for headers, is_kept, state in CASES[name]:
        with fl.capture():
            sent = service(headers)
        parents = [one["traceparent"].split("-") for one in sent]
        assert all(len(one) == 4 and one[0] == "00" for one in parents), headers
        assert len({one[2] for one in parents}) == 3, headers
        assert len({one[1] for one in parents}) == 1, headers
        trace_id, span_id, flags = parents[0][1:]
        assert (trace_id == TRACE) == is_kept, headers
        assert trace_id != "0" * 32, headers
        assert span_id not in (SPAN, "0" * 16), headers
        assert [one.get("tracestate") for one in sent] == [state] * 3, headers
        if name == "propagates_random_flag" or not is_kept:
            assert int(flags, 16) & 2, headers


def test_none_of_its_41_cases_is_left_out():
    assert len(CASES) == 41
