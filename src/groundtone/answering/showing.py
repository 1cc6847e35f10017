"""What was checked → the answer as shown: sentences, labels, citations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from groundtone.answering import labels
from groundtone.answering.answer import Answer, Citation, Verdict
from groundtone.answering.attribution import Attribution, Source
from groundtone.answering.checking import Checked
from groundtone.answering.labels import LabelTemplate
from groundtone.retrieval import Passage
from groundtone.settings import Answering


def show(question: str, checked: Checked, shown: Sequence[Passage], settings: Answering) -> Answer:
    """Join what stands, with its labels and citations.

    Args:
        shown: the passages that the attributions count by.
    """
    label = LabelTemplate(settings.label)
    citations: list[Citation] = []
    markers: list[tuple[str, ...]] = []
    numbers: dict[int, int] = {}
    for sentence, attribution in checked.kept:
        own: list[str] = []
        for source in attribution.sources if attribution else ():
            n = numbers.setdefault(source.passage, len(numbers) + 1)
            passage = shown[source.passage]
            marker = label.render(n=n, **_place(passage, source))
            own.append(marker)
            assert attribution is not None
            citations.append(_citation(marker, sentence, passage, source, attribution.score))
        markers.append(tuple(dict.fromkeys(own)))
    answer = [sentence for sentence, _ in checked.kept]
    marked = [
        f"{sentence} {settings.mark}"
        if attribution is None and settings.check == "mark" and settings.mark
        else sentence
        for sentence, attribution in checked.kept
    ]
    text = labels.attach(marked, markers, per_sentence=label.per_sentence)
    if label.footnotes:
        notes = [labels.footnote(n=n, **_place(shown[index])) for index, n in numbers.items()]
        text = "\n\n".join([text, "\n".join(notes)]) if notes else text
    return Answer(
        question=question,
        text=text,
        bare_text=" ".join(answer),
        refused=False,
        sentences=tuple(answer),
        citations=tuple(citations),
        unsupported=checked.unsupported,
        model="",
        verdicts=checked.verdicts,
    )


def quote(
    question: str,
    source: Source,
    shown: Sequence[Passage],
    settings: Answering,
    verdicts: Sequence[Verdict],
) -> Answer:
    """An answer that quotes one passage sentence, word for word, by the template ``rescue``."""
    words = " ".join(shown[source.passage].text[source.start : source.end].split())
    sentence = settings.rescue.format(quote=words)
    kept = ((sentence, Attribution(1.0, (source,))),)
    answer = show(question, Checked((sentence,), kept, tuple(verdicts)), shown, settings)
    return replace(answer, rescued=True)


def refuse(question: str, settings: Answering, verdicts: Sequence[Verdict] = ()) -> Answer:
    """The declared refusal."""
    return Answer(
        question=question,
        text=settings.refusal,
        bare_text=settings.refusal,
        refused=True,
        sentences=(settings.refusal,),
        citations=(),
        unsupported=tuple(verdict.sentence for verdict in verdicts),
        model="",
        verdicts=tuple(verdicts),
    )


def _place(passage: Passage, source: Source | None = None) -> dict[str, Any]:
    """What a label may name: of the words that are cited, else of the passage."""
    page = passage.page
    if source is not None:
        page, _ = passage.place(passage.start + source.start, passage.start + source.end)
    return {
        "title": passage.title,
        "section": passage.section,
        "document": passage.document,
        "page": page,
    }


def _citation(
    marker: str, sentence: str, passage: Passage, source: Source, score: float
) -> Citation:
    start, end = passage.start + source.start, passage.start + source.end
    page, box = passage.place(start, end)
    return Citation(
        marker=marker,
        sentence=sentence,
        document=passage.document,
        title=passage.title,
        section=passage.section,
        page=page,
        box=box,
        start=start,
        end=end,
        quote=passage.text[source.start : source.end],
        score=score,
        passage=passage.rank,
    )
