"""``/v1/embeddings``: texts to vectors, by the model that the workspace is searched with."""

from __future__ import annotations

import base64
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from groundtone.server import naming
from groundtone.server.auth import Principal, require
from groundtone.server.conversation import clean
from groundtone.server.errors import ApiError, documented, refused
from groundtone.server.serving import Serving
from groundtone.server.shapes.text import EmbeddingAnswer, EmbeddingRequest

router = APIRouter(tags=["embeddings"])

AT_ONCE = 32  # texts embedded before others get a turn


@router.post(
    "/v1/embeddings",
    responses={**documented(404), 200: {"model": EmbeddingAnswer}},
    response_model=None,
)
async def embeddings(
    request: Request,
    body: EmbeddingRequest,
    principal: Annotated[Principal, Depends(require("chat"))],
) -> JSONResponse:
    """Embed texts. Of a text that is longer than the model reads, its beginning counts."""
    serving: Serving = request.app.state.serving
    known = serving.workspace.settings.embedding.model
    if body.model != known:
        raise naming.unknown(body.model)
    texts = [clean(text) for text in ([body.input] if isinstance(body.input, str) else body.input)]
    if not all(text.strip() for text in texts):
        raise ApiError(400, "input: an empty text has no vector.", param="input")
    data: list[dict[str, Any]] = []
    tokens = 0
    as_text = body.encoding_format == "base64"
    for start in range(0, len(texts), AT_ONCE):
        vectors, read, dimensions = await serving.quick(
            _embedded, serving, texts[start : start + AT_ONCE], as_text
        )
        if body.dimensions not in (None, dimensions):
            raise refused("dimensions", f"{known} has {dimensions}, and cannot be cut")
        tokens += read
        data += [
            {"object": "embedding", "index": start + at, "embedding": vector}
            for at, vector in enumerate(vectors)
        ]
    serving.spent(principal.key_id, known, tokens, 0)
    return JSONResponse(
        {
            "object": "list",
            "model": known,
            "data": data,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


def _embedded(serving: Serving, texts: list[str], as_text: bool) -> tuple[list[Any], int, int]:
    """The vectors, the tokens read, and the dimensions; texts are cut to what the model reads."""
    embedder = serving.workspace.embedder
    read = 0
    cut = []
    for text in texts:
        spans = embedder.encode(text[: embedder.max_tokens * 32])[: embedder.max_tokens]
        read += len(spans)
        cut.append(text[: spans[-1][1]] if spans else text[:1])
    vectors = embedder.embed(cut)
    if as_text:
        made: list[Any] = [base64.b64encode(v.astype("<f4").tobytes()).decode() for v in vectors]
    else:
        made = [[float(value) for value in vector] for vector in vectors]
    return made, read, embedder.dimensions
