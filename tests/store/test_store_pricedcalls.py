"""What model calls cost is remembered, belongs to a version of the prices, and follows every change of a call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from store_older import make_older

from contracts.store_lines import HOUR, START, Engine, span, trace_id, usage
from flightlog.questions.parsing import parse
from flightlog.records.callfacts import CallFacts
from flightlog.records.errors import BadQuestion
from flightlog.records.traces import Selection
from flightlog.store.open import open_reader
from flightlog.store.port import Reader
from flightlog.store.prices import Cost
from flightlog.store.sqlite import pricedcalls

DOLLAR = 10**12


class Prices:
    """So many dollars for a token in; of calls without tokens nothing is known."""

    def __init__(self, version: int = 1, dollars: int = 1) -> None:
        self._version, self._dollars = version, dollars
        self.asked = 0

    def version(self) -> int:
        return self._version

    def cost(self, call: CallFacts) -> Cost:
        self.asked += 1
        tokens = call.attributes.get("gen_ai.usage.input_tokens")
        if tokens is None:
            return Cost(None)
        return Cost(tokens * self._dollars * DOLLAR, is_whole=tokens != 13)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path / "store.db")
    yield engine
    engine.close()


def call(trace: int = 1, number: int = 1, tokens: int | None = 1, **fields: Any) -> Any:
    told = {} if tokens is None else usage(input=tokens)
    attributes = {"gen_ai.request.model": "m", **told, **fields.pop("attributes", {})}
    return span(trace, number, **{"kind": "llm", "name": "chat", "attributes": attributes, **fields})


def price(store: Engine, prices: Prices, most: int = 1000) -> None:
    with closing(store.writer()) as writer:
        while writer.price_calls(prices, most):
            pass


def reading(store: Engine, prices: Prices) -> Reader:
    reader = open_reader(
        store.place, price=lambda call: prices.cost(call).pico_usd, price_version=prices.version
    )
    store._opened.append(reader)
    return reader


def money(reader: Reader, **asked: Any) -> tuple[int, int, int, int]:
    """Priced calls, those that are unknown, dollars, and calls without a price."""
    (row,) = reader.figures(("kind",), **asked)["kind"]
    return row.priced_calls, row.unknown_cost_calls, row.cost_pico_usd // DOLLAR, row.unpriced_calls


def test_calls_that_are_over_wait_for_their_price_and_then_have_it(store):
    store.append(call(number=1, tokens=3), call(number=2, tokens=None), call(number=3, tokens=13))
    store.append(call(number=4, took=None), call(number=5, tokens=5, at=HOUR // 10**6))
    assert store.reader().unpriced(1) == 4
    assert money(store.reader()) == (0, 0, 0, 4)
    price(store, Prices(), most=2)
    assert store.reader().unpriced(1) == 0
    assert money(store.reader()) == money(store.reader(), exact=True) == (4, 2, 21, 0)
    assert money(store.reader(), since=START + HOUR) == (1, 0, 5, 0)
    assert store.reader().verify() == []


def test_only_what_somebody_charges_for_is_priced(store):
    model = {"gen_ai.request.model": "m"}
    store.append(
        span(1, 1, kind="embedding", attributes={**model, **usage(input=2)}),
        span(1, 2, kind="embedding", attributes=usage(input=2)),
        span(1, 3, kind="tool", attributes={**model, **usage(input=2)}),
    )
    assert store.reader().unpriced(1) == 1
    assert store.reader().verify() == []


def test_a_call_that_is_written_anew_is_priced_anew(store):
    store.append(call(number=1, took=None))
    price(store, Prices())
    store.append(call(number=1, tokens=2))
    price(store, Prices())
    assert money(store.reader()) == (1, 0, 2, 0)
    store.append(call(number=1, tokens=7, revision=1, at=2 * HOUR // 10**6))
    assert money(store.reader()) == (0, 0, 0, 1)
    assert store.reader().verify() == []
    price(store, Prices())
    assert money(store.reader()) == money(store.reader(), since=START + 2 * HOUR) == (1, 0, 7, 0)
    assert store.reader().verify() == []


def test_a_trace_that_goes_takes_its_costs_with_it(store):
    store.append(call(1, 1, tokens=2), call(2, 1, tokens=3))
    price(store, Prices())
    store.append(call(1, 2, tokens=4))
    with closing(store.writer()) as writer:
        writer.delete_trace(trace_id(1))
    assert money(store.reader()) == (1, 0, 3, 0)
    assert store.reader().unpriced(1) == 0
    assert store.reader().verify() == []


def test_prices_of_another_version_make_everything_anew(store):
    store.append(*(call(1, number, tokens=1) for number in range(1, 8)))
    price(store, Prices())
    dearer = Prices(version=2, dollars=10)
    assert store.reader().unpriced(2) == 7
    with closing(store.writer()) as writer:
        assert writer.price_calls(dearer, 3)
    assert store.reader().unpriced(2) == 4
    assert store.reader().unpriced(1) == 3
    assert store.reader().verify() == []
    price(store, dearer, most=3)
    assert money(store.reader()) == (7, 0, 70, 0)
    assert store.reader().unpriced(2) == 0
    asked = dearer.asked
    price(store, dearer)
    assert dearer.asked == asked


def test_a_question_about_cost_is_right_whatever_is_remembered(store, monkeypatch):
    store.append(call(1, 1, tokens=2), call(2, 1, tokens=5), call(3, 1, tokens=None))
    expensive = Selection(question=parse("cost>$3"))
    whole = Selection(question=parse("trace(cost>=$2)"))
    monkeypatch.setattr(pricedcalls, "_NEWEST_TRACES", pricedcalls._NEWEST_TRACES.replace("2000", "0"))

    def found(prices: Prices) -> tuple[list[str], list[str]]:
        reader = reading(store, prices)
        return tuple(
            [trace.trace_id[-1] for trace in reader.traces(9, selection)] for selection in (expensive, whole)
        )  # type: ignore[return-value]  # two lists

    assert found(Prices()) == (["2"], ["2", "1"])
    price(store, Prices())
    remembered = Prices()
    assert found(remembered) == (["2"], ["2", "1"])
    assert remembered.asked == 0
    assert found(Prices(version=2, dollars=10)) == (["2", "1"], ["2", "1"])
    price(store, Prices(version=2, dollars=10))
    assert found(Prices(version=2, dollars=10)) == (["2", "1"], ["2", "1"])


def test_what_is_remembered_needs_no_limit(store, monkeypatch):
    store.append(*(call(number, 1, tokens=number) for number in range(1, 6)))
    monkeypatch.setattr("flightlog.store.sqlite.askedfunctions.MOST_PRICED", 2)
    with pytest.raises(BadQuestion, match="say more"):
        reading(store, Prices()).traces(9, Selection(question=parse("NOT cost>$9")))
    price(store, Prices())
    assert len(reading(store, Prices()).traces(9, Selection(question=parse("NOT cost>$9")))) == 5


def test_the_time_to_the_first_piece_is_told_as_a_mean(store):
    first = "gen_ai.response.time_to_first_chunk"
    told: list[Any] = [0.2, 0.4, -1, "soon", True, None]
    store.append(*(call(1, n, attributes={first: value}) for n, value in enumerate(told, 1)))
    price(store, Prices())
    for exact in (False, True):
        (row,) = store.reader().figures(("kind",), exact=exact)["kind"]
        assert row.first_ns == 300_000_000


def test_an_older_store_has_its_calls_wait_for_their_price(store):
    store.append(call(1, 1, tokens=2), call(1, 2, took=None))
    make_older(store.place, 5)
    assert store.reader().unpriced(1) == 1
    price(store, Prices())
    assert money(store.reader()) == (1, 0, 2, 0)
    assert store.reader().verify() == []


def test_costs_beyond_all_measure_stop_no_sum(store):
    reported = Prices(dollars=10**9)
    store.append(*(call(1, number, tokens=1) for number in range(1, 1200)))
    price(store, reported)
    with closing(store.writer()) as writer:
        writer.delete_trace(trace_id(1))
    assert store.reader().verify() == []
