"""A program that has never heard of Flightlog: recorded by `flightlog run`, and run again without its provider."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from again_kit import Program

PROGRAM = """
    import asyncio
    import sys
    from llama_index.core import Document, MockEmbedding, VectorStoreIndex
    from llama_index.core.agent.workflow import FunctionAgent
    from llama_index.core.llms import ChatMessage
    from llama_index.llms.openai import OpenAI

    def get_weather(city: str) -> str:
        "Look it up."
        return f"sunny in {city}"

    def get_time(city: str) -> str:
        "Look it up."
        return "noon"

    def model():
        where = {"api_base": sys.argv[1] + "/v1", "default_headers": {"X-Test-Id": sys.argv[2]}}
        return OpenAI("gpt-4o-mini", api_key="nobody", max_retries=0, **where)

    asking = model()
    print(asking.chat([ChatMessage(role="user", content="hello")]).message.content)
    used = {"stream_options": {"include_usage": True}}
    print("".join(piece.delta or "" for piece in asking.stream_complete("hello", **used)))
    index = VectorStoreIndex.from_documents([Document(text="one")], embed_model=MockEmbedding(embed_dim=3))
    print(index.as_query_engine(llm=asking).query("hello"))

    async def run():
        return await FunctionAgent(tools=[get_weather, get_time], llm=model(), streaming=False).run("weather")

    print(asyncio.run(run()))
"""
HELLO = "Hello! How can I help you today?\n"
SAID = HELLO * 3 + "It is sunny.\n"


@pytest.mark.timeout(400)  # four processes, each of which imports for many seconds beside other work
def test_a_run_and_its_rerun_say_the_same_and_each_call_counts_once(tmp_path, talk):
    program = Program(tmp_path, PROGRAM)
    name = talk.options()["default_headers"]["X-Test-Id"]
    assert program.run("run", arguments=(talk.url, name)) == SAID
    first = program.spans()
    calls = [span for span in first if span.kind == "llm"]
    assert len(calls) == len(talk.served()) == 5
    assert all(span.attributes["flightlog.instrumentation"] == "llama_index" for span in calls)
    (run,) = {span.trace_id for span in first}
    cost = json.loads(program.ask("cost", "--json"))
    assert f'"input_tokens": {talk.tokens()[0]}' in json.dumps(cost)
    assert program.run("rerun", run, "--", sys.executable, arguments=("http://127.0.0.1:9", name)) == SAID
    again = [span for span in program.spans() if span.trace_id != run]
    assert [span.kind for span in again].count("llm") == 5
    assert len(talk.served()) == 5
    served = [span for span in again if "flightlog.rerun.served_from" in span.attributes]
    assert len(served) == 5
