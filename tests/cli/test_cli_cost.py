"""What model calls cost, asked on a real store: the command, and the cells beside tokens of other commands."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import cli_samples
import pytest
from click.testing import CliRunner

from flightlog.analysis.spending import COMMONS, Spending
from flightlog.cli.main import commands
from flightlog.cli.render import money
from flightlog.cli.render.terminal import Terminal
from flightlog.layers import anchored
from flightlog.pricing.charge import Charge, Entry
from flightlog.pricing.rates import PICO
from flightlog.pricing.snapshot import Snapshot, bundled
from flightlog.records.span import Span

DAY = 86_400 * 10**9
LIST = f"genai-prices {bundled().version}, {bundled().taken}"


def run(*args: str):
    return CliRunner().invoke(commands, args)


def llm(
    number: int, model: str, provider: str = "openai", tokens: tuple[int, int] | None = (1000, 100), **fields
) -> Span:
    attributes = {
        "gen_ai.request.model": model,
        "gen_ai.provider.name": provider,
        **fields.pop("attributes", {}),
    }
    if tokens:
        attributes |= {"gen_ai.usage.input_tokens": tokens[0], "gen_ai.usage.output_tokens": tokens[1]}
    known = {"trace_id": cli_samples.OTHER, "status": "ok", "kind": "llm", "process_id": cli_samples.PROCESS}
    start = cli_samples.BEGAN + number * 10**9 + fields.pop("days", 0) * DAY
    return Span(
        span_id=f"{number:016x}",
        start=start,
        end=start + 10**8,
        attributes=attributes,
        **{**known, "name": f"chat {model}", **fields},
    )


@pytest.fixture
def spent(home):
    """Calls of two traces and two days: known, unknown, reported, cached, and one that is no `llm`."""
    cached = {"gen_ai.usage.cache_read.input_tokens": 400}
    cli_samples.store(
        home,
        [
            llm(
                1,
                "gpt-4o",
                attributes=cached,
                context={"session": "s-1", "user": "ann", "tags": ["beta", "x"]},
            ),
            llm(2, "gpt-4o", context={"session": "s-2", "user": "bob", "tags": ["beta"]}),
            llm(3, "llama3", "ollama", context={"session": "s-2"}),
            llm(4, "gpt-4o", tokens=None, days=1),
            llm(5, "claude-sonnet-4-5", "anthropic", attributes={"gen_ai.usage.cost": 0.25}, days=1),
            llm(6, "text-embedding-3-small", kind="embedding", tokens=(1000, 0), trace_id=cli_samples.TRACE),
        ],
    )
    return home


def document(*args: str):
    result = run("cost", "--json", *args)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout, parse_float=Decimal)


FIRST = Decimal("0.003")
"""600 tokens at 2.5, 400 at 1.25 and 100 at 10 dollars a million."""
SECOND = Decimal("0.0035")
EMBEDDED = Decimal("0.00002")
REPORTED = Decimal("0.25")


def test_by_model_each_row_says_calls_tokens_and_money_and_the_total_is_their_sum(spent):
    told = document()
    rows = {
        (row["model"], row["provider"]): (row["calls"], row["usd"], row["unknown_calls"])
        for row in told["rows"]
    }
    assert rows == {
        ("claude-sonnet-4-5", "anthropic"): (1, REPORTED, 0),
        ("gpt-4o", "openai"): (3, FIRST + SECOND, 1),
        ("text-embedding-3-small", "openai"): (1, EMBEDDED, 0),
        ("llama3", "ollama"): (1, None, 1),
    }
    assert told["total"] == {
        "usd": FIRST + SECOND + EMBEDDED + REPORTED,
        "calls": 6,
        "unknown_calls": 2,
        "reported_calls": 1,
        "own_calls": 0,
        "input_tokens": 5000,
        "output_tokens": 400,
        "cache_read_tokens": 400,
        "cache_write_tokens": 0,
        "doubts": {"no usage": 1, "unknown provider": 1},
    }


def test_the_document_says_currency_and_whose_prices_of_when(spent):
    told = document()
    assert list(told) == ["by", "currency", "rows", "total", "prices"]
    assert (told["by"], told["currency"]) == ("model", "USD")
    assert told["prices"] == {
        "source": "genai-prices",
        "version": bundled().version,
        "taken": bundled().taken.isoformat(),
        "own": None,
    }


@pytest.mark.parametrize("common", COMMONS)
def test_every_row_has_the_same_keys_and_the_same_order_at_each_run(spent, common):
    told = document("--by", common)
    keys = [common, "provider"] if common == "model" else [common]
    for row in told["rows"]:
        assert list(row) == keys + list(told["total"])
    assert run("cost", "--json", "--by", common).stdout == run("cost", "--json", "--by", common).stdout


@pytest.mark.parametrize(
    ("common", "rows"),
    [
        ("day", [("2025-11-20", FIRST + SECOND + EMBEDDED), ("2025-11-21", REPORTED)]),
        ("session", [("s-1", FIRST + REPORTED), ("s-2", SECOND), ("", EMBEDDED)]),
        ("user", [("ann", FIRST + REPORTED), ("bob", SECOND), ("", EMBEDDED)]),
        ("tag", [("beta", FIRST + SECOND + REPORTED), ("x", FIRST + REPORTED), ("", EMBEDDED)]),
        ("provider", [("anthropic", REPORTED), ("openai", FIRST + SECOND + EMBEDDED), ("ollama", None)]),
        ("project", [("default", FIRST + SECOND + EMBEDDED + REPORTED)]),
        (
            "trace",
            [(cli_samples.OTHER, FIRST + SECOND + REPORTED), (cli_samples.TRACE, EMBEDDED)],
        ),
    ],
)
def test_money_is_added_up_by_what_calls_have_in_common(spent, common, rows):
    found = [(row[common], row["usd"]) for row in document("--by", common)["rows"]]
    assert found == rows


def test_what_a_call_is_bound_to_is_its_own_before_that_of_its_trace(spent):
    rows = {row["session"]: row["calls"] for row in document("--by", "session")["rows"]}
    assert rows == {"s-1": 3, "s-2": 2, "": 1}
    rows = {row["tag"]: row["calls"] for row in document("--by", "tag")["rows"]}
    assert rows == {"beta": 5, "x": 4, "": 1}


def test_one_trace_is_asked_for_by_any_of_its_names(spent):
    assert document(cli_samples.TRACE)["total"]["usd"] == EMBEDDED
    assert document("@latest")["total"]["calls"] == 1
    assert run("cost", "dead").exit_code == 2
    assert run("cost", "@latest", "--session", "s-1").exit_code == 2


def test_calls_are_chosen_by_time_and_traces_by_what_they_are(spent):
    assert document("--since", "2025-11-21T12:00Z")["total"]["calls"] == 2
    assert document("--session", "s-1")["total"]["calls"] == 5
    assert document("--name", "*text-*")["total"]["calls"] == 1
    assert document("--project", "elsewhere")["total"] == {
        **dict.fromkeys(document()["total"], 0),
        "usd": 0,
        "doubts": {},
    }


def test_the_table_says_what_is_a_least_and_why(spent):
    result = run("cost", "--width", "120")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == [
        "model",
        "provider",
        "calls",
        "in",
        "out",
        "cached",
        "cost",
        "unknown",
        "reported",
    ]
    assert lines[1].split() == ["claude-sonnet-4-5", "anthropic", "1", "1.0k", "100", "$0.2500", "1"]
    assert lines[2].split() == ["gpt-4o", "openai", "3", "2.0k", "200", "400", "≥", "$0.0065", "1"]
    assert "?" in lines[4]
    assert lines[5].startswith("total")
    assert lines[-3:] == [
        "cost of 2 calls not known, or not whole: 1 no usage, 1 unknown provider",
        "reported with 1 call, taken as it is",
        f"US dollars; prices of {LIST}",
    ]


def test_no_reason_is_cut_where_there_is_little_room(spent):
    lines = run("cost", "--width", "40").stdout.splitlines()
    assert "cost of 2 calls not known, or not whole: 1 no usage, 1 unknown provider" in " ".join(lines)
    assert max(map(len, lines[-6:])) <= 40


def test_a_limit_cuts_rows_and_never_the_total(spent):
    result = run("cost", "-n", "1")
    assert "3 more; -n shows more" in result.stdout
    assert "total" in result.stdout


def test_nothing_recorded_and_nothing_found_are_said(home, spent):
    result = run("cost", "--name", "nobody")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no model call is like that" in result.stderr


def test_an_empty_home_is_no_error(home):
    result = run("cost")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "nothing is recorded" in result.stderr
    assert document()["total"]["calls"] == 0


def test_prices_of_ones_own_win_and_are_named(spent, tmp_path, monkeypatch):
    file = tmp_path / "prices.toml"
    file.write_text('source = "our machines"\n[[prices]]\nmodel = "llama3"\ninput = 1\noutput = 2\n')
    monkeypatch.setenv("FLIGHTLOG_PRICES", str(file))
    told = document()
    (row,) = (row for row in told["rows"] if row["model"] == "llama3")
    assert (row["usd"], row["own_calls"], row["unknown_calls"]) == (Decimal("0.0012"), 1, 0)
    assert told["prices"]["own"] == "our machines"
    assert f"prices of our machines; {LIST}" in run("cost").stdout
    assert "1 price of our machines, before all others" in run("doctor").stdout


def test_a_price_file_named_in_a_file_of_settings_lies_beside_it(spent, tmp_path, monkeypatch):
    (tmp_path / "flightlog.toml").write_text('prices = "mine.toml"\n')
    (tmp_path / "mine.toml").write_text("[[prices]]\ninput = 1\n")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert document()["prices"]["own"] == "mine.toml"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "expected a price file (No such file or directory)"),
        ("[[prices]]\ninput = 'x'", "(prices.toml: prices[1].input is 'x'; expected US dollars, a number)"),
    ],
)
def test_a_price_file_that_cannot_be_used_is_named_with_the_place_in_it(
    spent, tmp_path, monkeypatch, content, told
):
    file = tmp_path / "prices.toml"
    if content:
        file.write_text(content)
    monkeypatch.setenv("FLIGHTLOG_PRICES", str(file))
    result = run("cost")
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr
    doctor = run("doctor")
    assert doctor.exit_code == 1
    assert "setting prices from FLIGHTLOG_PRICES" in doctor.stdout
    for args in (("trace", "@latest"), ("show", "@latest"), ("stats",), ("list", "--json")):
        other = run(*args)
        assert other.exit_code == 0
        assert "no cost is shown" in other.stderr
        assert "$" not in other.stdout


def test_doctor_says_whose_prices_these_are_and_warns_of_old_ones(home, monkeypatch):
    result = run("doctor")
    assert LIST in result.stdout
    assert "older than 90 days" not in result.stdout
    told = json.loads(run("doctor", "--json").stdout)["prices"]
    assert (told["source"], told["taken"], told["is_stale"]) == (
        "genai-prices",
        bundled().taken.isoformat(),
        False,
    )
    monkeypatch.setattr(Snapshot, "is_stale", lambda self, today: today - self.taken > timedelta(days=-1))
    result = run("doctor")
    assert "older than 90 days" in result.stdout
    assert result.exit_code == 0


def test_a_trace_tells_money_beside_tokens_and_in_all(spent):
    result = run("trace", cli_samples.OTHER, "--width", "160")
    assert "chat gpt-4o llm 1.0k→100 $0.003" in result.stdout
    assert "≥ $0.2565" in result.stdout.splitlines()[0]
    assert "llama3 1.0k→100 ?" not in result.stdout


def test_a_card_and_a_step_tell_what_was_spent_and_how_that_is_known(spent):
    assert "≥ $0.2565" in run("show", cli_samples.OTHER, "--width", "160").stdout
    told = json.loads(run("show", cli_samples.OTHER, "--json").stdout)["cost"]
    assert told == {"usd": 0.2565, "calls": 5, "unknown_calls": 2, "reported_calls": 1}
    step = run("show", cli_samples.OTHER, f"{2:016x}", "--width", "160").stdout
    assert f"cost     $0.0035 · openai gpt-4o, {LIST}" in step
    step = run("show", cli_samples.OTHER, f"{3:016x}").stdout
    assert "cost     unknown (unknown provider)" in step
    step = json.loads(run("show", cli_samples.OTHER, f"{5:016x}", "--json").stdout)["cost"]
    assert (step["usd"], step["basis"], step["computed_usd"]) == (0.25, "reported", 0.0045)
    assert (step["source"], step["doubt"]) == (LIST, None)


def test_a_step_that_nobody_charges_for_has_no_cost(recorded):
    span = f"{2:016x}"
    assert json.loads(run("show", cli_samples.TRACE, span, "--json").stdout)["cost"] is None
    assert "cost " not in run("show", cli_samples.TRACE, span).stdout


def test_stats_tell_money_by_model(spent):
    assert "≥ $0.0065" in run("stats", "--by", "model").stdout
    rows = {row["model"]: row["cost"] for row in json.loads(run("stats", "--json").stdout)["model"]}
    assert rows["gpt-4o"] == {"usd": 0.0065, "calls": 3, "unknown_calls": 1, "unpriced_calls": 0}
    assert rows["llama3"] == {"usd": None, "calls": 1, "unknown_calls": 1, "unpriced_calls": 0}


def test_stats_tell_how_many_calls_nobody_has_priced_yet(spent, monkeypatch):
    monkeypatch.setattr("flightlog.home.Home.price_calls", lambda *_: True)
    shown = run("stats", "--by", "kind").stdout
    assert "$" not in shown
    assert "calls not priced yet" in shown
    rows = {row["model"]: row["cost"] for row in json.loads(run("stats", "--json").stdout)["model"]}
    assert rows["gpt-4o"] == {"usd": None, "calls": 3, "unknown_calls": 0, "unpriced_calls": 3}


def test_stats_tell_the_same_of_money_whether_spans_are_looked_at_or_not(spent):
    summed, looked_at = (
        {row["model"]: row["cost"] for row in json.loads(run("stats", "--json", *more).stdout)["model"]}
        for more in ((), ("--exact",))
    )
    assert summed == looked_at
    assert summed["gpt-4o"]["usd"] == 0.0065


@pytest.mark.parametrize(
    ("dollars", "told"),
    [
        ("0", "$0"),
        ("0.000000000001", "$0.000000000001"),
        ("0.00021849", "$0.000218"),
        ("0.0099999", "$0.01"),
        ("0.01", "$0.0100"),
        ("1.23456", "$1.2346"),
        ("99.99994", "$99.9999"),
        ("1234.567", "$1,234.57"),
    ],
)
def test_money_is_short_and_its_first_digits_are_there(dollars, told):
    assert money.dollars(int(Decimal(dollars) * PICO)) == told


@pytest.mark.parametrize(
    "dollars", ["0", "1", "0.000000000001", "12.5", "100", "1000000.000001", "0.10", "123456789.123456789012"]
)
def test_money_in_json_has_every_digit(dollars):
    told = bytes(money.exact(int(Decimal(dollars) * PICO))).decode()
    assert Decimal(json.loads(told, parse_float=str)) == Decimal(dollars)
    assert "e" not in told.lower()


def test_money_without_unicode_has_no_letters_beyond_ascii():
    look = Terminal(unicode=False)
    doubtful = Charge(pico_usd=PICO, doubt="part of its usage", basis="listed", entry=Entry("list", "p", "m"))
    told = [money.charged(doubtful, look), money.explained(doubtful, look)]
    row = Spending()
    told += [money.spent(row, look), money.told(row, look)]
    assert told == [">= $1.0000", ">= $1.0000 (part of its usage) - p m, list", "$0", "$0"]


def test_a_relative_path_to_prices_leads_from_where_it_was_given():
    assert anchored({"prices": "p.toml"}, "/srv/app") == {"prices": "/srv/app/p.toml"}
    assert anchored({"prices": "~/p.toml"}, "/srv/app") == {"prices": "~/p.toml"}
    assert anchored({"prices": "p.toml", "home": "", "sinks": "store"}, "/srv") == {
        "prices": "/srv/p.toml",
        "home": "",
        "sinks": "store",
    }


def test_traces_are_listed_by_what_they_cost_and_show_it(spent):
    cheap = [
        llm(7, "gpt-4o", trace_id=f"{7:032x}", days=2),
        llm(8, "llama3", "ollama", trace_id=f"{8:032x}", days=3),
    ]
    cli_samples.store(spent, cheap)
    listed = run("list", "--order", "cost", "--json")
    assert listed.exit_code == 0, listed.output
    rows = json.loads(listed.stdout, parse_float=Decimal)
    assert [row["trace_id"] for row in rows] == [
        cli_samples.OTHER,
        f"{7:032x}",
        cli_samples.TRACE,
        f"{8:032x}",
    ]
    assert [row["cost"]["usd"] for row in rows] == [FIRST + SECOND + REPORTED, SECOND, EMBEDDED, None]
    drawn = run("list", "--order", "cost").stdout.splitlines()
    assert "cost" in drawn[0].split()
    assert "$0.0035" in drawn[2]
    assert "cost" not in run("list").stdout.splitlines()[0].split()
    newest = json.loads(run("list", "--json").stdout)
    assert newest[0]["trace_id"] == f"{8:032x}"
