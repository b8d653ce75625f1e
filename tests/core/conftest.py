"""What the tests of the core share."""

from __future__ import annotations

import pytest

import flightlog as fl
from flightlog.integrations import threads


@pytest.fixture
def seen():
    """Everything recorded by the test, and nothing of any other."""
    with fl.capture() as captured:
        yield captured


@pytest.fixture
def carrying():
    """The standard library's threads carry the current span, as they do while a program is recorded."""
    had = threads.is_carrying()
    threads.carry_into_threads()
    yield
    if not had:
        threads.restore()
