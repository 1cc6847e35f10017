"""An answer as the ledger keeps it, made ready to be shown: sentences, sources, marks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from groundtone.web.sources import Cited

SURE = 0.8  # support from which a sentence counts as well supported


@dataclass(frozen=True, slots=True)
class Reference:
    """One numbered source of an answer: a passage that at least one sentence rests on."""

    number: int
    title: str
    where: str
    cited: Cited
    quote: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an answer.

    Attributes:
        support: 0 to 1; None where nothing was checked.
        references: what it rests on, each with the place in the document.
    """

    text: str
    support: float | None
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """An answer to be shown.

    Attributes:
        sources: each passage that is cited, once, in the order of the answer.
        left_out: sentences the model wrote that nothing supports, and that are not shown.
        nearest: what was found all the same, for a question that was refused.
    """

    sentences: tuple[Sentence, ...]
    sources: tuple[Reference, ...]
    left_out: tuple[str, ...]
    nearest: tuple[Reference, ...]


def read(answer: Mapping[str, Any]) -> Read:
    """An answer's JSON (see `Answer.to_json`) as sentences with numbered sources."""
    passages = {p["rank"]: p for p in answer["passages"]}
    numbers: dict[int, int] = {}
    by_sentence: dict[str, list[Reference]] = {}
    for citation in answer["citations"]:
        rank = citation["passage"]
        number = numbers.setdefault(rank, len(numbers) + 1)
        reference = _reference(number, citation, passages.get(rank))
        by_sentence.setdefault(citation["sentence"], []).append(reference)
    support = {v["sentence"]: v["support"] for v in answer["verdicts"]}
    shown = _shown(answer, list(by_sentence))
    sentences = tuple(
        Sentence(text, support.get(text), tuple(by_sentence.get(text, ()))) for text in shown
    )
    first: dict[int, Reference] = {}
    for references in by_sentence.values():
        for reference in references:
            first.setdefault(reference.number, reference)
    said = set(shown)
    nearest = [_found(n, p) for n, p in enumerate(answer["passages"][:3], start=1)]
    return Read(
        sentences,
        tuple(first.values()),
        tuple(text for text in answer["unsupported"] if text not in said),
        tuple(nearest) if answer["refused"] else (),
    )


def plain(read: Read) -> str:
    """The answer as text, its sources numbered below."""
    parts = []
    for sentence in read.sentences:
        marks = "".join(f"[{n}]" for n in dict.fromkeys(r.number for r in sentence.references))
        parts.append(f"{sentence.text} {marks}".strip())
    text = " ".join(parts)
    notes = [f"[{one.number}] {one.title}{one.where and ', ' + one.where}" for one in read.sources]
    return text + ("\n\n" + "\n".join(notes) if notes else "")


def _shown(answer: Mapping[str, Any], cited: list[str]) -> list[str]:
    if answer["refused"] or answer.get("stopped"):
        return [answer["answer"]]
    if answer["rescued"]:
        return cited
    text = answer["answer"]
    verdicts = [v["sentence"] for v in answer["verdicts"] if v["sentence"] in text]
    return verdicts or cited or [text]


def _reference(
    number: int, citation: Mapping[str, Any], passage: Mapping[str, Any] | None
) -> Reference:
    box = citation["box"]
    return Reference(
        number,
        citation["title"] or citation["document"],
        _where(citation),
        Cited(
            str(passage.get("version", "")) if passage else "",
            citation["start"],
            citation["end"],
            citation["page"],
            tuple(box) if box else None,
            citation["quote"],
        ),
        citation["quote"],
    )


def _found(number: int, passage: Mapping[str, Any]) -> Reference:
    start, end = passage["shown"][0] if passage["shown"] else (passage["start"], passage["end"])
    text = passage["text"][start - passage["start"] : end - passage["start"]]
    box = passage["box"]
    cited = Cited(
        str(passage.get("version", "")),
        start,
        end,
        passage["page"],
        tuple(box) if box else None,
        text,
    )
    title = passage["title"] or passage["document"]
    return Reference(number, title, _where(passage), cited, text)


def _where(place: Mapping[str, Any]) -> str:
    section = place["section"]
    parts = [f"section {section}" if section[0].isdigit() else section] if section else []
    if place["page"]:
        parts.append(f"page {place['page']}")
    return ", ".join(parts)
