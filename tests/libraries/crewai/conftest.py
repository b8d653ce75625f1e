"""What the tests of CrewAI share: its own telemetry off, answers for an agent with a tool, and crews that ask them."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

os.environ["CREWAI_DISABLE_TELEMETRY"] = "true"
os.environ["CREWAI_TRACING_ENABLED"] = "false"
os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp(
    prefix="flightlog-tests-"
)  # where crews keep their tasks' outputs
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it is fetched, three times

sys.path.insert(0, str(Path(__file__).parent))

import pytest
from crewai_kit import ANSWERS, Crews, Tree

import flightlog as fl


@pytest.fixture(scope="session", autouse=True)
def _no_leftovers():
    yield
    shutil.rmtree(os.environ["XDG_DATA_HOME"], ignore_errors=True)


@pytest.fixture(scope="session")
def answers():
    return ANSWERS


@pytest.fixture
def crews(talk):
    return Crews(talk)


@pytest.fixture
def seen():
    fl.uninstrument()
    with fl.instrument("crewai"), fl.capture() as captured:
        yield captured
    fl.uninstrument()


@pytest.fixture
def tree(seen):
    return lambda: Tree(seen)
