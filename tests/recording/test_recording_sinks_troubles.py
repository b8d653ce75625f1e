"""What is said to be lost is lost, and nothing else; and sinks that use the recorder themselves."""

from __future__ import annotations

from shutil import rmtree

import pytest

WORK = """
    import flightlog as fl

    with fl.span("root"):
        for number in range({number}):
            with fl.span("step", number=number):
                pass
"""
LOST = "records that could not be written and are lost: 22"


@pytest.mark.parametrize(
    ("sinks", "said"),
    [
        ("store", [LOST]),
        ("store,jsonl:lines.jsonl", ["the store could not take, and only the other sinks have: 22"]),
        (
            "store,jsonl:/dev/full",
            ["did not take 23 records", "22 of them are not in the store either", LOST],
        ),
        ("jsonl:/dev/full", ["did not take 23 records", "22 of them are not in the journal either", LOST]),
        ("store,jsonl:/dev/full,jsonl:lines.jsonl", ["22 of them are not in the store either", "have: 22"]),
        ("jsonl:/dev/full,jsonl:lines.jsonl", ["22 of them are not in the journal either"]),
    ],
)
def test_what_neither_home_nor_sink_could_take_is_said_to_be_lost_and_nothing_else(bench, sinks, said):
    bench.home_path.write_text("a file is no directory")
    result = bench.run(WORK.format(number=20), env={"FLIGHTLOG_SINKS": sinks})
    assert result.returncode == 0
    assert [part for part in said if part not in result.stderr] == []
    assert ("are lost:" in result.stderr) == (LOST in said)
    assert "they are in the" not in result.stderr


@pytest.mark.parametrize("sinks", ["store", "store,jsonl:/dev/full"])
@pytest.mark.parametrize("end", ["", "fl.configure(project='next')"])
def test_what_a_full_store_refused_from_memory_is_said_to_be_lost(bench, sinks, end):
    program = f"""
        import resource
        import flightlog as fl

        fl.configure(durability="memory")
        with fl.span("first"):
            pass
        fl.flush(10)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        for _ in range(7):
            with fl.span("late"):
                pass
        print(fl.flush(0.2).in_memory)
        {end}
    """
    result = bench.run(program, env={"FLIGHTLOG_SINKS": sinks})
    assert (result.returncode, result.stdout) == (0, "7\n"), result.stderr
    assert "records that could not be written and are lost: 7\n" in result.stderr
    assert [span.name for span in bench.spans()] == ["first"]


def test_flush_is_not_done_while_lines_wait_in_memory_for_a_journal_beside_a_store_that_works(bench):
    program = """
        import flightlog as fl

        with fl.span("step"):
            pass
        print(bool(fl.flush(30)), fl.flush(30).in_memory)
    """
    assert bench.run(program).stdout == "True 0\n"
    assert [span.name for span in bench.spans()] == ["step"]
    rmtree(bench.home.journal_root)
    bench.home.journal_root.write_text("a file is no directory")
    result = bench.run(program)
    assert result.stdout == "False 1\n", result.stderr
    assert "records that could not be written and are lost: 1\n" in result.stderr


@pytest.mark.parametrize("sinks", ["store", "store,jsonl:lines.jsonl"])
def test_what_is_in_memory_survives_a_change_of_settings(bench, sinks):
    program = """
        import flightlog as fl

        fl.configure(durability="memory")
        for project in ["one", "two", "three"]:
            fl.configure(project=project)
            with fl.span("step", number=len(project)):
                pass
    """
    result = bench.run(program, env={"FLIGHTLOG_SINKS": sinks})
    assert result.stderr == ""
    assert sorted(span.project for span in bench.spans()) == ["one", "three", "two"]


def test_sinks_that_flush_and_load_wait_neither_for_themselves_nor_for_each_other(bench):
    """Each call would use up its whole timeout, and a flush of the program fail."""
    program = """
        import flightlog as fl

        class Asking:
            def __init__(self):
                self.answers = []
            def append(self, batch):
                self.answers.append(bool(fl.flush(100)))
                fl.load("@latest", timeout=100)
            def flush(self, timeout):
                self.answers.append(bool(fl.flush(100)))
                return True
            def close(self):
                pass

        one, two = Asking(), Asking()
        with fl.span("before"):
            pass
        fl.flush(20)
        fl.configure(sinks=["store", one, two])
        for number in range(5):
            with fl.span("s"):
                pass
            print(bool(fl.flush(20)))
            if number == 0:  # a flush in the midst of starting says no
                one.answers, two.answers = [], []
        print(set(one.answers + two.answers))
    """
    result = bench.run(program)
    assert result.stdout.splitlines() == ["True"] * 5 + ["{True}"], result.stderr
    assert result.stderr == ""


def test_a_sink_may_change_the_settings(bench):
    program = """
        import threading
        import flightlog as fl
        from flightlog.sinks.memory import Memory

        done = threading.Event()

        class Changing(Memory):
            def append(self, batch):
                if b'"one"' in b"".join(batch):
                    fl.configure(project="other", sinks=None)
                    done.set()

        fl.configure(sinks=["store", Changing()])
        with fl.span("one"):
            pass
        print(done.wait(30))
        with fl.span("two"):
            pass
        print(bool(fl.flush(20)))
    """
    result = bench.run(program)
    assert result.stdout.splitlines() == ["True", "True"], result.stderr
    assert {(span.name, span.project) for span in bench.spans()} == {("one", "default"), ("two", "other")}


@pytest.mark.parametrize("sinks", ["store,jsonl:/dev/full", "jsonl:/dev/full"])
def test_doctor_counts_the_failures_of_a_sink_while_the_program_runs(bench, sinks):
    program = """
        import flightlog as fl

        with fl.span("root"):
            pass
        fl.flush(0.2)
        print("there", flush=True)
        input()
    """
    with bench.start(program, env={"FLIGHTLOG_SINKS": sinks}) as running:
        assert running.stdout.readline() == "there\n"
        assert bench.home.losses()["sink_errors"] > 0
        sizes = bench.home.sizes()
        assert (sizes.journals, sizes.living) == (1, 1)
        assert sizes.journal_bytes > 0
        running.communicate("\n", timeout=60)


@pytest.mark.parametrize(
    ("durability", "where"),
    [
        ("process", "wait in the journal"),
        ("memory", "wait in memory, and are lost if the program ends first"),
    ],
)
def test_where_records_wait_for_a_store_that_cannot_be_written_is_said_truly(bench, durability, where):
    bench.home.create()
    bench.home.store_path.mkdir()
    program = """
        import flightlog as fl

        with fl.span("root"):
            pass
        fl.flush(1)
    """
    result = bench.run(program, env={"FLIGHTLOG_DURABILITY": durability})
    assert result.returncode == 0
    assert f"records {where}\n" in result.stderr


def test_a_user_file_that_may_not_even_be_looked_for_stops_nothing(bench):
    """Only somebody who may do everything runs without such directories; a name too long fails as they do."""
    result = bench.run(WORK.format(number=1), env={"XDG_CONFIG_HOME": "/" + "x" * 5000})
    assert (result.returncode, result.stderr) == (0, "")
    assert bench.home.catch_up().lines_indexed
