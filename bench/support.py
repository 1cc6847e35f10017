"""Fits the support score and measures it, and the choice of cited sentences.

    python bench/support.py --data ../shared/data [--write]

WiCE (claims of Wikipedia against cited pages) and ClapNQ (answers by people from a passage, and
the same with a figure, a name or the sense changed by us) give the rows. Every number but the fit
itself is from ten folds, with all rows of one claim in one fold. Three scores are held against each
other on WiCE: the claim's length, its overlap (share of its words that stand in the evidence), and
ours. For citations, ClapNQ's annotators chose sentences; "best cosine" cites for each answer
sentence the passage sentence whose vector is nearest. `--write` stores the fit on all rows in
src/groundtone/answering/fitted.json.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import fitting

from groundtone import sentences
from groundtone.answering import support
from groundtone.answering.attribution import attribute
from groundtone.answering.checking import check
from groundtone.answering.evidence import Embed, Evidence
from groundtone.answering.wording import wording
from groundtone.embedding import open_embedder
from groundtone.settings import Answering

FITTED = Path(support.__file__).parent / "fitted.json"
RIDGE = 3.0
JOINED = "its second half"
_VERB = re.compile(r"\b(is|are|was|were|can|may|will|has|have|had)\b(?! not)")
_POINTS = re.compile(r"(?:It|They|He|She|This|These|That|Those|The \w+ (?:is|was))\b")


@dataclass(frozen=True)
class Row:
    """One claim and its evidence.

    Attributes:
        kind: "page" (WiCE, the whole cited page), "chunks" (WiCE, at most 256 tokens of it) or
            "answers" (ClapNQ).
        group: rows of one group share a claim.
        label: "supported", "partially_supported" or "not_supported".
        changed: what was made wrong, for rows of ClapNQ; "" where nothing was.
    """

    kind: str
    group: str
    label: str
    claim: str
    evidence: tuple[str, ...]
    changed: str = ""


def main() -> None:
    """Read the arguments, measure, fit, print."""
    parser = argparse.ArgumentParser(description="Fit and measure the support score.")
    parser.add_argument("--data", type=Path, required=True, help="holds wice/ and clapnq/")
    parser.add_argument("--write", action="store_true", help="store the fitted weights")
    given = parser.parse_args()
    for name in ("wice", "clapnq"):
        if not (given.data / name).is_dir():
            sys.exit(f"{given.data / name} is not there; this benchmark needs it.")
    embed = remembering(open_embedder("all-minilm-l6-v2").embed)
    rows = [*wice(given.data / "wice"), *clapnq(given.data / "clapnq")]
    began = time.perf_counter()
    signs = [support.features(row.claim, Evidence(row.evidence, embed)) for row in rows]
    print(f"{len(rows)} rows, {time.perf_counter() - began:.0f} s\n")
    fitted = json.loads(FITTED.read_text("utf-8")) if FITTED.exists() else {}
    fitted["made by"] = "bench/support.py and bench/refusal.py"
    odds = {}
    for name, names in (("support", support.NAMES), ("support_words", support.WORDS_ONLY)):
        odds[name], fitted[name] = fit(rows, signs, names)
    print_support(rows, signs, odds)
    if given.write:
        FITTED.write_text(json.dumps(fitted, indent=1) + "\n", "utf-8")
        support.constants.cache_clear()
    print_strict(rows, embed)
    print_citations(given.data / "clapnq", embed)


def remembering(embed: Embed) -> Embed:
    """The same function, each text embedded once: claims share their evidence."""
    known: dict[str, np.ndarray] = {}

    def remembered(texts: Sequence[str]) -> np.ndarray:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known.update(zip(new, embed(new), strict=True))
        return np.stack([known[text] for text in texts])

    return remembered


def wice(folder: Path) -> Iterator[Row]:
    """Claims against the whole page, and against its chunks."""
    for row in read(folder / "claims_dev.jsonl"):
        page = tuple(s for s in row["evidence_sentences"] if s.strip())
        yield Row("page", row["claim"], row["label"], row["claim"], page)
    for row in read(folder / "oracle_chunks_dev.jsonl"):
        yield Row("chunks", row["claim"], row["label"], row["claim"], (row["context"],))


def clapnq(folder: Path) -> Iterator[Row]:
    """Sentences that people wrote from a passage, as they are and made wrong, against this passage
    and another one."""
    corpus = {row["id"]: row for row in read(folder / "corpus.jsonl")}
    draw = random.Random(0)
    asked = [row for row in read(folder / "queries.jsonl") if row["answerable"]]
    others = [row["answers"][0] for row in asked]
    texts = [corpus[row["evidence"][0]["doc"]]["text"] for row in asked]
    for row, text in zip(asked, texts, strict=True):
        beside = draw.choice([one for one in texts if one != text])
        for start, end in sentences.split(row["answers"][0]):
            said = row["answers"][0][start:end]
            if len(wording(said).content) < 3:
                continue
            shown = (text, beside)
            yield Row("answers", row["id"], "supported", said, shown)
            changed = [*changes(said, text, draw.choice(others), draw)]
            changed += [*spliced(said, text, draw), *spliced(said, beside, draw)]
            for what, wrong in changed:
                yield Row("answers", row["id"], "not_supported", wrong, shown, what)


def changes(said: str, text: str, other: str, draw: random.Random) -> Iterator[tuple[str, str]]:
    """The sentence with one thing made wrong, each way that is possible; and a stranger."""
    figures = re.findall(r"\d+(?:[.,]\d+)*", said)
    if figures:
        old = draw.choice(figures)
        known = [f for f in re.findall(r"\d+(?:[.,]\d+)*", text) if f not in figures]
        new = draw.choice([*known, str(int(re.sub(r"\D", "", old)[:9]) + draw.randint(1, 40))])
        yield "a figure", said.replace(old, new, 1)
    names = re.findall(r"(?<=[a-z,] )[A-Z][a-z]{2,}", said)
    if names:
        stranger = draw.choice(["Harrow", "Lintel", "Osprey", "Tamsin", "Quillon", "Fennick"])
        yield "a name for a stranger's", said.replace(draw.choice(names), stranger, 1)
        known = [n for n in re.findall(r"(?<=[a-z,] )[A-Z][a-z]{2,}", text) if n not in said]
        if known:
            another = said.replace(draw.choice(names), draw.choice(known), 1)
            yield "a name for another of the passage", another
    verb = _VERB.search(said)
    if verb:
        yield "the sense", f"{said[: verb.end()]} not{said[verb.end() :]}"
    elif " not " in said:
        yield "the sense", said.replace(" not ", " ", 1)
    yield "everything", other


def spliced(said: str, text: str, draw: random.Random) -> Iterator[tuple[str, str]]:
    """The beginning of the sentence, and what one of a passage says of something else."""
    verb = _VERB.search(said)
    if not verb:
        return
    about = wording(said[: verb.start()]).content
    ends = []
    for start, end in sentences.split(text):
        held = text[start:end]
        found = _VERB.search(held)
        if found and not _POINTS.match(held):
            other = wording(held[: found.start()]).content
            if other and not other & about and len(wording(held[found.end() :]).content) > 2:
                ends.append(held[found.start() :])
    if about and ends:
        yield JOINED, said[: verb.start()] + draw.choice(ends)


def fit(
    rows: Sequence[Row], signs: Sequence[dict[str, float]], names: Sequence[str]
) -> tuple[np.ndarray, dict[str, object]]:
    """Held-out log odds of every row, and the fit on all of them."""
    x = np.array([[sign[name] for name in names] for sign in signs])
    y = np.array([float(row.label == "supported") for row in rows])
    weight = weights(rows, y)
    groups = np.array([row.group for row in rows])
    raw, intercept = fitting.fit(x, y, weight, RIDGE)
    stored = {
        "intercept": round(intercept, 4),
        "weights": {name: round(float(w), 4) for name, w in zip(names, raw, strict=True)},
    }
    return fitting.held_out(x, y, weight, groups, RIDGE), stored


def weights(rows: Sequence[Row], y: np.ndarray) -> np.ndarray:
    """Each kind of rows counts alike, and so do both labels in it."""
    kinds = np.array([row.kind for row in rows])
    weight = np.zeros(len(rows))
    signed = np.array([row.changed != JOINED for row in rows])  # the rest is not for the signs
    for kind in np.unique(kinds):
        for label in (0.0, 1.0):
            own = (kinds == kind) & (y == label) & signed
            weight[own] = 500 / own.sum()
    return weight


def print_support(
    rows: Sequence[Row], signs: Sequence[dict[str, float]], odds: dict[str, np.ndarray]
) -> None:
    """AUROC of every score on every kind of rows."""
    kinds = np.array([row.kind for row in rows])
    labels = np.array([row.label for row in rows])
    scores = {
        "length only": np.array([-len(row.claim.split()) for row in rows], float),
        "overlap only": np.array([overlap(row) for row in rows]),
        "ours, words only": odds["support_words"],
        "ours": odds["support"],
    }
    print("| score | " + " | ".join(COLUMNS) + " |\n|" + " --- |" * (len(COLUMNS) + 1))
    for name, score in scores.items():
        cells = []
        for kind, right in COLUMNS.values():
            own = kinds == kind
            cells.append(f"{fitting.area(score[own], right(labels[own])):.3f}")
        print(f"| {name} | " + " | ".join(cells) + " |")
    own = kinds == "answers"
    accepted = odds["support"][own] > 0
    right = labels[own] == "supported"
    print(
        f"\nAnswers at a score of 0.5: {accepted[right].mean():.1%} of the true sentences kept, "
        f"{(~accepted[~right]).mean():.1%} of the changed ones dropped.\n"
    )


def print_strict(rows: Sequence[Row], embed: Embed) -> None:
    """How many of ClapNQ's sentences stand in the mode ``strict``, by what was changed."""
    stand: dict[str, list[bool]] = {}
    for row in rows:
        if row.kind == "answers":
            verdicts = check(row.claim, Evidence(row.evidence, embed), Answering()).verdicts
            stands = bool(verdicts) and all(one.supported for one in verdicts)
            stand.setdefault(row.changed or "nothing", []).append(stands)
    print("| changed | sentences | stand in `strict` |\n| --- | ---: | ---: |")
    for what, all_of_it in stand.items():
        print(f"| {what} | {len(all_of_it)} | {np.mean(all_of_it):.0%} |")
    print()


