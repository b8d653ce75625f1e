"""Nothing becomes a line but through the gate: who may call something a `Line`, and why each may.

`records.line.Line` is what writers, stores and sinks take. A text that the gate never saw must not get that
name, so the places that give it are counted here, one by one.
"""

from __future__ import annotations

import ast
from collections import Counter

from law_source import FUNCTIONS, Module, modules

MAKERS: dict[str, str] = {
    "core.process": "the process line, each value of which went through the gate's encoder",
    "delivery": "without a usable home, or with durability `memory`, the writer's own lines come back",
    "firstlook": "puts a kind, a word of ours, into a line that went through the gate",
    "home": "the self-check writes two records of its own into a scratch home",
    "imports.foreign": "each line of a document was written by the gate's encoder, as `imports.pen` has it",
    "imports.documents": "each line of a document was written by the gate's encoder, as `imports.pen` has it",
    "journal.reader": "what comes out of a journal went through the gate before it went in",
    "keeper": "with durability `memory` there is no journal: the writer's own lines come back out of its memory",
    "sinks.contract": "makes records of its own to hand to a sink under test",
    "sinks.otlp": "puts events together again that came to it as lines, for the next program",
    "sinks.stamp": "puts fields of the process line, which went through the gate, on lines that did",
    "understanding": "written by the gate's encoder, as `imports.pen` has it, out of lines that went through the gate",
    "unsent": "what comes out of the file was a line when it went in",
    "store.sqlite.closing": "closes spans of the dead, all of whose texts come from lines that are in the store",
}
"""Module to why what it calls a line has been through the gate."""

FRAMES: dict[str, str] = {
    "core.annotate": "as core.past_event, for annotations: each text was captured before it is joined",
    "core._pure": "the encoder itself: each member was captured before it is joined",
    "core.detached": "as core._pure, for events whose time is given: each member was captured before it is joined",
    "core.hot_telling": "as core._pure, for events of the hot tier: each member was captured before it is joined",
    "core.past": "as core._pure, for spans that are over: each member was captured before it is joined",
    "core.past_event": "as core.past, for events",
    "journal.framing": "puts a `Line` into its frame",
    "journal.writer": "puts a `Line` into its frame",
}
"""Module to why it may put 0x1E before a text: a writer takes framed bytes as well."""


QUOTERS: dict[str, str] = {
    "core.capture.Encoder.failure": "quotes what the gate has returned",
    "core.capture.Walk.secret": "quotes what the gate has returned",
    "core.capture.Walk.text": "quotes what the gate has returned: this is the one way in",
    "core.fields.cut_list": "quotes the name of an attribute of ours",
    "core.fields.fitted": "quotes a sentence of ours, with names of fields and their sizes in it",
    "core.memo._Texts.__missing__": "quotes what the gate gave back",
    "core.memo._met": "quotes what the gate gave back",
    "core.memo.cut_items": "quotes a hash in hexadecimal",
}
"""Function to why it may turn a text into JSON without asking the gate."""


QUOTE = {"quote", "encode_basestring", "encode_basestring_ascii", "dumps"}
"""What makes a JSON string of a text."""


def _is_line(node: ast.expr) -> bool:
    return (isinstance(node, ast.Name) and node.id == "Line") or (
        isinstance(node, ast.Attribute) and node.attr == "Line"
    )


def _makes_lines(module: Module) -> int:
    """How often a module calls something a `Line`: by calling it, or by telling the type checker so."""
    calls = [node for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    made = sum(_is_line(call.func) for call in calls)
    return made + sum(_casts(call) for call in calls)


def _casts(call: ast.Call) -> bool:
    if not (isinstance(call.func, ast.Name) and call.func.id == "cast" and call.args):
        return False
    kind = call.args[0]
    text = kind.value if isinstance(kind, ast.Constant) else ast.unparse(kind)
    return "Line" in str(text).replace("[", " ").replace("]", " ").split()


def _frames(module: Module) -> bool:
    """Whether a module writes 0x1E in front of something else."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
            if str(node.values[0].value).startswith("\x1e"):
                return True
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left = node.left.left if isinstance(node.left, ast.BinOp) else node.left
            if isinstance(left, ast.Constant) and left.value in (b"\x1e", "\x1e"):
                return True
            if isinstance(left, ast.Name) and left.id == "RS":
                return True
    return False


def test_lines_are_made_only_where_the_gate_has_been():
    counted = Counter({module.place: count for module in modules() if (count := _makes_lines(module))})
    assert set(counted) == set(MAKERS)


def test_records_are_framed_only_where_the_gate_has_been():
    assert {module.place for module in modules() if _frames(module)} == set(FRAMES)


def _quoters(module: Module) -> set[str]:
    """The functions of a module that turn a text into a JSON string by themselves."""
    found: set[str] = set()

    def walk(node: ast.AST, prefix: str) -> None:
        named = isinstance(node, (*FUNCTIONS, ast.ClassDef))
        here = f"{prefix}.{node.name}" if named else prefix
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in QUOTE:
            found.add(here)
        for child in ast.iter_child_nodes(node):
            walk(child, here)

    walk(module.tree, module.place)
    return found - {"core.capture.quote"}


def test_texts_become_json_only_where_the_gate_has_been():
    assert {name for module in modules() if module.room == "core" for name in _quoters(module)} == set(
        QUOTERS
    )


def test_the_name_line_means_one_thing():
    """Nobody hides the maker behind another name, and nobody defines a second `Line`."""
    aliased = [
        str(module)
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.alias) and node.name == "Line" and node.asname
    ]
    assigned = [
        str(module)
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, (ast.Name, ast.Attribute))
        and _is_line(node.value)
    ]
    assert aliased + assigned == []


def test_what_hands_texts_to_the_engine_has_no_other_way_to_the_journal():
    """The journal's framed door is known to the one module that plugs the engine into it."""
    users = {
        module.place
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr == "write_framed"
    }
    assert users == {"journal.writer", "recording"}
