"""An agent that answers questions about Python with tools: the real `openai` client, streaming, in a conversation.

    python examples/agent/main.py "How do I copy a whole folder?"
    flightlog run --tree examples/agent/main.py

With OPENAI_API_KEY or OPENAI_BASE_URL set it talks to that; otherwise it starts `provider.py` on loopback, which
follows rules instead of being a model. Tools, databases, failures and retries are real either way.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from documents import build_library, collect, start_catalogue
from openai import OpenAI
from tools import Toolbox

import flightlog as fl
from agent import Agent

QUESTIONS: Final = (
    "Which module has the most functions?",
    "How do I copy a whole folder, and how do I make a temporary folder?",
    "Where is that documented?",
)
"""A conversation: a query that fails first, two searches at once, and a question that needs what came before."""
MODEL: Final = "gpt-4.1-mini"
RULES: Final = "rules-1"
"""What the provider on loopback calls itself."""


@contextmanager
def client() -> Iterator[tuple[OpenAI, str]]:
    """The client and the model to ask: what the environment names, else a provider of our own."""
    if os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL"):
        with OpenAI(api_key=os.environ.get("OPENAI_API_KEY") or "none") as real:
            print(f"answered by the provider at {real.base_url}")
            yield real, MODEL
        return
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("provider.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as provider:
        assert provider.stdin is not None
        assert provider.stdout is not None
        try:
            with OpenAI(base_url=provider.stdout.readline().strip(), api_key="none") as ours:
                print("answered by rules on loopback: OPENAI_API_KEY and OPENAI_BASE_URL are not set")
                yield ours, RULES
        finally:
            provider.stdin.close()


def converse(questions: Sequence[str], model: str, directory: Path) -> None:
    """Ask one question after the other; each answer is printed as it is streamed."""
    passages, sources = collect()
    library = build_library(directory / "library.db", passages)
    catalogue = start_catalogue(directory / "modules.db", sources)
    toolbox = Toolbox(library, passages, directory / "modules.db")
    with client() as (provider, default):
        agent = Agent(provider, model or default, toolbox, lambda text: print(text, end="", flush=True))
        for number, question in enumerate(questions, 1):
            print(f"\n> {question}")
            with fl.turn(number):
                agent.answer(question)
            print()
    catalogue.join()


def main() -> None:
    """Ask what the command line asks, or the questions above."""
    parser = argparse.ArgumentParser(description="Ask an agent about Python's standard library.")
    parser.add_argument("question", nargs="*", help="one or more, each in quotes", default=QUESTIONS)
    parser.add_argument("--model", default="", help=f"the model to ask (default: {MODEL})")
    given = parser.parse_args()
    fl.instrument("openai")
    with (
        tempfile.TemporaryDirectory(prefix="agent-") as directory,
        fl.session("agent"),
        fl.bind(user="reader"),
        fl.span("conversation", kind="workflow", input={"questions": given.question}),
    ):
        converse(given.question, given.model, Path(directory))


if __name__ == "__main__":
    main()
