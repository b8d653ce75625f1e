"""Words of agents and their conversations that OpenTelemetry has none for: how a call, a turn, a failure ended.

The reasons for which a call of a model stops are each provider's own words; `end_reason` brings them to eight.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.records import genai

DONE_REASON: Final = "flightlog.turn.done_reason"
"""On the span of a turn: why it was over, one of `DONE_REASONS` or a word of the program's own."""
ERROR_CODE: Final = "flightlog.error.code"
"""The code that whoever failed gives its failure, where it has one beside its type."""
ERROR_RETRYABLE: Final = "flightlog.error.retryable"
"""Whether the same request may succeed when it is made again: true or false; left out where nobody knows."""
ERROR_RAW: Final = "flightlog.error.raw"
"""What whoever failed said of it, as it came."""
CODE_LANGUAGE: Final = "flightlog.code.language"
"""On the span of a tool that runs code which a model wrote: its language. The code is the input, what it printed
and gave the output."""

DONE_REASONS: Final = (
    "assistant_message",
    "final_value",
    "tool_value",
    "handoff",
    "cancelled",
    "incomplete",
    "invalid_input",
    "max_turns",
    "tool_failure",
    "provider_error",
    "plugin_abort",
    "runtime_error",
    "submitted_error",
    "tool_error",
)
"""Why a turn is over: the first four of success."""

END_REASONS: Final = (
    "stop",
    "tool_use",
    "output_limit",
    "context_overflow",
    "content_filter",
    "provider_error",
    "cancelled",
    "unknown",
)
"""Why a call of a model is over."""

_ENDS: Final[Mapping[str, str]] = {
    **{name: name for name in END_REASONS},
    "end_turn": "stop",
    "stop_sequence": "stop",
    "eos": "stop",
    "complete": "stop",
    "completed": "stop",
    "tool_call": "tool_use",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "pause_turn": "tool_use",
    "length": "output_limit",
    "max_tokens": "output_limit",
    "max_output_tokens": "output_limit",
    "model_length": "context_overflow",
    "model_context_window_exceeded": "context_overflow",
    "context_length_exceeded": "context_overflow",
    "refusal": "content_filter",
    "safety": "content_filter",
    "recitation": "content_filter",
    "blocklist": "content_filter",
    "prohibited_content": "content_filter",
    "spii": "content_filter",
    "guardrail_intervened": "content_filter",
    "error": "provider_error",
    "malformed_function_call": "provider_error",
}
"""Words of providers, in small letters: OpenAI's and Mistral's `finish_reason`, Anthropic's and Bedrock's
`stop_reason`, Gemini's `finishReason`."""

_OVERFLOWS: Final = ("context_length", "context_window", "prompt is too long", "maximum context")


def end_reason(attributes: Mapping[str, Any], status: str, error: str = "") -> str:
    """Why a call of a model is over, one of `END_REASONS`; empty while it is not.

    Args:
        attributes: of its span.
        status: of its span.
        error: type and message of its error.
    """
    if status in {"running", "paused"}:
        return ""
    if status == "cancelled":
        return "cancelled"
    told = attributes.get(genai.FINISH_REASONS)
    words = [_ENDS.get(str(word).lower(), "unknown") for word in told] if isinstance(told, list) else []
    known = [word for word in words if word not in {"stop", "unknown"}]
    if known:
        return known[0]  # of several choices one that did not simply end says more
    if status == "error":
        return "context_overflow" if any(word in error.lower() for word in _OVERFLOWS) else "provider_error"
    return words[0] if words else "unknown"
