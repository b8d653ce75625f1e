"""What the tests of LangChain and LangGraph share: everything recorded by the test, with both recorded."""

from __future__ import annotations

import pytest

pytest.importorskip("langchain_core")
pytest.importorskip("langgraph.graph")

import flightlog as fl


@pytest.fixture
def seen():
    fl.uninstrument()
    with fl.instrument("langchain"), fl.capture() as captured:
        yield captured
    fl.uninstrument()


@pytest.fixture
def above(seen):
    """Each span's name to the name of the one around it."""

    def above():
        names = {span.span_id: span.name for span in seen.spans}
        return {span.name: names.get(span.parent_id, "") for span in seen.spans}

    return above
