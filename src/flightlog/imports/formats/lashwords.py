"""The words of lash in ours: what its records say under names of their own, and how ours has it.

Source: the schema tests of lash-trace, schema 2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from flightlog.imports.formats.reading import count, mapping, objects, text, without
from flightlog.records import agents, genai
from flightlog.records.graph import MOST_EDGES, MOST_NODES
from flightlog.records.kinds import Level

EXECUTIONS: Final = ("exec_code_started", "exec_code_completed", "exec_code_failed")
"""Phases of a `protocol_step` that runs code."""

_TOP: Final = frozenset({"schema_version", "id", "timestamp", "context", "type"})
_DEEP: Final = frozenset({"provider_request", "provider_stream_event", "runtime_stream_event"})
_USAGE: Final = {
    "output_tokens": genai.OUTPUT_TOKENS,
    "cache_read_input_tokens": genai.CACHE_READ_TOKENS,
    "cache_write_input_tokens": genai.CACHE_WRITE_TOKENS,
    "reasoning_output_tokens": genai.REASONING_TOKENS,
}

Told = tuple[str, Level, dict[str, Any]]
"""Name, level and attributes of an event."""


def event(kind: str, value: Mapping[str, Any]) -> Told:
    """Any record that is an event, whole; in the words of our vocabulary where it has them."""
    own = mapping(value, "event")
    rest = {"lash.type": text(value, "type"), **without(value, _TOP | {"event"}), **own}
    level: Level = "trace" if kind in _DEEP else "info"
    if kind == "custom":
        return text(value, "name") or kind, level, rest
    say = _SAID.get(kind)
    return (kind, level, rest) if say is None else (say[0], level, {**rest, **say[1](value, own)})


def _prompt(value: Mapping[str, Any], _own: Mapping[str, Any]) -> dict[str, Any]:
    parts = {text(part, "id") or text(part, "kind"): part for part in objects(value, "components")}
    return {
        "components": {name: f"sha256:{text(part, 'hash')}" for name, part in parts.items()},
        "sizes": {name: size for name, part in parts.items() if (size := count(part, "chars")) is not None},
    }


def _request(_value: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    told = {
        "size": count(own, "body_len"),
        "hash": f"sha256:{said}" if (said := text(own, "body_sha256")) else None,
        "content": own.get("body_json"),
        "omitted": text(own, "body_json_omitted_reason") or None,
    }
    return {name: said for name, said in told.items() if said is not None}


def _chunk(_value: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    size = count(own, "raw_len")
    if size is None:
        size = len(text(own, "visible_text") or text(own, "raw_text"))
    place = count(own, "sequence")
    return {"size": size, **({} if place is None else {"index": place})}


def _branch(_value: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    return {"node": text(own, "node_id"), "chosen": [text(own, "edge_id")]}


_SAID: Final[Mapping[str, tuple[str, Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]]]] = {
    "prompt_built": ("prompt", _prompt),
    "provider_request": ("request", _request),
    "provider_stream_event": ("chunk", _chunk),
    "runtime_stream_event": ("chunk", _chunk),
    "branch_selected": ("branch", _branch),
}


def attachment(told: Mapping[str, Any]) -> dict[str, Any]:
    """A file that goes with a request, as an `attachment` event has it."""
    found = {
        "name": text(told, "filename"),
        "type": text(told, "mime"),
        "size": count(told, "bytes_len"),
        "sha256": text(told, "bytes_sha256"),
    }
    return {name: said for name, said in found.items() if said not in ("", None)}


def usage(told: Mapping[str, Any]) -> dict[str, Any]:
    """Tokens; those that lash calls input are the ones that no cache had."""
    found = {ours: said for name, ours in _USAGE.items() if (said := count(told, name)) is not None}
    given = count(told, "input_tokens")
    if given is not None:
        found[genai.INPUT_TOKENS] = (
            given + found.get(genai.CACHE_READ_TOKENS, 0) + found.get(genai.CACHE_WRITE_TOKENS, 0)
        )
    return found


def ended(response: Mapping[str, Any], wrong: Mapping[str, Any]) -> dict[str, Any]:
    """How a call of a model ended."""
    reason = text(response, "terminal_reason") or text(wrong, "terminal_reason")
    told = {
        name: wrong[said]
        for name, said in (
            (agents.ERROR_CODE, "code"),
            (agents.ERROR_RETRYABLE, "retryable"),
            (agents.ERROR_RAW, "raw"),
        )
        if wrong.get(said) is not None
    }
    return {**({genai.FINISH_REASONS: [reason]} if reason else {}), **told}


def execution(value: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The phase of a run of code and what is told of it; an empty phase for any other step."""
    diagnostic = mapping(mapping(value, "payload"), "diagnostic")
    phase = text(diagnostic, "phase")
    return (phase if phase in EXECUTIONS else ""), mapping(diagnostic, "payload")


def declared(told: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The graph of an execution, as `records.graph.Declaration` has it."""
    nodes = [
        {
            "id": text(node, "id"),
            "kind": text(node, "kind") or "step",
            "title": text(mapping(node, "label_metadata"), "title") or text(node, "label"),
            "description": text(mapping(node, "label_metadata"), "description"),
        }
        for node in objects(told, "nodes")[:MOST_NODES]
    ]
    edges = [
        {key: text(edge, key) for key in ("id", "from", "to", "label")} for edge in objects(told, "edges")
    ]
    return {"name": name, "nodes": nodes, "edges": edges[:MOST_EDGES]}
