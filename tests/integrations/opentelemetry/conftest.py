"""What the tests of the provider share: a tracer of ours, and a capture around it."""

from __future__ import annotations

import pytest
from opentelemetry import context as api

import flightlog as fl
from flightlog.integrations.opentelemetry import LoggerProvider, TracerProvider
from flightlog.integrations.opentelemetry.place import installation, place


@pytest.fixture(autouse=True)
def _as_before():
    """OpenTelemetry's context as it was, whatever a test put in its place."""
    before = api._RUNTIME_CONTEXT
    yield
    api._RUNTIME_CONTEXT = before
    installation.runtime = None
    place.shows = True
    place.fed.clear()


@pytest.fixture
def tracer(_as_before):
    return TracerProvider().get_tracer("lib", "1.2", "https://schema", {"a": 1})


@pytest.fixture
def logger(_as_before):
    return LoggerProvider().get_logger("lib", "1.2")


@pytest.fixture
def seen(_as_before):
    with fl.capture() as captured:
        yield captured
