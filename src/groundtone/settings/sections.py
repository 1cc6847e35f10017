"""The other sections of ``groundtone.toml``: models, stores, searches, answers and serving.

What each setting is, its default and its bounds.
"""

from __future__ import annotations

import string
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from groundtone.settings.section import Count, Section

LABEL_FIELDS = frozenset({"n", "title", "section", "document", "page"})
Threads = Annotated[int | None, Field(ge=1)]


class Embedding(Section):
    """The model that turns text into vectors. ``threads``: None takes what the machine has."""

    model: str = "all-minilm-l6-v2"
    threads: Threads = None


class CatalogSettings(Section):
    """Where the catalog is kept.

    Attributes:
        url: of a PostgreSQL database that several machines share, one for each workspace
            (``postgresql://user@host/name``); a password belongs in the environment
            (``GROUNDTONE_CATALOG__URL``, PGPASSWORD), not in the file. Empty: a file in the
            workspace.
    """

    url: str = ""


class IndexSettings(Section):
    """Where windows and vectors are stored; docs/stores.md says which store when.

    Attributes:
        store: ``lancedb``, ``chroma``, ``pgvector``, ``qdrant``, ``weaviate`` or ``pinecone``.
        url: of the store's server, for LanceDB of a bucket (``s3://BUCKET/PREFIX``), or for Chroma
            the path of another folder; empty: embedded in the workspace. A password belongs in the
            environment (``GROUNDTONE_INDEX__URL``, PGPASSWORD, QDRANT_API_KEY, WEAVIATE_API_KEY,
            PINECONE_API_KEY), not in the file.
        collection: the index's name on a server or in a bucket.
    """

    store: str = "lancedb"
    url: str = ""
    collection: str = "groundtone"


class Retrieval(Section):
    """How passages are chosen for a question; the measurements are in docs/retrieval.md.

    Attributes:
        k: passages for a question.
        candidates: windows taken from each of the two searches before they are fused.
        fusion: how the two searches become one order: ``learned`` (a model of features of both,
            fitted on questions of several fields), ``weighted`` (the sum of scaled scores),
            ``ranks`` (reciprocal ranks), ``vectors`` or ``words`` (one search alone).
        dense_weight: share of the vector score under ``weighted``, 0 (only words) to 1 (only
            vectors).
        reranker: folder of a cross-encoder that reads the best passages again; empty: none.
        rerank: how many it reads.
        refuse_below: a question whose best passage has a lower vector similarity (cosine, -1 to
            1) is refused whatever ``[answer] evidence_below`` says; -1 leaves it to that.
        tuned: whether what ``tune retriever`` put to use is used.
        processes: that make the searches of many callers, beside the one that is asked; 0: it
            makes them itself.
    """

    k: Annotated[int, Field(ge=1, le=1000)] = 5
    candidates: Annotated[int, Field(ge=1, le=10_000)] = 100
    fusion: Literal["learned", "weighted", "ranks", "vectors", "words"] = "learned"
    dense_weight: Annotated[float, Field(ge=0, le=1)] = 0.2
    reranker: str = ""
    rerank: Annotated[int, Field(ge=1, le=1000)] = 20
    refuse_below: Annotated[float, Field(ge=-1, le=1)] = -1.0
    tuned: bool = True
    processes: Annotated[int, Field(ge=0, le=64)] = 0


class Chat(Section):
    """The model that writes answers, and its limits in its own tokens.

    Attributes:
        aliases: other names that programs may call ``model`` by, such as the one of a hosted model
            that stands in their code.
        parallel: requests worked on at once; None: 1 for a local model, 4 for a remote one. Above 1
            llama.cpp writes answers together, faster, but none is reproducible any more.
        timeout: seconds without a byte after which a remote server counts as stalled.
        fleet: servers that answer in place of this machine (``http://host:8000/v1#NAME``, NAME
            being what ``model`` is called there), each tuned model by its name; see
            docs/scale.md. Their key is in GROUNDTONE_API_KEY. Empty: this machine answers.
        unproven: what is done about a tuned model that the fleet does not serve as it was trained:
            ``refuse``, or answer on this machine (``local``).
    """

    model: str = "smollm2-135m-instruct"
    aliases: tuple[str, ...] = ()
    context_tokens: Annotated[int, Field(ge=256)] = 4096
    max_tokens: Count = 256
    threads: Threads = None
    parallel: Count | None = None
    timeout: Annotated[float, Field(gt=0)] = 120
    fleet: str = ""
    unproven: Literal["refuse", "local"] = "refuse"

    @field_validator("fleet")
    @classmethod
    def _whole_address(cls, value: str) -> str:
        url, _, name = value.partition("#")
        if value and not (url.startswith(("http://", "https://")) and name):
            raise ValueError('must be empty, or as "http://host:8000/v1#NAME"')
        return value


class Tuning(Section):
    """On how many processes a model is tuned; docs/tuning.md has what that changes.

    Attributes:
        processes: that train together on this machine, each reading a share of every batch.
        launcher: the command that starts the processes in place of that, such as
            ``torchrun --nnodes 2 --nproc-per-node 8 …`` or ``accelerate launch``; what it starts is
            ``-m groundtone.tuning.child FOLDER``.
    """

    processes: Count = 1
    launcher: str = ""


