"""What is drawn is safe, aligned and never wider than it may be."""

from __future__ import annotations

import io
import unicodedata

import cli_samples
import msgspec
import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlog.analysis.pace import Pace
from flightlog.analysis.summary import summary
from flightlog.analysis.tree import build
from flightlog.cli.render import card, listing, preview, spanlist, stacks, table, terminal, tree, words
from flightlog.cli.render.branches import EVENTS_SHOWN, QUIET_SHOWN, Limits
from flightlog.cli.render.cells import cut, fill, width
from flightlog.cli.render.safe import clean
from flightlog.cli.render.table import Column
from flightlog.cli.render.terminal import Terminal
from flightlog.cli.render.timeline import Axis
from flightlog.records.genai import INPUT_TOKENS, REQUEST_MODEL
from flightlog.records.kinds import STATUSES
from flightlog.records.span import Fault

any_text = st.text(alphabet=st.characters(exclude_categories=()))


def test_an_ordinary_text_is_the_same_object():
    text = "search_documents [v2] {json: 'yes'}"
    assert clean(text) is text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;t\x07", r"\x1b[2J\x1b]0;t\x07"),
        ("a\nb\r\tc\x00\x7f", r"a\nb\r\tc\x00\x7f"),
        ("\x9b31m", r"\x9b31m"),
        ("user\u202etxt.exe\u2066", r"user\u202etxt.exe\u2066"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("half \ud83d", r"half \ud83d"),
        ("[red]x[/red]", "[red]x[/red]"),
        ("日本語 e\u0301 👩‍💻 فارسی\u200c", "日本語 e\u0301 👩‍💻 فارسی\u200c"),
    ],
)
def test_what_a_terminal_would_obey_is_written_out_and_letters_stay(text, shown):
    assert clean(text) == shown


@given(any_text)
def test_a_clean_text_has_nothing_to_obey_and_stays_clean(text):
    shown = clean(text)
    assert not any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in shown)
    assert not any(
        unicodedata.bidirectional(letter) in {"LRO", "RLO", "LRE", "RLE", "PDF"} for letter in shown
    )
    assert clean(shown) == shown


@given(any_text.map(clean), st.integers(0, 30))
def test_a_cut_text_fits_and_a_filled_one_reaches_its_width(text, cells):
    assert width(cut(text, cells)) <= max(cells, 0)
    assert width(fill(cut(text, cells), cells)) == cells


@pytest.mark.parametrize(
    ("ns", "shown"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_000, "1.00 µs"),
        (12_345, "12.3 µs"),
        (999_499, "999 µs"),
        (999_500, "1.00 ms"),
        (1_240_000_000, "1.24 s"),
        (59_900_000_000, "59.9 s"),
        (59_960_000_000, "0m 59s"),
        (123 * 10**9, "2m 03s"),
        (3 * words.HOUR + 59 * words.MINUTE, "3h 59m"),
        (3 * words.DAY + 4 * words.HOUR, "3d 04h"),
        (-5_000_000, "-5.00 ms"),
        (None, ""),
    ],
)
def test_a_duration_is_told_in_the_unit_that_fits(ns, shown):
    assert words.duration(ns) == shown


@given(st.integers(0, 99 * words.DAY))
def test_a_duration_fits_its_column(ns):
    assert len(words.duration(ns)) <= words.DURATION_CELLS


@given(st.integers(-(2**70), 2**70), st.integers(0, 2**62))
def test_an_age_and_a_moment_can_be_told_of_any_number(then, now):
    assert len(words.ago(then, now)) <= 8
    assert words.moment(then)
    assert words.short_moment(then, now)


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0"), (999, "999"), (12_400, "12.4k"), (999_999, "1000k"), (3_100_000, "3.1M")]
)
def test_a_great_count_is_told_short(number, shown):
    assert words.short_count(number) == shown


@pytest.mark.parametrize(
    ("number", "shown"), [(812, "812 B"), (1536, "1.5 KiB"), (1024**2, "1.0 MiB"), (5 * 1024**4, "5.0 TiB")]
)
def test_a_size_is_told_in_binary_units(number, shown):
    assert words.size(number) == shown


