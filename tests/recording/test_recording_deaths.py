"""However a program dies, every span that had ended is in the store afterwards, exactly once."""

from __future__ import annotations

import signal

import pytest

DEATHS = {
    "kill -9": ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    "a segmentation fault": ("ctypes.string_at(0)", -signal.SIGSEGV),
    "os._exit": ("os._exit(7)", 7),
    "os.abort": ("os.abort()", -signal.SIGABRT),
    "a signal that terminates": ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
}


@pytest.mark.parametrize("death", DEATHS)
def test_spans_that_ended_before_a_sudden_death_are_kept_and_open_ones_are_interrupted(bench, death):
    code, returncode = DEATHS[death]
    result = bench.run(f"""
        import ctypes, os, signal
        import flightlog as fl

        with fl.span("root"):
            for n in range(50):
                with fl.span(f"done{{n}}", n=n):
                    pass
            with fl.span("open"):
                with fl.span("last"):
                    pass
                {code}
    """)
    assert result.returncode == returncode, result.stderr
    named = bench.named()
    assert {name for name in named if name.startswith("done")} == {f"done{n}" for n in range(50)}
    assert {named[name].status for name in named if name.startswith("done")} == {"ok"}
    assert named["last"].status == "ok"
    assert named["root"].status == "interrupted"
    assert named["done3"].attributes == {"n": 3}
    assert bench.journals_left() == []


def test_a_span_that_is_still_open_when_a_short_program_ends_is_interrupted(bench):
    result = bench.run("""
        import flightlog as fl

        left = fl.span("left open", question="why")
        left.__enter__()
    """)
    assert result.returncode == 0, result.stderr
    named = bench.named()
    assert (named["left open"].status, named["left open"].attributes) == ("interrupted", {"question": "why"})


@pytest.mark.parametrize("around", ["", 'with fl.span("around"):'])
def test_who_flushes_and_then_dies_leaves_the_spans_that_were_open(bench, around):
    result = bench.run(f"""
        import os
        import flightlog as fl

        {around or "if True:"}
            with fl.span("work", input={{"question": "why"}}) as span:
                span.set(step=3)
                assert fl.flush(timeout=60)
                os._exit(7)
    """)
    assert result.returncode == 7, result.stderr
    work = bench.named()["work"]
    assert (work.status, work.input, work.attributes) == ("interrupted", {"question": "why"}, {"step": 3})


def test_a_parent_that_was_never_written_gets_a_placeholder(bench):
    bench.run("""
        import os
        import flightlog as fl

        with fl.span("root"):
            with fl.span("first"):
                pass
            with fl.span("unwritten"):
                with fl.span("child"):
                    pass
                os._exit(1)
    """)
    spans = {span.span_id: span for span in bench.spans()}
    child = next(span for span in spans.values() if span.name == "child")
    parent = spans[child.parent_id]
    assert parent.status == "interrupted"
    assert parent.trace_id == child.trace_id


def test_sys_exit_in_a_thread_ends_only_that_thread(bench):
    result = bench.run("""
        import sys, threading
        import flightlog as fl

        def leave():
            with fl.span("leaving"):
                sys.exit(3)

        with fl.span("root"):
            thread = threading.Thread(target=leave)
            thread.start()
            thread.join()
    """)
    assert result.returncode == 0
    assert {span.name: span.status for span in bench.spans()} == {"leaving": "error", "root": "ok"}


def test_an_exit_that_says_success_is_no_error(bench):
    result = bench.run("""
        import sys
        import flightlog as fl

        with fl.span("root"):
            sys.exit(0)
    """)
    assert result.returncode == 0
    assert bench.named()["root"].status == "ok"


def test_an_exception_while_a_module_is_imported_is_recorded(bench):
    bench.write(
        """
        import flightlog as fl

        with fl.span("importing"):
            raise RuntimeError("no module today")
        """,
        "broken.py",
    )
    result = bench.run("""
        import flightlog as fl

        with fl.span("root"):
            import broken
    """)
    assert result.returncode == 1
    named = bench.named()
    assert named["importing"].status == "error"
    assert named["root"].error.message == "no module today"
    assert "broken.py" in named["importing"].error.stack


def test_spans_recorded_while_the_interpreter_shuts_down_are_kept(bench):
    result = bench.run("""
        import atexit, sys, threading, weakref

        def early():
            with fl.span("handler registered before"):
                pass

        atexit.register(early)
        import flightlog as fl

        class Late:
            def __del__(self):
                with fl.span("finaliser"):
                    pass

        with fl.span("root"):
            pass

        @atexit.register
        def late():
            with fl.span("handler registered after"):
                pass

        def from_a_thread():
            threading.main_thread().join()
            with fl.span("thread that outlives main"):
                pass

        threading.Thread(target=from_a_thread).start()
        keep = Late()
        sys.keep = keep
        del keep
    """)
    assert result.returncode == 0, result.stderr
    assert set(bench.named()) >= {
        "root",
        "handler registered before",
        "handler registered after",
        "thread that outlives main",
    }
    assert "Traceback" not in result.stderr


def test_a_daemon_thread_that_records_while_the_program_ends_breaks_nothing(bench):
    result = bench.run("""
        import threading
        import flightlog as fl

        started = threading.Event()

        def forever():
            while True:
                with fl.span("tick"):
                    started.set()

        threading.Thread(target=forever, daemon=True).start()
        started.wait()
        with fl.span("main"):
            pass
    """)
    assert result.returncode == 0
    assert result.stderr == ""
    spans = bench.spans()
    assert sum(span.name == "main" for span in spans) == 1
    assert len({span.span_id for span in spans}) == len(spans)
    assert sum(span.status == "interrupted" for span in spans) <= 1


def test_records_from_a_signal_handler_in_the_middle_of_recording_are_kept(bench):
    result = bench.run("""
        import signal
        import flightlog as fl

        fired = 0

        def handler(number, frame):
            global fired
            fired += 1
            with fl.span("handler", n=fired):
                fl.event("signal", n=fired)
            if fired < 300:  # one at a time: on a slow machine handlers in handlers use up the stack
                signal.setitimer(signal.ITIMER_REAL, 0.001)

        with fl.span("first"):
            pass
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        done = 0
        while fired < 300:
            with fl.span("main", text="x" * (done % 3000)):
                done += 1
        print(done, fired)
    """)
    assert result.returncode == 0, result.stderr
    done, fired = map(int, result.stdout.split())
    names = [span.name for span in bench.spans()]
    assert names.count("main") == done
    assert names.count("handler") == fired
