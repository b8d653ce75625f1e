"""A rerun gives the package's callers what was recorded, in every way in which they ask, and makes no request."""

from __future__ import annotations

import asyncio
import json
import threading

import httpx
import openai
import pydantic
import pytest
from openai_kit import DONE, chunk
from provider_kit import TOOLS, USAGE, each, event, inside, now, user

from flightlog.core.content import keep_vectors
from flightlog.core.rerun import Stopped, answer_by
from flightlog.replay.answering import Replayer
from flightlog.replay.order import Files, Order
from flightlog.replay.tape import tape_of

NOWHERE = {"base_url": "http://127.0.0.1:9/v1", "api_key": "nobody", "max_retries": 0}
"""A client of which every request fails."""
COUNTED = {"include_usage": True}


class Again:
    """Recorded calls, given again; several reruns of one recording, one after the other."""

    def __init__(self, seen, directory) -> None:
        self._seen = seen
        self._directory = directory
        self._count = 0
        self._tape = []
        self.files = None

    def begin(self, **order):
        self._tape = self._tape or tape_of(self._seen.spans)
        self._count += 1
        directory = self._directory / str(self._count)
        directory.mkdir()
        self.files = Files(directory)
        self.files.prepare(Order("0" * 32, **order), self._tape)
        answer_by(Replayer(self.files, sees_to_the_end=False))

    def notes(self, sort):
        return [note for note in self.files.notes() if note.sort == sort]


@pytest.fixture
def again(seen, tmp_path):
    yield Again(seen, tmp_path)
    answer_by(None)


class Person(pydantic.BaseModel):
    name: str
    age: int


async def chat(client):
    return (await now(client.chat.completions.create(model="m", messages=user("hello")))).model_dump(
        exclude={"created"}
    )


async def tools(client):
    answer = await now(client.chat.completions.create(model="m", messages=user("weather"), tools=TOOLS))
    return [
        (call.id, call.function.name, call.function.arguments)
        for call in answer.choices[0].message.tool_calls
    ]


async def parsed(client):
    answer = await now(
        client.chat.completions.parse(model="m", messages=user("person"), response_format=Person)
    )
    return answer.choices[0].message.parsed


async def streamed(client):
    stream = await now(client.chat.completions.create(model="m", messages=user("hello"), stream=True))
    return "".join([item.choices[0].delta.content or "" async for item in each(stream) if item.choices])


async def streamed_tools(client):
    stream = await now(
        client.chat.completions.create(
            model="m", messages=user("weather"), tools=TOOLS, stream=True, stream_options=COUNTED
        )
    )
    names, arguments, usage, reasons = {}, {}, None, []
    async for item in each(stream):
        usage = item.usage or usage
        for choice in item.choices:
            reasons += [choice.finish_reason] if choice.finish_reason else []
            for call in choice.delta.tool_calls or ():
                names[call.index] = names.get(call.index, "") + (call.function.name or "")
                arguments[call.index] = arguments.get(call.index, "") + (call.function.arguments or "")
    return names, arguments, usage.prompt_tokens, usage.completion_tokens, reasons


async def helper(client):
    async with inside(client.chat.completions.stream(model="m", messages=user("hello"))) as stream:
        kinds = {item.type async for item in each(stream)}
        final = await now(stream.get_final_completion())
    return final.choices[0].message.content, "content.done" in kinds


async def raw(client):
    answer = await now(client.chat.completions.with_raw_response.create(model="m", messages=user("hello")))
    made = await now(answer.parse())
    return answer.status_code, made.choices[0].message.content


async def raw_stream(client):
    made = client.chat.completions.with_streaming_response.create(model="m", messages=user("hello"))
    async with inside(made) as answer:
        return (await now(answer.json()))["choices"][0]["message"]["content"]


async def respond(client):
    answer = await now(client.responses.create(model="gpt-5", input="respond", instructions="Be brief."))
    return answer.id, answer.output_text, answer.status, answer.usage.total_tokens


async def respond_parsed(client):
    answer = await now(client.responses.parse(model="gpt-5", input="person", text_format=Person))
    return answer.output_parsed


async def respond_streamed(client):
    stream = await now(client.responses.create(model="gpt-5", input="respond", stream=True))
    items = [item async for item in each(stream)]
    text = "".join(item.delta for item in items if item.type == "response.output_text.delta")
    return text, items[-1].type, items[-1].response.output_text, items[-1].response.id


