"""Chunking: how much of the wanted text five passages show, and how little beside it.

    python bench/chunking.py [--data ../shared/data/chunking_eval] [--peers-python PYTHON]

Recall, precision and intersection over union of character spans among the five best passages, as
Smith and Troynikov define them ("Evaluating Chunking Strategies for Retrieval", Chroma technical
report, 2024): text shown twice counts twice against precision and IoU. All ways are ranked by the
cosine of the same MiniLM alone, over all texts together; of a passage is shown what a search shows,
for ours the windows nearly as near as the nearest of all. Beside ours: recursive splitting without
overlap, by the package langchain-text-splitters if PYTHON (an interpreter that has it) is given,
else by a plain implementation of its algorithm; sizes are tokens of MiniLM's own tokenizer.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from groundtone.chunking import chunk
from groundtone.documents import read
from groundtone.embedding import Embedder, open_embedder
from groundtone.index import Hit
from groundtone.retrieval.showing import joined, matching
from groundtone.settings import Chunking, Retrieval

Span = tuple[int, int]
SEPARATORS = ("\n\n", "\n", " ", "")  # LangChain's default
LANGCHAIN = """
import json, sys
from langchain_text_splitters import RecursiveCharacterTextSplitter
from tokenizers import Tokenizer
asked = json.load(sys.stdin)
tokens = Tokenizer.from_file(asked["tokenizer"])
tokens.no_truncation(); tokens.no_padding()
splitter = RecursiveCharacterTextSplitter(
    chunk_size=asked["size"], chunk_overlap=0, add_start_index=True,
    length_function=lambda text: len(tokens.encode(text, add_special_tokens=False).ids))
made = []
for document in splitter.create_documents([asked["text"]]):
    start = document.metadata["start_index"]
    made.append([start, start + len(document.page_content)])
json.dump(made, sys.stdout)
"""


@dataclass(frozen=True)
class Unit:
    """What is embedded, its span, and the passage it is a window of."""

    corpus: str
    passage: int
    window: int
    text: str
    span: Span


@dataclass(frozen=True)
class Question:
    """A question and the excerpts that answer it."""

    text: str
    corpus: str
    wanted: tuple[Span, ...]


Way = Callable[[str, Path], Iterator[Unit]]


def main() -> int:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/chunking_eval"))
    parser.add_argument("--peers-python", type=Path, help="has langchain-text-splitters")
    parser.add_argument("-k", type=int, default=5)
    parser.add_argument("--windows", type=int, nargs="*", help="window sizes; default: ours")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    corpora = sorted((given.data / "corpora").glob("*.md"))
    if not corpora:
        print(f"There are no texts in {given.data}/corpora: pass --data.", file=sys.stderr)
        return 2
    embedder = open_embedder("all-minilm-l6-v2")
    questions = load(given.data / "queries.jsonl")
    asked = embedder.embed([question.text for question in questions])
    rows = []
    for name, way in ways(embedder, given.peers_python, given.windows).items():
        units = [unit for path in corpora for unit in way(path.stem, path)]
        scores = asked @ embedder.embed([unit.text for unit in units]).T
        judged = [
            judge(question, found(units, line, given.k, Retrieval().candidates))
            for question, line in zip(questions, scores, strict=True)
        ]
        recall, precision, iou, shown = np.mean(judged, axis=0)
        tokens = sum(
            min(len(embedder.encode(unit.text)) + 2, embedder.max_tokens) for unit in units
        )
        rows.append(
            {
                "way": name,
                "units": len(units),
                "tokens": tokens,
                "recall": float(recall),
                "precision": float(precision),
                "iou": float(iou),
                "shown": round(float(shown)),
            }
        )
    if given.json:
        print(json.dumps(rows))
        return 0
    print("| way | units | embedded tokens | recall | precision | IoU | characters shown |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for row in rows:
        print(
            f"| {row['way']} | {row['units']:,} | {row['tokens']:,} | {row['recall']:.3f} | "
            f"{row['precision']:.3f} | {row['iou']:.3f} | {row['shown']:,} |"
        )
    return 0


def load(path: Path) -> list[Question]:
    """The questions with their spans."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        wanted = tuple((one["start_char"], one["end_char"]) for one in row["evidence"])
        found.append(Question(row["question"], row["corpus"], wanted))
    return found


def ways(embedder: Embedder, python: Path | None, sizes: Sequence[int] | None) -> dict[str, Way]:
    """Every way that is compared, by name."""
    default = Chunking().window_tokens
    found: dict[str, Way] = {}
    for size in sizes or [default]:
        found[f"ours, windows of {size}"] = ours(embedder, size)
    maker = "LangChain" if python else "plain"
    for size in (200, 400):
        found[f"recursive {size}/0 ({maker})"] = recursive(embedder, size, python)
    return found


