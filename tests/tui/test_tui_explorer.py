"""The explorer on what was recorded, with keys pressed and the screen read."""

from __future__ import annotations

import re
import shutil

import pytest
from tui_kit import explorer, sample, sees, shown, store, trace_id, until, with_pilot

from contracts.store_lines import span
from flightlog.cli.opening import home as home_of
from flightlog.tui.help import KEYS
from flightlog.tui.lines import Choice, Lines


def test_the_list_shows_the_newest_first_under_what_they_add_up_to(home):
    store(*sample())

    async def does(pilot):
        screen = await sees(pilot, "warm_up", "answer", "0 failed")
        assert screen.index("warm_up") < screen.index("answer")
        assert "p50" in screen
        assert "812→60" in screen
        assert "$0.00042" in screen
        assert "^_^" in screen

    with_pilot(explorer(), does)


def test_without_the_mascot_the_figures_begin_at_the_edge(home):
    store(*sample())

    async def does(pilot):
        screen = await sees(pilot, "warm_up")
        assert "╭─┴─╮" not in screen
        assert screen.startswith("0 a minute")

    with_pilot(explorer(mascot=False), does)


def test_an_empty_home_says_how_to_begin(home):
    async def does(pilot):
        screen = await sees(pilot, "Nothing is recorded yet", "flightlog run program.py")
        assert "-_-" in screen
        await pilot.press("enter", "y", "down", "G")
        assert not home.exists()

    with_pilot(explorer(), does)


def test_a_trace_opens_to_its_tree_and_a_span_to_all_that_is_known(home):
    store(*sample())

    async def does(pilot):
        await sees(pilot, "answer")
        await pilot.press("down", "enter")
        screen = await sees(pilot, "├─ ✓ chat llm", "└▾ ✗ look_up tool", trace_id(1))
        assert "━" in screen
        assert "900 ms" in screen
        await pilot.press("down", "enter")
        await sees(pilot, "gpt-4.1-mini, openai", "812 in, 60 out")
        await pilot.press("down")
        await sees(pilot, "TimeoutError: no answer within 2 s")
        await pilot.press("tab", "G")
        await sees(pilot, "attempt=1")
        await pilot.press("escape")
        await until(pilot, lambda: "attempt=1" not in shown(pilot.app))
        await pilot.press("escape")
        await sees(pilot, "warm_up")

    with_pilot(explorer(), does)


def test_texts_of_a_trace_are_shown_as_text(home):
    store(*sample())

    async def does(pilot):
        await sees(pilot, r"evil \x1b[31m[red]name[/red]\n\u202e")
        await pilot.press("down", "down", "down", "enter")
        await sees(pilot, "span     0000000000000004")
        assert "\x1b" not in shown(pilot.app)

    with_pilot(explorer(trace_id=trace_id(1)), does, (120, 40))


def test_messages_of_models_are_told_one_by_one(home):
    store(*sample())

    async def does(pilot):
        await sees(pilot, "look_up")
        await pilot.press("m")
        screen = await sees(pilot, "Where is my order?", "On its way.")
        assert [screen.index(word) for word in ("system", "Be brief.", "user", "assistant")] == sorted(
            screen.index(word) for word in ("system", "Be brief.", "user", "assistant")
        )

    with_pilot(explorer(trace_id=trace_id(1)), does)


def test_a_trace_without_a_model_says_so(home):
    store(*sample())

    async def does(pilot):
        await sees(pilot, "warm_up")
        await pilot.press("m")
        await sees(pilot, "no model was called")

    with_pilot(explorer(trace_id=trace_id(2)), does)


def test_spans_fold_and_unfold(home):
    store(*sample())

    async def does(pilot):
        await sees(pilot, "evil")
        await pilot.press("down", "down", "left")
        screen = await sees(pilot, "└▸ ✗ look_up")
        assert "evil" not in screen
        await pilot.press("left", "left")
        await sees(pilot, "▸ ✓ answer")
        await pilot.press("right", "right", "down", "right")
        await sees(pilot, "evil")

    with_pilot(explorer(trace_id=trace_id(1)), does)


