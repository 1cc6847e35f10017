"""What a workspace can be told: ``groundtone.toml`` beside it, ``GROUNDTONE_*`` around it.

A variable names section and field with two underscores: ``GROUNDTONE_RETRIEVAL__K=8``. It wins over
the file, the file over the defaults here. Settings are checked once, when loaded; a wrong one is a
`SettingsError` that names the field and where it was written.
"""

from __future__ import annotations

import os
import string
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import (
    SettingsError as SourceError,
)

from groundtone.errors import SettingsError

FILE_NAME = "groundtone.toml"
PREFIX = "GROUNDTONE_"
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


class Buckets(_Section):
    """How sources that are buckets (``s3://``) are reached.

    Keys belong in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
    AWS_PROFILE) or in ``~/.aws``, not in the file.

    Attributes:
        endpoint: of a server that is not AWS's, such as ``https://minio.example.com:9000``; empty:
            AWS, or what AWS_ENDPOINT_URL says.
        region: of the buckets; empty: what AWS_REGION or ``~/.aws/config`` says.
        anonymous: whether no keys are used: for public buckets.
    """

    endpoint: str = ""
    region: str = ""
    anonymous: bool = False

    @field_validator("endpoint")
    @classmethod
    def _whole_address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError('must be empty, or as "https://host:9000"')
        return value.rstrip("/")


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
        url: of the store's server, or for Chroma the path of another folder; empty: embedded in
            the workspace. A password belongs in the environment (``GROUNDTONE_INDEX__URL``,
            PGPASSWORD, QDRANT_API_KEY, WEAVIATE_API_KEY, PINECONE_API_KEY), not in the file.
        collection: the index's name on a server.
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
    """

    k: Annotated[int, Field(ge=1, le=1000)] = 5
    candidates: Annotated[int, Field(ge=1, le=10_000)] = 100
    fusion: Literal["learned", "weighted", "ranks", "vectors", "words"] = "learned"
    dense_weight: Annotated[float, Field(ge=0, le=1)] = 0.2
    reranker: str = ""
    rerank: Annotated[int, Field(ge=1, le=1000)] = 20
    refuse_below: Annotated[float, Field(ge=-1, le=1)] = -1.0
    tuned: bool = True


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


class Settings(BaseSettings):
    """All settings of one workspace; immutable."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    sync: Sync = Sync()
    attributes: tuple[Attributes, ...] = ()
    web: Web = Web()
    s3: Buckets = Buckets()
    chunking: Chunking = Chunking()
    embedding: Embedding = Embedding()
    catalog: CatalogSettings = CatalogSettings()
    index: IndexSettings = IndexSettings()
    retrieval: Retrieval = Retrieval()
    chat: Chat = Chat()
    tuning: Tuning = Tuning()
    answer: Answering = Answering()
    server: Server = Server()
    scale: Scale = Scale()
    collections: dict[str, CollectionSettings] = {}

    @model_validator(mode="after")
    def _collections_are_whole(self) -> Settings:
        for name in self.collections:
            try:
                self.of(name)
            except ValidationError as error:
                fault = error.errors()[0]["msg"].removeprefix("Value error, ")
                raise ValueError(f"[collections.{name}.chunking]: {fault}") from None
        return self

    def of(self, collection: str) -> Settings:
        """The settings as they are for the documents of one collection."""
        told = self.collections.get(collection)
        if told is None:
            return self
        sync = {**self.sync.model_dump(), **told.sync.model_dump(exclude_none=True)}
        sizes = {**self.chunking.model_dump(), **told.chunking.model_dump(exclude_none=True)}
        return self.model_copy(update={"sync": Sync(**sync), "chunking": Chunking(**sizes)})

    def on(self, ray: str) -> Settings:
        """The same settings with another Ray cluster.

        Raises:
            SettingsError: that is no address of one.
        """
        try:
            scale = Scale(**{**self.scale.model_dump(), "ray": ray})
        except ValidationError as error:
            fault = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise SettingsError(f"{ray!r} is no Ray cluster: it {fault}.") from None
        return self.model_copy(update={"scale": scale})

    @classmethod
    def load(cls, workspace: Path) -> Settings:
        """Read the settings of the workspace folder; without a file, defaults and environment.

        Raises:
            SettingsError: the file is not TOML, or a value cannot be used.
        """
        path = workspace / FILE_NAME
        values = _read(path)
        try:
            return cls(**values)
        except SourceError as error:
            raise SettingsError(
                f"The {PREFIX}* environment cannot be read: {error}.",
                f"Correct it; a variable looks like {PREFIX}RETRIEVAL__K=8.",
            ) from None
        except ValidationError as error:
            raise SettingsError(*_explain(error, path)) from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment first: pydantic-settings would let the file's values (init) win."""
        assert isinstance(init_settings, InitSettingsSource)
        return env_settings, init_settings


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.", "Correct that line.") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from None


def _explain(error: ValidationError, path: Path) -> tuple[str, str]:
    """The first fault, with the place where its value was written."""
    fault = error.errors()[0]
    field = ".".join(str(part) for part in fault["loc"])
    variable = PREFIX + "__".join(str(part) for part in fault["loc"]).upper()
    given = next((name for name in os.environ if name.upper() == variable), None)
    place = f"the variable {given}" if given else str(path)
    what = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        return (
            f"{field} in {place} is not a setting.",
            "Remove it or correct its name; `groundtone init` writes a file with every name.",
        )
    shown = "" if isinstance(fault["input"], dict) else f" = {fault['input']!r}"
    return f"{field}{shown} in {place} cannot be used: {what}.", "Correct it and try again."


