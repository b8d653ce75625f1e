"""What holds for every format of other tools: told by its content, stored once, redacted, read as far as it goes."""

from __future__ import annotations

import copy
import gzip
import json
import random

import pytest
from imports_documents_of_others import FILES, brought_in, drawn, flujo_file

from flightlog.codecs.lines import decode, encode
from flightlog.codecs.otlp.messages import Malformed
from flightlog.imports.foreign import name_of, sample_of
from flightlog.imports.formats.reading import Looker
from flightlog.imports.forms import FORMS
from flightlog.imports.table import BY_NAME, FORMATS
from flightlog.records.record import Unknown

SECRET = "sk-" + "ant-" + "api03-" + "Ab1" * 20
LINES = [name for name, path in FILES.items() if path.suffix == ".jsonl"]
DOCUMENTS = [name for name, path in FILES.items() if path.suffix == ".json"]


def _values(name):
    """The values of the document of this format, as its taker is given them, and their keys."""
    raw = FILES[name].read_text(encoding="utf-8")
    if name in LINES:
        return [("", json.loads(line)) for line in raw.splitlines()]
    value = json.loads(raw)
    if isinstance(value, list):
        return [("", one) for one in value]
    opened = BY_NAME[name].opened(sample_of(raw.encode()))
    if opened is None:
        return [("", value)]
    return [(key, one) for key, told in value.items() for one in (told if key in opened else [told])]


def _made(name, values):
    form = BY_NAME[name]
    taker, made = form.taker(), []
    if isinstance(taker, Looker):
        for key, value in values:
            taker.look(key, value)
    for key, value in values:
        try:
            made += taker.take(key, value)
        except Malformed:
            continue
    return [*made, *taker.end()]


def test_every_format_can_be_asked_for_by_its_name():
    assert {form.name for form in FORMATS} <= set(FORMS)
    assert set(FORMS) - {form.name for form in FORMATS} == {"auto", "otlp-json", "otlp-protobuf", "flightlog"}


@pytest.mark.parametrize("name", FILES)
def test_a_document_is_of_one_format_and_says_so_itself(name):
    data = FILES[name].read_bytes()
    assert name_of(data, len(data), is_text=True) == name
    assert [form.name for form in FORMATS if form.tells(sample_of(data))] == [name]


@pytest.mark.parametrize("name", FILES)
def test_a_document_is_stored_once_however_often_it_comes(name, home, tmp_path):
    done, skipped = brought_in(home, FILES[name])
    assert (skipped, done.unread) == ([], 0)
    assert done.new == done.lines > done.records > 0
    before = drawn(home)
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(FILES[name].read_bytes()))
    again, _ = brought_in(home, FILES[name], packed, form=name)
    assert (again.new, again.records) == (0, 2 * done.records)
    assert drawn(home) == before


@pytest.mark.parametrize("name", FILES)
def test_the_same_document_is_the_same_lines(name):
    assert _made(name, _values(name)) == _made(name, _values(name))


@pytest.mark.parametrize("name", LINES)
def test_a_broken_line_and_a_torn_end_are_named_and_the_rest_is_kept(name, home, tmp_path):
    whole, _ = brought_in(home, FILES[name])
    lines = FILES[name].read_bytes().splitlines()
    torn = tmp_path / "torn.jsonl"
    torn.write_bytes(b"\n".join([*lines[:2], b"{not json", b"[1", *lines[2:], lines[-1][:-20]]))
    again, skipped = brought_in(home, torn)
    assert [place for place, _ in skipped] == ["line 3", "line 4", f"line {len(lines) + 3}"]
    assert (again.new, again.records) == (0, whole.records)


@pytest.mark.parametrize("name", LINES)
def test_lines_behind_something_else_are_told_as_what_they_are(name, home, tmp_path):
    path = tmp_path / "printed.jsonl"
    path.write_bytes(b"Starting up ...\n" + FILES[name].read_bytes())
    done, skipped = brought_in(home, path)
    assert done.records
    assert [place for place, _ in skipped] == ["line 1"]


