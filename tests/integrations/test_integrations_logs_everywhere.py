"""`instrument("logging")`: every logger is heard, and the program logs and prints what it would without us."""

from __future__ import annotations

import inspect
import io
import logging
import logging.config
import logging.handlers
import os
import queue
import subprocess
import sys
import textwrap

import pytest

import flightlog as fl
from flightlog.integrations.logs import LogHandler
from flightlog.records.errors import BadQuestion

PRISTINE = logging.Logger.callHandlers


@pytest.fixture
def seen():
    with fl.instrument("logging"), fl.capture() as captured:
        yield captured


@pytest.fixture
def logger(request):
    """A logger of the real tree that belongs to one test, and is as new afterwards."""
    made = logging.getLogger(f"flightlog-test.{request.node.name}")
    made.setLevel(logging.INFO)
    made.propagate = False
    yield made
    for handler in list(made.handlers):
        made.removeHandler(handler)
        handler.close()
    made.setLevel(logging.NOTSET)
    made.propagate = True


def test_a_logger_without_any_handler_is_heard(seen, logger):
    with fl.span("job") as job:
        logger.info("hello %s", "you", extra={"n": 1})
    (event,) = seen.events
    assert (event.body, event.span_id, event.attributes["n"]) == ("hello you", job.span_id, 1)


def test_what_a_loggers_level_or_filter_keeps_out_is_not_recorded(seen, logger):
    logger.debug("too low")
    logger.addFilter(lambda record: record.getMessage() != "no")
    logger.info("no")
    logger.info("yes")
    assert [event.body for event in seen.events] == ["yes"]


def test_no_logger_gets_another_level_or_handler(logger):
    root = logging.getLogger()
    before = (root.level, list(root.handlers), logger.level, list(logger.handlers))
    with fl.instrument("logging"):
        assert (root.level, list(root.handlers), logger.level, list(logger.handlers)) == before


def test_twice_is_recorded_once_and_undone_by_once(logger):
    fl.instrument("logging")
    with fl.instrument("logging"):
        pass
    with fl.capture() as seen:
        logger.info("once")
    assert [event.body for event in seen.events] == ["once"]
    fl.uninstrument("logging")
    assert logging.Logger.callHandlers is PRISTINE
    with fl.capture() as seen:
        logger.info("no more")
    assert seen.events == []


def test_a_handler_of_ours_on_the_logger_as_well_changes_nothing(seen, logger):
    logger.addHandler(LogHandler())
    logger.info("once")
    assert [event.body for event in seen.events] == ["once"]


def test_a_wrapper_around_ours_goes_on_working_when_ours_is_undone(logger, monkeypatch):
    calls = []
    with fl.instrument("logging"):
        ours = logging.Logger.callHandlers

        def outer(self, record):
            calls.append(record.msg)
            ours(self, record)

        monkeypatch.setattr(logging.Logger, "callHandlers", outer)
    monkeypatch.setattr(logging.Logger, "callHandlers", outer)
    with fl.capture() as seen:
        logger.info("still")
    assert calls == ["still"]
    assert seen.events == []
    monkeypatch.setattr(logging.Logger, "callHandlers", PRISTINE)


def test_a_configuration_that_removes_every_handler_does_not_end_it(seen, logger):
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "loggers": {logger.name: {"level": "INFO", "handlers": []}},
        }
    )
    logger.info("after")
    assert [event.body for event in seen.events] == ["after"]


def test_a_queue_between_logger_and_handlers_is_recorded_where_it_was_logged(seen, logger):
    waiting = queue.SimpleQueue()
    stream = io.StringIO()
    listener = logging.handlers.QueueListener(waiting, logging.StreamHandler(stream))
    logger.addHandler(logging.handlers.QueueHandler(waiting))
    listener.start()
    with fl.span("job") as job:
        logger.info("queued")
    listener.stop()
    assert [(event.body, event.span_id) for event in seen.events] == [("queued", job.span_id)]
    assert stream.getvalue() == "queued\n"


