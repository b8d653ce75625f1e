"""Sinks by name: what the settings understand, and what becomes of it."""

from __future__ import annotations

import pytest

from flightlog.records.errors import BadSetting
from flightlog.settings import Layer, SinkWord, resolve, sink_word
from flightlog.sinks.console import Console
from flightlog.sinks.jsonl import JsonLines
from flightlog.sinks.memory import Memory
from flightlog.sinks.open import open_sinks
from flightlog.sinks.stderr import Stderr
from flightlog.sinks.tee import Tee


def settings(**values):
    return resolve([Layer("code", values)])


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("store", SinkWord("store")),
        ("stderr", SinkWord("stderr")),
        ("stderr:json", SinkWord("stderr", "json")),
        ("jsonl:/a/b.jsonl", SinkWord("jsonl", "/a/b.jsonl")),
        ("jsonl:what?.jsonl", SinkWord("jsonl", "what?.jsonl")),
        (
            "jsonl:a?b.jsonl?rotate=64MiB&keep=7&age=3600&compress=gzip",
            SinkWord("jsonl", "a?b.jsonl", {"rotate": 2**26, "keep": 7, "age": 3600.0, "compress": "gzip"}),
        ),
    ],
)
def test_a_word_is_read(word, meaning):
    assert sink_word(word) == meaning


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("kafka", "store, jsonl:PATH"),
        ("", "store, jsonl:PATH"),
        ("jsonl", "a path"),
        ("jsonl:?keep=3", "a path"),
        ("jsonl:a?keep=none", "a keep of jsonl that is a whole number"),
        ("jsonl:a?size=3", "one of the options rotate, age, keep, compress of jsonl"),
        ("stderr:xml", "stderr:json"),
        ("store:x", "a store with nothing behind it"),
    ],
)
def test_a_word_that_makes_no_sense_says_what_does(word, expected):
    with pytest.raises(BadSetting, match=expected):
        settings(sinks=[word])


def test_a_class_in_the_place_of_its_object_is_refused():
    with pytest.raises(BadSetting, match="an object with append, flush and close"):
        settings(sinks=[Memory])


def test_the_store_is_the_sink_that_nobody_needs_to_name():
    assert (settings().wants_store, settings().wants_other_sinks) == (True, False)
    assert open_sinks(settings()) == []


def test_a_text_with_commas_is_a_list():
    found = settings(sinks=" store , stderr,")
    assert (found.sinks, str(found.sinks)) == (("store", "stderr"), "store, stderr")


def test_words_and_objects_become_sinks_with_names(tmp_path):
    mine = Memory()
    made = open_sinks(
        settings(sinks=["store", f"jsonl:{tmp_path}/a.jsonl", "stderr:json", mine], console="tree")
    )
    assert [name for name, _ in made] == [
        "console:tree",
        f"jsonl:{tmp_path}/a.jsonl",
        "stderr:json",
        "Memory",
    ]
    assert [type(sink) for _, sink in made] == [Console, JsonLines, Stderr, Memory]


def test_each_branch_of_a_tee_is_fed_by_itself():
    one, two, three = Memory(), Memory(), Memory()
    assert [sink for _, sink in open_sinks(settings(sinks=[Tee(one, Tee(two, three))]))] == [one, two, three]
