"""What the tests of DSPy share: what the provider answers, models that ask it, all that is recorded."""

from __future__ import annotations

import json
import os
import tempfile
import urllib.request

os.environ["DSPY_CACHEDIR"] = tempfile.mkdtemp(prefix="flightlog-dspy-")
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import dspy
import pytest
from provider_kit import FIXTURES, USAGE, Talk

import flightlog as fl

NEXT = "[[ ## next_thought ## ]]\n{}\n\n[[ ## next_tool_name ## ]]\n{}\n\n[[ ## next_tool_args ## ]]\n{}\n\n"
ANSWER = "[[ ## reasoning ## ]]\nI know it.\n\n[[ ## answer ## ]]\nOslo\n\n[[ ## completed ## ]]"


def says(content, word, **match):
    return {"match": {"userMessage": word, **match}, "response": {"content": content, "usage": USAGE}}


def agent(word):
    """What a ReAct agent is answered: once a tool, then the end, then the answer of what it found."""
    return [
        says(NEXT.format("Look.", "get_weather", '{"city": "Oslo"}'), word, sequenceIndex=0),
        says(NEXT.format("Done.", "finish", "{}"), word, sequenceIndex=1),
        says(ANSWER, word),
    ]


@pytest.fixture(scope="session")
def answers():
    return [
        *agent("react"),
        *agent("rerun"),
        says(ANSWER, "capital"),
        says("No fields.", "riddle"),
        *FIXTURES,
    ]


class Everything(Talk):
    """What one test says to the provider. DSPy's own client sends no headers of ours, so tests are told by time."""

    def __init__(self, provider) -> None:
        super().__init__(provider)
        self._before = 0
        self._before = len(self.served())

    def served(self):
        with urllib.request.urlopen(f"{self.url}/__aimock/journal", timeout=20) as answer:
            return json.load(answer)[self._before :]


@pytest.fixture
def talk(provider):
    return Everything(provider)


@pytest.fixture
def model(talk):
    """Makes a model that asks the provider."""

    def model(**more):
        where = {"api_base": f"{talk.url}/v1", "api_key": "nobody"}
        return dspy.LM("openai/gpt-4o-mini", **{"cache": False, "num_retries": 0, **where, **more})

    return model


@pytest.fixture
def used(model):
    """The provider's model for whoever names none."""
    with dspy.context(lm=model()):
        yield


@pytest.fixture
def seen():
    """Everything recorded by the test, with the library recorded and no other."""
    fl.uninstrument()
    with fl.instrument("dspy"), fl.capture() as captured:
        yield captured
    fl.uninstrument()


@pytest.fixture
def above(seen):
    """Each span's name to the name of the one around it."""

    def above():
        names = {span.span_id: span.name for span in seen.spans}
        return {span.name: names.get(span.parent_id, "") for span in seen.spans}

    return above
