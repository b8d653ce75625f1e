"""What is recorded of a run, and what is imported of the same run from flujo's own file, say the same."""

from __future__ import annotations

import asyncio
import inspect

from flujo.domain.dsl import ConditionalStep
from flujo.state.backends.sqlite import SQLiteBackend
from flujo_kit import add, alone, broken, double, last_of, loop

from flightlog.configure import load_settings
from flightlog.home import Home
from flightlog.importing import import_documents


def tree(spans):
    """Of each run and each step directly in one: its name, status, and the name of what it stands in."""
    runs = {span.span_id: span.name for span in spans if span.kind == "workflow"}
    return sorted(
        (span.name, span.status, runs.get(span.parent_id, ""))
        for span in spans
        if span.span_id in runs or span.parent_id in runs
    )


def test_a_run_that_is_recorded_and_the_same_imported_agree(seen, runner, place):
    fork = ConditionalStep(
        name="fork", condition_callable=lambda *_: "a", branches={"a": alone(double), "b": alone(add)}
    )
    again = loop(alone(add), until=lambda last: last > 10)

    async def both():
        backend = SQLiteBackend(place / "flujo_ops.db")
        await last_of(runner(add >> fork >> again, "good", state_backend=backend).run_async(3))
        await last_of(runner(add >> broken, "bad", state_backend=backend).run_async(3))
        closed = getattr(backend, "close", lambda: None)()
        if inspect.isawaitable(closed):
            await closed

    asyncio.run(both())
    home = Home(place / "home", load_settings({"home": str(place / "home")}))
    skipped = []
    import_documents(home, [str(place / "flujo_ops.db")], bad=lambda *told: skipped.append(told))
    with home.reader() as reader:
        imported = [span for trace in reader.traces(10) for span in reader.spans(trace.trace_id)]
    assert skipped == []
    assert tree(imported) == tree(seen.spans)
    assert tree(imported) == [
        ("add", "ok", "bad"),
        ("add", "ok", "good"),
        ("bad", "error", ""),
        ("broken", "error", "bad"),
        ("fork", "ok", "good"),
        ("good", "ok", ""),
        ("loop", "ok", "good"),
    ]
