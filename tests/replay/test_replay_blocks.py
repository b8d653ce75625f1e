"""Model calls by hand in a rerun: a block that asks is given its answer, one that did not is refused by name."""

from __future__ import annotations

import asyncio
import threading

import pytest

import flightlog as fl
from flightlog.core.rerun import LOST, Stopped, answer_by
from flightlog.replay.answering import Replayer
from flightlog.replay.order import Files, Order
from flightlog.replay.tape import by_hand_of, tape_of

SECRET = "sk-" + "ant-" + "api03-" + "Ab1" * 20


class Again:
    """Records what a function does, and has it done again."""

    def __init__(self, directory) -> None:
        self._directory = directory
        self.asked = 0
        """How often somebody was asked."""

    def record(self, run):
        with fl.capture() as self.first:
            return run()

    def rerun(self, run, **order):
        self.asked = 0
        tape = tape_of(self.first.spans)
        directory = self._directory / str(len(list(self._directory.iterdir())))
        directory.mkdir()
        self.files = Files(directory)
        self.files.prepare(Order("0" * 32, **order), tape, by_hand=by_hand_of(self.first.spans, tape))
        answer_by(Replayer(self.files, sees_to_the_end=False))
        try:
            with fl.capture() as self.seen:
                return run()
        finally:
            answer_by(None)

    def answer(self, value):
        self.asked += 1
        return value

    def notes(self):
        return [(note.sort, note.what, note.live) for note in self.files.notes()]


@pytest.fixture
def again(tmp_path):
    return Again(tmp_path)


def asking(again, answer="Hello, Ada.", message="Hello", **parameters):
    def run():
        with fl.llm("small-1", provider="local", messages=[message], **parameters) as call:
            if not call.given():
                call.output = again.answer(answer)
                call.usage(input=12, output=5)
                call.response(id="r-1", model="small-1b", tier="fast")
        return call.output

    return run


def test_a_block_that_asks_gets_its_answer_with_what_was_told_of_it(again):
    assert again.record(asking(again)) == "Hello, Ada."
    assert again.rerun(asking(again, "another")) == "Hello, Ada."
    assert again.asked == 0
    assert again.notes() == [("served", "the block chat small-1", False)]
    (before,), (after,) = again.first.spans, again.seen.spans
    told = {
        name
        for name in before.attributes
        if name.startswith(("gen_ai.usage", "gen_ai.resp", "flightlog.resp"))
    }
    assert len(told) == 5
    assert {name: after.attributes[name] for name in told} == {name: before.attributes[name] for name in told}
    assert after.attributes["flightlog.rerun.served_from"] == before.span_id


@pytest.mark.parametrize("now", [{"message": "Goodbye"}, {"temperature": 0.5}])
def test_another_question_or_another_parameter_is_another_call(again, now):
    again.record(asking(again))
    with pytest.raises(Stopped):
        again.rerun(asking(again, **now))
    assert again.asked == 0
    assert [note.sort for note in again.files.notes()] == ["diverged"]


def test_equal_calls_get_their_answers_in_order_and_one_more_is_refused(again):
    answers = iter(["one", "two"])

    def run(times=2):
        return [asking(again, next(answers, "new"))() for _ in range(times)]

    assert again.record(run) == ["one", "two"]
    assert again.rerun(run) == ["one", "two"]
    with pytest.raises(Stopped):
        again.rerun(lambda: run(3))


def test_coroutines_and_calls_without_a_block_are_answered_too(again):
    async def one(name):
        async def ask():
            await asyncio.sleep(0)
            return again.answer(f"{name} new {again.asked}")

        call = fl.llm("small-1", messages=[name]).start()
        if not call.given():
            call.output = await ask()
        call.end()
        return call.output

    async def all_of_them():
        return await asyncio.gather(*(one(name) for name in "abc"))

    first = again.record(lambda: asyncio.run(all_of_them()))
    assert again.rerun(lambda: asyncio.run(all_of_them())) == first
    assert again.asked == 0


