"""Where the vectors of all windows are, noted anew from what is live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundtone.catalog.windows import digest

if TYPE_CHECKING:
    from groundtone.catalog import Catalog


def learn_places(catalog: Catalog) -> None:
    """Note it for a catalog that knows nothing of it: one of an earlier version, or after a
    rebuild."""
    for info in catalog.documents():
        document = catalog.stored(info.version)
        if document is not None:
            catalog.put_places(
                [
                    (
                        digest(chunk.embedded(document.text, number)),
                        (info.version, chunk.ordinal, number),
                    )
                    for chunk in document.chunks
                    for number in range(len(chunk.windows))
                ]
            )
