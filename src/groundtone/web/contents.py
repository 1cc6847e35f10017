"""What a collection holds, as far as a visitor may see it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from groundtone.catalog import DocumentInfo, Source
from groundtone.web.layout import Visit
from groundtone.workspace import collections


@dataclass(frozen=True, slots=True)
class Contents:
    """What one collection holds that the visitor may see.

    Attributes:
        failed: (source, file, name inside it, reason).
        uploads: path of the folder where handed-in files are kept, as its source is remembered.
    """

    collection: str
    names: tuple[str, ...]
    sources: tuple[Source, ...]
    documents: tuple[DocumentInfo, ...]
    failed: tuple[tuple[Source, str, str, str], ...]
    uploads: Path


def contents(here: Visit, collection: str) -> Contents:
    """Look up a collection; one that the visitor may not see is as one that is not there."""
    workspace, sight = here.workspace, here.sight()
    names = here.collections()
    chosen = collection if collection in names else (names[0] if names else "")
    sources = [s for s in workspace.catalog.sources() if s.collection == chosen]
    documents = [d for s in sources for d in workspace.catalog.documents(s.id) if sight.allows(d)]
    failed = [
        (source, failure.path, name, reason)
        for source in sources
        for failure in workspace.catalog.failed_files(source.id).values()
        for name, reason in failure.reasons
        if here.visitor.groups is None  # of a file that was not read nobody knows the groups
    ]
    kept = collections.uploads(workspace, chosen) if chosen else workspace.state
    return Contents(chosen, tuple(names), tuple(sources), tuple(documents), tuple(failed), kept)
