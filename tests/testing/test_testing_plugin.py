"""The pytest plugin, in sessions of its own: the fixture, the option, and what it leaves alone."""

from __future__ import annotations

import json
import re
import sys

import pytest

pytest_plugins = ["pytester"]

OURS = ("-p", "no:flightlog", "-p", "flightlog.testing.plugin", "-p", "no:cacheprovider", "-W", "error")
"""The plugin by its module, whether or not this environment knows its entry point."""


@pytest.fixture
def run(pytester, monkeypatch):
    """Runs pytest with the plugin over a file of tests, in a process of its own."""
    monkeypatch.delenv("FLIGHTLOG_UPDATE", raising=False)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("FLIGHTLOG_HOME", str(pytester.path / "home"))

    def run_with(source, *arguments):
        if source:
            pytester.makepyfile(test_it=source)
        return pytester.runpytest_subprocess(*OURS, *arguments, timeout=60)

    return run_with


def wrote_nothing(pytester):
    return not (pytester.path / "home").exists()


# -- the fixture ----------------------------------------------------------------------------------------------


def test_a_test_sees_what_it_records_and_nothing_of_another(run, pytester):
    result = run(
        """
        import flightlog as fl

        def test_one(recorded):
            with fl.span("one"):
                fl.event("tick")
                fl.narrate("said", human="Said.")
            assert [span.name for span in recorded.spans] == ["one"]
            assert [event.name for event in recorded.events] == ["tick", "said"]
            assert [event.body for event in recorded.narrations] == ["Said."]

        def test_two(recorded):
            assert recorded.records == []
        """
    )
    result.assert_outcomes(passed=2)
    assert wrote_nothing(pytester)


def test_threads_pools_and_tasks_that_a_test_starts_are_its_own(run, pytester):
    result = run(
        """
        import asyncio
        from concurrent.futures import ThreadPoolExecutor
        from threading import Thread

        import flightlog as fl

        def work(name):
            with fl.span(name):
                pass

        async def tasks():
            await asyncio.gather(asyncio.to_thread(work, "to_thread"), asyncio.create_task(task()))

        async def task():
            work("task")

        def test_it(recorded):
            thread = Thread(target=work, args=("thread",))
            thread.start()
            thread.join()
            with ThreadPoolExecutor(1) as pool:
                pool.submit(work, "pool").result()
            asyncio.run(tasks())
            assert {span.name for span in recorded.spans} == {"thread", "pool", "task", "to_thread"}
        """
    )
    result.assert_outcomes(passed=1)
    assert wrote_nothing(pytester)


def test_a_coroutine_is_captured_in_a_loop_that_is_older_than_the_fixture(run, pytester):
    result = run(
        """
        import anyio
        import pytest

        import flightlog as fl

        pytestmark = pytest.mark.anyio

        @pytest.fixture(scope="module")
        def anyio_backend():
            return "asyncio"

        @pytest.fixture(scope="module")
        async def old_loop():
            yield

        async def work(name):
            with fl.span(name):
                await anyio.sleep(0)

        @pytest.mark.parametrize("name", ["a", "b"])
        async def test_it(old_loop, recorded, name):
            async with anyio.create_task_group() as group:
                group.start_soon(work, name)
            assert [span.name for span in recorded.spans] == [name]

        class TestMethods:
            async def test_method(self, old_loop, recorded):
                await work("method")
                recorded.assert_executed("method", times=1)
        """
    )
    result.assert_outcomes(passed=3)
    assert wrote_nothing(pytester)


def test_a_unittest_case_may_use_it_also_with_coroutines(run, pytester):
    result = run(
        """
        import unittest

        import pytest

        import flightlog as fl

        class TestOld(unittest.IsolatedAsyncioTestCase):
            @pytest.fixture(autouse=True)
            def _recorded(self, recorded):
                self.recorded = recorded

            async def asyncSetUp(self):
                with fl.span("set up"):
                    pass

            def test_plain(self):
                with fl.span("plain"):
                    pass
                self.recorded.assert_order("set up", "plain")

            async def test_coroutine(self):
                with fl.span("coroutine"):
                    pass
                self.recorded.assert_executed("coroutine", times=1)
        """
    )
    result.assert_outcomes(passed=2)
    assert wrote_nothing(pytester)