def test_the_next_failure_is_found_also_where_it_is_hidden(home):
    store(*sample())

    async def does(pilot):
        await sees(pilot, "evil")
        await pilot.press("left", "e")
        await sees(pilot, "look_up")
        await pilot.press("y")
        await sees(pilot, "copied 0000000000000003")
        assert pilot.app.clipboard == "0000000000000003"
        await pilot.press("Y")
        await until(pilot, lambda: pilot.app.clipboard == trace_id(1))

    with_pilot(explorer(trace_id=trace_id(1)), does)


def test_a_part_of_a_name_is_found_forwards_and_backwards(home):
    store(*sample())

    async def does(pilot):
        await sees(pilot, "evil")
        choice = pilot.app.screen.query_one(Choice)
        await pilot.press("slash", *"look", "enter")
        await until(pilot, lambda: choice.cursor == 2)
        await pilot.press("n")
        await until(pilot, lambda: choice.cursor == 2)
        await pilot.press("slash", *"nowhere", "enter")
        await sees(pilot, "nothing here has")

    with_pilot(explorer(trace_id=trace_id(1)), does)


def test_a_question_narrows_the_list_and_esc_forgets_it(home):
    store(*sample())

    async def does(pilot):
        await sees(pilot, "warm_up")
        await pilot.press("slash", *"kind:llm", "enter")
        await sees(pilot, "question kind:llm")
        await until(pilot, lambda: "warm_up" not in shown(pilot.app))
        await pilot.press("escape")
        await sees(pilot, "warm_up", "answer")

    with_pilot(explorer(), does)


def test_the_cursor_stands_on_a_line_also_when_fewer_are_left(home):
    store(*sample())

    async def does(pilot):
        await sees(pilot, "warm_up")
        await pilot.press("end", "slash", *"name:warm_up", "enter")
        await until(pilot, lambda: pilot.app.screen.query_one("#traces").count == 1)
        await pilot.press("enter")
        await sees(pilot, "run · ok")

    with_pilot(explorer(), does)


def test_words_alone_are_looked_for_in_what_was_said(home):
    store(*sample())

    async def does(pilot):
        await sees(pilot, "warm_up")
        await pilot.press("slash", *"within 2 s", "enter")
        await until(pilot, lambda: "warm_up" not in shown(pilot.app))
        assert "answer" in shown(pilot.app)

    with_pilot(explorer(), does)


def test_a_question_that_is_none_is_pointed_at(home):
    store(*sample())

    async def does(pilot):
        await sees(pilot, "warm_up")
        await pilot.press("slash", *"status:erorr", "enter")
        screen = await sees(pilot, "did you mean error?")
        assert re.search(r"status:erorr\n +\^{5}", screen)
        await pilot.press("escape")
        await until(pilot, lambda: "did you mean" not in shown(pilot.app))

    with_pilot(explorer(), does)


def test_a_question_is_completed_from_the_language_and_from_what_is_listed(home):
    store(*sample())

    async def does(pilot):
        await sees(pilot, "warm_up")
        await pilot.press("slash", *"mod", "tab", *"gpt", "tab")
        await sees(pilot, "model:gpt-4.1-mini")
        await pilot.press("enter")
        await until(pilot, lambda: "warm_up" not in shown(pilot.app))

    with_pilot(explorer(), does)


def test_a_slip_of_the_finger_that_nothing_fits_is_told(home):
    store(*sample())

    async def does(pilot):
        await sees(pilot, "No trace is like that", "perhaps kind:tool was")

    with_pilot(explorer(asked="kind:tol"), does)


def test_statistics_have_figures_of_traces_and_spans(home):
    store(*sample())

    async def does(pilot):
        await sees(pilot, "warm_up")
        await pilot.press("s")
        await sees(pilot, "went well", "look_up", "p95")
        await pilot.press("escape")
        await sees(pilot, "warm_up")

    with_pilot(explorer(), does)


@pytest.mark.parametrize("size", [(80, 24), (140, 50)])
def test_the_page_of_keys_has_each_of_them_and_fits(home, size):
    async def does(pilot):
        await pilot.press("question_mark")
        screen = await sees(pilot, "everywhere", "copy the id of the trace")
        assert all(meaning in screen for keys in KEYS.values() for meaning in keys.values())
        await pilot.press("escape")
        await sees(pilot, "Nothing is recorded")

    with_pilot(explorer(), does, size)


