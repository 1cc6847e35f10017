"""A question to passages: vectors and words searched, fused, looked up in the catalog, packed."""

from __future__ import annotations

from groundtone.retrieval.passage import Origin, Passage
from groundtone.retrieval.retriever import Retriever

__all__ = ["Origin", "Passage", "Retriever"]
