"""Each dialect by itself, on attributes as its libraries write them."""

from __future__ import annotations

import json

import pytest
from msgspec import UNSET

from flightlog.codecs.lines import decode, encode
from flightlog.dialects.facts import Usage
from flightlog.dialects.providers import provider_of
from flightlog.dialects.reading import raw, understand
from flightlog.records import genai
from flightlog.records.event import Event
from flightlog.records.span import Span
from flightlog.understanding import Understanding

TRACE, SPAN = "a" * 32, "b" * 16


def _span(attributes, *, name="n", scope="x", kind="", **more):
    return Span(
        trace_id=TRACE,
        span_id=SPAN,
        name=name,
        kind=kind,
        start=1_700_000_000_000_000_000,
        end=1_700_000_001_000_000_000,
        status="ok",
        attributes=attributes,
        otel={"otlp": 1, "kind": 3, "scope": {"name": scope}},
        **more,
    )


def _event(name, attributes=(), body="", time=5):
    return Event(
        event_id="c" * 16,
        trace_id=TRACE,
        span_id=SPAN,
        time=time,
        name=name,
        attributes=dict(attributes),
        body=body,
    )


def _read(attributes, events=(), **more):
    told = _span(attributes, **more)
    new = understand(told, events)
    assert raw(new) == told, "what was told can be had back"
    assert understand(new, events) == new, "to read it again changes nothing"
    return new


def _used(span):
    names = (genai.INPUT_TOKENS, genai.OUTPUT_TOKENS, genai.CACHE_READ_TOKENS, genai.CACHE_WRITE_TOKENS)
    return tuple(span.attributes.get(name) for name in names)


CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}


def test_a_span_that_speaks_no_dialect_stays_as_it_is():
    told = _span({"server.address": "somewhere", "user.id": "u"})
    assert understand(told) is told


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"http.request.method": "GET"}, "http"),
        ({"http.method": "GET", "user.id": "u"}, "http"),
        ({"db.system.name": "postgresql"}, "db"),
        ({"db.system": "opensearch", "http.method": "GET"}, "db"),
        ({"http.request.method": "POST", **CHAT}, "llm"),
        ({"http.request.method": "GET", "langfuse.session.id": "s"}, "http"),
        ({"http.response.status_code": 200, "note": '"http.method":'}, ""),
    ],
)
def test_a_request_and_a_query_are_of_their_kinds_unless_a_dialect_says_another(attributes, kind):
    told = _span(attributes)
    new = understand(told)
    assert new.kind == kind
    assert raw(new) == told
    assert understand(new) == new
    if "understood" not in new.otel:
        fields = {"v": 1, "type": "span", **json.loads(encode(told))}
        line = json.dumps(fields, separators=(",", ":")).encode()
        [quick] = Understanding(lambda: pytest.fail("written")).lines([line])
        assert decode(quick) == new


def test_a_span_of_flightlog_s_own_stays_as_it_is():
    told = Span(trace_id=TRACE, span_id=SPAN, name="n", start=1, end=2, status="ok", attributes=dict(CHAT))
    assert understand(told) is told


def test_a_span_that_merely_names_a_model_is_no_call():
    assert _read({"gen_ai.provider.name": "anthropic", "gen_ai.request.model": "m"}, name="count").kind == ""


