"""What the tests of the Claude Agent SDK share: what the model answers, and options for the real `claude` program.

Words of prompts begin with `zq`: the program adds texts of its own to what the model is told.
"""

from __future__ import annotations

import pytest
from claude_agent_sdk import AgentDefinition, ClaudeAgentOptions, create_sdk_mcp_server, query, tool

import flightlog as fl

MODEL = "claude-sonnet-4-5"


def _used(went_in, came_out):
    return {"input_tokens": went_in, "output_tokens": came_out}


def _asks(word, *calls, **more):
    return {
        "match": {"userMessage": word, "hasToolResult": False},
        "response": {"toolCalls": list(calls), **more},
    }


def _call(ident, name, **arguments):
    return {"id": ident, "name": name, "arguments": arguments}


def _then(ident, content, usage):
    return {"match": {"toolCallId": ident}, "response": {"content": content, "usage": usage}}


ANSWERS = [
    _asks(
        "zqweather",
        _call("toolu_1", "mcp__w__get_weather", city="Oslo"),
        content="I look.",
        usage=_used(100, 20),
    ),
    _then("toolu_1", "It is sunny.", _used(150, 30)),
    _asks(
        "zqtwice",
        _call("toolu_2", "Bash", command="echo hi; exit 3"),
        _call("toolu_3", "Bash", command="echo trace=$TRACEPARENT"),
        usage=_used(101, 21),
    ),
    _then("toolu_3", "Both ran.", _used(151, 31)),
    _asks(
        "zqdelegate",
        _call("toolu_4", "Agent", description="sub", prompt="zqwork please", subagent_type="helper"),
        usage=_used(102, 22),
    ),
    _asks(
        "zqforeground",
        _call(
            "toolu_6",
            "Agent",
            description="sub",
            prompt="zqwork please",
            subagent_type="helper",
            run_in_background=False,
        ),
        usage=_used(92, 12),
    ),
    _then("toolu_6", "It came back.", _used(142, 22)),
    _asks("zqdie", _call("toolu_7", "Bash", command="kill -9 $PPID"), usage=_used(31, 3)),
    _asks("zqwork", _call("toolu_5", "Bash", command="echo sub"), usage=_used(61, 11)),
    _then("toolu_5", "The work is done.", _used(62, 12)),
    _then("toolu_4", "Delegated.", _used(152, 32)),
    {
        "match": {"userMessage": "zqthink"},
        "response": {"content": "Deep.", "reasoning": "Hm.", "usage": _used(9, 4)},
    },
    {"match": {"userMessage": "zqhello"}, "response": {"content": "Hello.", "usage": _used(103, 23)}},
    {"match": {"userMessage": "zqbye"}, "response": {"content": "Bye.", "usage": _used(104, 24)}},
    {
        "match": {"userMessage": "task-notification"},
        "response": {"content": "It is done.", "usage": _used(70, 7)},
    },
    {
        "match": {"userMessage": "zqforbidden"},
        "response": {"error": {"message": "You shall not", "type": "permission_error"}, "status": 403},
    },
    {
        "match": {"userMessage": "zqflaky", "sequenceIndex": 0},
        "response": {
            "error": {"message": "Slow", "type": "rate_limit_error"},
            "status": 429,
            "retryAfter": 0.01,
        },
    },
    {"match": {"userMessage": "zqflaky"}, "response": {"content": "At last.", "usage": _used(11, 2)}},
]


@pytest.fixture(scope="session")
def answers():
    return ANSWERS


@tool("get_weather", "Weather of a city", {"city": str})
async def get_weather(arguments):
    with fl.span("within the tool"):
        return {"content": [{"type": "text", "text": f"sunny in {arguments['city']}"}]}


@pytest.fixture
def options(tmp_path):
    """Options for a program that knows nothing of whoever runs the tests, and asks this address."""

    def options(place, name="", env=None, **more):
        home = tmp_path / "home"
        work = tmp_path / "work"
        home.mkdir(exist_ok=True)
        work.mkdir(exist_ok=True)
        environment = {
            "HOME": str(home),
            "IS_SANDBOX": "1",
            "DISABLE_AUTOUPDATER": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "ANTHROPIC_BASE_URL": place.url,
            "ANTHROPIC_API_KEY": "nobody",
            "ANTHROPIC_CUSTOM_HEADERS": f"X-Test-Id: {name or getattr(place, '_name', 'none')}",
            **(env or {}),
        }
        server = create_sdk_mcp_server("w", tools=[get_weather])
        helper = AgentDefinition(description="helps", prompt="You help.", model="inherit")
        given = {
            "permission_mode": "bypassPermissions",
            "mcp_servers": {"w": server},
            "agents": {"helper": helper},
        }
        return ClaudeAgentOptions(env=environment, cwd=str(work), model=MODEL, **{**given, **more})

    return options


@pytest.fixture
def seen():
    fl.uninstrument()
    with fl.instrument("claude_agent_sdk"), fl.capture() as captured:
        yield captured
    fl.uninstrument()


@pytest.fixture
def run(talk, options):
    """The messages of one run of `query` that the provider answers."""

    async def run(prompt, **more):
        return [message async for message in query(prompt=prompt, options=options(talk, **more))]

    return run


@pytest.fixture
def above(seen):
    """The name of the span around one."""

    def above(span):
        return next((other.name for other in seen.spans if other.span_id == span.parent_id), "")

    return above
