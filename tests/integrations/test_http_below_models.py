"""A recorded model client makes its requests with a recorded HTTP client: the call counts once."""

from __future__ import annotations

import openai
import pytest
from http_kit import Server

import flightlog as fl

MESSAGES = [{"role": "user", "content": "hello"}]


@pytest.fixture
def server():
    running = Server()
    yield running
    running.close()


def asked(server, *, stream, client=openai.OpenAI):
    with client(base_url=f"{server.url}/v1", api_key="nobody", max_retries=0) as talking:
        answer = talking.chat.completions.create(model="m", messages=MESSAGES, stream=stream)
        if not stream:
            return answer.choices[0].message.content
        return "".join(chunk.choices[0].delta.content or "" for chunk in answer)


@pytest.fixture(autouse=True)
def recorded():
    with fl.instrument("openai", "httpx", "httpx2"):
        yield


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_call_is_one_span_and_its_headers_name_it(server, stream):
    with fl.capture(level="info") as seen:
        assert asked(server, stream=stream) == "Hello."
    (call,) = seen.spans
    assert (call.kind, call.status) == ("llm", "ok")
    assert server.headers()["traceparent"].split("-")[1:3] == [call.trace_id, call.span_id]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_at_level_trace_its_request_is_a_child_that_ends_with_its_answer(server, stream):
    with fl.capture(level="trace") as seen:
        assert asked(server, stream=stream) == "Hello."
    (call,) = (span for span in seen.spans if span.kind == "llm")
    (request,) = (span for span in seen.spans if span.kind == "http")
    assert request.parent_id == call.span_id
    assert (request.level, request.status) == ("trace", "ok")
    assert request.attributes["http.response.status_code"] == 200
    assert server.headers()["traceparent"].split("-")[2] == request.span_id
    assert not any(name.startswith("gen_ai") for name in request.attributes)
