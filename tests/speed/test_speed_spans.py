"""What only the compiled span has to be tested for: its memory, its edges, and what it shares with the plain engine."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import subprocess
import sys
import weakref
from contextlib import ExitStack

import pytest
from speed_kit import needs_core

import flightlog as fl
from flightlog._speed import presence
from flightlog.core import engine
from flightlog.core.context import variable
from flightlog.core.off import OFF

pytestmark = [
    needs_core,
    pytest.mark.skipif(
        engine.NAME != "compiled",
        reason="the engine in plain Python runs; there is nothing compiled to look at",
    ),
]


@pytest.fixture
def seen():
    with fl.capture() as captured:
        yield captured


def test_a_span_that_nobody_holds_is_gone_at_once(seen):
    with fl.span("root"):
        with fl.span("s", a=1) as span:
            pass
        gone = weakref.ref(span)
        del span
        assert gone() is None


def test_a_root_is_no_cycle(seen):
    gc.disable()
    try:
        with fl.span("root") as root:
            pass
        gone = weakref.ref(root)
        del root
        assert gone() is None
    finally:
        gc.enable()


def test_memory_that_is_used_again_brings_nothing_along(seen):
    with fl.span("root") as root:
        for _ in range(300):
            with fl.span("full", kind="tool", level="warn", a=1, b="x") as span:
                span.output = 1
                span.fail("no")
        del span
        with fl.span("bare") as bare:
            assert (bare._attributes, bare._output, bare._error, bare._outer) == (None, None, None, root)
    record = seen.span("bare")
    assert (record.kind, record.level, record.status, record.attributes) == ("step", "info", "ok", {})


def test_many_spans_within_each_other_end_without_exhausting_the_stack(seen):
    spans = []
    for _ in range(20_000):
        spans.append(fl.span("deep"))
        spans[-1].__enter__()
    last = spans.pop()
    last.__exit__(None, None, None)
    while spans:
        spans.pop().__exit__(None, None, None)
    del last
    assert not fl.current()


def test_its_edges_work_from_the_class_from_a_stack_and_by_hand(seen):
    with fl.span("root"):
        with ExitStack() as stack:
            first = stack.enter_context(fl.span("by a stack"))
            assert fl.current() is first
        span = fl.span("by the class")
        assert type(span).__enter__(span) is span
        assert type(span).__exit__(span, None, None, None) is None
        span = fl.span("by hand")
        assert span.__enter__() is span
        span.__exit__(None, None, None)
    assert [record.name for record in seen.spans] == ["by a stack", "by the class", "by hand", "root"]
    with pytest.raises(TypeError):
        type(span).__enter__()
    with pytest.raises(TypeError):
        type(span).__enter__(5)
    with pytest.raises(TypeError):
        span.__exit__(None)


def test_a_block_that_is_left_in_a_copy_of_its_context_leaves_the_copy_as_it_was(seen):
    around = variable.get()
    span = fl.span("s")
    span.__enter__()
    copy = contextvars.copy_context()
    copy.run(span.__exit__, None, None, None)
    assert copy[variable] is around
    assert variable.get() is span
    assert span.ended
    variable.set(around)


def test_members_are_what_the_plain_methods_take_them_for(seen):
    with fl.span("root") as root, fl.span("s", a=1, b="x") as span:
        assert span._root is root
        assert root._root is root
        assert span._parent_field == f'"parent_id":"{root.span_id}",'
        assert span._attributes == {"a": '"a":1', "b": '"b":"x"'}
        assert span._attributes is span._attributes
        with pytest.raises(TypeError):
            del span._name
        with pytest.raises(AttributeError):
            span.unknown = 1


def test_open_spans_are_those_that_are_open(seen):
    before = len(engine.open_spans)
    with fl.span("root") as root:
        assert root in engine.open_spans
        assert len(engine.open_spans) == before + 1
        assert list(engine.open_spans)[-1] is root
    assert root not in engine.open_spans
    with pytest.raises(TypeError):
        engine.open_spans.add("no span")


def test_a_span_that_is_off_is_one_object_and_lets_exceptions_pass():
    with fl.capture(level="info") as captured:
        with fl.span("s", level="trace") as span:
            assert span is OFF
        with pytest.raises(KeyError), fl.span("s", level="trace"):
            raise KeyError
    assert captured.records == []


def test_a_task_is_told_from_the_one_before_and_after_it(seen):
    async def work():
        with fl.span("outer"):
            await asyncio.sleep(0)
            with fl.span("inner"):
                await asyncio.sleep(0)

    async def main():
        await asyncio.gather(*(asyncio.create_task(work(), name=f"w{n}") for n in range(3)))

    asyncio.run(main())
    assert sorted((span.name, span.task) for span in seen.spans) == sorted(
        (name, f"w{n}") for n in range(3) for name in ("inner", "outer")
    )
    with fl.span("after"):
        pass
    assert seen.span("after").task == ""


def test_a_forked_child_is_in_no_task(tmp_path):
    program = """
        import asyncio, os
        import flightlog as fl
        async def main():
            with fl.span("before"):
                pass
            child = os.fork()
            if child == 0:
                with fl.capture() as seen:
                    with fl.span("child"):
                        pass
                print(repr(seen.span("child").task), flush=True)
                os._exit(0)
            os.waitpid(child, 0)
        asyncio.run(main())
    """
    source = tmp_path / "program.py"
    lines = program.splitlines()
    source.write_text("\n".join(line[8:] for line in lines), encoding="utf-8")
    environment = {**os.environ, "FLIGHTLOG_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, str(source)], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "''\n"


def test_forced_but_missing_it_says_so_once_and_the_plain_engine_runs(tmp_path):
    program = (
        "import sys; sys.modules['flightlog._speed._core'] = None\n"
        "from flightlog.core import engine; import flightlog.core.tracer; print(engine.NAME)"
    )
    environment = {**os.environ, presence.VARIABLE: "compiled"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "pure\n"
    assert done.stderr.count("FLIGHTLOG_ENGINE=compiled, but the compiled core is not there") == 1
    assert done.stderr.count("\n") == 1
