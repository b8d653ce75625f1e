"""What LiteLLM's objects say, in our words: parameters, answers, tokens, costs and errors.

LiteLLM answers in the shapes of OpenAI's interfaces, whoever served the call; so the readers of those read it. Facts
that it makes up where a provider told none (tokens that it counts itself, zeros) are left out: unknown is not zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from flightlog.dialects.providers import provider_of
from flightlog.integrations.openai import chat, embeddings, responses
from flightlog.integrations.stainless.answer import Answer, Usage, mapping, sequence, text
from flightlog.integrations.stainless.exchange import REQUEST_ID, STATUS_CODE
from flightlog.records import genai

PARAMETERS: Final = (
    "temperature",
    "top_p",
    "top_k",
    "n",
    "stream",
    "stop",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "tool_choice",
    "parallel_tool_calls",
    "logprobs",
    "top_logprobs",
    "reasoning_effort",
    "dimensions",
    "encoding_format",
    "service_tier",
)
"""Of what a call is given; the rest are keys, addresses, callbacks and LiteLLM's own."""

REPORTED: Final = genai.REPORTED_COST[0]
_LEAST_REFUSAL: Final = 400
_MOST_CAUSES: Final = 6
_UNANSWERED: Final = frozenset({"APIConnectionError", "Timeout"})
"""Exceptions for a request that got no answer."""
_REQUEST_IDS: Final = ("x-request-id", "request-id", "llm_provider-x-request-id")


def hidden(result: object) -> Mapping[str, Any]:
    """What LiteLLM notes about an answer beside it."""
    return mapping(getattr(result, "_hidden_params", None))


def is_cached(result: object) -> bool:
    """Whether LiteLLM had this answer in its cache, so that nobody served it."""
    return (
        hidden(result).get("cache_hit") is True
        or getattr(result, "custom_llm_provider", None) == "cached_response"
    )


def whole_chat(result: Any) -> Answer:
    """An answer in the shape of Chat Completions."""
    answer = chat.read(_members(result))
    answer.messages = [_plain(mapping(message)) for message in answer.messages or []]
    answer.usage = usage_of([getattr(result, "usage", None)])
    return answer


def whole_text(result: Any) -> Answer:
    """An answer in the shape of Completions: texts that go on where the prompt ends."""
    members = _members(result)
    answer = chat.read(members)
    choices = [mapping(choice) for choice in sequence(members.get("choices"))]
    answer.messages = [{"role": "assistant", "content": choice.get("text")} for choice in choices]
    answer.usage = usage_of([getattr(result, "usage", None)])
    return answer


def whole_response(result: Any) -> Answer:
    """An answer in the shape of Responses."""
    return responses.read(_members(result))


def whole_embedding(result: Any) -> Answer:
    """An answer of vectors."""
    usage = usage_of([getattr(result, "usage", None)])
    members = {"model": getattr(result, "model", ""), "data": getattr(result, "data", None)}
    answer = embeddings.read(members)
    answer.usage = Usage(input=usage.input)
    return answer


def _members(result: Any) -> Mapping[str, Any]:
    dump = getattr(result, "model_dump", None)
    return mapping(dump(warnings=False)) if dump is not None else mapping(result)


