"""What a workspace can be told: ``groundtone.toml`` beside it, ``GROUNDTONE_*`` around it.

A variable names section and field with two underscores: ``GROUNDTONE_RETRIEVAL__K=8``. It wins over
the file, the file over the defaults here. Settings are checked once, when loaded; a wrong one is a
`SettingsError` that names the field and where it was written.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError, model_validator
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
from groundtone.settings.default_file import DEFAULT_FILE
from groundtone.settings.documents import (
    Attributes,
    AZSettings,
    Chunking,
    CollectionChunking,
    CollectionSettings,
    CollectionSync,
    GSSettings,
    S3Settings,
    Sync,
    Web,
)
from groundtone.settings.sections import (
    Answering,
    CatalogSettings,
    Chat,
    Embedding,
    IndexSettings,
    Retrieval,
    Scale,
    Server,
    Tuning,
)

__all__ = [
    "DEFAULT_FILE",
    "FILE_NAME",
    "PREFIX",
    "AZSettings",
    "Answering",
    "Attributes",
    "CatalogSettings",
    "Chat",
    "Chunking",
    "CollectionChunking",
    "CollectionSettings",
    "CollectionSync",
    "Embedding",
    "GSSettings",
    "IndexSettings",
    "Retrieval",
    "S3Settings",
    "Scale",
    "Server",
    "Settings",
    "Sync",
    "Tuning",
    "Web",
]

FILE_NAME = "groundtone.toml"
PREFIX = "GROUNDTONE_"


class Settings(BaseSettings):
    """All settings of one workspace; immutable."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    sync: Sync = Sync()
    attributes: tuple[Attributes, ...] = ()
    web: Web = Web()
    s3: S3Settings = S3Settings()
    gs: GSSettings = GSSettings()
    az: AZSettings = AZSettings()
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
