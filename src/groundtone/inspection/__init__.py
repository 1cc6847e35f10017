"""A file to what was understood of it: outline, tables, chunks; as data and as a page."""

from groundtone.inspection.understanding import (
    Heading,
    Inspection,
    SeenChunk,
    SeenDocument,
    Table,
    inspect_file,
)

__all__ = ["Heading", "Inspection", "SeenChunk", "SeenDocument", "Table", "inspect_file"]
