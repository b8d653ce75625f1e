"""Calls models with a library under an instrumentation: `drive.py LIBRARY INSTRUMENTATION`."""

import asyncio
import contextlib
import importlib
import os
import sys

import exporting

library, instrumentation = sys.argv[1:3]
BASE = os.environ["PROVIDER"]
os.environ |= {
    "OPENAI_API_KEY": "none",
    "OPENAI_BASE_URL": BASE + "/v1",
    "ANTHROPIC_API_KEY": "none",
    "ANTHROPIC_BASE_URL": BASE,
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_AND_EVENT",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
    "TRACELOOP_TRACE_CONTENT": "true",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "OPENAI_AGENTS_DISABLE_TRACING": "0",
}
TOOL = {
    "name": "get_weather",
    "description": "The weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def instrument(names):
    if "openai_v2" in names:  # whose switch was another then
        os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "true"
        del os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"]
    for name in names.split("+"):
        if name == "native":
            continue
        package, _, kind = name.partition(":")
        module = importlib.import_module(package)
        made = getattr(module, kind)()
        try:
            logs = exporting.logs()
            if "openai_v2" in names:
                from opentelemetry.sdk._events import EventLoggerProvider

                made.instrument(
                    tracer_provider=exporting.provider, event_logger_provider=EventLoggerProvider(logs)
                )
                continue
            made.instrument(tracer_provider=exporting.provider, logger_provider=logs)
        except TypeError:
            made.instrument(tracer_provider=exporting.provider)


def openai():
    import openai

    client = openai.OpenAI(max_retries=2)
    ask = client.chat.completions.create
    for text in ("hello", "remember this", "refuse the first try"):
        ask(
            model="gpt-4o-mini",
            messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}],
            temperature=0.5,
            max_tokens=50,
        )
    said = [{"role": "user", "content": "the weather?"}]
    tools = [{"type": "function", "function": TOOL}]
    call = ask(model="gpt-4o-mini", messages=said, tools=tools).choices[0].message
    said += [call.to_dict(), {"role": "tool", "tool_call_id": call.tool_calls[0].id, "content": "18 degrees"}]
    ask(model="gpt-4o-mini", messages=said, tools=tools)
    for more in ({"stream_options": {"include_usage": True}}, {}):
        for _ in ask(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "hello"}], stream=True, **more
        ):
            pass
    if hasattr(client, "responses"):
        client.responses.create(model="gpt-4o-mini", input="hello")
    client.embeddings.create(model="text-embedding-3-small", input=["hello", "again"])
    with contextlib.suppress(openai.OpenAIError):
        ask(model="gpt-4o-mini", messages=[{"role": "user", "content": "fail"}])

    async def soon():
        async with openai.AsyncOpenAI() as aclient:
            await aclient.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": "hello"}]
            )

    asyncio.run(soon())


def anthropic():
    import anthropic

    client = anthropic.Anthropic(max_retries=2)
    ask = client.messages.create
    for text in ("hello", "remember this", "refuse the first try"):
        ask(
            model="claude-sonnet-4-5",
            max_tokens=50,
            system="Be brief.",
            messages=[{"role": "user", "content": text}],
        )
    tools = [{"name": "get_weather", "description": "The weather.", "input_schema": TOOL["parameters"]}]
    said = [{"role": "user", "content": "the weather?"}]
    answer = ask(model="claude-sonnet-4-5", max_tokens=50, messages=said, tools=tools)
    call = next(block for block in answer.content if block.type == "tool_use")
    said += [
        {"role": "assistant", "content": [block.to_dict() for block in answer.content]},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "18 degrees"}],
        },
    ]
    ask(model="claude-sonnet-4-5", max_tokens=50, messages=said, tools=tools)
    for _ in ask(
        model="claude-sonnet-4-5", max_tokens=50, messages=[{"role": "user", "content": "hello"}], stream=True
    ):
        pass
    with client.messages.stream(
        model="claude-sonnet-4-5", max_tokens=50, messages=[{"role": "user", "content": "remember this"}]
    ) as stream:
        stream.get_final_message()
    with contextlib.suppress(anthropic.AnthropicError):
        ask(model="claude-sonnet-4-5", max_tokens=50, messages=[{"role": "user", "content": "fail"}])


