"""Celery tasks: sent by one program, run by a worker that is another, through a broker that is a directory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import celery
import pytest
from celery_tasks import again, app, fails, price

import flightlog as fl
from flightlog.configure import load_settings
from flightlog.home import Home

HERE = Path(__file__).parent
SENDER = """
import flightlog as fl
fl.instrument("celery")
import celery_tasks
with fl.bind(correlation_id="order-12"), fl.span("sender"):
    celery_tasks.price.delay("tea")
    celery_tasks.again.delay()
    celery_tasks.chain.delay()
with fl.span("after"):
    celery_tasks.fails.delay()
"""
WORKER = """
import sys
import flightlog as fl
fl.instrument("celery")
import celery_tasks
celery_tasks.app.worker_main(["worker", "--pool=" + sys.argv[1], "--concurrency=1", "--loglevel=ERROR",
    "--without-gossip", "--without-mingle", "--without-heartbeat", *sys.argv[2:]])
"""


@pytest.fixture
def seen():
    app.conf.task_always_eager = True
    with fl.instrument("celery"), fl.capture() as captured:
        yield captured
    app.conf.task_always_eager = False


def test_a_task_is_a_span_under_the_one_that_runs_it(seen):
    with fl.span("outer") as outer:
        assert price.delay("tea").get() == {"item": "tea", "price": 7}
        assert fl.current() is outer
    (task,) = (span for span in seen.spans if span.name == "shop.price")
    (inner,) = (span for span in seen.spans if span.name == "look up")
    assert (task.parent_id, inner.parent_id) == (outer.span_id, task.span_id)
    assert (task.input, task.output) == (
        {"args": ["tea"], "kwargs": {}},
        {"item": "tea", "price": 7},
    )
    assert task.attributes["messaging.system"] == "celery"
    assert task.attributes["celery.state"] == "SUCCESS"


def test_a_task_that_fails_is_an_error_with_its_stack(seen):
    with pytest.raises(ValueError, match="sold out"):
        fails.delay().get()
    (task,) = seen.spans
    assert (task.status, task.error.type, task.error.message) == ("error", "ValueError", "sold out")
    assert "raise ValueError" in task.error.stack


def test_a_task_that_is_tried_again_says_so(seen):
    assert again.delay().get() == "done"
    events = [(event.name, event.attributes["attempt"]) for event in seen.events if event.name == "retry"]
    assert events == [("retry", 1)]
    assert [span.name for span in seen.spans] == ["shop.again"] * 2


def test_without_us_nothing_is_recorded_and_nothing_sent():
    app.conf.task_always_eager = True
    try:
        with fl.instrument("celery"), fl.instrument("celery"):
            pass
        with fl.capture() as seen:
            price.delay("tea")
    finally:
        app.conf.task_always_eager = False
    assert [span.name for span in seen.spans] == ["look up"]
    assert all(
        "flightlog" not in str(signal.receivers)
        for signal in (celery.signals.before_task_publish, celery.signals.task_prerun)
    )


def _spans(home):
    opened = Home(home, load_settings({"home": str(home)}))
    opened.catch_up(within=60)
    with opened.reader() as reader:
        return [span for trace in reader.traces(1000) for span in reader.spans(trace.trace_id)]


@pytest.mark.parametrize("pool", [["solo"], ["prefork", "--max-tasks-per-child=1"]], ids=["solo", "prefork"])
def test_a_worker_s_tasks_belong_to_the_span_that_sent_them(tmp_path, pool):
    home = tmp_path / "home"
    (tmp_path / "queue").mkdir()
    (tmp_path / "control").mkdir()
    kept = {key: value for key, value in os.environ.items() if not key.startswith("FLIGHTLOG_")}
    env = {
        **kept,
        "FLIGHTLOG_HOME": str(home),
        "CELERY_PLACE": str(tmp_path),
        "PYTHONPATH": str(HERE),
    }
    subprocess.run([sys.executable, "-c", SENDER], env=env, cwd=tmp_path, check=True, timeout=60)
    with subprocess.Popen([sys.executable, "-c", WORKER, *pool], env=env, cwd=tmp_path) as worker:
        try:
            spans = _wait_for(home, {"shop.price": 2, "shop.fails": 1, "shop.again": 2, "shop.chain": 1})
        finally:
            worker.terminate()
            worker.wait(30)
    (sender,), (after,) = spans["sender"], spans["after"]
    (between,) = spans["between"]
    first, second = sorted(spans["shop.price"], key=lambda span: span.start)
    assert first.parent_id == sender.span_id
    assert second.parent_id == between.span_id
    assert spans["shop.chain"][0].parent_id == sender.span_id
    assert spans["shop.fails"][0].parent_id == after.span_id
    assert spans["shop.fails"][0].status == "error"
    assert {span.trace_id for span in (first, second, between, *spans["shop.again"])} == {sender.trace_id}
    assert first.context == second.context == {"correlation_id": "order-12"}
    assert len(spans["look up"]) == 2


def _wait_for(home, wanted):
    deadline = time.monotonic() + 60
    while True:
        found = {}
        for span in _spans(home):
            if span.status != "running":
                found.setdefault(span.name, []).append(span)
        if all(len(found.get(name, ())) >= count for name, count in wanted.items()):
            return found
        assert time.monotonic() < deadline, {name: len(some) for name, some in found.items()}
        time.sleep(0.1)


@pytest.mark.parametrize("before", [8, 20, 39])
def test_what_a_retry_is_for_is_redacted_before_it_is_cut(seen, before):
    token = "ghp" + "_" + "a1B2c3D4" * 5

    @app.task(name=f"shop.unlucky {before}", bind=True, max_retries=1, default_retry_delay=0)
    def unlucky(self):
        if not self.request.retries:
            raise self.retry(
                exc=ValueError("w" * (200 - 27 - before) + " " + token + " z" * 3000), countdown=0
            )

    unlucky.delay()
    (event,) = (event for event in seen.events if event.name == "retry")
    assert len(event.attributes["reason"]) <= 200
    assert token[:8] not in event.attributes["reason"]
