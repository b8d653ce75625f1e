"""Generated contents: what answers say, whole or in chunks; and the conversation that is sent.

Google's contents are roles with parts. They are kept as the messages that all conversations are kept as
(`dialects/messages.py`): texts, thoughts, calls of functions and their results, media by their addresses; a part that
has no place there stays as it is. Signatures of thoughts are no content and are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from flightlog.dialects.messages import messages
from flightlog.integrations.stainless.answer import Answer, Usage, count, mapping, sequence, text
from flightlog.records import genai

MOST_CHARACTERS: Final = 1 << 20
"""Of a streamed answer as much is put together; what comes after is only counted."""

BLOCK_REASON: Final = genai.RESPONSE + "block_reason"
"""Why the prompt itself was refused, in the provider's words; there is no answer then, and no exception."""
TOOL_USE_TOKENS: Final = genai.RESPONSE + "tool_use_prompt_tokens"
"""Of the tokens that went in, those of what the provider's own tools found."""

_UNITS: Final[Mapping[tuple[str, str], str]] = {
    ("promptTokensDetails", "AUDIO"): "input_audio_tokens",
    ("promptTokensDetails", "IMAGE"): "input_image_tokens",
    ("candidatesTokensDetails", "AUDIO"): "output_audio_tokens",
    ("candidatesTokensDetails", "IMAGE"): "output_image_tokens",
    ("cacheTokensDetails", "AUDIO"): "cache_audio_read_tokens",
}
"""Member of `usageMetadata` and modality, to what price lists call it."""


def conversation(body: Mapping[str, Any]) -> list[Any]:
    """What is sent, its instructions first."""
    system = messages(body.get("systemInstruction"), role="system") or []
    instructions = [{**one, "role": "system"} if isinstance(one, dict) else one for one in system]
    return [*instructions, *(messages(body.get("contents")) or [])]


def read(body: Mapping[str, Any]) -> Answer:
    """Read a whole answer."""
    usage = mapping(body.get("usageMetadata"))
    candidates = [mapping(one) for one in sequence(body.get("candidates"))]
    answer = Answer(
        model=text(body.get("modelVersion")),
        id=text(body.get("responseId")),
        finish=[reason.lower() for one in candidates if (reason := text(one.get("finishReason")))],
        messages=[_said(mapping(one.get("content"))) for one in candidates],
        usage=_usage(usage),
        attributes=_used(usage),
    )
    if reason := text(mapping(body.get("promptFeedback")).get("blockReason")):
        answer.attributes[BLOCK_REASON] = reason
        answer.finish = answer.finish or [reason.lower()]
    return answer


def _said(content: Mapping[str, Any]) -> Any:
    said = messages({"role": "model", "parts": sequence(content.get("parts"))}, role="assistant")
    return said[0] if said else {"role": "assistant", "content": None}


def _usage(usage: Mapping[str, Any]) -> Usage:
    """Tokens; the API leaves what its tools found out of the prompt's, and thoughts out of the answer's."""
    sent, found = count(usage, "promptTokenCount"), count(usage, "toolUsePromptTokenCount")
    said, thought = count(usage, "candidatesTokenCount"), count(usage, "thoughtsTokenCount")
    return Usage(
        input=None if sent is None else sent + (found or 0),
        output=None if said is None and thought is None else (said or 0) + (thought or 0),
        cache_read=count(usage, "cachedContentTokenCount"),
        reasoning=thought,
    )


def _used(usage: Mapping[str, Any]) -> dict[str, Any]:
    """What else is said of what was used."""
    used: dict[str, Any] = {}
    for (member, modality), unit in _UNITS.items():
        for one in map(mapping, sequence(usage.get(member))):
            if one.get("modality") == modality and (told := count(one, "tokenCount")):
                used[genai.USAGE + unit] = told
    if (found := count(usage, "toolUsePromptTokenCount")) is not None:
        used[TOOL_USE_TOKENS] = found
    if tier := text(usage.get("trafficType")):
        used[genai.RESPONSE + "traffic_type"] = tier
    return used


class Chunks:
    """A streamed answer, put together from its chunks."""

    def __init__(self) -> None:
        self.complete = False
        self._head: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._candidates: dict[int, _Candidate] = {}
        self._room = MOST_CHARACTERS

    def event(self, data: Mapping[str, Any]) -> int | None:
        """Take one chunk; give the characters of generated text in it, None when it is not about any."""
        self._head.update(
            (name, data[name]) for name in ("modelVersion", "responseId", "promptFeedback") if data.get(name)
        )
        told = mapping(data.get("usageMetadata")).items()
        self._usage.update((name, value) for name, value in told if value is not None)
        size: int | None = None
        for one in map(mapping, sequence(data.get("candidates"))):
            into = self._candidates.setdefault(count(one, "index") or 0, _Candidate())
            taken = into.take(one, keep=self._room > 0)
            if taken is not None:
                size = (size or 0) + taken
        self._room -= size or 0
        self.complete = bool(self._candidates) and all(one.finish for one in self._candidates.values())
        return size

    def answer(self) -> Answer:
        """What has been said so far."""
        candidates = [one.whole() for _, one in sorted(self._candidates.items())]
        if not self.complete:  # each chunk tells what came out until then; what it comes to is not known
            for name in ("candidatesTokenCount", "thoughtsTokenCount", "candidatesTokensDetails"):
                self._usage.pop(name, None)
        return read({**self._head, "candidates": candidates, "usageMetadata": self._usage})


class _Candidate:
    """One candidate of a streamed answer."""

    def __init__(self) -> None:
        self.finish = ""
        self._parts: list[tuple[Mapping[str, Any], list[str]]] = []
        """Each part without its text, and the pieces of that."""

    def take(self, one: Mapping[str, Any], *, keep: bool) -> int | None:
        """Take this candidate's part of a chunk; give its characters, None when it generates nothing."""
        self.finish = text(one.get("finishReason")) or self.finish
        size: int | None = None
        for part in map(mapping, sequence(mapping(one.get("content")).get("parts"))):
            piece = part.get("text")
            if isinstance(piece, str):
                size = (size or 0) + len(piece) if piece else size
            elif called := mapping(part.get("functionCall")):
                size = (size or 0) + len(msgspec.json.encode(called.get("args")))
            if keep:
                self._keep(part, piece)
        return size

    def _keep(self, part: Mapping[str, Any], piece: object) -> None:
        if not isinstance(piece, str):
            self._parts.append((part, []))
            return
        rest = {name: value for name, value in part.items() if name not in {"text", "thoughtSignature"}}
        if self._parts and self._parts[-1][1] and self._parts[-1][0] == rest:
            self._parts[-1][1].append(piece)
        elif piece:
            self._parts.append((rest, [piece]))

    def whole(self) -> dict[str, Any]:
        """The candidate so far, in the shape of one that is served whole."""
        parts = [{**rest, "text": "".join(pieces)} if pieces else dict(rest) for rest, pieces in self._parts]
        return {"content": {"parts": parts}, "finishReason": self.finish}
