"""What the tests of `anthropic` share: its clients, sync and async, and the recorder around them."""

from __future__ import annotations

import pytest

pytest.importorskip("anthropic")

from anthropic_kit import Claude

import flightlog as fl


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def way(request):
    return Claude(is_async=request.param)


@pytest.fixture
def seen():
    """Everything recorded by the test, with the package instrumented."""
    with fl.instrument("anthropic"), fl.capture() as captured:
        yield captured
