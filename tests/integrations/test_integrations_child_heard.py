"""A line that several listen to is recorded once: by who knows its place best."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from flightlog.integrations import child_heard, heard
from flightlog.integrations.child_heard import Ear
from flightlog.integrations.heard import LOGS, VARIABLE, Digests, LogMouth, Mouth


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    yield writing
    os.close(reading)
    os.close(writing)


@pytest.fixture
def ear(pipe):
    found = Ear("/home/a", [pipe, pipe])
    yield found
    found.close()


def test_a_line_has_one_digest_in_whatever_pieces_it_comes():
    whole, pieces = Digests(), Digests()
    expected = whole.feed(b"one\ntwo\n\nthree")
    found = [digest for letter in b"one\ntwo\n\nthree" for digest in pieces.feed(bytes([letter]))]
    assert found == expected
    assert len(set(expected)) == 3
    assert pieces.is_within
    assert pieces.feed(b"\n") == whole.feed(b"\n") == Digests().feed(b"three\n")
    assert not pieces.is_within
    pieces.skip(b"four\nfi")
    assert pieces.is_within
    pieces.skip(b"v")
    assert pieces.feed(b"e\n") == Digests().feed(b"five\n")


def test_what_was_told_of_a_pipe_is_known_once_for_each_line(monkeypatch, pipe, ear):
    monkeypatch.setenv(VARIABLE, ear.offer)
    kept = os.dup(1)
    try:
        os.dup2(pipe, 1)
        mouth = Mouth(1)
    finally:
        os.dup2(kept, 1)
        os.close(kept)
    assert mouth.home == "/home/a"
    one, two = Digests().feed(b"one\ntwo\n")
    number = json.loads(ear.offer)["streams"].popitem()[1]
    mouth.tell([one, one])
    assert ear.known(3 - number, Digests(), b"one\n") == [False]
    assert ear.known(number, Digests(), b"one\ntwo\none\none\n") == [True, False, True, False]
    assert ear.known(number, Digests(), b"one\n") == []
    mouth.close()
    mouth.tell([two])
    assert ear.known(number, Digests(), b"two\n") == []


@pytest.mark.parametrize(
    "found", ["", "nonsense", "[]", '{"home":1}', '{"home":"a","path":"/x","streams":{}}']
)
def test_without_somebody_who_listens_there_is_nobody_to_tell(monkeypatch, found):
    monkeypatch.setenv(VARIABLE, found)
    mouth = Mouth(1)
    assert mouth.home == ""
    mouth.tell([b"12345678"])
    mouth.close()


def test_a_file_that_is_gone_is_no_trouble(monkeypatch, pipe, ear):
    found = os.fstat(1)
    streams = {f"{found.st_dev}:{found.st_ino}": 1}
    place = {"home": "/home/a", "path": json.loads(ear.offer)["path"], "streams": streams}
    monkeypatch.setenv(VARIABLE, json.dumps(place))
    ear.close()
    ear.close()
    assert Mouth(1).home == ""
    assert ear.known(1, Digests(), b"x\n") == []
    assert not Path(place["path"]).exists()


def test_of_very_many_lines_the_number_is_told(monkeypatch, ear):
    found = os.fstat(1)
    streams = {f"{found.st_dev}:{found.st_ino}": 1}
    place = {"home": "/home/a", "path": json.loads(ear.offer)["path"], "streams": streams}
    monkeypatch.setenv(VARIABLE, json.dumps(place))
    monkeypatch.setattr(heard, "MOST_TOLD", 2)
    mouth, digests, below = Mouth(1), Digests(), Digests()
    for data in (b"1\n2\n", b"3\n4\n5", b"\n6"):
        mouth.tell_all(digests, data)
    mouth.close()
    assert ear.known(1, below, b"own\n1\n2\n") == [True] * 3
    assert ear.known(1, below, b"3\n4\n5\n") == [True, True, False]


def test_what_was_logged_is_known_by_level_and_message_once_for_each_telling(monkeypatch, ear):
    found = os.fstat(2)
    place = {
        "home": "/home/a",
        "path": json.loads(ear.offer)["path"],
        "streams": {f"{found.st_dev}:{found.st_ino}": 2},
    }
    monkeypatch.setenv(VARIABLE, json.dumps(place))
    monkeypatch.setattr(heard, "_home", lambda: "/home/a")
    mouth = LogMouth()
    for _ in range(2):
        mouth.tell("warn", "too hot \ud800")
    mouth.tell("info", "fine")
    assert not ear.was_logged("info", "too hot \ud800")
    assert [ear.was_logged("warn", "too hot \ud800") for _ in range(3)] == [True, True, False]
    assert ear.was_logged("info", "fine")
    assert ear.known(LOGS, Digests(), b"fine\n") == []


def test_of_what_was_logged_and_never_arrives_only_the_newest_is_remembered(monkeypatch, ear):
    found = os.fstat(1)
    place = {
        "home": "/home/a",
        "path": json.loads(ear.offer)["path"],
        "streams": {f"{found.st_dev}:{found.st_ino}": 1},
    }
    monkeypatch.setenv(VARIABLE, json.dumps(place))
    monkeypatch.setattr(child_heard, "_MOST_LOGGED", 3)
    monkeypatch.setattr(heard, "_home", lambda: "/home/a")
    mouth = LogMouth()
    for number in range(6):
        mouth.tell("info", str(number))
    assert [ear.was_logged("info", str(number)) for number in range(6)] == [False] * 3 + [True] * 3


# -- real programs -------------------------------------------------------------------------------------------


def _recorded(tmp_path, program, *options, env=None):
    """Run a program whose output is kept; gives what was passed on, and each event with the span that it is on."""
    environ = {**os.environ, "FLIGHTLOG_HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path), **(env or {})}
    (tmp_path / "program.py").write_text(textwrap.dedent(program))
    command = [sys.executable, "-m", "flightlog", "run", "--capture-output", *options, "program.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, timeout=60, check=False)
    shown = subprocess.run(
        [sys.executable, "-m", "flightlog", "export", "@latest"],
        env=environ,
        capture_output=True,
        timeout=60,
        check=True,
    )
    records = [json.loads(line) for line in shown.stdout.splitlines()]
    names = {record["span_id"]: record["name"] for record in records if record["type"] == "span"}
    events = sorted(
        (names[record["span_id"]], record["name"], record.get("body", ""))
        for record in records
        if record["type"] == "event"
    )
    assert list(tmp_path.glob("flightlog-heard-*")) == []
    return done.stdout, events


def test_what_a_recording_program_passes_on_is_on_the_span_of_its_child_alone(tmp_path):
    program = """
        import sys
        import flightlog as fl
        print("own", flush=True)
        fl.run_process(["sh", "-c", 'echo plain; echo \\'{"msg": "json", "level": "warning"}\\'; printf rest'])
        print(flush=True)
        print("plain")
        """
    shown, events = _recorded(tmp_path, program)
    assert shown == b'own\nplain\n{"msg": "json", "level": "warning"}\nrest\nplain\n'
    assert events == [
        ("program.py", "output", "own"),
        ("program.py", "output", "plain"),
        ("sh", "log", "json"),
        ("sh", "output", "plain"),
        ("sh", "output", "rest"),
    ]


def test_through_several_programs_a_line_is_told_by_the_innermost_that_records(tmp_path):
    program = """
        import subprocess, sys
        import flightlog as fl
        inner = "import flightlog as fl; fl.run_process(['echo', sys.argv[1]]); print('own', sys.argv[1])"
        fl.run_process([sys.executable, "-c", "import sys;" + inner, "below"])
        subprocess.run([sys.executable, "-c", "import sys;" + inner, "beside"])
        """
    shown, events = _recorded(tmp_path, program)
    assert sorted(shown.split()) == sorted(b"below own below beside own beside".split())
    (python,) = {span for span, _, _ in events} - {"echo", "program.py"}
    assert events == sorted(
        [
            ("echo", "output", "below"),
            ("echo", "output", "beside"),
            (python, "output", "own below"),
            ("program.py", "output", "own beside"),
        ]
    )


def test_who_does_not_record_or_records_elsewhere_takes_no_line_away(tmp_path):
    program = """
        import subprocess, sys
        inner = "import flightlog as fl; fl.run_process(['echo', 'x'])"
        subprocess.run([sys.executable, "-c", "import os; os.environ['FLIGHTLOG_HOME'] = 'other';" + inner])
        subprocess.run([sys.executable, "-c", "import os; os.environ['FLIGHTLOG_ENABLED'] = '0';" + inner])
        subprocess.run([sys.executable, "-c", inner], stdout=open("file", "w"))
        print("x")
        """
    shown, events = _recorded(tmp_path, program)
    assert shown == b"x\n" * 3
    assert events == [("echo", "output", "x"), *[("program.py", "output", "x")] * 3]
    assert (tmp_path / "file").read_bytes() == b"x\n"


def test_a_long_output_is_bounded_once(tmp_path):
    program = """
        import flightlog as fl
        fl.run_process(["seq", "1", "90000"])
        """
    shown, events = _recorded(tmp_path, program)
    assert shown.count(b"\n") == 90_000
    assert {span for span, _, _ in events} == {"seq"}
    assert len(events) == 1_100


def test_a_log_line_in_json_is_recorded_where_it_was_logged_alone(tmp_path):
    program = """
        import json, logging, sys
        import flightlog as fl

        class Lines(logging.Formatter):
            def format(self, record):
                return json.dumps({"message": record.getMessage(), "level": record.levelname.lower()})

        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(Lines())
        logging.basicConfig(level=logging.INFO, handlers=[handler])
        with fl.span("job"):
            for _ in range(2):
                logging.warning("too %s", "hot")
        print(json.dumps({"message": "too hot", "level": "warning"}))
        print(json.dumps({"message": "never logged", "level": "info"}))
        """
    shown, events = _recorded(tmp_path, program)
    assert shown.count(b"too hot") == 3
    assert events == [
        ("job", "log", "too hot"),
        ("job", "log", "too hot"),
        ("program.py", "log", "never logged"),
        ("program.py", "log", "too hot"),
    ]


def test_who_logs_into_another_home_takes_no_log_line_away(tmp_path):
    (tmp_path / "elsewhere.py").write_text(
        textwrap.dedent(
            """
            import os
            os.environ["FLIGHTLOG_HOME"] = "other"
            import logging, sys
            import flightlog as fl
            fl.instrument("logging")
            logging.basicConfig(format='{"msg": "%(message)s", "level": "warning"}')
            logging.warning("hot")
            """
        )
    )
    program = """
        import subprocess, sys
        import flightlog as fl
        fl.event("joined")
        subprocess.run([sys.executable, "elsewhere.py"])
        """
    _, events = _recorded(tmp_path, program)
    assert events == [("program.py", "joined", ""), ("program.py", "log", "hot")]