@given(st.integers(-50, 250), st.none() | st.integers(-50, 250), st.integers(1, 40), st.booleans())
def test_a_bar_always_fills_its_axis_exactly_and_is_never_invisible(start, end, cells, unicode):
    bar = Axis(0, 200, cells, unicode).bar(start, end)
    assert width(bar) == cells
    assert bar.strip()


@given(st.integers(0, 10**12), st.integers(1, 60))
def test_a_scale_fills_its_axis_exactly(total, cells):
    assert width(Axis(0, total, cells).scale(Terminal())) == cells


def test_spans_that_follow_each_other_do_not_overlap_on_the_axis():
    axis = Axis(0, 100, 10)
    assert axis.bar(0, 50) == "━━━━━     "
    assert axis.bar(50, 100) == "     ━━━━━"
    assert axis.bar(5, 15) == "╺╸        "
    assert axis.bar(100, 100) == "         ╺"


@given(st.lists(any_text, min_size=1, max_size=5), st.integers(20, 120))
def test_a_column_that_is_never_cut_is_whole_at_any_width(names, columns):
    ids = [f"{number:032x}" for number in range(len(names))]
    lines = list(
        table.lines(
            [Column("name", [clean(name) for name in names], least=8), Column("id", ids)],
            Terminal(width=columns),
        )
    )
    assert all(any(line.endswith(one) for line in lines) for one in ids)


def test_columns_leave_in_their_order_and_a_small_one_may_stay_where_a_great_one_left():
    columns = [
        Column("a", ["x"]),
        Column("great", ["y" * 30], leaves=1),
        Column("small", ["z"], leaves=2),
    ]
    assert next(iter(table.lines(columns, Terminal(width=20)))).split() == ["a", "small"]
    assert next(iter(table.lines(columns, Terminal(width=60)))).split() == ["a", "great", "small"]


def test_a_column_without_content_is_left_out_and_an_empty_table_is_nothing():
    columns = [Column("a", ["x"]), Column("b", [""])]
    assert list(table.lines(columns, Terminal())) == ["a", "x"]
    assert list(table.lines([Column("a", [])], Terminal())) == []


def test_where_nobody_looks_at_its_edge_a_table_keeps_and_cuts_nothing():
    columns = [
        Column("a", ["x" * 90], least=8),
        Column("b", ["y" * 90], leaves=1),
        Column("c", ["z"], leaves=2),
    ]
    lines = list(table.lines(columns, Terminal(width=40, whole_tables=True)))
    assert lines[1] == f"{'x' * 90}  {'y' * 90}  z"


def test_names_are_cut_before_a_vital_column_leaves_and_what_does_not_fit_is_said_shorter():
    columns = [
        Column("name", ["n" * 30], least=8, comfortable=20),
        Column("plain", ["p" * 10], leaves=1),
        Column("notes", ["slow (since 10 s)"], leaves=2, least=6, vital=True, short=["slow"]),
    ]
    assert list(table.lines(columns, Terminal(width=20))) == ["name          notes", f"{'n' * 11}…  slow"]
    assert list(table.lines(columns, Terminal(width=60)))[1].endswith("pppppppppp  slow (since 10 s)")


def titles(lines) -> list[str]:
    return next(iter(lines)).split()


def test_a_list_of_80_columns_has_all_that_says_how_it_went():
    shown = titles(listing.lines(cli_samples.rows(), Terminal(width=80), cli_samples.NOW, Pace(limit=1000.0)))
    assert shown == ["name", "started", "took", "failed", "notes", "trace"]


