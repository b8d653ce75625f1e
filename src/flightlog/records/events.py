"""The vocabulary of events with a meaning: their names, their fields, and one example each.

An event may have any name; these are the ones that the rest of Flightlog understands (a `retry` event makes a
trace "retried", a `pause` starts waiting time). Fields stand in the event's attributes; more may stand beside
them. The examples are data for tests and documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct


class Meaning(Struct, frozen=True):
    """What an event with this name says, and with which attributes."""

    text: str
    fields: Mapping[str, str]
    """Attribute name to what it holds, with its unit."""
    example: Mapping[str, Any]


VOCABULARY: Final[Mapping[str, Meaning]] = {
    "attachment": Meaning(
        "a file goes with what is sent; never its content",
        {
            "name": "of the file",
            "type": "media type",
            "size": "bytes",
            "sha256": "of its bytes, in hexadecimal",
        },
        {
            "name": "invoice.pdf",
            "type": "application/pdf",
            "size": 3,
            "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        },
    ),
    "branch": Meaning(
        "a way was chosen and others were not",
        {"chosen": "name of the way taken", "rejected": "names of the ways not taken"},
        {"chosen": "refund", "rejected": ["escalate", "close"]},
    ),
    "budget": Meaning(
        "a limit was reached",
        {"limit": "what is limited, e.g. tokens", "value": "the value that reached it"},
        {"limit": "tokens", "value": 100_000},
    ),
    "cache": Meaning("a cache was asked", {"hit": "true or false"}, {"hit": True}),
    "chunk": Meaning(
        "a piece of a stream arrived; never its text",
        {"size": "characters", "index": "counted from 0"},
        {"size": 42, "index": 3},
    ),
    "coercion": Meaning(
        "an output was bent into shape",
        {"stage": "which attempt or rule", "ok": "whether it fitted afterwards"},
        {"stage": "json_repair", "ok": True},
    ),
    "enter": Meaning(
        "a function was entered",
        {"function": "its name", "args": "what it was given, by name or by place"},
        {"function": "f", "args": {"a": 1}},
    ),
    "exception": Meaning(
        "an exception was seen",
        {"exception.type": "class", "exception.message": "text", "exception.stacktrace": "text"},
        {"exception.type": "ValueError", "exception.message": "bad date"},
    ),
    "exit": Meaning(
        "a function was left",
        {"function": "its name", "result": "what it gave", "elapsed_ns": "nanoseconds since it was entered"},
        {"function": "f", "result": "x", "elapsed_ns": 15_000_000},
    ),
    "fallback": Meaning(
        "a second choice took over",
        {"error": "what the first choice died of"},
        {"error": "RateLimitError"},
    ),
    "handoff": Meaning(
        "an agent hands the work to another one",
        {"from": "the agent that hands over", "to": "the agent that goes on", "reason": "why"},
        {"from": "triage", "to": "refunds", "reason": "the customer wants the money back"},
    ),
    "log": Meaning("a log record", {"logger": "its name"}, {"logger": "app.worker"}),
    "loop": Meaning(
        "one round of a loop", {"i": "counted from 0", "n": "rounds in all, if known"}, {"i": 2, "n": 8}
    ),
    "narration": Meaning(
        "a sentence for people", {"actor": "who", "target": "on what"}, {"actor": "queue", "target": "job-1"}
    ),
    "output": Meaning(
        "a line that a child process wrote", {"stream": "stdout or stderr"}, {"stream": "stderr"}
    ),
    "pause": Meaning("work waits for somebody", {"message": "what for"}, {"message": "approve the refund?"}),
    "prompt": Meaning(
        "a prompt was built; never its text",
        {"components": "part name to hash of its text", "sizes": "part name to its characters"},
        {"components": {"system": "b2:1f0c", "user": "b2:99aa"}, "sizes": {"system": 812, "user": 31}},
    ),
    "request": Meaning(
        "a request was sent to a model, raw; at level trace",
        {
            "endpoint": "the path that it went to",
            "size": "bytes of it as JSON, redacted",
            "hash": "keyed, of the same",
            "content": "the request; in its place `omitted`: size where it is longer than the setting "
            "`request_bytes`, metadata where contents are withheld",
        },
        {"endpoint": "/chat/completions", "size": 13, "hash": "b2:1f0c", "content": {"model": "m"}},
    ),
    "resume": Meaning("waiting ended", {"value": "the answer"}, {"value": "yes"}),
    "retry": Meaning(
        "the work failed and is tried again",
        {
            "attempt": "the attempt that failed, counted from 1",
            "reason": "why it failed",
            "delay": "seconds until the next",
        },
        {"attempt": 1, "reason": "TimeoutError", "delay": 0.5},
    ),
    "skip": Meaning("the work was not done, on purpose", {"reason": "why"}, {"reason": "already indexed"}),
    "state": Meaning(
        "a value changed",
        {"name": "what", "before": "old value", "after": "new value"},
        {"name": "queue_depth", "before": 5, "after": 6},
    ),
    "tiny": Meaning(
        "a word of the innermost code, of the hot tier",
        {"actor": "who", "target": "on what"},
        {"actor": "queue", "target": "job-1"},
    ),
}
"""By name."""
