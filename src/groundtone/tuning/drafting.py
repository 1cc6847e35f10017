"""Drafts of training examples: what one is, and which of many are worth a look.

A draft stands on one passage and names it. It is dropped when the passage does not support it, when
it breaks the declared style, when its question does not find its passage, when it asks what another
asks, and when two passages answer one question differently: then the question is too vague.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from groundtone import sentences
from groundtone.answering import labels
from groundtone.answering.labels import LabelTemplate
from groundtone.tuning.inspecting import differ
from groundtone.tuning.near import near_pairs


@dataclass(frozen=True, slots=True)
class Source:
    """The passage that a draft stands on.

    Attributes:
        text: of the passage.
        version, chunk: its place in the catalog; ("", 0) for answers from the log.
        start, end: characters in the document's text that the answer rests on.
    """

    document: str
    title: str
    section: str
    page: int | None
    text: str
    version: str
    chunk: int
    start: int
    end: int
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """One drafted example.

    Attributes:
        answer: without its label.
        label: rendered for its passage; "" where none is declared.
        by: the rule, ``model`` or ``log``.
        support: of the least supported sentence, 0 to 1; None if it was not checked.
    """

    question: str
    answer: str
    label: str
    by: str
    source: Source
    support: float | None = None
    model: str = ""
    per_sentence: bool = False

    @property
    def shown(self) -> str:
        """The answer as it is shown and trained: with its label."""
        if not self.label:
            return self.answer
        spans = sentences.split(self.answer) if self.per_sentence else [(0, len(self.answer))]
        said = [self.answer[start:end].strip() for start, end in spans]
        return labels.attach(said, [[self.label]] * len(said), per_sentence=self.per_sentence)

    def line(self, system: str) -> dict[str, Any]:
        """The example in OpenAI's chat format, with where it is from."""
        source = self.source
        return {
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": self.question},
                {"role": "assistant", "content": self.shown},
            ],
            "provenance": {
                "by": self.by,
                "model": self.model or None,
                "document": source.document or None,
                "section": source.section or None,
                "page": source.page,
                "start": source.start,
                "end": source.end,
                "quote": source.quote or None,
                "support": self.support,
            },
        }


@dataclass(slots=True)
class Drafts:
    """Drafts that passed, and how many did not, by reason; each counts once.

    Attributes:
        considered: all that were made.
        unread: those that were not looked at, because enough had passed. With them the numbers
            add up to `considered`.
    """

    kept: list[Draft] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    considered: int = 0
    unread: int = 0


def label_of(template: str, source: Source) -> tuple[str, bool]:
    """A passage's label, and whether it follows each sentence."""
    if not template:
        return "", False
    made = LabelTemplate(template)
    text = made.render(
        n=1,
        title=source.title,
        section=source.section,
        document=source.document,
        page=source.page,
    )
    return text, made.per_sentence


def select(
    drafts: Sequence[Draft],
    *,
    count: int,
    known: Iterable[str] = (),
    wrong: Callable[[Draft], str],
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Drafts:
    """Choose drafts, spread over documents and ways of asking.

    Args:
        count: so many at most.
        known: questions that must not be asked again.
        wrong: says why one cannot be kept, "" if it can; asked in turn, until there are enough.
        progress: called with (kept, count).
    """
    found = Drafts(considered=len(drafts))
    asked = [draft.question for draft in drafts]
    earlier = list(known)
    near: dict[int, set[int]] = defaultdict(set)
    out: dict[int, str] = {}
    for pair in near_pairs([*asked, *earlier]):
        if pair.one >= len(drafts):
            continue
        if pair.other >= len(drafts):
            out[pair.one] = "asked already"
            continue
        near[pair.one].add(pair.other)
        near[pair.other].add(pair.one)
        one, other = drafts[pair.one], drafts[pair.other]
        apart = (one.source.version, one.source.chunk) != (other.source.version, other.source.chunk)
        if apart and differ(one.answer, other.answer):
            for place in (pair.one, pair.other):
                out.setdefault(place, "answered differently elsewhere")
    taken: set[int] = set()
    for place in _turns(drafts, seed):
        if len(found.kept) == count:
            break
        reason = out.get(place) or ("asked already" if near[place] & taken else "")
        if reason := reason or wrong(drafts[place]):
            found.dropped[reason] += 1
            continue
        taken.add(place)
        found.kept.append(drafts[place])
        if progress:
            progress(len(found.kept), count)
    found.unread = found.considered - len(found.kept) - found.dropped.total()
    return found


def _turns(drafts: Sequence[Draft], seed: int) -> Iterator[int]:
    """Places in turn: one of each document and rule, drawn by the seed, then the next of each."""
    heaps: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, draft in enumerate(drafts):
        heaps[draft.source.document, draft.by].append(place)
    draw = random.Random(seed)
    order = sorted(heaps)
    draw.shuffle(order)
    for key in order:
        draw.shuffle(heaps[key])
    while order:
        for key in order:
            yield heaps[key].pop()
        order = [key for key in order if heaps[key]]
