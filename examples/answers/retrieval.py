"""Several searches at once: an asyncio task for each way to search, a thread for each query."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from library import Hit, Library, Way
from question import Term
from sources import Passage

import flightlog as fl

WAYS: Final[tuple[Way, ...]] = ("near", "all", "names")


class Candidate(NamedTuple):
    """A passage that may answer the question."""

    passage: Passage
    weight: float
    """The greatest weight that a search gave it."""
    found_by: object
    """The span of the search that gave it this weight."""


async def retrieve(library: Library, terms: Sequence[Term]) -> list[Candidate]:
    """Search in every way at once; each passage comes back once."""
    words = [term.word for term in terms]
    with fl.span("retrieve", kind="retrieval", input={"words": words}) as span:
        async with asyncio.TaskGroup() as group:
            searches = [group.create_task(_search(library, way, words), name=f"search-{way}") for way in WAYS]
        candidates = _best_of_each([candidate for search in searches for candidate in search.result()])
        span.set(candidates=len(candidates))
    return candidates


async def _search(library: Library, way: Way, words: list[str]) -> list[Candidate]:
    """Search in one way; the query runs in a thread, and its span is still a child of this one."""
    with fl.span(f"search_{way}", kind="retrieval") as span:
        hits: list[Hit] = await asyncio.to_thread(library.search, way, words)
        if not hits and len(words) > 2:
            fl.event("fallback", error=f"no passage has all of: {' '.join(words)}")
            hits = await asyncio.to_thread(library.search, way, words[:2])  # the rarest words say most
        span.output = [hit.passage.name for hit in hits]
    return [Candidate(hit.passage, hit.weight, span) for hit in hits]


def _best_of_each(candidates: Sequence[Candidate]) -> list[Candidate]:
    best: dict[tuple[str, int], Candidate] = {}
    for candidate in candidates:
        place = (candidate.passage.module, candidate.passage.line)
        if place not in best or candidate.weight > best[place].weight:
            best[place] = candidate
    return list(best.values())
