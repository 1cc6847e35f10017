"""A retriever for this workspace's documents and questions, kept only if it is proven better.

Questions are split by the documents that they ask for: no document is both fitted on and measured
on. The held-out ones are searched for as `Retriever` searches, with and without what was fitted.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from groundtone.errors import WrongUse
from groundtone.evaluation.ranking import ndcg
from groundtone.evaluation.statistics import Interval, paired_interval
from groundtone.index import Hit, window_id
from groundtone.retrieval import tuned as keeping
from groundtone.retrieval.fusion import WEIGHTS, Sides, features, fuse
from groundtone.retrieval.tuned import Tuned
from groundtone.tuning import retriever as fitting
from groundtone.tuning.retriever import Case, Fitted
from groundtone.tuning.weak_pairs import KINDS, Source, weak_pairs

if TYPE_CHECKING:
    from groundtone.catalog import Key
    from groundtone.catalog.records import Place
    from groundtone.evaluation.questions import Question
    from groundtone.index import Index
    from groundtone.workspace.workspace import Workspace

FEWEST = 30  # questions: with fewer no difference of a usual size can be proven
FEWEST_GROUPS = 8  # of documents: each is either fitted on or measured on
FEWEST_SIDE = 10  # questions fitted on, and measured on
HELD_OUT = 0.4
EACH_KIND = 150  # weak pairs
WEAK_SHARE = 0.25  # all weak pairs beside all questions of people
MOST = 800  # questions fitted on, and as many to measure
DEPTH = 10
QUESTION = "question"

Progress = Callable[[str, int, int], None]


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


@dataclass(frozen=True, slots=True)
class Measured:
    """nDCG@10 of held-out questions: now, before (not tuned), and the paired difference."""

    now: float
    before: float
    difference: Interval

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        told = self.difference
        return {
            "ndcg": self.now,
            "ndcg_before": self.before,
            "difference": {"value": told.value, "low": told.low, "high": told.high, "n": told.n},
        }


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
    asked, skipped = _asked(questions, frozenset(paths.values()))
    if questions is not None:
        _check(asked, skipped)
    weak = _weak(workspace, seed)
    if questions is None:
        _check_weak(weak)
    own = QUESTION if questions is not None else ""
    training, held = divide([*asked, *weak], seed, own)
    _check_division(training, held, own)
    search = _Search(workspace, paths)
    cases = [
        replace(
            search.case(one, vector),
            share=_share(one, training, own),
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
    digest = data_sha256([*asked, *weak])
    tuned = _made(fitted, workspace.embedder.fingerprint, digest, seed)
    before: list[float] = []
    now: list[float] = []
    for one, vector in search.embedded(held, lambda *at: tell("Measuring", *at)):
        gains = dict.fromkeys(one.documents, 1.0)
        before.append(ndcg(search.order(one, vector, None), gains, DEPTH))
        now.append(before[-1] if tuned is None else ndcg(search.order(one, vector, tuned), gains))
    measured = _measured(now, before)
    kinds = {} if own else _by_kind(held, now, before)
    reasons = _reasons(tuned, measured, kinds, own)
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
        fitted_on=_counted(training),
        held_out=_counted(held),
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


# -- questions --------------------------------------------------------------------------------


def _asked(questions: Sequence[Question] | None, known: frozenset[str]) -> tuple[list[Asked], int]:
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


def _weak(workspace: Workspace, seed: int) -> list[Asked]:
    catalog = workspace.catalog
    sources = (
        Source(info.path, info.version, catalog.text(info.version), catalog.chunks(info.version))
        for info in catalog.documents()
    )
    return [
        Asked(pair.kind, pair.text, frozenset({pair.document}), pair.hidden)
        for pair in weak_pairs(sources, each=EACH_KIND, seed=seed)
    ]


def _check(asked: Sequence[Asked], skipped: int) -> None:
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


def _check_weak(weak: Sequence[Asked]) -> None:
    documents = len({one.group for one in grouped(weak)})
    if len(weak) < FEWEST or documents < FEWEST_GROUPS:
        raise WrongUse(
            f"The documents give {len(weak)} headings, openings and definitions to search with, "
            f"of {documents} documents: at least {FEWEST} of {FEWEST_GROUPS} are needed.",
            "Sync more documents, or give questions with evidence.",
        )


def _check_division(training: Sequence[Asked], held: Sequence[Asked], own: str) -> None:
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


def _share(one: Asked, training: Sequence[Asked], own: str) -> float:
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


# -- searching --------------------------------------------------------------------------------


class _Search:
    """Both searches over the live documents, with and without what is to be measured."""

    def __init__(self, workspace: Workspace, paths: Mapping[str, str]) -> None:
        self._paths = paths
        self._embedder = workspace.embedder
        self._index: Index = workspace.indexes.current(self._embedder.dimensions)
        self._candidates = workspace.settings.retrieval.candidates
        self._vectors: dict[str, np.ndarray] = {}  # a window is found by many questions

    def embedded(
        self, asked: Sequence[Asked], tell: Callable[[int, int], None]
    ) -> Iterable[tuple[Asked, np.ndarray]]:
        """Each with its vector."""
        for start in range(0, len(asked), 64):
            some = asked[start : start + 64]
            vectors = self._embedder.embed([one.text for one in some])
            for number, pair in enumerate(zip(some, vectors, strict=True), start + 1):
                yield pair
                tell(number, len(asked))

    def _hits(self, one: Asked, vector: np.ndarray) -> tuple[list[Hit], list[Hit]]:
        dense = self._index.dense(vector, self._candidates)
        lexical = self._index.lexical(one.text, self._candidates, near=vector)
        return _seen(dense, one.hidden), _seen(lexical, one.hidden)

    def order(self, one: Asked, vector: np.ndarray, tuned: Tuned | None) -> list[str]:
        """Documents, best first."""
        near = vector if tuned is None else tuned.adapted(vector)
        weights = WEIGHTS if tuned is None else tuned.weights
        sides = Sides(*self._hits(one, near), self._paths)
        parts = fuse("learned", sides, one.text, 0.0, weights)
        fused = {key: sum(some.values()) for key, some in parts.items()}

        def place(key: Key) -> tuple[float, str, int]:
            return -fused[key], self._paths[key[0]], key[1]

        return list(dict.fromkeys(self._paths[version] for version, _ in sorted(fused, key=place)))

    def case(self, one: Asked, vector: np.ndarray) -> Case:
        """What was found, in numbers."""
        dense, lexical = self._hits(one, vector)
        sides = Sides(dense, lexical, self._paths)
        known = features(sides, one.text)
        places = {
            (hit.version, hit.chunk, hit.window): (hit.version, hit.chunk)
            for hit in (*dense, *lexical)
            if hit.version in self._paths
        }
        ids = {window_id(*place): key for place, key in places.items()}
        missing = [id for id in ids if id not in self._vectors]
        if missing:
            self._vectors.update(self._index.vectors(missing))
        keys = [(id, key) for id, key in ids.items() if id in self._vectors]
        names = sorted({self._paths[version] for _, (version, _) in keys})
        number = {name: at for at, name in enumerate(names)}
        others = [[known[key][name] for name in list(WEIGHTS)[1:]] for _, key in keys]
        windows = [self._vectors[id] for id, _ in keys]
        wide = len(vector)
        return Case(
            question=vector,
            windows=np.array(windows, np.float32).reshape(-1, wide),
            others=np.array(others, np.float64).reshape(-1, len(WEIGHTS) - 1),
            document=np.array([number[self._paths[key[0]]] for _, key in keys], np.int64),
            names=tuple(names),
            gains=dict.fromkeys(one.documents, 1.0),
            group=one.group,
        )


def _seen(hits: Sequence[Hit], hidden: frozenset[Place]) -> list[Hit]:
    return [hit for hit in hits if (hit.version, hit.chunk, hit.window) not in hidden]


# -- the gate ---------------------------------------------------------------------------------


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


def _measured(now: Sequence[float], before: Sequence[float]) -> Measured:
    difference = paired_interval(now, before)
    assert difference is not None
    return Measured(float(np.mean(now)), float(np.mean(before)), difference)


def _by_kind(
    held: Sequence[Asked], now: Sequence[float], before: Sequence[float]
) -> dict[str, Measured]:
    found: dict[str, Measured] = {}
    for kind in KINDS:
        at = [number for number, one in enumerate(held) if one.kind == kind]
        if at:
            found[kind] = _measured([now[n] for n in at], [before[n] for n in at])
    return found


def _reasons(
    tuned: Tuned | None, measured: Measured, kinds: Mapping[str, Measured], own: str
) -> tuple[str, ...]:
    """Why it is not put to use."""
    if tuned is None:
        return ("in cross-validation nothing was better than the search as it is",)
    reasons = []
    told = measured.difference
    if not told.low > 0:
        what = "questions" if own else "texts"
        reasons.append(
            f"it is not proven better on {told.n} held-out {what}: nDCG@10 {told.value:+.3f} "
            f"[{told.low:+.3f}, {told.high:+.3f}]"
        )
    reasons += [
        f"it is worse on {kind}s: nDCG@10 {found.difference.value:+.3f} "
        f"[{found.difference.low:+.3f}, {found.difference.high:+.3f}]"
        for kind, found in kinds.items()
        if found.difference.high < 0
    ]
    return tuple(reasons)


def _counted(asked: Iterable[Asked]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in asked:
        counts[one.kind] = counts.get(one.kind, 0) + 1
    return counts