def test_the_whole_input_is_told_where_a_cache_is_counted_beside_it():
    told = {**CHAT, "gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 5}
    cached = {"gen_ai.usage.cache_read.input_tokens": 64, "gen_ai.usage.cache_creation.input_tokens": 16}
    span = _read({**told, **cached})
    assert _used(span) == (87, 5, 64, 16)
    assert span.otel["understood"]["were"] == {"gen_ai.usage.input_tokens": 7}


def test_a_cache_within_the_input_is_not_added():
    told = {**CHAT, "gen_ai.usage.input_tokens": 107, "gen_ai.usage.cache_read.input_tokens": 64}
    assert _used(_read(told))[0] == 107


@pytest.mark.parametrize(
    ("usage", "whole"),
    [
        (Usage(100, 5, 64, total=169), 164),
        (Usage(100, 5, 64, total=105), 100),
        (Usage(100, 5, 64), 100),
        (Usage(10, 5, 64), 74),
        (Usage(100, 5, 64, is_fresh=True), 164),
        (Usage(None, 5, 64), None),
    ],
)
def test_the_whole_input_follows_from_the_total_or_from_what_cannot_be(usage, whole):
    assert usage.whole_input == whole


def test_a_call_that_says_no_tokens_at_all_was_not_told_them():
    span = _read({**CHAT, "gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0})
    assert _used(span) == (None, None, None, None)


EMBEDDING = {"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "text-embedding-3-small"}


@pytest.mark.parametrize(
    ("told", "input_tokens", "output_tokens"),
    [
        ({"input_tokens": 0, "output_tokens": 0}, None, None),
        ({"input_tokens": 0}, None, None),
        ({"output_tokens": 0}, None, None),
        ({"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}, None, None),
        ({"input_tokens": 0, "output_tokens": 0, "total_tokens": 9}, 9, 0),
        ({"total_tokens": 9}, 9, None),
        ({"input_tokens": 9, "output_tokens": 0}, 9, 0),
        ({"input_tokens": 9}, 9, None),
    ],
)
def test_an_embedding_of_no_tokens_was_not_told_them_and_gives_none_out(told, input_tokens, output_tokens):
    span = _read({**EMBEDDING, **{f"gen_ai.usage.{name}": count for name, count in told.items()}})
    assert span.kind == "embedding"
    assert _used(span)[:2] == (input_tokens, output_tokens)


@pytest.mark.parametrize("operation", ["rerank", "speech_to_text", "text_to_speech"])
def test_another_call_that_says_no_tokens_at_all_was_not_told_them_either(operation):
    told = {
        "gen_ai.operation.name": operation,
        "gen_ai.usage.input_tokens": 0,
        "gen_ai.usage.output_tokens": 0,
    }
    silent = _read({**CHAT, **told})
    heard = _read({**CHAT, **told, "gen_ai.usage.audio.input_tokens": 50})
    assert _used(silent)[:2] == (None, None)
    assert (heard.attributes["flightlog.usage.input_audio_tokens"], _used(heard)[:2]) == (50, (0, 0))


def test_messages_with_every_sort_of_part_are_read():
    parts = [
        {"type": "text", "content": "look"},
        {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "QUJD"},
        {"type": "uri", "modality": "audio", "uri": "https://example.org/a.wav"},
        {"type": "file", "file_id": "f-1"},
        {"type": "something_new", "value": 1},
    ]
    said = [
        {"type": "reasoning", "content": "hm"},
        {"type": "tool_call", "id": "c1", "name": "f", "arguments": {"a": 1}},
    ]
    answer = [{"type": "tool_call_response", "id": "c1", "response": {"b": 2}}]
    given = [
        {"role": "user", "parts": parts},
        {"role": "assistant", "parts": said},
        {"role": "tool", "parts": answer},
    ]
    told = {
        **CHAT,
        "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "Be brief."}]),
        "gen_ai.input.messages": json.dumps(given),
        "gen_ai.tool.definitions": json.dumps([{"type": "function", "name": "f"}]),
    }
    span = _read(told)
    system, user, assistant, tool = span.input["messages"]
    assert system == {"role": "system", "content": "Be brief."}
    assert user["content"] == [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
        {"type": "audio", "url": "https://example.org/a.wav"},
        {"type": "file", "file": {"file_id": "f-1"}},
        {"type": "something_new", "value": 1},
    ]
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    assert assistant == {"role": "assistant", "reasoning_content": "hm", "tool_calls": [call]}
    assert tool == {"role": "tool", "tool_call_id": "c1", "content": {"b": 2}}
    assert span.input["tools"] == [{"type": "function", "name": "f"}]


def test_messages_of_log_records_are_read_whichever_way_they_have_their_bodies():
    events = [
        _event("gen_ai.system.message", {"content": "Be brief."}, time=1),
        _event("gen_ai.user.message", body='{"content":"hello"}', time=2),
        _event("gen_ai.tool.message", body='{"id":"c1","content":"18"}', time=3),
        _event("gen_ai.choice", body='{"finish_reason":"stop","message":{"content":"yes"}}', time=4),
    ]
    span = _read({**CHAT, "gen_ai.system": "openai"}, events)
    assert [(message["role"], message["content"]) for message in span.input["messages"]] == [
        ("system", "Be brief."),
        ("user", "hello"),
        ("tool", "18"),
    ]
    assert span.output == {"messages": [{"role": "assistant", "content": "yes", "finish_reason": "stop"}]}
    assert span.attributes["gen_ai.response.finish_reasons"] == ["stop"]


def test_openinference_s_lists_may_begin_with_one_and_hold_pictures():
    told = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "m",
        "llm.invocation_parameters": '{"temperature":0.5,"stop":"x"}',
        "llm.input_messages.1.message.role": "user",
        "llm.input_messages.1.message.contents.0.message_content.type": "image",
        "llm.input_messages.1.message.contents.0.message_content.image.image.url": "https://example.org/p.png",
        "llm.token_count.prompt_details.audio": 4,
        "llm.token_count.prompt": 9,
        "llm.cost.total": 0.25,
        "tag.tags": ["beta"],
    }
    span = _read(told)
    assert span.input["messages"] == [
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "https://example.org/p.png"}}],
        }
    ]
    assert span.attributes["gen_ai.request.temperature"] == 0.5
    assert span.attributes["gen_ai.request.stop_sequences"] == ["x"]
    assert span.attributes["flightlog.usage.input_audio_tokens"] == 4
    assert span.attributes["gen_ai.usage.cost"] == 0.25
    assert span.context["tags"] == ["beta"]


@pytest.mark.parametrize(
    ("said", "kind"),
    [("AGENT", "agent"), ("CHAIN", "step"), ("TOOL", "tool"), ("GUARDRAIL", "guardrail"), ("llm", "llm")],
)
def test_openinference_s_kinds_are_ours(said, kind):
    assert _read({"openinference.span.kind": said, "input.value": "x"}).kind == kind


def test_an_agent_that_repeats_the_tokens_of_its_calls_uses_none():
    span = _read({"openinference.span.kind": "AGENT", "llm.token_count.prompt": 9, "input.value": '{"a":1}'})
    assert (_used(span)[0], span.input) == (None, {"a": 1})


def test_documents_that_were_found_are_the_output_of_a_search():
    told = {
        "openinference.span.kind": "RETRIEVER",
        "input.value": "refund",
        "retrieval.documents.0.document.id": "d1",
        "retrieval.documents.0.document.score": 0.5,
        "retrieval.documents.0.document.metadata": '{"page":3}',
    }
    span = _read(told)
    assert span.input == {"query": "refund"}
    assert span.output == {"documents": [{"id": "d1", "score": 0.5, "metadata": {"page": 3}}]}


def test_traceloop_tells_kinds_names_and_whose_it_is():
    told = {
        "traceloop.span.kind": "tool",
        "traceloop.entity.name": "search",
        "traceloop.entity.input": '{"inputs":{"q":1},"tags":[],"kwargs":{}}',
        "traceloop.entity.output": "18",
        "traceloop.association.properties.session_id": "s-1",
        "traceloop.association.properties.user_id": "u-7",
    }
    span = _read(told)
    assert (span.kind, span.input, span.output) == ("tool", {"q": 1}, "18")
    assert span.attributes["gen_ai.tool.name"] == "search"
    assert span.context == {"session": "s-1", "user": "u-7"}


def test_langfuse_counts_what_no_cache_held():
    told = {
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "m",
        "langfuse.observation.usage_details": '{"input":7,"output":5,"cache_read_input_tokens":64}',
        "langfuse.observation.cost_details": '{"input":0.25,"output":0.5}',
        "langfuse.observation.completion_start_time": '"2023-11-14T22:13:20.250Z"',
        "langfuse.observation.input": '[{"role":"user","content":"hello"}]',
        "langfuse.observation.output": "yes",
        "langfuse.session.id": "s-1",
    }
    span = _read(told)
    assert _used(span) == (71, 5, 64, None)
    assert span.attributes["gen_ai.usage.cost"] == 0.75
    assert span.attributes["gen_ai.response.time_to_first_chunk"] == 0.25
    assert span.output == {"messages": [{"role": "assistant", "content": "yes"}]}
    assert span.context["session"] == "s-1"


def test_claude_code_counts_as_anthropic_does():
    told = {
        "span.type": "llm_request",
        "model": "claude-sonnet-4-5",
        "input_tokens": 7,
        "output_tokens": 5,
        "cache_read_tokens": 64,
        "cache_creation_tokens": 16,
        "ttft_ms": 250,
        "session.id": "s-1",
    }
    events = [_event("claude_code.api_request", {"cost_usd": 0.25})]
    span = _read(told, events, name="claude_code.llm_request", scope="com.anthropic.claude_code.tracing")
    assert (span.kind, _used(span)) == ("llm", (87, 5, 64, 16))
    assert span.attributes["gen_ai.usage.cost"] == 0.25
    assert span.attributes["gen_ai.response.time_to_first_chunk"] == 0.25
    tool = _read({"span.type": "tool", "tool_name": "Bash"}, name="claude_code.tool")
    assert (tool.kind, tool.attributes["gen_ai.tool.name"]) == ("tool", "Bash")


def test_gemini_cli_counts_thoughts_beside_the_output():
    told = {
        "gen_ai.operation.name": "llm_call",
        "gen_ai.agent.name": "gemini-cli",
        "gen_ai.request.model": "gemini-2.5-pro",
        "gen_ai.input.messages": '[{"role":"user","parts":[{"text":"hello"}]}]',
    }
    counts = {"input_token_count": 9, "output_token_count": 5, "thoughts_token_count": 2}
    span = _read(told, [_event("gemini_cli.api_response", counts)], name="llm_call", scope="gemini-cli")
    assert (span.kind, _used(span)[:2]) == ("llm", (9, 7))
    assert span.attributes["gen_ai.usage.reasoning.output_tokens"] == 2
    assert span.input["messages"] == [{"role": "user", "content": "hello"}]


def test_vercel_s_rounds_repeat_the_tokens_of_their_calls():
    used = {"ai.usage.inputTokens": 9, "ai.usage.outputTokens": 3, "ai.model.provider": "openai.chat"}
    call = _read({**used, "ai.operationId": "ai.generateText.doGenerate", "ai.model.id": "m"})
    around = _read({**used, "ai.operationId": "ai.generateText", "ai.prompt": '{"prompt":"hello"}'})
    assert (call.kind, _used(call)[:2], call.attributes["gen_ai.provider.name"]) == ("llm", (9, 3), "openai")
    assert (around.kind, _used(around)[:2], around.input) == ("step", (None, None), {"prompt": "hello"})


def test_of_two_dialects_the_first_that_knows_tokens_tells_all_of_them():
    told = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "m",
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.operation.name": "chat",
    }
    assert _used(_read(told)) == (9, 3, 4, None)
    assert _read(told).otel["understood"]["by"] == ["openinference", "gen_ai"]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("OpenAI", "openai"),
        ("openai.responses", "openai"),
        ("google.generative-ai", "gcp.gemini"),
        ("azure_openai", "azure.ai.openai"),
        ("MistralAI", "mistral_ai"),
        ("langchain", ""),
        ("some-new-one", "some-new-one"),
    ],
)
def test_providers_are_named_in_opentelemetry_s_words(said, name):
    assert provider_of(said) == name


