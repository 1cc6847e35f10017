"""What a retriever is fitted and measured on: questions, or texts cut out of documents, split.

Documents that one question asks for belong together, so that no document is both fitted on and
measured on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from groundtone.errors import WrongUse
from groundtone.tuning.weak_pairs import Source, weak_pairs

if TYPE_CHECKING:
    from groundtone.catalog import Catalog
    from groundtone.catalog.records import Place
    from groundtone.evaluation.questions import Question

FEWEST = 30  # questions: with fewer no difference of a usual size can be proven
FEWEST_GROUPS = 8  # of documents: each is either fitted on or measured on
FEWEST_SIDE = 10  # questions fitted on, and measured on
HELD_OUT = 0.4
EACH_KIND = 150  # weak pairs
WEAK_SHARE = 0.25  # all weak pairs beside all questions of people
MOST = 800  # questions fitted on, and as many to measure
QUESTION = "question"


@dataclass(frozen=True, slots=True)
class Asked:
    """A text to search with, and what should be found.

    Attributes:
        kind: "question", or a kind of weak pair.
        documents: paths, any of them relevant alike.
        hidden: windows that do not count as found.
        group: the documents that questions tie together.
    """

    kind: str
    text: str
    documents: frozenset[str]
    hidden: frozenset[Place] = frozenset()
    group: str = ""


def usable(questions: Sequence[Question] | None, known: frozenset[str]) -> tuple[list[Asked], int]:
    """Questions whose evidence is here, each once, and how many others there are."""
    found: dict[str, Asked] = {}
    skipped = 0
    for question in questions or ():
        documents = frozenset(evidence.doc for evidence in question.evidence) & known
        if question.answerable and documents:
            found.setdefault(question.question, Asked(QUESTION, question.question, documents))
        else:
            skipped += 1
    return list(found.values()), skipped


def weak(catalog: Catalog, seed: int) -> list[Asked]:
    """Texts cut out of the live documents; see `weak_pairs`."""
    sources = (
        Source(info.path, info.version, catalog.text(info.version), catalog.chunks(info.version))
        for info in catalog.documents()
    )
    return [
        Asked(pair.kind, pair.text, frozenset({pair.document}), pair.hidden)
        for pair in weak_pairs(sources, each=EACH_KIND, seed=seed)
    ]


def check(asked: Sequence[Asked], skipped: int) -> None:
    """Refuse too few questions.

    Raises:
        WrongUse: with how many are needed.
    """
    groups = len({one.group for one in grouped(asked)})
    if len(asked) < FEWEST:
        raise WrongUse(
            f"{len(asked)} questions name a document of this workspace "
            f"({skipped} do not): at least {FEWEST} are needed, a few hundred do it well.",
            'Add questions with "evidence": [{"doc": "path under its source"}], or leave the file '
            "out to fit to the documents alone.",
        )
    if groups < FEWEST_GROUPS:
        raise WrongUse(
            f"The questions ask for {groups} groups of documents: at least {FEWEST_GROUPS} are "
            "needed, since no document may be both fitted on and measured on.",
            "Add questions on other documents.",
        )


def check_weak(weak: Sequence[Asked]) -> None:
    """The same without questions of people."""
    documents = len({one.group for one in grouped(weak)})
    if len(weak) < FEWEST or documents < FEWEST_GROUPS:
        raise WrongUse(
            f"The documents give {len(weak)} headings, openings and definitions to search with, "
            f"of {documents} documents: at least {FEWEST} of {FEWEST_GROUPS} are needed.",
            "Sync more documents, or give questions with evidence.",
        )


def check_division(training: Sequence[Asked], held: Sequence[Asked], own: str) -> None:
    """Refuse to measure on next to nothing.

    Raises:
        WrongUse: one side has too few, since documents are tied together.
    """
    fitted_on = sum(not own or one.kind == own for one in training)
    if min(fitted_on, len(held)) < FEWEST_SIDE:
        raise WrongUse(
            "The questions hang together by the documents that they ask for: "
            f"{fitted_on} would be fitted on and {len(held)} measured on, each must be at least "
            f"{FEWEST_SIDE}.",
            "Add questions on other documents, or name fewer documents as evidence of each.",
        )


def grouped(asked: Iterable[Asked]) -> list[Asked]:
    """With groups: documents that one question asks for, directly or in a chain, are one."""
    asked = list(asked)
    above: dict[str, str] = {}

    def top(document: str) -> str:
        while above.setdefault(document, document) != document:
            document = above[document]
        return document

    for one in asked:
        first, *rest = sorted(one.documents)
        for other in rest:
            one_end, other_end = sorted((top(first), top(other)))
            above[other_end] = one_end
    return [replace(one, group=top(min(one.documents))) for one in asked]


def divide(asked: Sequence[Asked], seed: int, own: str) -> tuple[list[Asked], list[Asked]]:
    """Those to fit on and those to measure on: no document is asked for in both.

    Args:
        own: the kind that is measured; "" for all.
    """
    found = grouped(asked)
    measured = [one for one in found if not own or one.kind == own]
    sizes: dict[str, int] = {}
    for one in measured:
        sizes[one.group] = sizes.get(one.group, 0) + 1
    held: set[str] = set()
    count = 0
    for group in sorted(sizes, key=lambda name: _drawn(name, seed)):
        if count + sizes[group] / 2 <= HELD_OUT * len(measured):
            held.add(group)
            count += sizes[group]
    by_draw = sorted(found, key=lambda one: _drawn(f"{one.kind} {one.text}", seed))
    training = [one for one in by_draw if one.group not in held]
    outside = [one for one in by_draw if one.group in held and (not own or one.kind == own)]
    kept = [one for one in training if not own or one.kind == own][:MOST]
    return kept + [one for one in training if own and one.kind != own], outside[:MOST]


def share(one: Asked, training: Sequence[Asked], own: str) -> float:
    """How much one counts in fitting: weak pairs together `WEAK_SHARE` of the questions."""
    if not own or one.kind == own:
        return 1.0
    mine = sum(other.kind == own for other in training)
    return WEAK_SHARE * mine / (len(training) - mine)


def data_sha256(asked: Iterable[Asked]) -> str:
    """Of what was to be found, in any order."""
    rows = sorted([one.kind, one.text, sorted(one.documents)] for one in asked)
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _drawn(text: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed} {text}".encode("utf-8", "replace")).digest()


def counted(asked: Iterable[Asked]) -> dict[str, int]:
    """How many of each kind."""
    counts: dict[str, int] = {}
    for one in asked:
        counts[one.kind] = counts.get(one.kind, 0) + 1
    return counts
