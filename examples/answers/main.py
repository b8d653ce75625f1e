"""Answers questions about Python from the documentation strings of the standard library.

    python examples/answers/main.py "How do I read a CSV file?"
    flightlog run --tree examples/answers/main.py

Nothing in it is staged and nothing is downloaded: it reads a few hundred files, half of them in a child process,
indexes what they say, searches in three ways at once, and quotes the best passages. Threads, asyncio tasks and
the child process end up in one trace, each span under the one that caused it.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import tempfile
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from composing import compose, source_of
from history import Housekeeping, remember
from library import Library, build_library
from question import Vocabulary, rewrite
from ranking import rerank
from retrieval import retrieve
from sources import Passage, Source, find_sources, read_share

import flightlog as fl

QUESTIONS: Final = (
    "How do I copy a whole folder?",
    "How do I make a temporary folder?",
)
"""Asked when the user asks nothing."""
SHARES: Final = 6
"""Half of them are read here, half in the child process."""


class Assistant:
    """Answers questions from one library, and keeps a history of them."""

    def __init__(self, library: Library, vocabulary: Vocabulary, history: Path) -> None:
        self._library = library
        self._vocabulary = vocabulary
        self._history = history

    async def answer(self, question: str, housekeeping: Housekeeping) -> str:
        """Rewrite, search, order, note down, compose."""
        with fl.span("answer_question", kind="agent", input={"question": question}) as span:
            terms = await asyncio.to_thread(rewrite, question, self._vocabulary)
            candidates = await retrieve(self._library, terms) if terms else []
            best = rerank(candidates, terms)
            sources = [source_of(one.candidate.passage) for one in best]
            await remember(self._history, question, sources, housekeeping)
            span.output = answer = compose(question, best, terms)
            span.set(sources=sources)
        return answer


async def collect() -> list[Passage]:
    """Read all files: some in a thread of this process, some in a child process, at the same time."""
    with (
        fl.span("collect_passages", kind="step") as span,
        ThreadPoolExecutor(1, thread_name_prefix="reader") as thread,
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as child,
    ):
        sources = find_sources()
        loop = asyncio.get_running_loop()
        workers: list[Executor] = [child, thread]
        shares: list[Sequence[Source]] = [sources[start::SHARES] for start in range(SHARES)]
        read = await asyncio.gather(
            *(
                loop.run_in_executor(workers[number % len(workers)], read_share, share)
                for number, share in enumerate(shares)
            )
        )
        passages = sorted(passage for share in read for passage in share)
        span.set(files=len(sources), passages=len(passages))
    return passages


async def answer_all(questions: Sequence[str], directory: Path) -> None:
    """Answer one question after the other, and print each answer as soon as it is there."""
    passages = await collect()
    library = build_library(directory / "library.db", passages)
    assistant = Assistant(library, Vocabulary(library, len(passages)), directory / "history.db")
    housekeeping = Housekeeping(directory / "history.db")
    try:
        for number, question in enumerate(questions):
            fl.event("loop", i=number, n=len(questions))
            with fl.bind(turn=number + 1):
                print(await assistant.answer(question, housekeeping), end="\n\n", flush=True)
    finally:
        housekeeping.close()


def main() -> None:
    """Ask what the command line asks, or the questions above."""
    parser = argparse.ArgumentParser(description="Answer questions about Python from its own documentation.")
    parser.add_argument("question", nargs="*", help="one or more, each in quotes", default=QUESTIONS)
    questions = parser.parse_args().question
    with (
        tempfile.TemporaryDirectory(prefix="answers-") as directory,
        fl.bind(session="answers", user="reader"),
        fl.span("answers", kind="workflow", input={"questions": questions}),
    ):
        asyncio.run(answer_all(questions, Path(directory)))


if __name__ == "__main__":
    main()
