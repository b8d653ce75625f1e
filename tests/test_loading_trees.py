"""What was recorded comes back as objects: from a capture, from the store, and from spans that are still open."""

from __future__ import annotations

import contextvars
import os
import subprocess
import sys
import threading

import msgspec
import pytest

import flightlog as fl
from flightlog.analysis.tree import LEEWAY_NS, Tree
from flightlog.codecs.lines import encode
from flightlog.core.context import variable
from flightlog.home import Home
from flightlog.journal.writer import Writer
from flightlog.layers import load_settings
from flightlog.loading import load_trace
from flightlog.place import Place
from flightlog.records.errors import AmbiguousId, BadQuestion, FlightlogError, UnknownId
from flightlog.records.event import Event
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.records.span import Span

TRACE = "0af7651916cd43dd8448eb211c80319c"
PROCESS = Process(process_id="c" * 32, started=1, project="test")


@pytest.fixture(autouse=True)
def _nowhere():
    """Whatever ran before in this thread, nothing is current."""
    variable.set(None)


@pytest.fixture
def seen():
    with fl.capture() as captured:
        yield captured


def span(number: int, parent: int = 0, start: int = 10, end: int | None = 100, **fields) -> Span:
    known = {"name": f"span{number}", "status": "ok" if end is not None else "running", "trace_id": TRACE}
    return Span(
        span_id=f"{number:016x}",
        parent_id=f"{parent:016x}" if parent else "",
        start=start,
        end=end,
        **{**known, **fields},
    )


def write(place: Place, *records) -> None:
    """Put records into a journal of this home, as a process would that ended."""
    place.create()
    writer = Writer(place.journal_root, PROCESS.process_id, Line(encode(PROCESS)), place.settings, say=print)
    for record in records:
        writer.write(Line(encode(record)))
    writer.close()


@pytest.fixture
def home(tmp_path):
    """A home that `flightlog.load` reads, named in code, and nothing recorded by this process."""
    path = str(tmp_path / "home")
    fl.configure(home=path)
    yield Place.find(load_settings({"home": path}))
    fl.configure(home=None)


# -- s.tree() -------------------------------------------------------------------------------------------------


def test_a_span_shows_itself_and_what_is_under_it_while_it_is_open(seen):
    with fl.span("root", kind="agent", input={"q": 1}, top_k=3) as root:
        with fl.span("first") as first:
            first.output = "one"
        fl.event("cache", hit=True)
        with fl.span("second"):
            tree = root.tree()
            late = root.tree().find("second")
    assert (tree.name, tree.kind, tree.status, tree.input, tree.output) == (
        "root",
        "agent",
        "running",
        {"q": 1},
        None,
    )
    assert (tree.start, tree.end, tree.duration_ns, tree.self_ns) == (root.start, None, None, None)
    assert tree.attributes == {"top_k": 3}
    assert [event.name for event in tree.events] == ["cache"]
    assert [(child.name, child.status, child.output) for child in tree.children] == [
        ("first", "ok", "one"),
        ("second", "running", None),
    ]
    assert late.status == "running"
    assert root.tree().find("second").status == "ok"


def test_a_span_shows_itself_after_its_end(seen):
    with pytest.raises(LookupError), fl.span("root") as root, fl.span("inner"):
        raise LookupError("gone")
    tree = root.tree()
    assert (tree.status, tree.error.type, tree.error.message) == ("error", "LookupError", "gone")
    assert tree.duration_ns >= tree.children[0].duration_ns >= 0
    assert tree.self_ns == tree.duration_ns - tree.children[0].duration_ns
    assert [node.name for node in tree.walk()] == ["root", "inner"]


def test_a_span_in_the_middle_shows_only_what_is_under_it(seen):
    with fl.span("root"), fl.span("middle") as middle, fl.span("leaf"):
        pass
    assert [node.name for node in middle.tree().walk()] == ["middle", "leaf"]


def test_find_gives_the_first_and_find_all_gives_every_one(seen):
    with fl.span("root") as root:
        for n in range(3):
            with fl.span("step", n=n):
                pass
    tree = root.tree()
    assert tree.find("step").attributes == {"n": 0}
    assert [node.attributes["n"] for node in tree.find_all("step")] == [0, 1, 2]
    assert tree.find("root") is tree
    assert tree.find("nothing") is None
    assert tree.find_all("nothing") == []


