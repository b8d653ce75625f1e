"""The wrapper: whom it leaves alone, how it comes off, what becomes of AutoGen's own spans, programs and reruns."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import textwrap
import types

import pytest
from autogen_agentchat.agents import AssistantAgent, BaseChatAgent
from autogen_agentchat.base import Response
from autogen_agentchat.conditions import MaxMessageTermination
from autogen_agentchat.messages import TextMessage
from autogen_agentchat.teams import BaseGroupChat, RoundRobinGroupChat
from autogen_core.models import ChatCompletionClient
from autogen_core.tools import BaseTool
from autogen_ext.models.openai import OpenAIChatCompletionClient
from autogen_kit import Tree, replay
from hypothesis import given
from hypothesis import strategies as st

import flightlog as fl
from flightlog.configure import load_settings
from flightlog.home import Home
from flightlog.integrations.autogen import wrapping
from flightlog.integrations.opentelemetry.autogen import plain_name
from flightlog.records.errors import BadQuestion

WEATHER = "What is the weather in Oslo?"
CLASSES = (
    *(AssistantAgent, BaseChatAgent, BaseGroupChat, BaseTool, ChatCompletionClient),
    *OpenAIChatCompletionClient.__mro__[:-1],
)


@pytest.fixture(autouse=True)
def _nobody_listens():
    fl.uninstrument()
    yield
    fl.uninstrument()


def test_undoing_leaves_the_package_as_it_was():
    before = [dict(vars(kind)) for kind in CLASSES]
    handle = fl.instrument("autogen")
    fl.instrument("autogen_agentchat", "autogen-core")
    assert [dict(vars(kind)) for kind in CLASSES] != before
    handle.undo()
    assert [dict(vars(kind)) for kind in CLASSES] == before


def test_one_agent_is_recorded_and_others_are_left_alone(clients, talk):
    async def main():
        wanted, other = clients.agent("wanted"), clients.agent("other")
        fl.instrument(wanted)
        await other.run(task=WEATHER)
        assert seen.spans == []
        await wanted.run(task=WEATHER)
        assert sorted(span.kind for span in seen.spans) == ["agent", "llm", "llm", "tool"]
        fl.uninstrument(wanted)
        await wanted.run(task=WEATHER)

    with fl.capture() as seen:
        asyncio.run(main())
    assert len(seen.spans) == 4


def test_one_client_is_recorded_by_itself():
    wanted = replay("Yes", "Yes")
    agents = [AssistantAgent("one", wanted), AssistantAgent("other", replay("No"))]
    with fl.capture() as seen, fl.instrument(wanted):
        for agent in agents:
            asyncio.run(agent.run(task="Hello"))
    assert [span.kind for span in seen.spans] == ["llm"]


def test_what_is_none_of_autogen_s_is_refused():
    with pytest.raises(BadQuestion):
        fl.instrument(object())


def test_an_agent_of_the_program_s_own_is_recorded_whenever_its_class_was_made():
    class Early(BaseChatAgent):
        produced_message_types = (TextMessage,)

        async def on_messages(self, messages, cancellation_token):
            return Response(chat_message=TextMessage(content="I heard you", source=self.name))

        async def on_reset(self, cancellation_token):
            """Nothing is kept."""

    with fl.instrument("autogen"), fl.capture() as seen:

        class Late(Early):
            async def on_messages(self, messages, cancellation_token):
                return await super().on_messages(messages, cancellation_token)

        for kind in (Early, Late):
            asyncio.run(kind("echo", "repeats").run(task="Hello"))
    spans = seen.spans
    assert [(span.name, span.kind, span.output["content"]) for span in spans] == [
        ("echo", "agent", "I heard you")
    ] * 2


def test_a_package_of_another_shape_is_left_alone_with_one_message():
    told = []
    made = wrapping._Installed(lambda what, failure: told.append((what, str(failure))))
    made._try("autogen_core.tools", types.SimpleNamespace(BaseTool=type("BaseTool", (), {})))
    assert told == [("it is not recorded", "it has no autogen_core.tools.BaseTool.run_json")]


def test_what_cannot_be_read_is_told_of_once_and_the_agent_goes_on(clients, capsys, monkeypatch):
    def broken(*_):
        raise TypeError("unheard of")

    monkeypatch.setattr("flightlog.integrations.autogen.told.conversation", broken)
    with fl.instrument("autogen"), fl.capture() as seen:
        for _ in range(2):
            result = asyncio.run(clients.agent().run(task=WEATHER))
            assert result.messages[-1].content == "Sunny in Oslo."
    assert capsys.readouterr().err.count("a call could not be recorded (TypeError: unheard of)") == 1
    assert sorted(span.kind for span in seen.spans) == ["agent", "agent", "tool", "tool"]


def test_its_own_spans_tell_of_no_agent_and_no_tool_again_and_have_no_ids_in_their_names(clients, talk):
    with fl.instrument("autogen", "opentelemetry", "openai"), fl.capture() as seen:
        team = RoundRobinGroupChat([clients.agent()], termination_condition=MaxMessageTermination(2))
        asyncio.run(team.run(task=WEATHER))
    found = Tree(seen)
    assert [len(found.of(kind)) for kind in ("workflow", "agent", "tool", "llm")] == [1, 1, 1, 2]
    messages = [span for span in found.spans if "messaging.operation" in span.attributes]
    assert {span.name for span in messages} >= {"autogen process forecaster", "autogen publish output_topic"}
    assert not [span.name for span in messages if re.search(r"[0-9a-f]{8}-", span.name)]
    assert [one for one in messages if re.search(r"[0-9a-f]{8}-", one.attributes["messaging.destination"])]
    assert found.tokens() == talk.tokens()


def test_its_own_spans_are_what_they_were_where_autogen_is_not_recorded(clients):
    with fl.instrument("opentelemetry"), fl.capture() as seen:
        asyncio.run(clients.agent().run(task=WEATHER))
    assert [span.name for span in Tree(seen).spans] == [
        "create_agent forecaster",
        "execute_tool get_weather",
        "invoke_agent forecaster",
    ]


@given(st.from_regex(r"[a-z_]{1,20}", fullmatch=True), st.uuids(), st.text(max_size=30))
def test_a_message_s_name_is_the_same_for_every_team(kind, team, key):
    assert plain_name(f"autogen process {kind}_{team}.({key})-A").rstrip(
        "_"
    ) == f"autogen process {kind}".rstrip("_")


PROGRAM = """
    import asyncio, sys
    from autogen_agentchat.agents import AssistantAgent
    from autogen_agentchat.conditions import MaxMessageTermination
    from autogen_agentchat.teams import RoundRobinGroupChat
    from autogen_ext.models.openai import OpenAIChatCompletionClient

    async def get_weather(city: str) -> str:
        "Say what the weather is like in a city."
        return f"sunny in {city}"

    async def main():
        client = OpenAIChatCompletionClient(
            model="gpt-4o-mini", base_url=sys.argv[1] + "/v1", api_key="nobody", max_retries=0)
        agent = AssistantAgent("forecaster", client, tools=[get_weather], reflect_on_tool_use=True)
        team = RoundRobinGroupChat([agent], termination_condition=MaxMessageTermination(2))
        print((await team.run(task="What is the weather in Oslo?")).messages[-1].content)

    asyncio.run(main())
"""


def test_a_program_is_recorded_and_run_again_without_asking_anybody(tmp_path, provider):
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
        assert (done.returncode, done.stdout) == (0, "Sunny in Oslo.\n"), done.stderr

    def traces():
        home.catch_up(within=60)
        with home.reader() as reader:
            return {trace.trace_id: reader.spans(trace.trace_id) for trace in reader.traces(10)}

    run(provider.url, "run")
    ((first, spans),) = traces().items()
    told = {
        kind: [span.name for span in spans if span.kind == kind]
        for kind in ("workflow", "agent", "tool", "llm")
    }
    assert told == {
        "workflow": ["RoundRobinGroupChat"],
        "agent": ["forecaster"],
        "tool": ["get_weather"],
        "llm": ["chat gpt-4o-mini"] * 2,
    }
    assert sum(span.attributes.get("gen_ai.usage.input_tokens", 0) for span in spans) == 197
    run("http://127.0.0.1:9", "rerun", first)
    assert len(traces()) == 2