def _supported(labels: np.ndarray) -> np.ndarray:
    found: np.ndarray = labels == "supported"
    return found


def _touched(labels: np.ndarray) -> np.ndarray:
    found: np.ndarray = labels != "not_supported"
    return found


COLUMNS: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "page, supported": ("page", _supported),
    "page, at least partly": ("page", _touched),
    "chunks, supported": ("chunks", _supported),
    "chunks, at least partly": ("chunks", _touched),
    "ClapNQ, changed": ("answers", _supported),
}


def overlap(row: Row) -> float:
    """Share of the claim's words that stand in the evidence."""
    said = set(re.findall(r"\w+", row.claim.lower()))
    found = set(re.findall(r"\w+", " ".join(row.evidence).lower()))
    return len(said & found) / max(1, len(said))


def print_citations(folder: Path, embed: Embed) -> None:
    """F1 of the cited sentences against those that the annotators chose."""
    corpus = {row["id"]: row for row in read(folder / "corpus.jsonl")}
    ours, cosine, spent = [], [], []
    for row in read(folder / "queries.jsonl"):
        if not row["answerable"]:
            continue
        text = corpus[row["evidence"][0]["doc"]]["text"]
        spans = sentences.split(text)
        gold = {i for s in row["evidence"][0]["sentences"] for i in _within(text, s, spans)}
        answer = row["answers"][0]
        said = [answer[start:end] for start, end in sentences.split(answer)]
        vectors = embed([text[start:end] for start, end in spans])
        cosine.append(f1({int(np.argmax(vectors @ v)) for v in embed(said)}, gold))
        began = time.perf_counter()
        found = attribute(said, Evidence([text], embed))
        spent.append(time.perf_counter() - began)
        cited = {spans.index((s.start, s.end)) for one in found for s in one.sources}
        ours.append(f1(cited, gold))
    print("| cited sentences | F1 (95%) |\n| --- | --- |")
    for name, values in (("best cosine sentence", cosine), ("ours", ours)):
        low, high = fitting.interval(values)
        print(f"| {name} | {np.mean(values):.3f} ({low:.3f} to {high:.3f}) |")
    print(f"\n{len(ours)} answers; without embedding {1000 * np.mean(spent):.1f} ms an answer")


def f1(cited: set[int], gold: set[int]) -> float:
    """Of two sets of sentences."""
    return 2 * len(cited & gold) / (len(cited) + len(gold)) if cited or gold else 1.0


def _within(text: str, sentence: str, spans: Sequence[tuple[int, int]]) -> set[int]:
    """Our sentences that an annotator's sentence covers for the larger part."""
    at = text.find(sentence.strip())
    end = at + len(sentence.strip())
    if at < 0:
        return set()
    shared = [min(end, b) - max(at, a) for a, b in spans]
    return {
        i for i, (a, b) in enumerate(spans) if shared[i] * 2 > (b - a) or shared[i] * 2 > end - at
    }


def read(path: Path) -> list[dict]:
    """The rows of a JSONL file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


if __name__ == "__main__":
    main()
