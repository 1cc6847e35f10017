"""How well questions find their documents: measures with intervals, and why each failure failed.

A question counts when its file names evidence. Documents are ranked by their best passage, and
measures at a rank count documents, as BEIR's do. What is shown counts passages: where the evidence
holds a text, section or page, it is also asked whether one of the first ``k`` passages is that very
place; and a failure is a document none of whose passages is shown, even if it is among the first
``k`` documents since those before it have several passages each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from groundtone.evaluation.metrics import contains_gold, normalise
from groundtone.evaluation.questions import Evidence, Question
from groundtone.evaluation.ranking import ndcg, recall, reciprocal_rank
from groundtone.evaluation.statistics import (
    Interval,
    Verdict,
    holm,
    mean_interval,
    paired_interval,
    paired_p,
    verdict,
)
from groundtone.retrieval import Passage, Retriever
from groundtone.retrieval.packing import Packed
from groundtone.retrieval.tracing import Trace

Reason = Literal["not indexed", "not retrieved", "lost in fusion", "lost in packing"]
REASONS: tuple[Reason, ...] = (
    "not indexed",
    "not retrieved",
    "lost in fusion",
    "lost in packing",
)
DEPTH = 10


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the right document of a question is not shown.

    Attributes:
        reason: the first stage at which it was missing.
        detail: the ranks or the name that prove it, for people.
    """

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Found:
    """One question's numbers, each 0 to 1.

    Attributes:
        ndcg, first, recall, reciprocal: nDCG@10, recall@1, recall@k and reciprocal rank@10, where
            1, k and 10 are of documents.
        place: whether one of the first k passages is the place that the evidence names; None where
            it names only documents.
        documents: the first ten, best first.
    """

    id: str
    question: str
    ndcg: float
    first: float
    recall: float
    reciprocal: float
    place: bool | None
    documents: tuple[str, ...]
    failure: Failure | None

    def to_json(self) -> dict[str, Any]:
        """One line of ``questions`` in ``eval retrieval --json``."""
        failure = self.failure
        return {
            "id": self.id,
            "question": self.question,
            "ndcg": self.ndcg,
            "recall_1": self.first,
            "recall_k": self.recall,
            "mrr": self.reciprocal,
            "place": self.place,
            "documents": list(self.documents),
            "failure": failure and {"reason": failure.reason, "detail": failure.detail},
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """Two settings on one measure: the first minus the second, over the same questions.

    ``p`` is corrected for the number of measures.
    """

    measure: str
    interval: Interval | None
    p: float | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class RetrievalReport:
    """All questions under one setting. ``skipped``: questions that name no document."""

    k: int
    found: tuple[Found, ...]
    skipped: int

    def measures(self) -> dict[str, Interval | None]:
        """Each measure's mean with its 95% interval; None where no question has it."""
        return {name: mean_interval(values) for name, values in self.values().items()}

    def values(self) -> dict[str, list[float]]:
        """Each measure's numbers, one a question."""
        return {
            "nDCG@10": [found.ndcg for found in self.found],
            "recall@1": [found.first for found in self.found],
            f"recall@{self.k}": [found.recall for found in self.found],
            "MRR@10": [found.reciprocal for found in self.found],
            f"place@{self.k}": [
                float(found.place) for found in self.found if found.place is not None
            ],
        }

    def failures(self) -> dict[Reason, list[Found]]:
        """Questions whose document is not shown, by the stage where it was lost."""
        return {
            reason: [f for f in self.found if f.failure is not None and f.failure.reason == reason]
            for reason in REASONS
        }

    def against(self, other: RetrievalReport) -> list[Difference]:
        """This setting minus another on each measure; the same questions in the same order.

        p is McNemar's exact test where both are all 0 and 1, else sign flips; corrected for the
        number of measures by Holm's method.
        """
        mine, theirs = self.values(), other.values()
        pairs = {
            name: (values, theirs[name])
            for name, values in mine.items()
            if values and name in theirs
        }
        raw = {name: p for name, pair in pairs.items() if (p := paired_p(*pair)) is not None}
        corrected = holm(raw)
        differences = []
        for name, pair in pairs.items():
            interval, p = paired_interval(*pair), corrected.get(name)
            differences.append(Difference(name, interval, p, verdict(interval, p)))
        return differences


def measure(
    questions: Sequence[Question],
    retriever: Retriever,
    paths: Iterable[str],
    *,
    k: int,
    pack: Callable[[Sequence[Passage]], Packed],
    progress: Callable[[int, int], None] | None = None,
) -> RetrievalReport:
    """Search for every question that names evidence.

    Args:
        questions: from a question file.
        retriever: with the settings to be measured.
        paths: of all live documents.
        k: passages for a question.
        pack: what of the passages the prompt would show.
        progress: called with how many are done, of how many.
    """
    known = frozenset(paths)
    asked = [question for question in questions if question.answerable and question.evidence]
    found = []
    traces = retriever.traces([question.question for question in asked], k)
    for number, (question, trace) in enumerate(zip(asked, traces, strict=True), 1):
        found.append(judge(question, trace, known, k, pack))
        if progress is not None:
            progress(number, len(asked))
    return RetrievalReport(k, tuple(found), len(questions) - len(asked))


def judge(
    question: Question,
    trace: Trace,
    known: frozenset[str],
    k: int,
    pack: Callable[[Sequence[Passage]], Packed],
) -> Found:
    """One question's numbers, and where its document was lost, if it was."""
    gains = {evidence.doc: 1.0 for evidence in question.evidence}
    documents = list(dict.fromkeys(trace.paths[version] for version, _ in trace.order))
    places = [e for e in question.evidence if e.text or e.section or e.page is not None]
    return Found(
        id=question.id,
        question=question.question,
        ndcg=ndcg(documents, gains, DEPTH),
        first=recall(documents, gains, 1) * len(gains),  # one of several is all one can be
        recall=recall(documents, gains, k),
        reciprocal=reciprocal_rank(documents, gains, DEPTH),
        place=any(_is_there(p, e) for p in trace.passages for e in places) if places else None,
        documents=tuple(documents[:DEPTH]),
        failure=_failure(gains, trace, documents, known, k, pack),
    )


def _failure(
    gains: Mapping[str, float],
    trace: Trace,
    documents: Sequence[str],
    known: frozenset[str],
    k: int,
    pack: Callable[[Sequence[Passage]], Packed],
) -> Failure | None:
    if not gains.keys() & known:
        return Failure("not indexed", f"{', '.join(gains)}: no such document here")
    right = [key for key in trace.order if trace.paths[key[0]] in gains]
    if not right:
        return Failure(
            "not retrieved",
            f"not among {len(trace.dense)} passages by vectors and {len(trace.lexical)} by words",
        )
    rank = trace.order.index(right[0]) + 1
    if rank > k:
        place = documents.index(trace.paths[right[0][0]]) + 1
        among = f" (document {place})" if place <= k else ""  # recall@k has found it
        return Failure("lost in fusion", f"passage {rank} of all{among}, {_ranks(trace, right)}")
    packed = pack(trace.passages)
    shown = {passage.document for passage in packed.passages}
    # What stands for a folded near-duplicate says the same.
    stands = {one for one, _ in packed.folded}
    if shown.isdisjoint(gains) and rank not in stands:
        return Failure("lost in packing", f"passage {rank} of {k}, not shown")
    return None


def _ranks(trace: Trace, right: Sequence[tuple[str, int]]) -> str:
    said = []
    for name, ranks in (("vectors", trace.dense), ("words", trace.lexical)):
        best = min((ranks[key] for key in right if key in ranks), default=None)
        said.append(f"not found by {name}" if best is None else f"{best} by {name}")
    return ", ".join(said)


def _is_there(passage: Passage, evidence: Evidence) -> bool:
    if passage.document != evidence.doc:
        return False
    if evidence.text and normalise(evidence.text):
        return contains_gold(passage.text, [evidence.text])
    if evidence.section:
        names = {passage.section.casefold(), *(part.casefold() for part in passage.headings)}
        return evidence.section.casefold() in names
    return evidence.page in passage.pages