@pytest.mark.parametrize("name", ["jaeger", "zipkin", "chrome", "langfuse", "tracellm"])
def test_a_document_that_is_cut_off_gives_what_is_whole_in_it(name, home, tmp_path):
    data = FILES[name].read_bytes()
    value = json.loads(data)
    spread = json.dumps([*value, *value] if isinstance(value, list) else value).encode()
    path = tmp_path / "cut.json"
    path.write_bytes(spread[: len(spread) * 4 // 5])
    if name == "jaeger":  # which is one trace
        path.write_bytes(json.dumps({"data": value["data"] * 2}).encode()[:-30])
    done, skipped = brought_in(home, path)
    assert done.records > 0
    ((place, why),) = skipped
    assert place.startswith("byte ")
    assert why == "the document ends within a value; what is whole before it was read"


@pytest.mark.parametrize("name", FILES)
def test_no_secret_comes_through(name, home, tmp_path):
    def _with(value):
        if isinstance(value, dict):
            return {key: _with(one) for key, one in value.items()}
        if isinstance(value, list):
            return [_with(one) for one in value]
        return f"{value} {SECRET}" if isinstance(value, str) and " " in value else value

    text = FILES[name].read_text(encoding="utf-8")
    values = [json.loads(line) for line in text.splitlines()] if name in LINES else [json.loads(text)]
    for value in values:
        target = value[0] if isinstance(value, list) else value
        target["extra"] = {"password": "hunter2hunter2", "note": f"a note with {SECRET}"}
    path = tmp_path / "secret"
    path.write_text("\n".join(json.dumps(_with(value)) for value in values), encoding="utf-8")
    done, _ = brought_in(home, path, form=name)
    assert done.records
    stored = b"".join(found.read_bytes() for found in home.path.rglob("*") if found.is_file())
    assert SECRET.encode() not in stored
    assert b"hunter2hunter2" not in stored


@pytest.mark.parametrize("name", FILES)
def test_whatever_stands_in_the_place_of_a_value_a_record_is_read_or_refused(name):
    chance = random.Random(7)
    strange = [None, True, -1, 1e308, float("nan"), "", "x" * 40, [], [[]], {}, {"": None}, [{"a": 1}]]
    values = _values(name)
    for _ in range(400):
        mutated = copy.deepcopy(values)
        _, target = mutated[chance.randrange(len(mutated))]
        while isinstance(target, dict | list) and target:
            key = chance.choice(list(target)) if isinstance(target, dict) else chance.randrange(len(target))
            if not isinstance(target[key], dict | list) or not target[key] or chance.random() < 0.3:
                target[key] = chance.choice(strange)
                break
            target = target[key]
        for record in _made(name, mutated):
            assert not isinstance(decode(encode(record)), Unknown)


@pytest.mark.parametrize("name", LINES)
def test_half_a_character_costs_no_record(name, home, tmp_path):
    path = tmp_path / "half.jsonl"
    lines = FILES[name].read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(f'{line[:-1]},"half":"\\ud83c"}}' for line in lines), encoding="utf-8")
    done, skipped = brought_in(home, path)
    assert (done.records > 0, skipped) == (True, [])


def test_a_project_that_is_given_is_that_of_every_record(home):
    brought_in(home, FILES["tracellm"], FILES["langfuse"], project="mine")
    with home.reader() as reader:
        assert {trace.project for trace in reader.traces(10)} == {"mine"}


def test_json_of_some_other_kind_is_refused_and_stores_nothing(home, tmp_path):
    path = tmp_path / "other.json"
    path.write_text('{"spans": 3, "steps": {}, "data": [1]}', encoding="utf-8")
    with pytest.raises(Exception, match="it is JSON, but"):
        brought_in(home, path)


def test_a_database_of_something_else_is_refused(home, tmp_path):
    path = flujo_file(
        tmp_path / "other.db", lambda sql: sql.replace(" runs", " walks").replace('"runs"', '"walks"')
    )
    with pytest.raises(Exception, match="none of flujo"):
        brought_in(home, path)
