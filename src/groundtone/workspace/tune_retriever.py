"""A retriever for this workspace's documents and questions, kept only if it is proven better.

Held-out questions are searched for as `Retriever` searches, with and without what was fitted.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from groundtone.errors import WrongUse
from groundtone.evaluation.ranking import ndcg
from groundtone.retrieval import tuned as keeping
from groundtone.retrieval.fusion import WEIGHTS
from groundtone.retrieval.tuned import Tuned
from groundtone.tuning import retriever as fitting
from groundtone.tuning.retriever import Fitted
from groundtone.workspace import judged_questions as judged
from groundtone.workspace.judged_search import Search
from groundtone.workspace.retriever_gate import Measured, by_kind, measured_on, refusals

if TYPE_CHECKING:
    from groundtone.evaluation.questions import Question
    from groundtone.workspace.workspace import Workspace

DEPTH = 10

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What tuning came to.

    Attributes:
        tuned: what was fitted; None where cross-validation chose nothing.
        passed: whether it was put to use.
        reasons: why not; () if it was.
        active: the tuned retriever in use now: this one, an earlier one, or None.
        weak: whether there were no questions of people, only texts cut out of the documents.
        chosen: what was fitted.
        weights: of the features.
        validation: mean nDCG@10 in cross-validation by choice.
        measured: the held-out questions.
        kinds: the same by kind of weak pair.
        fitted_on, held_out: how many of each kind.
        skipped: questions that name no document of this workspace.
        data_sha256: of all texts and what they should find.
    """

    tuned: Tuned | None
    passed: bool
    reasons: tuple[str, ...]
    active: str | None
    weak: bool
    chosen: str
    weights: Mapping[str, float]
    validation: Mapping[str, float]
    measured: Measured
    kinds: Mapping[str, Measured]
    fitted_on: Mapping[str, int]
    held_out: Mapping[str, int]
    skipped: int
    data_sha256: str
    seed: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The shape that ``tune retriever --json`` prints."""
        return {
            "retriever": None if self.tuned is None else self.tuned.name,
            "active": self.active,
            "gate": {
                "passed": self.passed,
                "reasons": list(self.reasons),
                **self.measured.to_json(),
                "kinds": {kind: found.to_json() for kind, found in self.kinds.items()},
            },
            "weak": self.weak,
            "chosen": self.chosen,
            "weights": dict(self.weights),
            "validation": dict(self.validation),
            "fitted_on": dict(self.fitted_on),
            "held_out": dict(self.held_out),
            "skipped": self.skipped,
            "data_sha256": self.data_sha256,
            "seed": self.seed,
            "seconds": self.seconds,
        }


def tune(
    workspace: Workspace,
    questions: Sequence[Question] | None = None,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Outcome:
    """Fit, measure, and put to use what is proven better than the search without it.

    Args:
        questions: those with evidence in this workspace count; None: only texts cut out of the
            documents, which can fit the adapter but not the weights.
        seed: of what is drawn and how it is split.
        progress: told what is done, how far, of how much.

    Raises:
        WrongUse: too few questions or documents, or the settings name another rule of fusion.
        EmbeddingMismatch: the workspace was built with another embedding model.
    """
    began = time.perf_counter()
    if workspace.settings.retrieval.fusion != "learned":
        raise WrongUse(
            'Only the rule of fusion "learned" can be tuned, the settings say '
            f'"{workspace.settings.retrieval.fusion}".',
            'Set [retrieval] fusion = "learned".',
        )
    workspace.retriever.check_embedding()
    tell: Progress = progress or (lambda what, done, total: None)
    paths = {info.version: info.path for info in workspace.catalog.documents()}
    asked, skipped = judged.usable(questions, frozenset(paths.values()))
    if questions is not None:
        judged.check(asked, skipped)
    weak = judged.weak(workspace.catalog, seed)
    if questions is None:
        judged.check_weak(weak)
    own = judged.QUESTION if questions is not None else ""
    training, held = judged.divide([*asked, *weak], seed, own)
    judged.check_division(training, held, own)
    search = Search(workspace, paths)
    cases = [
        replace(
            search.case(one, vector),
            share=judged.share(one, training, own),
            judged=one.kind == own or not own,
        )
        for one, vector in search.embedded(training, lambda *at: tell("Searching", *at))
    ]
    fitted = fitting.fit(
        cases,
        np.array(list(WEIGHTS.values()), np.float64),
        lambda order, gains: ndcg(order, gains, DEPTH),
        with_weights=bool(own),
        seed=seed,
        progress=lambda *at: tell("Fitting", *at),
    )
    digest = judged.data_sha256([*asked, *weak])
    tuned = _made(fitted, workspace.embedder.fingerprint, digest, seed)
    before: list[float] = []
    now: list[float] = []
    for one, vector in search.embedded(held, lambda *at: tell("Measuring", *at)):
        gains = dict.fromkeys(one.documents, 1.0)
        before.append(ndcg(search.order(one, vector, None), gains, DEPTH))
        now.append(before[-1] if tuned is None else ndcg(search.order(one, vector, tuned), gains))
    measured = measured_on(held, now, before)
    kinds = {} if own else by_kind(held, now, before)
    reasons = refusals(tuned, measured, kinds, own)
    outcome = Outcome(
        tuned=tuned,
        passed=not reasons,
        reasons=reasons,
        active=None,
        weak=not own,
        chosen=str(fitted.choice),
        weights=_named(fitted.weights),
        validation=fitted.validation,
        measured=measured,
        kinds=kinds,
        fitted_on=judged.counted(training),
        held_out=judged.counted(held),
        skipped=skipped,
        data_sha256=digest,
        seed=seed,
        seconds=round(time.perf_counter() - began, 3),
    )
    if tuned is not None and not reasons:
        former = keeping.record(workspace.catalog)
        told = {k: v for k, v in outcome.to_json().items() if k not in ("retriever", "active")}
        replaced = former and former["name"]
        lineage = {"documents": len(paths), "replaced": replaced, "created_at": time.time()}
        keeping.save(workspace.catalog, tuned, told | {"lineage": lineage})
    active, _ = workspace.retriever.tuned()
    return replace(outcome, active=None if active is None else active.name)


def _made(fitted: Fitted, embedding: str, digest: str, seed: int) -> Tuned | None:
    """As it will be after it was kept and read again; None where nothing was fitted."""
    if not fitted.choice.weights and fitted.adapter is None:
        return None
    weights = _named(fitted.weights)
    text = "" if fitted.adapter is None else keeping.packed(fitted.adapter)
    told = json.dumps([embedding, digest, seed, weights, text])
    name = f"retriever:{hashlib.sha256(told.encode()).hexdigest()[:12]}"
    return Tuned(name, embedding, weights, keeping.unpacked(text) if text else None)


def _named(weights: np.ndarray) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in zip(WEIGHTS, weights, strict=True)}
