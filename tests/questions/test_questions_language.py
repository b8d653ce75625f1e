"""The language: what is read is written back, and what is no question is refused with its place."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import random_questions
from hypothesis import given, settings
from hypothesis import strategies as st

from flightlog.questions import otherwords, units
from flightlog.questions.completion import completions
from flightlog.questions.fields import FIELDS, MATTERS, RELATION_NAMES, RELATIONS, SIGNS
from flightlog.questions.hints import hints
from flightlog.questions.parsing import parse
from flightlog.questions.printing import text_of
from flightlog.records.errors import BadQuestion, UnreadableQuestion
from flightlog.records.question import And, Comparison, Has, Moment, Not, Or, Pattern, Related

PAGE = Path(__file__).parents[2] / "docs" / "questions.md"
KIND = Comparison("kind", "=", Pattern(("llm",)))
TOOL = Comparison("kind", "=", Pattern(("tool",)))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_what_is_written_is_read_as_the_same(seed):
    question = random_questions.question(random_questions.Random(seed), 4)
    once = parse(text_of(question))
    assert once == question
    assert text_of(once) == text_of(question)


FRAGMENTS = [
    *(f"{name}:" for name in FIELDS),
    *(f"{name}(" for name in RELATIONS),
    *("attr.", "(", ")", '"', "'", "\\", "*", "<", ">=", "!=", "~", "=", " ", "AND ", " OR ", "NOT "),
    *("llm", "1.5s", "10k", "$0.01", "2h", "é", "\0", "\ud800", "\x1b", "-1", "1e999", "99999999999999999999d"),
]  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=4), max_size=12).map("".join))
def test_any_text_is_a_question_or_a_bad_one(text):
    found: list[Any] = []
    with suppress(UnreadableQuestion):
        found.append(parse(text))
    assert [parse(text_of(question)) for question in found] == found


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("kind:llm", KIND),
        ("kind:llm kind:tool", And((KIND, TOOL))),
        ("kind:llm AND kind:tool", And((KIND, TOOL))),
        ("kind:llm OR kind:tool kind:llm", Or((KIND, And((TOOL, KIND))))),
        ("(kind:llm OR kind:tool) NOT kind:llm", And((Or((KIND, TOOL)), Not(KIND)))),
        ("NOT(kind:llm)", Not(KIND)),
        ("KIND:llm", KIND),
        ("kind!=llm", Not(KIND)),
        ("duration>1.5s", Comparison("duration", ">", 1_500_000_000)),
        ("duration : 200ms", Comparison("duration", "=", 200_000_000)),
        ("cost>$0.01", Comparison("cost", ">", 10**10)),
        ("tokens>=10k", Comparison("tokens", ">=", 10_000)),
        ("since:2h", Comparison("since", "=", Moment(2 * 3600 * 10**9, is_ago=True))),
        ("until:1970-01-02T00:00Z", Comparison("until", "=", Moment(86_400 * 10**9))),
        ("model:gpt-4*", Comparison("model", "=", Pattern(("gpt-4", "")))),
        ("model=gpt-4*", Comparison("model", "=", Pattern(("gpt-4*",)))),
        (r"name:a\*b**c", Comparison("name", "=", Pattern(("a*b", "c")))),
        ('input:"refund policy"', Comparison("input", "=", Pattern(("refund policy",)))),
        ("input:'it is \"so\"'", Comparison("input", "=", Pattern(('it is "so"',)))),
        ("input~refun", Comparison("input", "~", Pattern(("refun",)))),
        ("text:refun*", Comparison("text", "=", Pattern(("refun", "")))),
        ('attr.http.route="/pay"', Comparison("attr", "=", Pattern(("/pay",)), "http.route")),
        ('attr."a \\"b\\" c">5', Comparison("attr", ">", 5, 'a "b" c')),
        ("attr.x>2.5e3", Comparison("attr", ">", 2500, "x")),
        ("level>=warn", Comparison("level", ">=", Pattern(("warn",)))),
        ("has:slow", Has("slow")),
        ("child(kind:tool kind:llm)", Related("child", And((TOOL, KIND)))),
        ("trace(span(kind:llm))", Related("trace", Related("span", KIND))),
        ("name:OR", Comparison("name", "=", Pattern(("OR",)))),
        ("name:2026-11-20T14:00Z", Comparison("name", "=", Pattern(("2026-11-20T14:00Z",)))),
    ],
)
def test_a_question_is_read_as_what_it_says(text, question):
    assert parse(text) == question
    assert parse(text_of(question)) == question


WRONG = {
    "kimd:llm status:error": """no field 'kimd'; did you mean kind?
  kimd:llm status:error
  ^^^^""",
    "kind:llm status:eror": """no status 'eror'; did you mean error?
  kind:llm status:eror
                  ^^^^""",
    "has:sloow": """no such thing as 'sloow'; did you mean slow?
  has:sloow
      ^^^^^""",
    "level:w": """no level 'w'; there are trace, debug, info, warn, error, fatal
  level:w
        ^""",
    "kind:llm (status:error": """a parenthesis is not closed; it opens here
  kind:llm (status:error
           ^""",
    "kind:llm) status:error": """this parenthesis was not opened
  kind:llm) status:error
          ^""",
    "()": """nothing is asked in these parentheses
  ()
   ^""",
    'input:"refund': """this " has no partner
  input:"refund
        ^""",
    "kind:": """a value is missing here
  kind:
       ^""",
    "kind:llm OR": """a condition is missing at the end; say status:error or kind:llm
  kind:llm OR
             ^""",
    "OR kind:llm": """OR stands between two conditions
  OR kind:llm
  ^^""",
    "kind:llm or kind:tool": """OR is written in capitals
  kind:llm or kind:tool
           ^^""",
    "kind:llm search": """'search' is no condition; say name~search for a name with it, input:search for a text
  kind:llm search
           ^^^^^^""",
    '"refund policy"': """a text alone is no condition; say name~ or input: or output: before it
  "refund policy"
  ^""",
    "statu": """'statu' is no condition; did you mean status?
  statu
  ^^^^^""",
    "status": """status is followed by : = != and a value, as in status:error
  status
  ^^^^^^""",
    "duration>5": """'5' of which unit? say 5ms, 5s or 5h, without a blank
  duration>5
           ^""",
    "duration>5 ms": """'5' of which unit? say 5ms, 5s or 5h, without a blank
  duration>5 ms
           ^""",
    "duration=>5s": """'>5s' is not a duration; say 200ms, 1.5s, 2h or 7d
  duration=>5s
           ^^^""",
    "status:failed": """no status 'failed'; did you mean error?
  status:failed
         ^^^^^^""",
    "latency>5s": """no field 'latency'; did you mean duration?
  latency>5s
  ^^^^^^^""",
    "trace_id:5f0c8a31": """no field 'trace_id'; an id is given alone, to show, trace or spans
  trace_id:5f0c8a31
  ^^^^^^^^""",
    "attributes.http.route:x": """no field 'attributes.http.route'; an attribute is named like attr.http.route
  attributes.http.route:x
  ^^^^^^^^^^^^^^^^^^^^^""",
    "attr.x==5": """== is no sign; say =, or put what begins with = into quotes
  attr.x==5
         ^^""",
    "kind:(llm OR tool)": """a value is one word or in quotes; say (kind:one OR kind:other)
  kind:(llm OR tool)
       ^""",
    "child:(kind:tool)": """child has no sign before its parenthesis
  child:(kind:tool)
       ^""",
    "child kind:tool": """child is followed by a question in parentheses, as in child(kind:llm)
  child kind:tool
  ^^^^^""",
    "parent(kind:tool)": """no word 'parent' stands before a parenthesis; did you mean ancestor?
  parent(kind:tool)
  ^^^^^^""",
    "kind:llm && kind:tool": """AND is written as a word
  kind:llm && kind:tool
           ^^""",
    "!kind:llm": """the opposite is written NOT, as in NOT status:error
  !kind:llm
  ^""",
    "kind:llm -status:ok": """no field '-status'; the opposite is NOT status:…
  kind:llm -status:ok
           ^^^^^^^""",
    "name:\u201cx y\u201d": """quotes are straight here, " or '
  name:\u201cx y\u201d
          ^^""",
    "duration~5s": """duration is not compared with ~; it takes > >= < <= : = !=
  duration~5s
          ^""",
    "cost>cheap": """'cheap' is not an amount in US dollars; say 0.01 or $0.01
  cost>cheap
       ^^^^^""",
    "since:zebra": """'zebra' is not a time; say 2h, 7d, yesterday, 2026-11-20 or 2026-11-20T14:00Z
  since:zebra
        ^^^^^""",
    "attr.x": """'attr.x' is followed by : = != ~ > >= < <= and a value, as in attr.http.route="/pay"
  attr.x
  ^^^^^^""",
    "attr.x>abc": """> takes a number, such as 5, 0.25 or 10k
  attr.x>abc
         ^^^""",
    "http.route:/pay": """no field 'http.route'; an attribute is named like attr.http.route
  http.route:/pay
  ^^^^^^^^^^""",
    "chld(kind:llm)": """no word 'chld' stands before a parenthesis; did you mean child?
  chld(kind:llm)
  ^^^^""",
    "名前:x 名前": """no field '名前'; there are name, kind, status, level, duration, model, provider, tokens, \