def test_a_handler_that_fails_fails_as_before(seen, logger, capsys, monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", True)

    class Failing(logging.Handler):
        def emit(self, record):
            raise ZeroDivisionError(record.msg)

    logger.addHandler(Failing())
    with pytest.raises(ZeroDivisionError):
        logger.info("x")
    assert [event.body for event in seen.events] == ["x"]


def test_a_handler_that_looks_for_the_caller_finds_the_caller(seen, logger):
    found = []

    class Looking(logging.Handler):
        def emit(self, record):
            frame, depth = inspect.currentframe(), 0
            while frame and (depth == 0 or frame.f_code.co_filename == logging.__file__):
                frame = frame.f_back
                depth += 1
            found.append(frame.f_code.co_name)

    logger.addHandler(Looking())
    logger.info("x")
    assert found == ["test_a_handler_that_looks_for_the_caller_finds_the_caller"]


def test_a_record_that_tells_a_narration_is_not_recorded_again(seen, logger):
    logger.info("Dispatched job-1", extra={"flightlog_event_id": "0123456789abcdef"})
    assert seen.events == []


def test_a_filter_of_levels_goes_by_the_loggers_name(logger, tmp_path, monkeypatch):
    monkeypatch.setenv("FLIGHTLOG_HOME", str(tmp_path))
    logger.setLevel(logging.DEBUG)
    with fl.instrument("logging"):
        fl.configure(level=f"warn,{logger.name}=debug", home=str(tmp_path))
        try:
            with fl.span("job", level="error") as job:
                logger.debug("of this one")
                logging.getLogger("flightlog-test.other").info("of another")
            fl.flush()
            told = [event.body for event in fl.load(job.trace_id).events]
        finally:
            fl.configure(level=None, home=None)
    assert told == ["of this one"]


def test_a_single_logger_is_recorded_by_a_handler_on_it(logger):
    other = logging.getLogger("flightlog-test.other")
    before = list(logger.handlers)
    with fl.capture() as seen, fl.instrument(logger):
        fl.instrument(logger)
        logger.info("heard")
        other.warning("not heard")
        assert logging.Logger.callHandlers is PRISTINE
    assert [event.body for event in seen.events] == ["heard"]
    assert logger.handlers == before


def test_a_handler_is_no_client():
    with pytest.raises(BadQuestion, match="NullHandler cannot be recorded"):
        fl.instrument(logging.NullHandler())


def _run(tmp_path, program, *command, **environment):
    (tmp_path / "program.py").write_text(textwrap.dedent(program))
    return subprocess.run(
        [sys.executable, *command, "program.py"],
        cwd=tmp_path,
        env={**os.environ, "FLIGHTLOG_HOME": str(tmp_path / "home"), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


PROGRAMS = {
    "no configuration at all": """
        import logging
        logging.getLogger("app").warning("to stderr by the last resort")
        logging.getLogger("app").info("nowhere")
        """,
    "basicConfig": """
        import logging, sys
        logging.basicConfig(level="INFO", stream=sys.stdout, format="%(filename)s:%(lineno)d %(funcName)s %(message)s")
        def f():
            logging.info("hello")
        f()
        print(len(logging.getLogger().handlers), logging.getLogger("x").hasHandlers())
        """,
    "a message that does not fit": """
        import logging
        logging.basicConfig(format="%(message)s")
        logging.warning("%d", "x")
        """,
    "a level of its own": """
        import logging
        logging.addLevelName(25, "NOTICE")
        logging.basicConfig(level=25, format="%(levelname)s %(message)s")
        logging.log(25, "n")
        logging.info("i")
        """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_under_run_prints_what_it_prints_alone(tmp_path, name):
    alone = _run(tmp_path, PROGRAMS[name])
    recorded = _run(tmp_path, PROGRAMS[name], "-m", "flightlog", "run")
    ours = [line for line in recorded.stderr.splitlines() if not line.startswith("flightlog: ")]
    assert recorded.stdout == alone.stdout
    assert recorded.returncode == alone.returncode
    assert [line for line in ours if "callHandlers" not in line] == [
        line for line in alone.stderr.splitlines() if "callHandlers" not in line
    ]
    shown = _shown(tmp_path)
    assert '"log"' in shown


def _shown(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "flightlog", "trace", "@latest", "--json"],
        env={**os.environ, "FLIGHTLOG_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def test_run_records_no_logs_where_the_setting_says_so(tmp_path):
    program = PROGRAMS["basicConfig"]
    _run(tmp_path, program, "-m", "flightlog", "run", FLIGHTLOG_INSTRUMENT="openai")
    assert '"log"' not in _shown(tmp_path)
