"""Records of the standard library's `logging` as events on the span that was current."""

from __future__ import annotations

import asyncio
import logging
import threading
import warnings

import pytest

import flightlog as fl
from flightlog.integrations.logline import LEFT_OUT, MOST_CHARACTERS, MOST_FIELDS, level_of
from flightlog.integrations.logs import LogHandler

PLACE = {"code.file.path", "code.line.number", "code.function.name"}


@pytest.fixture
def logger():
    """A logger that no other test knows, with the handler on it."""
    made = logging.Logger("app.worker", level=1)  # noqa: LOG001 - of no tree: nothing to undo afterwards
    made.addHandler(LogHandler())
    return made


@pytest.fixture
def seen():
    with fl.capture() as captured:
        yield captured


def _own(event):
    """The attributes of an event without the place in the program."""
    return {key: value for key, value in event.attributes.items() if key not in PLACE}


def test_a_log_record_is_an_event_on_the_current_span(seen, logger):
    with fl.span("job") as job:
        logger.warning("%d of %d", 3, 8, extra={"queue": "fast"})
    (event,) = seen.events
    assert (event.name, event.body, event.level, event.span_id) == ("log", "3 of 8", "warn", job.span_id)
    assert _own(event) == {"logger": "app.worker", "queue": "fast"}


def test_a_log_record_names_the_line_that_logged(seen, logger):
    logger.info("here")
    (event,) = seen.events
    assert event.attributes["code.file.path"] == __file__
    assert event.attributes["code.function.name"] == "test_a_log_record_names_the_line_that_logged"
    assert event.attributes["code.line.number"] > 1


def test_a_log_record_with_an_exception_tells_of_it(seen, logger):
    with fl.span("job"):
        try:
            raise OSError("disk")
        except OSError:
            logger.exception("could not save")
    log, exception = seen.events
    assert (log.name, log.body, log.level) == ("log", "could not save", "error")
    assert (exception.name, exception.level) == ("exception", "error")
    assert exception.attributes["exception.type"] == "OSError"
    assert "test_integrations_logs" in exception.attributes["exception.stacktrace"]
    assert seen.span("job").status == "ok"


def test_an_exception_is_told_without_a_span_as_well(seen, logger):
    logger.error("bad", exc_info=ValueError("date"))
    assert [event.name for event in seen.events] == ["log", "exception"]


@pytest.mark.parametrize("told", [True, (None, None, None), False])
def test_no_exception_is_told_where_there_is_none(seen, logger, told):
    logger.error("bad", exc_info=told)
    assert [event.name for event in seen.events] == ["log"]


def test_a_stack_that_was_asked_for_is_kept(seen, logger):
    logger.info("where", stack_info=True)
    (event,) = seen.events
    assert "test_a_stack_that_was_asked_for_is_kept" in event.attributes["stack_info"]


@pytest.mark.parametrize(
    ("number", "level"),
    [
        (10**6, "fatal"),
        (50, "fatal"),
        (40, "error"),
        (35, "warn"),
        (30, "warn"),
        (20, "info"),
        (10, "debug"),
        (5, "trace"),
        (0, "trace"),
        (-3, "trace"),
    ],
)
def test_a_number_in_between_counts_as_the_lower_level(number, level):
    assert level_of(number) == level


def test_a_level_of_the_programs_own_keeps_its_name(seen, logger):
    logger.log(35, "look")
    logger.log(30, "look")
    own, ordinary = seen.events
    assert (own.level, own.attributes["severity"]) == ("warn", "Level 35")
    assert "severity" not in ordinary.attributes


def test_a_message_whose_arguments_do_not_fit_is_kept_as_it_is_and_nothing_is_printed(seen, logger, capsys):
    logger.info("%d files", "no number")
    (event,) = seen.events
    assert event.body == "%d files"
    assert "TypeError" in event.attributes["flightlog.capture_error"]
    assert capsys.readouterr().err == ""


def test_an_extra_with_a_name_of_ours_gets_another_one(seen, logger):
    logger.info("hello", extra={"level": "x", "body": "y", "logger": "z", "other": 1})
    (event,) = seen.events
    assert (event.body, event.level) == ("hello", "info")
    assert _own(event) == {
        "logger": "app.worker",
        "extra.level": "x",
        "extra.body": "y",
        "extra.logger": "z",
        "other": 1,
    }


def test_an_extra_whose_name_is_no_text_is_kept(seen, logger):
    logger.info("hello", extra={7: "x", "event": "y", "name_": "z"})
    (event,) = seen.events
    assert _own(event) == {"logger": "app.worker", "7": "x", "event": "y", "name_": "z"}


