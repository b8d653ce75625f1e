"""The logging sink: narrations as log records, and no record twice round."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import textwrap

import pytest

import flightlog as fl
from flightlog.codecs.lines import encode
from flightlog.integrations.logs import LogHandler
from flightlog.records.event import Event
from flightlog.records.narration import MARK, NARRATION
from flightlog.settings import Layer, resolve, sink_word
from flightlog.sinks import logs as module
from flightlog.sinks.logs import Logs
from flightlog.sinks.open import open_sinks
from flightlog.sinks.port import Forkable

TIME = 1_700_000_000_123_456_789


class Keeping(logging.Handler):
    """Keeps its records."""

    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)


@pytest.fixture
def heard(request):
    """What the logger of one test got, with the logger's name."""
    logger = logging.getLogger(f"flightlog-sink.{request.node.name}")
    logger.setLevel(1)
    logger.propagate = False
    handler = Keeping()
    handler.logger = logger
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def _line(event_id="a" * 16, body="Dispatched job-1", *, level="info", name="dispatch", **attributes):
    told = {MARK: NARRATION, **attributes}
    place = {"trace_id": "b" * 32, "span_id": "c" * 16}
    return encode(
        Event(event_id=event_id, time=TIME, name=name, body=body, level=level, attributes=told, **place)
    )


def test_a_narration_is_a_log_record_with_its_fields(heard):
    line = _line(actor="queue", target="job-1", source="app.worker:42", emitted_by="queue@1.4", size=3)
    Logs(heard.logger.name).append([line])
    (record,) = heard.records
    assert (record.name, record.levelno, record.getMessage()) == (
        heard.logger.name,
        logging.INFO,
        "Dispatched job-1",
    )
    assert (record.module, record.lineno, record.funcName) == ("app.worker", 42, "dispatch")
    assert (record.action, record.actor, record.target, record.size) == ("dispatch", "queue", "job-1", 3)
    assert (record.trace_id, record.span_id) == ("b" * 32, "c" * 16)
    assert record.flightlog_event_id == "a" * 16
    assert not hasattr(record, "source")


def test_a_record_has_the_time_at_which_it_was_narrated(heard):
    Logs(heard.logger.name).append([_line()])
    (record,) = heard.records
    assert record.created == TIME / 1e9
    assert int(record.msecs) == 123
    formatter = logging.Formatter("%(asctime)s")
    formatter.converter = __import__("time").gmtime
    assert formatter.format(record) == "2023-11-14 22:13:20,123"


@pytest.mark.parametrize(
    ("level", "number"),
    [("trace", 5), ("debug", 10), ("info", 20), ("warn", 30), ("error", 40), ("fatal", 50)],
)
def test_each_level_has_its_number(heard, level, number):
    Logs(heard.logger.name).append([_line(level=level)])
    assert [record.levelno for record in heard.records] == [number]


def test_a_loggers_level_holds(heard):
    heard.logger.setLevel(logging.WARNING)
    Logs(heard.logger.name).append([_line("1" * 16), _line("2" * 16, level="error")])
    assert [record.levelno for record in heard.records] == [logging.ERROR]


@pytest.mark.parametrize(("view", "said"), [("human", "plain"), ("cute", "wink"), ("story", "plain")])
def test_the_voice_is_chosen_and_the_plain_one_stands_in_for_one_that_is_missing(heard, view, said):
    Logs(heard.logger.name, view).append([_line(body="plain", cute="wink")])
    assert [record.getMessage() for record in heard.records] == [said]


def test_an_unknown_voice_is_refused():
    with pytest.raises(ValueError, match="expected one of human, cute, story"):
        Logs(view="loud")


def test_percent_signs_and_names_of_a_record_are_harmless(heard):
    Logs(heard.logger.name).append([_line(body="100 %s %d done", name="x", args="y", message="z", msg="m")])
    (record,) = heard.records
    assert record.getMessage() == "100 %s %d done"
    assert (record.narration_args, record.narration_message, record.narration_msg) == ("y", "z", "m")


