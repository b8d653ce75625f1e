"""loguru's lines as events, through the real package."""

from __future__ import annotations

import inspect
import io
import logging
import subprocess
import sys

import pytest
from loguru import logger as everywhere

import flightlog as fl
from flightlog.integrations.loguru import patcher, sink

PLACE = {"code.file.path", "code.line.number", "code.function.name"}


@pytest.fixture
def seen():
    with fl.capture() as captured:
        yield captured


@pytest.fixture
def logger():
    """The one logger of the package, with nothing but our sink on it."""
    everywhere.remove()
    everywhere.add(sink, format="{message}", level=0, catch=False)
    yield everywhere
    everywhere.remove()
    everywhere.configure(patcher=lambda record: None)


def _own(event):
    return {key: value for key, value in event.attributes.items() if key not in PLACE}


def test_a_line_is_an_event_with_what_was_bound(seen, logger):
    with fl.span("job") as job:
        logger.bind(user="u-7").warning("{} of {}", 3, 8, ms=900)
    (event,) = seen.events
    assert (event.name, event.body, event.level, event.span_id) == ("log", "3 of 8", "warn", job.span_id)
    assert _own(event) == {"logger": __name__, "user": "u-7", "ms": 900}
    assert event.attributes["code.file.path"] == __file__
    assert event.attributes["code.function.name"] == "test_a_line_is_an_event_with_what_was_bound"


@pytest.mark.parametrize(
    ("name", "level", "severity"),
    [
        ("TRACE", "trace", None),
        ("DEBUG", "debug", None),
        ("INFO", "info", None),
        ("SUCCESS", "info", "SUCCESS"),
        ("WARNING", "warn", None),
        ("ERROR", "error", None),
        ("CRITICAL", "fatal", None),
    ],
)
def test_each_level_has_one_of_ours(seen, logger, name, level, severity):
    logger.log(name, "x")
    (event,) = seen.events
    assert (event.level, event.attributes.get("severity")) == (level, severity)


def test_a_level_that_is_only_a_number_has_one_of_ours(seen, logger):
    logger.log(33, "x")
    (event,) = seen.events
    assert (event.level, event.attributes["severity"]) == ("warn", "Level 33")


def test_an_exception_is_an_event_of_its_own(seen, logger):
    try:
        raise ValueError("bad date")
    except ValueError:
        logger.exception("failed")
    log, exception = seen.events
    assert log.body == "failed"
    assert exception.attributes["exception.message"] == "bad date"


def test_what_was_bound_under_a_name_of_ours_gets_another_one(seen, logger):
    logger.bind(level="x", body="y").info("hello")
    (event,) = seen.events
    assert (event.level, event.body) == ("info", "hello")
    assert _own(event) == {"logger": __name__, "extra.level": "x", "extra.body": "y"}


def test_secrets_are_redacted(seen, logger):
    key = "sk-" + "ant-" + "api03-" + "Ab1" * 20
    logger.bind(api_key=key).info("using {}", key)
    (event,) = seen.events
    assert key not in event.body
    assert event.attributes["api_key"] == "[REDACTED]"


def test_the_patcher_tells_lines_their_place(seen, logger):
    stream = io.StringIO()
    logger.configure(patcher=patcher)
    logger.add(stream, format="{extra[trace_id]}/{extra[span_id]} {message}")
    with fl.span("job") as job:
        logger.info("hello")
    assert stream.getvalue() == f"{job.trace_id}/{job.span_id} hello\n"
    (event,) = seen.events
    assert (event.trace_id, event.span_id) == (job.trace_id, job.span_id)
    assert _own(event) == {"logger": __name__}


def test_a_format_that_names_the_place_does_not_fail_outside_any_span(seen, logger):
    stream = io.StringIO()
    logger.configure(patcher=patcher)
    logger.add(stream, format="{extra[trace_id]}/{extra[span_id]} {message}", catch=False)
    logger.info("hello")
    logger.bind(trace_id="own").info("mine")
    assert stream.getvalue() == "/ hello\nown/ mine\n"
    assert [_own(event) for event in seen.events] == [
        {"logger": __name__},
        {"logger": __name__, "trace_id": "own"},
    ]


def test_the_patcher_adds_nothing_to_what_is_recorded_where_no_span_is(seen, logger):
    logger.configure(patcher=patcher)
    logger.info("hello")
    (event,) = seen.events
    assert _own(event) == {"logger": __name__}


class Intercept(logging.Handler):
    """Sends `logging` to loguru, as programs do that print everything with loguru."""

    def emit(self, record):
        frame, depth = inspect.currentframe(), 0
        while frame and (depth == 0 or frame.f_code.co_filename == logging.__file__):
            frame = frame.f_back
            depth += 1
        everywhere.opt(depth=depth, exception=record.exc_info).log(record.levelname, record.getMessage())


@pytest.fixture
def standard(request):
    made = logging.getLogger(f"flightlog-loguru.{request.node.name}")
    made.setLevel(logging.DEBUG)
    made.propagate = False
    yield made
    for handler in list(made.handlers):
        made.removeHandler(handler)
        handler.close()


def test_a_line_of_logging_that_goes_on_to_loguru_is_recorded_once(seen, logger, standard):
    stream = io.StringIO()
    logger.add(stream, format="{function} {message}")
    standard.addHandler(Intercept())
    with fl.instrument("logging"):
        standard.info("hello %d", 1)
    assert [event.body for event in seen.events] == ["hello 1"]
    assert stream.getvalue() == "test_a_line_of_logging_that_goes_on_to_loguru_is_recorded_once hello 1\n"
    standard.info("hello %d", 2)
    assert [event.body for event in seen.events] == ["hello 1", "hello 2"]


def test_a_line_of_loguru_that_goes_on_to_logging_is_recorded_once(seen, logger, standard):
    class Propagate(logging.Handler):
        def emit(self, record):
            standard.handle(record)

    logger.add(Propagate(), format="{message}")
    with fl.instrument("logging"):
        logger.info("hello")
        standard.info("by itself")
    assert [event.body for event in seen.events] == ["hello", "by itself"]


def test_a_line_that_our_sink_does_not_get_is_recorded_where_it_goes_on_to(seen, logger, standard):
    class Propagate(logging.Handler):
        def emit(self, record):
            standard.handle(record)

    logger.remove()
    logger.add(sink, format="{message}", level="WARNING")
    logger.add(Propagate(), format="{message}")
    with fl.instrument("logging"):
        for number in range(5):
            everywhere.warning("both {}", number)
            everywhere.info("only logging {}", number)
    assert [event.body for event in seen.events] == [
        f"{word} {number}" for number in range(5) for word in ("both", "only logging")
    ]


def test_a_message_without_a_record_does_not_reach_the_program(seen):
    sink("no message of loguru's")
    assert seen.events == []


def test_the_sink_does_not_import_the_package():
    code = "import sys, flightlog.integrations.loguru as s; print('loguru' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
