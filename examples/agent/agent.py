"""The loop: ask the model, run the tools it calls, tell it what they said, until it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from openai import OpenAI
from tools import Toolbox

import flightlog as fl

MOST_ROUNDS: Final = 6
INSTRUCTIONS: Final = (
    "You answer questions about Python's standard library from its own documentation. Use the tools, several at"
    " once where that helps, and answer in a few lines with nothing but what they told you."
)


class Agent:
    """One conversation."""

    def __init__(self, client: OpenAI, model: str, toolbox: Toolbox, show: Callable[[str], None]) -> None:
        self._client = client
        self._model = model
        self._toolbox = toolbox
        self._show = show
        self._messages: list[dict[str, Any]] = [{"role": "system", "content": INSTRUCTIONS}]

    @fl.traced(name="answer", kind="agent")
    def answer(self, question: str) -> str:
        """Answer one question, with everything before it in mind."""
        self._messages.append({"role": "user", "content": question})
        fl.prompt_built({"instructions": INSTRUCTIONS, "question": question})
        for number in range(MOST_ROUNDS):
            fl.event("loop", i=number, n=MOST_ROUNDS)
            text, calls = self._ask()
            if not calls:
                self._messages.append({"role": "assistant", "content": text})
                return text
            self._messages.append({"role": "assistant", "content": text or None, "tool_calls": calls})
            self._messages.extend(self._run(calls))
        fl.event("budget", level="warn", limit="rounds", value=MOST_ROUNDS)
        return "I gave up: the tools were called too often."

    def _ask(self) -> tuple[str, list[dict[str, Any]]]:
        """One call of the model: the text it streams, shown as it comes, and the tools it wants called."""
        stream: Iterable[Any] = self._client.chat.completions.create(
            model=self._model,
            messages=self._messages,  # type: ignore[arg-type]  # plain dictionaries are what is sent
            tools=self._toolbox.descriptions,  # type: ignore[arg-type]  # as above
            temperature=0.0,
            stream=True,
            stream_options={"include_usage": True},
        )
        text = ""
        calls: dict[int, dict[str, Any]] = {}
        for chunk in stream:
            for choice in chunk.choices:
                if choice.delta.content:
                    text += choice.delta.content
                    self._show(choice.delta.content)
                for part in choice.delta.tool_calls or ():
                    _add(calls.setdefault(part.index, {}), part)
        return text, [calls[place] for place in sorted(calls)]

    def _run(self, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Run all calls at the same time; the answers stand in the order of the calls."""
        with ThreadPoolExecutor(len(calls), thread_name_prefix="tool") as pool:
            answers = pool.map(lambda call: self._toolbox.call(**call["function"]), calls)
            return [
                {"role": "tool", "tool_call_id": call["id"], "content": answer}
                for call, answer in zip(calls, answers, strict=True)
            ]


def _add(call: dict[str, Any], part: Any) -> None:
    """Put a piece of a tool call where it belongs: id and name come once, the arguments in pieces."""
    function = call.setdefault("function", {"name": "", "arguments": ""})
    call["type"] = "function"
    if part.id:
        call["id"] = part.id
    function["name"] += part.function.name or ""
    function["arguments"] += part.function.arguments or ""
