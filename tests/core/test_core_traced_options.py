"""The options of `traced` say what each span carries, and what it leaves out."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import flightlog as fl


def test_ignored_parameters_are_left_out_however_they_are_passed(seen):
    @fl.traced(ignore=("secret", "rest"))
    def work(a, secret, *rest, b=1):
        return a

    work(1, "s", 3, 4)
    work(1, secret="s", b=2)
    assert [span.input for span in seen.spans] == [{"a": 1}, {"a": 1, "b": 2}]


def test_ignoring_the_spare_keywords_leaves_the_named_ones(seen):
    @fl.traced(ignore="more")
    def work(a, *, b=1, **more):
        return a

    work(1, b=2, c=3, d=4)
    work(a=1, more=5)
    assert [span.input for span in seen.spans] == [{"a": 1, "b": 2}, {"a": 1}]


def test_a_function_that_takes_any_keyword_may_ignore_any(seen):
    @fl.traced(ignore="token")
    def work(a, **more):
        return a

    work(1, token="t", c=3)
    assert seen.spans[0].input == {"a": 1, "c": 3}


def test_a_misspelt_name_to_ignore_is_refused_at_decoration():
    with pytest.raises(TypeError, match="pasword"):

        @fl.traced(ignore=["pasword"])
        def login(user, password):
            return user


def test_tags_stand_on_the_span_beside_those_bound_and_on_no_other(seen):
    @fl.traced(tags=["slow", "io"])
    def work():
        with fl.span("inside"):
            pass

    work()
    with fl.bind(tags=["beta"], user="u"):
        work()
        work()
    with fl.bind(tags="one"):
        work()
    assert [span.context for span in seen.spans] == [
        {},
        {"tags": ["slow", "io"]},
        {"tags": ["beta"], "user": "u"},
        {"tags": ["beta", "slow", "io"], "user": "u"},
        {"tags": ["beta"], "user": "u"},
        {"tags": ["beta", "slow", "io"], "user": "u"},
        {"tags": "one"},
        {"tags": ["one", "slow", "io"]},
    ]


def test_one_tag_may_be_given_as_a_text(seen):
    fl.traced(tags="only")(len)([])
    assert seen.spans[0].context == {"tags": ["only"]}


def test_attributes_may_be_a_mapping_with_any_names(seen):
    given = {"gen_ai.request.model": "m", "input": 1, "links": 2}
    work = fl.traced(attributes=given)(lambda: None)
    given.clear()
    work()
    assert seen.spans[0].attributes == {"gen_ai.request.model": "m", "input": 1, "links": 2}


def test_attributes_may_be_made_of_the_arguments(seen):
    @fl.traced(
        capture_args=False, attributes=lambda question, top_k=3: {"top_k": top_k, "length": len(question)}
    )
    def search(question, top_k=3):
        return []

    search("why", top_k=5)
    search("why")
    assert [span.attributes for span in seen.spans] == [{"top_k": 5, "length": 3}, {"top_k": 3, "length": 3}]
    assert "input" not in str(seen._lines)


def test_attributes_that_cannot_be_made_do_not_break_the_call(seen):
    @fl.traced(attributes=lambda: {"never": 1})
    def work(a):
        return a

    assert work(3) == 3
    assert seen.spans[0].status == "ok"
    assert seen.spans[0].attributes["flightlog.capture_error"].startswith("TypeError: ")
    assert len(seen.spans[0].attributes["flightlog.capture_error"]) <= 100


def test_what_is_left_out_is_in_no_line(seen):
    @fl.traced(capture_args=False, capture_result=False)
    def stream(given):
        yield given

    assert list(stream("very-private")) == ["very-private"]
    assert b"very-private" not in b"".join(seen._lines)
    assert seen.spans[0].attributes["flightlog.stream.chunks"] == 1


def test_a_reducer_must_be_something_that_can_be_called():
    with pytest.raises(TypeError, match="reduce"):
        fl.traced(reduce=3)  # type: ignore[call-overload]  # the point of the test


SCRIPT = """
import flightlog as fl
import other

print(other.plain(), list(other.numbers()))
for ref in ("@-2", "@latest"):
    try:
        print(fl.load(ref).name)
    except LookupError:
        print("nothing")
"""

OTHER = """
import flightlog as fl

@fl.traced(level="trace")
def plain():
    return 1

@fl.traced(level="trace")
def numbers():
    yield 1
"""


@pytest.mark.parametrize(
    ("level", "names"),
    [("other=trace", ["plain", "numbers"]), ("info,__main__=trace", ["nothing", "nothing"])],
)
def test_a_level_filter_means_the_module_of_the_function_and_not_of_its_caller(tmp_path, level, names):
    (tmp_path / "other.py").write_text(OTHER)
    (tmp_path / "main.py").write_text(SCRIPT)
    environment = {**os.environ, "FLIGHTLOG_HOME": str(tmp_path / "home"), "FLIGHTLOG_LEVEL": level}
    command = [sys.executable, str(tmp_path / "main.py")]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["1 [1]", *names]