def test_a_list_loses_the_moment_then_the_kind_then_the_number_of_spans():
    row = cli_samples.row(name="short", error_count=0, retries=0, interrupted=0, llm_calls=0, session=None)
    plain = msgspec.structs.replace(row, input_tokens=None, output_tokens=None, model=None, service=None)
    optional = ["at", "kind", "spans"]
    kept = {
        columns: [
            title
            for title in titles(
                listing.lines([plain], Terminal(width=columns), cli_samples.NOW, Pace(limit=10_000.0))
            )
            if title in optional
        ]
        for columns in range(60, 120)
    }
    ways = [kept[60], *(kept[n] for n in range(61, 120) if kept[n] != kept[n - 1])]
    assert ways == [[], ["spans"], ["kind", "spans"], ["kind", "at", "spans"]]


def test_the_spans_of_80_columns_have_their_errors():
    shown = titles(spanlist.lines(cli_samples.spans(), Terminal(width=80)))
    assert shown == ["name", "took", "error", "span"]


def test_the_name_of_a_trace_that_dealt_with_its_errors_is_not_red():
    handled = cli_samples.row(status="ok", error_count=2)
    look = Terminal(width=100, colour=True)
    for status, is_red in (("ok", False), ("error", True)):
        row = msgspec.structs.replace(handled, status=status)
        line = list(listing.lines([row], look, cli_samples.NOW, Pace(limit=10_000.0)))[1]
        assert ("\x1b[31manswer_question" in line) is is_red


def run_that_failed(message: str):
    """A run whose program ended in an exception, which an event tells as well."""
    fault = Fault("KeyError", "'name'")
    spans = [cli_samples.span(1, 0, "plain.py", 0, 9, kind="run", status="error", error=fault)]
    told = {"exception.type": "KeyError", "exception.message": message}
    body = f"KeyError: {message}"
    return build(spans, [cli_samples.event(1, 1, 5, "exception", level="error", body=body, attributes=told)])


@pytest.mark.parametrize(("message", "times"), [("'name'", 0), ("'other'", 1)])
def test_an_exception_that_its_span_tells_already_is_not_told_again(message, times):
    grown = run_that_failed(message)
    look = Terminal(width=100)
    subject = card.Subject(cli_samples.row(), grown, summary(grown), [], Pace(limit=1000.0))
    for lines in (tree.lines(grown, look, Limits()), card.lines(subject, look, cli_samples.NOW)):
        assert sum("exception" in line for line in lines) == times


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_no_line_of_a_card_is_so_wide_that_it_would_go_on_without_its_indent(columns):
    grown = build(cli_samples.spans(), cli_samples.events())
    processes = [cli_samples.process(pid=10**6 + n) for n in range(30)]
    row = cli_samples.row(slow=True, tags=[f"tag {n}" for n in range(30)])
    found = summary(grown)
    failure = msgspec.structs.replace(found.failure, handled=True, others=12)
    subject = card.Subject(
        row, grown, msgspec.structs.replace(found, failure=failure), processes, Pace(limit=1000.0)
    )
    lines = list(card.lines(subject, Terminal(width=columns), cli_samples.NOW))
    assert [line for line in lines if width(line) > columns] == []
    assert any("12 more failed spans" in line for line in lines)
    assert any("slow (≥ 1.00 s)" in line for line in lines)


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_a_real_terminal_shows_every_duration_in_one_column_whatever_the_names_are(columns):
    lines = list(tree.lines(build(cli_samples.spans()), Terminal(width=columns, colour=True), Limits()))
    screen = pyte.Screen(columns, len(lines) + 1)
    pyte.Stream(screen).feed("\r\n".join(lines))
    column = screen.display[0].index("took") + len("took")
    shown = [
        line
        for line in screen.display[1:]
        if line[column - 2 : column] in {"ms", " s"} and "more" not in line
    ]
    assert len(shown) == 12
    assert all(line[column : column + 1] in {"", " ", "◇"} for line in shown)
    hostile = next(line for line in screen.display if "evil" in line)
    assert hostile[column - 6 : column] == "530 ms"


def test_a_hostile_name_forges_no_row_and_sends_nothing_to_the_terminal():
    lines = list(tree.lines(build(cli_samples.spans()), Terminal(width=200), Limits()))
    assert not any("\x1b" in line or "\n" in line or "\u202e" in line for line in lines)
    assert not any(line.startswith("✓ forged") for line in lines)