class Answering(Section):
    """How an answer is asked for, checked and shown.

    Attributes:
        system: the voice of the base model; a tuned model is asked with the one it was trained on.
        label: citation label; may use {n}, {title}, {section}, {document}, {page}. With {n} it
            follows each sentence, without it closes the answer.
        refusal: what is said when the documents do not answer the question.
        passages: passages shown to the model.
        passage_tokens: room for one passage in the prompt, in the chat model's tokens.
        check: ``strict`` drops sentences that no passage supports and figures that stand in none;
            ``mark`` shows them, marked; ``off`` shows what the model wrote.
        checker: what gives a sentence its support: empty for the fitted score; ``nli:FOLDER`` for
            an NLI or HHEM-type cross-encoder in a folder (under the workspace, or absolute);
            ``chat`` for the chat model as a judge.
        support_below: support (0 to 1) under which a sentence counts as unsupported.
        mark: what follows an unsupported sentence where ``check`` is ``mark``.
        retry: with ``strict``, a model whose sentence was dropped is shown it and asked once more.
        rescue: with ``strict``, what is said when nothing was supported but the passages hold an
            answer; must use {quote}. Empty: the question is refused.
        evidence_below: a question for which the passages give less evidence (0 to 1) is refused;
            0 never refuses.
        orders: text in documents that gives the model orders is left out of the prompt (``cut``)
            or shown like any other (``keep``).
        history_tokens: how much of a conversation is remembered, in the chat model's tokens.
    """

    system: str = "You are a precise assistant. Answer from the documentation."
    label: str = "[{n}]"
    refusal: str = "The documents do not answer this question."
    passages: Count = 3
    passage_tokens: Annotated[int, Field(ge=32)] = 240
    check: Literal["strict", "mark", "off"] = "strict"
    checker: str = ""
    support_below: Annotated[float, Field(ge=0, le=1)] = 0.5
    mark: str = "[not in the documents]"
    retry: bool = False
    rescue: str = "The documentation says: “{quote}”"
    evidence_below: Annotated[float, Field(ge=0, le=1)] = 0.2
    orders: Literal["cut", "keep"] = "cut"
    history_tokens: Annotated[int, Field(ge=0)] = 600

    @model_validator(mode="before")
    @classmethod
    def _renamed(cls, values: Any) -> Any:
        if isinstance(values, dict) and "unsupported" in values:
            was = {"drop": "strict", "mark": "mark"}.get(str(values["unsupported"]), "strict")
            raise ValueError(f'unsupported is called check now: write check = "{was}" instead')
        return values

    @field_validator("checker")
    @classmethod
    def _known_checker(cls, value: str) -> str:
        if value in ("", "chat") or value.removeprefix("nli:").strip() not in ("", value.strip()):
            return value
        raise ValueError('must be empty, "chat", or "nli:FOLDER"')

    @field_validator("rescue")
    @classmethod
    def _quotes(cls, value: str) -> str:
        try:
            used = {name for _, name, _, _ in string.Formatter().parse(value) if name is not None}
        except ValueError as error:
            raise ValueError(f"is no valid template: {error}") from None
        if value and used != {"quote"}:
            raise ValueError("must use {quote}, and nothing else in braces; or be empty")
        return value

    @field_validator("label")
    @classmethod
    def _known_fields(cls, value: str) -> str:
        try:
            parts = list(string.Formatter().parse(value))
        except ValueError as error:
            raise ValueError(f"is no valid template: {error}") from None
        used = {name for _, name, _, _ in parts if name is not None}
        if unknown := sorted(used - LABEL_FIELDS):
            known = ", ".join(f"{{{name}}}" for name in sorted(LABEL_FIELDS))
            raise ValueError(f"uses unknown {{{unknown[0]}}}; it may use {known}")
        return value


class Server(Section):
    """Limits of `groundtone serve`.

    Attributes:
        max_body_mb, max_upload_mb: megabytes of a request, and of one that brings a file.
        request_seconds: an answer that takes longer is cut off.
        waiting: answers that may wait for their turn; more are refused with status 503.
        public_url: where people reach the pages, if not where programs reach the API: links in
            citations begin with it. Empty: the address that a request came to.
        cors_origins: web origins whose pages may call the API from a browser; none by default.
    """

    max_body_mb: Count = 20
    max_upload_mb: Count = 512
    request_seconds: Annotated[float, Field(gt=0)] = 600
    waiting: Annotated[int, Field(ge=0)] = 256
    public_url: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    cors_origins: tuple[str, ...] = ()


class Scale(Section):
    """Where the work of a sync is done.

    Attributes:
        ray: a Ray cluster that reads and embeds: ``auto`` (the one that runs here, or that
            RAY_ADDRESS names), ``ray://HOST:PORT`` or ``HOST:PORT``. Empty: this machine alone.
        embedders: how many models are opened on it, of ``[embedding] threads`` (there 1 by
            default) each; None: as many as its processors take.
        readers: how many files are read on it at a time; None: one for each embedder.
    """

    ray: str = ""
    embedders: Annotated[int | None, Field(ge=1)] = None
    readers: Annotated[int | None, Field(ge=1)] = None

    @field_validator("ray")
    @classmethod
    def _known_place(cls, value: str) -> str:
        host, colon, port = value.removeprefix("ray://").rpartition(":")
        if value in ("", "auto") or (host and colon and port.isdecimal()):
            return value
        raise ValueError('must be empty, "auto", "ray://HOST:PORT" or "HOST:PORT"')
