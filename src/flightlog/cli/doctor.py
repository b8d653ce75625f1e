"""`flightlog doctor`: how Flightlog is set up here, what it lost, and whether it works."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from flightlog.cli.checkup import Checkup, Prices, examine
from flightlog.cli.jsonout import print_document
from flightlog.cli.looks import drawn
from flightlog.cli.opening import how_to_record
from flightlog.cli.options import as_json
from flightlog.cli.render import checklist, words
from flightlog.cli.render.terminal import Terminal, emit
from flightlog.configure import load_settings
from flightlog.pricing.snapshot import STALE_DAYS
from flightlog.store.textport import TextState


@click.command(
    "doctor",
    epilog="Exit codes: 0 no problem, 1 at least one problem, 2 a bad option or setting. Losses are marked, "
    "but they are history and no problem of their own.",
)
@click.option("--verify", is_flag=True, help="Recompute every sum in the store and compare; reads all of it.")
@as_json
@drawn
@click.pass_context
def command(context: click.Context, verify: bool, as_json: bool, look: Terminal) -> None:
    """Say how Flightlog is set up, what it lost, and whether it works.

    Every setting with where its value came from, the home with the sizes of journals and store, the prices that
    money is computed with (a warning where they are older than 90 days), every counter of something lost, and a
    self-check that records, reads back and compares in a home of its own.

    With --json: the same as one object; its problems are an array of sentences.
    """
    found = examine(load_settings(), verify=verify)
    if as_json:
        print_document(found)
    else:
        emit(_lines(found, look))
    context.exit(1 if found.problems else 0)


def _lines(found: Checkup, look: Terminal) -> Iterator[str]:
    yield checklist.title("flightlog", look)
    engine = f"{found.engine}: {found.engine_reason}"
    yield from checklist.facts({"version": found.version, "python": found.python, "engine": engine}, look)
    yield from ("", checklist.title("settings", look))
    yield from checklist.settings([(v.name, _shown(v.name, v.value), v.origin) for v in found.settings], look)
    if found.libraries:
        yield from ("", checklist.title("libraries", look))
        yield from checklist.facts(found.libraries, look)
    yield from ("", checklist.title("home", look))
    yield from checklist.facts(_place(found), look)
    if found.store:
        yield from ("", checklist.title("store", look))
        yield from checklist.store(found.store, look)
    if found.texts:
        yield from ("", checklist.title("words", look))
        yield from checklist.facts(_words(found.texts, is_on=_is_on(found)), look)
    yield from ("", checklist.title("prices", look))
    yield from checklist.facts(_prices(found.prices), look)
    if found.losses:
        yield from ("", checklist.title("losses", look))
        yield from checklist.losses(found.losses, look)
    if found.redactions:
        yield from ("", checklist.title("redacted", look))
        yield from checklist.facts({name: f"{count:,}" for name, count in found.redactions.items()}, look)
    if found.differences is not None:
        yield from ("", checklist.title("verify", look))
        yield from checklist.differences(found.differences, look)
        if not found.differences:
            yield "  every sum is what its records say"
    yield ""
    yield from checklist.verdict(found.problems, look)


def _place(found: Checkup) -> dict[str, str]:
    home = found.home
    if not home.exists:
        state = f"nothing is recorded there yet; {how_to_record()}" if home.usable else "cannot be used"
        return {"path": home.path, "state": state}
    journals = words.of_them(home.journals, "journal")
    return {
        "path": home.path,
        "journals": f"{words.size(home.journal_bytes)} in {journals}, {home.living:,} still written to",
        "store": words.size(home.store_bytes),
    }


def _is_on(found: Checkup) -> bool:
    return any(value.name == "fulltext" and value.value for value in found.settings)


def _words(texts: TextState, *, is_on: bool) -> dict[str, str]:
    """How the index of words stands."""
    if not texts.is_possible:
        return {"index": "none: this Python's SQLite has no FTS5; `flightlog search` looks at each step"}
    if not is_on:
        return {"index": "none: the setting fulltext is off; `flightlog search` looks at each step"}
    if texts.trouble:
        return {"index": f"damaged ({texts.trouble}); it is made anew by whoever indexes next"}
    if not texts.is_there:
        return {"index": "none yet; whoever indexes next makes it"}
    told = {"index": f"{words.of_them(texts.texts, 'text')}, {words.size(texts.bytes_on_disk)}"}
    if texts.rows_behind:
        told["behind"] = f"{words.of_them(texts.rows_behind, 'record')}, which a search looks at one by one"
    if texts.cut:
        told["cut"] = f"of {words.of_them(texts.cut, 'long text')} only the beginning is indexed"
    return told


def _prices(prices: Prices) -> dict[str, str]:
    told = {"source": f"{prices.source} {prices.version}, {prices.taken}"}
    if prices.is_stale:
        told["warning"] = (
            f"older than {STALE_DAYS} days; a newer Flightlog has newer ones, and the setting prices takes your own"
        )
    if prices.own is not None:
        told["own"] = f"{words.of_them(prices.own_prices, 'price')} of {prices.own}, before all others"
    return told


def _shown(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    is_size = isinstance(value, int) and name.endswith("_bytes")
    return f"{value} ({words.size(value)})" if is_size else str(value)
