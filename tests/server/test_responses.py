"""``/v1/responses`` through the official client."""

from __future__ import annotations

import asyncio

import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from tests.server.serving import Served
from tests.server.shape import check

ASK = "How do I reset my password?"
BASE = "smollm2-135m-instruct"
TOOL = {"type": "file_search", "vector_store_ids": ["vs_default"]}


def test_file_search_answers_with_citations(server: Served) -> None:
    body = {
        "model": BASE,
        "input": ASK,
        "tools": [TOOL],
        "include": ["file_search_call.results"],
    }
    with server.http("guides") as http:
        answer = check(Response, http.post("/v1/responses", json=body).json())
    search, message = answer.output
    assert search.type == "file_search_call" and message.type == "message"
    assert search.queries == [ASK] and search.results
    assert search.results[0].filename == "account-management-guide.md"
    part = message.content[0]
    assert part.annotations
    for annotation in part.annotations:
        assert annotation.type == "file_citation"
        assert annotation.file_id == search.results[0].file_id
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens


@pytest.mark.parametrize("body", [{"tools": [TOOL]}, {"max_output_tokens": 4, "temperature": 0}])
def test_a_stream_ends_in_the_whole_response(server: Served, body: dict) -> None:
    client = server.client()
    events = list(client.responses.create(model=BASE, input=ASK, stream=True, **body))
    for number, event in enumerate(events):
        check(ResponseStreamEvent, event.model_dump(exclude_unset=True))
        assert event.sequence_number == number
    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] in ("response.completed", "response.incomplete")
    assert ("response.file_search_call.completed" in kinds) == ("tools" in body)
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert text == events[-1].response.output_text
    assert (kinds[-1] == "response.incomplete") == ("max_output_tokens" in body)


def test_a_conversation_goes_on_and_the_async_client(server: Served) -> None:
    async def talk() -> Response:
        async with openai.AsyncOpenAI(base_url=server.url, api_key=server.keys["hr"]) as client:
            first = await client.responses.create(model="docs", input="When is the launch?")
            talk = [{"role": "user", "content": "When is the launch?"}]
            talk += [item.model_dump() for item in first.output]
            talk += [{"role": "user", "content": "Where is it?"}]
            return await client.responses.create(model="docs", input=talk)  # type: ignore[arg-type]

    answer = asyncio.run(talk())
    assert answer.output[0].queries[0].startswith("When is the launch?")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"tools": [{"type": "web_search"}]}, "tools.0"),
        ({"tools": [{"type": "file_search"}]}, "tools.0.vector_store_ids"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"input": [{"type": "function_call_output"}]}, "input.0"),
    ],
)
def test_what_cannot_be_followed_is_named(server: Served, change: dict, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        server.client().responses.create(**{"model": BASE, "input": ASK, **change})
    assert error.value.param == param


def test_a_foreign_store_does_not_exist(server: Served) -> None:
    tool = {"type": "file_search", "vector_store_ids": ["vs_secrets"]}
    with pytest.raises(openai.NotFoundError):
        server.client("guides").responses.create(model=BASE, input=ASK, tools=[tool])  # type: ignore[list-item]