def test_an_open_span_shows_what_it_learned_since_its_last_line(seen):
    with fl.span("root") as root:
        with fl.span("child"):
            pass
        root.set(found=7)
        root.output = "so far"
        assert [record.status for record in seen.records if record.name == "root"] == ["running"]
        tree = root.tree()
    assert (tree.attributes, tree.output) == ({"found": 7}, "so far")


def test_a_paused_span_is_shown_as_paused(seen):
    with fl.span("asks") as asks:
        asks.pause("may I?")
        assert asks.tree().status == "paused"
        asks.resume("yes")
        assert asks.tree().status == "running"


def test_a_span_that_was_never_entered_shows_its_name_alone(seen):
    tree = fl.span("planned", size=3).tree()
    assert tree.children == []
    assert tree.duration_ns is None


def test_a_span_that_is_off_shows_that_nothing_is_known():
    with fl.capture(level="error"), fl.span("quiet", level="trace") as quiet:
        tree = quiet.tree()
    assert (tree.name, tree.trace_id, tree.children, tree.find("quiet")) == ("", "", [], None)


def test_reading_back_while_other_threads_change_the_same_trace_is_safe(seen):
    with fl.span("root") as root:
        place = contextvars.copy_context()

        def change(number):
            for n in range(200):
                root.set(**{f"key{number}-{n}": n})
                with fl.span("busy"):
                    pass

        threads = [threading.Thread(target=place.copy().run, args=(change, number)) for number in range(3)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            assert root.tree().find("root").status == "running"
        for thread in threads:
            thread.join()
    assert len(root.tree().find_all("busy")) == 600
    assert len(root.tree().attributes) == 600


# -- load within a capture ------------------------------------------------------------------------------------


def test_load_in_a_capture_finds_what_was_captured_and_nothing_else(seen):
    with pytest.raises(UnknownId):
        fl.load()
    with fl.span("one") as one:
        pass
    with fl.span("two"), fl.span("under"):
        pass
    assert (fl.load().name, fl.load("@latest").name, fl.load("@-1").name, fl.load("@-2").name) == (
        "two",
        "two",
        "two",
        "one",
    )
    assert fl.load(one.trace_id).name == fl.load(one.trace_id[:12]).name == "one"
    for ref in ("@-3", "@-0", "@new", "@", one.trace_id[:3], "f" * 32, ""):
        with pytest.raises(UnknownId):
            fl.load(ref)
    with fl.span("still") as still:
        assert fl.load().status == "running"
        assert fl.load(still.trace_id).name == "still"


def test_a_trace_speaks_with_the_voice_of_its_root(seen):
    with fl.span("root", kind="agent", input=1, size=2) as root:
        root.output = 3
        fl.event("cache", hit=True)
        with fl.span("child"):
            pass
    tree = fl.load()
    assert (tree.name, tree.kind, tree.status, tree.input, tree.output) == ("root", "agent", "ok", 1, 3)
    assert (tree.trace_id, tree.attributes, tree.error) == (root.trace_id, {"size": 2}, None)
    assert tree.duration_ns == tree.root.duration_ns == tree.end - tree.start
    assert [event.name for event in tree.events] == ["cache"]
    assert tree.find("child") is tree.children[0]
    assert tree.find_all("child") == tree.children
    assert repr(tree) == "Tree('root', spans=2, roots=1)"


# -- from a home ----------------------------------------------------------------------------------------------


PROGRAM = """
import flightlog as fl

fl.configure(home=HOME)
with fl.span("root") as root:
    with fl.span("child", n=1) as child:
        child.output = ["x" * 2000]
    fl.event("cache", hit=True)
    root.set(found=7)
    inside = root.tree()
    print(inside.status, inside.attributes, [node.name for node in inside.walk()], len(inside.events))
    print(fl.load(root.trace_id).status)
print(root.tree().status, root.tree().find("child").output == ["x" * 2000])
print(fl.load().name, fl.load(root.trace_id[:8]).duration_ns == root.tree().duration_ns)
"""


def run(program: str, home: object, **settings: str) -> list[str]:
    environment = {**os.environ, **{f"FLIGHTLOG_{name.upper()}": value for name, value in settings.items()}}
    command = [sys.executable, "-c", f"HOME = {str(home)!r}\n{program}"]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize("settings", [{}, {"durability": "memory"}, {"durability": "power"}])
def test_a_program_reads_its_own_trace_inside_and_after_the_block(tmp_path, settings):
    assert run(PROGRAM, tmp_path / "home", **settings) == [
        "running {'found': 7} ['root', 'child'] 1",
        "running",
        "ok True",
        "root True",
    ]


def test_where_no_home_can_be_written_the_open_spans_are_what_is_known(tmp_path):
    (tmp_path / "file").write_text("")
    program = """
import flightlog as fl

fl.configure(home=HOME)
with fl.span("root") as root, fl.span("child", n=1):
    print([(node.name, node.status) for node in root.tree().walk()])
print(root.tree().name, root.tree().status)
"""
    assert run(program, tmp_path / "file" / "home") == [
        "[('root', 'running'), ('child', 'running')]",
        "root ok",
    ]


def test_a_trace_that_is_not_sampled_is_known_by_its_name(tmp_path):
    program = """
import flightlog as fl

fl.configure(home=HOME, sample=0.0)
with fl.span("root") as root:
    with fl.span("child"):
        pass
print(root.tree().name, root.tree().children)
"""
    assert run(program, tmp_path / "home") == ["root []"]


def test_a_disabled_recorder_reads_back_nothing_and_makes_no_home(tmp_path):
    program = """
import flightlog as fl

fl.configure(home=HOME, enabled=False)
with fl.span("root") as root:
    pass
print(repr(root.tree().name), root.tree().find("root"))
"""
    assert run(program, tmp_path / "home") == ["'' None"]
    assert not (tmp_path / "home").exists()


def test_load_reads_what_other_processes_left_in_the_home(home):
    write(
        home,
        span(1, end=90),
        span(2, 1, start=20),
        Event(event_id="e" * 16, trace_id=TRACE, span_id="1" * 16, time=5, name="x"),
    )
    tree = fl.load(TRACE[:4])
    assert isinstance(tree, Tree)
    assert ([node.name for node in tree.walk()], tree.trace_id) == (["span1", "span2"], TRACE)
    assert fl.load().trace_id == TRACE


def test_load_says_what_it_does_not_know_and_what_fits_twice(home):
    with pytest.raises(UnknownId):
        fl.load()
    write(home, span(1, trace_id="abcd" + "0" * 28), span(1, trace_id="abcd" + "1" * 28))
    with pytest.raises(AmbiguousId, match="abcd"):
        fl.load("abcd")
    for ref in ("abc", "@-3", "f" * 32):
        with pytest.raises(UnknownId):
            fl.load(ref)


# -- trees survive anything -----------------------------------------------------------------------------------

ODD = {
    "missing": ([span(1), span(2, 99)], ["span1", "span2"], {"orphan": 1}),
    "later": ([span(2, 1, start=20), span(1)], ["span1", "span2"], {}),
    "itself": ([span(1, 1), span(2, 1)], ["span1", "span2"], {"own_parent": 1}),
    "circle": ([span(1, 3), span(2, 1), span(3, 2)], ["span1", "span2", "span3"], {"cycle": 1}),
    "roots": ([span(2, start=20), span(1)], ["span1", "span2"], {}),
    "outside": ([span(1), span(2, 1, start=20, end=900)], ["span1", "span2"], {"outside": 1}),
    "clocks": (
        [span(1, start=20, process_id="a"), span(2, 1, process_id="b")],
        ["span2", "span1"],
        {"skewed": 1},
    ),
    "backwards": ([span(1, start=20, end=5)], ["span1"], {"backwards": 1}),
}


@pytest.mark.parametrize("case", [name for name in ODD if name not in {"clocks", "missing"}])
def test_a_trace_with_odd_links_is_loaded_whole_and_marked(home, case):
    records, names, marks = ODD[case]
    write(home, *records)
    tree = fl.load(TRACE)
    assert [node.name for node in tree.walk()] == names
    assert {mark: tree.marks[mark] for mark in marks} == marks
    assert all(tree.find(name) is not None for name in names)
    assert repr(tree).startswith("Tree('span1'")


@pytest.mark.parametrize("case", ODD)
def test_the_tree_of_a_span_survives_odd_links_around_it(seen, case):
    records, names, _ = ODD[case]
    with fl.span("own") as own, fl.span("inner"):
        pass
    seen._lines.extend(b"\x1e" + encode(span_of_trace(record, own.trace_id)) + b"\n" for record in records)
    assert [node.name for node in own.tree().walk()] == ["own", "inner"]
    assert {node.name for node in fl.load(own.trace_id).walk()} == {*names, "own", "inner"}


def span_of_trace(record: Span, trace_id: str) -> Span:
    return msgspec.structs.replace(record, trace_id=trace_id)


def test_of_spans_with_one_id_the_greatest_line_counts(seen):
    with fl.span("own") as own:
        pass
    again = span_of_trace(span(1, name="again", end=50, status="error"), own.trace_id)
    seen._lines.extend(
        b"\x1e" + encode(one) + b"\n" for one in (span_of_trace(span(1, end=40), own.trace_id), again)
    )
    assert {node.name for node in fl.load(own.trace_id).walk()} == {"own", "again"}


def test_a_parent_that_was_never_written_is_loaded_as_such(home):
    write(home, span(1), span(2, 99))
    tree = fl.load(TRACE)
    assert [(node.name, node.status, node.marks) for node in tree.walk()] == [
        ("span1", "ok", ()),
        ("(not recorded)", "interrupted", ("placeholder",)),
        ("span2", "ok", ()),
    ]


def test_clocks_that_disagree_are_marked(home):
    start = 20 + LEEWAY_NS
    stamped = [span(1, start=start, end=2 * start, process_id="a" * 32), span(2, 1, process_id="b" * 32)]
    write(home, *stamped)
    assert [(node.name, node.marks) for node in fl.load(TRACE).walk()] == [
        ("span1", ()),
        ("span2", ("skewed",)),
    ]


def chain(count: int) -> list[Span]:
    return [span(n, n - 1, start=n, end=count * 2 - n) for n in range(1, count + 1)]


def test_a_hundred_thousand_spans_under_each_other_are_loaded_walked_and_found(seen):
    count = 100_000
    with fl.span("own") as own:
        pass
    seen._lines.extend(b"\x1e" + encode(one) + b"\n" for one in chain(count))
    tree = fl.load(TRACE)
    assert tree.span_count == count
    assert tree.find(f"span{count}").depth == count - 1
    assert sum(1 for _ in tree.walk()) == count
    assert len(tree.find_all("span7")) == 1
    assert len(repr(tree)) + len(repr(tree.root)) < 200
    assert own.tree().children == []


def test_a_chain_comes_back_from_the_store_as_deep_as_it_was(home):
    write(home, *chain(3_000))
    assert fl.load(TRACE, timeout=60.0).find("span3000").depth == 2_999


def test_a_store_s_reader_gives_the_same_tree_to_the_library_and_the_command_line(home):
    write(home, span(1), span(2, 1))
    opened = Home(home.path, home.settings)
    opened.catch_up()
    with opened.reader() as reader:
        tree = load_trace(reader, reader.resolve("@latest"))
        assert [node.name for node in tree.walk()] == [node.name for node in fl.load(TRACE).walk()]
        assert load_trace(reader, "f" * 32).roots == []


def test_an_empty_trace_has_no_root(home):
    tree = Tree(roots=[], span_count=0, start=0, end=0, marks={})
    assert (repr(tree), list(tree.walk()), tree.find("x"), tree.duration_ns) == (
        "Tree(spans=0, roots=0)",
        [],
        None,
        None,
    )
    with pytest.raises(LookupError, match="no span"):
        _ = tree.root


@pytest.mark.parametrize("ref", [None, 5, b"a"])
def test_what_is_no_text_is_refused_with_what_it_is(ref):
    with pytest.raises(BadQuestion, match=type(ref).__name__):
        fl.load(ref)


def test_a_load_that_interrupts_the_first_import_says_what_to_do(monkeypatch):
    """A module whose import has begun is in the import system's table, with a note of that on its spec."""
    monkeypatch.setattr(sys.modules["flightlog.loading"].__spec__, "_initializing", True)
    with pytest.raises(FlightlogError, match="ask again later"):
        fl.load()
