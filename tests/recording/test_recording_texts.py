"""Words of what a program records are indexed beside it, and by commands for one that has ended."""

from __future__ import annotations

import json
import sqlite3

RECORDS_AND_LOOKS = """
    import sqlite3, sys, time
    import flightlog as fl
    with fl.span("asks", input="where is the needle?") as span:
        span.output = "in the " + "hay " * 300 + "stack"
    fl.flush(5.0)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        time.sleep(0.1)
        try:
            index = sqlite3.connect("file:" + sys.argv[1] + "/fulltext.db?mode=ro", uri=True)
            found = index.execute("SELECT count(*) FROM span_words WHERE span_words MATCH 'needle'").fetchone()[0]
            index.close()
        except sqlite3.Error:
            continue
        if found:
            print("indexed")
            break
"""

RECORDS = """
    import flightlog as fl
    with fl.span("asks", input="where is the needle?"):
        fl.event("note", body="in the hay")
"""


def hits(bench, *words: str) -> list[str]:
    return [next(iter(hit)) for hit in json.loads(bench.flightlog("search", *words, "--json").stdout)]


def test_a_program_that_goes_on_indexes_its_own_words(bench):
    done = bench.run(RECORDS_AND_LOOKS, str(bench.home_path))
    assert done.stderr == ""
    assert done.stdout == "indexed\n"
    assert hits(bench, "needle", "stack") == ["span"]


def test_a_command_indexes_the_words_of_a_program_that_has_ended(bench):
    bench.run(RECORDS)
    assert hits(bench, "needle") == ["span"]
    assert hits(bench, "hay") == ["event"]
    index = sqlite3.connect(bench.home_path / "fulltext.db")
    try:
        assert index.execute("SELECT count(*) FROM span_words_docsize").fetchone() == (1,)
    finally:
        index.close()


def test_with_the_setting_off_nothing_is_indexed(bench):
    bench.run(RECORDS, env={"FLIGHTLOG_FULLTEXT": "false"})
    off = {"FLIGHTLOG_FULLTEXT": "false"}
    found = bench.flightlog("search", "needle", env=off)
    assert "asks" in found.stdout
    assert "one by one" in found.stderr
    assert not (bench.home_path / "fulltext.db").exists()
