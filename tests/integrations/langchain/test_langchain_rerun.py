"""A program with a chain, a tool and a model that asks with the openai package: recorded, and run again without it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

from flightlog.configure import load_settings
from flightlog.home import Home

PROGRAM = """
    import sys
    import openai
    from langchain_core.language_models.chat_models import BaseChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
    from langchain_core.messages import AIMessageChunk
    from langchain_core.runnables import RunnableLambda

    class Model(BaseChatModel):
        @property
        def _llm_type(self):
            return "own"

        def _generate(self, messages, stop=None, run_manager=None, **kwargs):
            with openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="nobody", max_retries=0) as client:
                told = [{"role": "user", "content": message.content} for message in messages]
                answer = client.chat.completions.create(model="m", messages=told)
                message = AIMessage(answer.choices[0].message.content)
                return ChatResult(generations=[ChatGeneration(message=message)])

        def _stream(self, messages, stop=None, run_manager=None, **kwargs):
            with openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="nobody", max_retries=0) as client:
                told = [{"role": "user", "content": message.content} for message in messages]
                for item in client.chat.completions.create(model="m", messages=told, stream=True):
                    if item.choices:
                        yield ChatGenerationChunk(message=AIMessageChunk(item.choices[0].delta.content or ""))

    chain = RunnableLambda(lambda text: text, name="first") | Model()
    print(chain.invoke("hello").content)
    print("".join(piece.content for piece in chain.stream("hello")))
"""
SAID = "Hello! How can I help you today?\n" * 2


def test_a_run_and_its_rerun_say_the_same_and_the_calls_count_once(tmp_path, talk):
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))
    home = Home(tmp_path / "home", load_settings({"home": str(tmp_path / "home")}))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FLIGHTLOG_")}

    def run(url, *command):
        done = subprocess.run(
            [sys.executable, "-m", "flightlog", *command, str(program), url],
            env={**kept, "FLIGHTLOG_HOME": str(home.path)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, SAID), done.stderr

    def traces():
        home.catch_up(within=60)
        with home.reader() as reader:
            return {trace.trace_id: reader.spans(trace.trace_id) for trace in reader.traces(10)}

    run(talk.url, "run")
    ((first, spans),) = traces().items()
    assert len(spans) > 8
    run("http://127.0.0.1:9", "rerun", first)
    found = traces()
    assert len(found) == 2
    for again in found.values():
        kinds = [
            span.kind for span in again if span.name != "POST"
        ]  # which is the HTTP client's, and asked by nobody
        assert sorted(kinds) == ["http", "http", "llm", "llm", "run", "step", "step", "step", "step"]
        assert {span.status for span in again} == {"ok"}
