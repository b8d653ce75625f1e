"""Pydantic AI: what its spans say besides OpenTelemetry's conventions, and which of its models nobody serves.

`TestModel` and `FunctionModel` stand in for a model in tests, and make up how many tokens that took. Their calls are
`step`s, with `flightlog.served` false, and count nowhere. A run of an agent tells its whole conversation; what went in
is what stands before the first answer of this run. Most of what it says is read by the readers of OpenTelemetry's
conventions and of Logfire's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.dialects.facts import Facts, Seen
from flightlog.dialects.messages import messages
from flightlog.dialects.values import first_count, first_text, mapping, number, objects, parsed
from flightlog.records import genai

SIGNS: Final = ("pydantic-ai",)
"""Its scope; there is no attribute that only it writes."""

SERVED: Final = "flightlog.served"
"""False where no provider served a call."""
_STAND_INS: Final = frozenset({"test", "function"})
"""Providers of models that stand in for one."""
_FIRST_CHUNK: Final = "gen_ai.client.operation.time_to_first_chunk"
_CONVERSATION: Final = "pydantic_ai.all_messages"
_FIRST_NEW: Final = "pydantic_ai.new_message_index"
"""How many messages of the conversation are from runs before."""
_RESULT: Final = "final_result"


def read(seen: Seen) -> Facts | None:
    """What a span says in these names."""
    known = seen.attributes
    if not seen.scope.startswith(SIGNS):
        return None
    if known.get(genai.OPERATION) == "invoke_agent":
        return _run(known)
    if genai.REQUEST_MODEL not in known:
        return None
    facts = Facts()
    if first_text(known, genai.PROVIDER, "gen_ai.system") in _STAND_INS:
        facts.kind = "step"
        facts.put(SERVED, value=False)
    facts.put(genai.TIME_TO_FIRST_CHUNK, number(known.get(_FIRST_CHUNK)))
    facts.tools = [_tool(one) for one in objects(known.get("gen_ai.tool.definitions"))] or None
    return facts if facts.kind or facts.attributes or facts.tools else None


def _run(known: Mapping[str, Any]) -> Facts | None:
    """What an agent was given and what came of it; None where it tells neither."""
    facts = Facts()
    told = [mapping(one) for one in messages(known.get(_CONVERSATION)) or []]
    before = first_count(known, _FIRST_NEW) or 0
    said = next(
        (n for n, one in enumerate(told) if n >= before and one.get("role") == "assistant"), len(told)
    )
    if told:
        instructions = messages(known.get("gen_ai.system_instructions"), role="system") or []
        facts.messages = [*({**mapping(one), "role": "system"} for one in instructions), *told[:said]]
    if _RESULT in known:
        facts.output = parsed(known[_RESULT])
    return facts if told or _RESULT in known else None


def _tool(told: Mapping[str, Any]) -> dict[str, Any]:
    """A tool's definition in the form in which it is sent."""
    inner = {key: told[key] for key in ("name", "description", "parameters") if told.get(key)}
    return {"type": "function", "function": inner}
