"""Documents that another process reads: the same records, and nothing left behind."""

from __future__ import annotations

import itertools
import os
import threading
from signal import SIGKILL

import pytest

from flightlog.configure import load_settings
from flightlog.home import Home
from flightlog.importing import import_documents
from flightlog.imports import apart
from flightlog.records.errors import BadDocument

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork"),
    # whoever runs the tests in parallel has a thread for it
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
]

SPAN = (
    '{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},'
    '"scopeSpans":[{"spans":[{"traceId":"%032x","spanId":"%016x","name":"a","startTimeUnixNano":"1",'
    '"endTimeUnixNano":"2","attributes":[{"key":"a","value":{"intValue":"1"}},{"key":"a","value":'
    '{"intValue":"2"}}]}]}]}]}'
)
DOCUMENT = "\n".join(SPAN % (one, one) if one % 50 else '{"resourceSpans":"none"}' for one in range(1, 400))


@pytest.fixture
def children(monkeypatch):
    """The processes that were made."""
    made = []
    fork = os.fork

    def counted():
        child = fork()
        made.append(child)
        return child

    monkeypatch.setattr(os, "fork", counted)
    return made


@pytest.fixture
def forks(monkeypatch, children):
    """The same; every document is worth one."""
    monkeypatch.setattr("flightlog.importing.is_worthwhile", lambda _: True)
    return children


def _import(path, *documents, **options):
    home = Home.find(load_settings({"home": str(path)}))
    skipped = []
    done = import_documents(
        home, list(map(str, documents)), bad=lambda *told: skipped.append(told), **options
    )
    with home.reader() as reader:
        assert reader.verify() == []
        return done, skipped, sorted(reader.lines())


def _is_gone(child):
    with pytest.raises(ChildProcessError):
        os.waitpid(child, os.WNOHANG)
    return True


def test_it_makes_no_difference_who_reads(tmp_path, monkeypatch, forks):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text(DOCUMENT)
    two.write_text(SPAN % (1000, 1000))
    told = _import(tmp_path / "apart", one, two)
    assert len(forks) == 1
    monkeypatch.setattr("flightlog.importing.is_worthwhile", lambda _: False)
    assert _import(tmp_path / "here", one, two) == told
    assert len(forks) == 1
    done, skipped, _ = told
    assert (done.records, done.skipped, done.repeated_keys) == (393, 7, 393)
    assert [place for _, place, _ in skipped][:2] == ["line 50", "line 100"]


def test_what_comes_before_a_document_that_cannot_be_read_is_stored(tmp_path, forks):
    one = tmp_path / "one"
    one.write_text(SPAN % (1, 1))
    with pytest.raises(BadDocument, match="nowhere"):
        _import(tmp_path / "home", one, tmp_path / "nowhere")
    assert _import(tmp_path / "home", one)[0].new == 0
    assert len(forks) == 2


def test_a_reader_that_is_killed_is_told_of(children):
    def make():
        yield 1
        os.kill(os.getpid(), SIGKILL)
        yield 2

    with apart.read_apart(make) as values, pytest.raises(BadDocument, match="is gone"):
        list(values)
    assert list(map(_is_gone, children)) == [True]


def test_a_reader_that_fails_ends_there_and_says_where(capfd):
    def make():
        yield 1
        raise ZeroDivisionError

    with apart.read_apart(make) as values, pytest.raises(BadDocument, match="is gone"):
        list(values)
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_who_reads_no_further_leaves_no_process_behind(children):
    with apart.read_apart(itertools.count) as values:
        assert [next(values), next(values)] == [0, 1]
    assert list(map(_is_gone, children)) == [True]


def test_a_value_may_be_larger_than_what_a_pipe_holds():
    lines = [b"x" * 1_000_000] * 9
    with apart.read_apart(lambda: iter([lines, lines])) as values:
        assert list(values) == [lines, lines]


def test_beside_other_threads_no_process_is_made():
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert not apart.is_worthwhile(["-"])
    finally:
        done.set()
        thread.join()


def test_small_documents_are_read_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("flightlog.imports.apart.sys.platform", "linux")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"x")
    large.write_bytes(bytes(apart.WORTHWHILE_BYTES))
    assert not apart.is_worthwhile([str(small), str(tmp_path / "nowhere")])
    assert apart.is_worthwhile([str(small), str(large)])
    assert apart.is_worthwhile(["-"])