def test_threads_get_each_its_own_answer(again):
    def run():
        found = {}

        def work(name):
            found[name] = asking(again, f"{name} {again.asked}", message=name)()

        threads = [threading.Thread(target=work, args=(f"m{number}",)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    first = again.record(run)
    assert again.rerun(run) == first
    assert again.asked == 0


def test_a_call_that_had_no_answer_raises_what_it_ended_with(again):
    def run():
        with fl.llm("small-1", messages=["Hello"]) as call:
            if not call.given():
                again.answer(None)
                raise TimeoutError("no answer for 30 s")

    with pytest.raises(TimeoutError):
        again.record(run)
    with pytest.raises(TimeoutError, match="no answer for 30 s"):
        again.rerun(run)
    assert again.asked == 0


def test_what_failed_behind_the_answer_fails_by_itself_again(again):
    def run():
        with fl.llm("small-1", messages=["Hello"]) as call:
            if not call.given():
                call.output = again.answer({"text": "hi"})
            return call.output["no such member"]

    for do in (again.record, again.rerun):
        with pytest.raises(KeyError, match="no such member"):
            do(run)
    assert again.asked == 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(f"the key is {SECRET}", "masked"), ({1, 2}, "a value of set"), ("x" * 3_000_000, "cut")],
    ids=["masked", "lost", "cut"],
)
def test_an_answer_that_no_record_gives_back_is_refused_by_name(again, answer, reason):
    again.record(asking(again, answer))
    with pytest.raises(Stopped) as stopped:
        again.rerun(asking(again))
    assert reason in str(stopped.value)
    assert "the block chat small-1" in str(stopped.value)
    assert again.asked == 0


def test_what_is_lost_of_an_answer_is_said_only_where_the_block_asks(again):
    again.record(asking(again, {1, 2}))
    assert again.first.spans[0].attributes[LOST].startswith("a value of set")

    def plain():
        with fl.llm("small-1") as call:
            call.output = {1, 2}

    again.record(plain)
    assert LOST not in again.first.spans[0].attributes


def plainly(again):
    def run():
        with fl.llm("small-1", messages=["Hello"]) as call:
            call.output = again.answer("Hello, Ada.")
        return call.output

    return run


def test_a_block_that_did_not_ask_is_refused_as_it_begins_and_leaves_no_span_open(again):
    again.record(plainly(again))
    with pytest.raises(Stopped, match="ask `given\\(\\)` there") as stopped:
        again.rerun(plainly(again))
    assert stopped.value.code == 3
    assert again.asked == 0
    assert again.notes() == [("refused", "the block chat small-1", False)]
    assert [(span.name, span.status) for span in again.seen.spans] == [("chat small-1", "error")]


def test_with_loose_such_a_block_runs_and_is_told(again, capsys):
    again.record(plainly(again))
    assert again.rerun(plainly(again), strict=False) == "Hello, Ada."
    assert again.asked == 1
    assert again.notes() == [("refused", "the block chat small-1", True)]
    assert "asking anew" in capsys.readouterr().err


def test_a_block_whose_function_is_answered_is_none_that_is_refused(again):
    @fl.recorded
    def ask():
        return again.answer("hi")

    def run():
        with fl.llm("small-1", messages=["Hello"]) as call:
            call.output = ask()
        return call.output

    again.record(run)
    assert again.rerun(run) == "hi"
    assert again.asked == 0


def test_after_the_last_call_that_is_answered_blocks_run(again):
    def run():
        return asking(again, "first")(), plainly(again)()

    again.record(run)
    assert again.rerun(run, last=0, beyond="live") == ("first", "Hello, Ada.")
    assert again.asked == 1
    with pytest.raises(Stopped) as stopped:
        again.rerun(run, last=0, beyond="stop")
    assert stopped.value.code == 0


def test_in_an_ordinary_run_nothing_is_given(again):
    assert again.record(asking(again)) == "Hello, Ada."
    assert again.asked == 1
    assert not fl.llm("small-1").given()
