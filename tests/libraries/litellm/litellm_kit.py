"""How the tests of LiteLLM ask: of the provider's process, in OpenAI's language and in Anthropic's, in both ways."""

from __future__ import annotations

import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it asks a server on the internet for prices

import litellm

litellm.suppress_debug_info = True

GPT = "openai/gpt-4o"
CLAUDE = "anthropic/claude-sonnet-4-5"

FUNCTIONS = {
    "completion": litellm.completion,
    "acompletion": litellm.acompletion,
    "text_completion": litellm.text_completion,
    "responses": litellm.responses,
    "aresponses": litellm.aresponses,
    "embedding": litellm.embedding,
    "aembedding": litellm.aembedding,
    "router": litellm.Router.acompletion,
}
"""As they are without us."""


def at(talk, model=GPT, **more):
    """What a call is given to reach the provider, told apart from all other tests."""
    options = talk.options()
    base = options["base_url"] if model.startswith("openai/") else talk.url
    return {
        "model": model,
        "api_base": base,
        "api_key": "nobody",
        "extra_headers": options["default_headers"],
    } | more


def models(seen):
    """The spans that count as calls of a model."""
    return [span for span in seen.spans if span.kind in {"llm", "embedding"}]


def tokens(seen):
    """All the tokens that count, in and out."""
    told = [
        (
            span.attributes.get("gen_ai.usage.input_tokens", 0),
            span.attributes.get("gen_ai.usage.output_tokens", 0),
        )
        for span in seen.spans
    ]
    return sum(one for one, _ in told), sum(two for _, two in told)
