"""The reduced graph, as Mermaid and as DOT, read by the programs that draw them."""

from __future__ import annotations

import json
import re
import subprocess

import consumers
import export_records
import pydot
import pytest
from export_records import HOSTILE
from hypothesis import given
from hypothesis import strategies as st

from flightlog.analysis.reduced import reduced
from flightlog.analysis.tree import build
from flightlog.export import dot, mermaid

TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["end", "%%{init: {}}%%", "a;b", "#quot;", '"', "\\", "\\N", "]", "graph", HOSTILE, "a\nb"]
    ),
)

PARSE = """
import { readFileSync } from "node:fs";
const base = process.argv[2];
const { JSDOM } = await import(base + "/jsdom/lib/api.js");
const { window } = new JSDOM("<body></body>");
globalThis.window = window;
globalThis.document = window.document;
const { default: mermaid } = await import(base + "/mermaid/dist/mermaid.core.mjs");
const found = [];
for (const text of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    const { diagramType } = await mermaid.parse(text);
    const diagram = await mermaid.mermaidAPI.getDiagramFromText(text);
    const vertices = diagram.db.getVertices ? [...diagram.db.getVertices().values()].map((one) => one.text) : [];
    found.push([diagramType, vertices]);
  } catch (error) {
    found.push(["failed", String(error.message), text]);
  }
}
console.log(JSON.stringify(found));
"""


def parsed(texts, tmp_path):
    """What Mermaid's own parser says of each document: its type, and the texts of its boxes."""
    mermaid_, _ = consumers.package("mermaid"), consumers.package("jsdom")
    script = tmp_path / "parse.mjs"
    script.write_text(PARSE, encoding="utf-8")
    command = [consumers.program("node", install="apt install nodejs npm"), str(script), str(mermaid_.parent)]
    done = subprocess.run(
        command,
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def text_of(pieces) -> str:
    return b"".join(pieces).decode()


def tree_of(names):
    return build(
        [
            export_records.span(n + 1, n // 2, name, n, n + 1, kind=kind)
            for n, (name, kind) in enumerate(names)
        ]
    )


# -- the graph ------------------------------------------------------------------------------------------------


def test_what_does_the_same_is_one_box_and_calls_are_counted_on_arrows():
    graph = reduced([export_records.tree(), export_records.tree()])
    boxes = {box.name: box for box in graph.boxes}
    assert (graph.traces, graph.spans) == (2, 2 * len(export_records.spans()))
    assert (boxes["carrier status"].calls, boxes["carrier status"].errors) == (4, 2)
    assert (boxes["chat gpt-4.1"].tokens, boxes["chunk 0"].names) == (2 * 1816, 6)
    arrows = {(arrow.origin.name, arrow.target.name): arrow for arrow in graph.arrows}
    assert arrows["find_order", "carrier status"].calls == 4
    assert arrows["remember", "chunk 0"].calls == 12


def test_beyond_the_limit_everything_is_one_box_and_no_span_is_left_out():
    tree = build([export_records.span(n + 1, n, "x" * (n + 1), n, n + 1) for n in range(50)])
    graph = reduced([tree], most=10)
    assert len(graph.boxes) == 11
    assert graph.boxes[-1].is_rest
    assert sum(box.calls for box in graph.boxes) == 50


def test_a_chain_of_a_hundred_thousand_spans_is_reduced_without_recursion():
    tree = build([export_records.span(n + 1, n, "again", 0, 1) for n in range(100_000)])
    (box,) = reduced([tree]).boxes
    assert box.calls == 100_000


# -- Mermaid --------------------------------------------------------------------------------------------------


def test_mermaid_reads_the_flowchart_and_the_sequence_diagram(tmp_path):
    tree, row = export_records.tree(), export_records.row()
    documents = [text_of(mermaid.flowchart([tree])), text_of(mermaid.sequence([(row, tree)]))]
    flowchart, sequence = parsed(documents, tmp_path)
    assert (flowchart[0], sequence[0]) == ("flowchart-v2", "sequence")
    assert len(flowchart[1]) == len(reduced([tree]).boxes)


def test_mermaid_takes_no_text_of_a_trace_for_anything_else(tmp_path):
    names = [
        HOSTILE,
        "end",
        "%%{init: {}}%%",
        'a"b',
        "a\nclick n1 href 'x'",
        "]",
        "style n1 fill:red",
        "",
        "ﬂ°°1¶ß",
        "`x`",
    ]
    trees = [
        tree_of([(name, kind), (kind, name)]) for name in names for kind in ("", "agent", "tool", "db", name)
    ]
    for (kind, texts, *rest), tree in zip(
        parsed([text_of(mermaid.flowchart([tree])) for tree in trees], tmp_path), trees, strict=True
    ):
        assert kind == "flowchart-v2", (texts, rest)
        assert len(texts) == len(reduced([tree]).boxes)


def test_an_empty_selection_is_a_drawing_that_says_so(tmp_path):
    assert parsed([text_of(mermaid.flowchart([]))], tmp_path)[0][0] == "flowchart-v2"


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=6))
def test_each_line_of_a_flowchart_is_a_statement_of_ours(names):
    text = r'(?:[^"#;\n%<>\[\]{}|&`\\]|#\d+;|<br/>)*'
    quoted = f'"{text}"'
    shapes = ("{{", "}}"), ("[[", "]]"), ("([", "])"), ("(", ")"), ("[/", "/]"), ("[(", ")]"), ("[", "]")
    box = rf"n\d+(?:{'|'.join(re.escape(one) + quoted + re.escape(other) for one, other in shapes)})"
    arrow = rf'n\d+ (?:-->|-\.->)(?:\|"{text}"\|)? n\d+'
    lines = text_of(mermaid.flowchart([tree_of(names)])).splitlines()
    assert lines[0] == "flowchart TD"
    for line in lines[1:]:
        assert re.fullmatch(rf'    (?:{box}|{arrow}|none\["{text}"\])', line), line


