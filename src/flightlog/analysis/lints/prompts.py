"""A lint about prompts: what changes from call to call stands before what stays, so no provider can cache it.

Providers charge a fraction for the beginning of a prompt that they have seen before, up to the first character that
differs. A date or an id at the top of the instructions makes every call pay in full.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, takewhile
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct

from flightlog.analysis.lints.finding import Finding, evidence
from flightlog.analysis.messages import conversation
from flightlog.analysis.tree import Node, Tree, walk
from flightlog.analysis.wording import Piece, Sign, compared, same_start
from flightlog.records import genai
from flightlog.records.callfacts import models

LEAST: Final = 4096
"""Characters of a prompt below which providers cache nothing: about 1,024 tokens."""

_FIRST: Final = ("tools", "system", "instructions")
"""What providers put before the messages, in their order."""
_SHOWN: Final = 24
_RUN: Final = 64
"""Characters in a row from which on it is no chance that two texts share them."""

Pieces = Sequence[tuple[str, str]]
"""The parts of a prompt in the order in which a provider reads them, each with what it is called."""


class Break(Struct, frozen=True):
    """Where two prompts that have much in common first differ."""

    piece: str
    at: int
    """Characters of that piece that are the same."""
    before: str
    after: str
    kept: int
    """Characters in front, which can be cached."""
    lost: int
    """Characters behind that are the same in both, and cannot."""


def broken_cache_prefix(tree: Tree) -> Iterator[Finding]:
    """Calls of one model whose prompts differ at the top and agree below."""
    series: dict[tuple[str, str], list[Node]] = {}
    for node in sorted(walk(tree), key=lambda node: (node.start, node.span_id)):
        if node.kind == "llm":
            model = next(iter(models(node.attributes)), "")
            series.setdefault((node.name, model), []).append(node)
    for (name, _), calls in series.items():
        broken: dict[str, Node] = {}
        worst: Break | None = None
        for first, second in pairwise(calls):
            found = _broken(first, second)
            if found is not None:
                broken.update({first.span_id: first, second.span_id: second})
                worst = found if worst is None or found.lost > worst.lost else worst
        if worst is not None:
            yield _finding(name, worst, list(broken.values()))


def _finding(name: str, worst: Break, nodes: Sequence[Node]) -> Finding:
    spans, count = evidence(nodes)
    change = f": {worst.before!r} became {worst.after!r}" if worst.before or worst.after else ""
    return Finding(
        lint="broken-cache-prefix",
        severity="warning",
        name=name,
        text=(
            f"the prompts of {name} first differ in {worst.piece}, after {worst.kept:,} characters{change}; "
            f"{worst.lost:,} characters behind it are the same and cannot come from the provider's cache"
        ),
        advice="put what changes (dates, ids, the question) behind what stays (instructions, tools, examples)",
        spans=spans,
        count=count,
    )


def _broken(first: Node, second: Node) -> Break | None:
    read = second.attributes.get(genai.CACHE_READ_TOKENS)
    whole = second.attributes.get(genai.INPUT_TOKENS)
    if isinstance(read, int) and isinstance(whole, int) and read * 2 >= whole > 0:
        return None  # most of it did come from the cache
    return _by_text(_pieces(first.record.input), _pieces(second.record.input)) or _by_hash(first, second)


def _by_text(mine: Pieces, theirs: Pieces) -> Break | None:
    if min(sum(len(text) for _, text in pieces) for pieces in (mine, theirs)) < LEAST:
        return None
    kept = 0
    for place, (ours, other) in enumerate(zip(mine, theirs, strict=False)):
        if ours == other:
            kept += len(ours[1])
            continue
        at = _word_start(ours[1], same_start(ours[1], other[1]))
        rest = compared(ours[1][at:], other[1][at:])
        behind = zip(mine[place + 1 :], theirs[place + 1 :], strict=False)
        lost = sum(len(left[1]) for left, right in behind if left == right)
        lost += sum(len(piece.text) for piece in rest if piece.sign == "=" and len(piece.text) >= _RUN)
        if lost < LEAST or kept + at >= lost:
            return None
        return Break(ours[0], at, _first(rest, "-"), _first(rest, "+"), kept + at, lost)
    return None


def _by_hash(first: Node, second: Node) -> Break | None:
    """The same from what `prompt_built` told: hashes and sizes of parts, in the order of the prompt."""
    mine, theirs = _components(first), _components(second)
    if list(mine) != list(theirs):
        return None
    kept = lost = 0
    changed = ""
    for name, (digest, size) in mine.items():
        if digest != theirs[name][0]:
            changed = changed or f"its part {name}"
        elif changed:
            lost += size
        else:
            kept += size
    return Break(changed, 0, "", "", kept, lost) if lost >= LEAST and kept < lost else None


def _components(node: Node) -> dict[str, tuple[str, int]]:
    """Each part's hash and size, as the last `prompt` event of a call told them."""
    told = next((event.attributes for event in reversed(node.events) if event.name == "prompt"), {})
    components, sizes = told.get("components"), told.get("sizes")
    if not isinstance(components, Mapping) or not isinstance(sizes, Mapping):
        return {}
    found = ((str(name), str(digest), sizes.get(name)) for name, digest in components.items())
    return {name: (digest, size if isinstance(size, int) else 0) for name, digest, size in found}


def _pieces(value: Any) -> Pieces:
    if value is UNSET or value is None:
        return []
    said = conversation(value)
    if said is None:
        rest = value if isinstance(value, dict) else {"the prompt": value}
        return [(name, _plain(item)) for name, item in rest.items()]
    ahead = [(name, _plain(said.rest[name])) for name in _FIRST if name in said.rest]
    messages = [
        (f"message {place} ({message.role})", message.text) for place, message in enumerate(said.messages, 1)
    ]
    return [*ahead, *messages]


def _word_start(text: str, at: int) -> int:
    """Where the word begins that a place is in."""
    start = at
    while start and at - start < _SHOWN and text[start - 1].isalnum():
        start -= 1
    return start


def _first(pieces: Sequence[Piece], sign: Sign) -> str:
    """What the first difference is on one side, shortened."""
    change = takewhile(lambda piece: piece.sign != "=", pieces)
    part = "".join(piece.text for piece in change if piece.sign == sign)
    return part if len(part) <= _SHOWN else part[:_SHOWN] + "…"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
