"""Whether a document that is known by its place, not found by a search, may be seen."""

from __future__ import annotations

from groundtone.catalog import DocumentInfo
from groundtone.index.attributes import attributes, moment
from groundtone.index.filters import Filter


def visible(limits: Filter, document: DocumentInfo, source: str) -> bool:
    """Whether a search under these limits could find the document.

    Args:
        source: path of its source, as the workspace knows it.
    """
    labels = attributes(document.path, source, document.media_type, document.metadata)
    return limits.allows(labels, moment(document.modified))