async def respond_tools(client):
    flat = [{"type": "function", "strict": False, **tool["function"]} for tool in TOOLS]
    stream = await now(client.responses.create(model="gpt-5", input="weather", tools=flat, stream=True))
    items = [item async for item in each(stream)]
    done = [item for item in items if item.type == "response.function_call_arguments.done"]
    return [item.arguments for item in done], [item.name for item in items[-1].response.output]


async def respond_helper(client):
    async with inside(client.responses.stream(model="gpt-5", input="respond")) as stream:
        async for _ in each(stream):
            pass
        return (await now(stream.get_final_response())).output_text


async def refused(client):
    with pytest.raises(openai.APIStatusError) as caught:
        await now(client.chat.completions.create(model="m", messages=user("forbidden")))
    return type(caught.value), caught.value.status_code, str(caught.value)


async def too_often(client):
    with pytest.raises(openai.APIStatusError) as caught:
        await now(client.chat.completions.create(model="m", messages=user("hopeless")))
    return type(caught.value), caught.value.status_code, str(caught.value)


async def after_retries(client):
    made = client.with_options(max_retries=3)
    return (
        (await now(made.chat.completions.create(model="m", messages=user("flaky"))))
        .choices[0]
        .message.content
    )


SAYINGS = [
    chat,
    tools,
    parsed,
    streamed,
    streamed_tools,
    helper,
    raw,
    raw_stream,
    respond,
    respond_parsed,
    respond_streamed,
    respond_tools,
    respond_helper,
    refused,
    too_often,
    after_retries,
]


@pytest.mark.parametrize("say", SAYINGS, ids=lambda say: say.__name__)
def test_whatever_is_asked_is_answered_again_as_it_was_without_a_request(way, talk, seen, again, say):
    recorded = way.talk(talk.options(), say)
    requests = len(talk.served())
    for _ in range(2):
        again.begin()
        assert way.talk(NOWHERE, say) == recorded
        assert len(again.notes("served")) == 1
    assert len(talk.served()) == requests
    assert {span.status for span in seen.spans} == {seen.spans[0].status}


def test_a_request_that_got_no_answer_raises_the_same_again(way, seen, again):
    async def say(client):
        with pytest.raises(openai.APIConnectionError) as caught:
            await chat(client)
        return type(caught.value), str(caught.value)

    recorded = way.talk(NOWHERE, say)
    again.begin()
    assert way.talk(NOWHERE, say) == recorded
    assert again.notes("served")


def test_a_stream_that_broke_breaks_again_at_the_same_place(way, wire, seen, again):
    async def say(client):
        pieces = []
        with pytest.raises((openai.APIConnectionError, openai.APIError)) as caught:
            async for item in each(
                await now(client.chat.completions.create(model="m", messages=user("hi"), stream=True))
            ):
                pieces += [item.choices[0].delta.content or ""]
        return "".join(pieces), type(caught.value)

    wire.will_say(
        chunk({"role": "assistant"}), chunk({"content": "Half of "}), chunk({"content": "it"}), None
    )
    recorded = way.talk(wire.options(), say)
    assert recorded[0] == "Half of it"
    again.begin()
    assert way.talk(NOWHERE, say) == recorded


def test_a_stream_that_told_of_a_failure_tells_of_it_again(way, wire, seen, again):
    async def say(client):
        with pytest.raises(openai.APIError, match="overloaded") as caught:
            async for _ in each(
                await now(client.chat.completions.create(model="m", messages=user("hi"), stream=True))
            ):
                pass
        return type(caught.value), str(caught.value)

    wire.will_say(
        chunk({"content": "So"}), event({"error": {"message": "overloaded", "type": "server_error"}})
    )
    recorded = way.talk(wire.options(), say)
    again.begin()
    assert way.talk(NOWHERE, say) == recorded