def test_a_chain_of_spans_is_drawn_in_lines_of_bounded_width_with_the_depth_as_a_number():
    chain = [cli_samples.span(n, n - 1, "step", n, 10**6 - n) for n in range(1, 3001)]
    lines = list(tree.lines(build(chain), Terminal(width=100), Limits(everything=True)))
    *tree_lines, blank, legend = lines
    assert len(tree_lines) == 3001
    assert max(map(width, lines)) <= 100
    assert "⋯2999 └─ ✓ step" in tree_lines[-1]
    assert (blank, "◆ slow" in legend) == ("", True)


def test_the_events_of_one_span_are_limited_and_the_rest_is_counted_unless_all_are_wanted():
    spans = [cli_samples.span(1, 0, "root", 0, 100)]
    events = [cli_samples.event(n, 1, n, "retry") for n in range(30)]
    grown = build(spans, events)
    few = list(tree.lines(grown, Terminal(), Limits()))
    every = list(tree.lines(grown, Terminal(), Limits(everything=True)))
    assert sum("retry" in line for line in few) == EVENTS_SHOWN
    assert any("22 more events" in line for line in few)
    assert sum("retry" in line for line in every) == 30


def test_lines_of_output_are_drawn_dim_and_bounded_where_everything_is_wanted():
    spans = [cli_samples.span(1, 0, "sh", 0, 100)]
    quiet = [cli_samples.event(n, 1, n, "output", body=f"line {n}.") for n in range(QUIET_SHOWN + 7)]
    loud = cli_samples.event(99, 1, 99, "log", body="Too hot", level="warn")
    grown = build(spans, [*quiet, cli_samples.event(98, 1, 98, "chunk"), loud])
    few = list(tree.lines(grown, Terminal(), Limits()))
    assert not any("line" in line or "chunk" in line for line in few)
    every = list(tree.lines(grown, Terminal(width=160), Limits(everything=True)))
    assert [line.split()[2:5] for line in every if "output" in line][:2] == [
        ["output", "line", "0."],
        ["output", "line", "1."],
    ]
    assert sum("output line" in line for line in every) == QUIET_SHOWN
    assert any("7 more events, all of them in `flightlog show` of this step" in line for line in every)
    assert any("log Too hot" in line for line in every)
    assert not any("chunk" in line for line in every)
    styled = list(tree.lines(grown, Terminal(width=160, colour=True), Limits(everything=True)))
    shown = next(line for line in styled if "line 0." in line)
    assert "\x1b[33m" not in shown
    assert "\x1b[33m" in next(line for line in styled if "Too hot" in line)


hostile_spans = st.lists(
    st.builds(
        cli_samples.span,
        number=st.integers(1, 9),
        parent=st.integers(0, 9),
        name=any_text,
        start_ms=st.integers(-5, 5),
        end_ms=st.none() | st.integers(-5, 9),
        kind=any_text,
        status=st.sampled_from(STATUSES),
        error=st.none() | st.builds(Fault, any_text, any_text, any_text),
        attributes=st.dictionaries(
            st.sampled_from([REQUEST_MODEL, INPUT_TOKENS]), st.none() | any_text | st.integers()
        ),
        thread=any_text,
        input=any_text | st.lists(st.integers()),
    ),
    max_size=8,
)
hostile_events = st.lists(
    st.builds(
        cli_samples.event,
        number=st.integers(1, 9),
        on=st.integers(0, 9),
        time_ms=st.integers(-5, 9),
        name=any_text | st.just("retry"),
        body=any_text,
        attributes=st.dictionaries(any_text, st.none() | st.integers()),
        level=st.sampled_from(["info", "error"]),
    ),
    max_size=5,
)


