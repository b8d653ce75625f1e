"""The texts of `narrates`: what is refused at decoration, and what stands in a field, however large or hostile."""

from __future__ import annotations

from enum import IntEnum, StrEnum

import pytest

import flightlog as fl
from flightlog.core import memo
from flightlog.core.capture import Encoder, Limits
from flightlog.core.phrases import MOST, phrase
from flightlog.redaction.gate import DefaultGate

SECRET = "sk-" + "ant-" + "api03-" + "Ab1" * 20


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    BIG = 9


class Pair:
    def __init__(self, left=1, right=2):
        self.left, self.right = left, right

    def __str__(self):
        return f"{self.left}-{self.right}"

    def __format__(self, spec):
        return f"{spec}:{self}" if spec else str(self)


class Hostile:
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __format__ = __getitem__ = __str__

    @property
    def name(self):
        raise RuntimeError("no name")


@pytest.fixture
def failures(seen):
    """What could not be captured, counted."""
    before, counted = memo._encoder, []
    memo.use(Encoder(DefaultGate(b""), Limits(), lambda: counted.append(1)))
    yield counted
    memo.use(before)


def told(template, *args, **kwargs):
    """What one call of a function says whose parameters are these."""

    def work(x=None, y=None, password=None, **more):
        return x

    with fl.capture() as seen:
        fl.narrates(template)(work)(*args, **kwargs)
    (event,) = seen.events
    return event.body


def told_and_counted(seen, template, *args):
    """As `told`, within the capture that counts."""
    fl.narrates(template)(lambda x=None, y=None: x)(*args)
    return seen.events[-1].body


# -- at decoration -----------------------------------------------------------------------------------------------


def work(job_id, queue="default", *rest, **more):
    pass


async def stream(n):
    yield n


@pytest.mark.parametrize(
    ("template", "wrong"),
    [
        ("{nope}", "names 'nope', which is not there; there are: job_id, queue, rest, more, result, elapsed"),
        ("{job_id} {}", "a field without a name, {}; there are: job_id"),
        ("{0}", "a field without a name, {0}"),
        ("{job_id", "cannot be read: expected '}'"),
        ("}", "cannot be read: Single '}'"),
        ("{", "cannot be read: Single '{'"),
        ("{job_id.}", "cannot be read: Empty attribute"),
        ("{job_id[}", "cannot be read"),
        ("{job_id!x}", "there are !r, !s and !a"),
        ("{job_id:{nope}}", "names 'nope'"),
        ("{job_id:{queue:{rest}}}", "braces in braces in braces"),
        ("{job_id:>10000}", "wider than 9999"),
        ("{error}", "names 'error'"),
        ("{elapsed:zzz}", "has {elapsed:zzz}: "),
        ("{elapsed:d}", "has {elapsed:d}: "),
        ("{ job_id }", "names ' job_id '"),
        (None, "is a text, not NoneType"),
        (b"x", "is a text, not bytes"),
    ],
)
def test_a_template_that_does_not_fit_is_refused_with_what_is_wrong_and_what_there_is(template, wrong):
    with pytest.raises(ValueError) as refused:
        fl.narrates(template)(work)
    assert wrong in str(refused.value)
    assert "the template of work" in str(refused.value)


@pytest.mark.parametrize(
    "template", ["{elapsed:.3f}", "{elapsed!r:>9}", "{elapsed:>{queue}}", "{elapsed.real:zzz}"]
)
def test_a_format_of_the_time_is_tried_only_where_it_stands_written_and_is_of_a_number(template):
    assert fl.narrates(template, failed=template, cute=template)(work)


def test_a_parameter_called_elapsed_may_have_any_format():
    def timed(elapsed):
        pass

    assert fl.narrates("{elapsed:zzz}")(timed)
    with pytest.raises(ValueError, match="failed of work"):
        fl.narrates("Done", failed="Failed after {elapsed:x}")(work)


@pytest.mark.parametrize("text", ["target", "cute", "story", "correlation_id", "failed"])
def test_every_text_is_checked_and_called_by_its_name(text):
    with pytest.raises(ValueError, match=f"{text} of work '{{nope}}' names 'nope'"):
        fl.narrates("x", **{text: "{nope}"})(work)


def test_a_failure_has_no_result_and_an_async_generator_neither():
    with pytest.raises(ValueError, match="there are: job_id, queue, rest, more, elapsed, error"):
        fl.narrates("x", failed="{result}")(work)
    with pytest.raises(ValueError, match="there are: n, elapsed"):
        fl.narrates("{result}")(stream)


def test_a_name_that_only_the_keywords_of_a_call_would_have_is_asked_of_them():
    with pytest.raises(ValueError, match="names 'colour'"):
        fl.narrates("{colour}")(work)
    fl.narrates("{more[colour]}")(work)


def test_of_a_function_without_readable_code_only_the_call_is_known():
    with pytest.raises(ValueError, match="there are: result, elapsed"):
        fl.narrates("{obj}")(len)


