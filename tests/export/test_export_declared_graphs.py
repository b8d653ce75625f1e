"""Execution graphs as documents, read by the programs that they are for."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import pairwise

import consumers
from hypothesis import given
from hypothesis import strategies as st
from test_export_graphs import HOSTILE, parsed, text_of

from flightlog.analysis.graph import graphs
from flightlog.analysis.tree import build
from flightlog.export import graph_dot, graph_mermaid
from flightlog.narration.safe import OBEYED
from flightlog.records.attributes import GRAPH, NODE
from flightlog.records.span import Span

NAMES = [
    HOSTILE,
    "end",
    "%%{init: {}}%%",
    'a"b',
    "a\nclick n1 href 'x'",
    "]",
    "style n1 fill:red",
    "`x`",
    "\\",
]


def span(number, parent, **attributes):
    return Span(
        trace_id="a" * 32,
        span_id=f"{number:016x}",
        parent_id=f"{parent:016x}" if parent else "",
        name="work",
        start=number,
        end=number + 1,
        status="ok",
        attributes=attributes,
    )


def declaration(names):
    nodes = [{"id": name, "title": name[::-1], "description": name} for name in names]
    edges = [{"from": a, "to": b, "label": a} for a, b in pairwise(names)]
    return {"name": names[0] if names else "g", "title": "t", "nodes": nodes, "edges": edges}


def runs(names):
    """A run of such a graph whose first node has run another of them."""
    first = names[0] if names else "x"
    spans = [
        span(1, 0, **{GRAPH: declaration(names)}),
        span(2, 1, **{NODE: first}),
        span(3, 2, **{GRAPH: declaration(names)}),
        span(4, 3, **{NODE: names[-1] if names else "y"}),
    ]
    return graphs(build(spans).roots)


def test_mermaid_reads_the_graph_and_takes_no_text_for_anything_else(tmp_path):
    found = runs(NAMES)
    documents = [text_of(graph_mermaid.document(found)), text_of(graph_mermaid.document([]))]
    (kind, boxes, *rest), empty = parsed(documents, tmp_path)
    assert kind == "flowchart-v2", (boxes, rest)
    assert len(boxes) == 2 * len(NAMES) + 1  # the inner frame, to which a line leads, counts as one
    assert empty[0] == "flowchart-v2"


def test_a_graph_that_mermaid_would_refuse_is_cut_and_says_so(tmp_path):
    found = runs([f"n{number}" for number in range(400)])
    document = text_of(graph_mermaid.document(found))
    ((kind, *rest),) = parsed([document], tmp_path)
    assert kind == "flowchart-v2", rest
    assert "boxes and" in document


def test_graphviz_reads_the_graph_with_its_frames_and_arrows():
    found = runs(NAMES)
    dot = consumers.program("dot", install="apt install graphviz")
    drawn = subprocess.run(
        [dot, "-Tjson"],
        input=b"".join(graph_dot.document(found)),
        capture_output=True,
        timeout=100,
        check=True,
    )
    document = json.loads(drawn.stdout)
    boxes = [one for one in document["objects"] if "nodes" not in one and one["name"].startswith("n")]
    frames = [one for one in document["objects"] if one["name"].startswith("cluster")]
    assert (len(boxes), len(frames)) == (2 * len(NAMES), 2)
    assert len(document["edges"]) == 2 * (len(NAMES) - 1) + 1
    assert drawn.stderr == b""


@given(st.lists(st.text(max_size=8), min_size=1, max_size=5, unique=True))
def test_no_text_of_a_trace_ever_begins_a_line_of_its_own(names):
    found = runs(names)
    for line in text_of(graph_mermaid.document(found)).split("\n"):
        assert (
            line.strip().split(" ")[0].rstrip('["').split("[")[0].rstrip()
            in {
                "",
                "flowchart",
                "subgraph",
                "end",
                "classDef",
                "class",
            }
            or line.strip()[0] in "ng"
        ), line
    for line in text_of(graph_dot.document(found)).split("\n"):
        assert not OBEYED.search(line)
        assert re.sub(r"\\.", "", line).count('"') % 2 == 0, line
