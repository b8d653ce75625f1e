"""What the engine is told when recording starts."""

from __future__ import annotations

from collections.abc import Callable

from flightlog.core.capture import Limits
from flightlog.core.content import Content
from flightlog.core.context import Remote
from flightlog.core.ports import Gate


class Plan:
    """What `install` is given: everything the engine needs to know about its surroundings."""

    __slots__ = (
        "content",
        "count",
        "gate",
        "journal",
        "limits",
        "line_bytes",
        "open_spans",
        "origin",
        "ratio",
        "vectors",
        "write",
    )

    def __init__(
        self,
        *,
        gate: Gate,
        write: Callable[[bytes], object],
        count: Callable[[str], object],
        journal: object = None,
        limits: Limits,
        ratio: float = 1.0,
        line_bytes: int = 1024 * 1024,
        open_spans: int = 100_000,
        origin: Remote | None = None,
        content: Content | None = None,
        vectors: bool = False,
    ) -> None:
        self.gate = gate
        self.write = write
        """Takes one framed line: 0x1E, JSON, LF."""
        self.count = count
        """Takes the name of a loss."""
        self.journal = journal
        """Has, as its `append`, what takes a line without any further step, and changes; None where there is none."""
        self.limits = limits
        self.ratio = ratio
        self.line_bytes = line_bytes
        self.open_spans = open_spans
        self.origin = origin
        """The parent of this process's own roots, if it was started on behalf of a span elsewhere."""
        self.content = content
        """What is withheld of inputs and outputs; None for nothing."""
        self.vectors = vectors
        """Whether the vectors of embeddings are kept."""
