"""What the tests of AutoGen share: answers for an agent with a tool, and everything that is recorded of it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import pytest
from autogen_kit import ANSWERS, Clients, Tree

import flightlog as fl


@pytest.fixture(scope="session")
def answers():
    return ANSWERS


@pytest.fixture
def clients(talk):
    return Clients(talk)


@pytest.fixture
def seen():
    fl.uninstrument()
    with fl.instrument("autogen"), fl.capture() as captured:
        yield captured
    fl.uninstrument()


@pytest.fixture
def tree(seen):
    return lambda: Tree(seen)
