"""AutoGen's own spans, where Flightlog is their provider.

Those of agents and tools know neither what these were given nor what they gave, and ours are there: while AutoGen is
recorded they leave no record. Those of messages between agents stay. AutoGen puts the ids of teams into their names,
so there would be as many names as runs: a name keeps the operation and whose message it is, and the attribute
`messaging.destination` has the rest.
"""

from __future__ import annotations

import re
import sys
from contextlib import nullcontext
from typing import Any, Final

from opentelemetry import trace

_AGENTS: Final = "autogen-core"
"""The scope of spans of agents and tools."""
_MESSAGES: Final = "autogen "
"""The beginning of the scopes of runtimes, and of the names of their spans."""
_WRAPPER: Final = "flightlog.integrations.autogen.wrapping"
_OPERATIONS: Final = frozenset({"create_agent", "execute_tool", "invoke_agent"})
_KEY: Final = re.compile(r"\.\(.*\)-[AT]$", re.DOTALL)
"""Behind the type of an agent or a topic: which one of them."""
_ID: Final = re.compile(r"[_-]?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def is_own(scope: str) -> bool:
    """Whether the spans of this scope are AutoGen's."""
    return scope == _AGENTS or scope.startswith(_MESSAGES)


def plain_name(name: str) -> str:
    """The name of a span of a message without ids."""
    return _ID.sub("", _KEY.sub("", name)).strip()


class OwnTracer(trace.Tracer):
    """Begins spans for AutoGen."""

    def __init__(self, tracer: trace.Tracer, provider: Any) -> None:
        """Prepare.

        Args:
            tracer: begins its spans.
            provider: ours, that gave it; while it is not on, somebody else is told.
        """
        self._tracer = tracer
        self._provider = provider

    def start_span(self, name: str, *args: Any, **kwargs: Any) -> trace.Span:
        """Begin a span, as any tracer; AutoGen begins none in this way."""
        return self._tracer.start_span(self._named(name), *args, **kwargs)

    def start_as_current_span(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Make a block with a span, or for what we record one that leaves current what is."""
        if self._is_told(kwargs.get("attributes")):
            return nullcontext(trace.INVALID_SPAN)
        return self._tracer.start_as_current_span(self._named(name), *args, **kwargs)

    def _named(self, name: str) -> str:
        return plain_name(name) if self._provider.is_on and name.startswith(_MESSAGES) else name

    def _is_told(self, attributes: Any) -> bool:
        """Whether this is something of an agent or a tool, and we record AutoGen."""
        wrapper: Any = sys.modules.get(_WRAPPER) if self._provider.is_on else None
        operation = (attributes or {}).get("gen_ai.operation.name")
        return operation in _OPERATIONS and wrapper is not None and wrapper.is_everywhere()
