"""What the client is about to ask, of whom, and with what; read from a request before it is sent.

Everything that is sent is on the span: the conversation and its tools as its input, OpenTelemetry's parameters under
OpenTelemetry's names, any other one as `flightlog.request.*`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from flightlog.core.llm import ModelCall, llm
from flightlog.integrations.google_genai import embeddings, generation
from flightlog.integrations.stainless.answer import mapping, sequence, text
from flightlog.integrations.stainless.package import INSTRUMENTATION, OURS, Api
from flightlog.records import genai

NAME: Final = "google_genai"

GENERATION: Final = Api("generate_content", "", generation.read, generation.Chunks, None)
EMBEDDINGS: Final = Api("embeddings", "", embeddings.read, None, None)

_APIS: Final[Mapping[str, Api]] = {
    "generateContent": GENERATION,
    "streamGenerateContent": GENERATION,
    "embedContent": EMBEDDINGS,
    "batchEmbedContents": EMBEDDINGS,
}
"""By the method that the path ends with."""
_STREAMED: Final = "streamGenerateContent"
_PREDICTION: Final = "predict"
_CONTENT: Final = ("contents", "systemInstruction", "tools", "content", "requests", "instances")
_CAPITAL: Final = re.compile("(?<=[a-z0-9])([A-Z])")
_TYPES: Final[Mapping[str, str]] = {"application/json": "json", "text/x.enum": "json", "text/plain": "text"}


def api_of(method: str, path: str, body: Mapping[str, Any]) -> Api | None:
    """The API that a request is for; None when it calls no model."""
    if method.lower() != "post":
        return None
    verb = _verb(path)
    if verb == _PREDICTION:
        return EMBEDDINGS if embeddings.is_asked(body) else None
    return _APIS.get(verb)


def model_of(path: str) -> str:
    """The model's name as people say it: the last word of a path, with what it is where that is no plain model."""
    parts = path.partition("?")[0].rpartition(":")[0].split("/")
    return parts[-1] if len(parts) < 2 or parts[-2] == "models" else "/".join(parts[-2:])


def _verb(path: str) -> str:
    return path.partition("?")[0].rpartition(":")[2]


def body_of(client: Any, asked: Mapping[str, Any], http_options: Any) -> dict[str, Any]:
    """What is sent: the request with what the program adds to the body by itself."""
    body = {name: value for name, value in asked.items() if not name.startswith("_")}
    for options in (getattr(client, "_http_options", None), http_options):
        extra = options.get("extra_body") if isinstance(options, Mapping) else None
        for name, value in mapping(extra or getattr(options, "extra_body", None)).items():
            both = isinstance(value, Mapping) and isinstance(body.get(name), Mapping)
            body[name] = {**body[name], **value} if both else value
    return body


def begin(client: Any, api: Api, path: str, body: Mapping[str, Any]) -> ModelCall:
    """Make the span of a request, not started yet.

    Args:
        client: the package's `BaseApiClient`.
        api: that is asked.
        path: of the request, which names the model.
        body: that is sent.
    """
    given: dict[str, Any] = {name: value for name, value in body.items() if name not in _CONTENT}
    given |= mapping(given.pop("generationConfig", None))
    given = {_CAPITAL.sub(r"_\1", name).lower(): value for name, value in given.items()}
    attributes: dict[str, Any] = {INSTRUMENTATION: NAME, **_named(given)}
    attributes.update({genai.REQUEST + key: given.pop(key) for key in OURS if key in given})
    if api is GENERATION:
        given |= {"messages": generation.conversation(body), "tools": body.get("tools") or None}
        given["stream"] = True if _verb(path) == _STREAMED else None
    else:
        given["input"] = embeddings.given(body)
        given |= _asked_of_embeddings(body)
    call = llm(model_of(path), provider=_provider(client), operation=api.operation, **given)
    address = urlsplit(text(getattr(getattr(client, "_http_options", None), "base_url", None)))
    if address.hostname:
        call.server(address.hostname, address.port)
    call.set_attributes(attributes)
    return call


def _named(given: dict[str, Any]) -> dict[str, Any]:
    """Take out of the parameters what OpenTelemetry names and the provider nests or calls otherwise."""
    named: dict[str, Any] = {}
    if form := text(given.pop("response_mime_type", None)):
        named[genai.OUTPUT_TYPE] = _TYPES.get(form, form)
    thinking = mapping(given.get("thinking_config"))
    if level := thinking.get("thinking_level") or thinking.get("thinkingLevel"):
        named[genai.REQUEST_REASONING_LEVEL] = str(getattr(level, "value", level)).lower()
    if (candidates := given.pop("candidate_count", None)) is not None:
        named[genai.REQUEST_CHOICE_COUNT] = candidates
    return named


def _asked_of_embeddings(body: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters that stand beside each piece which is to be embedded."""
    requests = sequence(body.get("requests"))
    first = mapping(requests[0]) if requests else body
    size = first.get("outputDimensionality") or mapping(body.get("parameters")).get("outputDimensionality")
    return {"dimensions": size, "task_type": first.get("taskType")}


def _provider(client: Any) -> str:
    return "gcp.vertex_ai" if getattr(client, "vertexai", False) else "gcp.gemini"
