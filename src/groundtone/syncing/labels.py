"""Words that each window carries in the index, for searches that are limited to some of them."""

from __future__ import annotations

from groundtone.catalog.records import StoredDocument


def labels_of(document: StoredDocument) -> tuple[str, ...]:
    """``type=`` its media type, and ``path=`` its path and each folder above it."""
    parts = document.path.split("/")
    paths = ("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
    return (f"type={document.media_type}", *(f"path={path}" for path in paths))
