"""What a search returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from groundtone.documents.document import Box
from groundtone.documents.spots import Spot, spot_at


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a passage's score comes from.

    Attributes:
        dense_rank, lexical_rank: place among what each search found, from 1; None if it was not
            found there.
        parts: what each part of the rule of fusion adds to the fused score, by name.
        fused: the fused score.
        reranked: the re-ranker's score, 0 to 1; None without one, or beyond what it was shown.
        tuned: name of the tuned retriever that found it; None without one.
    """

    dense_rank: int | None
    lexical_rank: int | None
    parts: Mapping[str, float] = field(default_factory=dict)
    fused: float = 0.0
    reranked: float | None = None
    tuned: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The shape that ``search --explain --json`` prints."""
        return {
            "dense_rank": self.dense_rank,
            "lexical_rank": self.lexical_rank,
            "parts": dict(self.parts),
            "fused": self.fused,
            "reranked": self.reranked,
            "tuned": self.tuned,
        }


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk found for a question.

    Attributes:
        rank: from 1.
        text: the chunk's text, exactly ``[start:end]`` of the document's text.
        score: the score by which passages are ordered, 0 to 1 for one question.
        document: its file's path under its source.
        title, section, headings: where it stands; see `chunking.Chunk`.
        page, box: where its best window stands: the page, and a box around its blocks there.
        version, chunk: its place in the catalog.
        window: span in the document's text of the window that matched best.
        shown: spans in the document's text of the parts worth showing, in order: every window
            nearly as near to the question as the nearest of all, and `window`; see `showing`.
        spots: where each of its blocks stands, in formats that have pages.
        dense: best cosine of its windows with the question; None if it is not known.
        lexical: best BM25 score of its windows; None if no word is shared.
        origin: where the score comes from; None for a passage that was not searched for.
    """

    rank: int
    text: str
    score: float
    document: str
    title: str
    section: str
    headings: tuple[str, ...]
    page: int | None
    start: int
    end: int
    box: Box | None
    version: str
    chunk: int
    window: tuple[int, int]
    dense: float | None
    lexical: float | None
    origin: Origin | None = None
    shown: tuple[tuple[int, int], ...] = ()
    spots: tuple[Spot, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def place(self, start: int, end: int) -> tuple[int | None, Box | None]:
        """Page and box of what stands at a span of the document's text, such as a quote's."""
        return spot_at(self.spots, start, end) or (self.page, self.box)

    @property
    def pages(self) -> frozenset[int]:
        """All pages that it reaches over."""
        known = {spot.page for spot in self.spots}
        return frozenset(known if self.page is None else known | {self.page})

    @property
    def excerpt(self) -> str:
        """The text of the parts worth showing, with " … " for what is left out between them."""
        spans = self.shown or ((self.start, self.end),)
        parts = [self.text[start - self.start : end - self.start] for start, end in spans]
        return " … ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """The shape that ``search --json`` prints."""
        return {
            "rank": self.rank,
            "document": self.document,
            "title": self.title,
            "section": self.section,
            "headings": list(self.headings),
            "page": self.page,
            "start": self.start,
            "end": self.end,
            "box": self.box,
            "text": self.text,
            "shown": [list(span) for span in self.shown],
            "score": self.score,
            "dense": self.dense,
            "lexical": self.lexical,
            "version": self.version,
        }
