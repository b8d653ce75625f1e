"""A price file of one's own: what it says wins, and what is wrong in it is named with its place."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from flightlog.pricing.book import PriceBook
from flightlog.pricing.own import read
from flightlog.pricing.snapshot import bundled
from flightlog.records.errors import BadDocument

UNITS = bundled().units

CONTRACT = """
source = "contract of March"

[[prices]]
provider = "openai"
model = "gpt-4o*"
since = 2026-01-01
until = 2026-07-01
input = 1
output = 4

[[prices]]
provider = "openai"
model = "gpt-4o"
service_tier = "flex"
input = 0.5
output = 2

[[prices]]
provider = "openai"
model = "gpt-4.1"
batch = true
input = 0.1
output = 0.2

[[prices]]
server = "llm.*"
input = 0.01
output = 0.02
request = 0.5
audio_seconds = 0.001
tiers = [{ above = 900, input = 0.02 }]
"""


@pytest.fixture
def own() -> PriceBook:
    return PriceBook(own=read(CONTRACT.encode(), "prices.toml", UNITS))


def test_the_first_entry_that_fits_wins_over_the_prices_that_come_with_flightlog(own, call):
    charge = own.charge(call("openai", "gpt-4o-2024-08-06", "2026-01-01T00:00:00"))
    assert (charge.pico_usd, charge.basis) == (1000 * 10**6 + 100 * 4 * 10**6, "own")
    assert charge.entry.source == "contract of March"


@pytest.mark.parametrize("moment", ["2025-12-31T23:59:59", "2026-07-01T00:00:00"])
def test_an_entry_holds_from_its_first_day_until_the_day_on_which_it_ends(own, call, moment):
    assert own.charge(call("openai", "gpt-4o-mini", moment)).basis == "listed"


def test_an_entry_for_a_tier_or_for_batches_is_for_those_alone(own, call):
    flex = call("openai", "gpt-4o", "2026-08-01T00:00:00", **{"openai.response.service_tier": "flex"})
    assert own.charge(flex).pico_usd == 1000 * 500_000 + 100 * 2 * 10**6
    assert own.charge(call("openai", "gpt-4o", "2026-08-01T00:00:00")).basis == "listed"
    assert own.charge(call("openai", "gpt-4.1", **{"flightlog.batch": True})).basis == "own"
    assert own.charge(call("openai", "gpt-4.1")).basis == "listed"


def test_a_provider_is_meant_by_the_name_of_the_call_and_by_that_of_the_prices(call):
    data = b'[[prices]]\nprovider = "azure"\nmodel = "our-deployment"\ninput = 1\noutput = 1\n'
    book = PriceBook(own=read(data, "p.toml", UNITS))
    assert book.charge(call("azure.ai.openai", "our-deployment")).basis == "own"
    assert book.charge(call("openai", "our-deployment")).doubt == "unknown model"


def test_a_machine_of_ones_own_has_prices_by_its_host(own, call):
    charge = own.charge(call("openai", "llama3", **{"server.address": "llm.internal"}))
    assert charge.pico_usd == 1000 * 20_000 + 100 * 20_000 + 5 * 10**11
    small = call("openai", "llama3", usage={"input_tokens": 900, "output_tokens": 0})
    small = own.charge(
        type(small)(
            **{
                **{f: getattr(small, f) for f in small.__struct_fields__},
                "attributes": {
                    **small.attributes,
                    "server.address": "LLM.internal",
                    "flightlog.usage.audio_seconds": 2,
                },
            }
        )
    )
    assert small.pico_usd == 900 * 10_000 + 5 * 10**11 + 2 * 10**9


def test_json_says_the_same_as_toml(call):
    told = {"prices": [{"model": "llama3", "input": 0.1, "output": 0.2, "since": "2026-01-01"}]}
    book = PriceBook(own=read(json.dumps(told).encode(), "p.json", UNITS))
    charge = book.charge(call("ollama", "llama3"))
    assert (charge.pico_usd, charge.entry.source) == (1000 * 100_000 + 100 * 200_000, "p.json")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("prices = 3", "there is no list `prices`"),
        ("x = 1\nprices = []", "there is also x"),
        ("source = 3\nprices = []", "source is 3; expected a text"),
        ("[[prices", "is neither TOML nor JSON"),
        ("{", "is neither TOML nor JSON"),
        ("\xff", "is neither TOML nor JSON"),
        ("prices = [3]", "prices[1] is 3; expected a table"),
        ("[[prices]]\nmodel = 'x'", "prices[1] has no price; expected one such as input = 2.5"),
        ("[[prices]]\ninput = 'x'", "prices[1].input is 'x'; expected US dollars, a number"),
        ("[[prices]]\ninput = true", "prices[1].input is True; expected US dollars, a number"),
        ("[[prices]]\ninput = -1", "prices[1].input is -1; expected US dollars, 0 or more"),
        ("[[prices]]\ninput = nan", "prices[1].input is NaN; expected US dollars, 0 or more"),
        (
            "[[prices]]\ninput = 1\n[[prices]]\ninptu = 1",
            "prices[2].inptu is no price; expected another name",
        ),
        ("[[prices]]\ninput = 1\nmodel = ''", "prices[1].model is ''; expected a text"),
        ("[[prices]]\ninput = 1\nsince = 'May'", "prices[1].since is 'May'; expected a day"),
        ("[[prices]]\ninput = 1\nuntil = 2026-01-01T00:00:00", "prices[1].until is "),
        ("[[prices]]\ninput = 1\nbatch = 1", "prices[1].batch is 1; expected true or false"),
        ("[[prices]]\ninput = 1\ntiers = 1", "prices[1].tiers is 1; expected a list of tables"),
        ("[[prices]]\ninput = 1\ntiers = [1]", "prices[1].tiers[1] is 1; expected a table"),
        ("[[prices]]\ninput = 1\ntiers = [{input=2}]", "prices[1].tiers[1].above is None; expected a number"),
        (
            "[[prices]]\ninput = 1\ntiers = [{above=2,output=2}]",
            "prices[1].tiers[1] has a price that the entry",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(data, told):
    encoded = data.encode("latin-1")
    with pytest.raises(BadDocument) as raised:
        read(encoded, "prices.toml", UNITS)
    assert str(raised.value).startswith("prices.toml")
    assert told in str(raised.value)


def test_the_example_of_the_documentation_is_a_price_file(call):
    page = (Path(__file__).parents[2] / "docs" / "cost.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    book = PriceBook(own=read(example.encode(), "prices.toml", UNITS))
    assert (
        book.charge(call("openai", "gpt-4o", "2026-04-01T00:00:00")).pico_usd
        == 1000 * 2 * 10**6 + 100 * 8 * 10**6
    )
    batch = call("openai", "gpt-4o", "2026-04-01T00:00:00", **{"flightlog.batch": True})
    assert book.charge(batch).pico_usd == 1000 * 10**6 + 100 * 4 * 10**6