def test_keys_that_the_page_names_are_bound():
    from flightlog.tui.app import Explorer
    from flightlog.tui.trace import TraceScreen
    from flightlog.tui.traces import TracesScreen

    owners = (Explorer, TracesScreen, TraceScreen, Lines, Choice)
    bound = {key for owner in owners for binding in owner.BINDINGS for key in binding.key.split(",")}
    named = {"↑": "up", "↓": "down", "→": "right", "←": "left", "/": "slash", "?": "question_mark"}
    named |= {"pgup": "pageup", "pgdn": "pagedown", "esc": "escape"}
    told = {named.get(key, key) for keys in KEYS.values() for words in keys for key in words.split()}
    assert told <= bound


def test_going_down_lists_more(home, monkeypatch):
    monkeypatch.setattr("flightlog.tui.traces.PAGE", 20)
    store(*(span(number, 1, name=f"run_{number}", at=number) for number in range(1, 51)))

    async def does(pilot):
        await sees(pilot, "run_50")
        choice = pilot.app.screen.query_one(Choice)
        await until(pilot, lambda: choice.count == 20)
        await pilot.press("end")
        await until(pilot, lambda: choice.count == 40)
        await pilot.press("end")
        await until(pilot, lambda: choice.count == 50)
        await pilot.press("end")
        await sees(pilot, "run_1 ")

    with_pilot(explorer(), does)


def test_a_store_that_cannot_be_read_is_said_and_tried_again(home):
    store(*sample())
    path = home_of().store_path
    good = path.read_bytes()

    async def does(pilot):
        await sees(pilot, "warm_up")
        path.write_bytes(b"not a database, " * 1000)
        await pilot.press("r")
        await sees(pilot, "cannot be read", "o_O")
        path.write_bytes(good)
        await pilot.press("r")
        await until(pilot, lambda: "cannot be read" not in shown(pilot.app))

    with_pilot(explorer(), does, (120, 30))


def test_trouble_on_another_screen_is_said_there(home):
    store(*sample())
    path = home_of().store_path

    async def does(pilot):
        await sees(pilot, "look_up")
        path.write_bytes(b"not a database, " * 1000)
        await pilot.press("r")
        await sees(pilot, "cannot be read", "look_up")

    with_pilot(explorer(trace_id=trace_id(1)), does, (120, 30))


def test_a_click_chooses_and_a_second_one_opens(home):
    store(*sample())

    async def does(pilot):
        await sees(pilot, "warm_up")
        choice = pilot.app.screen.query_one(Choice)
        await until(pilot, lambda: choice.region.height > 2)
        for _ in range(100):  # a click that comes while the screen is laid out meets nothing
            await pilot.click("#traces", offset=(5, 2))
            if choice.cursor == 1:
                break
        await pilot.click("#traces", offset=(5, 2))
        await sees(pilot, "look_up")

    with_pilot(explorer(), does)


def test_a_home_that_is_deleted_is_met_as_it_is(home):
    store(*sample())

    async def does(pilot):
        await sees(pilot, "warm_up")
        shutil.rmtree(home)
        await pilot.press("r")
        await sees(pilot, "Nothing is recorded yet")
        store(*sample())
        await pilot.press("r")
        await sees(pilot, "warm_up")

    with_pilot(explorer(), does)


def test_a_trace_of_many_spans_opens_with_the_lines_that_can_be_seen(home):
    many = [span(1, number, parent=1, at=number, name=f"step_{number}") for number in range(2, 20_001)]
    store(span(1, 1, name="all", took=30_000), *many)

    async def does(pilot):
        await sees(pilot, "step_2 ")
        await pilot.press("end")
        await sees(pilot, "step_20000")
        tree = pilot.app.screen.query_one(Choice)
        assert tree.count == 20_000
        assert len(tree._drawn) < 200

    with_pilot(explorer(trace_id=trace_id(1)), does)


def test_a_trace_that_is_not_there_any_more_is_said(home):
    store(*sample())

    async def does(pilot):
        await sees(pilot, "look_up")
        shutil.rmtree(home)
        await pilot.press("r")
        await sees(pilot, "not there any more")
        await pilot.press("escape")
        await sees(pilot, "Nothing is recorded yet")

    with_pilot(explorer(trace_id=trace_id(1)), does)