def _plain(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message without what LiteLLM says twice: a provider's own members, which stand in others as well."""
    return {name: value for name, value in message.items() if name != "provider_specific_fields"}


class Pieces:
    """A stream of either chat or texts, put together from what the program gets."""

    def __init__(self) -> None:
        self.complete = False
        self._chunks = chat.Chunks()

    def event(self, data: Mapping[str, Any]) -> int | None:
        """Take one piece; give the characters of generated text in it, None when it is not about any."""
        choices = [_choice(mapping(choice)) for choice in sequence(data.get("choices"))]
        return self._chunks.event({**data, "usage": None, "choices": choices})

    def answer(self) -> Answer:
        """What has been said so far, but for the tokens."""
        answer = self._chunks.answer()
        answer.messages = [_plain(mapping(message)) for message in answer.messages or []]
        return answer


def _choice(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    if "text" not in choice:
        return choice
    return {**choice, "delta": {"content": choice["text"]}}


def usage_of(told: Iterable[object]) -> Usage:
    """Tokens, of one answer or of the pieces of a stream, whose later ones count where they say a number."""
    found: dict[str, int] = {}
    for usage in told:
        details = getattr(usage, "prompt_tokens_details", None)
        thought = getattr(usage, "completion_tokens_details", None)
        numbers = {
            "input": getattr(usage, "prompt_tokens", None),
            "output": getattr(usage, "completion_tokens", None),
            "cache_read": getattr(details, "cached_tokens", None),
            "cache_write": getattr(usage, "cache_creation_input_tokens", None)
            or getattr(details, "cache_creation_tokens", None),
            "reasoning": getattr(thought, "reasoning_tokens", None),
        }
        found.update({name: number for name, number in numbers.items() if type(number) is int and number > 0})
    if found.get("input"):  # nobody asks with nothing: without it nothing was told
        found.setdefault("output", 0)
    return Usage(**found)


def facts_of(result: object, usage: Usage) -> dict[str, Any]:
    """What LiteLLM knows about a call that was answered: whose service it was, and what it cost."""
    about = hidden(result)
    facts = whose(about.get("custom_llm_provider"), about.get("api_base"))
    facts.update(_request_id(about.get("additional_headers")))
    cost = about.get("response_cost")
    if isinstance(cost, int | float) and (cost > 0 or usage.input):
        facts[REPORTED] = float(cost)
    return facts


def _request_id(headers: Any) -> dict[str, Any]:
    """The server's own name for the exchange, as an attribute."""
    names = _REQUEST_IDS if hasattr(headers, "get") else ()
    found = next((name for header in names if (name := text(headers.get(header)))), "")
    return {REQUEST_ID: found} if found else {}


def whose(provider: object, address: object) -> dict[str, Any]:
    """Who serves a call, and where, as attributes."""
    facts: dict[str, Any] = {}
    if name := provider_of(text(provider)):
        facts[genai.PROVIDER] = name
    if text(address):
        place = urlsplit(text(address))
        try:
            port = place.port
        except ValueError:  # no number
            port = None
        facts |= {genai.SERVER_ADDRESS: place.hostname} if place.hostname else {}
        facts |= {genai.SERVER_PORT: port} if port is not None else {}
    return facts


def facts_of_error(error: BaseException) -> dict[str, Any]:
    """What an exception tells of a refusal: the status code, and the provider's own word for it."""
    facts = whose(getattr(error, "llm_provider", None), None)
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and status >= _LEAST_REFUSAL and _was_answered(error):
        facts[STATUS_CODE] = status
        facts[genai.ERROR_TYPE] = _word(error) or str(status)
    facts.update(_request_id(getattr(error, "litellm_response_headers", None)))
    return facts


def _was_answered(error: BaseException) -> bool:
    """Whether there was an answer: what got none is given a status code as well."""
    return not any(
        getattr(seen, "status_code_is_synthesized", False) is True
        or any(base.__name__ in _UNANSWERED for base in type(seen).__mro__)
        for seen in _behind(error)
    )


def _behind(error: BaseException) -> Iterator[BaseException]:
    """An exception and those because of which it was raised, the last one first."""
    seen: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__


def _word(error: BaseException) -> str:
    """The provider's word for an error, from whichever of the exceptions behind each other has it."""
    for seen in _behind(error):
        for body in (getattr(seen, "body", None), _decoded(getattr(seen, "message", None))):
            inner = mapping(mapping(body).get("error") or body)
            if word := text(inner.get("type")) or text(inner.get("code")) or text(inner.get("status")):
                return word
    return ""


def _decoded(message: object) -> object:
    """A message that is the answer's body, as several providers' have it."""
    try:
        return msgspec.json.decode(text(message))
    except (msgspec.DecodeError, UnicodeError):
        return None


def model_of(given: Mapping[str, Any], providers: Iterable[object]) -> tuple[str, str]:
    """The name of the model that is asked, and LiteLLM's name of its provider; empty where it says none."""
    model = text(given.get("model"))
    if provider := text(given.get("custom_llm_provider")):
        return model.removeprefix(f"{provider}/"), provider
    first, slash, rest = model.partition("/")
    if slash and any(first == str(getattr(one, "value", one)) for one in providers):
        return rest, first
    return model, ""
