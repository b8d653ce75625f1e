"""The palette gives the words that would have been typed."""

from __future__ import annotations

from tui_kit import explorer, sample, sees, store, trace_id, with_pilot

from flightlog.cli.main import COMMANDS
from flightlog.cli.palette import OFFERED
from flightlog.tui.palette import Entry, Palette

ENTRIES = [
    Entry(name="run", meaning="Record a program.", needs="words", asks="which program?"),
    Entry(name="doctor", meaning="Say how it is."),
    Entry(name="show", meaning="Sum up one trace.", needs="trace"),
    Entry(name="diff", meaning="Compare two.", needs="two traces"),
    Entry(name="export", meaning="Write.", needs="trace", behind=("--output", "trace-{id}.html")),
]


def palette() -> Palette:
    other = explorer()
    return Palette(ENTRIES, other.source, other.drawing, ["what do you want?"])


def chosen(*steps: tuple[str, ...]) -> list[str] | None:
    """What is chosen when these keys are pressed, each group after its first word is on the screen."""
    app = palette()

    async def does(pilot):
        for text, *keys in steps:
            await sees(pilot, text)
            await pilot.press(*keys)

    with_pilot(app, does)
    return app.return_value


def test_a_command_that_needs_nothing_is_chosen_at_once(home):
    assert chosen(("Say how it is", "down", "enter")) == ["doctor"]


def test_a_command_that_needs_a_trace_has_it_picked_from_the_list(home):
    store(*sample())
    assert chosen(("Sum up", "down", "down", "enter"), ("warm_up", "down", "enter")) == ["show", trace_id(1)]


def test_two_traces_are_picked_one_after_the_other(home):
    store(*sample())
    words = chosen(
        ("Compare", *["down"] * 3, "enter"),
        ("warm_up", "down", "enter"),
        (f"diff {trace_id(1)}: choose the other one", "up", "enter"),
    )
    assert words == ["diff", trace_id(1), trace_id(2)]


def test_what_follows_is_named_after_the_trace(home):
    store(*sample())
    words = chosen(("Write.", "end", "enter"), ("warm_up", "enter"))
    assert words == ["export", trace_id(2), "--output", "trace-00000000.html"]


def test_a_program_is_typed_as_in_a_shell(home):
    words = chosen(("Record", "enter"), ("which program?", *"app.py --name 'a b'", "enter"))
    assert words == ["run", "app.py", "--name", "a b"]


def test_words_that_are_no_words_are_said(home):
    assert (
        chosen(("Record", "enter"), ("which program?", *"app.py 'a", "enter"), ("cannot be read", "escape"))
        is None
    )


def test_without_a_trace_the_commands_are_shown_again(home):
    assert chosen(("Sum up", "down", "down", "enter"), ("nothing is recorded yet", "escape")) is None


def test_escape_leads_back_and_then_out(home):
    store(*sample())
    assert (
        chosen(("Sum up", "down", "down", "enter"), ("warm_up", "escape"), ("Say how it is", "escape"))
        is None
    )


def test_what_the_command_line_offers_exists_or_is_left_out():
    assert {"run", "browse", "watch", "export"} <= set(OFFERED) & set(COMMANDS)
    assert all(asks for needs, asks, _ in OFFERED.values() if needs == "words")
