"""Sinks of real programs: what each gets, when one fails, at an exit, in forked children, and after a crash."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from flightlog.core.engine import NAME

WORK = """
    import flightlog as fl

    with fl.span("root"):
        for number in range({number}):
            with fl.span("step", number=number):
                pass
"""


def lines_of(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def ended(lines, name="step"):
    return [line for line in lines if line.get("name") == name and "end" in line]


def numbers(lines):
    return [line["attributes"]["number"] for line in ended(lines)]


def test_store_and_file_both_get_everything(bench):
    result = bench.run(WORK.format(number=50), env={"FLIGHTLOG_SINKS": "store, jsonl:lines.jsonl"})
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert len(bench.spans()) == 51
    assert numbers(lines_of(bench.directory / "lines.jsonl")) == list(range(50))


def test_every_line_of_a_file_explains_itself(bench):
    env = {
        "FLIGHTLOG_SINKS": "store,jsonl:lines.jsonl",
        "FLIGHTLOG_PROJECT": "shop",
        "FLIGHTLOG_VERSION": "1.2",
    }
    bench.run(WORK.format(number=1), env=env)
    first, *lines = lines_of(bench.directory / "lines.jsonl")
    assert (first["type"], first["attributes"]["flightlog.engine"]) == ("process", NAME)
    assert {(line["process_id"], line["project"], line["version"], line["service"]) for line in lines} == {
        (first["process_id"], "shop", "1.2", "program")
    }


def test_without_the_store_nothing_is_indexed_and_nothing_is_left(bench):
    result = bench.run(WORK.format(number=3000), env={"FLIGHTLOG_SINKS": "jsonl:lines.jsonl"})
    assert result.stderr == ""
    assert numbers(lines_of(bench.directory / "lines.jsonl")) == list(range(3000))
    assert list((bench.home_path / "unindexed").iterdir()) == []
    assert bench.spans() == []


def test_without_the_store_the_journal_goes_as_the_sinks_read_it(bench):
    result = bench.run(
        """
        import pathlib, time
        import flightlog as fl
        from flightlog.sinks.memory import Memory

        fl.configure(sinks=[Memory()], segment_bytes=65536)
        for number in range(20_000):
            with fl.span("step"):
                pass
            if number % 1000 == 0:
                fl.flush(5)
        deadline = time.monotonic() + 20
        while len(list(pathlib.Path("home/unindexed").glob("*/*.seg"))) > 2 and time.monotonic() < deadline:
            fl.flush(1)
        print(time.monotonic() < deadline)
    """
    )
    assert result.stdout.split() == ["True"], result.stderr


def test_what_a_killed_program_s_sinks_did_not_get_is_in_the_store(bench):
    program = """
        import flightlog as fl, os, signal

        class Stuck:
            def append(self, batch):
                raise OSError("away")
            def flush(self, timeout):
                return False
            def close(self):
                pass

        fl.configure(sinks=[Stuck()])
        with fl.span("done"):
            pass
        fl.flush(0.2)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    result = bench.run(program)
    assert result.returncode == -signal.SIGKILL
    assert [span.name for span in bench.spans()] == ["done"]


def test_what_a_killed_program_s_file_lacks_the_store_has(bench):
    program = """
        import flightlog as fl, sys

        number = 0
        while True:
            with fl.span("step", number=number):
                number += 1
            if number == 2000:
                print("go", flush=True)
    """
    process = bench.start(program, env={"FLIGHTLOG_SINKS": "store,jsonl:lines.jsonl"})
    with process:
        assert process.stdout.readline() == "go\n"
        process.kill()
    stored = {span.attributes["number"] for span in bench.spans()}
    whole = (bench.directory / "lines.jsonl").read_bytes().rpartition(b"\n")[0]
    written = numbers([json.loads(line) for line in whole.splitlines()])
    assert written == list(range(len(written)))
    assert set(written) <= stored
    assert stored == set(range(len(stored)))


