"""Whatever can be called can be traced, and stays what it was."""

from __future__ import annotations

import abc
import asyncio
import enum
import functools
import gc
import inspect
import types
import warnings
import weakref

import pytest

import flightlog as fl


def names(seen: fl.capture) -> list[str]:
    return [span.name.rpartition(".")[2] for span in seen.spans]


def plain(a, b=1, *, c=2):
    return a


async def coroutine(a):
    return a


def generator(a):
    yield a


async def async_generator(a):
    yield a


QUESTIONS = (
    inspect.isfunction,
    inspect.iscoroutinefunction,
    inspect.isgeneratorfunction,
    inspect.isasyncgenfunction,
    asyncio.iscoroutinefunction,
    inspect.signature,
    inspect.getdoc,
    lambda function: function.__name__,
    lambda function: function.__module__,
    lambda function: function.__annotations__,
)


@pytest.mark.parametrize("function", [plain, coroutine, generator, async_generator])
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_traced_function_answers_as_the_original_does(function, question):
    assert question(fl.traced(function)) == question(function)
    assert question(fl.traced(name="other", reduce=len)(function)) == question(function)


@pytest.mark.parametrize("function", [coroutine, generator, async_generator])
def test_a_partial_is_of_the_sort_of_its_function(function):
    made = fl.traced(functools.partial(function, 1))
    for question in QUESTIONS[1:4]:
        assert question(made) == question(function)


def test_static_and_class_methods_are_traced_above_and_below_their_decorator(seen):
    class Shop:
        @fl.traced
        @staticmethod
        def above(x):
            return x

        @staticmethod
        @fl.traced
        def below(x):
            return x

        @fl.traced
        @classmethod
        def made(owner, x):  # noqa: N804 - the decorator says that it is a class, not the name
            return owner, x

    assert isinstance(vars(Shop)["above"], staticmethod)
    assert isinstance(vars(Shop)["made"], classmethod)
    assert (Shop.above(1), Shop().above(2), Shop.below(3), Shop.made(4)) == (1, 2, 3, (Shop, 4))
    assert [span.input for span in seen.spans] == [{"x": 1}, {"x": 2}, {"x": 3}, {"x": 4}]


def test_a_bound_method_is_traced_without_its_object(seen):
    class Shop:
        def sell(self, thing, n=1):
            return thing * n

    shop = Shop()
    sell = fl.traced(shop.sell)
    assert sell("a", 2) == "aa"
    assert inspect.signature(sell) == inspect.signature(shop.sell)
    assert seen.spans[0].input == {"thing": "a", "n": 2}
    assert seen.spans[0].name.endswith("Shop.sell")


def test_a_partial_is_recorded_with_the_arguments_that_it_holds(seen):
    made = fl.traced(functools.partial(plain, 7, c=9))
    assert made(8) == 7
    assert seen.spans[0].name == "plain"
    assert seen.spans[0].input == {"a": 7, "b": 8, "c": 9}


def test_a_built_in_function_and_an_object_with_call_can_be_traced(seen):
    class Adder:
        def __init__(self, n):
            self.n = n

        def __call__(self, x):
            return x + self.n

    assert fl.traced(len)([1, 2]) == 2
    assert fl.traced(Adder(3))(4) == 7
    assert [(span.name.rpartition(".")[2], span.input) for span in seen.spans] == [
        ("len", {"*args": [[1, 2]]}),
        ("Adder", {"x": 4}),
    ]


def test_an_object_whose_call_is_a_coroutine_function_is_awaited(seen):
    class Client:
        async def __call__(self, x):
            with fl.span("inside"):
                await asyncio.sleep(0)
            return x

    ask = fl.traced(Client())
    assert inspect.iscoroutinefunction(ask)
    assert asyncio.run(ask(1)) == 1
    assert names(seen) == ["inside", "Client"]


def test_a_cached_function_keeps_its_cache(seen):
    @fl.traced
    @functools.lru_cache
    def square(n):
        return n * n

    assert (square(2), square(2)) == (4, 4)
    assert square.cache_info().hits == 1
    square.cache_clear()
    assert square.cache_info().hits == 0
    assert [span.input for span in seen.spans] == [{"n": 2}, {"n": 2}]


def test_a_wrapper_that_takes_anything_is_recorded_with_the_names_of_what_it_wraps(seen):
    def logged(function):
        @functools.wraps(function)
        def call(*args, **kwargs):
            return function(*args, **kwargs)

        return call

    class Shop:
        @fl.traced
        @logged
        @logged
        def sell(self, thing, n=1):
            return thing

    Shop().sell("a", 3)
    assert seen.spans[0].input == {"thing": "a", "n": 3}