def test_a_sequence_diagram_holds_as_many_traces_as_can_be_read_and_says_so(tmp_path):
    asked = []

    def traces():
        for number in range(100):
            asked.append(number)
            yield None, export_records.many(mermaid.MOST_SPANS // 2)

    document = text_of(mermaid.sequence(traces()))
    assert asked == [0, 1, 2]
    assert document.startswith("%% only the first 2 traces of those that were chosen\nsequenceDiagram\n")
    assert parsed([document], tmp_path)[0][0] == "sequence"


# -- DOT ------------------------------------------------------------------------------------------------------


def labels(document: str) -> list[str]:
    (graph,) = pydot.graph_from_dot_data(document)
    return [
        node.get_label() for node in graph.get_nodes() if node.get_name().startswith("n") and node.get_label()
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning:pydot")
def test_pydot_reads_the_document_with_each_box_and_arrow():
    document = text_of(dot.document([export_records.tree()]))
    (graph,) = pydot.graph_from_dot_data(document)
    expected = reduced([export_records.tree()])
    assert len(labels(document)) == len(expected.boxes)
    assert len(graph.get_edges()) == len(expected.arrows)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4))
def test_whatever_a_name_is_the_document_has_its_boxes_and_nothing_more(names):
    tree = tree_of(names)
    lines = text_of(dot.document([tree])).splitlines()
    graph = reduced([tree])
    assert len(lines) == 5 + len(graph.boxes) + len(graph.arrows)
    for line in lines[4 : 4 + len(graph.boxes)]:
        assert re.fullmatch(
            r'  n\d+ \[label="(?:[^"\\\n]|\\\\|\\"|\\n)*"(?:, [a-z]+=(?:[a-z0-9]+|"[a-z#0-9,]+"))*\];', line
        ), line


def test_graphviz_draws_it_and_shows_names_as_they_are():
    program = consumers.program("dot", install="apt install graphviz")
    document = text_of(dot.document([export_records.tree(), tree_of([('a"b\\N\\', "x & y &lt;b&gt;")])]))
    done = subprocess.run(
        [program, "-Tsvg"], input=document.encode(), capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    drawn = done.stdout.decode().replace("&quot;", '"').replace("&#45;", "-").replace("&#160;", " ")
    assert "support agent" in drawn
    assert 'a"b\\N\\' in drawn
    assert "x &amp; y &amp;lt;b&amp;gt;" in drawn
    assert "<script" not in drawn


@pytest.mark.parametrize("text", ["", "a", 'a"', "a\\", "\x1b[31m", "a\nb", "&amp;"])
def test_an_escaped_text_ends_no_quotes(text):
    assert re.fullmatch(r'(?:[^"\\\n\x00-\x1f]|\\\\|\\")*', dot.escaped(text))
