"""``/v1/completions``: the older form of plain chat."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from groundtone.chat import Completion
from groundtone.server import naming
from groundtone.server.auth import Principal, require
from groundtone.server.conversation import SEEDS, Options, clean
from groundtone.server.errors import ApiError, documented, refused
from groundtone.server.routes.chat import STREAM
from groundtone.server.serving import Serving
from groundtone.server.shapes.text import CompletionAnswer, CompletionRequest
from groundtone.server.streaming import events, while_wanted
from groundtone.server.writing import Writer, usage

router = APIRouter(tags=["completions"])


@router.post(
    "/v1/completions",
    responses={**documented(404, 504), 200: {"model": CompletionAnswer, "content": STREAM}},
    response_model=None,
)
async def completions(
    request: Request,
    body: CompletionRequest,
    principal: Annotated[Principal, Depends(require("chat"))],
) -> Response:
    """Answer texts, each as the only message of a conversation."""
    serving: Serving = request.app.state.serving
    target = await serving.quick(naming.named, serving.workspace, principal, body.model)
    if target.documents:
        raise refused("model", "answers from documents are given by /v1/chat/completions")
    for name in ("echo", "suffix", "logprobs"):
        if getattr(body, name):
            raise refused(name, "the model of this server cannot follow it")
    if (body.best_of or 1) > 1:
        raise refused("best_of", "the model of this server cannot follow it")
    given = [body.prompt] if isinstance(body.prompt, str) else body.prompt
    prompts = [clean(text) for text in given]
    if not all(prompts):
        raise ApiError(400, "prompt: an empty text cannot be answered.", param="prompt")
    stop = [body.stop] if isinstance(body.stop, str) else body.stop or []
    options = Options(
        max_tokens=body.max_tokens or serving.workspace.settings.chat.max_tokens,
        temperature=1.0 if body.temperature is None else body.temperature,
        seed=(body.seed or 0) % SEEDS,
        stop=tuple(clean(text) for text in stop if text),
    )
    writer = Writer(serving, principal, target)
    tasks = [(prompt, number) for prompt in prompts for number in range(body.n or 1)]
    head = {
        "id": f"cmpl-{uuid.uuid4().hex}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": target.name,
    }
    if body.stream:
        told = bool(body.stream_options and body.stream_options.include_usage)
        return await events(request, _pieces(writer, options, tasks, head, told))
    return JSONResponse(await while_wanted(request, _whole(writer, options, tasks, head)))


async def _whole(
    writer: Writer, options: Options, tasks: list[tuple[str, int]], head: dict[str, Any]
) -> dict[str, Any]:
    texts: dict[int, str] = {}
    ends: dict[int, str] = {}
    told: dict[str, Any] = {}
    async for piece in _pieces(writer, options, tasks, head, True):
        told = piece.get("usage") or told
        for choice in piece["choices"]:
            index = choice["index"]
            texts[index] = texts.get(index, "") + choice["text"]
            ends[index] = choice["finish_reason"] or ends.get(index, "")
    choices = [_choice(index, texts[index], ends[index]) for index in sorted(texts)]
    return {**head, "choices": choices, "usage": told}


async def _pieces(
    writer: Writer,
    options: Options,
    tasks: list[tuple[str, int]],
    head: dict[str, Any],
    tell_usage: bool,
) -> AsyncGenerator[dict[str, Any], None]:
    prompt_tokens = completion_tokens = 0
    for index, (prompt, number) in enumerate(tasks):
        messages = [{"role": "user", "content": prompt}]
        async with aclosing(writer.plain(messages, options, number)) as written:
            async for event in written:
                if isinstance(event, Completion):
                    prompt_tokens += event.prompt_tokens if number == 0 else 0
                    completion_tokens += event.completion_tokens
                    yield {**head, "choices": [_choice(index, "", event.finish)]}
                else:
                    yield {**head, "choices": [_choice(index, event, None)]}
    if tell_usage:
        yield {**head, "choices": [], "usage": usage(prompt_tokens, completion_tokens)}


def _choice(index: int, text: str, finish: str | None) -> dict[str, Any]:
    return {"index": index, "text": text, "finish_reason": finish, "logprobs": None}
