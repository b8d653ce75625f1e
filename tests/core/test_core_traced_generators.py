"""A traced generator is the same generator, and its span is current in its body alone."""

from __future__ import annotations

import contextvars
import gc
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

import flightlog as fl
from flightlog.core import memo
from flightlog.core.capture import Encoder, Limits
from flightlog.core.context import variable
from flightlog.redaction.gate import DefaultGate

STREAM = "flightlog.stream."


def parents(seen: fl.capture) -> dict[str, str | None]:
    names = {span.span_id: span.name for span in seen.spans}
    return {span.name: names.get(span.parent_id) for span in seen.spans}


@fl.traced(name="numbers")
def numbers(n):
    for i in range(n):
        with fl.span(f"made{i}"):
            pass
        yield i


def test_the_body_s_spans_are_children_and_the_consumer_s_are_not(seen):
    with fl.span("root"):
        for i in numbers(2):
            with fl.span(f"used{i}"):
                pass
    assert parents(seen) == {
        "root": None,
        "numbers": "root",
        "made0": "numbers",
        "made1": "numbers",
        "used0": "root",
        "used1": "root",
    }


def test_a_span_around_a_yield_is_not_the_parent_of_what_the_consumer_does(seen):
    @fl.traced(name="batches")
    def batches():
        with fl.span("open"), fl.bind(user="inner"):
            yield 1
            with fl.span("later"):
                pass

    with fl.bind(user="outer"):
        for _ in batches():
            with fl.span("used"):
                pass
    assert parents(seen) == {"batches": None, "open": "batches", "later": "open", "used": None}
    assert {span.name: span.context["user"] for span in seen.spans} == {
        "batches": "outer",
        "open": "outer",
        "later": "inner",
        "used": "outer",
    }


def test_generators_stepped_in_turn_keep_to_themselves(seen):
    @fl.traced
    def steps(name):
        for i in range(2):
            with fl.span(f"{name}{i}"):
                pass
            yield

    with fl.span("root"):
        for _ in zip(steps("a"), steps("b"), strict=True):
            pass
    ids = {span.span_id: span for span in seen.spans}
    of = {name: ids[seen.span(name).parent_id] for name in ("a0", "a1", "b0", "b1")}
    assert of["a0"] is of["a1"]
    assert of["b0"] is of["b1"]
    assert (of["a0"].input, of["b0"].input) == ({"name": "a"}, {"name": "b"})
    assert of["a0"].parent_id == of["b0"].parent_id == seen.span("root").span_id


def test_a_generator_within_a_generator_is_its_child(seen):
    @fl.traced(name="outer")
    def outer():
        yield from numbers(1)

    assert list(outer()) == [0]
    assert parents(seen) == {"outer": None, "numbers": "outer", "made0": "numbers"}


def test_the_span_starts_at_the_first_step_and_not_at_the_call(seen):
    waiting = numbers(1)
    assert seen.records == []
    assert not fl.current()
    assert next(waiting) == 0
    assert [span.name for span in seen.spans] == ["made0"]
    waiting.close()
    assert [span.name for span in seen.spans] == ["made0", "numbers"]


def test_one_that_is_never_stepped_leaves_no_record(seen):
    numbers(1).close()
    numbers(1)
    with pytest.raises(LookupError):
        numbers(1).throw(LookupError())
    gc.collect()
    assert seen.records == []


def test_a_generator_closed_early_ends_ok_with_what_it_gave_so_far(seen):
    made = numbers(9)
    assert [next(made), next(made)] == [0, 1]
    made.close()
    span = seen.span("numbers")
    assert (span.status, span.output, span.attributes[STREAM + "chunks"]) == ("ok", [0, 1], 2)
    assert variable.get() is seen._marker


def test_one_that_nobody_holds_any_more_ends_whatever_is_current_then(seen):
    made = numbers(9)
    next(made)
    with fl.span("elsewhere") as elsewhere:
        del made
        gc.collect()
        assert fl.current() is elsewhere
    assert [span.name for span in seen.spans] == ["made0", "numbers", "elsewhere"]
    assert seen.span("numbers").status == "ok"


def test_one_that_another_thread_finishes_leaves_both_contexts_as_they_were(seen):
    made = numbers(2)
    left = []
    with fl.span("here"):
        next(made)

        def finish():
            with fl.span("there") as there:
                left.extend(made)
                left.append(fl.current() is there)

        thread = threading.Thread(target=contextvars.copy_context().run, args=(finish,))
        thread.start()
        thread.join()
        with fl.span("after"):
            pass
    assert left == [1, True]
    found = parents(seen)
    assert (found["made1"], found["numbers"], found["there"], found["after"]) == (
        "numbers",
        "here",
        "here",
        "here",
    )


