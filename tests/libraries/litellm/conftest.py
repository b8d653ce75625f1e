"""What the tests of LiteLLM share: everything recorded by the test, with every wrapper on."""

from __future__ import annotations

import pytest

import flightlog as fl


@pytest.fixture
def seen():
    fl.uninstrument()
    with fl.instrument(), fl.capture() as captured:
        yield captured
    fl.uninstrument()


@pytest.fixture
def nobody_listens():
    """The package as it is without us, whatever other tests did."""
    fl.uninstrument()
    yield
    fl.uninstrument()
