"""Questions → observations: what was answered and how far its citations hold, kept as it comes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from groundtone.answering import gate
from groundtone.answering.answer import Answer, Citation
from groundtone.answering.evidence import Embed
from groundtone.answering.pipeline import Answerer
from groundtone.errors import WrongUse
from groundtone.evaluation import answers_citing
from groundtone.evaluation.arms import Outcome
from groundtone.evaluation.observing import outcome
from groundtone.evaluation.questions import Question

Observe = Callable[[Question], "Observed"]


@dataclass(frozen=True, slots=True)
class Observed:
    """What one question got; nothing here depends on its gold answer.

    Attributes:
        outcome: the answer; None where no model was asked.
        refused: whether it was refused, by the gate alone where no model was asked.
        evidence: the gate's score, 0..1.
        written, supported: sentences that the model wrote, and how many of them the passages
            support.
        recall, precision: of its citations, see `answers_citing`; None for a refusal.
        unsupported: statements that their cited passages do not support.
        strays: figures that stand in no cited passage.
    """

    outcome: Outcome | None
    refused: bool
    evidence: float
    passages: list[str]
    written: int = 0
    supported: int = 0
    recall: float | None = None
    precision: float | None = None
    unsupported: list[str] | None = None
    strays: list[str] | None = None


def answering(
    answerer: Answerer,
    model: str,
    system: str,
    embed: Embed | None,
    resolves: Callable[[Answer, Citation], bool],
) -> Observe:
    """Observe whole answers.

    Args:
        answerer: with the settings to be measured.
        model, system: who is asked, in which voice.
        embed: for the judgement of citations.
        resolves: whether a citation's quote stands in the stored document at its place.
    """

    def observe(question: Question) -> Observed:
        answer = answerer.ask(question.question, model=model, system=system)
        cited = answers_citing.judge(answer, embed)
        return Observed(
            outcome=outcome("", question.id, answer, resolves),
            refused=answer.refused,
            evidence=answer.evidence or 0.0,
            passages=[passage.document for passage in answer.passages],
            written=len(answer.verdicts),
            supported=sum(verdict.supported for verdict in answer.verdicts),
            recall=cited.recall if cited else None,
            precision=cited.precision if cited else None,
            unsupported=list(cited.unsupported) if cited else None,
            strays=list(answers_citing.strays(answer)),
        )

    return observe


def gating(answerer: Answerer, embed: Embed | None) -> Observe:
    """Observe search and gate; no model is asked."""

    def observe(question: Question) -> Observed:
        passages = answerer.retrieve(question.question)
        found = gate.evidence(question.question, passages, embed=embed)
        documents = [passage.document for passage in passages]
        return Observed(None, not answerer.enough(passages, found), found, documents)

    return observe


def observe_all(
    questions: Sequence[Question],
    observe: Observe,
    *,
    keep: Path | None = None,
    fingerprint: str = "",
    progress: Callable[[int], None] | None = None,
) -> list[Observed]:
    """Observe every question, those already kept excepted.

    Args:
        keep: JSONL file to which each observation is added as soon as it is there. A last line
            cut off by a kill counts as not there.
        fingerprint: changes whenever an answer may; observations of another one are not used.
        progress: called with how many are done.

    Raises:
        WrongUse: `keep` cannot be written.
    """
    known = _read(keep) if keep else {}
    found = []
    for number, question in enumerate(questions, 1):
        key = _key(fingerprint, question)
        seen = known.get(key)
        if seen is None:
            seen = observe(question)
            if keep:
                _append(keep, {"key": key, "observed": asdict(seen)})
        found.append(seen)
        if progress is not None:
            progress(number)
    return found


def _key(fingerprint: str, question: Question) -> str:
    named = json.dumps([fingerprint, question.id, question.question])
    return hashlib.sha256(named.encode()).hexdigest()[:24]


def _read(path: Path) -> dict[str, Observed]:
    if not path.is_file():
        return {}
    known = {}
    for line in path.read_text("utf-8", errors="replace").split("\n"):
        try:
            row = json.loads(line)
            known[row["key"]] = _observed(row["observed"])
        except (ValueError, TypeError, KeyError, AttributeError):
            continue  # cut off, or of another version: asked again
    return known


def _observed(row: dict[str, Any]) -> Observed:
    if set(row) != {field.name for field in fields(Observed)}:
        raise ValueError("of another version")
    answer = row["outcome"]
    return Observed(**{**row, "outcome": Outcome(**answer) if answer else None})


def _append(path: Path, row: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torn = _torn(path)
        with path.open("a", encoding="utf-8") as file:
            file.write(("\n" if torn else "") + json.dumps(row) + "\n")
    except OSError as error:
        raise WrongUse(
            f"{path}: {error.strerror or error}.", "Make room, or let this file be written."
        ) from error


def _torn(path: Path) -> bool:
    """Whether a kill cut the last line off."""
    if not path.exists() or not path.stat().st_size:
        return False
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read() != b"\n"
