"""How much of what goes in and out is recorded: the content policy.

Written like `all,llm=metadata`: one default, then kinds. Under `metadata` a span has everything but its input and
output: names, times, status, errors, attributes, tokens. It says so itself (`WITHHELD`), so that a reader can tell
an input that was withheld from one that was never there.
"""

from __future__ import annotations

from typing import Final

METADATA: Final = "metadata"

WITHHELD: Final = "flightlog.content"
"""The attribute of a span whose input or output was not recorded; its value is the policy."""


CALLS: Final = "function"
"""The kind of work whose policy holds for arguments and results that are told outside any span's input and output."""


_keeps_vectors = False


def keep_vectors(kept: bool) -> None:
    """Say whether the vectors of embeddings are kept from now on."""
    global _keeps_vectors  # noqa: PLW0603 - one policy a process, as there is one engine
    _keeps_vectors = kept


def keeps_vectors() -> bool:
    """Whether the vectors of embeddings are kept: numbers by the thousand, which only a rerun wants."""
    return _keeps_vectors


class Content:
    """A policy that withholds something."""

    __slots__ = ("_by_kind", "_default")

    def __init__(self, *, default: bool, by_kind: dict[str, bool]) -> None:
        self._default = default
        self._by_kind = by_kind

    def withholds(self, kind: str) -> bool:
        """Whether inputs and outputs of this kind of work stay out of the record."""
        return self._by_kind.get(kind, self._default)


def content_from(text: str) -> Content | None:
    """Read a policy as the setting has it; None when it withholds nothing."""
    default = False
    by_kind: dict[str, bool] = {}
    for part in filter(None, text.split(",")):
        kind, _, policy = part.rpartition("=")
        if kind.strip():
            by_kind[kind.strip()] = policy.strip() == METADATA
        else:
            default = policy.strip() == METADATA
    return Content(default=default, by_kind=by_kind) if default or True in by_kind.values() else None
