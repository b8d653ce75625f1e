"""Names of OpenTelemetry's generative-AI attributes that Flightlog reads and writes.

Source: OpenTelemetry semantic conventions for generative AI after v1.41 (the semantic-conventions-genai
repository), where `cache_creation` became `cache_write`. `gen_ai.usage.input_tokens` is the total, including
cache reads and writes; `output_tokens` includes reasoning.
"""

from __future__ import annotations

from typing import Final

PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
RESPONSE_MODEL: Final = "gen_ai.response.model"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
"""Seconds."""
