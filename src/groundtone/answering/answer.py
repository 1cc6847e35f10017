"""What answering a question gives: the text, what supports each sentence, and what it cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from groundtone.documents.document import Box
from groundtone.retrieval import Passage


@dataclass(frozen=True, slots=True)
class Citation:
    """One answer sentence tied to a passage sentence that supports it.

    A sentence that rests on several passage sentences has as many citations, the strongest first.

    Attributes:
        marker: the label as shown in the answer.
        sentence: the answer sentence.
        document: path of the document under its source.
        title, section, page, box: where in the document; page and box are those of what is quoted.
        start, end: character span of the quote in the document's text.
        quote: exactly that slice of the document's text.
        score: support of the sentence in 0..1, see :func:`groundtone.support`.
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
class Verdict:
    """What the check found for one sentence that the model wrote.

    Attributes:
        sentence: without labels.
        support: 0..1, calibrated.
        supported: whether that is enough, and every figure stands in a cited passage.
    """

    sentence: str
    support: float
    supported: bool


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and money of one answer; ``cost_usd`` is 0 for local models."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cost_usd + other.cost_usd,
        )


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds spent; ``first_token`` counts from the question to the first piece of text.

    ``embed`` is the part of ``search`` that made the question's vector; ``check`` is what checking
    and attributing the sentences took.
    """

    embed: float = 0.0
    search: float = 0.0
    prompt: float = 0.0
    first_token: float = 0.0
    check: float = 0.0
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
        citations: in the order of the sentences; a sentence may have several.
        unsupported: sentences that no passage supports well enough.
        model: the model that wrote it; "" when nothing was generated.
        passages: what was retrieved, best first.
        searched: what was searched for: the question, or with what it follows in a conversation.
        evidence: how far the passages answer the question, 0..1; None when nothing was searched.
        verdicts: every sentence the model wrote, with what the check found.
        rescued: True when nothing the model wrote was supported and a passage is quoted instead.
        flagged: ranks of passages that hold orders to the model; those were not followed.
        forgotten: earlier turns of the conversation that no longer fit the memory.
        stopped: True when whoever asked stopped the model: ``text`` is what it had written, which
            nothing has checked.
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
    searched: str = ""
    evidence: float | None = None
    verdicts: tuple[Verdict, ...] = ()
    rescued: bool = False
    flagged: tuple[int, ...] = ()
    forgotten: int = 0
    stopped: bool = False

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
            "searched": self.searched,
            "evidence": self.evidence,
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
            "rescued": self.rescued,
            "flagged": list(self.flagged),
            "forgotten": self.forgotten,
            "stopped": self.stopped,
            "passages": [passage.to_json() for passage in self.passages],
        }