def test_of_more_extras_than_are_kept_the_number_is_told(seen, logger):
    logger.info("many", extra={f"f{number}": number for number in range(MOST_FIELDS + 10)})
    (event,) = seen.events
    assert event.attributes[LEFT_OUT] == 10
    assert sum(key.startswith("f") and key[1:].isdigit() for key in event.attributes) == MOST_FIELDS


def test_extras_that_are_too_long_together_are_counted_and_the_rest_is_kept(seen, logger):
    half = "x" * (MOST_CHARACTERS // 2 + 1)
    logger.info("long", extra={"a": half, "b": half, "c": "short"})
    (event,) = seen.events
    assert (event.body, event.attributes["c"], event.attributes[LEFT_OUT]) == ("long", "short", 1)


def test_secrets_in_messages_and_extras_are_redacted(seen, logger):
    key = "sk-" + "ant-" + "api03-" + "Ab1" * 20
    logger.info("key %s", key, extra={"password": "hunter2", "note": key})
    (event,) = seen.events
    assert key not in event.body
    assert key not in str(event.attributes)
    assert event.attributes["password"] == "[REDACTED]"


def test_a_record_that_two_handlers_get_is_recorded_once(seen):
    parent = logging.Logger("app", level=1)  # noqa: LOG001 - of no tree, as above
    child = logging.Logger("app.part", level=1)  # noqa: LOG001 - as above
    child.parent = parent
    parent.addHandler(LogHandler())
    child.addHandler(LogHandler())
    child.info("once")
    child.info("once")
    assert [event.body for event in seen.events] == ["once", "once"]


def test_a_value_that_logs_while_it_is_captured_comes_to_an_end(seen, logger):
    class Chatty(Exception):
        def __str__(self):
            logger.warning("asked", extra={"self": Chatty()}, exc_info=Chatty())
            return "chatty"

    logger.error("begin", exc_info=Chatty())
    bodies = [event.body for event in seen.events if event.name == "log"]
    assert bodies[0] == "begin"
    assert set(bodies[1:]) == {"asked"}
    (exception,) = [event for event in seen.events if event.name == "exception"]
    assert exception.attributes["exception.message"] == "chatty"


def test_the_handler_has_filters_and_no_lock(seen, logger):
    (handler,) = logger.handlers
    handler.addFilter(lambda record: record.getMessage() != "no")
    logger.info("no")
    logger.info("yes")
    assert [event.body for event in seen.events] == ["yes"]
    assert handler.lock is None
    handler.acquire()
    handler.release()


def test_a_record_that_cannot_be_read_does_not_reach_the_program(seen, logger):
    class Odd(logging.LogRecord):
        @property
        def levelno(self):
            raise ZeroDivisionError

        @levelno.setter
        def levelno(self, value):
            pass

    (handler,) = logger.handlers
    handler.handle(Odd("x", 20, __file__, 1, "x", (), None))
    assert seen.events == []


def test_a_line_that_an_argument_logs_while_it_is_formatted_is_a_line_of_its_own(seen, logger):
    class Chatty:
        def __str__(self):
            logger.info("inner")
            return "x"

    logger.info("outer %s", Chatty())
    assert [event.body for event in seen.events] == ["inner", "outer x"]


def test_a_level_that_is_off_formats_nothing():
    asked = []

    class Asked:
        def __str__(self):
            asked.append(1)
            return ""

    fl.configure(level="error")
    try:
        with fl.span("begin"):
            pass
        LogHandler().handle(logging.makeLogRecord({"levelno": 20, "msg": "%s", "args": (Asked(),)}))
    finally:
        fl.configure(level=None)
    assert asked == []


def test_tasks_and_threads_log_on_their_own_spans(seen, logger):
    async def work(name):
        with fl.span(name):
            await asyncio.sleep(0)
            logger.info(name)

    async def main():
        await asyncio.gather(work("a"), work("b"))

    asyncio.run(main())
    with fl.span("c"):
        thread = threading.Thread(target=logger.info, args=("c",))
        thread.start()
        thread.join()
    places = {span.span_id: span.name for span in seen.spans}
    assert sorted((event.body, places[event.span_id]) for event in seen.events) == [
        ("a", "a"),
        ("b", "b"),
        ("c", "c"),
    ]


def test_warnings_that_are_sent_to_logging_are_recorded(seen):
    with fl.instrument("logging"), warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        try:
            warnings.warn("old way", DeprecationWarning, stacklevel=1)
        finally:
            logging.captureWarnings(False)
    (event,) = seen.events
    assert (event.attributes["logger"], event.level) == ("py.warnings", "warn")
    assert "old way" in event.body