def test_no_line_escapes_a_file_while_another_process_indexes_at_full_speed(bench):
    """`flightlog run` deletes segments as soon as they are in the store; the program's own sinks read them first."""
    bench.write(WORK.format(number=60_000))
    sinks = "store,jsonl:lines-{pid}.jsonl?rotate=1GiB"
    result = bench.flightlog(
        "run", "program.py", env={"FLIGHTLOG_SINKS": sinks, "FLIGHTLOG_EXIT_DRAIN": "60"}
    )
    assert result.returncode == 0, result.stderr
    found = max(bench.directory.glob("lines-*.jsonl"), key=lambda path: path.stat().st_size)
    assert numbers(lines_of(found)) == list(range(60_000))


def test_forked_children_write_to_the_same_file_and_tear_nothing(bench):
    program = """
        import os
        import flightlog as fl

        with fl.span("root"):
            pids = []
            for child in range(4):
                pid = os.fork()
                if not pid:
                    for number in range(300):
                        with fl.span("step", number=number, child=child, pad="x" * 300):
                            pass
                    ok = fl.flush(20)
                    os._exit(0 if ok else 1)
                pids.append(pid)
            print([os.waitpid(pid, 0)[1] for pid in pids])
    """
    result = bench.run(
        program, env={"FLIGHTLOG_SINKS": "store,jsonl:lines.jsonl?rotate=100KiB&keep=1000&compress=none"}
    )
    assert result.stdout.split() == ["[0,", "0,", "0,", "0]"], result.stderr
    lines = [line for path in bench.directory.glob("lines*.jsonl") for line in lines_of(path)]
    found = sorted((line["attributes"]["child"], line["attributes"]["number"]) for line in ended(lines))
    assert found == [(child, number) for child in range(4) for number in range(300)]
    assert len({line["process_id"] for line in lines}) == 5
    assert len(ended(lines, "root")) == 1


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_worker_s_last_records_reach_the_file(bench, method):
    """Forked workers end without `atexit`."""
    program = """
        import multiprocessing, sys
        import flightlog as fl

        def work(number):
            with fl.span("step", number=number):
                pass

        if __name__ == "__main__":
            with fl.span("root"):
                context = multiprocessing.get_context(sys.argv[1])
                workers = [context.Process(target=work, args=(number,)) for number in range(3)]
                for worker in workers:
                    worker.start()
                for worker in workers:
                    worker.join()
    """
    result = bench.run(program, method, env={"FLIGHTLOG_SINKS": "store,jsonl:lines.jsonl"})
    assert result.stderr == ""
    assert sorted(numbers(lines_of(bench.directory / "lines.jsonl"))) == [0, 1, 2]


def test_a_sink_that_cannot_live_in_a_forked_child_is_left_out_there(bench):
    program = """
        import os
        import flightlog as fl
        from flightlog.sinks.memory import Memory

        class Connection:
            def __init__(self):
                self.pids = set()
            def append(self, batch):
                self.pids.add(os.getpid())
            def flush(self, timeout):
                return True
            def close(self):
                pass

        mine, kept = Connection(), Memory()
        fl.configure(sinks=["store", mine, kept])
        with fl.span("parent"):
            pass
        fl.flush(10)
        pid = os.fork()
        with fl.span("after"):
            pass
        fl.flush(10)
        print(len(mine.pids), [record.name for record in kept.records if record.__struct_config__.tag == "span"])
        if pid:
            os.waitpid(pid, 0)
    """
    result = bench.run(program)
    assert sorted(result.stdout.splitlines()) == ["1 ['after']", "1 ['parent', 'after']"]
    assert result.stderr.count("left out in forked children") == 1


@pytest.mark.parametrize("sinks", ["store,jsonl:lines.jsonl", "jsonl:lines.jsonl"])
def test_with_durability_memory_the_lines_come_from_memory(bench, sinks):
    env = {"FLIGHTLOG_SINKS": sinks, "FLIGHTLOG_DURABILITY": "memory"}
    result = bench.run(WORK.format(number=500), env=env)
    assert result.stderr == ""
    assert numbers(lines_of(bench.directory / "lines.jsonl")) == list(range(500))
    assert len(bench.spans()) == (501 if "store" in sinks else 0)


