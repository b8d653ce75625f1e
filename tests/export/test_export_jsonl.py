"""A file of lines is there whole or not at all, and replaces another only when it may."""

from __future__ import annotations

import io

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