def test_a_stream_that_the_program_closed_is_given_as_far_as_it_was_read(way, wire, seen, again):
    def reads(most):
        async def say(client):
            pieces = []
            stream = await now(client.chat.completions.create(model="m", messages=user("hi"), stream=True))
            async for item in each(stream):
                pieces += [item.choices[0].delta.content or ""]
                if "".join(pieces).endswith("Two") and not most:
                    break
            await now(stream.close())
            return "".join(pieces)

        return say

    goes_on = threading.Event()
    wire.will_say(
        chunk({"content": "One"}), chunk({"content": "Two"}), goes_on, chunk({"content": "Three"}), DONE
    )
    assert way.talk(wire.options(), reads(0)) == "OneTwo"
    goes_on.set()
    again.begin()
    assert way.talk(NOWHERE, reads(0)) == "OneTwo"
    again.begin()
    with pytest.raises(Stopped, match="ends here"):
        way.talk(NOWHERE, reads(9))
    assert again.notes("ran out")


def test_equal_questions_get_their_answers_in_order_and_no_more_of_them(way, wire, seen, again):
    async def say(client):
        made = client.chat.completions
        answers = [await now(made.create(model="m", messages=user("again?"))) for _ in range(3)]
        return [answer.choices[0].message.content for answer in answers]

    for number in range(3):
        wire.will_say(_whole(f"number {number}"), content_type="application/json")
    recorded = way.talk(wire.options(), say)
    assert recorded == ["number 0", "number 1", "number 2"]
    again.begin()
    assert way.talk(NOWHERE, say) == recorded
    with pytest.raises(Stopped, match="3 times when recorded, and now once more"):
        way.talk(NOWHERE, say)


