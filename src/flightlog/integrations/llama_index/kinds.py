"""What the objects and methods of LlamaIndex are: which kind of work, or nothing that is worth a span.

Source: the base classes of `llama-index-core` 0.14 and `llama-index-workflows` 2, known by name, so that none of them
is imported for it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Final

MODEL: Final = "model"
EMBEDDER: Final = "embedder"
RETRIEVER: Final = "retriever"
ENGINE: Final = "engine"
TOOL: Final = "tool"
RANKER: Final = "ranker"
SYNTHESIZER: Final = "synthesizer"
SPLITTER: Final = "splitter"
AGENT: Final = "agent"
WORKFLOW: Final = "workflow"

_FAMILIES: Final[Mapping[str, str]] = {
    "BaseLLM": MODEL,
    "BaseEmbedding": EMBEDDER,
    "BaseSparseEmbedding": EMBEDDER,
    "BaseRetriever": RETRIEVER,
    "BaseQueryEngine": ENGINE,
    "BaseChatEngine": ENGINE,
    "BaseTool": TOOL,
    "BaseNodePostprocessor": RANKER,
    "BaseSynthesizer": SYNTHESIZER,
    "TextSplitter": SPLITTER,
    "BaseWorkflowAgent": AGENT,
    "AgentWorkflow": AGENT,
    "Workflow": WORKFLOW,
}
"""Base classes, and what is made of them."""

_OURS: Final = ("llama_index.", "workflows.", "workflows")

STREAMS: Final = ("stream_chat", "astream_chat", "stream_complete", "astream_complete")
"""Methods of a model that give its answer in pieces."""
_CALLS: Final = frozenset({*STREAMS, "chat", "achat", "complete", "acomplete"})
LAZY: Final = ("get_response", "aget_response")
"""Methods of a synthesizer that may do their work while what they gave is read."""
_EMBEDS: Final = frozenset(
    f"{way}get_{what}"
    for way in ("", "a")
    for what in ("query_embedding", "text_embedding", "text_embedding_batch")
)

_KINDS: Final[Mapping[str, tuple[frozenset[str], str]]] = {
    MODEL: (_CALLS, "llm"),
    EMBEDDER: (_EMBEDS, "embedding"),
    RETRIEVER: (frozenset({"retrieve", "aretrieve"}), "retrieval"),
    ENGINE: (
        frozenset({"query", "aquery", "chat", "achat", "stream_chat", "astream_chat"}),
        "workflow",
    ),
    TOOL: (frozenset({"call", "acall", "__call__"}), "tool"),
    AGENT: (frozenset({"run"}), "agent"),
    WORKFLOW: (frozenset({"run"}), "workflow"),
}
"""Of each family the methods that are more than a step, and what they are."""


def family_of(kind: Any) -> str:
    """What is made of a class; empty for whatever else the dispatcher tells of."""
    return _family(kind)


@functools.lru_cache(maxsize=1_000)
def _family(kind: Any) -> str:
    for base in kind.__mro__:
        family = _FAMILIES.get(base.__name__)
        if family is not None and base.__module__.startswith(_OURS):
            return family
    return ""


def kind_of(instance: object, method: str) -> str:
    """The kind of a method's span; empty for one that is not worth any.

    Args:
        instance: the object; None for a function, such as a workflow's step.
        method: the name of the method or function.
    """
    if instance is None:
        return "step"
    family = family_of(type(instance))
    if family == SPLITTER or (family in {MODEL, EMBEDDER} and method.startswith("_")):
        return ""
    if family == RANKER:
        return "rerank" if "rerank" in type(instance).__name__.lower() else "step"
    methods, kind = _KINDS.get(family, (frozenset(), ""))
    return kind if method in methods else "step"
