"""A span is an ordinary object to whoever handles it: copied, pickled, told as a value, called by hand."""

from __future__ import annotations

import contextvars
import copy
import inspect
import pickle

import pytest

import flightlog as fl
from flightlog.core import _pure, engine


@pytest.mark.parametrize("given", [object(), 5, b"x", 10**50])
def test_a_trace_id_of_any_type_is_written_as_what_it_says(given, taken):
    span = fl.span("odd", n=1)
    with span:
        span.trace_id = given
        with fl.span("child"):
            fl.event("within")
    for name in ("odd", "child", "within"):
        assert taken.named(name)["trace_id"] == str(given)
    assert taken.named("odd")["attributes"] == {"n": 1}


@pytest.mark.parametrize("given", [object(), 5, b"x", 10**50])
def test_a_root_keeps_the_trace_id_that_it_was_given(given, taken):
    span = fl.span("odd")
    span.trace_id = given
    contextvars.Context().run(span.__enter__)
    assert span.trace_id is given
    span._out = taken.append
    span.__exit__(None, None, None)
    assert taken.named("odd")["trace_id"] == str(given)


@pytest.mark.parametrize("given", [(), None, 0, ""])
def test_a_trace_id_that_says_nothing_is_made_anew(given, taken):
    span = fl.span("empty")
    span.trace_id = given
    contextvars.Context().run(span.__enter__)
    with span:
        span._out = len
        assert type(span.trace_id) is str
        assert len(span.trace_id) == 32


@pytest.mark.parametrize("given", ["abc", 5, "A" * 16, "0" * 16])
def test_children_and_events_name_the_id_that_a_span_was_given(given, taken):
    with fl.span("given", n=1) as span:
        span.span_id = given
        fl.event("said", n=1)
        with fl.span("child"):
            pass
    assert taken.named("given")["span_id"] == taken.named("said")["span_id"] == str(given)
    assert taken.named("child")["parent_id"] == str(given)
    assert taken.named("given")["attributes"] == taken.named("said")["attributes"] == {"n": 1}


def test_a_span_as_a_value_tells_its_ids_and_one_class_whatever_engine_runs(seen):
    with fl.span("told") as told:
        pass
    expected = {
        "__class__": "flightlog.Span",
        "span_id": told.span_id,
        "start": told.start,
        "trace_id": told.trace_id,
    }
    with fl.span("holder", of=told, within=[told]) as holder:
        holder.output = {"s": told}
        fl.event("held", of=told)
    record = seen.span("holder")
    assert record.attributes == {"of": expected, "within": [expected]}
    assert list(record.attributes["of"]) == list(expected)
    assert record.output == {"s": expected}
    (event,) = (record for record in seen.events if record.name == "held")
    assert event.attributes == {"of": expected}


def test_the_engine_s_functions_as_values_are_told_by_their_public_names(seen):
    with fl.span("holder", of=[fl.span, fl.event]):
        pass
    assert seen.span("holder").attributes == {"of": ["flightlog.span", "flightlog.event"]}


def test_a_span_that_has_not_begun_has_no_start():
    span = fl.span("later")
    assert not hasattr(span, "start")
    span.start = 0
    assert span.start == 0


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda span: pickle.loads(pickle.dumps(span))])
def test_a_span_can_be_copied_and_pickled(again):
    state = {"span": fl.span("copied", kind="tool", n=1, text="x"), "other": 5}
    made = again(state["span"])
    assert type(made) is type(state["span"]) is fl.Span
    assert made is not state["span"]
    assert made._attributes == state["span"]._attributes == {"n": '"n":1', "text": '"text":"x"'}
    assert (made._name, made._kind, made.recorded, made.ended) == ("copied", "tool", True, False)
    assert copy.deepcopy(state)["other"] == 5