def test_work_that_the_body_started_stays_its_child_when_another_thread_ends_it(seen):
    kept = []

    @fl.traced(name="starter")
    def starter():
        kept.append(contextvars.copy_context())
        yield

    made = starter()
    next(made)
    thread = threading.Thread(target=lambda: list(made))
    thread.start()
    thread.join()

    def late():
        with fl.span("late"):
            pass

    kept[0].run(late)
    assert parents(seen)["late"] == "starter"


def test_an_error_in_the_body_is_recorded_and_raised_on(seen):
    @fl.traced(name="breaks")
    def breaks():
        yield 1
        raise LookupError("gone")

    made = breaks()
    assert next(made) == 1
    with pytest.raises(LookupError):
        next(made)
    with pytest.raises(StopIteration):
        next(made)
    span = seen.span("breaks")
    assert (span.status, span.error.type, span.output) == ("error", "LookupError", [1])
    assert "core/traced_" not in span.error.stack


def test_a_call_with_arguments_that_do_not_fit_fails_at_the_call(seen):
    with pytest.raises(TypeError, match="positional"):
        numbers(1, 2)
    assert seen.spans[0].error.type == "TypeError"


def test_values_go_in_and_out_and_the_return_value_comes_back(seen):
    @fl.traced(name="adder")
    def adder():
        total = 0
        while (n := (yield total)) is not None:
            total += n
        return total

    def through():
        return (yield from adder())

    made = through()
    assert [next(made), made.send(2), made.send(3)] == [0, 2, 5]
    with pytest.raises(StopIteration) as end:
        made.send(None)
    assert end.value.value == 5
    span = seen.span("adder")
    assert span.output == [0, 2, 5]
    assert span.attributes[STREAM + "returned"] == 5
    assert span.attributes[STREAM + "first_chunk_ns"] >= 0


def body():
    """Does something else for each way to step it."""
    log = []
    while True:
        try:
            sent = yield list(log)
        except GeneratorExit:
            log.append("closed")
            if "stubborn" in log:
                yield "no"
            return "closed"
        except LookupError as error:
            log.append(f"caught {error} {error.__context__!r}")
        else:
            if sent == "return":
                return log
            if sent == "raise":
                raise ValueError(str(log))
            log.append(sent)


STEPS = st.sampled_from(
    ["next", "stubborn", "return", "raise", "LookupError", "KeyError", "StopIteration", "exit", "close"]
)


def outcome(step, *args):
    try:
        return "gave", step(*args)
    except BaseException as error:
        return type(error), str(error), getattr(error, "value", None), type(error.__cause__)


def taken(made, step):
    if step == "next":
        return outcome(made.__next__)
    if step == "close":
        return outcome(made.close)
    thrown = {
        "LookupError": LookupError("l"),
        "KeyError": KeyError("k"),
        "StopIteration": StopIteration(3),
        "exit": GeneratorExit(),
    }
    return outcome(made.throw, thrown[step]) if step in thrown else outcome(made.send, step)


@given(st.lists(STEPS, max_size=8))
def test_whatever_is_done_to_it_the_answer_is_the_untraced_generator_s(steps):
    before = variable.get()
    with fl.capture() as seen:
        plain, traced = body(), fl.traced(name="body")(body)()
        assert [taken(traced, step) for step in steps] == [taken(plain, step) for step in steps]
        for made in (plain, traced):
            outcome(made.close)
            outcome(made.close)
    assert len([span for span in seen.spans if span.name == "body"]) <= 1
    assert variable.get() is before


@given(st.lists(STEPS, max_size=8))
def test_one_that_is_off_answers_as_the_untraced_generator_too(steps):
    with fl.capture(level="error"):
        plain, traced = body(), fl.traced(level="trace")(body)()
        assert [taken(traced, step) for step in steps] == [taken(plain, step) for step in steps]
        for made in (plain, traced):
            outcome(made.close)
            outcome(made.close)


def test_the_body_s_context_variables_are_the_consumer_s_as_ever(seen):
    setting = contextvars.ContextVar("setting", default=0)

    @fl.traced
    def reads():
        while True:
            setting.set(setting.get() + 1)
            yield setting.get()

    made = reads()
    assert next(made) == 1
    setting.set(10)
    assert next(made) == 11
    assert setting.get() == 11
    made.close()


# -- what comes out -------------------------------------------------------------------------------------------


def output(seen, *items, **options):
    @fl.traced(name="stream", **options)
    def stream():
        yield from items

    assert list(stream()) == [*items]
    return seen.span("stream").output


@pytest.fixture
def gate(seen):
    """The gate that a program has."""
    before = memo._encoder
    memo.use(Encoder(DefaultGate(b"k"), Limits(), lambda: None))
    yield
    memo.use(before)


def test_secrets_that_follow_one_another_without_a_gap_are_all_replaced(seen, gate):
    token = "gh" + "p_" + "a1B2c3" * 6

    @fl.traced
    def stream():
        yield token
        yield token
        yield "end"

    assert list(stream()) == [token, token, "end"]
    assert seen.spans[0].output == "[REDACTED][REDACTED]end"


