"""Documents to chunks: passages that stay inside one section, and windows an embedder can see.

A chunk is what is shown and cited, a window what is embedded and indexed. Windows together hold
all text of their chunk, so nothing lies beyond the embedder's limit.
"""

from groundtone.chunking.headings import section_label
from groundtone.chunking.passages import Chunk, Window, chunk
from groundtone.chunking.tokens import Encode

__all__ = ["Chunk", "Encode", "Window", "chunk", "section_label"]
