"""What is recorded, where, and how much: settings as real programs meet them."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest

NOTHING_TO_SEE = """
    import os, threading
    import flightlog as fl

    @fl.traced
    def work():
        return 1

    with fl.span("s") as s:
        fl.event("e")
        work()
    print(threading.active_count(), not os.environ.get("FLUSH") or bool(fl.flush(1)))
"""


@pytest.mark.parametrize(
    "env",
    [{"FLIGHTLOG_LEVEL": "off"}, {"FLIGHTLOG_ENABLED": "false"}, {"OTEL_SDK_DISABLED": "true"}],
    ids=lambda env: next(iter(env)),
)
def test_what_is_switched_off_makes_no_thread_and_no_file(bench, env):
    result = bench.run(NOTHING_TO_SEE, env=env)
    assert result.stdout.split() == ["1", "True"], result.stderr
    assert not bench.home_path.exists()


@pytest.mark.parametrize("off", ["enabled=False", "level='off'"])
def test_what_code_switches_off_makes_no_thread_and_no_file(bench, off):
    switched = NOTHING_TO_SEE.replace(
        "import flightlog as fl\n", f"import flightlog as fl\n    fl.configure({off})\n"
    )
    result = bench.run(switched, env={"FLUSH": "1"})
    assert result.stdout.split() == ["1", "True"], result.stderr
    assert not bench.home_path.exists()


def test_what_is_switched_off_later_has_no_thread_any_more(bench):
    result = bench.run("""
        import threading
        import flightlog as fl

        with fl.span("on"):
            pass
        print(threading.active_count())
        fl.configure(enabled=False)
        with fl.span("off"):
            pass
        print(threading.active_count())
    """)
    assert result.stdout.split() == ["2", "1"], result.stderr
    assert set(bench.named()) == {"on"}


def test_code_can_switch_it_off_and_on_again(bench):
    result = bench.run("""
        import flightlog as fl

        fl.configure(enabled=False)
        with fl.span("off"):
            pass
        fl.configure(enabled=True)
        with fl.span("on"):
            fl.configure(enabled=False)
            with fl.span("off again"):
                pass
        fl.configure(enabled=None)
        with fl.span("on again"):
            pass
    """)
    assert result.returncode == 0, result.stderr
    assert {"on again"} <= {span.name for span in bench.spans()} <= {"on", "on again"}


def test_levels_can_be_changed_while_the_program_runs(bench):
    result = bench.run(
        """
        import flightlog as fl

        with fl.span("outer"):
            with fl.span("debug1", level="debug"):
                pass
            fl.configure(level="info,__main__=debug")
            with fl.span("debug2", level="debug"):
                with fl.span("trace2", level="trace"):
                    pass
            fl.configure(level="error")
            with fl.span("info3"):
                with fl.span("error3", level="error"):
                    pass
        """,
        env={"FLIGHTLOG_LEVEL": "info"},
    )
    assert result.returncode == 0, result.stderr
    assert bench.parents() == {"outer": None, "debug2": "outer", "error3": "outer"}


def test_a_trace_is_sampled_whole_or_not_at_all(bench):
    result = bench.run(
        """
        import threading
        import flightlog as fl

        def work():
            with fl.span("thread"):
                fl.event("e")

        for n in range(200):
            with fl.span("root"):
                with fl.span("child"):
                    pass
                thread = threading.Thread(target=work)
                thread.start()
                thread.join()
        """,
        env={"FLIGHTLOG_SAMPLE": "0.3"},
    )
    assert result.returncode == 0, result.stderr
    traces: dict[str, set[str]] = {}
    for record in (*bench.spans(), *bench.events()):
        traces.setdefault(record.trace_id, set()).add(record.name)
    assert all(names == {"root", "child", "thread", "e"} for names in traces.values())
    assert 20 <= len(traces) <= 110


def test_a_caller_s_decision_not_to_sample_is_kept(bench):
    parent = f"00-{'a' * 32}-{'b' * 16}-00"
    bench.run(NOTHING_TO_SEE, env={"TRACEPARENT": parent})
    assert bench.spans() == []
    bench.run(NOTHING_TO_SEE, env={"TRACEPARENT": parent[:-2] + "01"})
    spans = bench.spans()
    assert {span.trace_id for span in spans} == {"a" * 32}
    assert {span.parent_id for span in spans if span.name == "s"} == {"b" * 16}


def test_a_long_span_is_visible_while_it_runs(bench):
    program = bench.start("""
        import sys
        import flightlog as fl

        with fl.span("root"), fl.span("inner", n=1):
            print("open", flush=True)
            sys.stdin.read()
    """)
    program.stdout.readline()
    try:
        found = {}
        for _ in range(200):
            found = {span.name: span.status for span in bench.spans()}
            if len(found) == 2:
                break
        assert found == {"root": "running", "inner": "running"}
    finally:
        _, errors = program.communicate()
    assert errors == ""
    assert {span.name: span.status for span in bench.spans()} == {"root": "ok", "inner": "ok"}


def test_flush_says_that_everything_is_in_the_store(bench):
    result = bench.run("""
        import flightlog as fl
        from flightlog.home import Home
        from flightlog.configure import load_settings

        for n in range(3):
            with fl.span(f"s{n}"):
                pass
            flushed = fl.flush(30)
            with Home.find(load_settings()).reader() as reader:
                print(flushed.delivered, len(reader.traces(10)))
    """)
    assert result.stdout.split() == ["True", "1", "True", "2", "True", "3"], result.stderr


@pytest.mark.parametrize("env", [{}, {"FLIGHTLOG_SAMPLE": "0"}], ids=["open", "not sampled"])
def test_flush_does_not_wait_for_another_process_when_nothing_was_written(bench, env):
    """Beside `flightlog run`, which indexes: the program has a journal, and no line in it."""
    program = bench.write("""
        import flightlog as fl

        with fl.span("open"):
            print(*fl.flush(60))
    """)
    result = bench.flightlog("run", str(program), env=env)
    assert result.stdout.split() == ["True", "0", "0", "()", "0"], result.stderr


def test_flush_says_how_much_was_dropped_since_the_flush_before(bench):
    result = bench.run("""
        import time
        import flightlog as fl

        fl.configure(journal_bytes="1MiB")
        for n in range(3000):
            with fl.span("s", text="x" * 2000):
                pass
        first = fl.flush(30)
        recorded, dropped, flushed = 3000, first.dropped, first
        deadline = time.monotonic() + 30
        while not flushed and time.monotonic() < deadline:  # room is looked for now and then
            with fl.span("after"):
                pass
            recorded += 1
            flushed = fl.flush(30)
            dropped += flushed.dropped
        print(first.delivered, first.dropped > 0, flushed.delivered, recorded - dropped)
    """)
    assert result.stdout.split() == ["False", "True", "True", str(len(bench.spans()))], result.stderr


@pytest.mark.parametrize("timeout", ["float('inf')", "1e300", "-1.0", "0", "float('nan')"])
def test_flush_takes_any_number_for_a_time(bench, timeout):
    result = bench.run(f"""
        import flightlog as fl

        with fl.span("s"):
            pass
        flushed = fl.flush({timeout})
        print(flushed.delivered or flushed.waiting_bytes > 0, flushed.waiting_bytes >= 0)
        print(bool(fl.flush(30)))
    """)
    assert result.stdout.split() == ["True", "True", "True"], result.stderr


def test_a_short_program_leaves_its_journal_to_the_next_command(bench):
    bench.run(NOTHING_TO_SEE.replace("print", "str"))
    listed = bench.flightlog("list", "--json")
    assert [trace["name"] for trace in json.loads(listed.stdout)] == ["s"], listed.stderr


def test_durability_memory_needs_no_journal(bench):
    result = bench.run(
        """
        import flightlog as fl

        with fl.span("s"):
            pass
        print(fl.flush(30).delivered)
        """,
        env={"FLIGHTLOG_DURABILITY": "memory"},
    )
    assert result.stdout.split() == ["True"], result.stderr
    assert [span.name for span in bench.spans()] == ["s"]
    assert bench.journals_left() == []


def test_durability_memory_delivers_what_it_has_when_a_short_program_ends(bench):
    bench.run(NOTHING_TO_SEE, env={"FLIGHTLOG_DURABILITY": "memory"})
    assert {span.name for span in bench.spans()} == {"s", "work"}


def test_torn_records_are_counted(bench):
    bench.run(NOTHING_TO_SEE)
    (segment,) = bench.home.journal_root.rglob("*.seg")
    data = segment.read_bytes()
    torn = data.rstrip(b"\0")[:-10]
    segment.write_bytes(torn + bytes(len(data) - len(torn)))
    bench.spans()
    assert bench.home.losses()["records_torn"] == 1


def test_durability_power_records_like_any_other(bench):
    bench.run(NOTHING_TO_SEE, env={"FLIGHTLOG_DURABILITY": "power"})
    assert {span.name for span in bench.spans()} == {"s", "work"}


def test_what_follows_a_flush_of_full_journals_is_kept(bench):
    result = bench.run("""
        import flightlog as fl
        from flightlog.recording import recorder

        def dropped():
            return recorder.writer.counters.values()["lines_dropped_full"]

        fl.configure(journal_bytes="512KiB", segment_bytes="128KiB")
        with fl.span("first"):
            pass
        while not dropped():
            with fl.span("step", text="x" * 1000):
                pass
        fl.flush(60)
        before = dropped()
        with fl.span("next"):
            pass
        print(dropped() - before)
    """)  # fmt: skip
    assert result.stdout == "0\n", result.stderr
    assert "next" in {span.name for span in bench.spans()}


def test_a_full_journal_drops_new_records_and_counts_them(bench):
    result = bench.run(
        """
        import flightlog as fl

        fl.configure(journal_bytes="1MiB", exit_drain=0)
        for n in range(3000):
            with fl.span("s", text="x" * 2000):
                pass
        """,
    )
    assert result.returncode == 0
    assert result.stderr.count("flightlog:") == 1, result.stderr
    kept = len(bench.spans())
    dropped = bench.home.losses()["lines_dropped_full"]
    assert kept + dropped == 3000
    assert dropped > 0


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a place nobody can write")
def test_a_home_that_cannot_be_written_is_said_once_and_the_program_goes_on(bench):
    result = bench.run(
        """
        import flightlog as fl

        for n in range(100):
            with fl.span("s"):
                pass
        flushed = fl.flush(0.2)
        print(flushed.delivered, flushed.in_memory)
        """,
        env={"FLIGHTLOG_HOME": "/proc/nowhere/home"},
    )
    assert result.returncode == 0
    assert result.stdout.split() == ["False", "100"], result.stderr
    assert 1 <= result.stderr.count("flightlog:") <= 2
    assert "Traceback" not in result.stderr


def test_a_setting_that_makes_no_sense_is_said_once_and_the_program_goes_on(bench):
    result = bench.run(NOTHING_TO_SEE, env={"FLIGHTLOG_SAMPLE": "lots"})
    assert result.returncode == 0
    assert "FLIGHTLOG_SAMPLE" in result.stderr
    assert "a number from 0 to 1" in result.stderr
    assert result.stderr.count("flightlog:") == 1
    assert "s" in {span.name for span in bench.spans()}, "the other settings hold"


def test_a_setting_from_code_that_makes_no_sense_is_refused(bench):
    result = bench.run("""
        import flightlog as fl

        try:
            fl.configure(sample=7)
        except ValueError as error:
            print(error)
        try:
            fl.configure(colour="red")
        except ValueError as error:
            print(error)
        with fl.span("still recorded"):
            pass
    """)
    assert "sample" in result.stdout
    assert "colour" in result.stdout
    assert [span.name for span in bench.spans()] == ["still recorded"]


def test_the_project_s_file_is_read_and_the_environment_is_stronger(bench):
    (bench.directory / "flightlog.toml").write_text('project = "from file"\nenvironment = "from file"\n')
    bench.run(NOTHING_TO_SEE, env={"FLIGHTLOG_ENVIRONMENT": "from env"})
    assert {(span.project, span.environment) for span in bench.spans()} == {("from file", "from env")}


def test_the_nearest_home_upwards_is_used(bench, tmp_path):
    (tmp_path / ".flightlog").mkdir()
    result = bench.run(NOTHING_TO_SEE, env={"FLIGHTLOG_HOME": ""})
    assert result.returncode == 0, result.stderr
    assert (tmp_path / ".flightlog" / "journal").is_dir()


def test_the_home_is_its_owner_s_alone(bench):
    bench.run(NOTHING_TO_SEE)
    bench.spans()
    for path in (bench.home_path, *bench.home_path.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_losses_of_a_journal_that_is_not_indexed_yet_are_known(bench):
    bench.run("""
        import flightlog as fl

        fl.configure(journal_bytes="1MiB")
        for n in range(2000):
            with fl.span("s", text="x" * 2000):
                pass
    """)
    before = bench.home.losses()["lines_dropped_full"]
    bench.spans()
    assert before == bench.home.losses()["lines_dropped_full"] > 0


def test_a_home_that_cannot_be_used_says_why(bench, tmp_path):
    assert bench.home.problems() == []
    assert not bench.home_path.exists()
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below", "/proc/nowhere/home"):
        (problem,) = type(bench.home)(Path(path), bench.home.settings).problems()
        assert str(path) in problem


def test_a_store_in_a_directory_that_cannot_be_written_can_be_read(bench, monkeypatch):
    bench.run(NOTHING_TO_SEE)
    assert len(bench.spans()) == 2
    assert [path.name for path in bench.home_path.glob("store.db-[sw]*")] == []
    monkeypatch.setattr(os, "access", lambda *_: False)
    with bench.home.reader() as reader:
        assert [trace.name for trace in reader.traces(10)] == ["s"]
    assert [path.name for path in bench.home_path.glob("store.db-[sw]*")] == [], "nothing was made beside it"


def test_flush_in_a_signal_handler_that_interrupts_flush_comes_back(bench):
    result = bench.run("""
        import signal, time
        import flightlog as fl

        flushed = []
        signal.signal(signal.SIGALRM, lambda *_: flushed.append(fl.flush(0.05)))
        with fl.span("first"):
            pass
        fl.flush(5)
        deadline = time.monotonic() + 60
        while len(flushed) < 30 and time.monotonic() < deadline:
            with fl.span("s"):
                pass
            signal.setitimer(signal.ITIMER_REAL, 0.001)
            fl.flush(1)
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(len(flushed) >= 30, bool(fl.flush(10)))
    """)
    assert result.stdout.split() == ["True", "True"], result.stderr


def test_flush_and_exit_keep_their_limits_while_another_process_holds_the_store(bench):
    bench.run(NOTHING_TO_SEE)
    bench.spans()
    holder = sqlite3.connect(bench.home.store_path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        result = bench.run("""
            import time
            import flightlog as fl

            with fl.span("s2"):
                pass
            begun = time.monotonic()
            print(fl.flush(0.3).delivered)
            print(time.monotonic() - begun < 5)
        """)
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert result.stdout.split() == ["False", "True"], result.stderr
    assert {span.name for span in bench.spans()} == {"s", "work", "s2"}


def test_a_program_that_can_start_no_thread_is_recorded_all_the_same(bench):
    result = bench.run("""
        import threading

        def refuse(self):
            raise RuntimeError("can't start new thread")

        threading.Thread.start = refuse
        import flightlog as fl

        with fl.span("s"):
            pass
        print(bool(fl.flush(10)))
    """)
    assert result.stdout.strip() == "True", result.stderr
    assert "no thread" in result.stderr
    assert [span.name for span in bench.spans()] == ["s"]


def test_a_recorder_that_cannot_start_says_so_and_counts(bench):
    result = bench.run("""
        import flightlog as fl
        import flightlog.layers

        def broken(*_):
            raise OSError("no descriptors left")

        load, flightlog.layers.load_settings = flightlog.layers.load_settings, broken
        for _ in range(3):
            with fl.span("lost"):
                pass
        print(bool(fl.flush(1)))
        flightlog.layers.load_settings = load
        from flightlog.core.control import control
        control._not_before = 0
        with fl.span("kept"):
            pass
    """)
    assert result.stdout.strip() == "False"
    assert result.stderr.count("flightlog:") == 1
    assert [span.name for span in bench.spans()] == ["kept"]
    assert bench.home.losses()["records_while_starting"] == 3


def test_a_capture_in_a_program_that_records_takes_its_own_level_and_leaves_the_rest_to_the_journal(bench):
    result = bench.run("""
        import threading
        import flightlog as fl

        with fl.span("before"):
            pass

        def beside():
            for level in ("debug", "info"):
                with fl.span(f"beside-{level}", level=level):
                    pass

        with fl.capture(level="error") as seen:
            with fl.span("info"):
                fl.event("info")
            with fl.span("error", level="error"):
                pass
            other = threading.Thread(target=lambda: __import__("contextvars").Context().run(beside))
            with fl.capture(level="debug") as inner:
                with fl.span("debug", level="debug"):
                    pass
            other.start()
            other.join()
        with fl.span("after", level="debug"):
            pass
        with fl.span("after-info"):
            pass
        print([record.name for record in seen.records], [record.name for record in inner.records])
    """)
    assert result.stdout.strip() == "['error'] ['debug']", result.stderr
    assert set(bench.named()) == {"before", "beside-info", "after-info"}