def langchain():
    from langchain.agents import create_agent
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI

    @tool
    def get_weather(city: str) -> str:
        """The weather."""
        return f"18 degrees in {city}"

    model = ChatOpenAI(model="gpt-4o-mini", temperature=0)
    model.invoke("hello")
    create_agent(model, [get_weather]).invoke({"messages": [{"role": "user", "content": "the weather?"}]})
    for _ in model.stream("hello"):
        pass
    model.batch(["hello", "hello"])


def pydanticai():
    from pydantic_ai import Agent, InstrumentationSettings
    from pydantic_ai.models.openai import OpenAIChatModel

    if "native" in instrumentation:
        version = int(instrumentation.rpartition("v")[2])
        settings = InstrumentationSettings(tracer_provider=exporting.provider, version=version)
        Agent.instrument_all(settings)
    elif "pydantic_ai" in instrumentation:
        from openinference.instrumentation.pydantic_ai import OpenInferenceSpanProcessor

        exporting.provider._active_span_processor._span_processors = (
            OpenInferenceSpanProcessor(),
            *exporting.provider._active_span_processor._span_processors,
        )
        Agent.instrument_all(InstrumentationSettings(tracer_provider=exporting.provider))
    agent = Agent(OpenAIChatModel("gpt-4o-mini"), instructions="Be brief.", name="forecaster")

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """The weather."""
        return f"18 degrees in {city}"

    agent.run_sync("the weather?")
    agent.run_sync("hello")


def litellm():
    import litellm

    litellm.suppress_debug_info = True
    if "native" in instrumentation:
        from litellm.integrations.opentelemetry import OpenTelemetry

        litellm.callbacks = [OpenTelemetry(tracer_provider=exporting.provider)]
    for text in ("hello", "remember this"):
        litellm.completion(
            model="openai/gpt-4o-mini", messages=[{"role": "user", "content": text}], temperature=0.5
        )
    for _ in litellm.completion(
        model="openai/gpt-4o-mini", messages=[{"role": "user", "content": "hello"}], stream=True
    ):
        pass
    import time

    time.sleep(2)  # it tells of calls from a thread of its own


def google():
    from google import genai
    from google.genai import types

    client = genai.Client(api_key="none", http_options=types.HttpOptions(base_url=BASE, api_version="v1beta"))
    config = types.GenerateContentConfig(temperature=0.5, system_instruction="Be brief.")
    client.models.generate_content(model="gemini-2.5-flash", contents="hello", config=config)
    for _ in client.models.generate_content_stream(model="gemini-2.5-flash", contents="hello"):
        pass

    def get_weather(city: str) -> str:
        """The weather."""
        return f"18 degrees in {city}"

    if "calls" in sys.argv[3:]:
        client.models.generate_content(
            model="gemini-2.5-flash",
            contents="the weather?",
            config=types.GenerateContentConfig(tools=[get_weather]),
        )


def smolagents():
    from smolagents import OpenAIServerModel, ToolCallingAgent

    agent = ToolCallingAgent(
        tools=[],
        model=OpenAIServerModel("gpt-4o-mini", api_base=BASE + "/v1", api_key="none"),
        verbosity_level=0,
    )
    agent.run("say seventeen")


def agents():
    from agents import Agent, Runner, function_tool, set_default_openai_api

    if "native" in instrumentation:
        raise SystemExit("no spans")
    set_default_openai_api("chat_completions")

    @function_tool
    def get_weather(city: str) -> str:
        """The weather."""
        return f"18 degrees in {city}"

    Runner.run_sync(Agent(name="forecaster", model="gpt-4o-mini", tools=[get_weather]), "the weather?")


def langsmith():
    os.environ |= {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_OTEL_ENABLED": "true",
        "LANGSMITH_OTEL_ONLY": "true",
    }
    os.environ |= {"LANGSMITH_API_KEY": "none", "LANGSMITH_ENDPOINT": "http://127.0.0.1:9"}
    langchain()
    from langsmith import Client

    Client().flush()
    import time

    time.sleep(3)


