"""Traces as one HTML file that needs nothing else: tree, timeline, messages, attributes, search, offline.

Nothing in a trace can become markup or a script. Traces stand in the file as JSON in blocks that no browser runs, with
every `<`, `>` and `&` written as JSON escapes, so no text ends its block; the page puts them on the screen as text
alone; and a content security policy lets run only the one script and apply the one style whose hashes it names, and
loads nothing from anywhere. Everything the page is made of is in `page/`.

A document is made a trace at a time. In it, times are nanoseconds since the trace began, which JavaScript can tell
apart, and whole numbers beyond 2^53, which it cannot, are texts.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec

from flightlog.analysis.tree import MARKS, Node, Tree, walk
from flightlog.codecs.lines import encode
from flightlog.export import rows
from flightlog.records.annotation import Annotation
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.traces import Trace

_SCRIPTS: Final = ("model.js", "messages.js", "values.js", "rows.js", "details.js", "main.js")
"""In the order in which they stand in the document."""
_EXACT: Final = 1 << 53
_ESCAPES: Final = ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026"))
_json: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode


class Page(msgspec.Struct, frozen=True, eq=False):
    """One trace of the document."""

    trace: Trace
    tree: Tree
    annotations: Sequence[Annotation] = ()


def document(pages: Iterable[Page], processes: Mapping[str, Process] = {}) -> Iterator[bytes]:
    """The file, a trace at a time.

    Args:
        pages: what to show; the first is open.
        processes: those that are known, by id; a mapping that grows while the traces go by is as good.
    """
    style, script = _part("page.css"), "".join(map(_part, _SCRIPTS))
    allowed = f"style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="generator" content="flightlog">\n'
        f"<title>Flightlog</title>\n<style>{style}</style>\n</head>\n<body>\n{_part('body.html')}"
    ).encode()
    listed: list[dict[str, Any]] = []
    for number, page in enumerate(pages):
        listed.append(_row(page.trace))
        yield _block(f"trace-{number}", _page(page, processes))
    yield _block("traces", listed)
    yield f"<script>{script}</script>\n</body>\n</html>\n".encode()


@cache
def _part(name: str) -> str:
    return (Path(__file__).with_name("page") / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _block(name: str, value: object) -> bytes:
    """A value as JSON where no browser looks for anything but the end of the block, which is not in it."""
    data = _json(value)
    for sign, escape in _ESCAPES:
        data = data.replace(sign, escape)
    return b'<script type="application/json" id="' + name.encode() + b'">' + data + b"</script>\n"


def _page(page: Page, processes: Mapping[str, Process]) -> dict[str, Any]:
    tree = page.tree
    return {
        "trace": _row(page.trace),
        "length": tree.end - tree.start,
        "nodes": [_node(node, tree.start) for node in walk(tree)],
        "loose_events": [_event(event, tree.start) for event in tree.loose_events],
        "annotations": [_safe(_decode(encode(one))) for one in page.annotations],
        "processes": {
            key: _process(processes[key])
            for key in {node.record.process_id for node in walk(tree)}
            if key in processes
        },
    }


def _row(trace: Trace) -> dict[str, Any]:
    found: dict[str, Any] = next(rows.of_traces([trace]))
    return {**_safe(found), "started": (found["started"] or "")[:19].replace("T", " ") + " UTC"}


def _node(node: Node, start: int) -> dict[str, Any]:
    record: dict[str, Any] = _safe(_decode(encode(node.record)))
    for name in ("type", "v", "trace_id", "start", "end"):
        record.pop(name, None)
    return {
        "kind": "",
        "attributes": {},
        "context": {},
        "otel": {},
        "links": [],
        **record,
        "at": node.record.start - start,
        "started": rows.moment(node.record.start),
        "duration_ns": node.record.duration_ns,
        "self_ns": node.self_ns,
        "depth": node.depth,
        "marks": [(mark, MARKS[mark]) for mark in node.marks],
        "events": [_event(event, start) for event in node.events],
    }


def _event(event: Event, start: int) -> dict[str, Any]:
    return {
        "name": event.name,
        "level": event.level,
        "body": event.body,
        "at": event.time - start,
        "attributes": _safe(event.attributes),
    }


def _process(process: Process) -> dict[str, Any]:
    known = {
        "pid": process.pid,
        "host": process.host,
        "service": process.service,
        "version": process.version,
        "environment": process.environment,
        "project": process.project,
        **process.attributes,
    }
    return {name: _safe(value) for name, value in known.items() if value}


def _safe(value: Any) -> Any:
    """A value without numbers that JavaScript would change; `Any`, because a program may have recorded anything."""
    if type(value) is dict:
        return {name: _safe(one) for name, one in value.items()}
    if type(value) is list:
        return [_safe(one) for one in value]
    return str(value) if type(value) is int and abs(value) > _EXACT else value
