"""What `narrate` says: a sentence for people on the current span, with who said it, where and in which flow."""

from __future__ import annotations

import asyncio
import sys
import threading
from decimal import Decimal
from pathlib import PurePosixPath
from types import ModuleType

import pytest

import flightlog as fl
from flightlog.core import memo, provenance
from flightlog.core.capture import Encoder, Limits
from flightlog.records.kinds import LEVELS
from flightlog.records.narration import MARK, NARRATION, is_narration, spoken
from flightlog.redaction.gate import DefaultGate

SECRET = "sk-" + "ant-" + "api03-" + "Ab1" * 20
ERROR = "flightlog.capture_error"
HERE = __name__.rpartition(".")[2]


class Hostile:
    """Raises whatever it is asked."""

    def __bool__(self):
        raise RuntimeError("no truth")

    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __format__ = __len__ = __eq__ = __hash__ = __str__


@pytest.fixture
def program():
    """A program with a name and a version, for this test."""
    before = (provenance.program.service, provenance.program.emitted_by)
    provenance.introduce("queue", "1.4.0")
    yield
    provenance.introduce("", "")
    provenance.program.service, provenance.program.emitted_by = before


@pytest.fixture
def failures(seen):
    """What could not be captured, counted."""
    before, counted = memo._encoder, []
    memo.use(Encoder(DefaultGate(b""), Limits(), lambda: counted.append(1)))
    yield counted
    memo.use(before)


def in_module(name: str, source: str, **names: object) -> dict[str, object]:
    """Run source as the code of a module of this name."""
    space = {"__name__": name, "fl": fl, **names}
    exec(compile(source, f"/srv/{name.replace('.', '/')}.py", "exec"), space)
    return space


def only(seen):
    (event,) = seen.events
    return event


# -- what is recorded ----------------------------------------------------------------------------------------


def test_a_narration_is_an_event_with_its_action_as_name_and_the_sentence_as_body(seen):
    with fl.span("s") as span:
        fl.narrate(
            "dispatch",
            "job-1",
            human="Dispatched job-1.",
            cute="🐝 off it goes",
            story='"Go!" said the queue.',
        )
    event = only(seen)
    assert (event.name, event.body, event.level, event.span_id) == (
        "dispatch",
        "Dispatched job-1.",
        "info",
        span.span_id,
    )
    assert event.attributes[MARK] == NARRATION
    assert (event.attributes["target"], event.attributes["cute"]) == ("job-1", "🐝 off it goes")
    assert is_narration(event)
    assert spoken(event, "story") == '"Go!" said the queue.'


def test_what_is_not_given_and_not_known_is_left_out(seen):
    fl.narrate("dispatch")
    assert set(only(seen).attributes) == {MARK, "actor", "emitted_by", "source"}
    assert only(seen).body == ""


def test_fields_stand_beside_what_a_narration_has(seen):
    fl.narrate("send", "mail", body="Dear all", name="n", n=3, tags=["a"])
    attributes = only(seen).attributes
    assert [attributes[key] for key in ("body", "name", "n", "tags")] == ["Dear all", "n", 3, ["a"]]


def test_a_field_named_as_the_provenance_does_not_replace_it(seen):
    fl.narrate("import", source="s3", emitted_by="me", **{MARK: "log"})
    attributes = only(seen).attributes
    assert attributes["source"].startswith(f"{__name__}:")
    assert attributes["emitted_by"] != "me"
    assert attributes[MARK] == NARRATION
    assert (attributes["fields.source"], attributes["fields.emitted_by"], attributes[f"fields.{MARK}"]) == (
        "s3",
        "me",
        "log",
    )


def test_secrets_are_taken_out_of_every_text(seen):
    fl.narrate(
        f"a {SECRET}",
        SECRET,
        human=f"h {SECRET}",
        cute=SECRET,
        story=SECRET,
        correlation_id=SECRET,
        api_key="x",
    )
    event = only(seen)
    assert SECRET not in repr(event)
    assert event.attributes["api_key"] == "[REDACTED]"


def test_without_an_action_it_is_called_a_narration(seen):
    fl.narrate("")
    assert is_narration(only(seen))
    assert only(seen).name == NARRATION


# -- levels --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
def test_a_narration_has_the_level_that_it_is_given(seen, level):
    fl.narrate("dispatch", level=level)
    assert only(seen).level == level


