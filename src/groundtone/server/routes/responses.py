"""``/v1/responses``: answers, from vector stores by the tool ``file_search``."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError

from groundtone.answering.answer import Answer
from groundtone.chat import Completion
from groundtone.index.filters import Filter
from groundtone.server import citing, filtering, naming
from groundtone.server.auth import Principal, require
from groundtone.server.conversation import SEEDS, Options, asked, clean, messages_of, schema_of
from groundtone.server.errors import ApiError, documented, refused
from groundtone.server.naming import Target
from groundtone.server.routes.chat import PIECES, STREAM
from groundtone.server.serving import Serving
from groundtone.server.shapes.chat import ChatMessage
from groundtone.server.shapes.responses import FileSearchTool, ResponsesAnswer, ResponsesRequest
from groundtone.server.stores import StoreView
from groundtone.server.streaming import events, while_wanted
from groundtone.server.writing import Writer

router = APIRouter(tags=["responses"])
Event = dict[str, Any]

RESULTS = "file_search_call.results"


@router.post(
    "/v1/responses",
    responses={**documented(404, 504), 200: {"model": ResponsesAnswer, "content": STREAM}},
    response_model=None,
)
async def create_response(
    request: Request,
    body: ResponsesRequest,
    principal: Annotated[Principal, Depends(require("chat"))],
) -> Response:
    """Answer a text or a conversation. Nothing is kept: send the whole conversation each time."""
    serving: Serving = request.app.state.serving
    _check(body)
    target = await serving.quick(naming.named, serving.workspace, principal, body.model)
    tool = _tool(body)
    form = body.text.as_response_format() if body.text else None
    options = Options(
        max_tokens=body.max_output_tokens or serving.workspace.settings.chat.max_tokens,
        temperature=1.0 if body.temperature is None else body.temperature,
        seed=int((body.model_extra or {}).get("seed") or 0) % SEEDS,
        json_schema=schema_of(form),
    )
    writer = Writer(serving, principal, target)
    told = _Told(body, target)
    if tool is not None or target.documents:
        limits = await serving.quick(_limits, serving, principal, target, tool)
        question = asked(_messages(body))
        work = writer.answer(question, limits, options, schema=options.json_schema)
        if not body.stream:
            answer = await while_wanted(request, work)
            return JSONResponse(told.answered(answer))

        async def pieces() -> AsyncGenerator[Event, None]:
            answer = await work
            for event in told.answer_events(answer):
                yield event

        return await events(request, pieces(), named=True)
    messages = messages_of(_messages(body))
    if body.instructions:
        messages = [{"role": "system", "content": clean(body.instructions)}, *messages]
    written = told.plain_events(writer, messages, options)
    if body.stream:
        return await events(request, written, named=True)

    async def last() -> Event:
        async with aclosing(written):
            found = [event async for event in written]
        whole: Event = found[-1]["response"]
        return whole

    return JSONResponse(await while_wanted(request, last()))


def _check(body: ResponsesRequest) -> None:
    for name in ("previous_response_id", "conversation", "background"):
        if getattr(body, name):
            raise refused(name, "nothing is kept here: send the whole conversation")
    if body.top_p not in (None, 1.0) and not body.model.startswith(naming.DOCS):
        raise refused("top_p", "the model of this server cannot follow it")


def _tool(body: ResponsesRequest) -> FileSearchTool | None:
    tools = body.tools or []
    for number, one in enumerate(tools):
        if one.get("type") != "file_search":
            raise refused(f"tools.{number}", "the only tool here is file_search")
    if len(tools) > 1:
        raise refused("tools", "file_search may be named once, with several vector stores")
    if not tools or body.tool_choice == "none":
        return None
    try:
        tool = FileSearchTool.model_validate(tools[0])
    except ValidationError as error:
        place = ".".join(["tools", "0", *map(str, error.errors()[0]["loc"])])
        raise ApiError(400, f"{place}: {error.errors()[0]['msg']}.", param=place) from None
    if (tool.ranking_options or {}).get("score_threshold"):
        why = "what is no evidence is left out as the settings say"
        raise refused("tools.0.ranking_options", why)
    return tool


def _limits(
    serving: Serving, principal: Principal, target: Target, tool: FileSearchTool | None
) -> Filter:
    """What the answer may draw on: the stores that the tool names, or the model's collection."""
    workspace = serving.workspace
    if tool is None:
        return naming.limits(workspace, principal, target.collection)
    views = [StoreView(workspace, principal, id) for id in tool.vector_store_ids]
    names = [view.collection.name for view in views]
    if target.collection is not None:
        names = [name for name in names if name == target.collection]
    limits = workspace.limits(groups=principal.groups, collections=names)
    held = [file for view in views for file in view.files()] if tool.filters else []
    return filtering.limited(limits, held, tool.filters)


def _messages(body: ResponsesRequest) -> list[ChatMessage]:
    """The input as chat messages; what earlier answers brought along beside them is left out."""
    if isinstance(body.input, str):
        return [ChatMessage(role="user", content=body.input)]
    made = []
    for number, item in enumerate(body.input):
        kind = item.get("type", "message")
        if kind in ("file_search_call", "reasoning"):
            continue
        try:
            if kind != "message":
                raise ValueError(kind)
            told = {"role": item.get("role"), "content": item.get("content")}
            made.append(ChatMessage.model_validate(told))
        except ValueError:
            where = f"input.{number}"
            raise ApiError(400, f"{where}: this is no message.", param=where) from None
    if not made:
        raise ApiError(400, "input: there is no message.", param="input")
    return made