DEFAULT_FILE = """\
# Settings of this workspace. Lines that begin with "# name =" show the defaults;
# remove the "# " to change one. GROUNDTONE_SECTION__NAME in the environment wins.

[sync]
# include = []                 # globs; empty: every supported kind. "*.md", "guide/**"
# exclude = []                 # globs that win over include
# gitignore = true             # honour .gitignore files
# max_bytes = 100000000        # larger files are listed as failed
# read_seconds = 90            # so are files that take longer to read
# read_mb = 2048               # or need more megabytes of memory

[web]
# include = []                 # globs on the paths of pages in a sitemap: "guide/**"
# exclude = []                 # globs that win over include
# max_pages = 1000             # taken from one sitemap
# max_bytes = 20000000         # larger pages are listed as failed
# seconds = 30                 # for one page
# redirects = 5                # followed for one page
# delay = 0.2                  # seconds between two requests to one host
# allow_private = false        # reach private networks and this machine
# recheck = 900                # seconds between two looks of sync --watch

[s3]
# endpoint = ""                # of a server that is not AWS's: "https://host:9000"
# region = ""                  # empty: as AWS_REGION or ~/.aws/config says
# anonymous = false            # use no keys: for public buckets

[chunking]
# min_tokens = 256             # a passage, in tokens of the embedding model
# max_tokens = 1024
# window_tokens = 128          # what is embedded at once: finer parts of a passage

[embedding]
# model = "all-minilm-l6-v2"
# threads =                    # a number; not set: what the machine has

[catalog]
# url = ""                     # postgresql://user@host/database, shared by several machines

[index]
# store = "lancedb"            # or "chroma", "pgvector", "qdrant", "weaviate", "pinecone"
# url = ""                     # of the store's server; empty: embedded in this workspace
# collection = "groundtone"    # its name on a server

[retrieval]
# k = 5                        # passages for a question
# candidates = 100             # windows taken from each search before they are fused
# fusion = "learned"           # or "weighted", "ranks", "vectors", "words"
# dense_weight = 0.2           # of "weighted"; 0: only words, 1: only vectors
# reranker = ""                # folder of a cross-encoder, ONNX or Transformers
# rerank = 20                  # passages that it reads
# refuse_below = -1.0          # cosine of the best passage under which a question is refused;
#                              # -1 leaves it to evidence_below
# tuned = true                 # use what `groundtone tune retriever` put to use

[chat]
# model = "smollm2-135m-instruct"
# context_tokens = 4096
# max_tokens = 256             # longest answer
# threads =                    # a number; not set: what the machine has
# parallel =                   # answers written at once; not set: 1, or 4 by a remote server
# timeout = 120                # seconds without a byte from a remote server
# fleet = ""                   # servers that answer instead: "http://host:8000/v1#NAME"
# unproven = "refuse"          # a tuned model they serve otherwise than trained; or "local"
# aliases = []                 # further names of the base, for programs that ask for theirs

[tuning]
# processes = 1                # that train together on this machine
# launcher = ""                # or what starts them: "torchrun --nnodes 2 --nproc-per-node 8 …"

[answer]
# system = "You are a precise assistant. Answer from the documentation."
# label = "[{n}]"              # citation; may use {n} {title} {section} {document} {page}
# refusal = "The documents do not answer this question."
# passages = 3                 # passages shown to the chat model
# passage_tokens = 240         # room for one passage in the prompt
# check = "strict"             # sentences that no passage supports go; "mark" shows them; "off"
# checker = ""                 # a model that gives support: "nli:FOLDER", or "chat" to judge
# support_below = 0.5          # support (0 to 1) under which a sentence counts as unsupported
# mark = "[not in the documents]"
# retry = false                # strict: show the model what was dropped and ask once more
# rescue = "The documentation says: “{quote}”"   # strict, nothing supported; "" refuses
# evidence_below = 0.2         # evidence (0 to 1) under which a question is refused
# orders = "cut"               # text in documents that orders the model about; or "keep"
# history_tokens = 600         # how much of a conversation is remembered

[server]
# max_body_mb = 20             # of a request to `groundtone serve`
# max_upload_mb = 512          # of one that brings a file
# request_seconds = 600        # an answer that takes longer is cut off
# waiting = 256                # answers that may wait for their turn
# cors_origins = []            # web origins whose pages may call the API: "https://example.org"

[scale]
# ray = ""                     # a cluster that reads and embeds: "auto", "ray://host:10001"
# embedders =                  # a number; not set: one for each of its processors
# readers =                    # files read at a time; not set: as many as embedders

# What documents cannot say of themselves, by their paths; the table may be repeated:
#   [[attributes]]
#   path = "hr/**"             # glob under the source
#   groups = ["hr"]            # who may see them; other names can be asked for with --where

# What one collection (sync --collection NAME) has otherwise than [sync] and [chunking]:
#   [collections.NAME.sync]
#   include = ["*.md"]         # also exclude, gitignore, max_bytes
#   [collections.NAME.chunking]
#   max_tokens = 512           # also min_tokens, window_tokens
"""
"""What `groundtone init` writes."""