input_tokens, output_tokens, cost, input, output, message, text, error, user, session, tag, correlation, service, \
environment, project, since, until, attr, score, note, has
  名前:x 名前
  ^^^^""",
    " ": "a question has a condition at least; say status:error or kind:llm",
    "name:a*b*c*d*e*f*g*h*i*j": """a value has at most 8 wildcards
  name:a*b*c*d*e*f*g*h*i*j
       ^^^^^^^^^^^^^^^^^^^""",
    "(" * 50 + "kind:llm" + ")" * 50: "at most 40 parentheses and NOTs stand within each other",
    "kind:a " * 501: "a question has at most 500 conditions",
    "x" * 4001: "a question has at most 4,000 characters",
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[:20])
def test_what_is_wrong_is_pointed_at(text):
    with pytest.raises(BadQuestion) as caught:
        parse(text)
    assert str(caught.value) == WRONG[text]


def test_of_a_long_question_the_place_is_shown():
    with pytest.raises(BadQuestion) as caught:
        parse("kind:llm " * 20 + "kimd:llm " + "kind:tool " * 20)
    _, shown, pointer = str(caught.value).splitlines()
    assert len(shown) <= 82
    assert shown[pointer.index("^") : pointer.rindex("^") + 1] == "kimd"


def test_a_character_that_a_terminal_obeys_is_not_shown():
    with pytest.raises(BadQuestion) as caught:
        parse("name:\x1b[31m kimd:1")
    assert "\x1b" not in str(caught.value)


@given(st.integers(0, 2**62))
@settings(deadline=None)
def test_a_number_is_written_so_that_it_is_read_as_the_same(number):
    assert units.duration(units.of_duration(number)) == number
    assert units.money(units.of_money(number)) == number
    assert units.moment(units.of_moment(Moment(number, is_ago=True))) == Moment(number, is_ago=True)
    assert units.moment(units.of_moment(Moment(number))) == Moment(number)


def test_every_other_word_leads_to_one_that_is_known():
    assert set(otherwords.FIELD_WORDS.values()) <= set(FIELDS)
    assert set(otherwords.RELATION_WORDS.values()) <= set(RELATION_NAMES)
    assert set(otherwords.VALUE_WORDS.values()) <= {*FIELDS["status"].values, *FIELDS["level"].values}
    others = {*otherwords.FIELD_WORDS, *otherwords.RELATION_WORDS, *otherwords.VALUE_WORDS}
    assert not others & {*FIELDS, *RELATION_NAMES, *FIELDS["status"].values, *FIELDS["level"].values}


@pytest.mark.parametrize("text", ["name:<lambda>", 'name:"=cmd"', "attr.host:::1", "error:>5"])
def test_a_value_may_begin_with_a_sign(text):
    assert parse(text_of(parse(text))) == parse(text)


def test_a_day_is_from_its_midnight_here():
    today, yesterday = parse("since:today"), parse("since:Yesterday")
    midnight = datetime.fromtimestamp(today.value.ns / 1e9, UTC).astimezone()
    before = datetime.fromtimestamp(yesterday.value.ns / 1e9, UTC).astimezone()
    assert (midnight.hour, midnight.minute, before.hour, before.minute) == (0, 0, 0, 0)
    assert midnight.date() - before.date() == timedelta(days=1)
    assert parse(text_of(today)) == today


def test_a_word_near_a_well_known_one_is_told():
    assert hints(parse("kind:lmm")) == ["no well-known kind is 'lmm', perhaps kind:llm was meant"]
    assert hints(parse("NOT (kind:llm OR child(kind:tol))")) == [
        "no well-known kind is 'tol', perhaps kind:tool was meant"
    ]
    assert hints(parse("kind:zebra name:lmm attr.kind:lmm kind:lm*")) == []


def test_fields_values_and_words_are_completed():
    def texts(typed, **options):
        return [one.text for one in completions(typed, **options)]

    assert texts("st") == ["status:"]
    assert texts("kind:llm status:e") == ["error"]
    assert texts("has:s") == ["slow", "session", "score"]
    assert texts("child(ki") == ["kind:"]
    assert texts("anc") == ["ancestor("]
    assert texts("model:g", known={"model": ["gpt-4o", "other"]}) == ["gpt-4o"]
    assert texts('input:"st') == []
    assert texts("input:'x' du") == ["duration>"]
    assert texts("status:e AND", place=8) == ["error"]
    (one,) = completions("kind:llm du")
    assert (one.start, one.meaning) == (9, FIELDS["duration"].meaning)
    assert {one.text for one in completions("")} >= {"NOT", "trace(", "attr."}


def test_every_field_has_an_example_that_is_a_question():
    for name, field in FIELDS.items():
        found = parse(field.example)
        assert getattr(found, "field", "has") == name
        assert set(SIGNS[field.nature])


def test_the_page_names_every_field_matter_and_relative_with_what_it_means():
    page = PAGE.read_text(encoding="utf-8")
    for name, field in FIELDS.items():
        row = re.search(rf"^\| `{name}` \| (.*?) \| `(.*)` \|$", page, re.MULTILINE)
        assert row is not None, name
        assert row[1].startswith(field.meaning), name
        assert row[2] == field.example, name
    assert [name for name in MATTERS if f"| `{name}` | " not in page] == []
    assert [name for name in RELATIONS if f"| `{name}(…)` | {RELATIONS[name]} |" not in page] == []


def test_every_question_of_the_page_is_one():
    page = PAGE.read_text(encoding="utf-8")
    asked = re.findall(r"^flightlog \w+ '([^']+)'", page, re.MULTILINE)
    assert len(asked) == 6
    assert [parse(text) for text in asked]


def test_the_parser_is_loaded_when_a_question_is_asked():
    code = (
        "import sys, flightlog.cli.list, flightlog.cli.spans, flightlog.cli.cost, flightlog.cli.export;"
        "print('lark' in sys.modules, 'flightlog.questions.parsing' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_date_beyond_all_that_is_recorded_is_the_last_one_there_is():
    (latest, earliest) = (parse(f"since:{date}") for date in ("9999-12-31", "0002-01-01"))
    assert latest.value == Moment(2**63 - 1)
    assert earliest.value == Moment(1 - 2**63)
    assert parse(text_of(latest)) == latest
    assert parse(text_of(earliest)) == earliest


@pytest.mark.parametrize("text", ["tokens>" + "9" * 30, "cost>" + "9" * 30, "duration>" + "9" * 30 + "s"])
def test_a_number_beyond_all_that_is_recorded_is_refused(text):
    with pytest.raises(UnreadableQuestion):
        parse(text)


def test_an_attribute_is_compared_with_any_number_that_a_machine_type_holds():
    assert parse("attr.x>1e308").value == 1e308
    assert parse("attr.x>" + "9" * 30).value == pytest.approx(1e30)
    with pytest.raises(UnreadableQuestion):
        parse("attr.x>1e309")