def test_texts_are_joined(seen):
    assert output(seen, "a", "b", "", "c") == "abc"


def test_mixed_pieces_are_a_list(seen):
    assert output(seen, "a", 1, None, {"b": 2}) == ["a", 1, None, {"b": 2}]


def test_no_piece_is_an_empty_list_and_no_time_to_a_first_one(seen):
    assert output(seen) == []
    assert STREAM + "first_chunk_ns" not in seen.span("stream").attributes


def test_a_reducer_makes_the_output_of_the_pieces_themselves(seen):
    assert output(seen, 1, 2, 3, reduce=sum) == 6


def test_a_reducer_that_fails_breaks_nothing_and_is_told(seen):
    output(seen, "a", 1, reduce=sum)
    span = seen.span("stream")
    assert span.status == "ok"
    assert span.attributes["flightlog.capture_error"].startswith("TypeError: unsupported operand")


def test_a_piece_that_changes_afterwards_is_recorded_as_it_passed(seen):
    @fl.traced(name="rows")
    def rows():
        row = []
        for i in range(3):
            row.append(i)
            yield row

    assert [len(row) for row in rows()] == [1, 2, 3]
    assert seen.span("rows").output == [[0], [0, 1], [0, 1, 2]]


@pytest.mark.parametrize(
    ("pieces", "kept"),
    [([1] * 1500, 1000), (["x" * 1024] * 1500, 1024), (["x"] * 1500, None), ([["x" * 2048]] * 900, 511)],
)
def test_what_is_kept_is_bounded_and_all_is_counted(seen, pieces, kept):
    output(seen, *pieces)
    attributes = seen.span("stream").attributes
    assert attributes[STREAM + "chunks"] == len(pieces)
    assert attributes.get(STREAM + "chunks_kept") == kept


def test_a_reducer_is_given_a_bounded_number_of_pieces(seen):
    assert output(seen, *range(10_500), reduce=len) == 10_000
    assert seen.span("stream").attributes[STREAM + "chunks_kept"] == 10_000


# -- a function that returns one ------------------------------------------------------------------------------


def test_a_function_that_returns_a_generator_is_recorded_until_that_is_done(seen):
    def stream(n):
        for i in range(n):
            with fl.span(f"made{i}"):
                pass
            yield i

    @fl.traced(name="query")
    def query(n):
        with fl.span("prepared"):
            return stream(n)

    with fl.span("root"):
        made = query(2)
        assert made.__name__ == "stream"
        for i in made:
            with fl.span(f"used{i}"):
                pass
    assert parents(seen) == {
        "root": None,
        "query": "root",
        "prepared": "query",
        "made0": "query",
        "made1": "query",
        "used0": "root",
        "used1": "root",
    }
    assert seen.span("query").output == [0, 1]


@pytest.mark.parametrize("dispose", [lambda made: made.close(), lambda made: None])
def test_a_returned_generator_that_is_never_stepped_ends_the_span(seen, dispose):
    query = fl.traced(name="query")(lambda: (i for i in range(3)))
    made = query()
    dispose(made)
    del made
    gc.collect()
    assert [(span.name, span.status) for span in seen.spans] == [("query", "ok")]


def test_a_generator_that_has_started_is_given_back_as_it_is(seen):
    def stream():
        got = yield
        yield got

    made = stream()
    next(made)
    given = fl.traced(name="query")(lambda: made)()
    assert given is made
    assert given.send(3) == 3
    made.close()
    assert fl.traced(name="again")(lambda: made)() is made
    assert [span.name for span in seen.spans] == ["query", "again"]


def test_other_iterators_are_given_back_as_they_are(seen):
    made = map(str, [1, 2])
    assert fl.traced(name="query")(lambda: made)() is made
    assert seen.span("query").status == "ok"


def test_a_returned_generator_that_the_program_keeps_is_given_back_as_it_is(seen):
    class Shelf:
        def __init__(self):
            self.books = (book for book in range(3))

        @fl.traced
        def all(self):
            return self.books

    shelf = Shelf()
    assert shelf.all() is shelf.books
    assert [next(shelf.all()), next(shelf.all())] == [0, 1]


DEPTH = 300


def test_a_generator_recurses_through_one_frame_of_ours_a_level(seen):
    """The interpreter's limit is 1,000 frames; a body, and what stands in its place, are two of them."""

    @fl.traced(name="down", capture_args=False, capture_result=False)
    def down(n):
        got = yield n
        if n:
            got = yield from down(n - 1)
        return got

    going = down(DEPTH)
    assert [next(going) for _ in range(DEPTH + 1)] == list(range(DEPTH, -1, -1))
    with pytest.raises(StopIteration) as end:
        next(going)
    assert end.value.value is None
    assert len(seen.spans) == DEPTH + 1
    parents = {span.span_id: span.parent_id for span in seen.spans}
    place, depth = seen.spans[0].span_id, 0
    while parents.get(place):
        place, depth = parents[place], depth + 1
    assert depth == DEPTH
