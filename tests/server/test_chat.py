"""Chat and answers from documents, asked by real clients."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import struct
import subprocess

import openai
import pytest
from openai.types import Completion, CreateEmbeddingResponse, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from tests.server.serving import Served
from tests.server.shape import check

ASK = [{"role": "user", "content": "How do I reset my password?"}]
HI = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say hello."}]
BASE = "smollm2-135m-instruct"
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]


def raw(server: Served, path: str, body: dict, key: str = "admin") -> dict:
    with server.http(key) as http:
        answer = http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_model_named_docs_answers_with_its_sources(server: Served) -> None:
    whole = raw(server, "/v1/chat/completions", {"model": "docs:default", "messages": ASK})
    answer = check(ChatCompletion, whole)
    message = answer.choices[0].message
    assert answer.usage and answer.usage.total_tokens > 0
    assert message.annotations
    text = (server.folder / "guides" / "account-management-guide.md").read_text()
    assert len(message.annotations) == len(whole["citations"])
    cited = {(one["start"], one["end"]): one for one in whole["citations"]}
    for annotation in message.annotations:
        told = annotation.url_citation
        start, end = told.span  # type: ignore[attr-defined]
        citation = cited[start, end]
        assert told.url.endswith(f"?at={start}-{end}")
        assert text[start:end] == told.quote == citation["quote"]  # type: ignore[attr-defined]
        assert message.content[told.start_index : told.end_index] == citation["sentence"]
        assert citation["marker"] in message.content


def test_a_stream_says_the_same_as_the_whole_answer(server: Served) -> None:
    client = server.client("guides")
    # Asked before: a prompt read anew and one that is remembered may round differently.
    client.chat.completions.create(model="docs", messages=ASK)  # type: ignore[arg-type]
    whole = client.chat.completions.create(model="docs", messages=ASK)  # type: ignore[arg-type]
    pieces = list(
        client.chat.completions.create(
            model="docs", messages=ASK, stream=True, stream_options={"include_usage": True}
        )  # type: ignore[call-overload]
    )
    for piece in pieces:
        check(ChatCompletionChunk, piece.model_dump(exclude_unset=True))
    text = "".join(p.choices[0].delta.content or "" for p in pieces if p.choices)
    assert text == whole.choices[0].message.content
    assert pieces[-1].usage.total_tokens == whole.usage.total_tokens
    assert pieces[-2].choices[0].finish_reason == "stop"
    assert pieces[-2].citations == pieces[-1].citations == whole.citations
    assert pieces[-2].choices[0].delta.annotations


@pytest.mark.parametrize("model", ["docs", BASE])
@pytest.mark.parametrize("choice", [{}, {"tool_choice": "auto"}, {"tool_choice": "none"}])
def test_tools_that_may_be_left_are_left(server: Served, model: str, choice: dict) -> None:
    body = {"model": model, "messages": ASK, "max_tokens": 8, "tools": TOOLS, **choice}
    answer = check(ChatCompletion, raw(server, "/v1/chat/completions", body))
    assert answer.choices[0].message.content
    assert not answer.choices[0].message.tool_calls


def test_a_programs_errand_is_no_question_to_the_documents(server: Served) -> None:
    errand = (
        "### Task:\nGenerate a concise title.\n### Chat History:\n<chat_history>\n"
        "USER: How do I reset my password?\n</chat_history>"
    )
    before = server.logged()
    body = {"model": "docs", "messages": [{"role": "user", "content": errand}]}
    told = raw(server, "/v1/chat/completions", body)
    assert told["refused"] and told["usage"]["total_tokens"] == 0
    assert server.logged() == before
    raw(server, "/v1/chat/completions", {"model": "docs", "messages": ASK})
    assert server.logged() == before + 1


def test_a_follow_up_is_understood_and_a_foreign_question_refused(server: Served) -> None:
    talk = [*ASK, {"role": "assistant", "content": "Go to Settings."}]
    talk += [{"role": "user", "content": [{"type": "text", "text": "Why?"}]}]
    body = {"model": "docs", "messages": talk, "max_tokens": 16, "temperature": 0.1}
    assert check(ChatCompletion, raw(server, "/v1/chat/completions", body)).usage
    odd = [{"role": "user", "content": "Who won the chess championship of 1972?"}]
    refused = raw(server, "/v1/chat/completions", {"model": "docs", "messages": odd})
    assert refused["refused"] and refused["citations"] == []
    assert refused["choices"][0]["message"]["content"]


def test_plain_chat_is_seeded_stopped_and_counted(server: Served) -> None:
    body = {"model": BASE, "messages": HI, "max_tokens": 8, "temperature": 1.2, "seed": 7, "n": 2}
    whole = raw(server, "/v1/chat/completions", body)
    answer = check(ChatCompletion, whole)
    assert [choice.index for choice in answer.choices] == [0, 1]
    texts = [choice.message.content for choice in answer.choices]
    assert texts[0] != texts[1], "each answer has a seed of its own"
    assert answer.usage and 2 <= answer.usage.completion_tokens <= 16
    assert "citations" not in whole
    body |= {"temperature": 0, "n": 1}
    text = raw(server, "/v1/chat/completions", body)["choices"][0]["message"]["content"]
    cut = raw(server, "/v1/chat/completions", {**body, "stop": [text[2:4]]})["choices"][0]
    assert cut["message"]["content"] == text[:2]
    assert cut["finish_reason"] == "stop"


def test_an_answer_follows_a_schema(server: Served) -> None:
    schema = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "said", "schema": schema}}
    body = {"model": BASE, "messages": HI, "max_tokens": 24, "response_format": form}
    text = raw(server, "/v1/chat/completions", body)["choices"][0]["message"]["content"]
    assert isinstance(json.loads(text)["ok"], bool)


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"logprobs": True}, "logprobs"),
        ({"tools": TOOLS, "tool_choice": "required"}, "tools"),
        ({"model": "docs", "tools": TOOLS, "tool_choice": "required"}, "tools"),
        ({"model": "all-minilm-l6-v2"}, "model"),
        ({"presence_penalty": 1.0}, "presence_penalty"),
        ({"model": "docs", "n": 2}, "n"),
        ({"model": "docs", "stop": "x"}, "stop"),
        ({"temperature": 3}, "temperature"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages.0"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
    ],
)
def test_what_cannot_be_followed_is_named(server: Served, change: dict, param: str) -> None:
    with server.http() as http:
        answer = http.post("/v1/chat/completions", json={"model": BASE, "messages": HI, **change})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_wrong_requests_get_an_error_in_openais_shape(server: Served) -> None:
    client = server.client()
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="gpt-4o", messages=HI)  # type: ignore[arg-type]
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError, match="context"):
        client.chat.completions.create(
            model=BASE, messages=[{"role": "user", "content": "word " * 4000}], stream=True
        )
    with server.http() as http:
        for answer, status in (
            (http.post("/v1/chat/completions", content=b"{"), 400),
            (http.get("/v1/nothing"), 404),
            (http.get("/v1/chat/completions"), 405),
        ):
            assert answer.status_code == status
            assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
            assert answer.headers["x-request-id"].startswith("req_")


def test_the_async_client(server: Served) -> None:
    async def talk() -> list[str | None]:
        client = openai.AsyncOpenAI(base_url=server.url, api_key=server.keys["guides"])
        async with client:
            stream = await client.chat.completions.create(
                model=BASE,
                messages=HI,
                stream=True,
                max_tokens=4,  # type: ignore[arg-type]
            )
            return [piece.choices[0].finish_reason async for piece in stream]

    assert asyncio.run(talk())[-1] in ("length", "stop")


def test_completions(server: Served) -> None:
    body = {"model": BASE, "prompt": ["Say hello.", "Say bye."], "max_tokens": 4}
    raw(server, "/v1/completions", {**body, "temperature": 0})  # remembered from now on
    whole = check(Completion, raw(server, "/v1/completions", {**body, "temperature": 0}))
    assert [choice.index for choice in whole.choices] == [0, 1]
    pieces = list(server.client().completions.create(**body, temperature=0, stream=True))
    text = "".join(p.choices[0].text for p in pieces if p.choices[0].index == 0)
    assert text == whole.choices[0].text


def test_embeddings_in_both_forms(server: Served) -> None:
    body = {"model": "all-minilm-l6-v2", "input": ["reset my password", "a second text"]}
    whole = check(CreateEmbeddingResponse, raw(server, "/v1/embeddings", body))
    assert len(whole.data[0].embedding) == 384 and whole.usage.prompt_tokens > 4
    packed = raw(server, "/v1/embeddings", {**body, "encoding_format": "base64"})["data"][0]
    numbers = struct.unpack("<384f", base64.b64decode(packed["embedding"]))
    assert numbers == pytest.approx(whole.data[0].embedding, abs=1e-6)
    same = server.client().embeddings.create(model="all-minilm-l6-v2", input="reset my password")
    assert same.data[0].embedding == pytest.approx(whole.data[0].embedding, abs=1e-4)
    with pytest.raises(openai.BadRequestError, match="384"):
        server.client().embeddings.create(**body, dimensions=8)


def test_models(server: Served) -> None:
    client = server.client("guides")
    names = [check(Model, model.model_dump()).id for model in client.models.list()]
    assert names == ["docs", "docs:default", BASE, "all-minilm-l6-v2"]
    for name in (*names, f"docs:default+{BASE}"):
        assert client.models.retrieve(name).id == name
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("docs:secrets")


def test_langchain(server: Served) -> None:
    langchain = pytest.importorskip("langchain_openai")
    chat = langchain.ChatOpenAI(model="docs", base_url=server.url, api_key=server.keys["guides"])
    answer = chat.invoke("How do I reset my password?")
    assert answer.content and answer.usage_metadata["total_tokens"] > 0
    assert "".join(piece.content for piece in chat.stream("How do I reset my password?"))


def test_llama_index(server: Served) -> None:
    module = pytest.importorskip("llama_index.llms.openai_like")
    model = module.OpenAILike(
        model="docs",
        api_base=server.url,
        api_key=server.keys["guides"],
        is_chat_model=True,
        context_window=2048,
    )
    assert str(model.complete("How do I reset my password?"))


def test_curl(server: Served) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    done = subprocess.run(
        ["curl", "-sN", f"{server.url}/chat/completions",
         "-H", f"Authorization: Bearer {server.keys['guides']}",
         "-H", "Content-Type: application/json",
         "-d", json.dumps({"model": "docs", "messages": ASK, "stream": True})],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("data: ")]
    assert lines[-1] == "data: [DONE]"
    assert json.loads(lines[-2].removeprefix("data: "))["citations"]
