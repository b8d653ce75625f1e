"""One prompt sent to a model, for `flightlog demo --model`: the real client, streaming, recorded as it is used."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import click

import flightlog as fl
from flightlog.cli.render.safe import clean
from flightlog.records.errors import BadQuestion, MissingExtra

if TYPE_CHECKING:
    from openai import OpenAI

MODEL: Final = "gpt-4.1-mini"
"""Asked when the user names none."""

PROVIDER: Final = ("OPENAI_API_KEY", "OPENAI_BASE_URL")
"""One of these says where the prompt goes."""


def is_configured() -> bool:
    """Whether the environment names a provider."""
    return any(os.environ.get(name) for name in PROVIDER)


def check() -> None:
    """See that a model can be asked, before anything is recorded.

    Raises:
        BadQuestion: no provider is configured.
        MissingExtra: the client is not installed.
    """
    if not is_configured():
        raise BadQuestion(
            f"no provider is configured: set {' or '.join(PROVIDER)}, or leave out --model to ask Python's own"
            " documentation"
        )
    if find_spec("openai") is None:
        raise MissingExtra("openai", "asking a model")


def ask(prompt: str, model: str, show: Callable[[str], object]) -> str:
    """Send the prompt, hand on the answer piece by piece, and return all of it.

    Raises:
        click.ClickException: the provider did not answer.
    """
    import openai  # 0.5 s, and only for this

    fl.instrument("openai")
    try:
        with openai.OpenAI(api_key=os.environ.get("OPENAI_API_KEY") or "none") as client:
            return _streamed(client, prompt, model, show)
    except openai.OpenAIError as error:
        raise click.ClickException(clean(f"{model} did not answer: {error}")) from error


@fl.traced(name="ask_model", kind="agent", ignore=("client", "show"))
def _streamed(client: OpenAI, prompt: str, model: str, show: Callable[[str], object]) -> str:
    answer = ""
    for chunk in client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": prompt}],
        stream=True,
        stream_options={"include_usage": True},
    ):
        for choice in chunk.choices:
            if choice.delta.content:
                answer += choice.delta.content
                show(choice.delta.content)
    return answer
