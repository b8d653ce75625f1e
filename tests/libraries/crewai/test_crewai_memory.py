"""Memory, knowledge and what else CrewAI tells of beside calls and tools, as its bus hands it to whoever listens."""

from __future__ import annotations

import pytest
from crewai.events import crewai_event_bus as bus
from crewai.events.types.knowledge_events import (
    KnowledgeRetrievalCompletedEvent,
    KnowledgeRetrievalStartedEvent,
)
from crewai.events.types.memory_events import (
    MemoryQueryCompletedEvent,
    MemoryQueryFailedEvent,
    MemoryQueryStartedEvent,
    MemorySaveCompletedEvent,
    MemorySaveStartedEvent,
)
from crewai.events.types.observation_events import PlanRefinementEvent

import flightlog as fl

ASKED = {"query": "the sea", "limit": 3}


def test_what_is_looked_up_in_memory_is_a_retrieval(tree):
    source = object()
    with fl.span("around"):
        bus.emit(source, MemoryQueryStartedEvent(**ASKED))
        with fl.span("embed"):
            pass
        bus.emit(source, MemoryQueryCompletedEvent(**ASKED, results=["blue"], query_time_ms=1.0))
    found = tree()
    (looked,) = found.of("retrieval")
    assert (looked.input, looked.output) == (ASKED, {"results": ["blue"]})
    assert {name: above for (name, _), above in found.above().items()} == {
        "around": "",
        "memory_query": "around",
        "embed": "memory_query",
    }


def test_a_look_that_fails_has_the_exception_that_is_being_handled(tree):
    source = object()
    bus.emit(source, MemoryQueryStartedEvent(**ASKED))
    try:
        raise ConnectionError("no store")
    except ConnectionError as error:
        bus.emit(source, MemoryQueryFailedEvent(**ASKED, error=str(error)))
    bus.emit(source, MemoryQueryStartedEvent(**ASKED))
    bus.emit(source, MemoryQueryFailedEvent(**ASKED, error="told in words alone"))
    assert [(span.error.type, span.error.message) for span in tree().of("retrieval")] == [
        ("ConnectionError", "no store"),
        ("memory_query_error", "told in words alone"),
    ]


def test_what_is_saved_and_what_is_known_are_recorded(tree):
    source = object()
    bus.emit(source, MemorySaveStartedEvent(value="blue", metadata={"of": "sea"}))
    bus.emit(source, MemorySaveCompletedEvent(value="blue", metadata={"of": "sea"}, save_time_ms=1.0))
    bus.emit(source, KnowledgeRetrievalStartedEvent())
    bus.emit(source, KnowledgeRetrievalCompletedEvent(query="sea", retrieved_knowledge="deep"))
    saved, known = sorted(tree().spans, key=lambda span: span.start)
    assert (saved.name, saved.kind, saved.input) == (
        "memory_save",
        "step",
        {"value": "blue", "metadata": {"of": "sea"}},
    )
    assert (known.kind, known.output) == ("retrieval", {"query": "sea", "retrieved_knowledge": "deep"})


def test_other_events_are_points_on_what_is_going_on(seen):
    source = object()
    bus.emit(source, MemoryQueryStartedEvent(**ASKED))
    bus.emit(source, PlanRefinementEvent(agent_role="x", step_number=2, step_description="look again"))
    bus.emit(source, MemoryQueryCompletedEvent(**ASKED, results=[], query_time_ms=1.0))
    (point,) = seen.events
    assert (point.name, point.attributes) == (
        "plan_refinement",
        {"step_number": 2, "step_description": "look again"},
    )


def test_an_end_without_a_beginning_is_passed_over(seen):
    bus.emit(object(), MemoryQueryCompletedEvent(**ASKED, results=[], query_time_ms=1.0))
    assert seen.records == []


@pytest.mark.parametrize("listens", [True, False])
def test_the_program_s_own_listeners_hear_what_they_would_hear(seen, listens):
    if not listens:
        fl.uninstrument("crewai")
    heard = []
    with bus.scoped_handlers():
        bus.on(MemoryQueryStartedEvent)(lambda source, event: heard.append(event.query))
        future = bus.emit(object(), MemoryQueryStartedEvent(**ASKED))
        future.result(20)
    assert heard == ["the sea"]
