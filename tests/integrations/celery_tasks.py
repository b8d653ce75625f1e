"""A Celery application whose broker is a directory, for a producer and a worker that are programs of their own."""

from __future__ import annotations

import os
from pathlib import Path

from celery import Celery

import flightlog as fl

PLACE = Path(os.environ.get("CELERY_PLACE", "."))

app = Celery("tasks")
app.conf.update(
    broker_url="filesystem://",
    broker_transport_options={
        "data_folder_in": str(PLACE / "queue"),
        "data_folder_out": str(PLACE / "queue"),
        "control_folder": str(PLACE / "control"),
    },
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)


@app.task(name="shop.price")
def price(item):
    with fl.span("look up"):
        return {"item": item, "price": 7}


@app.task(name="shop.fails")
def fails():
    raise ValueError("sold out")


@app.task(name="shop.again", bind=True, max_retries=2, default_retry_delay=0)
def again(self):
    if self.request.retries < 1:
        raise self.retry(exc=ValueError("not yet"), countdown=0)
    return "done"


@app.task(name="shop.chain")
def chain():
    with fl.span("between"):
        price.delay("milk")
