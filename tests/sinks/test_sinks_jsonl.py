"""A JSONL file holds whole lines, whatever happened to who wrote it, to the disk, or to the file."""

from __future__ import annotations

import errno
import gzip
import os
import resource
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from zstandard import ZstdDecompressor

from flightlog.records.errors import BadQuestion
from flightlog.sinks.jsonl import JsonLines
from flightlog.sinks.rotation import files_aside


def lines(name, number, size=60):
    return [f'{{"v":1,"name":"{name}{place:06}","pad":"{"x" * size}"}}'.encode() for place in range(number)]


def aside(path):
    """The content of the files that were put aside, the oldest first."""
    contents = []
    for file in files_aside(path):
        if file.suffix == ".zst":
            with file.open("rb") as stream, ZstdDecompressor().stream_reader(stream) as reader:
                contents.append(reader.read())
        else:
            contents.append(gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes())
    return contents


def test_file_and_directory_are_their_owner_s_alone(tmp_path):
    sink = JsonLines(tmp_path / "a" / "b" / "lines.jsonl")
    sink.append(lines("a", 1))
    sink.close()
    assert stat.S_IMODE(sink.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(sink.path.parent.stat().st_mode) == 0o700


def test_the_file_stays_open_between_batches(tmp_path):
    sink = JsonLines(tmp_path / "lines.jsonl")
    sink.append(lines("a", 1))
    assert len(descriptors_of(sink.path)) == 1
    sink.close()
    assert descriptors_of(sink.path) == []


def descriptors_of(path):
    """The open descriptors of this process that lead to a file."""
    return [
        int(entry.name) for entry in Path("/proc/self/fd").iterdir() if os.path.realpath(entry) == str(path)
    ]


@pytest.mark.parametrize("piece", ['{"v":1,"na', "{", '{"v":1}', "{" + "x" * 200_000])
def test_a_half_line_is_moved_aside_and_never_glued_to_the_next(tmp_path, piece):
    path = tmp_path / "lines.jsonl"
    path.write_text('{"whole":1}\n' + piece)
    sink = JsonLines(path)
    sink.append([b'{"next":1}'])
    sink.close()
    assert path.read_text() == '{"whole":1}\n{"next":1}\n'
    assert (tmp_path / "lines.jsonl.torn").read_text() == piece + "\n"
    assert sink.torn == 1


def test_a_file_that_is_only_half_a_line_begins_anew(tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_text('{"half')
    sink = JsonLines(path)
    sink.append([b'{"next":1}'])
    sink.close()
    assert path.read_text() == '{"next":1}\n'


def test_a_file_that_holds_something_else_is_left_alone(tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_text("dear diary")
    sink = JsonLines(path)
    with pytest.raises(BadQuestion, match="something else than JSON lines"):
        sink.append(lines("a", 1))
    sink.close()
    assert path.read_text() == "dear diary"


@pytest.mark.parametrize(("compress", "ending"), [("zstd", ".zst"), ("gzip", ".gz"), ("none", ".jsonl")])
def test_a_full_file_is_put_aside_and_packed_and_nothing_is_lost(tmp_path, compress, ending):
    path = tmp_path / "lines.jsonl"
    sink = JsonLines(path, rotate_bytes=1000, keep=100, compress=compress)
    wanted = lines("a", 100)
    for line in wanted:
        sink.append([line])
    sink.close()
    assert {file.suffix for file in files_aside(path)} == {ending}
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
    assert all(len(content) <= 1000 for content in aside(path))
    assert b"".join([*aside(path), path.read_bytes()]).splitlines() == wanted


def test_only_the_newest_are_kept(tmp_path):
    path = tmp_path / "lines.jsonl"
    (tmp_path / "lines.other.jsonl").write_text("somebody else's")
    sink = JsonLines(path, rotate_bytes=500, keep=2)
    wanted = lines("a", 40)
    for line in wanted:
        sink.append([line])
    sink.close()
    kept = b"".join([*aside(path), path.read_bytes()]).splitlines()
    assert len(files_aside(path)) == 2
    assert kept == wanted[-len(kept) :]
    assert (tmp_path / "lines.other.jsonl").read_text() == "somebody else's"


def test_a_batch_larger_than_a_file_makes_one_larger_file(tmp_path):
    sink = JsonLines(tmp_path / "lines.jsonl", rotate_bytes=100)
    sink.append(lines("a", 10))
    sink.close()
    assert len(sink.path.read_bytes().splitlines()) == 10
    assert files_aside(sink.path) == []


def test_an_old_file_is_put_aside(tmp_path):
    path = tmp_path / "lines.jsonl"
    old = b'{"v":1,"type":"process","process_id":"x","started":1000000000}'
    path.write_bytes(old + b"\n")
    sink = JsonLines(path, rotate_seconds=3600.0, compress="none")
    new = lines("new", 1)
    sink.append(new)
    sink.append(new)
    sink.close()
    assert [content.splitlines() for content in aside(path)] == [[old]]
    assert path.read_bytes().splitlines() == [*new, *new]


def test_what_a_crash_left_unpacked_is_packed_the_next_time(tmp_path):
    path = tmp_path / "lines.jsonl"
    (tmp_path / "lines.20200101T000000.000000Z.jsonl").write_bytes(b'{"old":1}\n')
    sink = JsonLines(path, rotate_bytes=100)
    sink.append(lines("a", 1))
    sink.append(lines("b", 1))
    sink.close()
    assert [file.suffix for file in files_aside(path)] == [".zst", ".zst"]
    assert aside(path)[0] == b'{"old":1}\n'


@pytest.mark.parametrize(
    "end",
    [
        lambda path: path.rename(path.with_name("moved.jsonl")),
        lambda path: path.unlink(),
    ],
    ids=["renamed", "deleted"],
)
def test_a_file_that_somebody_took_away_is_begun_anew(tmp_path, end):
    sink = JsonLines(tmp_path / "lines.jsonl")
    sink.append(lines("a", 1))
    end(sink.path)
    sink.append(lines("b", 1))
    sink.close()
    assert sink.path.read_bytes().splitlines() == lines("b", 1)


def test_a_descriptor_that_the_program_took_over_is_neither_written_nor_closed(tmp_path):
    sink = JsonLines(tmp_path / "lines.jsonl")
    sink.append(lines("a", 1))
    (number,) = descriptors_of(sink.path)
    precious = os.open(tmp_path / "precious", os.O_RDWR | os.O_CREAT)
    os.dup2(precious, number)
    os.close(precious)
    sink.append(lines("b", 1))
    sink.close()
    assert os.fstat(number).st_size == 0
    os.close(number)
    assert sink.path.read_bytes().splitlines() == [*lines("a", 1), *lines("b", 1)]


def test_a_batch_that_does_not_fit_on_the_disk_leaves_no_trace(tmp_path):
    """The limit on the size of a file stands for the full disk: both refuse in the middle of a write."""
    program = f"""
        import resource, signal
        from flightlog.sinks.jsonl import JsonLines

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        sink = JsonLines({str(tmp_path / "lines.jsonl")!r})
        line = b'{{"pad":"' + b"x" * 90 + b'"}}'
        sink.append([line] * 5)
        resource.setrlimit(resource.RLIMIT_FSIZE, (700, resource.RLIM_INFINITY))
        try:
            sink.append([line] * 5)
        except OSError as error:
            print(error.errno)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        print(sink.path.stat().st_size == 5 * (len(line) + 1))
        sink.append([line] * 5)
        print(len(sink.path.read_bytes().splitlines()))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(errno.EFBIG), "True", "10"], done.stderr
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_fifo_gets_the_lines_and_nothing_is_asked_of_it(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    sink = JsonLines(path, rotate_bytes=10)
    sink.append(lines("a", 2))
    assert os.read(reader, 10_000).splitlines() == lines("a", 2)
    sink.close()
    os.close(reader)
    assert [file.name for file in tmp_path.iterdir()] == ["pipe"]


def test_a_placeholder_gives_each_process_a_file(tmp_path):
    sink = JsonLines(tmp_path / "lines-{pid}.jsonl")
    assert sink.path == tmp_path / f"lines-{os.getpid()}.jsonl"


@pytest.mark.parametrize("wrong", [{"keep": 0}, {"compress": "rar"}])
def test_an_option_that_makes_no_sense_is_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match="expected"):
        JsonLines(tmp_path / "lines.jsonl", **wrong)


WRITERS = 4
PER_WRITER = 300


def _write_in_a_child(sink, name, batch):
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        sink.forked()
        wanted = lines(name, PER_WRITER, size=200)
        for start in range(0, PER_WRITER, batch):
            sink.append(wanted[start : start + batch])
        status = 0
    finally:
        os._exit(status)


@pytest.mark.parametrize("rotate_bytes", [10**9, 20_000], ids=["one file", "rotating"])
def test_processes_that_share_a_file_tear_nothing_and_lose_nothing(tmp_path, rotate_bytes):
    path = tmp_path / "lines.jsonl"
    sink = JsonLines(path, rotate_bytes=rotate_bytes, keep=10_000)
    sink.append(lines("parent", 1))
    pids = [_write_in_a_child(sink, f"child{number}-", 1 + number * 7) for number in range(WRITERS)]
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids] == [0] * WRITERS
    sink.append(lines("parent-again", 1))
    sink.close()
    found = b"".join([*aside(path), path.read_bytes()]).splitlines()
    wanted = [line for number in range(WRITERS) for line in lines(f"child{number}-", PER_WRITER, size=200)]
    assert sorted(found) == sorted([*lines("parent", 1), *lines("parent-again", 1), *wanted])


def test_a_writer_that_is_killed_leaves_whole_lines(tmp_path):
    path = tmp_path / "lines.jsonl"
    sink = JsonLines(path)
    pid = os.fork()
    if not pid:
        while True:
            sink.append(lines("victim", 50))
    sink_of_ours = JsonLines(path)
    while not path.exists() or path.stat().st_size < 100_000:
        os.sched_yield()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    sink_of_ours.append(lines("after", 1))
    sink_of_ours.close()
    found = path.read_bytes().splitlines()
    assert found[-1:] == lines("after", 1)
    assert set(found[:-1]) <= set(lines("victim", 50))


@pytest.mark.parametrize("begun", [True, False])
def test_a_symbolic_link_stays_one_and_the_file_it_leads_to_is_put_aside_where_it_lies(tmp_path, begun):
    target, link = tmp_path / "far" / "target.jsonl", tmp_path / "link.jsonl"
    link.symlink_to(target)
    if begun:
        target.parent.mkdir()
        target.touch()
    sink = JsonLines(link, rotate_bytes=1000, keep=100)
    other = JsonLines(link, rotate_bytes=1000, keep=100)
    expected = lines("a", 60)
    for place, line in enumerate(expected):
        (sink, other)[place % 2].append([line])
    sink.close()
    other.close()
    assert link.readlink() == target
    assert set(tmp_path.iterdir()) == {link, target.parent}
    assert len(files_aside(target)) > 3
    assert b"".join([*aside(target), target.read_bytes()]).splitlines() == expected


def test_a_symbolic_link_that_leads_elsewhere_now_is_followed(tmp_path):
    link = tmp_path / "link.jsonl"
    link.symlink_to(tmp_path / "one.jsonl")
    sink = JsonLines(link)
    sink.append(lines("a", 1))
    link.unlink()
    link.symlink_to(tmp_path / "two.jsonl")
    sink.append(lines("b", 1))
    sink.close()
    assert (tmp_path / "one.jsonl").read_bytes().splitlines() == lines("a", 1)
    assert (tmp_path / "two.jsonl").read_bytes().splitlines() == lines("b", 1)
