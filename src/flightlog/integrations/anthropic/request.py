"""What the client is about to ask, of whom, and with what; read from the options of a request.

Everything that is sent is on the span: the conversation, its system prompt and its tools as its input, OpenTelemetry's
parameters under OpenTelemetry's names, any other one as `flightlog.request.*`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.core.llm import ModelCall, llm
from flightlog.integrations.anthropic import messages, messages_replica
from flightlog.integrations.stainless.answer import mapping, text
from flightlog.integrations.stainless.package import INSTRUMENTATION, OURS, Api, Package, server
from flightlog.records import genai

_MESSAGES: Final = Api("chat", "", messages.read, messages.Events, messages_replica, "error")
_PATH: Final = "/v1/messages"

_PROVIDERS: Final[Mapping[str, str]] = {
    "AnthropicBedrock": "aws.bedrock",
    "AnthropicBedrockMantle": "aws.bedrock",
    "AnthropicVertex": "gcp.vertex_ai",
    "AnthropicGoogleCloud": "gcp.vertex_ai",
    "AnthropicFoundry": "azure.ai.inference",
}
"""Class of a client, sync or async, to `gen_ai.provider.name`, where that is another's service."""


def api_of(options: Any) -> Api | None:
    """The API that a request is for; None when it calls no model."""
    path = str(options.url).partition("?")[0]
    return _MESSAGES if path == _PATH and str(options.method).lower() == "post" else None


def begin(client: Any, api: Api, options: Any) -> ModelCall:
    """Make the span of a request, not started yet."""
    body = {**mapping(options.json_data), **mapping(getattr(options, "extra_json", None))}
    body = {name: value for name, value in body.items() if type(value).__name__ not in {"Omit", "NotGiven"}}
    model = text(body.pop("model", ""))
    attributes: dict[str, Any] = {INSTRUMENTATION: "anthropic"}
    if effort := mapping(body.get("output_config")).get("effort"):
        attributes[genai.REQUEST_REASONING_LEVEL] = effort
    if mapping(body.get("output_format") or mapping(body.get("output_config")).get("format")).get("type"):
        attributes[genai.OUTPUT_TYPE] = "json"
    attributes.update({genai.REQUEST + key: body.pop(key) for key in OURS if key in body})
    call = llm(model, provider=_provider(client), operation=api.operation, **body)
    host, port = server(client)
    if host:
        call.server(host, port)
    call.set_attributes(attributes)
    return call


def _provider(client: Any) -> str:
    """`gen_ai.provider.name`, by the client's class."""
    names = (base.__name__.removeprefix("Async") for base in type(client).__mro__)
    return next((_PROVIDERS[name] for name in names if name in _PROVIDERS), "anthropic")


PACKAGE: Final = Package(
    name="anthropic",
    classes=("Anthropic", "AsyncAnthropic"),
    more=tuple(f"{way}{name}" for name in _PROVIDERS for way in ("", "Async")),
    request_id="request-id",
    api_of=api_of,
    begin=begin,
)
