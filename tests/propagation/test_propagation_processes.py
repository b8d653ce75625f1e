"""Two real processes that talk over HTTP: one trace, in one home."""

from __future__ import annotations

import json
import subprocess
import sys

SERVER = """
    import asyncio, socket, sys
    import uvicorn
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse, StreamingResponse
    from starlette.routing import Route
    import flightlog as fl
    from flightlog.middleware import ASGIMiddleware

    async def price(request):
        with fl.span("look up", kind="db"):
            return JSONResponse({"price": 7})

    async def main():
        app = ASGIMiddleware(Starlette(routes=[Route("/price/{item}", price)]))
        listening = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
        running = asyncio.create_task(server.serve([listening]))
        print(listening.getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)
        server.should_exit = True
        await running

    asyncio.run(main())
"""

CLIENT = """
    import sys
    import httpx, requests
    import flightlog as fl

    fl.instrument("httpx", "requests")
    with fl.bind(session="s-1", user="ann"), fl.span("shop"):
        url = f"http://127.0.0.1:{sys.argv[1]}/price/tea"
        first = httpx.get(url, trust_env=False)
        second = requests.get(url)
    print(first.json() == second.json(), first.headers["x-correlation-id"] == second.headers["x-correlation-id"])
"""


def test_a_request_between_two_programs_is_one_trace(bench):
    server = subprocess.Popen(
        [sys.executable, bench.write(SERVER, "server.py")],
        env=bench.environment(FLIGHTLOG_BAGGAGE_KEYS="session"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with server:
        port = server.stdout.readline().strip()
        out = bench.run(CLIENT, port, FLIGHTLOG_BAGGAGE_KEYS="session")
        server.stdin.close()
        assert server.wait(30) == 0
    spans = bench.spans()
    (shop,) = spans["shop"]
    calls = {span.span_id: span for span in spans["GET"]}
    served = {span.span_id: span for span in spans["GET /price/{item}"]}
    assert out == "True True\n"
    assert {span.parent_id for span in calls.values()} == {shop.span_id}
    assert {span.parent_id for span in served.values()} == calls.keys()
    assert {span.parent_id for span in spans["look up"]} == served.keys()
    assert {span.trace_id for found in spans.values() for span in found} == {shop.trace_id}
    assert {span.context["session"] for span in spans["look up"]} == {"s-1"}
    assert all("user" not in span.context for span in spans["look up"]), "it is on nobody's list"


STEPS = """
    import sys
    import flightlog.steps as steps

    if sys.argv[1] == "first":
        trace = steps.ExecutionTrace("order-12").with_conversation(7, 2)
        with trace.step("Retrieval", "look up", {"q": "tea"}) as step:
            step.output = ["tea"]
        trace.save()
        print(trace.to_json(precise=True))
    else:
        trace = steps.ExecutionTrace.from_json(sys.stdin.read())
        with trace.step("LlmGeneration", "answer") as step:
            step.output = "hot"
        trace.save()
        trace.save()
        print(trace.to_json(precise=True))
"""


def _step(bench, part, text=""):
    program = bench.write(STEPS, "steps_program.py")
    done = subprocess.run(
        [sys.executable, program, part],
        env=bench.environment(),
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_a_trace_that_is_passed_whole_and_saved_by_both_is_one_without_doubles(bench):
    first = _step(bench, "first")
    second = _step(bench, "second", first)
    again = _step(bench, "second", second)
    spans = bench.spans()
    (root,) = spans["execution_trace"]
    assert {name: len(found) for name, found in spans.items()} == {
        "execution_trace": 1,
        "look up": 1,
        "answer": 2,
    }
    assert {span.parent_id for name in ("look up", "answer") for span in spans[name]} == {root.span_id}
    assert {span.trace_id for found in spans.values() for span in found} == {root.trace_id}
    assert root.end == max(span.end for span in spans["answer"]), "the root reaches to the last step"
    assert spans["look up"][0].output == ["tea"]
    assert again.count('"answer"') == 2


def test_a_trace_that_is_passed_in_milliseconds_is_one_as_well(bench):
    """Other services write whole milliseconds: the step that both saved is still one span."""
    first = _step(bench, "first")
    coarse = _step(bench, "second", _without_nanoseconds(first))
    assert coarse
    spans = bench.spans()
    assert {name: len(found) for name, found in spans.items()} == {
        "execution_trace": 1,
        "look up": 1,
        "answer": 1,
    }
    assert spans["look up"][0].output == ["tea"]


def _without_nanoseconds(text):
    document = json.loads(text)
    for step in document["steps"]:
        del step["start_time_ns"], step["duration_ns"]
    return json.dumps(document)
