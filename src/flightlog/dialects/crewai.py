"""OpenLLMetry's for CrewAI: `crewai.*` on the spans of crews, tasks and agents, each of which it calls an agent's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.dialects.facts import WORKFLOW_NAME, Facts, Seen
from flightlog.dialects.values import text

SIGNS: Final = ("crewai.",)


def read(seen: Seen) -> Facts | None:
    """What a span says in these names; tokens are said of a crew alone, in the words of a `repr`."""
    known = seen.attributes
    if "crewai.crew.id" in known:
        facts = Facts(kind="workflow")
        facts.put(WORKFLOW_NAME, text(known.get("crewai.crew.name")))
        facts.output = text(known.get("crewai.crew.result")) or facts.output
        return facts
    if "crewai.task.id" in known:
        facts = Facts(kind="step")
        facts.input = _given(known) or facts.input
        return facts
    return Facts(kind="agent") if "crewai.agent.id" in known else None


def _given(known: Mapping[str, Any]) -> dict[str, str]:
    """What a task asks for."""
    said = {name: text(known.get(f"crewai.task.{name}")) for name in ("description", "expected_output")}
    return {name: value for name, value in said.items() if value}
