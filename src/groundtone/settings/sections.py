"""The sections of ``groundtone.toml``: what each setting is, its default and its bounds."""

from __future__ import annotations

import string
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

LABEL_FIELDS = frozenset({"n", "title", "section", "document", "page"})
Count = Annotated[int, Field(ge=1)]
Threads = Annotated[int | None, Field(ge=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sync(_Section):
    """Which files of a source are read.

    Attributes:
        include: globs on the path under the source (``**`` crosses folders); empty: every file of
            a supported kind.
        exclude: globs that win over ``include``.
        gitignore: whether ``.gitignore`` files are honoured; ``.groundtoneignore`` files always
            are.
        max_bytes: larger files are listed as failed, not read.
        read_seconds: a file that takes longer to read is listed as failed; a large one may take two
            seconds more for each megabyte, and any file four times as long where the machine is
            busy with other work.
        read_mb: so is one that needs more memory than this many megabytes.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    gitignore: bool = True
    max_bytes: Count = 100_000_000
    read_seconds: Annotated[float, Field(gt=0)] = 90
    read_mb: Annotated[int, Field(ge=64)] = 2048


class Attributes(BaseModel):
    """What is said of documents that cannot say it themselves; one ``[[attributes]]`` table.

    Attributes:
        path: glob on the path under the source.
        groups: who may see them; wins over what a document says of itself.

    Any other name is an attribute too: a text, a number, a truth value, or a list of these.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    path: str
    groups: tuple[str, ...] | None = None

    def told(self) -> dict[str, Any]:
        """The attributes alone."""
        return self.model_dump(mode="json", exclude={"path"}, exclude_none=True)


class Web(_Section):
    """Limits for sources that are web addresses.

    Attributes:
        include: globs on the path of a page that a sitemap lists; empty: all of them.
        exclude: globs that win over ``include``.
        max_pages: pages taken from one sitemap.
        max_bytes: larger pages are listed as failed; counts what was unpacked.
        seconds: time for one page, redirects included.
        redirects: followed for one page.
        delay: seconds between two requests to one host; robots.txt may ask for more.
        allow_private: whether addresses of private networks and of this machine may be reached.
        recheck: seconds after which ``sync --watch`` looks at the pages again.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_pages: Count = 1000
    max_bytes: Count = 20_000_000
    seconds: Annotated[float, Field(gt=0)] = 30
    redirects: Annotated[int, Field(ge=0, le=20)] = 5
    delay: Annotated[float, Field(ge=0)] = 0.2
    allow_private: bool = False
    recheck: Annotated[float, Field(ge=1)] = 900


class _Bucket(_Section):
    endpoint: str = ""

    @field_validator("endpoint")
    @classmethod
    def _whole_address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError('must be empty, or as "https://host:9000"')
        return value.rstrip("/")


class S3Settings(_Bucket):
    """How buckets (``s3://``) are reached.

    Keys belong in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
    AWS_PROFILE) or in ``~/.aws``, not in the file.

    Attributes:
        endpoint: of a server that is not AWS's, such as ``https://minio.example.com:9000``; empty:
            AWS, or what AWS_ENDPOINT_URL says.
        region: of the buckets; empty: what AWS_REGION or ``~/.aws/config`` says.
        anonymous: whether no keys are used: for public buckets.
    """

    region: str = ""
    anonymous: bool = False


class GSSettings(_Bucket):
    """How buckets of Google Cloud Storage (``gs://``) are reached.

    Keys are in the file that GOOGLE_APPLICATION_CREDENTIALS names, or where ``gcloud`` puts them.

    Attributes:
        endpoint: of a server that is not Google's; empty: Google.
        anonymous: whether no keys are used: for public buckets.
    """

    anonymous: bool = False


class AZSettings(_Bucket):
    """How containers of Azure Blob Storage (``az://``) are reached.

    Keys belong in the environment (AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN,
    AZURE_STORAGE_CONNECTION_STRING, or AZURE_CLIENT_ID and its like), not in the file.

    Attributes:
        account: that has the containers; empty: what AZURE_STORAGE_ACCOUNT says.
        endpoint: of a server that is not Azure's, where the account is part of the path; empty:
            Azure.
    """

    account: str = ""


class Chunking(_Section):
    """Sizes of passages and of the windows they are found by, in the embedder's tokens."""

    min_tokens: Count = 256
    max_tokens: Count = 1024
    window_tokens: Annotated[int, Field(ge=32)] = 128

    @model_validator(mode="after")
    def _ordered(self) -> Chunking:
        if self.max_tokens < 2 * self.min_tokens:
            raise ValueError("max_tokens must be at least twice min_tokens")
        return self


class CollectionSync(_Section):
    """What one collection has otherwise than ``[sync]``; None: as there."""

    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] | None = None
    gitignore: bool | None = None
    max_bytes: Count | None = None


class CollectionChunking(_Section):
    """What one collection has otherwise than ``[chunking]``; None: as there."""

    min_tokens: Count | None = None
    max_tokens: Count | None = None
    window_tokens: Annotated[int | None, Field(ge=32)] = None


class CollectionSettings(_Section):
    """``[collections.NAME.sync]`` and ``[collections.NAME.chunking]``."""

    sync: CollectionSync = CollectionSync()
    chunking: CollectionChunking = CollectionChunking()


class Embedding(_Section):
    """The model that turns text into vectors. ``threads``: None takes what the machine has."""

    model: str = "all-minilm-l6-v2"
    threads: Threads = None


class CatalogSettings(_Section):
    """Where the catalog is kept.

    Attributes:
        url: of a PostgreSQL database that several machines share, one for each workspace
            (``postgresql://user@host/name``); a password belongs in the environment
            (``GROUNDTONE_CATALOG__URL``, PGPASSWORD), not in the file. Empty: a file in the
            workspace.
    """

    url: str = ""


class IndexSettings(_Section):
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


class Retrieval(_Section):
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


class Chat(_Section):
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


class Tuning(_Section):
    """On how many processes a model is tuned; docs/tuning.md has what that changes.

    Attributes:
        processes: that train together on this machine, each reading a share of every batch.
        launcher: the command that starts the processes in place of that, such as
            ``torchrun --nnodes 2 --nproc-per-node 8 …`` or ``accelerate launch``; what it starts is
            ``-m groundtone.tuning.child FOLDER``.
    """

    processes: Count = 1
    launcher: str = ""


class Answering(_Section):
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


class Server(_Section):
    """Limits of `groundtone serve`.

    Attributes:
        max_body_mb, max_upload_mb: megabytes of a request, and of one that brings a file.
        request_seconds: an answer that takes longer is cut off.
        waiting: answers that may wait for their turn; more are refused with status 429.
        cors_origins: web origins whose pages may call the API from a browser; none by default.
    """

    max_body_mb: Count = 20
    max_upload_mb: Count = 512
    request_seconds: Annotated[float, Field(gt=0)] = 600
    waiting: Annotated[int, Field(ge=0)] = 256
    cors_origins: tuple[str, ...] = ()


class Scale(_Section):
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