# -- what stands in a field ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{x}", "text"),
        ("{x!r:>10}|{x:^8}|{x:.2}", "text"),
        ("{x:05d}|{x:,}|{x}", 12345),
        ("{x:.2f}|{x!s:>8}", 1.5),
        ("{x}|{x!r}|{x:>6}", Colour.RED),
        ("{x}|{x:d}", Size.BIG),
        ("{x}|{x:wide}|{x.left}|{x!s}", Pair()),
        ("{x[0]}|{x[1].right}|{x[1]}", [1, Pair(3, 4)]),
        ("{{{x}}}", None),
        ("{x}", [1, "a", (2,), {3}, {"k": b"v"}, None, 1.5, True, [], set(), frozenset({1})]),
        ("{x}|{x!a}", ["é", {"ü": 1}]),
        ("{x}", ValueError("bad", 1)),
        ("{x}|{x!r}", KeyError("gone")),
        ("{x}", ValueError()),
        ("{x}|{x!r}", b"bytes"),
    ],
)
def test_a_field_says_what_str_format_would(template, value):
    assert told(template, value) == template.format(x=value)


def test_items_may_be_written_as_in_python():
    row = {"id": 7, "a b": 8, 1: "one", "1": "text"}
    assert told("""{x["id"]} {x['a b']} {x[id]} {x[1]} {x["1"]}""", row) == "7 8 7 one text"


def test_a_width_may_come_from_another_value():
    assert told("{x:>{y}}", "a", 5) == "    a"


# -- secrets ----------------------------------------------------------------------------------------------------------


def test_what_stands_under_a_secret_s_name_is_not_told():
    told_of = told(
        "{password}|{x[api_key]}|{y.secret}|{more[token]}|{password:>4d}|{password!r}",
        {"api_key": "hunter2"},
        Pair(),
        password="hunter2",
        token="hunter2",
    )
    assert told_of == "|".join(["[REDACTED]"] * 6)


def test_a_secret_within_a_value_is_not_told():
    text = told("{x}|{y}", {"password": "hunter2", "n": {"api_key": [1]}}, f"the key is {SECRET}")
    assert "hunter2" not in text
    assert SECRET not in text
    assert "'n'" in text


@pytest.mark.parametrize("template", ["{x}", "{x!r}", "{x:.1100}", "{y}", "{y!r}"])
@pytest.mark.parametrize("before", [0, 500, 940, 960, 980, 990])
def test_a_cut_leaves_no_half_of_a_secret(template, before):
    text = "a " * (before // 2) + SECRET + " b" * 3000
    assert SECRET[:20] not in told(template, text, [text])


def test_a_format_specification_leaves_no_half_of_a_secret():
    assert told("{x:.20}", SECRET) == "[REDACTED]"


# -- bounds ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        "x" * 10_000_000,
        b"x" * 10_000_000,
        ["x" * 100] * 1_000_000,
        dict.fromkeys(range(1_000_000), "x"),
        set(range(1_000_000)),
        [["x" * 10_000_000] * 10] * 10,
        1 << 40_000_000,
        ValueError("x" * 10_000_000),
        ValueError(["x"] * 1_000_000, 2),
    ],
    ids=["text", "bytes", "list", "dict", "set", "nested", "number", "error", "errors"],
)
@pytest.mark.parametrize("conversion", [None, "r"])
def test_of_a_large_value_only_the_head_is_told(value, conversion):
    text = phrase(value, conversion)
    assert 50 < len(text) <= MOST
    assert "…" in text


def test_a_container_that_holds_itself_is_told_of():
    ring: list[object] = [1]
    ring.append(ring)
    assert phrase(ring).startswith("[1, [1, [")
    many: list[object] = []
    many += [many] * 300
    assert len(phrase(many)) <= MOST


def test_a_width_from_a_value_is_bounded(seen, failures):
    assert told_and_counted(seen, "{x:>{y}}", "a", 10**9) == "{x:>{y}}"
    assert failures == [1]


# -- values whose own code fails ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "field",
    ["{x}", "{x!r}", "{x!s:>5}", "{x:>5}", "{x.name}", "{x[0]}", "{x.nope}", "{x!a}"],
)
def test_a_value_whose_code_raises_leaves_its_field_standing_and_is_counted(seen, failures, field):
    assert told_and_counted(seen, f"a {field} b {{y}}", Hostile(), 1) == f"a {field} b 1"
    assert failures == [1]


def test_a_specification_that_does_not_fit_the_value_leaves_the_field_standing(seen, failures):
    assert told_and_counted(seen, "{x:d} {y:>3}", "text", [1]) == "{x:d} {y:>3}"
    assert failures == [1, 1]


def test_an_interrupt_in_a_value_s_code_is_the_program_s(seen):
    class Interrupting:
        def __str__(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fl.narrates("{x}")(lambda x: None)(Interrupting())


def test_braces_in_values_and_in_the_text_are_only_texts():
    assert told("{{x}} {x}", "{y} {0} {") == "{x} {y} {0} {"
