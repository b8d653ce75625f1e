"""What tracing systems and viewers export: their spans, and what libraries for models said in them, are understood."""

from __future__ import annotations

import json

from imports_documents_of_others import FILES, brought_in, drawn, spans

TRACE = "5b8aa5a2d2c872e8321cf37308d69df2"


def _file(tmp_path, value, name="document.json"):
    path = tmp_path / name
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def test_a_trace_of_jaeger_is_the_spans_of_opentelemetry_that_it_was(home):
    brought_in(home, FILES["jaeger"])
    assert drawn(home) == ["POST /checkout http error *exception", "  chat gpt-4.1-mini llm ok"]
    root = spans(home)["POST /checkout"].record
    assert (root.trace_id, root.start, root.duration_ns) == (TRACE, 1795298178_179404000, 21_000_000)
    assert (root.error.type, root.error.message) == ("CardError", "card refused")
    assert root.attributes == {"http.request.method": "POST", "big": 9007199254740995}
    assert root.otel == {"otlp": 1, "kind": 2, "scope": {"name": "shop"}}
    assert root.service == "shop"
    call = spans(home)["chat gpt-4.1-mini"].record
    assert (call.attributes["gen_ai.usage.input_tokens"], call.otel["kind"]) == (12, 3)


def test_ids_of_64_bits_and_references_of_both_sorts_are_read(home, tmp_path):
    first = {"traceID": "1a", "spanID": "b", "operationName": "one", "startTime": 5, "duration": 7}
    second = {
        **first,
        "spanID": "c",
        "operationName": "two",
        "references": [
            {"refType": "FOLLOWS_FROM", "traceID": "2", "spanID": "9"},
            {"refType": "CHILD_OF", "traceID": "1a", "spanID": "b"},
        ],
    }
    brought_in(home, _file(tmp_path, {"traceID": "1a", "spans": [first, second], "processes": {}}))
    found = spans(home)
    assert [child.name for child in found["one"].children] == ["two"]
    (link,) = found["two"].record.links
    assert (link.trace_id, link.span_id, link.relation) == (f"{2:032x}", f"{9:016x}", "follows_from")


def test_what_opentelemetry_sent_to_zipkin_is_what_it_was(home):
    """Written by opentelemetry-exporter-zipkin-json, whose annotations hold events as JSON and whose tags are texts."""
    brought_in(home, FILES["zipkin"])
    assert drawn(home) == ["checkout http error *paid *exception", "  chat gpt-4.1-mini llm ok"]
    root = spans(home)["checkout"]
    assert root.record.error.message == "ValueError: card refused"
    assert root.events[0].attributes == {"amount": 3}
    assert root.record.otel == {"otlp": 1, "kind": 2, "scope": {"name": "shop", "version": "1.2"}}
    assert spans(home)["chat gpt-4.1-mini"].record.attributes["gen_ai.usage.input_tokens"] == 12