@pytest.mark.parametrize(
    "value", [None, 1, True, [], {}, "", "{", "[1,2", '{"messages":5}', [[]], [None], "\x00"]
)
def test_nothing_that_an_attribute_may_hold_is_too_strange(value):
    names = (
        *("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.prompt", "gen_ai.completion"),
        *("gen_ai.system_instructions", "gen_ai.tool.definitions", "gen_ai.usage.input_tokens"),
        *(
            "llm.input_messages.0.message.content",
            "llm.invocation_parameters",
            "llm.tools.0.tool.json_schema",
        ),
        *("openinference.span.kind", "traceloop.entity.input", "traceloop.span.kind", "langsmith.span.kind"),
        *(
            "langfuse.observation.type",
            "langfuse.observation.usage_details",
            "mlflow.spanType",
            "ai.operationId",
        ),
        *(
            "ai.prompt.tools",
            "ai.response.toolCalls",
            "gcp.vertex.agent.llm_request",
            "span.type",
            "final_result",
        ),
        *(
            "mlflow.spanInputs",
            "mlflow.chat.tokenUsage",
            "pydantic_ai.all_messages",
            "events",
            "request_data",
        ),
    )
    for operation in ("chat", value):
        _read(
            {**dict.fromkeys(names, value), "gen_ai.operation.name": operation},
            name="claude_code.llm_request",
        )
    for kind, name in (
        ("LLM", "openinference.span.kind"),
        ("llm", "langsmith.span.kind"),
        ('"LLM"', "mlflow.spanType"),
    ):
        _read({**dict.fromkeys(names, value), name: kind})
    _read({**dict.fromkeys(names, value), "ai.operationId": "ai.generateText.doGenerate"})
    _read({**dict.fromkeys(names, value), "langfuse.observation.type": "generation"})


