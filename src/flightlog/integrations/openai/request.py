"""What the client is about to ask: which API, of whom, with what; read from the options of a request.

Everything that is sent is on the span: the conversation and its tools as its input, OpenTelemetry's parameters
under OpenTelemetry's names, any other one as `flightlog.request.*`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.core.llm import ModelCall, llm
from flightlog.integrations.openai import (
    chat,
    chat_replica,
    embeddings,
    embeddings_replica,
    responses,
    responses_replica,
)
from flightlog.integrations.stainless.answer import mapping, text
from flightlog.integrations.stainless.package import INSTRUMENTATION, OURS, Api, Package, server
from flightlog.records import genai

APIS: Final[Mapping[str, Api]] = {
    "/chat/completions": Api("chat", "chat_completions", chat.read, chat.Chunks, chat_replica),
    "/responses": Api("chat", "responses", responses.read, responses.Events, responses_replica),
    "/embeddings": Api("embeddings", "", embeddings.read, None, embeddings_replica),
}
"""By the path that the client posts to, whatever its base URL."""

PROVIDERS: Final[Mapping[str, str]] = {
    "openai.azure.com": "azure.ai.openai",
    "services.ai.azure.com": "azure.ai.openai",
    "amazonaws.com": "aws.bedrock",
    "deepseek.com": "deepseek",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "groq.com": "groq",
    "mistral.ai": "mistral_ai",
    "moonshot.ai": "moonshot_ai",
    "moonshot.cn": "moonshot_ai",
    "perplexity.ai": "perplexity",
    "x.ai": "x_ai",
}
"""Domain to `gen_ai.provider.name`, of the services that OpenTelemetry has a word for and that this client can
talk to. A server that is not listed speaks OpenAI's language and is called `openai`; its address is recorded."""


def api_of(options: Any) -> Api | None:
    """The API that a request is for; None when it calls no model."""
    return APIS.get(options.url) if str(options.method).lower() == "post" else None


def begin(client: Any, api: Api, options: Any) -> ModelCall:
    """Make the span of a request, not started yet."""
    body = {**mapping(options.json_data), **mapping(getattr(options, "extra_json", None))}
    model = text(body.pop("model", ""))
    attributes: dict[str, Any] = {INSTRUMENTATION: "openai", **_named(body)}
    if api.type:
        attributes["openai.api.type"] = api.type
    attributes.update({genai.REQUEST + key: body.pop(key) for key in OURS if key in body})
    host, port = server(client)
    call = llm(model, provider=_provider(client, host), operation=api.operation, **body)
    if host:
        call.server(host, port)
    call.set_attributes(attributes)
    return call


def _named(body: dict[str, Any]) -> dict[str, Any]:
    """Take out of the body what OpenTelemetry names and the provider nests or calls otherwise."""
    named: dict[str, Any] = {}
    if tier := body.pop("service_tier", None):
        named["openai.request.service_tier"] = tier
    if effort := mapping(body.get("reasoning")).get("effort"):
        named[genai.REQUEST_REASONING_LEVEL] = effort
    form = mapping(body.get("response_format") or mapping(body.get("text")).get("format")).get("type")
    if form:
        named[genai.OUTPUT_TYPE] = "json" if str(form).startswith("json") else form
    conversation = body.get("conversation")
    if conversation:
        named["gen_ai.conversation.id"] = mapping(conversation).get("id") or conversation
    return named


def _provider(client: Any, host: str) -> str:
    """`gen_ai.provider.name`: by the client's class, then by the server's domain."""
    if any(base.__name__ == "BaseAzureClient" for base in type(client).__mro__):
        return "azure.ai.openai"
    for domain, name in PROVIDERS.items():
        if host == domain or host.endswith("." + domain):
            return name
    return "openai"


PACKAGE: Final = Package(
    name="openai",
    classes=("OpenAI", "AsyncOpenAI"),
    more=(),
    request_id="x-request-id",
    api_of=api_of,
    begin=begin,
)
