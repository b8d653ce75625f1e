"""The audit log says who did what, is bounded, and is kept only where the setting says so."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from flightlog.access import audit
from flightlog.access.audit import AuditLog


def test_an_act_is_told_with_its_user_and_its_traces(tmp_path: Path) -> None:
    log = AuditLog(tmp_path, "on")
    log.note("deleted", "flightlog delete", traces=("a" * 32, "b" * 32), question="status:error", spans=7)
    (one,) = log.entries()
    assert (one.act, one.command, one.count, one.spans) == ("deleted", "flightlog delete", 2, 7)
    assert one.traces == ("a" * 32, "b" * 32)
    assert one.user
    assert list(log.entries(since=one.time + 1)) == []
    assert stat.S_IMODE((tmp_path / audit.FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize(("level", "acts"), [("off", []), ("on", ["pruned"]), ("all", ["read", "pruned"])])
def test_the_setting_says_what_is_told(tmp_path: Path, level: str, acts: list[str]) -> None:
    log = AuditLog(tmp_path, level)
    log.note("read", "flightlog show")
    log.note("pruned", "flightlog prune")
    assert [one.act for one in log.entries()] == acts
    assert (tmp_path / audit.FILE).exists() == bool(acts)


def test_the_log_is_bounded_and_keeps_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "FILE_BYTES", 2000)
    log = AuditLog(tmp_path, "on")
    for number in range(200):
        log.note("exported", "flightlog export", count=number)
    counts = [one.count for one in log.entries()]
    assert counts == list(range(200 - len(counts), 200))
    assert len(list(tmp_path.iterdir())) == audit.KEPT + 1
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2400 * (audit.KEPT + 1)


def test_what_several_write_at_once_stays_whole_and_what_is_no_line_is_left_out(tmp_path: Path) -> None:
    (tmp_path / audit.FILE).write_bytes(b"torn\n\xff\xfe\n")

    def write() -> None:
        for _ in range(50):
            AuditLog(tmp_path, "on").note("imported", "flightlog import", question="x" * 500)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(AuditLog(tmp_path, "on").entries())) == 200


def test_of_many_traces_some_are_named_and_all_are_counted(tmp_path: Path) -> None:
    log = AuditLog(tmp_path, "on")
    log.note("exported", "flightlog export", traces=tuple(f"{n:032x}" for n in range(500)))
    (one,) = log.entries()
    assert (len(one.traces), one.count) == (audit.MOST_TRACES, 500)


def test_a_line_that_a_full_disk_cut_takes_no_other_with_it(tmp_path: Path) -> None:
    log = AuditLog(tmp_path, "on")
    log.note("deleted", "first")
    with (tmp_path / audit.FILE).open("ab") as file:
        file.write(b'{"time":1,"user":"a","a')
    log.note("deleted", "second")
    assert [one.command for one in log.entries()] == ["first", "second"]