def test_a_home_that_cannot_be_used_does_not_keep_the_sinks_from_their_lines(bench):
    bench.home_path.write_text("a file is no directory")
    result = bench.run(WORK.format(number=20), env={"FLIGHTLOG_SINKS": "store,jsonl:lines.jsonl"})
    assert result.returncode == 0
    assert numbers(lines_of(bench.directory / "lines.jsonl")) == list(range(20))


def test_a_sink_that_fails_hurts_neither_the_program_nor_the_other_sinks(bench):
    env = {"FLIGHTLOG_SINKS": "store,jsonl:/proc/nowhere/lines.jsonl,jsonl:lines.jsonl"}
    program = WORK.format(number=20) + "    print(fl.flush(0.5).sinks, bool(fl.flush(0.1)))\n"
    result = bench.run(program, env=env)
    assert result.stdout == "('jsonl:/proc/nowhere/lines.jsonl',) False\n"
    assert numbers(lines_of(bench.directory / "lines.jsonl")) == list(range(20))
    assert len(bench.spans()) == 21
    assert result.stderr.count("sink jsonl:/proc/nowhere/lines.jsonl failed") == 1
    assert "did not take 23 records" in result.stderr
    assert bench.home.losses()["sink_lines_missed"] == 23
    assert bench.home.losses()["sink_errors"] > 0


def test_a_sink_that_blocks_holds_up_the_exit_no_longer_than_it_may(bench):
    program = """
        import threading
        import flightlog as fl

        class Blocked:
            def append(self, batch):
                threading.Event().wait()
            def flush(self, timeout):
                return True
            def close(self):
                pass

        fl.configure(sinks=["store", Blocked()], exit_drain=0.2)
        with fl.span("s"):
            pass
        print(bool(fl.flush(0.2)))
    """
    result = bench.run(program)
    assert (result.returncode, result.stdout) == (0, "False\n")
    assert "sink Blocked did not take 2 records" in result.stderr
    assert [span.name for span in bench.spans()] == ["s"]


def test_what_is_recorded_within_a_sink_is_not_recorded(bench):
    """Else an instrumented client in a sink would send its own requests, for ever."""
    program = """
        import flightlog as fl

        class Recording:
            def __init__(self):
                self.recorded = []
            def append(self, batch):
                with fl.span("sending") as span:
                    fl.event("sent")
                    self.recorded.append(span.recorded)
            def flush(self, timeout):
                return True
            def close(self):
                pass

        mine = Recording()
        fl.configure(sinks=["store", mine])
        with fl.span("s"):
            pass
        fl.flush(10)
        print(set(mine.recorded))
    """
    assert bench.run(program).stdout == "{False}\n"
    assert [span.name for span in bench.spans()] == ["s"]
    assert bench.events() == []


def test_a_sink_goes_on_when_settings_change(bench):
    program = """
        import flightlog as fl
        from flightlog.sinks.memory import Memory

        kept = Memory()
        fl.configure(sinks=["store", kept])
        with fl.span("one"):
            pass
        fl.configure(project="other")
        with fl.span("two"):
            pass
        fl.flush(10)
        print([(r.name, r.project) for r in kept.records if r.__struct_config__.tag == "span"])
        fl.configure(sinks=None)
        with fl.span("three"):
            pass
        fl.flush(10)
        print(len(kept.records))
    """
    result = bench.run(program)
    assert result.stdout.splitlines() == ["[('one', 'default'), ('two', 'other')]", "4"], result.stderr
    assert len(bench.spans()) == 3


@pytest.mark.parametrize(
    "sinks",
    ["[]", "['nowhere']", "['jsonl']", "['jsonl:x?keep=0']", "['jsonl:x?colour=red']", "[object()]", "3"],
)
def test_sinks_that_make_no_sense_are_refused_and_nothing_changes(bench, sinks):
    program = f"""
        import flightlog as fl

        with fl.span("before"):
            pass
        try:
            fl.configure(sinks={sinks})
        except ValueError as error:
            print(error)
        with fl.span("after"):
            pass
    """
    result = bench.run(program)
    assert result.stdout.startswith("setting sinks from code is"), result.stderr
    assert {span.name for span in bench.spans()} == {"before", "after"}


