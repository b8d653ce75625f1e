"""Every line that the recorder writes, as bytes: framed, of this version, and of the published shape."""

from __future__ import annotations

import json

import jsonschema
import pytest

import flightlog as fl
from flightlog.codecs.json_schema import json_schema
from flightlog.codecs.lines import decode, encode
from flightlog.core import _pure
from flightlog.records.schema import SCHEMA_VERSION

VALIDATOR = jsonschema.Draft202012Validator(json_schema())


class Unwritable:
    def __repr__(self):
        raise ValueError("no")


def plain():
    with fl.span("s"):
        pass


def everything():
    with (
        fl.bind(session="s", turn=1, tags=["a"]),
        fl.span("other"),
        fl.span(
            "s", kind="tool", level="error", input={"a": b"\x00"}, links=[fl.current()], x=1, password="p"
        ) as span,
    ):
        span.set(y=float("nan"), z=10**40, text="a\x1e\x00\n\ud800")
        span.output = Unwritable()
        span.link({"trace_id": "t", "span_id": "u"}, relation="follows_from", why=2)
        span.event("e", level="debug", body="b\x1e", n=1)
        span.fail("no", type="E", stack="at")


def failing():
    with pytest.raises(ValueError, match="bad"), fl.span("s"):
        raise ValueError("bad\x1e\x00")


def without_a_span():
    fl.event("e")
    fl.event("e", body="b", state={"a": [1, None]})


def waiting():
    with fl.span("s") as span:
        span.pause("who?")
        span.resume("me")
        span.pause()


def models():
    with fl.llm("m", provider="p", messages=[{"role": "user", "content": "hello"}]) as call:
        call.usage(input=3, output=2)
    fl.prompt_built({"system": "a", "user": "b"})


def seen_again():
    with fl.span("s") as span:
        span.exception(KeyError("k"))
        span.tree()


def unusable_kind():
    with fl.span("s", kind=["not", "hashable"]):
        pass


def too_long():
    with fl.span("s", text="x" * 200_000):
        pass
    fl.event("e", text="x" * 200_000)


@pytest.mark.parametrize(
    "record",
    [
        plain,
        everything,
        failing,
        without_a_span,
        waiting,
        models,
        seen_again,
        unusable_kind,
        too_long,
    ],
)
def test_every_line_says_its_version_and_has_the_published_shape(seen, record, monkeypatch):
    monkeypatch.setattr(_pure, "_most_line", 100_000)
    record()
    assert seen._lines
    for framed in seen._lines:
        assert framed[:1] == b"\x1e"
        assert framed[-1:] == b"\n"
        line = framed[1:-1]
        assert not set(line) & {0x00, 0x0A, 0x1E}
        fields = json.loads(line)
        assert fields["v"] == SCHEMA_VERSION
        assert list(fields)[:2] == ["v", "type"]
        VALIDATOR.validate(fields)
        assert json.loads(encode(decode(line))) == fields
