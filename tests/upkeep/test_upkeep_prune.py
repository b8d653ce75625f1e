"""What a policy does not keep leaves a home; what it keeps is as it was, and a second run changes nothing."""

from __future__ import annotations

import os
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from contracts.store_lines import MS, PROCESS, annotation, event, span
from flightlog.home import Home
from flightlog.questions.parsing import parse
from flightlog.settings import Layer, resolve
from flightlog.store.open import open_writer
from flightlog.store.port import Chunk
from flightlog.upkeep import retention
from flightlog.upkeep.prune import Policy, Pruned, prune

DAY_MS = 86_400_000
NOW_MS = (time.time_ns() - 1_763_653_000_000_000_000) // MS


def _home(path: Path, **code: Any) -> Home:
    return Home(path, resolve([Layer("test", code)]))


def _days_ago(trace: int, days: float, **fields: Any) -> Any:
    return span(trace, 1, at=NOW_MS - int(days * DAY_MS), **fields)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Traces 1 to 6: five of 60 to 1 days, of which one failed and one is open; 6 began long ago and ended now."""
    found = _home(tmp_path)
    _store(
        found,
        _days_ago(1, 60, input=Random(1).randbytes(3000).hex()),
        event(1, trace=1),
        annotation(1, trace=1, value=1.0),
        _days_ago(2, 50, status="error"),
        _days_ago(3, 40, took=None),
        _days_ago(4, 35, name="ci"),
        _days_ago(5, 1),
        _days_ago(6, 60, took=60 * DAY_MS),
    )
    return found


def _store(home: Home, *lines: Any) -> None:
    store = open_writer(home.store_path)
    store.append([Chunk(PROCESS, lines)])
    store.close()


def _left(home: Home) -> list[int]:
    with home.reader() as reader:
        assert reader.verify() == []
        return sorted(int(trace.trace_id, 16) for trace in reader.each_trace())


def test_what_ended_long_ago_goes_and_what_is_open_stays(home: Home) -> None:
    done = prune(home, Policy(older_than_ns=30 * DAY_MS * MS))
    assert (done.traces, done.spans, done.events, done.annotations) == (3, 3, 1, 1)
    assert done.payloads == 1
    assert _left(home) == [3, 5, 6]
    again = prune(home, Policy(older_than_ns=30 * DAY_MS * MS))
    assert (again.traces, again.given_back_bytes) == (0, 0)
    assert _left(home) == [3, 5, 6]


def test_what_failed_stays_where_that_is_asked(home: Home) -> None:
    prune(home, Policy(older_than_ns=30 * DAY_MS * MS, keep_errors=True))
    assert _left(home) == [2, 3, 5, 6]


def test_a_question_and_an_age_must_both_hold(home: Home) -> None:
    prune(home, Policy(older_than_ns=30 * DAY_MS * MS, question=parse("name:ci")))
    assert _left(home) == [1, 2, 3, 5, 6]
    prune(home, Policy(question=parse("status:error")))
    assert _left(home) == [1, 3, 5, 6]


def test_a_dry_run_says_what_would_go_and_changes_nothing(home: Home) -> None:
    done = prune(home, Policy(older_than_ns=30 * DAY_MS * MS), dry_run=True)
    assert (done.traces, done.spans, done.is_dry) == (3, 3, True)
    assert _left(home) == [1, 2, 3, 4, 5, 6]


def test_the_oldest_go_until_the_store_is_small_enough_and_room_goes_back(tmp_path: Path) -> None:
    home = _home(tmp_path)
    _store(home, *(_days_ago(n, 100 - n / 10, input=Random(n).randbytes(6000).hex()) for n in range(1, 301)))
    before = home.store_path.stat().st_size
    told: list[int] = []
    most = 1024 * 1024
    done = prune(home, Policy(max_bytes=most), progress=lambda pruned: told.append(pruned.spans))
    left = _left(home)
    assert 0 < len(left) < 290
    assert left == list(range(301 - len(left), 301))
    assert done.used_bytes <= most
    assert done.is_small_enough
    assert done.used_bytes > most // 3  # no more went than had to
    assert done.given_back_bytes > 0
    assert done.file_bytes < before
    assert told == sorted(told)
    assert prune(home, Policy(max_bytes=most)).traces == 0


def test_of_a_trace_that_two_projects_share_only_the_one_named_goes(tmp_path: Path) -> None:
    home = _home(tmp_path)
    _store(home, _days_ago(1, 60, project="a"), _days_ago(1, 60, project="b"))
    assert prune(home, Policy(older_than_ns=30 * DAY_MS * MS, project="a")).spans == 1
    with home.reader() as reader:
        assert [trace.project for trace in reader.each_trace()] == ["b"]


def test_a_size_that_cannot_be_reached_is_said(home: Home) -> None:
    assert not prune(home, Policy(max_bytes=1)).is_small_enough
    assert _left(home) == [3]


def test_words_of_what_went_are_not_found_any_more(tmp_path: Path) -> None:
    home = _home(tmp_path)
    _store(home, _days_ago(1, 60, input="a peculiar zebra"), _days_ago(2, 1, input="a plain horse"))
    home.index_texts(5.0)
    prune(home, Policy(older_than_ns=30 * DAY_MS * MS))
    texts = b"".join(path.read_bytes() for path in tmp_path.glob("*.db*"))
    assert b"zebra" not in texts


def test_the_settings_policy_is_carried_out_once_an_hour(home: Home) -> None:
    assert retention.keep_within(home) is None
    set_ = _home(home.path, prune_older_than="30d", prune_keep_errors=True, audit="on")
    done = retention.keep_within(set_)
    assert isinstance(done, Pruned)
    assert done.traces == 2
    assert _left(home) == [2, 3, 5, 6]
    assert [(one.act, one.command, one.count) for one in set_.audit().entries()] == [
        ("pruned", "retention", 2)
    ]
    assert retention.keep_within(set_) is None
    os.utime(home.path / retention.STAMP, (0, 0))
    again = retention.keep_within(set_)
    assert again is not None
    assert again.traces == 0


def test_a_policy_that_cannot_be_read_deletes_nothing(home: Home) -> None:
    broken = _home(home.path, prune_older_than="30d", prune_question="nonsense:::")
    assert retention.keep_within(broken) is None
    assert len(_left(home)) == 6


def test_room_of_words_goes_back_to_the_disk(tmp_path: Path) -> None:
    home = _home(tmp_path)
    words = [" ".join(f"w{number}x{place}" for place in range(300)) for number in range(1, 41)]
    _store(home, *(_days_ago(number, 60, input=text) for number, text in enumerate(words[:-1], 1)))
    _store(home, _days_ago(40, 1, input=words[-1]))
    home.index_texts(60.0)
    before = (tmp_path / "fulltext.db").stat().st_size
    assert prune(home, Policy(older_than_ns=30 * DAY_MS * MS)).traces == 39
    assert not home.index_texts(60.0)
    assert (tmp_path / "fulltext.db").stat().st_size < before / 2


def test_of_a_trace_that_two_projects_share_goes_what_the_policy_does_not_keep(tmp_path: Path) -> None:
    home = _home(tmp_path)
    _store(home, _days_ago(1, 60, project="a"), _days_ago(1, 60, project="b", status="error"))
    assert prune(home, Policy(older_than_ns=30 * DAY_MS * MS, keep_errors=True)).spans == 1
    with home.reader() as reader:
        assert [trace.project for trace in reader.each_trace()] == ["b"]


def test_a_trace_of_which_a_span_goes_on_stays_though_its_root_is_over(tmp_path: Path) -> None:
    home = _home(tmp_path)
    at = NOW_MS - 60 * DAY_MS
    _store(
        home, span(1, 1, at=at), span(1, 2, parent=1, at=at, took=None, status="running"), span(2, 1, at=at)
    )
    assert prune(home, Policy(older_than_ns=30 * DAY_MS * MS)).traces == 1
    assert _left(home) == [1]


def test_a_dry_run_needs_nothing_that_can_be_written(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flightlog.upkeep.prune.open_writer", None)
    assert prune(home, Policy(older_than_ns=30 * DAY_MS * MS), dry_run=True).traces == 3
