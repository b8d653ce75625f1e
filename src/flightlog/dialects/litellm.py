"""LiteLLM's own spans: OpenTelemetry's names, and beside them what stands in `metadata.*`.

Traps: metadata that is not there is an empty text; tokens of a cache stand in `metadata.usage_object` alone, which is
Python's way to write an object and no JSON; a stream that told no tokens says 0, and that it cost nothing.
"""

from __future__ import annotations

import re
from typing import Final

from flightlog.dialects.facts import COST, Facts, Seen, Usage
from flightlog.dialects.values import count, first_count, first_text, mapping, number, text

SIGNS: Final = ("litellm.", "gen_ai.cost.", "metadata.usage_object")

_SCOPE: Final = "litellm"
_NUMBER: Final = r"'%s': (\d+)"


def read(seen: Seen) -> Facts | None:
    """What a span says in these names."""
    known = seen.attributes
    if seen.scope != _SCOPE:
        return None
    facts = Facts()
    facts.user = first_text(known, "metadata.user_api_key_end_user_id", "metadata.user_api_key_user_id")
    cost = number(
        known.get("gen_ai.cost.total_cost", mapping(known.get("hidden_params")).get("response_cost"))
    )
    facts.put(COST, cost or None)
    told = text(known.get("metadata.usage_object"))
    facts.usage = Usage(
        first_count(known, "gen_ai.usage.input_tokens"),
        first_count(known, "gen_ai.usage.output_tokens"),
        _told(told, "cached_tokens"),
        _told(told, "cache_creation_tokens"),
        _told(told, "reasoning_tokens"),
    )
    return facts


def _told(text: str, name: str) -> int | None:
    found = re.search(_NUMBER % name, text)
    return None if found is None else count(found[1])
