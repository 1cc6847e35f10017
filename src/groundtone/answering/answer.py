"""What answering a question gives: the text, what supports each sentence, and what it cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from groundtone.documents.document import Box
from groundtone.retrieval import Passage


@dataclass(frozen=True, slots=True)
class Citation:
    """One answer sentence tied to the passage sentence that supports it.

    Attributes:
        marker: the label as shown in the answer.
        sentence: the answer sentence.
        document: path of the document under its source.
        title, section, page, box: where in the document.
        start, end: character span of the quote in the document's text.
        quote: exactly that slice of the document's text.
        score: support in 0..1, see :func:`groundtone.answering.attribution.support`.
        passage: rank (from 1) of the passage the quote stands in.
    """

    marker: str
    sentence: str
    document: str
    title: str
    section: str
    page: int | None
    box: Box | None
    start: int
    end: int
    quote: str
    score: float
    passage: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and money of one answer; ``cost_usd`` is 0 for local models."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds spent; ``first_token`` counts from the question to the first piece of text."""

    search: float = 0.0
    prompt: float = 0.0
    first_token: float = 0.0
    total: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose every statement can be looked up.

    Attributes:
        question: as asked.
        text: the answer as shown, labels included.
        bare_text: the same without labels.
        refused: True when the documents do not answer the question; ``text`` says so.
        sentences: the sentences of ``bare_text``.
        citations: at most one per sentence, in the order of the sentences.
        unsupported: sentences that no passage supports well enough.
        model: the model that wrote it; "" when nothing was generated.
        passages: what was retrieved, best first.
    """

    question: str
    text: str
    bare_text: str
    refused: bool
    sentences: tuple[str, ...]
    citations: tuple[Citation, ...]
    unsupported: tuple[str, ...]
    model: str
    usage: Usage = field(default_factory=Usage)
    timings: Timings = field(default_factory=Timings)
    passages: tuple[Passage, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the shape that ``ask --json`` prints."""
        return {
            "answer": self.text,
            "refused": self.refused,
            "citations": [asdict(citation) for citation in self.citations],
            "unsupported": list(self.unsupported),
            "model": self.model,
            "usage": asdict(self.usage),
            "timings_ms": asdict(self.timings),
            "passages": [passage.to_json() for passage in self.passages],
        }