def test_only_narrations_are_told(heard):
    others = [
        encode(Event(event_id="d" * 16, time=TIME, name="log", body="x")),
        b'{"v":1,"type":"process","process_id":"p","pid":1,"host":"h","started":1}',
        b"no json",
        b'{"type":"event"}',
    ]
    Logs(heard.logger.name).append(others)
    assert heard.records == []


def test_each_actor_has_a_logger_where_the_name_says_so(heard):
    Logs(f"{heard.logger.name}.{{actor}}").append([_line("1" * 16, actor="queue"), _line("2" * 16)])
    assert [record.name for record in heard.records] == [f"{heard.logger.name}.queue", heard.logger.name]


def test_actors_without_end_make_no_loggers_without_end(heard, monkeypatch):
    monkeypatch.setattr(module, "MOST_LOGGERS", 2)
    Logs(f"{heard.logger.name}.{{actor}}").append([_line(f"{n:016x}", actor=f"a{n}") for n in range(1, 6)])
    assert {record.name for record in heard.records} == {
        f"{heard.logger.name}.a1",
        f"{heard.logger.name}.a2",
        heard.logger.name,
    }


def test_a_handler_that_raises_once_gets_the_rest_and_nothing_twice(heard):
    class Failing(logging.Handler):
        def emit(self, record):
            if record.getMessage() == "two":
                raise ZeroDivisionError

    heard.logger.addHandler(Failing())
    batch = [_line("1" * 16, "one"), _line("2" * 16, "two"), _line("3" * 16, "three")]
    sink = Logs(heard.logger.name)
    with pytest.raises(ZeroDivisionError):
        sink.append(batch)
    sink.append(batch)
    assert [record.getMessage() for record in heard.records] == ["one", "two", "three"]


def test_it_can_be_flushed_closed_and_used_after_a_fork():
    sink = Logs()
    assert isinstance(sink, Forkable)
    assert sink.flush(0.0) is True
    sink.close()
    sink.close()
    sink.forked()


def test_the_word_for_it_names_logger_and_voice(heard):
    settings = resolve([Layer("test", {"sinks": f"store,logging:{heard.logger.name}?view=cute"})])
    ((name, sink),) = open_sinks(settings)
    sink.append([_line(cute="wink")])
    assert name == f"logging:{heard.logger.name}?view=cute"
    assert [record.getMessage() for record in heard.records] == ["wink"]


def test_a_word_with_an_unknown_voice_is_refused():
    with pytest.raises(ValueError, match="a view of logging that is one of human, cute, story"):
        sink_word("logging?view=loud")


def test_a_record_of_a_narration_is_not_recorded_by_a_handler_of_ours(heard):
    heard.logger.addHandler(LogHandler())
    with fl.capture() as seen:
        Logs(heard.logger.name).append([_line()])
    assert len(heard.records) == 1
    assert seen.events == []


PROGRAM = """
    import logging, logging.handlers, queue, sys
    import flightlog as fl

    logging.basicConfig(level="INFO", stream=sys.stdout, format="%(name)s %(levelname)s %(message)s")
    waiting = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(waiting, *logging.getLogger().handlers)
    logging.getLogger().handlers[:] = [logging.handlers.QueueHandler(waiting)]
    listener.start()
    fl.instrument("logging")
    with fl.span("job"):
        fl.narrate("dispatch", human="Sent job-1, password=hunter2hunter2", actor="queue", level="warn")
        logging.info("a line")
    fl.flush(10)
    fl.flush(10)
    listener.stop()
    print([event.name for event in fl.load("@latest").events])
    """


def test_a_program_has_its_narrations_in_its_log_once_and_redacted(tmp_path):
    (tmp_path / "program.py").write_text(textwrap.dedent(PROGRAM))
    environ = {
        **os.environ,
        "FLIGHTLOG_HOME": str(tmp_path / "home"),
        "FLIGHTLOG_SINKS": "store,logging:app.{actor}",
    }
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    *lines, events = done.stdout.splitlines()
    assert sorted(lines) == [
        "app.queue WARNING Sent job-1, password=[REDACTED]",
        "root INFO a line",
    ]
    assert events == "['dispatch', 'log']"