def test_what_the_tests_of_a_class_share_is_captured_for_the_class(run, pytester):
    result = run(
        """
        import pytest

        import flightlog as fl

        @pytest.fixture(scope="class")
        def server(recorded_in_class):
            with fl.span("serve"):
                with fl.span("start"):
                    pass
                yield

        @pytest.mark.usefixtures("server")
        class TestServer:
            def test_first(self, recorded_in_class):
                with fl.span("first"):
                    pass
                recorded_in_class.assert_parent("first", "serve")

            def test_second(self, recorded_in_class, recorded):
                with fl.span("second"):
                    pass
                recorded.assert_parent("second", None)
                recorded.assert_not_executed("start")
                recorded_in_class.assert_order("start", "first")
                recorded_in_class.assert_not_executed("second")

            def test_third(self, recorded_in_class):
                with fl.span("third"):
                    pass
                recorded_in_class.assert_parent("third", "serve")

        def test_other(recorded_in_class):
            assert recorded_in_class.records == []
        """
    )
    result.assert_outcomes(passed=4)
    assert wrote_nothing(pytester)


def test_workers_of_xdist_do_not_see_each_other(run, pytester):
    result = run(
        """
        import pytest

        import flightlog as fl

        @pytest.mark.parametrize("number", range(24))
        def test_it(recorded, number):
            with fl.span("work", number=number):
                pass
            recorded.assert_executed("work", times=1)
            recorded.assert_executed("work", times=1, number=number)
        """,
        "-n",
        "2",
    )
    result.assert_outcomes(passed=24)
    assert wrote_nothing(pytester)


# -- failures -------------------------------------------------------------------------------------------------


