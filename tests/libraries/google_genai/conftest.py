"""What the tests of `google-genai` share: its clients, sync and async, and the recorder around them."""

from __future__ import annotations

import pytest
from again_kit import Again
from gemini_kit import FIXTURES, Gemini

import flightlog as fl
from flightlog.core.rerun import answer_by


@pytest.fixture(scope="session")
def answers():
    return FIXTURES


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def way(request):
    return Gemini(is_async=request.param)


@pytest.fixture
def seen():
    """Everything recorded by the test, with the package instrumented."""
    with fl.instrument("google_genai"), fl.capture() as captured:
        yield captured


@pytest.fixture
def again(seen, tmp_path):
    yield Again(seen, tmp_path)
    answer_by(None)
