"""The first look at lines, which an import takes in another process than the closer one."""

from __future__ import annotations

from pathlib import Path

import pytest

from flightlog.firstlook import FirstLook
from flightlog.imports.documents import Importer, opened
from flightlog.imports.pen import Pen
from flightlog.redaction.gate import DefaultGate
from flightlog.understanding import Understanding

DATA = Path(__file__).parents[1] / "dialects" / "data"
OWN = b'{"v":1,"type":"span","trace_id":"%032x","span_id":"%016x","name":"s","kind":"%b","start":1,"end":9}'
TOLD = (
    b'{"v":1,"type":"span","trace_id":"%032x","span_id":"%016x","name":"s","start":1,"end":9,"status":"ok",'
    b'"attributes":{%b},"otel":{"otlp":1}}'
)
CHAT = TOLD % (1, 3, b'"gen_ai.operation.name":"chat"')
HTTP = TOLD % (1, 4, b'"http.request.method":"GET"')
PLAIN = TOLD % (1, 5, b'"a":1')


def _pen() -> Pen:
    return Pen(DefaultGate(b"key"), 1 << 18)


def test_what_may_speak_is_looked_at_more_closely_and_a_kind_is_put_in_at_once():
    lines, closer = FirstLook().look([HTTP, CHAT, PLAIN])
    assert closer == [1]
    assert lines == [HTTP.replace(b'"span",', b'"span","kind":"http",', 1), CHAT, PLAIN]


def test_lines_in_which_nothing_is_seen_are_given_back_themselves():
    told = [PLAIN, OWN % (1, 1, b"tool")]
    lines, closer = FirstLook().look(told)
    assert (lines is told, closer) == (True, [])


def test_calls_of_our_own_are_looked_at_once_others_may_have_told_of_them():
    first = FirstLook()
    ours = [OWN % (1, 1, b"llm"), OWN % (1, 2, b"tool")]
    assert first.look(ours)[1] == []
    assert first.look([*ours, CHAT, *ours])[1] == [2, 3]
    assert first.look(ours)[1] == [0]


@pytest.mark.parametrize("case", ["openai_genai", "litellm_native", "langchain_and_openai_openinference"])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_it_makes_no_difference_who_takes_the_first_look_and_at_how_many_lines(case, size):
    importer = Importer(_pen(), bad=pytest.fail)
    with opened(str(DATA / f"{case}.jsonl.gz")) as document:
        portions = [lines for _, lines in importer.read(document, "auto") if lines]
    whole = Understanding(_pen)
    expected = [line for lines in portions for line in whole.lines(lines)]
    parted, first, found = Understanding(_pen), FirstLook(), []
    for lines in portions:
        for at in _cuts(lines, size):
            found += parted.closer(*first.look(at))
    assert found == expected
    assert (parted.understood, parted.failed) == (whole.understood, 0)
    assert parted.understood > 0


def _cuts(lines, size):
    """The lines in pieces; a piece ends before a span, since its events stand behind it."""
    piece = []
    for line in lines:
        if len(piece) >= size and line.startswith(b'{"v":1,"type":"span"'):
            yield piece
            piece = []
        piece.append(line)
    yield piece