def langfuse():
    from langfuse import Langfuse, propagate_attributes

    made = Langfuse(
        public_key="none", secret_key="none", host="http://127.0.0.1:9", tracer_provider=exporting.provider
    )
    from langfuse.openai import openai

    client = openai.OpenAI()
    with made.start_as_current_observation(
        as_type="agent", name="forecaster", input={"question": "hello"}
    ) as span:
        with propagate_attributes(session_id="s-1", user_id="u-7", tags=["beta"]):
            for text in ("hello", "remember this"):
                client.chat.completions.create(
                    model="gpt-4o-mini", messages=[{"role": "user", "content": text}], temperature=0.5
                )
            stream = {"stream": True, "stream_options": {"include_usage": True}}
            for _ in client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": "hello"}], **stream
            ):
                pass
        span.update(output="done")
    exporting.provider.force_flush()
    os._exit(0)  # it would wait for its own server


def mlflow():
    import tempfile

    place = tempfile.mkdtemp()
    os.environ |= {"MLFLOW_USE_DEFAULT_TRACER_PROVIDER": "false", "MLFLOW_TRACKING_URI": f"file:{place}"}
    os.environ |= {"MLFLOW_REGISTRY_URI": f"file:{place}", "MLFLOW_ALLOW_FILE_STORE": "true"}
    import mlflow
    import openai

    mlflow.openai.autolog()
    client = openai.OpenAI()

    @mlflow.trace(span_type="AGENT")
    def forecaster(question):
        for text in ("hello", "remember this"):
            client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": text}], temperature=0.5
            )
        client.embeddings.create(model="text-embedding-3-small", input="hello")
        return "done"

    forecaster("hello")


def adk():
    os.environ |= {"GOOGLE_API_KEY": "none", "GOOGLE_GEMINI_BASE_URL": BASE, "GOOGLE_GENAI_USE_VERTEXAI": "0"}
    from google.adk.agents import Agent
    from google.adk.runners import InMemoryRunner
    from google.genai import types

    def get_weather(city: str) -> str:
        """The weather."""
        return f"18 degrees in {city}"

    agent = Agent(name="forecaster", model="gemini-2.5-flash", instruction="Be brief.", tools=[get_weather])

    async def run():
        runner = InMemoryRunner(agent=agent, app_name="weather")
        session = await runner.session_service.create_session(app_name="weather", user_id="u-7")
        said = types.Content(role="user", parts=[types.Part(text="the weather?")])
        async for _ in runner.run_async(user_id="u-7", session_id=session.id, new_message=said):
            pass

    asyncio.run(run())


def logfire():
    import anthropic
    import logfire
    import openai

    logfire.configure(
        send_to_logfire=False,
        console=False,
        additional_span_processors=[exporting.SimpleSpanProcessor(exporting.Spans())],
    )
    logfire.instrument_openai()
    logfire.instrument_anthropic()
    client = openai.OpenAI()
    with logfire.span("weather for {city}", city="Oslo"):
        for text in ("hello", "remember this"):
            client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": text}], temperature=0.5
            )
        said = [{"role": "user", "content": "the weather?"}]
        tools = [{"type": "function", "function": TOOL}]
        client.chat.completions.create(model="gpt-4o-mini", messages=said, tools=tools)
    for more in ({"stream_options": {"include_usage": True}}, {}):
        for _ in client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "hello"}], stream=True, **more
        ):
            pass
    client.responses.create(model="gpt-4o-mini", input="hello")
    client.embeddings.create(model="text-embedding-3-small", input="hello")
    for text in ("hello", "remember this"):
        anthropic.Anthropic().messages.create(
            model="claude-sonnet-4-5", max_tokens=50, messages=[{"role": "user", "content": text}]
        )
    logfire.force_flush()


def mistral():
    try:
        from mistralai.client import Mistral
    except ImportError:
        from mistralai import Mistral

    client = Mistral(api_key="none", server_url=BASE)
    for text in ("hello", "remember this"):
        client.chat.complete(
            model="mistral-small-latest", messages=[{"role": "user", "content": text}], temperature=0.5
        )
    for _ in client.chat.stream(
        model="mistral-small-latest", messages=[{"role": "user", "content": "hello"}]
    ):
        pass


