"""What a row of a tree says about a span, an event or a fold, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from flightlog.analysis import retries
from flightlog.analysis.likeness import Fold
from flightlog.analysis.summary import is_noteworthy
from flightlog.analysis.tree import Node
from flightlog.cli.render import words
from flightlog.cli.render.marks import kind_style
from flightlog.cli.render.safe import clean
from flightlog.cli.render.terminal import Style, Terminal
from flightlog.narration import hot
from flightlog.narration.events import actor, narrated, target
from flightlog.records import genai
from flightlog.records.attributes import WAITING
from flightlog.records.event import Event
from flightlog.records.narration import View, is_narration, spoken
from flightlog.records.understood import COUNTED

Part = tuple[str, Style]
"""A piece of clean text and how it is drawn."""


def label(node: Node, terminal: Terminal, cost: str = "") -> list[Part]:
    """Name, kind, marks, and for a model call its model (unless its name says it), tokens and cost, where known."""
    record = node.record
    parts: list[Part] = [(clean(record.name) or "(no name)", "bold" if record.status == "error" else "")]
    if record.kind:
        parts.append((" " + clean(record.kind), kind_style(record.kind)))
    parts += [(f" [{mark}]", "yellow") for mark in node.marks]
    usage = _usage(record.attributes, record.name, terminal)
    if usage:
        parts.append((" " + usage, "dim"))
    if cost:
        parts.append((" " + cost, "dim"))
    parts += [(f" {told}", "yellow") for told in _asides(node, terminal)]
    return parts


def _asides(node: Node, terminal: Terminal) -> Iterator[str]:
    """How often it was tried again, and how long it waited for somebody."""
    tries = retries.number(node)
    if tries:
        told = words.of_them(tries, "retry", "retries")
        yield f"ok after {told}" if node.record.status == "ok" else told
    waited = node.record.attributes.get(WAITING)
    if isinstance(waited, int) and waited > 0:
        yield f"waited {words.duration(waited, unicode=terminal.unicode)}"


def _usage(attributes: Mapping[str, Any], name: str, terminal: Terminal) -> str:
    """Model and tokens, `gpt-4.1-mini 812→90`, without a model that the name ends with; empty for no model call.

    Tokens that count on another span are told there.
    """
    if not attributes:
        return ""
    model = attributes.get(genai.RESPONSE_MODEL) or attributes.get(genai.REQUEST_MODEL) or ""
    read, written = attributes.get(genai.INPUT_TOKENS), attributes.get(genai.OUTPUT_TOKENS)
    tokens = ""
    if attributes.get(COUNTED) is not False and (isinstance(read, int) or isinstance(written, int)):
        arrow = "→" if terminal.unicode else ">"
        tokens = f"{_tokens(read)}{arrow}{_tokens(written)}"
    told = "" if name.endswith(f" {model}") else clean(str(model))
    return " ".join(part for part in (told, tokens) if part)


def _tokens(number: object) -> str:
    return words.short_count(number) if isinstance(number, int) else "?"


def note(node: Node) -> Part | None:
    """The line under a span that did not go well, or None."""
    record = node.record
    if record.error is not None and (record.error.type or record.error.message):
        told = ": ".join(text for text in (record.error.type, record.error.message) if text)
        return told, "red"
    if record.status == "interrupted":
        return "interrupted: its process ended before it did", "yellow"
    return None


def fold(item: Fold, terminal: Terminal) -> str:
    """How many more there are of what was shown, with their least, median and greatest duration."""
    first = item.nodes[0].record
    sign = "\u00d7" if terminal.unicode else "x"
    text = f"{sign} {len(item.nodes):,} more like {clean(first.name)}"
    if item.span_count > len(item.nodes):
        text += f" ({words.of_them(item.span_count, 'span')})"
    if item.durations is None:
        return text
    return text + ": " + " / ".join(words.duration(ns, unicode=terminal.unicode) for ns in item.durations)


def event_label(event: Event, view: View = "human") -> list[Part]:
    """Name, text and attributes of an event; of a narration who did what, and what it says in this voice."""
    if is_narration(event):
        is_told = event.body or spoken(event, view) != event.name
        return [
            (f"{actor(event)} ".lstrip(), "dim"),
            (clean(event.name), "yellow"),
            (f" {narrated(event, view)}" if is_told else f" {target(event)}".rstrip(), ""),
        ]
    if hot.is_hot(event):
        return [(hot.line(event), "dim")]
    parts: list[Part] = [(clean(event.name), event_style(event))]
    said = event.body or pairs(event.attributes)
    if said:
        parts.append((" " + clean(said), "dim"))
    return parts


def event_style(event: Event) -> Style:
    """Yellow for an event that changes how a trace is read, dim for lines of output, logs and the like."""
    return "yellow" if is_noteworthy(event) or hot.is_hot(event) else "dim"


def pairs(attributes: Mapping[str, Any]) -> str:
    """Attributes as `key=value`, separated by commas."""
    return ", ".join(f"{key}={plain(value)}" for key, value in attributes.items())


def plain(value: object) -> str:
    """A value as text: a text as it is, everything else as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
