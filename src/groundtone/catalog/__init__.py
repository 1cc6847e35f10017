"""What is known: sources, documents, chunks, models, runs, answers, in one SQL database.

The catalog is the truth; the index beside it can be built again from it and from the files.
"""

from __future__ import annotations

from groundtone.catalog.documents import (
    DocumentInfo,
    Documents,
    FileState,
    Found,
    FoundChunk,
    Key,
    Source,
    StoredChunk,
    StoredDocument,
)
from groundtone.catalog.models import Activation, Models, StoredAnswer, StoredModel, StoredRun


class Catalog(Documents, Models):
    """All that a workspace knows; safe from many threads and processes at once.

    Args:
        where: path of an SQLite file, made if absent, or an SQLAlchemy URL.

    Raises:
        GroundtoneError: it is damaged, or was made by another version.
        Busy: another process held it locked for too long.
    """


__all__ = [
    "Activation",
    "Catalog",
    "DocumentInfo",
    "FileState",
    "Found",
    "FoundChunk",
    "Key",
    "Source",
    "StoredAnswer",
    "StoredChunk",
    "StoredDocument",
    "StoredModel",
    "StoredRun",
]