def test_tracing_twice_records_once_and_the_outermost_says_how(seen):
    @fl.traced(name="outer")
    @fl.traced(name="inner")
    def work():
        return 1

    assert work() == 1
    assert names(seen) == ["outer"]


def test_a_decorator_around_a_traced_function_is_not_taken_for_one(seen):
    def doubled(function):
        @functools.wraps(function)
        def call(*args):
            return 2 * function(*args)

        return call

    @fl.traced(name="outer")
    @doubled
    @fl.traced(name="inner")
    def work(n):
        return n

    assert work(4) == 8
    assert names(seen) == ["inner", "outer"]


def test_an_awaitable_generator_stays_awaitable(seen):
    @fl.traced
    @types.coroutine
    def pause():
        yield
        return 5

    async def main():
        return await pause()

    assert asyncio.run(main()) == 5
    assert seen.spans[0].attributes["flightlog.stream.returned"] == 5


def test_a_class_with_a_traced_method_is_freed():
    class Owner:
        @fl.traced
        def work(self):
            return 1

    gone = weakref.ref(Owner)
    del Owner
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("target", [3, "text", None, property(plain), functools.partialmethod(plain)])
def test_what_cannot_be_called_is_refused_at_decoration(target):
    with pytest.raises(TypeError, match=r"called|property"):
        fl.traced()(target)


def test_the_refusal_of_a_property_says_where_the_decorator_goes(seen):
    with pytest.raises(TypeError, match="below the property"):
        fl.traced(property(plain))

    class Shop:
        @property
        @fl.traced
        def size(self):
            return 3

    assert Shop().size == 3
    assert names(seen) == ["size"]


def test_an_abstract_method_stays_abstract(seen):
    class Base(abc.ABC):
        @abc.abstractmethod
        @fl.traced
        def below(self): ...

        @fl.traced
        @abc.abstractmethod
        def above(self): ...

    assert Base.__abstractmethods__ == {"below", "above"}

    class Whole(Base):
        def below(self):
            return super().below()

        def above(self):
            return 1

    Whole().below()
    assert names(seen) == ["below"]


# -- classes --------------------------------------------------------------------------------------------------


def test_a_class_has_its_own_public_methods_recorded_and_nothing_else(seen):
    class Base:
        def inherited(self):
            return 0

    @fl.traced
    class Shop(Base):
        limit = 3

        def __init__(self, n):
            self.n = n

        def __call__(self):
            return self._private()

        def __repr__(self):
            return "Shop"

        def _private(self):
            return 1

        @property
        def size(self):
            return self.n

        def sell(self, thing):
            return thing

        async def order(self, thing):
            return thing

        def stock(self):
            yield from range(self.n)

        @staticmethod
        def tax(price):
            return price

        @classmethod
        def opened(cls):
            return cls(2)

    shop = Shop.opened()
    assert isinstance(shop, Shop)
    assert (shop(), shop.size, repr(shop), shop.inherited(), shop.limit) == (1, 2, "Shop", 0, 3)
    assert (shop.sell("a"), asyncio.run(shop.order("b")), list(shop.stock()), Shop.tax(4)) == (
        "a",
        "b",
        [0, 1],
        4,
    )
    assert names(seen) == ["opened", "sell", "order", "stock", "tax"]
    assert [span.input for span in seen.spans] == [{}, {"thing": "a"}, {"thing": "b"}, {}, {"price": 4}]


def test_a_method_with_a_decoration_of_its_own_keeps_it(seen):
    @fl.traced(kind="tool")
    class Shop:
        @fl.traced(name="special", kind="agent")
        def sell(self):
            return 1

        def other(self):
            return 2

    Shop().sell()
    Shop().other()
    assert [(span.name.rpartition(".")[2], span.kind) for span in seen.spans] == [
        ("special", "agent"),
        ("other", "tool"),
    ]


def test_a_traced_subclass_of_a_traced_class_records_each_call_once(seen):
    @fl.traced
    class Base:
        def work(self):
            return 1

    @fl.traced
    class Derived(Base):
        def more(self):
            return self.work()

    assert Derived().more() == 1
    assert names(seen) == ["work", "more"]


def test_a_name_for_a_class_stands_before_its_methods_names(seen):
    @fl.traced(name="shop")
    class Shop:
        def sell(self):
            return super().__repr__()

    Shop().sell()
    assert seen.spans[0].name == "shop.sell"


def test_an_enum_can_be_traced(seen):
    @fl.traced
    class Colour(enum.Enum):
        RED = 1

        def shade(self):
            return self.value

    assert Colour.RED.shade() == 1
    assert list(Colour) == [Colour.RED]
    assert names(seen) == ["shade"]