def test_threads_that_ask_the_same_get_an_answer_each(wire, seen, again):
    def ask(client):
        return client.chat.completions.create(model="m", messages=user("same")).choices[0].message.content

    for number in range(8):
        wire.will_say(_whole(f"number {number}"), content_type="application/json")
    with openai.OpenAI(**wire.options()) as client:
        recorded = [ask(client) for _ in range(8)]
    again.begin()
    got = []
    with openai.OpenAI(**NOWHERE) as client:
        threads = [threading.Thread(target=lambda: got.append(ask(client))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(got) == sorted(recorded)


def test_tasks_that_ask_at_once_are_answered_at_once(wire, seen, again):
    async def ask(client, text):
        answer = await client.chat.completions.create(model="m", messages=user(text))
        return answer.choices[0].message.content

    async def main(options):
        async with openai.AsyncOpenAI(**options) as client:
            return await asyncio.gather(*(ask(client, f"q{number}") for number in range(5)))

    for _ in range(5):
        wire.will_say(_whole("yes"), content_type="application/json")
    recorded = asyncio.run(main(wire.options()))
    again.begin()
    assert asyncio.run(main(NOWHERE)) == recorded


def test_a_question_that_differs_ends_the_rerun_and_says_where(way, talk, seen, again):
    async def other(client):
        await now(client.chat.completions.create(model="m", messages=user("hello!"), temperature=0.5))

    way.talk(talk.options(), chat)
    again.begin()
    with pytest.raises(Stopped):
        way.talk(NOWHERE, other)
    (note,) = again.notes("diverged")
    assert [(change.path, change.recorded, change.now) for change in note.changes] == [
        ("$.input.messages[0].content", '"hello"', '"hello!"'),
        ('$.parameters["gen_ai.request.temperature"]', None, "0.5"),
    ]
    assert note.what == "chat (chat_completions)"
    assert ".py:" in note.at
    with pytest.raises(Stopped, match="ended before"):
        way.talk(NOWHERE, chat)


def test_a_loose_rerun_asks_the_provider_for_what_was_not_recorded(way, talk, seen, again, capsys):
    way.talk(talk.options(), chat)
    again.begin(strict=False)
    assert way.talk(talk.options(), tools)
    assert way.talk(NOWHERE, chat)
    assert [note.live for note in again.notes("diverged")] == [True]
    assert "asking anew" in capsys.readouterr().err


def test_an_answer_that_was_masked_is_refused_by_name(way, wire, seen, again):
    secret = "sk-" + "ant-" + "api03-" + "Ab1" * 20

    wire.will_say(_whole(f"the key is {secret}"), content_type="application/json")
    way.talk(wire.options(), chat)
    again.begin()
    with pytest.raises(Stopped, match="masked"):
        way.talk(NOWHERE, chat)
    (note,) = again.notes("refused")
    assert "$.output.messages[0].content" in note.reason


def test_an_answer_that_was_cut_is_refused_by_name(way, wire, seen, again):
    wire.will_say(_whole("long " * 200_000), content_type="application/json")
    way.talk(wire.options(), chat)
    again.begin()
    with pytest.raises(Stopped, match=r"cut when it was recorded: of output\.messages\.content"):
        way.talk(NOWHERE, chat)


def test_a_secret_in_a_question_is_the_same_masked_secret_on_both_sides(way, wire, seen, again):
    def ask(number):
        async def say(client):
            key = "sk-" + "ant-" + "api03-" + f"Ab{number}" * 20
            made = await now(client.chat.completions.create(model="m", messages=user(f"use {key}")))
            return made.choices[0].message.content

        return say

    wire.will_say(_whole("used"), content_type="application/json")
    way.talk(wire.options(), ask(1))
    again.begin()
    assert way.talk(NOWHERE, ask(2)) == "used"


def test_vectors_are_not_recorded_and_so_refused(way, talk, seen, again):
    async def say(client):
        return await now(client.embeddings.create(model="e", input="vector"))

    way.talk(talk.options(), say)
    again.begin()
    with pytest.raises(Stopped, match="vectors were not recorded"):
        way.talk(NOWHERE, say)


def test_a_client_of_the_program_s_own_and_azure_s_are_served_as_well(wire, seen, again):
    def say(kind, **options):
        with (
            httpx.Client() as http,
            kind(api_key="nobody", max_retries=0, http_client=http, **options) as client,
        ):
            answer = client.with_options(timeout=5).chat.completions.create(model="m", messages=user("hi"))
            return answer.choices[0].message.content

    for _ in range(2):
        wire.will_say(_whole("served"), content_type="application/json")
    azure = {"azure_endpoint": wire.url, "api_version": "2024-06-01"}
    assert say(openai.OpenAI, base_url=f"{wire.url}/v1") == say(openai.AzureOpenAI, **azure) == "served"
    again.begin()
    nowhere = {"azure_endpoint": "http://127.0.0.1:9", "api_version": "2024-06-01"}
    assert (
        say(openai.OpenAI, base_url="http://127.0.0.1:9/v1") == say(openai.AzureOpenAI, **nowhere) == "served"
    )


def test_what_leaves_no_record_is_not_asked_in_secret(way, talk, seen, again):
    async def say(client):
        await now(client.models.list())

    way.talk(talk.options(), chat)
    again.begin()
    with pytest.raises(Stopped, match="GET /models of the openai package"):
        way.talk(NOWHERE, say)


@pytest.mark.parametrize("vector", [[0.5, -0.25, 0.125], [0.1, 0.2, 1e-7]])
@pytest.mark.parametrize("more", [{}, {"encoding_format": "float"}], ids=str)
def test_vectors_that_are_kept_are_given_again(way, wire, seen, again, vector, more):
    async def say(client):
        answer = await now(client.embeddings.create(model="e", input=["a", "b"], **more))
        return [one.embedding for one in answer.data], answer.usage.prompt_tokens

    data = [{"object": "embedding", "index": at, "embedding": vector} for at in range(2)]
    body = {"object": "list", "model": "e", "data": data, "usage": {"prompt_tokens": 2, "total_tokens": 2}}
    wire.will_say(json.dumps(body).encode(), content_type="application/json")
    keep_vectors(True)
    try:
        recorded = way.talk(wire.options(), say)
    finally:
        keep_vectors(False)
    assert recorded == ([vector, vector], 2)
    again.begin()
    assert way.talk(NOWHERE, say) == recorded


def test_a_conversation_that_goes_on_with_what_was_given_is_known_again(way, talk, seen, again):
    async def say(client):
        messages = user("weather")
        made = client.chat.completions
        first = (await now(made.create(model="m", messages=messages, tools=TOOLS))).choices[0].message
        messages.append(first)
        messages += [
            {"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in first.tool_calls
        ]
        messages += user("hello")
        return (await now(made.create(model="m", messages=messages, tools=TOOLS))).choices[0].message.content

    recorded = way.talk(talk.options(), say)
    again.begin()
    assert way.talk(NOWHERE, say) == recorded
    assert len(again.notes("served")) == 2


def _whole(content):
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "served"}
    return json.dumps({**head, "choices": [choice], "usage": USAGE}).encode()
