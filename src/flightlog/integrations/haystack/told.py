"""What Haystack's objects say, in plain values: messages as OpenAI's Chat Completions have them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from flightlog.records import genai

_DEEPEST: Final = 6
_MOST: Final = 1000
_NAMES: Final = (
    ("Generator", "llm"),
    ("Embedder", "embedding"),
    ("Retriever", "retrieval"),
    ("Ranker", "rerank"),
    ("PromptBuilder", "prompt"),
)
"""What names of components end with, and the kind of their work."""
_LENGTHS: Final = {"prompt_tokens": "input", "completion_tokens": "output", "output_tokens": "output"}


def kind_of(component: str) -> str:
    """The kind of what a component does, by the name of its class."""
    return next((kind for ending, kind in _NAMES if component.endswith(ending)), "step")


def plain(value: Any, depth: int = 0) -> Any:
    """A value with the messages, documents and tools in it as mappings; the rest is left to the recorder."""
    if depth > _DEEPEST:
        return value
    if isinstance(value, Mapping):
        return {key: plain(member, depth + 1) for key, member in list(value.items())[:_MOST]}
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return [plain(member, depth + 1) for member in value[:_MOST]]
    if hasattr(value, "tool_call_results") and hasattr(value, "texts"):
        return message(value)
    if hasattr(value, "content") and hasattr(value, "meta") and hasattr(value, "score"):
        return document(value)
    if hasattr(value, "invoke") and hasattr(value, "parameters"):
        return tool(value)
    return value


def message(said: Any) -> dict[str, Any]:
    """One message."""
    told: dict[str, Any] = {"role": getattr(said.role, "value", said.role)}
    results = said.tool_call_results
    if results:
        told["tool_call_id"] = results[0].origin.id
        told["content"] = results[0].result
        if len(results) > 1:
            told["content"] = [{"tool_call_id": one.origin.id, "content": one.result} for one in results]
        return told
    texts = said.texts
    more = [f"<{type(one).__name__}>" for one in (*said.images, *said.files)]
    told["content"] = texts[0] if len(texts) == 1 and not more else ([*texts, *more] or None)
    if reasoning := "".join(one.reasoning_text for one in said.reasonings):
        told["reasoning_content"] = reasoning
    if calls := said.tool_calls:
        told["tool_calls"] = [_call(one) for one in calls]
    if said.name:
        told["name"] = said.name
    return told


def _call(call: Any) -> dict[str, Any]:
    arguments = msgspec.json.encode(call.arguments, enc_hook=str).decode()
    return {"id": call.id, "type": "function", "function": {"name": call.tool_name, "arguments": arguments}}


def document(found: Any) -> dict[str, Any]:
    """One document."""
    told = {"id": found.id, "content": found.content, "metadata": found.meta, "score": found.score}
    return {name: value for name, value in told.items() if value not in (None, {})}


def tool(one: Any) -> dict[str, Any]:
    """One tool that a model may call."""
    function = {"name": one.name, "description": one.description, "parameters": one.parameters}
    return {"type": "function", "function": function}


def asked(inputs: Any) -> Any:
    """What a model was asked; tools may be hidden in sets of them."""
    given = plain(inputs)
    if isinstance(given, dict):
        given = {name: value for name, value in given.items() if value is not None and not callable(value)}
        found = given.get("tools")
        if found is not None and not isinstance(found, list):
            given["tools"] = [plain(one) for one in found] if hasattr(found, "__iter__") else None
    return given


class Answer:
    """What a generator or an embedder has given."""

    def __init__(self, output: Any) -> None:
        given = output if isinstance(output, Mapping) else {}
        replies = given.get("replies")
        self.replies: list[Any] = replies if isinstance(replies, list) else []
        metas = given.get("meta")
        if isinstance(metas, Mapping):
            metas = [metas]
        told = [getattr(reply, "meta", None) for reply in self.replies]
        found = [one for one in (*told, *(metas or ())) if isinstance(one, Mapping)]
        self.metas: list[Mapping[str, Any]] = found

    @property
    def content(self) -> dict[str, Any] | None:
        """The messages; None where it gave none."""
        if not self.replies:
            return None
        said = [
            message(one) if hasattr(one, "texts") else {"role": "assistant", "content": one}
            for one in self.replies
        ]
        return {"messages": said}

    def first(self, *names: str) -> str:
        """What is said first under one of these names; empty where nothing is."""
        for meta in self.metas:
            for name in names:
                if isinstance(meta.get(name), str):
                    return str(meta[name])
        return ""

    def reasons(self) -> list[str]:
        """Why the model stopped."""
        return [reason for meta in self.metas if isinstance(reason := meta.get("finish_reason"), str)]

    def usage(self) -> dict[str, int | None]:
        """Tokens, as `ModelCall.usage` takes them; all replies of one answer tell the same."""
        told = next((use for meta in self.metas if isinstance(use := meta.get("usage"), Mapping) and use), {})
        counts: dict[str, int | None] = {
            name: _count(told, said) for said, name in _LENGTHS.items() if said in told
        }
        parts = (
            ("cache_read", "prompt_tokens_details", "cached_tokens"),
            ("reasoning", "completion_tokens_details", "reasoning_tokens"),
        )
        for name, group, member in parts:
            inner = told.get(group)
            if isinstance(inner, Mapping):
                counts[name] = _count(inner, member)
        if (
            "input_tokens" in told and "input" not in counts
        ):  # Anthropic's, which leaves out what a cache held
            counts["cache_read"] = _count(told, "cache_read_input_tokens")
            counts["cache_write"] = _count(told, "cache_creation_input_tokens")
            fresh = _count(told, "input_tokens")
            cached = (counts["cache_read"] or 0) + (counts["cache_write"] or 0)
            counts["input"] = None if fresh is None else fresh + cached
        return counts

    def waited(self, since: int) -> dict[str, float]:
        """How long the first piece took, where it came in pieces."""
        began = self.first("completion_start_time")
        try:
            seconds = datetime.fromisoformat(began).timestamp() - since / 1e9
        except ValueError:
            return {}
        return {genai.TIME_TO_FIRST_CHUNK: seconds} if seconds >= 0 else {}


def _count(told: Mapping[str, Any], name: str) -> int | None:
    value = told.get(name)
    return value if type(value) is int else None