def test_what_a_class_ignores_must_be_a_parameter_of_one_of_its_methods(seen):
    @fl.traced(ignore="secret")
    class Door:
        def unlock(self, secret, who):
            return who

        def close(self):
            return True

    Door().unlock("s", "me")
    Door().close()
    assert [span.input for span in seen.spans] == [{"who": "me"}, {}]
    with pytest.raises(TypeError, match="secert"):

        @fl.traced(ignore="secert")
        class Other:
            def unlock(self, secret):
                return secret


def test_a_class_of_the_interpreter_is_refused():
    class Fixed(type):
        def __setattr__(cls, name, value):
            raise TypeError("fixed")

    class Shop(metaclass=Fixed):
        def sell(self):
            return 1

    with pytest.raises(TypeError, match="cannot be replaced"):
        fl.traced(Shop)


# -- a coroutine that a plain function returns ----------------------------------------------------------------


def test_a_plain_function_that_returns_a_coroutine_is_recorded_until_that_is_done(seen):
    def forwarding(n):
        return coroutine_with_a_span(n)

    async def coroutine_with_a_span(n):
        await asyncio.sleep(0)
        with fl.span("inside"):
            return n

    async def main():
        made = fl.traced(name="forwarding")(forwarding)(3)
        assert inspect.iscoroutine(made)
        with fl.span("beside"):
            pass
        return await made

    assert asyncio.run(main()) == 3
    outer, inside, beside = seen.span("forwarding"), seen.span("inside"), seen.span("beside")
    assert inside.parent_id == outer.span_id
    assert beside.parent_id == ""
    assert outer.output == 3


def test_a_coroutine_that_fails_fails_the_function_that_returned_it(seen):
    @fl.traced
    def forwarding():
        return failing()

    async def failing():
        raise LookupError("gone")

    with pytest.raises(LookupError):
        asyncio.run(forwarding())
    assert (seen.spans[0].status, seen.spans[0].error.type) == ("error", "LookupError")


def test_a_coroutine_that_nobody_awaits_ends_its_span_and_is_warned_of_once(seen):
    @fl.traced
    def forwarding():
        return coroutine(1)

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        forwarding()
        gc.collect()
    assert [str(warning.message) for warning in warned] == ["coroutine 'coroutine' was never awaited"]
    warned.clear()  # a warning holds the coroutine
    assert [span.status for span in seen.spans] == ["ok"]


def test_a_returned_coroutine_that_the_program_keeps_is_given_back_as_it_is(seen):
    kept = []

    async def work():
        return 5

    @fl.traced
    def start():
        kept.append(work())
        return kept[0]

    assert start() is kept[0]
    assert asyncio.run(kept[0]) == 5


def test_a_coroutine_function_refuses_wrong_arguments_at_the_call_and_warns_once_of_what_is_not_awaited(seen):
    @fl.traced
    async def work(n):
        return n

    with pytest.raises(TypeError, match="positional"):
        work(1, 2)
    assert seen.spans[0].error.type == "TypeError"
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        work(1)
        gc.collect()
    assert [str(w.message).endswith("work' was never awaited") for w in warned] == [True]


def test_an_exception_that_answers_no_question_arrives_as_it_is(seen):
    class Mute(Exception):
        def __getattribute__(self, name):
            raise RuntimeError(name)

    @fl.traced
    def plain():
        raise Mute

    @fl.traced
    def steps():
        yield 1
        raise Mute

    @fl.traced
    async def work():
        raise Mute

    for run in (plain, lambda: list(steps()), lambda: work().send(None)):  # an event loop would ask it
        caught = None
        try:
            run()
        except BaseException as error:
            caught = type(error)
        assert caught is Mute


def test_what_an_object_with_call_holds_is_on_its_wrapper():
    class Tool:
        def __init__(self):
            self.label = "hammer"

        def __call__(self):
            return 1

    assert fl.traced(Tool()).label == "hammer"


def test_a_metaclass_that_refuses_in_its_own_words_is_a_clear_type_error():
    class Fixed(type):
        def __setattr__(cls, name, value):
            raise RuntimeError("fixed")

    class Shop(metaclass=Fixed):
        def sell(self):
            return 1

    with pytest.raises(TypeError, match="cannot be replaced: fixed"):
        fl.traced(Shop)


def test_a_traced_generator_is_a_value_like_the_original(seen):
    @fl.traced
    def rows():
        yield 1

    @fl.traced
    async def work():
        return 1

    coroutine = work()
    with fl.span("hand on", input=[rows(), coroutine]):
        pass
    coroutine.close()
    place = "test_a_traced_generator_is_a_value_like_the_original.<locals>"
    assert seen.span("hand on").input == [f"<generator {place}.rows>", f"<coroutine {place}.work>"]
