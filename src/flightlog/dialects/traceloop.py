"""OpenLLMetry's own: `traceloop.*`, the kinds of spans around model calls, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.dialects.facts import (
    AGENT_NAME,
    PROMPT_NAME,
    PROMPT_VERSION,
    TOOL_NAME,
    WORKFLOW_NAME,
    Facts,
    Seen,
)
from flightlog.dialects.values import first_text, mapping, parsed, text
from flightlog.records import genai

SIGNS: Final = ("traceloop.",)

_KINDS: Final[Mapping[str, str]] = {"workflow": "workflow", "task": "step", "agent": "agent", "tool": "tool"}
_ASSOCIATED: Final = "traceloop.association.properties."
_SESSIONS: Final = tuple(
    _ASSOCIATED + name for name in ("session_id", "session.id", "thread_id", "conversation_id", "chat_id")
)
_USERS: Final = tuple(_ASSOCIATED + name for name in ("user_id", "user.id"))
_NAMED: Final = {"agent": AGENT_NAME, "tool": TOOL_NAME, "workflow": WORKFLOW_NAME}


def read(seen: Seen) -> Facts | None:
    """What a span says in these names."""
    known = seen.attributes
    if not any(name.startswith("traceloop.") for name in known):
        return None
    facts = Facts(kind=_KINDS.get(text(known.get("traceloop.span.kind")).lower(), ""))
    facts.session = first_text(known, *_SESSIONS)
    facts.user = first_text(known, *_USERS)
    facts.put(PROMPT_NAME, text(known.get("traceloop.prompt.key")))
    if (version := known.get("traceloop.prompt.version")) is not None:
        facts.put(PROMPT_VERSION, str(version))
    if facts.kind in _NAMED:
        facts.put(_NAMED[facts.kind], text(known.get("traceloop.entity.name")))
    else:
        facts.put(WORKFLOW_NAME, text(known.get("traceloop.workflow.name")))
    if (given := _entity(known, "traceloop.entity.input", "inputs")) is not None:
        facts.input = given
    if (said := _entity(known, "traceloop.entity.output", "outputs")) is not None:
        facts.output = said
    model = text(known.get(_ASSOCIATED + "ls_model_name"))
    if model and genai.REQUEST_MODEL not in known and "llm.request.type" in known:
        facts.put(genai.REQUEST_MODEL, model)
    return facts


def _entity(known: Mapping[str, Any], name: str, inner: str) -> Any:
    """What went into a function or came out of it, without what OpenLLMetry tells of its callbacks beside it."""
    value = parsed(known.get(name))
    packed = mapping(value)
    if isinstance(value, dict) and inner in packed and "tags" in packed and "kwargs" in packed:
        return packed[inner]
    return value
