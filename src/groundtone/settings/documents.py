"""The sections of ``groundtone.toml`` on documents: what is read, from where, and how it is cut."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from groundtone.settings.section import Count, Section


class Sync(Section):
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
        groups: who may see them: a list, or a text with commas between; wins over what a document
            says of itself.

    Any other name is an attribute too: a text, a number, a truth value, or a list of these.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    path: str
    groups: tuple[str, ...] | None = None

    @field_validator("groups", mode="before")
    @classmethod
    def _between_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name for one in value.split(",") if (name := one.strip()))
        return value

    def told(self) -> dict[str, Any]:
        """The attributes alone."""
        return self.model_dump(mode="json", exclude={"path"}, exclude_none=True)


class Web(Section):
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


class _Bucket(Section):
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


class Chunking(Section):
    """Sizes of passages and of the windows they are found by, in the embedder's tokens."""

    min_tokens: Count = 256
    max_tokens: Count = 1024
    window_tokens: Annotated[int, Field(ge=32)] = 128

    @model_validator(mode="after")
    def _ordered(self) -> Chunking:
        if self.max_tokens < 2 * self.min_tokens:
            raise ValueError("max_tokens must be at least twice min_tokens")
        return self


class CollectionSync(Section):
    """What one collection has otherwise than ``[sync]``; None: as there."""

    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] | None = None
    gitignore: bool | None = None
    max_bytes: Count | None = None


class CollectionChunking(Section):
    """What one collection has otherwise than ``[chunking]``; None: as there."""

    min_tokens: Count | None = None
    max_tokens: Count | None = None
    window_tokens: Annotated[int | None, Field(ge=32)] = None


class CollectionSettings(Section):
    """``[collections.NAME.sync]`` and ``[collections.NAME.chunking]``."""

    sync: CollectionSync = CollectionSync()
    chunking: CollectionChunking = CollectionChunking()