def test_a_copy_of_an_open_span_knows_its_ids_and_its_place():
    with fl.capture():
        outer = fl.span("outer")
    with outer, fl.span("open", n=1) as span:
        made = copy.copy(span)
        assert (made.trace_id, made.span_id, made.start) == (span.trace_id, span.span_id, span.start)
        assert (made._parent, made._root, made._parent_field) == (outer, outer, span._parent_field)
        far = pickle.loads(pickle.dumps(span))
        assert (far.trace_id, far.span_id, far._parent.span_id) == (
            span.trace_id,
            span.span_id,
            outer.span_id,
        )


def test_a_subclass_is_copied_with_what_it_adds():
    class Own(fl.Span):
        __slots__ = ("more",)

    own = copy.copy(fl.span("own"))
    made = Own()
    made.more, made._name = [1], own._name
    again = copy.copy(made)
    assert type(again) is Own
    assert (again.more, again._name) == ([1], "own")


@pytest.mark.parametrize(("function", "plain"), [(fl.span, _pure.span), (fl.event, _pure.event)])
def test_the_functions_say_how_they_are_called(function, plain):
    def shape(of):
        found = inspect.signature(of).parameters.values()
        return [(each.name, each.kind, each.default is not each.empty) for each in found]

    assert shape(function) == shape(plain)
    assert function.__doc__ == plain.__doc__
    assert (function.__name__, function.__qualname__, function.__module__) == (
        plain.__name__,
        plain.__name__,
        "flightlog",
    )
    assert pickle.loads(pickle.dumps(function)) is function
    assert b"_core" not in pickle.dumps(function)
    assert b"_pure" not in pickle.dumps(function)


def test_the_class_is_found_under_the_name_that_it_says():
    assert (fl.Span.__module__, fl.Span.__qualname__) == ("flightlog", "Span")
    assert pickle.loads(pickle.dumps(fl.Span)) is fl.Span
    assert pickle.loads(pickle.dumps(engine.Unrecorded)) is engine.Unrecorded


def test_an_edge_called_with_what_it_does_not_take_changes_nothing(seen):
    span = fl.span("by hand")
    for wrong in ((), (None,), (None, None), (None,) * 4):
        with pytest.raises(TypeError):
            span.__exit__(*wrong)
    with pytest.raises(TypeError):
        span.__enter__(None, None, None)
    with pytest.raises(TypeError):
        span.__enter__(self=span)
    assert not span._zero
    assert span.__enter__() is span
    with pytest.raises(TypeError):
        span.__exit__()
    with pytest.raises(TypeError):
        span.__enter__(1, 2, 3)
    assert not span.ended
    span.__exit__(kind=None, error=None, trace=None)
    assert span.ended
    assert [record.name for record in seen.spans] == ["by hand"]


def test_a_span_is_no_function():
    span = fl.span("s")
    assert not callable(span)
    with pytest.raises(TypeError):
        span()
    assert callable(span.__enter__)
    assert callable(span.__exit__)


def test_edges_are_those_of_their_span(seen):
    span, other = fl.span("s"), fl.span("o")
    assert span.__enter__ == span.__enter__ != other.__enter__ != span.__exit__
    assert span.__exit__.__self__ is span
    assert span.__exit__.__name__ == "__exit__"
    assert list(inspect.signature(span.__exit__).parameters) == ["kind", "error", "trace"]
    assert list(inspect.signature(fl.Span.__exit__).parameters) == ["self", "kind", "error", "trace"]
    assert inspect.getdoc(span.__enter__) == inspect.getdoc(_pure.Spanning.__enter__)
    leave = span.__exit__
    span.__enter__()
    del span
    leave(None, None, None)
    assert [record.name for record in seen.spans] == ["s"]


def test_a_span_is_held_by_its_edges_and_by_nothing_else_once_they_are_gone(seen):
    import weakref

    span = fl.span("held")
    gone, edges = weakref.ref(span), [span.__enter__, span.__exit__]
    del span
    assert gone() is edges[0].__self__
    edges.pop()
    assert gone() is not None
    edges.pop()
    assert gone() is None
