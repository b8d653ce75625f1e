"""What the tests of flujo share: runners that keep nothing on the disk, everything recorded by the test, its tree."""

from __future__ import annotations

import logging

import pytest
from flujo import Flujo
from flujo_kit import IS_NEW

import flightlog as fl


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A directory of the test's own: flujo keeps its state where it is started."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLUJO_STATE_URI", "memory://")
    logging.getLogger().setLevel(logging.CRITICAL)
    return tmp_path


@pytest.fixture
def seen():
    fl.uninstrument()
    with fl.instrument("flujo"), fl.capture() as captured:
        yield captured
    fl.uninstrument()


@pytest.fixture
def above(seen):
    """The name of each span with that of the one around it, in the order in which they began."""

    def above():
        names = {span.span_id: span.name for span in seen.spans}
        spans = sorted(seen.spans, key=lambda span: span.start)
        return [(span.name, names.get(span.parent_id, "")) for span in spans]

    return above


@pytest.fixture
def one(seen):
    """The one span of this name."""

    def one(name):
        found = [span for span in seen.spans if span.name == name]
        assert len(found) == 1, [span.name for span in seen.spans]
        return found[0]

    return one


@pytest.fixture
def events(seen):
    """The events on the spans of this name, by time: what each is called, with its attributes."""

    def events(name):
        ids = {span.span_id for span in seen.spans if span.name == name}
        return [
            (event.name, event.attributes)
            for event in sorted(seen.events, key=lambda event: event.time)
            if event.span_id in ids
        ]

    return events


@pytest.fixture
def runner():
    """Makes a runner of a pipeline."""

    def runner(pipeline, name="pipe", **more):
        return Flujo(pipeline, pipeline_name=name, **more)

    return runner


def pytest_report_header():
    return f"flujo {'since' if IS_NEW else 'before'} 0.6"
