"""Programs that narrate: what reaches the store, under which levels, and from whom."""

from __future__ import annotations

from flightlog.records.narration import is_narration

WORKER = """
    import flightlog as fl

    @fl.narrates("Worked", level="debug")
    def work():
        pass

    def say():
        fl.narrate("say", level="debug")
"""


def told(bench):
    return [event for event in bench.events() if is_narration(event)]


def test_the_first_narration_of_a_program_is_recorded_with_who_said_it(bench):
    result = bench.run(
        """
        import flightlog as fl

        with fl.bind(correlation_id="order-7"), fl.span("root"):
            fl.narrate("enqueue", "job-1", human="Queued job-1.")
        """,
        env={"FLIGHTLOG_SERVICE": "shop", "FLIGHTLOG_VERSION": "1.4.0"},
    )
    assert result.returncode == 0, result.stderr
    (event,) = told(bench)
    assert event.body == "Queued job-1."
    assert event.attributes == {
        "flightlog.event": "narration",
        "actor": "shop",
        "target": "job-1",
        "correlation_id": "order-7",
        "emitted_by": "shop@1.4.0",
        "source": "__main__:5",
    }


def test_a_program_without_a_service_is_named_after_its_script(bench):
    bench.run("import flightlog as fl\nwith fl.span('root'):\n    fl.narrate('enqueue')\n")
    (event,) = told(bench)
    assert (event.attributes["actor"], event.attributes["emitted_by"]) == ("program", "program")


def test_a_level_filter_names_the_module_that_speaks(bench):
    bench.write(WORKER, "quiet.py")
    bench.write(WORKER, "loud.py")
    result = bench.run(
        """
        import flightlog as fl
        import loud, quiet

        with fl.span("root"):
            for module in (quiet, loud):
                module.work()
                module.say()
        """,
        env={"FLIGHTLOG_LEVEL": "info,loud=debug"},
    )
    assert result.returncode == 0, result.stderr
    assert sorted(event.attributes["source"] for event in told(bench)) == ["loud:4", "loud:9"]


def test_what_is_not_sampled_is_not_said(bench):
    result = bench.run(
        """
        import flightlog as fl

        @fl.narrates("Worked {x}")
        def work(x):
            return x

        class Silent:
            def __str__(self):
                raise SystemExit("nobody listens")

        with fl.span("root"):
            fl.narrate("say", human=lambda: 1 / 0)
            work(Silent())
        """,
        env={"FLIGHTLOG_SAMPLE": "0"},
    )
    assert result.returncode == 0, result.stderr
    assert told(bench) == []


def test_a_process_that_narrates_in_a_forked_child_says_who_it_is(bench):
    result = bench.run(
        """
        import os
        import flightlog as fl

        with fl.span("root"):
            fl.narrate("fork")
            child = os.fork()
            if child == 0:
                fl.narrate("work")
                os._exit(0)
            os.waitpid(child, 0)
        """
    )
    assert result.returncode == 0, result.stderr
    assert {event.name: event.attributes["actor"] for event in told(bench)} == {
        "fork": "program",
        "work": "program",
    }


def test_a_recorder_that_is_off_says_nothing_and_breaks_nothing(bench):
    result = bench.run(
        """
        import flightlog as fl

        @fl.narrates("Worked {x}")
        def work(x):
            return x

        fl.narrate("say", human=lambda: 1 / 0)
        with fl.mute():
            print(work(3))
        """,
        env={"FLIGHTLOG_ENABLED": "false"},
    )
    assert (result.returncode, result.stdout) == (0, "3\n"), result.stderr
