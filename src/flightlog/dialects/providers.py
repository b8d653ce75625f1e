"""Names of providers in OpenTelemetry's words, whatever a library calls them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_NAMES: Final[Mapping[str, str]] = {
    "amazon": "aws.bedrock",
    "amazon-bedrock": "aws.bedrock",
    "amazon_bedrock": "aws.bedrock",
    "aws": "aws.bedrock",
    "az.ai.inference": "azure.ai.inference",
    "az.ai.openai": "azure.ai.openai",
    "azure": "azure.ai.openai",
    "azure-openai": "azure.ai.openai",
    "azure_openai": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "fireworks_ai": "fireworks",
    "gemini": "gcp.gemini",
    "gcp.vertex.agent": "gcp.vertex_ai",
    "google": "gcp.gemini",
    "google-gla": "gcp.gemini",
    "google-vertex": "gcp.vertex_ai",
    "google.generative-ai": "gcp.gemini",
    "google.vertex": "gcp.vertex_ai",
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "vertex_ai": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
"""By what libraries call them, in lower case."""

_INTERFACES: Final = ("chat", "completion", "embedding", "messages", "responses", "rerank")
"""What Vercel's names end with: which of a provider's interfaces was used."""

_NOBODY: Final = frozenset({"", "unknown", "none", "langchain", "llamaindex", "crewai", "_other"})
"""What names no provider."""


def provider_of(said: str) -> str:
    """A provider in OpenTelemetry's words; one that it has none for as it was named, in lower case."""
    name = said.strip().lower()
    if name in _NOBODY:
        return ""
    before, dot, last = name.rpartition(".")
    if dot and last in _INTERFACES:
        name = before
    return _NAMES.get(name, name)