@pytest.mark.parametrize(
    ("provider", "kind", "served"),
    [("test", "step", False), ("function", "step", False), ("openai", "llm", None)],
)
def test_models_of_pydantic_ai_that_stand_in_for_one_are_no_calls(provider, kind, served):
    told = {
        genai.OPERATION: "chat",
        genai.PROVIDER: provider,
        genai.REQUEST_MODEL: provider,
        genai.INPUT_TOKENS: 51,
        genai.OUTPUT_TOKENS: 4,
        "gen_ai.client.operation.time_to_first_chunk": 0.25,
    }
    new = _read(told, scope="pydantic-ai", kind="llm")
    assert (new.kind, new.attributes.get("flightlog.served")) == (kind, served)
    assert new.attributes[genai.TIME_TO_FIRST_CHUNK] == 0.25
    assert _read(told, scope="another", kind="llm").kind == "llm"


def test_a_run_of_pydantic_ai_was_given_what_stands_before_its_first_answer():
    said = [("user", "before"), ("assistant", "Yes?"), ("user", "the weather?"), ("assistant", "Mild.")]
    told = {
        genai.OPERATION: "invoke_agent",
        "gen_ai.system_instructions": '[{"type": "text", "content": "Be brief."}]',
        "pydantic_ai.all_messages": json.dumps(
            [{"role": role, "parts": [{"type": "text", "content": text}]} for role, text in said]
        ),
        "pydantic_ai.new_message_index": 2,
        "final_result": '{"degrees": 18}',
    }
    new = _read(told, scope="pydantic-ai", kind="agent")
    assert [(one["role"], one["content"]) for one in new.input["messages"]] == [
        ("system", "Be brief."),
        *said[:3],
    ]
    assert new.output == {"degrees": 18}
    failed = {name: value for name, value in told.items() if name != "final_result"}
    assert _read(failed, scope="pydantic-ai", kind="agent").output is UNSET
