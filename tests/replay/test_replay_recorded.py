"""What `recorded` marks is given again as it was, or refused by name; in an ordinary run it is a traced function."""

from __future__ import annotations

import asyncio
import datetime as dt
import inspect
import shutil
import threading

import pytest

import flightlog as fl
from flightlog.core import rerun
from flightlog.core.rerun import LOST, Stopped, answer_by
from flightlog.replay.answering import Replayer
from flightlog.replay.beginning import begin
from flightlog.replay.order import Files, Order
from flightlog.replay.tape import tape_of

SECRET = "sk-" + "ant-" + "api03-" + "Ab1" * 20


class Own(Exception):
    """One of the program's."""


class Wordy(Exception):
    """One that cannot be made of its message."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"{code}: {why}")


class Again:
    """Records what a block does, and has it done again."""

    def __init__(self, directory) -> None:
        self._directory = directory
        self._number = 0
        self.files = None
        self.calls = []

    def record(self, run):
        with fl.capture() as seen:
            given = run()
        self.tape = tape_of(seen.spans)
        return given

    def rerun(self, run, **order):
        self._number += 1
        directory = self._directory / str(self._number)
        directory.mkdir()
        self.files = Files(directory)
        self.files.prepare(Order("0" * 32, **order), self.tape)
        before = len(self.calls)
        answer_by(Replayer(self.files, sees_to_the_end=False))
        try:
            with fl.capture() as self.seen:
                return run()
        finally:
            answer_by(None)
            self.made = len(self.calls) - before

    def notes(self, sort):
        return [note for note in self.files.notes() if note.sort == sort]


@pytest.fixture
def again(tmp_path):
    return Again(tmp_path)


VALUES = [
    None,
    True,
    0,
    -(2**63),
    2**63 - 1,
    0.1,
    -0.0,
    1e300,
    "",
    "ä€😀\n\x1b[31m",
    [],
    {},
    [1, [2, {"a": None}]],
    {"": 1, "k": [True, 1.5, "x"]},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_json_values_are_given_as_they_were(again, value):
    @fl.recorded
    def ask():
        again.calls.append(1)
        return value

    assert again.record(ask) == value
    given = again.rerun(ask)
    assert repr(given) == repr(value)
    assert again.made == 0


LOSSES = [
    ({1, 2}, "a value of set at $"),
    ((1, 2), "a value of tuple at $"),
    ({"a": [b"x"]}, "a value of bytes at $.a[0]"),
    (float("nan"), "the float nan at $"),
    ([float("inf")], "the float inf at $[0]"),
    (2**64, "a value of int at $"),
    ({1: "x"}, "a key that is no text (int) at $"),
    (dt.date(2026, 1, 2), "a value of datetime.date at $"),
    ("half \ud800 a letter", "half a letter at $"),
    ("data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk", "an image"),
]


@pytest.mark.parametrize(("value", "lost"), LOSSES, ids=lambda value: repr(value)[:30])
def test_what_a_record_cannot_give_back_is_refused_by_name(again, value, lost):
    @fl.recorded
    def ask():
        return value

    again.record(ask)
    assert again.tape[0].attributes[LOST].startswith(lost)
    with pytest.raises(Stopped) as stopped:
        again.rerun(ask)
    assert lost in str(stopped.value)
    assert stopped.value.code == 3


def test_decode_makes_such_a_result_anew(again):
    @fl.recorded(decode=set)
    def ask():
        again.calls.append(1)
        return {1, 2}

    again.record(ask)
    assert again.rerun(ask) == {1, 2}
    assert again.made == 0


def test_a_decode_that_fails_is_a_refusal(again):
    @fl.recorded(decode=lambda value: value["no such key"])
    def ask():
        return {1, 2}

    again.record(ask)
    with pytest.raises(Stopped, match="`decode` failed"):
        again.rerun(ask)


@pytest.mark.parametrize("value", [f"the key is {SECRET}", {"password": "hunter2hunter2"}])
def test_a_masked_result_is_refused(again, value):
    @fl.recorded
    def ask():
        return value

    again.record(ask)
    with pytest.raises(Stopped, match="masked"):
        again.rerun(ask)


@pytest.mark.parametrize(
    "value", ["x" * 300_000, list(range(30_000)), {"a": "x" * 300_000}], ids=["text", "list", "in"]
)
def test_a_cut_result_is_refused(again, value):
    @fl.recorded
    def ask():
        return value

    again.record(ask)
    with pytest.raises(Stopped, match=r"cut|more than"):
        again.rerun(ask)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("bad"),
        KeyError("key"),
        KeyError("it's"),
        KeyError(3),
        ValueError(),
        Own("own"),
        OSError(2, "no file"),
    ],
    ids=repr,
)
def test_an_exception_is_the_same_again(again, error):
    @fl.recorded
    def ask():
        again.calls.append(1)
        raise error

    def run():
        with pytest.raises(type(error)) as caught:
            ask()
        return type(caught.value), str(caught.value), repr(caught.value)

    recorded = again.record(run)
    assert again.rerun(run) == recorded
    assert again.made == 0


def test_an_exception_that_cannot_be_made_again_is_refused(again):
    @fl.recorded
    def ask():
        raise Wordy(4, "why")

    def run():
        with pytest.raises(Wordy):
            ask()

    again.record(run)
    with pytest.raises(Stopped, match="cannot be made of its message alone"):
        again.rerun(run)


def test_coroutines_are_given_again_to_tasks_that_ask_at_once(again):
    @fl.recorded
    async def ask(number):
        again.calls.append(number)
        await asyncio.sleep(0)
        return [number, len(again.calls)]

    async def main():
        return await asyncio.gather(*(ask(number % 2) for number in range(6)))

    recorded = again.record(lambda: asyncio.run(main()))
    assert again.rerun(lambda: asyncio.run(main())) == recorded
    assert again.made == 0


def test_generators_give_their_pieces_their_result_and_their_end(again):
    @fl.recorded
    def ask(most):
        for number in range(most):
            again.calls.append(number)
            yield {"number": number}
        return "that is all"

    def run():
        def outer():
            result = yield from ask(3)
            yield result

        return list(outer())

    recorded = again.record(run)
    assert recorded[-1] == "that is all"
    assert again.rerun(run) == recorded
    assert again.made == 0


def test_async_generators_give_their_pieces(again):
    @fl.recorded
    async def ask():
        for word in ("a", "b", "c"):
            again.calls.append(word)
            yield word

    async def main():
        return [piece async for piece in ask()]

    recorded = again.record(lambda: asyncio.run(main()))
    assert again.rerun(lambda: asyncio.run(main())) == recorded == ["a", "b", "c"]
    assert again.made == 0


def test_a_generator_that_fails_half_way_does_so_again(again):
    @fl.recorded
    def ask():
        yield 1
        yield 2
        raise Own("half way")

    def run():
        got = []
        with pytest.raises(Own, match="half way"):
            got.extend(ask())
        return got

    assert again.record(run) == [1, 2]
    assert again.rerun(run) == [1, 2]


def test_a_generator_that_was_closed_early_has_no_more_to_give(again):
    @fl.recorded
    def ask():
        yield from range(10)

    def take(most):
        source = ask()
        got = [next(source) for _ in range(most)]
        source.close()
        return got

    assert again.record(lambda: take(2)) == [0, 1]
    assert again.rerun(lambda: take(2)) == [0, 1]
    with pytest.raises(Stopped, match="ends here"):
        again.rerun(lambda: take(3))
    assert again.notes("ran out")


def test_pieces_are_kept_as_they_were_when_they_were_given(again):
    @fl.recorded
    def ask():
        same = []
        for number in range(3):
            same.append(number)
            yield same

    def run():
        return [list(piece) for piece in ask()]

    recorded = again.record(run)
    assert again.rerun(run) == recorded == [[0], [0, 1], [0, 1, 2]]


def test_what_is_sent_into_a_generator_is_not_recorded(again):
    @fl.recorded
    def ask():
        got = yield 1
        yield got

    def run():
        source = ask()
        return [next(source), source.send("hello")]

    assert again.record(run) == [1, "hello"]
    with pytest.raises(Stopped, match="sent into it"):
        again.rerun(run)


def test_equal_calls_are_answered_in_order_and_one_more_is_told(again):
    numbers = iter(range(100))

    @fl.recorded
    def ask(word):
        return next(numbers)

    def run():
        return [ask("a"), ask("b"), ask("a")]

    recorded = again.record(run)
    assert again.rerun(run) == recorded
    with pytest.raises(Stopped, match="asked 2 times when recorded, and now once more"):
        again.rerun(lambda: [*run(), ask("a")])


def test_threads_that_ask_the_same_share_the_answers(again):
    numbers = iter(range(100))

    @fl.recorded
    def ask():
        return next(numbers)

    def run():
        got = []
        threads = [threading.Thread(target=lambda: got.append(ask())) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(got)

    recorded = again.record(run)
    assert again.rerun(run) == recorded == list(range(8))


def test_an_argument_that_differs_is_told_by_its_path(again):
    @fl.recorded
    def ask(question, *, top=3):
        return question

    again.record(lambda: ask({"words": ["a", "b"]}))
    with pytest.raises(Stopped):
        again.rerun(lambda: ask({"words": ["a", "c"]}, top=5))
    (note,) = again.notes("diverged")
    assert [(change.path, change.recorded, change.now) for change in note.changes] == [
        ("$.input.question.words[1]", '"b"', '"c"'),
        ("$.input.top", None, "5"),
    ]


@pytest.mark.parametrize(
    "value", [float("nan"), {3, 1, 2}, "ä€\u202e", dt.date(2026, 1, 2), b"\xff"], ids=repr
)
def test_any_argument_tells_a_call_from_another(again, value):
    @fl.recorded
    def ask(what):
        return "got it"

    again.record(lambda: ask(value))
    assert again.rerun(lambda: ask(value)) == "got it"
    with pytest.raises(Stopped):
        again.rerun(lambda: ask("something else"))


def test_a_loose_rerun_calls_what_has_no_answer_and_says_so(again, capsys):
    @fl.recorded
    def ask(word):
        again.calls.append(word)
        return word

    again.record(lambda: ask("a"))
    assert again.rerun(lambda: [ask("b"), ask("a")], strict=False) == ["b", "a"]
    assert again.made == 1
    assert "function " in capsys.readouterr().err
    assert [note.live for note in again.notes("diverged")] == [True]


def test_answers_are_given_up_to_a_call_and_then_it_goes_live(again):
    @fl.recorded
    def ask(word):
        again.calls.append(word)
        return word

    def run():
        return [ask(word) for word in ("a", "b", "c", "new")]

    again.record(lambda: [ask(word) for word in "abc"])
    assert again.rerun(run, last=1, beyond="live") == ["a", "b", "c", "new"]
    assert again.made == 2
    with pytest.raises(Stopped) as stopped:
        again.rerun(run, last=1, beyond="stop")
    assert stopped.value.code == 0
    assert len(again.notes("served")) == 2


def test_methods_static_and_class_methods_are_known_again_without_their_object(again):
    class Tool:
        @fl.recorded
        def method(self, a):
            again.calls.append(a)
            return a

        @staticmethod
        @fl.recorded
        def static(a):
            again.calls.append(a)
            return a

        @fl.recorded
        @classmethod
        def of_class(cls, a):
            again.calls.append(a)
            return a

    def run():
        return [Tool().method(1), Tool.static(2), Tool.of_class(3)]

    assert again.record(run) == [1, 2, 3]
    assert again.rerun(run) == [1, 2, 3]
    assert again.made == 0


def test_it_is_still_what_it_was(again):
    @fl.recorded
    def plain(a: int) -> int:
        """Say it."""

    @fl.recorded
    async def coroutine():
        """Wait."""

    @fl.recorded
    def generator():
        yield

    @fl.recorded
    async def stream():
        yield

    assert (plain.__name__, plain.__doc__, plain.__annotations__["a"]) == ("plain", "Say it.", "int")
    assert str(inspect.signature(plain)) == "(a: 'int') -> 'int'"
    assert inspect.iscoroutinefunction(coroutine)
    assert inspect.isgeneratorfunction(generator)
    assert inspect.isasyncgenfunction(stream)


def test_what_cannot_be_called_is_refused_when_it_is_marked():
    with pytest.raises(TypeError, match="recorded takes a function"):
        fl.recorded(3)
    with pytest.raises(TypeError, match="no parameter"):
        fl.recorded(ignore="nothing")(lambda: None)


def test_an_ignored_argument_does_not_tell_calls_apart(again):
    @fl.recorded(ignore="when")
    def ask(what, when):
        return what

    again.record(lambda: ask("a", when=1))
    assert again.rerun(lambda: ask("a", when=2)) == "a"


def test_a_call_that_leaves_no_record_has_no_answer(again):
    @fl.recorded
    def ask():
        return 1

    again.record(ask)
    with pytest.raises(Stopped, match="leaves no record"):
        _without_records(again, ask)


def _without_records(again, ask):
    def run():
        fl.configure(level="off")
        return ask()

    with fl.capture(level="error"):
        pass
    directory = again._directory / "off"
    directory.mkdir()
    files = Files(directory)
    files.prepare(Order("0" * 32), again.tape)
    answer_by(Replayer(files, sees_to_the_end=False))
    try:
        return run()
    finally:
        answer_by(None)
        fl.configure(level="info")


def test_a_process_that_a_rerun_left_behind_gets_no_answers_and_makes_no_calls(again):
    @fl.recorded
    def ask():
        again.calls.append(1)

    def run():
        ask()
        shutil.rmtree(again.files.directory)
        ask()

    again.record(lambda: [ask(), ask()])
    with pytest.raises(Stopped, match="the rerun is over"):
        again.rerun(run)
    assert again.made == 0


def test_a_process_that_starts_after_a_rerun_is_over_is_an_ordinary_one(tmp_path, monkeypatch):
    monkeypatch.setenv("FLIGHTLOG_RERUN", str(tmp_path / "gone"))
    begin()
    assert rerun.answers is None


def test_after_a_rerun_functions_are_called_again(again):
    @fl.recorded
    def ask():
        again.calls.append(1)
        return 1

    again.record(ask)
    again.rerun(ask)
    before = len(again.calls)
    assert ask() == 1
    assert len(again.calls) == before + 1
