"""Names of attributes of model calls that Flightlog reads and writes: OpenTelemetry's, ours where it has none.

Source: OpenTelemetry semantic conventions for generative AI after v1.41 (the semantic-conventions-genai
repository, `model/gen-ai/registry.yaml` and `spans.yaml`), where `cache_creation` became `cache_write`; of the
general conventions `server.*` and `error.type`. `gen_ai.usage.input_tokens` is the total, including cache reads
and writes; `output_tokens` includes reasoning. What begins with `flightlog.` is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

OPERATION: Final = "gen_ai.operation.name"
"""`chat`, `text_completion`, `generate_content`, `embeddings`, …; an open word."""
PROVIDER: Final = "gen_ai.provider.name"
"""`openai`, `anthropic`, `aws.bedrock`, `gcp.vertex_ai`, …; an open word."""
TOOL_NAME: Final = "gen_ai.tool.name"
OUTPUT_TYPE: Final = "gen_ai.output.type"
"""What kind of content was asked for: `text`, `json`, `image`, `speech`."""

REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
REQUEST_TOP_P: Final = "gen_ai.request.top_p"
REQUEST_TOP_K: Final = "gen_ai.request.top_k"
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
REQUEST_FREQUENCY_PENALTY: Final = "gen_ai.request.frequency_penalty"
REQUEST_PRESENCE_PENALTY: Final = "gen_ai.request.presence_penalty"
REQUEST_STOP_SEQUENCES: Final = "gen_ai.request.stop_sequences"
"""A list of texts."""
REQUEST_SEED: Final = "gen_ai.request.seed"
REQUEST_CHOICE_COUNT: Final = "gen_ai.request.choice.count"
REQUEST_STREAM: Final = "gen_ai.request.stream"
REQUEST_REASONING_LEVEL: Final = "gen_ai.request.reasoning.level"
REQUEST_ENCODING_FORMATS: Final = "gen_ai.request.encoding_formats"
"""A list of texts."""
DIMENSION_COUNT: Final = "gen_ai.embeddings.dimension.count"

RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_MODEL: Final = "gen_ai.response.model"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
"""A list of texts, one for each choice."""
TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
"""Seconds."""

INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
TOTAL_TOKENS: Final = "flightlog.usage.total_tokens"
"""What the provider itself gave as the total; it need not be the sum of the others."""

SERVED_TOKENS: Final[Mapping[str, str]] = {
    INPUT_TOKENS: "flightlog.served.input_tokens",
    OUTPUT_TOKENS: "flightlog.served.output_tokens",
    CACHE_READ_TOKENS: "flightlog.served.cache_read.input_tokens",
    CACHE_WRITE_TOKENS: "flightlog.served.cache_write.input_tokens",
    REASONING_TOKENS: "flightlog.served.reasoning.output_tokens",
    TOTAL_TOKENS: "flightlog.served.total_tokens",
}
"""What one request took that is counted on the call around it: under other names, since whoever adds up
`gen_ai.usage.*` would count it twice."""

SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
ERROR_TYPE: Final = "error.type"

STREAM_CHUNKS: Final = "flightlog.stream.chunks"
"""Pieces that a streamed answer came in."""
STREAM_CHARACTERS: Final = "flightlog.stream.characters"
STREAM_LONGEST_GAP: Final = "flightlog.stream.longest_gap_ns"
"""Longest time between two pieces that follow each other, in nanoseconds."""

REQUEST: Final = "flightlog.request."
"""Before the name of a request parameter that OpenTelemetry does not name."""
RESPONSE: Final = "flightlog.response."
"""Before the name of a fact of a response that OpenTelemetry does not name."""

PARAMETERS: Final[Mapping[str, str]] = {
    "temperature": REQUEST_TEMPERATURE,
    "top_p": REQUEST_TOP_P,
    "top_k": REQUEST_TOP_K,
    "max_tokens": REQUEST_MAX_TOKENS,
    "max_completion_tokens": REQUEST_MAX_TOKENS,
    "max_output_tokens": REQUEST_MAX_TOKENS,
    "frequency_penalty": REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": REQUEST_PRESENCE_PENALTY,
    "stop": REQUEST_STOP_SEQUENCES,
    "stop_sequences": REQUEST_STOP_SEQUENCES,
    "seed": REQUEST_SEED,
    "n": REQUEST_CHOICE_COUNT,
    "choice_count": REQUEST_CHOICE_COUNT,
    "stream": REQUEST_STREAM,
    "reasoning_effort": REQUEST_REASONING_LEVEL,
    "encoding_format": REQUEST_ENCODING_FORMATS,
    "dimensions": DIMENSION_COUNT,
}
"""Request parameters, under the names that providers give them, that OpenTelemetry names."""

LISTS: Final = frozenset({REQUEST_STOP_SEQUENCES, REQUEST_ENCODING_FORMATS})
"""Attributes that hold a list, also where a provider takes a single text."""

CONTENT: Final = ("system", "instructions", "prompt", "input", "contents")
"""Request parameters that are what the model is given, not how it shall answer: parts of the span's input."""

KIND_OF: Final[Mapping[str, str]] = {"embeddings": "embedding"}
"""Operation to the kind of its span, where that is not `llm`."""

USAGE: Final = "flightlog.usage."
"""Before the name of anything else that was used and is charged, as price lists name it: `input_audio_tokens`,
`cache_write_1h_tokens`, `output_image_tokens`, `web_searches`, `audio_seconds`."""
REPORTED_COST: Final = ("gen_ai.usage.cost", "llm.cost.total")
"""What a call cost in US dollars, by whoever served or measured it; the first of these names that is there counts.
OpenTelemetry names none: the first is what vendors write, the second OpenInference's."""
BATCH: Final = "flightlog.batch"
"""True for a call that was part of a batch, which many providers sell for less."""
SERVICE_TIER: Final = (
    "openai.response.service_tier",
    "gen_ai.openai.response.service_tier",
    RESPONSE + "service_tier",
    "openai.request.service_tier",
    "gen_ai.openai.request.service_tier",
    REQUEST + "service_tier",
)
"""How urgently a call was served: the first of these names that is there counts, what was served over what was
asked for; `default`, `flex`, `priority`, `batch`, …"""

CHARGED_KINDS: Final = (
    "llm",
    "embedding",
    "rerank",
    "speech_to_text",
    "text_to_speech",
)
"""Kinds of spans that a provider charges for; those other than `llm` where they name a model."""