class _Told:
    """One response in the making: its head, its items, its events in their order."""

    def __init__(self, body: ResponsesRequest, target: Target) -> None:
        self._body = body
        self._id = f"resp_{uuid.uuid4().hex}"
        self._message = f"msg_{uuid.uuid4().hex}"
        self._search = f"fs_{uuid.uuid4().hex}"
        self._created = int(time.time())
        self._model = target.name
        self._number = -1

    # -- whole ------------------------------------------------------------------------------

    def answered(self, answer: Answer) -> Event:
        """An answer from documents."""
        message = self._item(answer.text, citing.file_annotations(answer))
        used = _usage(answer.usage.prompt_tokens, answer.usage.completion_tokens)
        made = self._response("completed", [self._searched(answer), message], used)
        return {**made, "refused": answer.refused}

    def _response(self, status: str, output: list[Event], used: Event | None = None) -> Event:
        body = self._body
        form = (body.text.format if body.text else None) or {"type": "text"}
        incomplete = {"reason": "max_output_tokens"} if status == "incomplete" else None
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "error": None,
            "incomplete_details": incomplete,
            "instructions": body.instructions,
            "metadata": body.metadata or {},
            "model": self._model,
            "output": output,
            "parallel_tool_calls": True,
            "temperature": body.temperature,
            "tool_choice": body.tool_choice or "auto",
            "tools": body.tools or [],
            "top_p": body.top_p,
            "max_output_tokens": body.max_output_tokens,
            "previous_response_id": None,
            "text": {"format": form},
            "usage": used,
        }

    def _item(self, text: str, annotations: list[Event], status: str = "completed") -> Event:
        return {
            "id": self._message,
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": [self._part(text, annotations)],
        }

    @staticmethod
    def _part(text: str, annotations: list[Event]) -> Event:
        return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}

    def _searched(self, answer: Answer) -> Event:
        results = None
        if RESULTS in (self._body.include or ()):
            results = citing.results(list(answer.passages))
        return {
            "id": self._search,
            "type": "file_search_call",
            "status": "completed",
            "queries": [answer.searched or answer.question],
            "results": results,
        }

    # -- as events --------------------------------------------------------------------------

    def answer_events(self, answer: Answer) -> list[Event]:
        """An answer from documents, as a stream."""
        search = self._searched(answer)
        begun = {**search, "status": "in_progress", "results": None}
        made = self._begun()
        made.append(self._event("output_item.added", output_index=0, item=begun))
        made += [
            self._event(f"file_search_call.{step}", output_index=0, item_id=self._search)
            for step in ("in_progress", "searching", "completed")
        ]
        made.append(self._event("output_item.done", output_index=0, item=search))
        made += self._opened(1)
        made += [self._delta(1, piece) for piece in PIECES.findall(answer.text)]
        annotations = citing.file_annotations(answer)
        made += [
            self._event(
                "output_text.annotation.added",
                **self._place(1),
                annotation_index=number,
                annotation=annotation,
            )
            for number, annotation in enumerate(annotations)
        ]
        made += self._closed(1, answer.text, annotations)
        made.append(self._event("completed", response=self.answered(answer)))
        return made

    async def plain_events(
        self, writer: Writer, messages: list[dict[str, str]], options: Options
    ) -> AsyncGenerator[Event, None]:
        """Plain chat, as a stream; its last event has the whole response."""
        text = ""
        async with aclosing(writer.plain(messages, options)) as written:
            begun = False
            async for piece in written:
                if not begun:
                    begun = True
                    for event in (*self._begun(), *self._opened(0)):
                        yield event
                if isinstance(piece, Completion):
                    whole = piece.finish != "length"
                    status = "completed" if whole else "incomplete"
                    for event in self._closed(0, text, [], status):
                        yield event
                    used = _usage(piece.prompt_tokens, piece.completion_tokens, piece.cached_tokens)
                    response = self._response(status, [self._item(text, [], status)], used)
                    yield self._event(status, response=response)
                else:
                    text += piece
                    yield self._delta(0, piece)

    def _begun(self) -> list[Event]:
        response = self._response("in_progress", [])
        return [self._event(name, response=response) for name in ("created", "in_progress")]

    def _opened(self, at: int) -> list[Event]:
        item = {**self._item("", [], "in_progress"), "content": []}
        return [
            self._event("output_item.added", output_index=at, item=item),
            self._event("content_part.added", **self._place(at), part=self._part("", [])),
        ]

    def _delta(self, at: int, piece: str) -> Event:
        return self._event("output_text.delta", **self._place(at), delta=piece, logprobs=[])

    def _closed(
        self, at: int, text: str, annotations: list[Event], status: str = "completed"
    ) -> list[Event]:
        part = self._part(text, annotations)
        item = self._item(text, annotations, status)
        return [
            self._event("output_text.done", **self._place(at), text=text, logprobs=[]),
            self._event("content_part.done", **self._place(at), part=part),
            self._event("output_item.done", output_index=at, item=item),
        ]

    def _place(self, at: int) -> Mapping[str, Any]:
        return {"item_id": self._message, "output_index": at, "content_index": 0}

    def _event(self, name: str, **fields: Any) -> Event:
        self._number += 1
        return {"type": f"response.{name}", "sequence_number": self._number, **fields}


def _usage(prompt: int, completion: int, cached: int = 0) -> Event:
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + completion,
    }
