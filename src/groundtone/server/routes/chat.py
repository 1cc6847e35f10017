"""``/v1/chat/completions``: plain chat, and answers from documents with their sources."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from groundtone.answering.answer import Answer
from groundtone.chat import Completion
from groundtone.server import citing, naming
from groundtone.server.auth import Principal, require
from groundtone.server.conversation import (
    Options,
    asked,
    beyond,
    messages_of,
    not_followed,
    options_of,
)
from groundtone.server.errors import documented, refused
from groundtone.server.naming import Target
from groundtone.server.serving import Serving
from groundtone.server.shapes.chat import ChatAnswer, ChatRequest
from groundtone.server.streaming import events, while_wanted
from groundtone.server.writing import Writer, usage, usage_of

router = APIRouter(tags=["chat"])

PIECES = re.compile(r"\S+\s*|\s+")
STREAM: dict[str, Any] = {"text/event-stream": {"schema": {"type": "string"}}}


@router.post(
    "/v1/chat/completions",
    responses={**documented(404, 504), 200: {"model": ChatAnswer, "content": STREAM}},
    response_model=None,
)
async def chat_completions(
    request: Request,
    body: ChatRequest,
    principal: Annotated[Principal, Depends(require("chat"))],
) -> Response:
    """Answer a conversation, in one piece or, with `stream`, as it is written."""
    serving: Serving = request.app.state.serving
    target = await serving.quick(naming.named, serving.workspace, principal, body.model)
    writer = Writer(serving, principal, target)
    if target.documents:
        work = _from_documents(request, serving, principal, body, target, writer)
    elif beyond(body):
        work = _relayed(request, serving, body, target, writer)
    else:
        work = _plain(request, serving, body, target, writer)
    return await work


# -- plain chat ------------------------------------------------------------------------------


async def _plain(
    request: Request, serving: Serving, body: ChatRequest, target: Target, writer: Writer
) -> Response:
    messages = messages_of(body.messages)
    options = options_of(body, serving.workspace.settings.chat.max_tokens)
    count = body.n or 1
    if body.stream:
        told = bool(body.stream_options and body.stream_options.include_usage)
        return await events(
            request, _plain_pieces(writer, messages, options, count, target.name, told)
        )

    async def one(number: int) -> tuple[dict[str, Any], Completion]:
        text = ""
        async with aclosing(writer.plain(messages, options, number)) as written:
            async for event in written:
                if isinstance(event, Completion):
                    return _choice(number, text, event.finish), event
                text += event
        raise AssertionError("a stream ends with a Completion")

    async def all_written() -> list[tuple[dict[str, Any], Completion]]:
        return [await one(number) for number in range(count)]

    done = await while_wanted(request, all_written())
    first = done[0][1]
    completion = sum(each.completion_tokens for _, each in done)
    return JSONResponse(
        {
            **_head(target.name, "chat.completion"),
            "choices": [choice for choice, _ in done],
            "usage": usage(first.prompt_tokens, completion, first.cached_tokens),
        }
    )


async def _plain_pieces(
    writer: Writer,
    messages: list[dict[str, str]],
    options: Options,
    count: int,
    name: str,
    tell_usage: bool,
) -> AsyncGenerator[dict[str, Any], None]:
    head = _head(name, "chat.completion.chunk")
    prompt = completion = cached = 0
    for number in range(count):
        begun = False
        async with aclosing(writer.plain(messages, options, number)) as written:
            async for event in written:
                if not begun:
                    begun = True
                    yield _chunk(head, number, {"role": "assistant", "content": ""})
                if isinstance(event, Completion):
                    prompt, cached = event.prompt_tokens, event.cached_tokens
                    completion += event.completion_tokens
                    yield _chunk(head, number, {}, event.finish)
                else:
                    yield _chunk(head, number, {"content": event})
    if tell_usage:
        yield {**head, "choices": [], "usage": usage(prompt, completion, cached)}


async def _relayed(
    request: Request,
    serving: Serving,
    body: ChatRequest,
    target: Target,
    writer: Writer,
) -> Response:
    """Parameters that ours cannot follow go to an engine behind an API of its own, as they are."""
    engine = await serving.generations.run(lambda: serving.workspace.chat)
    if not hasattr(engine, "relay"):
        if wants := not_followed(body):
            raise refused(wants[0], "the model of this server cannot follow it")
        return await _plain(request, serving, body, target, writer)
    whole = body.model_dump(exclude_unset=True)
    pieces = writer.relayed(whole, stream=bool(body.stream))
    named = {"model": target.name}
    if body.stream:

        async def renamed() -> AsyncGenerator[dict[str, Any], None]:
            async with aclosing(pieces):
                async for piece in pieces:
                    yield {**piece, **named}

        return await events(request, renamed())

    async def one() -> dict[str, Any]:
        return await anext(pieces)

    return JSONResponse({**await while_wanted(request, one()), **named})


# -- answers from documents ------------------------------------------------------------------


async def _from_documents(
    request: Request,
    serving: Serving,
    principal: Principal,
    body: ChatRequest,
    target: Target,
    writer: Writer,
) -> Response:
    for name in not_followed(body):
        if name != "top_p":  # accepted like temperature: the likeliest words are taken
            raise refused(name, "answers from documents cannot follow it")
    if (body.n or 1) > 1:
        raise refused("n", "a question has one answer from documents")
    if body.stop:
        raise refused("stop", "answers from documents are checked whole")
    question = asked(body.messages)
    options = options_of(body, serving.workspace.settings.chat.max_tokens)
    limits = await serving.quick(naming.limits, serving.workspace, principal, target.collection)
    base = serving.workspace.settings.server.public_url or str(request.base_url)
    work = writer.answer(question, limits, options, schema=options.json_schema)
    if body.stream:
        told = bool(body.stream_options and body.stream_options.include_usage)

        async def pieces() -> AsyncGenerator[dict[str, Any], None]:
            answer = await work
            for piece in _answer_pieces(answer, target.name, base, told):
                yield piece

        return await events(request, pieces())
    answer = await while_wanted(request, work)
    message = {"annotations": citing.url_annotations(answer, base)}
    return JSONResponse(
        {
            **_head(target.name, "chat.completion"),
            "choices": [_choice(0, answer.text, "stop", **message)],
            "usage": usage_of(answer.usage),
            "citations": citing.citations(answer),
            "refused": answer.refused,
        }
    )


def _answer_pieces(answer: Answer, name: str, base: str, tell_usage: bool) -> list[dict[str, Any]]:
    """A checked answer as a stream; its sources come with the piece that ends it."""
    head = _head(name, "chat.completion.chunk")
    made = [_chunk(head, 0, {"role": "assistant", "content": ""})]
    made += [_chunk(head, 0, {"content": piece}) for piece in PIECES.findall(answer.text)]
    sources = {"annotations": citing.url_annotations(answer, base)}
    last = {"citations": citing.citations(answer), "refused": answer.refused}
    made.append({**_chunk(head, 0, sources, "stop"), **last})
    if tell_usage:
        made.append({**head, "choices": [], "usage": usage_of(answer.usage), **last})
    return made


# -- shapes ----------------------------------------------------------------------------------


def _head(name: str, kind: str) -> dict[str, Any]:
    id = f"chatcmpl-{uuid.uuid4().hex}"
    return {"id": id, "object": kind, "created": int(time.time()), "model": name}


def _choice(number: int, text: str, finish: str, **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "refusal": None, **more}
    return {"index": number, "message": message, "finish_reason": finish, "logprobs": None}


def _chunk(
    head: dict[str, Any], number: int, delta: dict[str, Any], finish: str | None = None
) -> dict[str, Any]:
    choice = {"index": number, "delta": delta, "finish_reason": finish, "logprobs": None}
    return {**head, "choices": [choice]}