def ours(embedder: Embedder, window_tokens: int) -> Way:
    """A passage is found by its best window; of it is shown what is nearly as near."""
    sizes = Chunking()

    def way(corpus: str, path: Path) -> Iterator[Unit]:
        document = read(path)
        for made in chunk(
            document,
            embedder.encode,
            min_tokens=sizes.min_tokens,
            max_tokens=sizes.max_tokens,
            window_tokens=window_tokens,
        ):
            for number, window in enumerate(made.windows):
                span = (window.start, window.end)
                yield Unit(corpus, made.ordinal, number, window.text, span)

    return way


def recursive(embedder: Embedder, size: int, python: Path | None) -> Way:
    """Recursive splitting; each piece is embedded, found and shown by itself."""

    def way(corpus: str, path: Path) -> Iterator[Unit]:
        text = path.read_bytes().decode("utf-8")
        spans = by_langchain(python, text, size) if python else split(text, size, embedder.encode)
        for number, (start, end) in enumerate(spans):
            yield Unit(corpus, number, 0, text[start:end], (start, end))

    return way


def by_langchain(python: Path, text: str, size: int) -> list[Span]:
    """The spans that the package itself makes."""
    from groundtone import weights

    asked = {
        "text": text,
        "size": size,
        "tokenizer": str(weights.path("all-minilm-l6-v2") / "tokenizer.json"),
    }
    done = subprocess.run(
        [str(python), "-c", LANGCHAIN], input=json.dumps(asked), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return [(start, end) for start, end in json.loads(done.stdout)]


def split(text: str, size: int, encode: Callable[[str], Sequence[Span]]) -> list[Span]:
    """Recursive splitting without overlap, as LangChain documents it.

    Cut at the coarsest separator there is (kept at the head of the following piece), join
    neighbours while they fit, cut what is still too long at the next finer one.
    """

    def length(start: int, end: int) -> int:
        return len(encode(text[start:end]))

    def joined(pieces: list[Span]) -> Iterator[Span]:
        run: list[Span] = []
        total = 0
        for piece in pieces:
            cost = length(*piece)
            if run and total + cost > size:
                yield from stripped(run[0][0], run[-1][1])
                run, total = [], 0
            run.append(piece)
            total += cost
        if run:
            yield from stripped(run[0][0], run[-1][1])

    def stripped(start: int, end: int) -> Iterator[Span]:
        piece = text[start:end]
        left = len(piece) - len(piece.lstrip())
        if left < len(piece):
            yield start + left, start + len(piece.rstrip())

    def cut(start: int, end: int, separators: Sequence[str]) -> Iterator[Span]:
        piece = text[start:end]
        at = next((n for n, s in enumerate(separators) if s in piece), len(separators) - 1)
        mark, finer = separators[at], separators[at + 1 :]
        places = [start, *_finds(text, mark, start, end), end]
        fitting: list[Span] = []
        for low, high in pairwise(places):
            if low == high:
                continue
            if length(low, high) < size:
                fitting.append((low, high))
                continue
            yield from joined(fitting)
            fitting = []
            if finer:
                yield from cut(low, high, finer)
            else:
                yield low, high
        yield from joined(fitting)

    return list(cut(0, len(text), SEPARATORS))


def _finds(text: str, mark: str, start: int, end: int) -> Iterator[int]:
    if not mark:
        yield from range(start + 1, end)
        return
    at = text.find(mark, start, end)
    while at >= 0:
        yield at
        at = text.find(mark, at + len(mark), end)


def found(
    units: Sequence[Unit], scores: np.ndarray, k: int, candidates: int
) -> list[tuple[str, Span]]:
    """What is shown of the ``k`` best passages, as (corpus, span): as a search shows it."""
    order = np.argsort(-scores, kind="stable")[:candidates]
    hits = [
        Hit(units[at].corpus, units[at].passage, units[at].window, float(scores[at]))
        for at in order
    ]
    near = matching(hits)
    best: dict[tuple[str, int], int] = {}
    for hit in hits:
        best.setdefault((hit.version, hit.chunk), hit.window)
    places = {(unit.corpus, unit.passage, unit.window): unit.span for unit in units}
    shown = []
    for key in list(best)[:k]:
        windows = {best[key], *near.get(key, ())}
        spans = joined(places[*key, window] for window in windows)
        shown += [(key[0], span) for span in spans]
    return shown


def judge(question: Question, found: Sequence[tuple[str, Span]]) -> tuple[float, float, float, int]:
    """Recall, precision, IoU, and how many characters were shown."""
    shown = sum(end - start for _, (start, end) in found)
    covered = bytearray(max(end for _, end in question.wanted))
    for corpus, span in found:
        if corpus == question.corpus:
            for start, end in question.wanted:
                low, high = max(start, span[0]), min(end, span[1])
                covered[low:high] = b"\1" * max(0, high - low)
    hit = sum(covered)
    wanted = sum(end - start for start, end in question.wanted)
    missed = wanted - hit
    return hit / wanted, hit / shown, hit / (shown + missed), shown


if __name__ == "__main__":
    raise SystemExit(main())