@given(hostile_spans, hostile_events, st.integers(20, 150), st.booleans(), any_text)
def test_whatever_is_recorded_every_drawing_is_made_and_sends_nothing_to_the_terminal(
    spans, events, columns, unicode, text
):
    look = Terminal(columns, colour=False, unicode=unicode)
    grown = build(spans, events)
    row = cli_samples.row(
        name=text, kind=text, model=text, session=text, user=text, tags=[text], service=text
    )
    process = cli_samples.process()
    processes = [process, msgspec.structs.replace(process, host=text)]
    subject = card.Subject(row, grown, summary(grown), processes, Pace(limit=1000.0))
    for lines in (
        tree.lines(grown, look, Limits()),
        tree.lines(grown, look, Limits(depth=1, everything=True)),
        spanlist.lines(spans, look),
        listing.lines([row], look, cli_samples.NOW, Pace(limit=1000.0)),
        card.lines(subject, look, cli_samples.NOW),
    ):
        for line in lines:
            assert clean(line) == line


def test_an_empty_trace_is_drawn_as_its_titles():
    assert len(list(tree.lines(build([]), Terminal(), Limits()))) == 1


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ("", ['""']),
        ("one\ntwo\x1b[1m", ["one", r"two\x1b[1m"]),
        ({"a": 1}, ['{"a":1}']),
        (None, ["null"]),
        ("\n".join("abcd"), ["a", "b", "c", "… 1 more line"]),
    ],
)
def test_a_preview_keeps_line_breaks_and_counts_what_it_leaves_out(value, lines):
    assert preview.lines(value, 40, 3, Terminal()) == lines


def test_a_preview_of_a_great_value_is_indented_json():
    shown = preview.lines({"question": "x" * 20, "k": 8}, 40, 8, Terminal())
    assert shown == ["{", '  "question": "' + "x" * 20 + '",', '  "k": 8', "}"]


@pytest.mark.parametrize("cells", [30, 50, 66])
def test_a_frame_keeps_its_file_line_and_function_in_any_room(cells):
    path = "/home/somebody/project/.venv/lib/python3.11/site-packages/openai/_base_client.py"
    frame = f'  File "{path}", line 1248, in request'
    shown = stacks.tail(f"{frame}\n    return {'x' * 90}\n", cells, 5, Terminal())
    told = " ".join("".join(shown[:-1]).split())
    assert all(width(line) <= cells for line in shown)
    assert all(
        part.replace(" ", "") in told.replace(" ", "")
        for part in ("…/", '_base_client.py",', "line 1248,", "in request")
    )
    assert shown[-1].endswith("…")
    assert stacks.tail(frame, 200, 5, Terminal()) == [frame]


def test_the_tail_of_a_stack_is_what_is_shown():
    assert stacks.tail("a\nb\nc\n", 40, 2, Terminal()) == ["… 1 line above", "b", "c"]


class Screen(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def plain_environment(monkeypatch):
    for name in ("NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return monkeypatch


def test_a_terminal_has_colour_and_a_pipe_none(plain_environment):
    assert terminal.of(Screen()).colour
    assert not terminal.of(io.StringIO()).colour


def test_colour_can_be_refused_in_each_of_the_usual_ways(plain_environment):
    assert not terminal.of(Screen(), no_color=True).colour
    plain_environment.setenv("TERM", "dumb")
    assert not terminal.of(Screen()).colour
    plain_environment.setenv("TERM", "xterm")
    plain_environment.setenv("NO_COLOR", "1")
    assert not terminal.of(Screen()).colour


def test_the_width_is_the_asked_one_else_the_terminals_else_the_pipes(plain_environment):
    assert terminal.of(Screen(), columns=66).width == 66
    plain_environment.setenv("COLUMNS", "77")
    assert terminal.of(io.StringIO()).width == 77


def test_tables_are_whole_only_where_no_width_is_known(plain_environment):
    assert terminal.of(io.StringIO()).whole_tables
    assert terminal.of(io.StringIO()).width == terminal.PIPE_WIDTH
    assert not terminal.of(io.StringIO(), columns=66).whole_tables
    plain_environment.setenv("COLUMNS", "77")
    assert not terminal.of(io.StringIO()).whole_tables


def test_an_encoding_that_is_not_unicode_gets_ascii(plain_environment):
    latin = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    assert not terminal.of(latin).unicode
    latin.close()
