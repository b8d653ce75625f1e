"""What the client is about to ask, of whom, and with what; read from a request before it is sent.

Everything that is sent is on the span: the conversation and its tools as its input, OpenTelemetry's parameters under
OpenTelemetry's names, any other one as `flightlog.request.*`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from flightlog.core.llm import ModelCall, llm
from flightlog.integrations.mistralai import chat, conversations, embeddings
from flightlog.integrations.stainless.answer import mapping, text
from flightlog.integrations.stainless.package import INSTRUMENTATION, OURS, Api, Package
from flightlog.records import genai

NAME: Final = "mistralai"

_APIS: Final[Mapping[str, Api]] = {
    "/chat/completions": Api("chat", "", chat.read, chat.Chunks, chat),
    "/agents/completions": Api("chat", "", chat.read, chat.Chunks, chat),
    "/fim/completions": Api("text_completion", "", chat.read, chat.Chunks, chat),
    "/embeddings": Api("embeddings", "", embeddings.read, None, embeddings),
}
"""By the end of the path that the client posts to, whatever its server's URL."""
_CONVERSATION: Final = Api(
    "chat", "", conversations.read, conversations.Events, conversations, "conversation.response.error"
)


def api_of(request: Any) -> Api | None:
    """The API that a request is for; None when it calls no model."""
    if str(request.method).upper() != "POST":
        return None
    path = str(request.url.path).rstrip("/")
    if conversations.id_in(path) is not None:
        return _CONVERSATION
    return next((api for end, api in _APIS.items() if path.endswith(end)), None)


def body_of(request: Any) -> Mapping[str, Any]:
    """What is sent."""
    return mapping(msgspec.json.decode(request.content))


def begin(request: Any, api: Api, sent: Mapping[str, Any]) -> ModelCall:
    """Make the span of a request, not started yet."""
    body = dict(sent)
    agent = text(body.get("agent_id"))
    model = text(body.pop("model", ""))
    attributes: dict[str, Any] = {INSTRUMENTATION: NAME}
    if agent:
        attributes["gen_ai.agent.id"] = agent
    if (seed := body.pop("random_seed", None)) is not None:
        attributes[genai.REQUEST_SEED] = seed
    if form := text(mapping(body.get("response_format")).get("type")):
        attributes[genai.OUTPUT_TYPE] = "json" if form.startswith("json") else form
    if conversation := conversations.id_in(str(request.url.path).rstrip("/")):
        attributes["gen_ai.conversation.id"] = conversation
    body |= mapping(body.pop("completion_args", None))
    body = {_WORDS.get(name, name): value for name, value in body.items()}
    body["stream"] = body.get("stream") or None
    attributes.update({genai.REQUEST + key: body.pop(key) for key in OURS if key in body})
    suffix = body.pop("suffix", None)
    call = llm(model, provider="mistral_ai", operation=api.operation, name=_title(api, model, agent), **body)
    if suffix:  # what the answer is to end before is content as well
        call.input = {"prompt": body.get("prompt"), "suffix": suffix}
    call.server(str(request.url.host), request.url.port)
    call.set_attributes(attributes)
    return call


_WORDS: Final[Mapping[str, str]] = {"inputs": "input", "output_dimension": "dimensions"}
"""Members that others call otherwise."""


def _title(api: Api, model: str, agent: str) -> str:
    """The name of the span where an agent is asked instead of a model."""
    return f"{api.operation} {agent}" if agent and not model else ""


PACKAGE: Final = Package(
    name="mistralai.client",
    classes=("Mistral",),
    more=(),
    request_id="mistral-correlation-id",
    api_of=api_of,
    begin=lambda _client, api, request: begin(request, api, body_of(request)),
)


def directory() -> str:
    """Where the package stands: what is below it is not the program's."""
    return str(sys.modules["mistralai.client"].__file__).removesuffix("__init__.py")
