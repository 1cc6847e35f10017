"""What a model wrote → what stands: every sentence attributed, then kept, marked or dropped.

Labels that the model wrote are taken as hints and removed; list marks go too, since sentences are
dropped and joined, and "6." is no figure to look up. Then each sentence is judged (see
`groundtone.answering.support`) and, but in the mode ``off``, looked up (`standing`): a figure that
stands in no passage cited is never supported, whatever judged, nor is what stands in the place of
something else or was joined from two places.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from groundtone import sentences
from groundtone.answering import labels
from groundtone.answering.answer import Usage, Verdict
from groundtone.answering.attribution import Attribution, attribute
from groundtone.answering.evidence import Evidence
from groundtone.answering.judging import Checker
from groundtone.answering.refusal import is_refusal
from groundtone.answering.standing import stands
from groundtone.retrieval import Passage
from groundtone.settings import Answering

_LIST_MARK = re.compile(r"^(?:\(?\d{1,3}[.)]|[-*•#>|]+)(?:\s+|$)")
# Links and images become their text: a picture's address can carry words to a stranger.
_LINK = re.compile(r"!?\[([^\[\]\n]{0,200})\]\([^()\s]{0,2000}\)")
_FENCE = re.compile(r"^\s*(?:```|~~~).*$", re.MULTILINE)
_SAID_AT_MOST = 60  # sentences; what is longer is a model that does not stop
_LONGEST = 1_200  # characters of one sentence


CHECK = 3
"""Raised when other sentences would stand than before, or have another support: answers that are
kept for an evaluation are asked for again then."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What stands of an answer.

    Attributes:
        said: every sentence the model wrote, cleaned, each once.
        kept: those that stand, each with its attribution; None for one that nothing supports.
        verdicts: one for each of `said`.
        refusal: True when the model itself said that the documents do not answer.
        usage: what a chat model took to judge.
    """

    said: tuple[str, ...]
    kept: tuple[tuple[str, Attribution | None], ...]
    verdicts: tuple[Verdict, ...]
    refusal: bool = False
    usage: Usage = field(default_factory=Usage)

    @property
    def unsupported(self) -> tuple[str, ...]:
        """The sentences that nothing supports, shown or not."""
        return tuple(verdict.sentence for verdict in self.verdicts if not verdict.supported)


def clean(written: str, *, cut: bool = False) -> tuple[str, ...]:
    """The sentences of what a model wrote, without labels, list marks, fences and links, each once.

    Args:
        cut: the text ended at the token limit, so its last sentence may be half a one.
    """
    text = _LINK.sub(r"\1", _FENCE.sub("", labels.strip(written)))
    spans = sentences.split(text)
    if cut and len(spans) > 1:
        spans = spans[:-1]
    said = (_LIST_MARK.sub("", " ".join(text[start:end].split())) for start, end in spans)
    # Tiny models repeat themselves; a sentence without a letter or digit says nothing.
    once = dict.fromkeys(s[:_LONGEST] for s in said if any(char.isalnum() for char in s))
    return tuple(once)[:_SAID_AT_MOST]


def check(
    written: str,
    evidence: Evidence,
    settings: Answering,
    *,
    cut: bool = False,
    checker: Checker | None = None,
) -> Checked:
    """Judge what a model wrote by the passages it was shown.

    Args:
        written: the model's text, as it came.
        evidence: of the passages shown, in the order of their numbers.
        settings: mode and threshold.
        cut: see `clean`.
        checker: judges the sentences in place of the fitted score.
    """
    if is_refusal(labels.strip(written), settings.refusal):
        return Checked((), (), (), refusal=True)
    said = clean(written, cut=cut)
    places = [(p.title, p.section) for p in evidence.passages if isinstance(p, Passage)]
    found = attribute(said, evidence, labels.hints(written, places))
    usage = Usage()
    if checker is not None and said:
        judged = checker.judge(said, evidence)
        usage = judged.usage
        found = [replace(one, score=s) for one, s in zip(found, judged.scores, strict=True)]
    verdicts, kept = [], []
    names = _place_names(evidence)
    states = [not _is_place(sentence, names) for sentence in said]
    for sentence, attribution, stating in zip(said, found, states, strict=True):
        supported = attribution.score >= settings.support_below and bool(attribution.sources)
        if supported and settings.check != "off":
            supported = stands(sentence, attribution, evidence)
        if supported and settings.check == "strict":
            supported = stating or (" > " not in sentence and not any(states))
        verdicts.append(Verdict(sentence, attribution.score, supported))
        if supported or settings.check != "strict":
            kept.append((sentence, attribution if supported else None))
    return Checked(said, tuple(kept), tuple(verdicts), usage=usage)


def _place_names(evidence: Evidence) -> frozenset[str]:
    return frozenset(
        _normal(name)
        for passage in evidence.passages
        if isinstance(passage, Passage)
        for name in (passage.title, *passage.headings)
    )


def _is_place(sentence: str, names: frozenset[str]) -> bool:
    """Whether it only repeats where a passage stands: a title, or headings. That answers who asks
    for a place, but beside other sentences it says nothing."""
    return all(_normal(part) in names for part in sentence.split(">"))


def _normal(text: str) -> str:
    return " ".join(text.strip(" #*.:").casefold().split())
