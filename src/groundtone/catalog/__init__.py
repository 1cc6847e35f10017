"""What is known: sources, documents, chunks, models, runs, answers, in one SQL database.

The catalog is the truth; the index beside it can be built again from it and from the files.

Names that need the database are loaded when first used: the processes that read files only need
the plain values.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from groundtone.catalog.records import (
    DEFAULT_COLLECTION,
    DocumentInfo,
    FailedFile,
    FileState,
    FoundChunk,
    Key,
    NamedCollection,
    Place,
    Source,
    StoredChunk,
    StoredCollection,
    StoredDocument,
)

if TYPE_CHECKING:
    from groundtone.catalog.answers import StoredAnswer
    from groundtone.catalog.catalog import Catalog
    from groundtone.catalog.documents import Found
    from groundtone.catalog.files import StoredFile
    from groundtone.catalog.job_records import JobEvent, StoredJob
    from groundtone.catalog.keys import ApiKey
    from groundtone.catalog.models import Activation, StoredModel, StoredRun
    from groundtone.catalog.syncs import StoredSync

_HOMES = {
    "Catalog": "catalog",
    "Found": "documents",
    "Activation": "models",
    "JobEvent": "job_records",
    "ApiKey": "keys",
    "StoredAnswer": "answers",
    "StoredFile": "files",
    "StoredJob": "job_records",
    "StoredModel": "models",
    "StoredRun": "models",
    "StoredSync": "syncs",
}

__all__ = [
    "DEFAULT_COLLECTION",
    "Activation",
    "ApiKey",
    "Catalog",
    "DocumentInfo",
    "FailedFile",
    "FileState",
    "Found",
    "FoundChunk",
    "JobEvent",
    "Key",
    "NamedCollection",
    "Place",
    "Source",
    "StoredAnswer",
    "StoredChunk",
    "StoredCollection",
    "StoredDocument",
    "StoredFile",
    "StoredJob",
    "StoredModel",
    "StoredRun",
    "StoredSync",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'groundtone.catalog' has no attribute {name!r}")
    return getattr(importlib.import_module(f"groundtone.catalog.{_HOMES[name]}"), name)
