"""structlog's lines as events, through the real package: recorded once, and passed on as they are."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import subprocess
import sys

import pytest
import structlog

import flightlog as fl
from flightlog.integrations.structlog import processor

PLACE = {"code.file.path", "code.line.number", "code.function.name"}


@pytest.fixture
def seen():
    with fl.capture() as captured:
        yield captured


def _native(stream, *before):
    """A logger that writes JSON by itself."""
    return structlog.wrap_logger(
        structlog.WriteLogger(stream),
        processors=[*before, processor, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(0),
        cache_logger_on_first_use=False,
    )


@pytest.fixture
def standard(request):
    """A logger of `logging` underneath, of one test only."""
    made = logging.getLogger(f"flightlog-structlog.{request.node.name}")
    made.setLevel(logging.DEBUG)
    made.propagate = False
    made.stream = io.StringIO()
    handler = logging.StreamHandler(made.stream)
    made.addHandler(handler)
    yield made
    made.removeHandler(handler)
    handler.close()


def _own(event):
    return {key: value for key, value in event.attributes.items() if key not in PLACE}


def test_a_line_is_an_event_with_its_keys(seen):
    stream = io.StringIO()
    with fl.span("job") as job:
        _native(stream).bind(user="u-7").warning("slow query", ms=900, table={"name": "t"})
    (event,) = seen.events
    assert (event.name, event.body, event.level, event.span_id) == ("log", "slow query", "warn", job.span_id)
    assert _own(event) == {"logger": __name__, "user": "u-7", "ms": 900, "table": {"name": "t"}}
    assert event.attributes["code.function.name"] == "test_a_line_is_an_event_with_its_keys"
    assert json.loads(stream.getvalue()) == {
        "event": "slow query",
        "user": "u-7",
        "ms": 900,
        "table": {"name": "t"},
    }


def test_the_dictionary_itself_is_passed_on_unchanged(seen):
    line = {"event": "x", "exc_info": None, "_private": 1, "password": "hunter2"}
    before = dict(line)
    assert processor(None, "info", line) is line
    assert line == before
    (event,) = seen.events
    assert _own(event) == {"logger": "", "password": "[REDACTED]"}


@pytest.mark.parametrize(
    ("method", "level"),
    [
        ("debug", "debug"),
        ("info", "info"),
        ("msg", "info"),
        ("warn", "warn"),
        ("warning", "warn"),
        ("error", "error"),
        ("exception", "error"),
        ("critical", "fatal"),
        ("fatal", "fatal"),
        ("anything", "info"),
    ],
)
def test_the_method_gives_the_level(seen, method, level):
    processor(None, method, {"event": "x"})
    (event,) = seen.events
    assert event.level == level


def test_a_level_that_the_line_says_wins(seen):
    processor(None, "msg", {"event": "x", "level": "CRITICAL"})
    (event,) = seen.events
    assert event.level == "fatal"


@pytest.mark.parametrize("told", [True, "it", "triple"])
def test_an_exception_is_an_event_of_its_own(seen, told):
    try:
        raise ValueError("bad date")
    except ValueError as error:
        given = {"it": error, "triple": sys.exc_info()}.get(told, told)
        _native(io.StringIO(), structlog.processors.EventRenamer("event")).error("failed", exc_info=given)
    log, exception = seen.events
    assert log.body == "failed"
    assert exception.attributes["exception.type"] == "ValueError"
    assert exception.level == "error"


def test_an_exception_that_was_rendered_before_is_kept_as_its_text(seen):
    stream = io.StringIO()
    try:
        raise ValueError("bad date")
    except ValueError:
        _native(stream, structlog.processors.format_exc_info).exception("failed")
    (log,) = seen.events
    assert "bad date" in log.attributes["exception.stacktrace"]


def test_no_exception_is_invented_where_none_is_handled(seen):
    _native(io.StringIO()).info("fine", exc_info=True)
    assert [event.name for event in seen.events] == ["log"]


def _over(standard, *processors):
    return structlog.wrap_logger(
        standard,
        processors=[structlog.stdlib.filter_by_level, processor, *processors],
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


RENDERERS = {
    "key=value": [structlog.processors.KeyValueRenderer()],
    "json": [structlog.processors.JSONRenderer()],
    "to logging's own arguments": [structlog.stdlib.render_to_log_kwargs],
    "for a formatter": [structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
}


@pytest.mark.parametrize("renderer", RENDERERS)
def test_a_line_that_goes_on_to_logging_is_recorded_once_with_its_keys(seen, standard, renderer):
    with fl.instrument("logging"):
        logger = _over(standard, *RENDERERS[renderer])
        logger.info("hello", n=1)
        standard.info("by itself")
        logger.info("hello", n=2)
    assert [(event.body, event.attributes.get("n")) for event in seen.events] == [
        ("hello", 1),
        ("by itself", None),
        ("hello", 2),
    ]
    assert {event.attributes["logger"] for event in seen.events} == {standard.name}
    assert len(standard.stream.getvalue().splitlines()) == 3


def test_a_line_that_is_dropped_behind_us_hides_no_other(seen, standard):
    def drop(logger, method_name, event_dict):
        raise structlog.DropEvent

    with fl.instrument("logging"):
        _over(standard, drop).info("dropped")
        standard.info("other")
    assert [event.body for event in seen.events] == ["dropped", "other"]


def test_another_chain_without_the_processor_is_heard_through_logging(seen, standard):
    other = structlog.wrap_logger(
        standard,
        processors=[structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(0),
        cache_logger_on_first_use=False,
    )
    mine = _native(io.StringIO())
    with fl.instrument("logging"):
        for _ in range(5):
            mine.info("mine")
            other.info("other")
    assert [event.body for event in seen.events] == ["mine", '{"event": "other"}'] * 5


def test_asynchronous_methods_record_on_the_span_of_their_task(seen, standard):
    async def main():
        logger = _over(standard, structlog.processors.JSONRenderer())
        with fl.span("job") as job:
            await logger.ainfo("hello")
        return job.span_id

    with fl.instrument("logging"):
        span_id = asyncio.run(main())
    assert [(event.body, event.span_id) for event in seen.events] == [("hello", span_id)]


def test_a_line_of_logging_that_structlog_formats_is_recorded_once(seen, standard):
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[processor],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )
    standard.handlers[0].setFormatter(formatter)
    with fl.instrument("logging"):
        standard.info("foreign %d", 1)
    assert [event.body for event in seen.events] == ["foreign 1"]
    assert json.loads(standard.stream.getvalue())["event"] == "foreign 1"


def test_what_cannot_be_read_does_not_reach_the_program(seen):
    class Odd(dict):
        def get(self, key, default=None):
            raise ZeroDivisionError(key)

    line = Odd(event="x")
    assert processor(None, "info", line) is line


def test_the_processor_does_not_import_the_package():
    code = "import sys, flightlog.integrations.structlog as s; print('structlog' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