def test_a_failure_shows_the_test_s_own_line_the_nearest_record_and_all_that_was_recorded(run):
    result = run(
        """
        import flightlog as fl

        def test_it(recorded):
            with fl.span("answer", kind="agent"), fl.span("search", top_k=5):
                pass
            recorded.assert_executed("search", top_k=8)
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            '>       recorded.assert_executed("search", top_k=8)',
            "E       AssertionError: no span 'search' with top_k 8 was recorded",
            "E       nearest of 2: answer > search (step ok)",
            "E                wanted  recorded",
            "E         top_k  8       5",
            "test_it.py:6: AssertionError",
            "*- Recorded by flightlog -*",
            "answer (agent)  ok*",
            "  search (step)  ok*top_k=5",
        ],
        consecutive=False,
    )
    result.stdout.no_fnmatch_line("*captured.py*")


def test_a_bare_assert_on_what_was_recorded_stays_readable(run):
    result = run(
        """
        import flightlog as fl

        def test_it(recorded):
            with fl.span("search"):
                pass
            assert [span.name for span in recorded.spans] == ["find"]
        """
    )
    result.stdout.fnmatch_lines(
        [
            "E       AssertionError: assert ['search'] == ['find']",
            "E         At index 0 diff: 'search' != 'find'",
        ]
    )


def test_a_failure_of_a_test_without_the_fixture_is_left_as_it_is(run):
    result = run("def test_it():\n    assert 1 == 2\n")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*flightlog -*")


# -- golden files ---------------------------------------------------------------------------------------------

GOLDEN = """
    import flightlog as fl

    def program():
        with fl.span("answer", kind="agent"):
            with fl.span("search", top_k={top_k}):
                pass
            fl.narrate("done", human="Answered in 12 ms.")

    def test_trace(recorded):
        program()
        recorded.assert_trace_matches("golden/answer.json", fields=["top_k"])

    def test_story(recorded):
        program()
        recorded.assert_story_matches("golden/answer.txt")
"""


def test_a_missing_golden_file_fails_with_the_line_to_run(run, pytester):
    result = run(GOLDEN.format(top_k=5))
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "E       AssertionError: the golden trace golden/answer.json does not exist",
            "E       to write it: pytest test_it.py::test_trace --flightlog-update",
            "E       AssertionError: the story golden/answer.txt does not exist",
        ]
    )
    assert not (pytester.path / "golden").exists()


def test_golden_files_are_written_when_asked_by_whichever_worker_and_hold_afterwards(run, pytester):
    result = run(GOLDEN.format(top_k=5), "--flightlog-update", "-n", "2")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["flightlog: wrote golden/answer.json", "flightlog: wrote golden/answer.txt"])
    golden = pytester.path / "golden" / "answer.json"
    assert [span["name"] for span in json.loads(golden.read_text())["spans"]] == ["answer"]
    assert (pytester.path / "golden" / "answer.txt").read_text() == "Answered in <duration>.\n"
    assert sorted(path.name for path in golden.parent.iterdir()) == ["answer.json", "answer.txt"]
    run("").assert_outcomes(passed=2)
    again = run("", "--flightlog-update")
    again.assert_outcomes(passed=2)
    again.stdout.no_fnmatch_line("*wrote*")


def test_a_golden_file_that_does_not_match_fails_with_a_tree_and_is_written_when_asked(run, pytester):
    run(GOLDEN.format(top_k=5), "--flightlog-update").assert_outcomes(passed=2)
    result = run(GOLDEN.format(top_k=8))
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        [
            "E       AssertionError: the trace does not match golden/answer.json: 2 lines with a difference *",
            "E         answer (agent)",
            "E           search (step)",
            "E       -     top_k: 5",
            "E       +     top_k: 8",
            "E       to accept what was recorded: pytest test_it.py::test_trace --flightlog-update",
        ]
    )
    run("", "--flightlog-update").assert_outcomes(passed=2)
    assert '"top_k": 8' in (pytester.path / "golden" / "answer.json").read_text()


def test_two_tests_that_want_different_things_of_one_file_are_refused(run):
    result = run(
        """
        import pytest

        import flightlog as fl

        @pytest.mark.parametrize("name", ["a", "b"])
        def test_it(recorded, name):
            with fl.span(name):
                pass
            recorded.assert_trace_matches("one.json")
        """,
        "--flightlog-update",
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*two assertions of this run want one.json, each otherwise*"])


def test_two_tests_of_different_workers_that_want_different_things_of_one_file_are_refused(run):
    source = """
        import time
        from pathlib import Path

        import pytest

        import flightlog as fl

        @pytest.mark.parametrize("name", ["a", "b"])
        def test_it(recorded, name, worker_id):
            Path(f"began-{worker_id}").touch()
            deadline = time.monotonic() + 30
            while not all(map(Path.exists, map(Path, ("began-gw0", "began-gw1")))):
                assert time.monotonic() < deadline, "the other worker has no test"
                time.sleep(0.01)
            with fl.span(NAME):
                pass
            recorded.assert_trace_matches("one.json")
        """
    result = run(source.replace("NAME", "name"), "--flightlog-update", "-n", "2")
    result.stdout.fnmatch_lines(
        ["*two assertions of this run want one.json, each otherwise; give each its own file*"]
    )
    assert result.ret == 1
    agreed = run(source.replace("NAME", '"same"'), "--flightlog-update", "-n", "2")
    agreed.assert_outcomes(passed=2)
    assert agreed.ret == 0


def test_the_line_to_run_is_quoted_for_a_shell(run):
    result = run(
        """
        import pytest

        @pytest.mark.parametrize("text", ["it's $HOME"])
        def test_it(recorded, text):
            recorded.assert_trace_matches("one.json")
        """
    )
    result.stdout.fnmatch_lines([r"*pytest 'test_it.py::test_it*it'\''s $HOME*' --flightlog-update"])


# -- everybody else -------------------------------------------------------------------------------------------


def test_a_session_that_does_not_use_it_loads_nothing_of_it_but_names(run, pytester):
    result = run(
        """
        import sys

        def test_it():
            late = {"msgspec", "rich", "click", "sqlite3", "flightlog.testing.checks", "flightlog.recording"}
            assert late & set(sys.modules) == set()
            assert not [name for name in sys.modules if name.startswith("flightlog.codecs")]
        """
    )
    result.assert_outcomes(passed=1)
    assert wrote_nothing(pytester)


def test_a_session_begins_without_a_warning_where_a_program_had_imported_us_before(run, pytester):
    """As `flightlog run -m pytest` does; the entry point is that of a distribution made here."""
    pytester.makepyfile(test_it="def test_it(recorded):\n    recorded.assert_not_executed('anything')\n")
    installed = pytester.mkdir("site") / "probe-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: probe\nVersion: 1.0\n")
    (installed / "RECORD").write_text("flightlog/__init__.py,,\nflightlog/testing/plugin.py,,\n")
    (installed / "entry_points.txt").write_text("[pytest11]\nflightlog = flightlog.testing.plugin\n")
    program = "import sys; sys.path.insert(0, 'site'); import flightlog, pytest; sys.exit(pytest.main(sys.argv[1:]))"
    result = pytester.run(
        sys.executable, "-c", program, "-p", "no:cacheprovider", "-W", "error", "test_it.py"
    )
    result.assert_outcomes(passed=1)


def test_the_option_is_explained(run):
    result = run("", "--help")
    result.stdout.fnmatch_lines(["flightlog:", "*--flightlog-update*"])


def test_what_a_test_records_without_the_fixture_goes_where_it_always_goes(run, pytester):
    run(
        """
        import flightlog as fl

        def test_captured(recorded):
            with fl.span("captured"):
                pass

        def test_recorded():
            with fl.span("kept"):
                pass
            assert fl.flush(20)
        """
    ).assert_outcomes(passed=2)
    asked = pytester.run(sys.executable, "-m", "flightlog", "list", "--json")
    assert re.findall(r'"(kept|captured)"', asked.stdout.str()) == ["kept"]