def test_level_off_says_nothing(seen):
    fl.narrate("dispatch", human=lambda: pytest.fail("nobody listens"), level="off")
    assert seen.events == []


@pytest.mark.parametrize("level", ["loud", 3, None, [], Hostile()])
def test_a_level_that_is_none_counts_as_info(seen, level):
    fl.narrate("dispatch", level=level)
    assert only(seen).level == "info"


def test_below_the_threshold_nothing_is_looked_at():
    with fl.capture("warn") as seen:
        fl.narrate("dispatch", Hostile(), human=lambda: pytest.fail("nobody listens"), x=Hostile())
        fl.narrate("dispatch", level="warn")
    assert only(seen).level == "warn"


def test_a_trace_that_is_not_sampled_asks_nobody_for_a_sentence(seen, monkeypatch):
    with fl.span("s") as span:
        monkeypatch.setattr(type(span), "_drops", True)
        fl.narrate("dispatch", human=lambda: pytest.fail("nobody listens"))
        monkeypatch.undo()
    assert seen.events == []


# -- a sentence from a function --------------------------------------------------------------------------------


def test_a_function_is_called_for_the_sentence(seen):
    fl.narrate("dispatch", human=lambda: "made late")
    assert only(seen).body == "made late"


def test_a_function_that_fails_leaves_the_sentence_out_and_is_counted(seen, failures):
    fl.narrate("dispatch", "job-1", human=lambda: {}["key"])
    event = only(seen)
    assert (event.body, event.attributes["target"]) == ("", "job-1")
    assert event.attributes[ERROR] == "KeyError: 'key'"
    assert failures == [1]


def test_an_interrupt_in_the_function_is_the_program_s(seen):
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fl.narrate("dispatch", human=interrupted)


# -- values of any type -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (42, "42"),
        (Decimal("1.50"), "1.50"),
        (PurePosixPath("/srv/x"), "/srv/x"),
        ({"a": [1, 'say "x"']}, '{"a":[1,"say \\"x\\""]}'),
        (b"bytes", "bytes"),
        ('a "quoted" \\ text\n', 'a "quoted" \\ text\n'),
        (True, "true"),
    ],
)
def test_what_is_no_text_is_told_as_it_is_captured(seen, given, told):
    fl.narrate("act", given, human=given, cute=given, story=given, actor=given, correlation_id=given)
    event = only(seen)
    assert event.body == told
    names = ("target", "cute", "story", "actor", "correlation_id")
    assert [event.attributes[name] for name in names] == [told] * 5


def test_none_is_nothing(seen):
    fl.narrate("act", None, human=None, cute=None, story=None, actor=None, correlation_id=None)
    assert set(only(seen).attributes) == {MARK, "actor", "emitted_by", "source"}


def test_hostile_values_are_told_of_without_running_their_code(seen):
    odd = Hostile()
    fl.narrate(odd, odd, human=odd, cute=odd, story=odd, actor=odd, correlation_id=odd, field=odd)
    event = only(seen)
    assert "Hostile" in event.name
    assert "Hostile" in event.body
    assert "Hostile" in event.attributes["target"]


def test_texts_of_any_length_are_kept_within_bounds(seen):
    long = "x" * 3_000_000
    fl.narrate(long, long, human=long, cute=long, story=long, actor=long, correlation_id=long, field=long)
    event = only(seen)
    assert len(event.name) <= 4096
    assert len(event.body) < len(long)


def test_half_surrogates_and_control_characters_break_nothing(seen):
    fl.narrate("a\x1e\n\ud800", "\udfff", human="\x00\x1b[31m\ud83d")
    assert only(seen).body.startswith("\x00\x1b[31m")


def test_an_exhausted_stack_breaks_nothing(seen):
    def dig(depth):
        fl.narrate("dig", depth, human="digging")
        dig(depth + 1)

    with pytest.raises(RecursionError):
        dig(0)
    assert len(seen.events) > 10


# -- who, where, in which flow -----------------------------------------------------------------------------------


def test_the_actor_is_the_one_given_before_the_one_bound_before_the_module(seen):
    with fl.bind(actor="bound"):
        fl.narrate("a", actor="given")
        fl.narrate("b")
    fl.narrate("c")
    assert [event.attributes["actor"] for event in seen.events] == ["given", "bound", HERE]


