"""A file of lines is there whole or not at all, and replaces another only when it may."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import pytest

from flightlog.export import jsonl
from flightlog.records.errors import BadQuestion

LINES = [b'{"type":"span"}', b'{"type":"event"}']
WRITTEN = b'{"type":"span"}\n{"type":"event"}\n'


def failing_lines():
    yield LINES[0]
    raise RuntimeError("the store went away")


def test_each_line_gets_a_line_feed_and_is_counted():
    stream = io.BytesIO()
    assert jsonl.write(LINES, stream) == 2
    assert stream.getvalue() == WRITTEN


def test_a_file_is_written_whole_and_only_its_owner_reads_it(tmp_path):
    file = tmp_path / "out.jsonl"
    assert jsonl.save(LINES, file) == 2
    assert file.read_bytes() == WRITTEN
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_is_there_stays_as_it_was_unless_it_may_be_replaced(tmp_path):
    file = tmp_path / "out.jsonl"
    file.write_bytes(b"mine")
    with pytest.raises(BadQuestion, match="--force"):
        jsonl.save(LINES, file)
    assert file.read_bytes() == b"mine"
    jsonl.save(LINES, file, replace=True)
    assert file.read_bytes() == WRITTEN


def test_a_file_that_comes_while_ours_is_written_is_not_replaced(tmp_path):
    file = tmp_path / "out.jsonl"

    def lines():
        yield LINES[0]
        file.write_bytes(b"theirs")

    with pytest.raises(BadQuestion):
        jsonl.save(lines(), file)
    assert file.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("replace", [False, True])
def test_when_the_lines_stop_with_an_error_nothing_appears(tmp_path, replace):
    file = tmp_path / "out.jsonl"
    with pytest.raises(RuntimeError):
        jsonl.save(failing_lines(), file, replace=replace)
    assert list(tmp_path.iterdir()) == []


def test_where_there_are_no_hard_links_the_file_is_renamed_into_place(tmp_path, monkeypatch):
    def refused(*_args, **_options):
        raise PermissionError("no links on this file system")

    monkeypatch.setattr("os.link", refused)
    file = tmp_path / "out.jsonl"
    assert jsonl.save(LINES, file) == 2
    assert file.read_bytes() == WRITTEN
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_is_replaced_keeps_its_mode(tmp_path):
    file = tmp_path / "out.jsonl"
    file.write_bytes(b"mine")
    file.chmod(0o644)
    jsonl.save(LINES, file, replace=True)
    assert file.read_bytes() == WRITTEN
    assert file.stat().st_mode & 0o7777 == 0o644


@pytest.mark.parametrize("exists", [True, False])
def test_a_symbolic_link_stays_and_what_it_names_is_replaced(tmp_path, exists):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    file, link = elsewhere / "out.jsonl", tmp_path / "link"
    link.symlink_to(file)
    if exists:
        file.write_bytes(b"theirs")
        with pytest.raises(BadQuestion, match="--force"):
            jsonl.save(LINES, link)
        assert file.read_bytes() == b"theirs"
    jsonl.save(LINES, link, replace=True)
    assert link.is_symlink()
    assert file.read_bytes() == WRITTEN
    assert list(elsewhere.iterdir()) == [file]


def test_a_link_that_leads_nowhere_is_not_replaced_unasked(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(BadQuestion, match="--force"):
        jsonl.save(LINES, link)
    assert link.is_symlink()


def test_links_in_a_circle_are_trouble(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(link)
    with pytest.raises(OSError, match="symbolic links"):
        jsonl.save(LINES, link, replace=True)


def test_what_is_no_file_is_written_into_and_stays(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(BadQuestion, match="no regular file; give --force to write into it"):
        jsonl.save(LINES, fifo)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(fifo.read_bytes()))
    reader.start()
    assert jsonl.save(LINES, fifo, replace=True) == 2
    reader.join()
    assert read == [WRITTEN]
    assert fifo.is_fifo()
    assert list(tmp_path.iterdir()) == [fifo]


def test_a_device_that_is_full_is_trouble_and_stays_a_device():
    with pytest.raises(OSError, match="No space left"):
        jsonl.save(LINES, Path("/dev/full"), replace=True)
    assert Path("/dev/full").is_char_device()
