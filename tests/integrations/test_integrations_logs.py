"""Records of the standard library's `logging` as events on the span that was current."""

from __future__ import annotations

import logging

import pytest

import flightlog as fl
from flightlog.integrations.logs import LogHandler, level_of


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


def test_a_log_record_is_an_event_on_the_current_span(seen, logger):
    with fl.span("job") as job:
        logger.warning("%d of %d", 3, 8, extra={"queue": "fast"})
    (event,) = seen.events
    assert (event.name, event.body, event.level, event.span_id) == ("log", "3 of 8", "warn", job.span_id)
    assert event.attributes == {"logger": "app.worker", "queue": "fast"}


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
    assert seen.span("job").status == "ok"


@pytest.mark.parametrize(
    ("number", "level"),
    [(50, "fatal"), (40, "error"), (35, "warn"), (30, "warn"), (20, "info"), (10, "debug"), (5, "trace")],
)
def test_a_number_in_between_counts_as_the_lower_level(number, level):
    assert level_of(number) == level


def test_a_message_that_cannot_be_formatted_is_loggings_to_complain_about(seen, logger, monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logger.info("%d", "no number")
    assert seen.events == []


def test_an_extra_with_a_name_of_ours_is_left_out(seen, logger):
    logger.info("hello", extra={"level": "x", "body": "y", "logger": "z", "other": 1})
    (event,) = seen.events
    assert (event.body, event.level, event.attributes) == (
        "hello",
        "info",
        {"logger": "app.worker", "other": 1},
    )
