"""`flightlog graph`: what it draws, for people and for programs, from the home and from a file."""

from __future__ import annotations

import json

import cli_samples
import pytest
from click.testing import CliRunner

from flightlog.cli.main import commands
from flightlog.cli.render.cells import width
from flightlog.codecs.lines import encode
from flightlog.records.attributes import GRAPH, ITEM, NODE
from flightlog.records.span import Fault

DECLARED = {
    "name": "refund",
    "title": "Refund",
    "description": "Gives money back, or asks a person.",
    "nodes": [
        {"id": "classify", "title": "Classify the request"},
        {"id": "pay", "title": "Pay back"},
        {"id": "escalate"},
    ],
    "edges": [
        {"from": "classify", "to": "pay", "label": "order found"},
        {"from": "classify", "to": "escalate"},
    ],
}


def records():
    fault = Fault("ValueError", f"the bank says {cli_samples.HOSTILE}")
    return [
        cli_samples.span(1, 0, "refund", 0, 90, kind="workflow", attributes={GRAPH: DECLARED}),
        cli_samples.span(2, 1, "classify", 5, 15, attributes={NODE: "classify"}),
        cli_samples.event(1, 2, 10, "branch", attributes={"chosen": ["pay"], "rejected": ["escalate"]}),
        cli_samples.span(3, 1, "pay", 20, 30, attributes={NODE: "pay", ITEM: 1}),
        cli_samples.span(4, 1, "pay", 30, 50, status="error", error=fault, attributes={NODE: "pay", ITEM: 2}),
        cli_samples.span(
            5, 4, "audit", 31, 40, attributes={GRAPH: {"name": "audit", "nodes": [{"id": "look"}]}}
        ),
    ]


@pytest.fixture
def drawn(home):
    cli_samples.store(home, records())
    return home


def run(*args):
    return CliRunner().invoke(commands, args)


def test_each_step_stands_with_its_state_and_the_ways_that_lead_on(drawn):
    shown = run("graph", cli_samples.TRACE, "--width", "80")
    assert shown.exit_code == 0, shown.output
    assert shown.output.splitlines()[:12] == [
        "refund  Refund",
        "ok · 90.0 ms · 2 of 3 steps seen · 3 runs · 1 failed",
        "Gives money back, or asks a person.",
        "",
        "✓ classify  ok · 10.0 ms  Classify the request",
        '  ├─▶ pay  "order found"  chosen',
        "  └─✗ escalate  rejected",
        "✗ pay       error · 2 runs · 1 ok · 30.0 ms  Pay back",
        "  ValueError: the bank says call \\x1b[31mevil\\x1b]0;title\\x07\\n✓ forged [red]ma…",
        "  ran graph audit in run 2 · ok · 0000000000000005",
        "○ escalate  not seen",
        "",
    ]
    assert "within pay" in shown.output


@pytest.mark.parametrize("cells", [20, 40, 80, 120])
def test_no_line_is_wider_than_the_terminal(drawn, cells):
    shown = run("graph", cli_samples.TRACE, "--width", str(cells))
    assert max(map(width, shown.output.splitlines())) <= cells


def test_programs_get_the_same_as_data(drawn):
    shown = run("graph", cli_samples.TRACE, "--json")
    refund, audit = json.loads(shown.stdout)
    assert json.loads(run("graph", cli_samples.TRACE, "--format", "json").stdout) == [refund, audit]
    assert {node["id"]: node["state"] for node in refund["nodes"]} == {
        "classify": "ok",
        "pay": "error",
        "escalate": "not_seen",
    }
    assert [(edge["from"], edge["to"], edge["selection"]) for edge in refund["edges"]] == [
        ("classify", "pay", "chosen"),
        ("classify", "escalate", "rejected"),
    ]
    assert refund["children"][0]["graph_id"] == audit["graph_id"]
    assert (audit["parent_graph_id"], audit["parent_node"]) == (refund["graph_id"], "pay")


def test_one_of_several_graphs_is_asked_for_by_its_name(drawn):
    (one,) = json.loads(run("graph", cli_samples.TRACE, "--name", "audit", "--json").stdout)
    assert one["name"] == "audit"


@pytest.mark.parametrize(
    ("form", "begins"), [("mermaid", "flowchart TD\n"), ("dot", "digraph flightlog {\n")]
)
def test_drawings_are_documents(drawn, form, begins):
    shown = run("graph", cli_samples.TRACE, "--format", form)
    assert shown.stdout.startswith(begins)
    assert "\x1b" not in shown.stdout


def test_a_file_does_as_well_as_an_id(home, tmp_path):
    file = tmp_path / "trace.jsonl"
    file.write_bytes(b"\n".join(map(encode, records())) + b"\n")
    shown = run("graph", str(file), "--width", "80")
    assert shown.exit_code == 0, shown.output
    assert "refund  Refund" in shown.output


def test_a_trace_without_a_graph_says_what_declares_one(recorded):
    told = run("graph", cli_samples.TRACE)
    assert told.exit_code == 2
    assert "fl.graph declares one" in told.stderr
    assert "--format mermaid" in told.stderr


def test_a_name_that_is_not_there_is_said(drawn):
    told = run("graph", cli_samples.TRACE, "--name", "none")
    assert told.exit_code == 2
    assert "no graph 'none'" in told.stderr
