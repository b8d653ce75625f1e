"""A request through four programs (client, FastAPI, a Celery worker, a process fed by a queue): one tree."""

from __future__ import annotations

import subprocess
import sys
import time

TASKS = """
    import os
    from celery import Celery
    import flightlog as fl

    fl.instrument("celery")
    place = os.environ["CELERY_PLACE"]
    app = Celery("tasks")
    app.conf.update(
        broker_url="filesystem://",
        broker_transport_options={
            "data_folder_in": place + "/queue",
            "data_folder_out": place + "/queue",
            "control_folder": place + "/control",
        },
        task_ignore_result=True,
        worker_hijack_root_logger=False,
    )

    @app.task(name="shop.deliver")
    def deliver(item):
        with fl.span("pack"):
            pass

    if __name__ == "__main__":
        app.worker_main(["worker", "--pool=solo", "--loglevel=ERROR", "--without-gossip", "--without-mingle",
            "--without-heartbeat"])
"""

SERVER = """
    import asyncio, multiprocessing, socket, sys
    import uvicorn
    from fastapi import BackgroundTasks, FastAPI
    import flightlog as fl
    from flightlog.middleware import ASGIMiddleware
    from tasks import deliver

    app = FastAPI()
    app.add_middleware(ASGIMiddleware)
    queue = None

    def bill(waiting):
        for headers, item in iter(waiting.get, None):
            with fl.extract(headers), fl.span("bill", item=item):
                pass

    def mail():
        with fl.span("mail"):
            pass

    @app.post("/order/{item}")
    def order(item: str, afterwards: BackgroundTasks):
        with fl.span("take order"):
            deliver.delay(item)
            queue.put((fl.inject({}), item))
        afterwards.add_task(mail)
        return {"ordered": item}

    async def main():
        listening = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
        running = asyncio.create_task(server.serve([listening]))
        print(listening.getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)
        server.should_exit = True
        await running

    if __name__ == "__main__":
        spawning = multiprocessing.get_context("spawn")
        queue = spawning.Queue()
        biller = spawning.Process(target=bill, args=(queue,))
        biller.start()
        asyncio.run(main())
        queue.put(None)
        biller.join()
"""

CLIENT = """
    import sys
    import httpx
    import flightlog as fl

    with httpx.Client(trust_env=False) as client, fl.instrument(client), fl.span("shop"):
        for item in ("tea", "milk"):
            assert client.post(f"http://127.0.0.1:{sys.argv[1]}/order/{item}").json() == {"ordered": item}
"""

WANTED = {"shop": 1, "POST": 2, "POST /order/{item}": 2, "take order": 2, "mail": 2, "bill": 2, "pack": 2}


def test_a_request_its_background_task_its_celery_task_and_its_message_are_one_tree(bench, tmp_path):
    for name in ("queue", "control"):
        (tmp_path / name).mkdir()
    environment = bench.environment(CELERY_PLACE=str(tmp_path))
    tasks = bench.write(TASKS, "tasks.py")
    server = subprocess.Popen(
        [sys.executable, bench.write(SERVER, "server.py")],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    worker = subprocess.Popen([sys.executable, tasks], env=environment, cwd=tmp_path)
    with worker, server:
        try:
            bench.run(CLIENT, server.stdout.readline().strip())
            server.stdin.close()
            assert server.wait(60) == 0
            spans = _wait_for(bench)
        finally:
            server.kill()
            worker.terminate()
            worker.wait(60)
    (shop,) = spans["shop"]
    every = {span.span_id: span for found in spans.values() for span in found}
    assert {span.trace_id for span in every.values()} == {shop.trace_id}
    assert shop.parent_id == ""

    def above(span):
        return every[span.parent_id].name

    assert {above(span) for span in spans["POST"]} == {"shop"}
    assert {above(span) for span in spans["POST /order/{item}"]} == {"POST"}
    assert {above(span) for span in spans["take order"]} == {"POST /order/{item}"}
    assert {above(span) for span in spans["mail"]} == {"POST /order/{item}"}
    assert {above(span) for span in spans["bill"]} == {"take order"}
    assert {above(span) for span in spans["shop.deliver"]} == {"take order"}
    assert {above(span) for span in spans["pack"]} == {"shop.deliver"}
    assert len({span.parent_id for span in (*spans["bill"], *spans["take order"])}) == 4
    assert len({span.process_id for span in every.values()}) == 4


def _wait_for(bench):
    deadline = time.monotonic() + 60
    while True:
        spans = bench.spans()
        if all(len(spans.get(name, ())) >= count for name, count in WANTED.items()):
            return spans
        assert time.monotonic() < deadline, {name: len(some) for name, some in spans.items()}
        time.sleep(0.1)