def test_a_client_and_a_server_that_share_an_id_are_two_spans(home, tmp_path):
    def _span(name, service, id_, parent="", **more):
        told = {"traceId": "7", "id": id_, "name": name, "timestamp": 1, "duration": 9, **more}
        return {**told, "localEndpoint": {"serviceName": service}, **({"parentId": parent} if parent else {})}

    page = _span("page", "web", "1")
    client = _span("call", "web", "2", "1", kind="CLIENT")
    server = _span("serve", "api", "2", "1", kind="SERVER", shared=True)
    query = _span("query", "api", "3", "2")
    brought_in(home, _file(tmp_path, [[page, client, server, query]]))
    assert [line.split()[0] for line in drawn(home)] == ["page", "call", "serve", "query"]
    assert [line.index(line.strip()) // 2 for line in drawn(home)] == [0, 1, 2, 3]


def test_calls_that_viztracer_wrote_at_their_end_stand_in_those_that_made_them(home):
    brought_in(home, FILES["chrome"])
    lines = drawn(home)
    assert lines[:6] == [
        "MainProcess run ok",
        "  builtins.exec - ok",
        "    <module> - ok",
        "      work - ok",
        "        fib - ok",
        "          fib - ok",
    ]
    assert "        dumps - ok" in lines
    assert len(lines) == 25
    assert spans(home)["work"].record.thread == "MainThread"


def test_beginnings_and_ends_are_matched_by_thread_and_by_id(home, tmp_path):
    at = 1795255200_000_000
    told = [
        {"ph": "B", "pid": 1, "tid": 1, "ts": at, "name": "outer", "args": {"a": 1}},
        {"ph": "B", "pid": 1, "tid": 2, "ts": at + 1, "name": "elsewhere"},
        {"ph": "B", "pid": 1, "tid": 1, "ts": at + 2, "name": "inner"},
        {"ph": "i", "pid": 1, "tid": 1, "ts": at + 3, "name": "here", "s": "t"},
        {"ph": "E", "pid": 1, "tid": 1, "ts": at + 4},
        {"ph": "E", "pid": 1, "tid": 1, "ts": at + 9, "args": {"b": 2}},
        {"ph": "b", "pid": 1, "tid": 1, "ts": at + 1, "id": "0x1", "cat": "net", "name": "request"},
        {"ph": "b", "pid": 1, "tid": 2, "ts": at + 2, "id": "0x1", "cat": "net", "name": "connect"},
        {"ph": "e", "pid": 1, "tid": 2, "ts": at + 3, "id": "0x1", "cat": "net", "name": "connect"},
        {"ph": "e", "pid": 1, "tid": 1, "ts": at + 8, "id": "0x1", "cat": "net", "name": "request"},
        {"ph": "C", "pid": 1, "ts": at + 5, "name": "memory", "args": {"mb": 4}},
        {"ph": "X", "pid": 2, "tid": 1, "ts": at, "dur": 3, "name": "other"},
    ]
    text = "[" + ",\n".join(map(json.dumps, told)) + ",\n"  # as the format allows it, without an end
    path = tmp_path / "open.json"
    path.write_text(text, encoding="utf-8")
    _, skipped = brought_in(home, path)
    assert len(skipped) == 1
    assert drawn(home) == [
        "process 1 run ok *here *counter",
        "  outer - ok",
        "    inner - ok",
        "  elsewhere - interrupted",
        "  request - ok",
        "    connect - ok",
        "process 2 run ok",
        "  other - ok",
    ]
    outer = spans(home)["outer"].record
    assert (outer.start, outer.duration_ns, outer.attributes) == (at * 1000, 9000, {"a": 1, "b": 2})


def test_a_trace_of_langfuse_has_its_observations_under_it_and_what_they_cost(home):
    brought_in(home, FILES["langfuse"])
    assert drawn(home) == [
        "answer workflow ok",
        "  retrieve - ok",
        "    generate llm ok *cache.miss",
        "  lookup tool error",
    ]
    found = spans(home)
    assert found["answer"].record.context == {"session": "s-1", "user": "u-7", "tags": ["beta"]}
    assert (found["answer"].record.environment, found["answer"].record.version) == ("production", "1.4")
    assert found["lookup"].record.error.message == "no such city"
    assert found["generate"].record.attributes == {
        "gen_ai.request.model": "gpt-4.1-mini",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.max_tokens": 50,
        "gen_ai.response.time_to_first_chunk": 0.5,
        "gen_ai.usage.input_tokens": 20,
        "gen_ai.usage.output_tokens": 4,
        "flightlog.usage.total_tokens": 24,
        "gen_ai.usage.cache_read.input_tokens": 8,
        "gen_ai.usage.cost": 0.00002,
    }
    with home.reader() as reader:
        scores = {one.name: one for one in reader.annotations(found["answer"].trace_id)}
    assert (scores["helpful"].value, scores["helpful"].span_id) == (0.9, "")
    assert (scores["tone"].label, scores["tone"].span_id) == ("good", found["generate"].span_id)


def test_observations_of_langfuse_alone_stand_under_a_root_until_their_trace_is_told(home, tmp_path):
    value = json.loads(FILES["langfuse"].read_text(encoding="utf-8"))
    brought_in(home, _file(tmp_path, {"data": value[0]["observations"], "meta": {"page": 1}}))
    assert drawn(home)[0] == "trace workflow interrupted"
    brought_in(home, FILES["langfuse"])
    assert drawn(home)[0] == "answer workflow ok"
    assert len(drawn(home)) == 4


def test_spans_of_phoenix_are_understood_as_those_of_openinference(home):
    done, _ = brought_in(home, FILES["phoenix"])
    assert done.understood == 2
    assert drawn(home) == ["ChatCompletion llm ok", "  tool tool error *exception"]
    call, tool = spans(home)["ChatCompletion"].record, spans(home)["tool"].record
    assert call.attributes["gen_ai.usage.input_tokens"] == 12
    assert call.attributes["llm.input_messages.0.message.content"] == "Hello?"
    assert (tool.error.type, tool.duration_ns) == ("KeyError", 300_000_000)
    with home.reader() as reader:
        (told,) = reader.annotations(call.trace_id)
    assert (told.name, told.value, told.label, told.note, told.by) == ("helpful", 1, "yes", "it is", "LLM")


def test_an_answer_of_phoenix_s_api_is_read_span_by_span(home, tmp_path):
    lines = [json.loads(line) for line in FILES["phoenix"].read_text(encoding="utf-8").splitlines()]
    done, skipped = brought_in(
        home, _file(tmp_path, {"data": [*lines, {"name": "no ids"}], "next_cursor": None})
    )
    assert done.records == 4
    ((place, why),) = skipped
    assert place.startswith("element 3 of 'data' (byte ")
    assert why == "no span of Phoenix: it has no trace id or no span id"