def test_a_sink_in_the_environment_that_makes_no_sense_is_said_and_the_store_is_used(bench):
    result = bench.run(WORK.format(number=1), env={"FLIGHTLOG_SINKS": "kafka:x"})
    assert result.returncode == 0
    assert "FLIGHTLOG_SINKS" in result.stderr
    assert len(bench.spans()) == 2


def test_a_program_without_other_sinks_starts_no_thread_for_them(bench):
    program = """
        import sys, threading
        import flightlog as fl

        with fl.span("s"):
            pass
        print(sorted(thread.name for thread in threading.enumerate()), "flightlog.delivery" in sys.modules)
    """
    assert bench.run(program).stdout == "['MainThread', 'flightlog'] False\n"


def test_the_console_speaks_on_standard_error_alone(bench):
    result = bench.run(WORK.format(number=2), env={"FLIGHTLOG_CONSOLE": "live"})
    assert result.stdout == ""
    shown = result.stderr.splitlines()
    assert [line.split()[1] for line in shown[:4]] == ["root", "step", "step", "root"]
    assert [len(line) - len(line.lstrip()) for line in shown[:4]] == [0, 2, 2, 0]
    assert any(line.startswith("  trace    ") for line in shown)
    assert len(bench.spans()) == 3


def test_a_console_whose_reader_went_away_is_survived(bench):
    bench.write(WORK.format(number=2000) + "    print('done')\n")
    command = f"{sys.executable} program.py 2>&1 >out | head -1 >/dev/null"
    subprocess.run(
        ["sh", "-c", command],
        env=bench.environment({"FLIGHTLOG_CONSOLE": "live"}),
        cwd=bench.directory,
        check=True,
    )
    assert (bench.directory / "out").read_text() == "done\n"
    assert len(bench.spans()) == 2001


ELSEWHERE = """
    import os, sys
    import flightlog as fl

    if sys.argv[1] == "code":
        os.makedirs("deeper")
        os.chdir("deeper")
        fl.configure(home="own", sinks="store, jsonl:lines.jsonl")
    os.chdir("/")
    with fl.span("work"):
        pass
    if os.fork() == 0:
        with fl.span("child"):
            pass
        fl.flush()
        os._exit(0)
    os.wait()
"""


@pytest.mark.parametrize("given", ["code", "environment"])
def test_relative_paths_are_meant_from_where_they_were_given_wherever_the_program_goes(bench, given):
    """In code the directory of the call counts, outside of it the one that the program was started in."""
    quiet = {"PYTHONWARNINGS": "ignore::DeprecationWarning"}  # of a fork beside threads, from 3.12 on
    env = {**quiet, "FLIGHTLOG_HOME": "own", "FLIGHTLOG_SINKS": "store, jsonl:lines.jsonl"}
    result = bench.run(ELSEWHERE, given, env=env if given == "environment" else quiet)
    assert (result.returncode, result.stderr) == (0, "")
    directory = bench.directory / ("deeper" if given == "code" else ".")
    names = [line["name"] for line in lines_of(directory / "lines.jsonl") if line["type"] == "span"]
    assert sorted(names) == ["child", "work"]
    assert (directory / "own" / "store.db").exists()
    assert not bench.home_path.exists()


def test_a_sink_that_is_named_twice_gets_each_line_once(bench):
    (bench.directory / "other").symlink_to(bench.directory)
    result = bench.run(
        WORK.format(number=20),
        env={"FLIGHTLOG_SINKS": "jsonl:lines.jsonl,jsonl:other/lines.jsonl?keep=2,stderr:json,stderr:json"},
    )
    assert result.returncode == 0
    assert numbers(lines_of(bench.directory / "lines.jsonl")) == list(range(20))
    told = [json.loads(line) for line in result.stderr.splitlines()]
    assert numbers(told) == list(range(20))


def test_an_object_that_is_named_twice_gets_each_line_once(bench):
    result = bench.run("""
        import flightlog as fl

        class Kept(list):
            def append(self, batch):
                self.extend(line for line in batch if b'"span"' in line)
            def flush(self, timeout):
                return True
            def close(self):
                print(len(self))

        kept = Kept()
        fl.configure(sinks=[kept, kept])
        with fl.span("work"):
            pass
    """)  # fmt: skip
    assert (result.stdout, result.stderr) == ("1\n", "")
