"""Where the fields of a span lie: its bits, its side tables, and the statements that fill them."""

from __future__ import annotations

from typing import Final

from flightlog.store.sqlite.statements import insert

INPUT: Final = 1
OUTPUT: Final = 2
ATTRIBUTES: Final = 4
MESSAGE: Final = 8
STACK: Final = 16
PAYLOADS: Final = INPUT | OUTPUT | ATTRIBUTES | MESSAGE | STACK
"""Parts that can be payloads; `payload_refs.part` is one of these bits."""

MORE: Final = 32
CONTEXT: Final = 64
USAGE: Final = 128
ERROR: Final = 256
LINKS: Final = 512
SIDE_TABLES: Final = {
    MORE: "span_more",
    CONTEXT: "span_context",
    USAGE: "span_usage",
    ERROR: "span_errors",
    LINKS: "links",
}
"""The table that holds a span's rows when its bit is set."""

UNSETTLED: Final = 1024
"""The span is open, or its parent was not here when it was written: what closing a process looks at."""

CONTEXT_KEYS: Final = (
    "session",
    "turn",
    "user",
    "job",
    "correlation_id",
    "experiment",
    "candidate",
    "example",
    "split",
)
"""Bound keys with a column of their own."""

SPAN_COLUMNS: Final = (
    "id trace span_id parent_id? series source thread? task? level start end? status line_hash"
    " input? output? attributes? more"
)
"""As `statements.insert` takes them."""
SPAN_WIDTH: Final = len(SPAN_COLUMNS.split())
_SPAN_CHANGES: Final = ", ".join(
    f'"{name}" = excluded."{name}"' for name in SPAN_COLUMNS.replace("?", "").split()[3:]
)
put_spans: Final = insert("spans", SPAN_COLUMNS, f"ON CONFLICT (id) DO UPDATE SET {_SPAN_CHANGES}")

put_more: Final = insert("span_more", "span revision otel? extra?")
"""Of a span that its series names, as nearly all are."""

put_side: Final = {
    MORE: insert("span_more", "span revision otel? extra? name~ kind~ environment~ service~ model~"),
    CONTEXT: insert("span_context", f"span {'~ '.join(CONTEXT_KEYS)}~ rest?"),
    USAGE: insert(
        "span_usage",
        "span input_tokens? output_tokens? cache_read_tokens? cache_write_tokens? reasoning_tokens?",
    ),
    ERROR: insert("span_errors", "span type message stack"),
    LINKS: insert("links", "span position trace_id span_id relation attributes"),
}
"""Fills a side table."""