@pytest.mark.parametrize(
    ("module", "actor"),
    [("app.worker.queue", "queue"), ("solo", "solo"), ("app.tool.__main__", "tool"), ("app.pkg", "pkg")],
)
def test_the_actor_is_the_last_part_of_the_module(seen, module, actor):
    in_module(module, "fl.narrate('a')")
    assert only(seen).attributes["actor"] == actor


def test_in_a_main_module_the_actor_is_the_service(seen, program):
    in_module("__main__", "fl.narrate('a')")
    assert only(seen).attributes["actor"] == "queue"


def test_in_a_main_module_of_no_service_the_actor_is_the_script_or_the_package(seen, program):
    provenance.introduce("", "")
    exec(compile("fl.narrate('a')", "/srv/nightly.py", "exec"), {"__name__": "__main__", "fl": fl})
    provenance.introduce("", "")
    exec(
        compile("fl.narrate('a')", "/srv/app/tool/__main__.py", "exec"),
        {"__name__": "__main__", "__package__": "app.tool", "fl": fl},
    )
    assert [event.attributes["actor"] for event in seen.events] == ["nightly", "tool"]
    assert "emitted_by" not in seen.events[0].attributes


def test_code_without_a_module_name_is_named_after_its_file(seen):
    exec(compile("fl.narrate('a')", "/srv/loose.py", "exec"), {"fl": fl, "__name__": None})
    attributes = only(seen).attributes
    assert (attributes["actor"], attributes["source"]) == ("loose", "loose:1")


def test_functions_that_look_alike_in_two_modules_have_their_own_actors(seen):
    for module in ("app.one", "app.two"):
        in_module(module, "def work():\n    fl.narrate('a')\nwork()")
    assert [event.attributes["actor"] for event in seen.events] == ["one", "two"]


def test_the_source_is_the_line_that_speaks(seen):
    in_module("app.worker", "\n\nfl.narrate('a')")
    assert only(seen).attributes["source"] == "app.worker:3"


def test_the_source_is_the_program_s_line_through_our_own_wrappers(seen):
    space = in_module("app.worker", "say = fl.traced(fl.narrate)\n\ndef work():\n    say('a')\n")
    space["work"]()
    assert only(seen).attributes["source"] == "app.worker:4"
    assert only(seen).attributes["actor"] == "worker"


def test_it_is_emitted_by_the_service_at_its_version(seen, program):
    fl.narrate("a")
    provenance.introduce("queue", "")
    fl.narrate("b")
    assert [event.attributes["emitted_by"] for event in seen.events] == ["queue@1.4.0", "queue"]


def test_the_correlation_id_is_the_one_given_before_the_one_bound_before_the_trace(seen):
    with fl.span("s") as span:
        with fl.bind(correlation_id='order "7"'):
            fl.narrate("a", correlation_id="given")
            fl.narrate("b")
        fl.narrate("c")
    ids = [event.attributes["correlation_id"] for event in seen.events]
    assert ids == ["given", 'order "7"', span.trace_id]


def test_a_correlation_id_may_be_a_number_and_must_not_be_a_secret(seen):
    with fl.bind(correlation_id=17):
        fl.narrate("a")
    with fl.bind(correlation_id=SECRET):
        fl.narrate("b")
    first, second = seen.events
    assert first.attributes["correlation_id"] == "17"
    assert SECRET not in repr(second)


# -- tasks and threads ----------------------------------------------------------------------------------------------


def test_tasks_and_threads_narrate_on_the_spans_around_them(seen, carrying):
    async def say(name):
        with fl.span(name):
            await asyncio.sleep(0)
            fl.narrate("say", name)

    async def main():
        await asyncio.gather(say("one"), say("two"))

    with fl.span("root"):
        asyncio.run(main())
        thread = threading.Thread(target=lambda: fl.narrate("say", "root"))
        thread.start()
        thread.join()
    spans = {span.name: span.span_id for span in seen.spans}
    assert {event.attributes["target"]: event.span_id for event in seen.events} == spans


def test_a_program_that_replaces_warnings_and_modules_is_not_in_the_way(seen, monkeypatch):
    monkeypatch.setitem(sys.modules, "warnings", ModuleType("warnings"))
    fl.narrate("a", human="Fine.")
    assert only(seen).body == "Fine."