def llamaindex():
    from llama_index.core.llms import ChatMessage
    from llama_index.llms.openai import OpenAI

    # OpenLLMetry tells nothing of the class itself: its instrumentor of the client is to.
    kind = type("Derived", (OpenAI,), {}) if "derived" in sys.argv else OpenAI
    model = kind(model="gpt-4o-mini", temperature=0, api_base=BASE + "/v1", api_key="none")
    model.complete("hello")
    model.chat([ChatMessage(role="user", content="remember this")])
    for _ in model.stream_chat([ChatMessage(role="user", content="hello")]):
        pass


def dspy():
    import dspy

    dspy.configure(
        lm=dspy.LM("openai/gpt-4o-mini", api_base=BASE + "/v1", api_key="none", cache=False), track_usage=True
    )
    dspy.settings.lm(messages=[{"role": "user", "content": "hello"}])
    dspy.settings.lm(messages=[{"role": "user", "content": "remember this"}])


def haystack():
    from haystack import Pipeline
    from haystack.components.generators.chat import OpenAIChatGenerator
    from haystack.dataclasses import ChatMessage

    pipe = Pipeline()
    pipe.add_component("llm", OpenAIChatGenerator(model="gpt-4o-mini"))
    for text in ("hello", "remember this"):
        pipe.run({"llm": {"messages": [ChatMessage.from_user(text)]}})


def autogen():
    from autogen_agentchat.agents import AssistantAgent
    from autogen_ext.models.openai import OpenAIChatCompletionClient

    async def get_weather(city: str) -> str:
        """The weather."""
        return f"18 degrees in {city}"

    async def main():
        client = OpenAIChatCompletionClient(model="gpt-4o-mini", api_key="none", base_url=BASE + "/v1")
        agent = AssistantAgent(
            "forecaster", model_client=client, tools=[get_weather], reflect_on_tool_use=True
        )
        await agent.run(task="the weather?")

    asyncio.run(main())


def crewai():
    os.environ |= {
        "CREWAI_DISABLE_TELEMETRY": "true",
        "CREWAI_TRACING_ENABLED": "false",
        "OTEL_SDK_DISABLED": "false",
    }
    from crewai import LLM, Agent, Crew, Task

    agent = Agent(
        role="forecaster",
        goal="answer",
        backstory="knows",
        llm=LLM(model="openai/gpt-4o-mini", base_url=BASE + "/v1", api_key="none"),
    )
    Crew(
        agents=[agent], tasks=[Task(description="hello", expected_output="a greeting", agent=agent)]
    ).kickoff()


def mcp():
    from mcp import Client
    from mcp.server import MCPServer

    server = MCPServer("weather")

    @server.tool()
    def get_weather(city: str) -> str:
        """The weather."""
        if city == "Nowhere":
            raise ValueError("no such city")
        return f"18 degrees in {city}"

    async def main():
        mode = (
            "legacy" if "streams" in sys.argv else "auto"
        )  # in streams both ends tell, else the server alone
        async with Client(server, mode=mode) as client:
            await client.list_tools()
            await client.call_tool("get_weather", {"city": "Oslo"})
            await client.call_tool("get_weather", {"city": "Nowhere"})

    asyncio.run(main())


def claude_agents():
    import tempfile

    from claude_agent_sdk import ClaudeAgentOptions, query

    async def main():
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
            env = {
                "HOME": home,
                "IS_SANDBOX": "1",
                "DISABLE_AUTOUPDATER": "1",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            }
            options = ClaudeAgentOptions(
                env=env, cwd=home, model="claude-sonnet-4-5", permission_mode="bypassPermissions"
            )
            for text in ("say hello", "count the files", "remember this", "refuse the first try", "break it"):
                with contextlib.suppress(Exception):
                    async for _ in query(prompt=text, options=options):
                        pass

    asyncio.run(main())


instrument(instrumentation if ":" in instrumentation else "native")
{name: f for name, f in globals().items() if callable(f)}[library]()
exporting.provider.force_flush()
