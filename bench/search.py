"""Quality, latency, memory and disk of search together: ours and the peers', on the same chunks.

    python bench/search.py --data DATA --work WORK --set k8s_docs
    python bench/search.py --data DATA --work WORK --set k8s_docs --chunks 100000 --update 20000
    python bench/search.py --data DATA --work WORK --set k8s_docs --peers-python PEERS/bin/python
    python bench/search.py --source DOCS --questions QUESTIONS.jsonl --work WORK

Syncs a collection of `judged` (vectors are remembered beside it), padded with made-up documents
where ``--chunks`` asks for more, then gives the same windows and the same vectors to plain BM25
(bm25s), exact dense search (numpy) and txtai's hybrid. Each system runs in a process of its own, so
that its memory is its own. bm25s is needed in this Python (or on its ``PYTHONPATH``); txtai in the
one that ``--peers-python`` names (bench/search_peers.txt). A system that is not there is said to be
absent.

Made-up documents have vectors near real ones: with ``--chunks`` the quality is that of the four
systems on the same heap, not that of the collection.

With ``--processes`` so many search for ours beside the one that asks, and its memory is what all of
them hold at the end, pages that they share counted once (PSS); else it is the peak of the process.

Latency is one question at a time after twenty to warm up. Ours, BM25 and dense include all that a
question needs, its embedding too; txtai is given the question's vector for nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shared_memory import held_mb

WARM = 20
WARM_SECONDS = 20.0  # of ours: it reads a large table into memory while it is searched
PER_FILE = 40  # made-up chunks a file
Ask = Callable[[str], list[str]]
"""A question to the documents of the ten best, best first."""

TXTAI = """
import json, sys, time
from pathlib import Path
import numpy as np
from txtai import Embeddings
folder = Path(sys.argv[1])
rows = [json.loads(line) for line in (folder / "windows.jsonl").open(encoding="utf-8")]
asked = [json.loads(line) for line in (folder / "questions.jsonl").open(encoding="utf-8")]
vectors, wanted = np.load(folder / "vectors.npy"), np.load(folder / "asked.npy")
known = dict(zip((row["text"] for row in rows), vectors))
known.update(zip((row["text"] for row in asked), wanted))
index = Embeddings(method="external", transform=lambda texts: np.stack([known[t] for t in texts]),
                   hybrid=True)
index.index((at, row["text"], None) for at, row in enumerate(rows))
index.save(str(folder / "txtai"))
found, times = [], []
for number, row in enumerate([*asked[:20], *asked]):
    began = time.perf_counter()
    hits = index.search(row["text"], 100)
    if number >= min(20, len(asked)):
        times.append(time.perf_counter() - began)
        found.append(list(dict.fromkeys(rows[at]["document"] for at, _ in hits))[:10])
disk = sum(p.stat().st_size for p in (folder / "txtai").rglob("*") if p.is_file())
peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
print(json.dumps({"found": found, "times": times, "mb": peak / 1024, "disk_mb": disk / 1e6}))
"""


def main() -> None:
    """Read the arguments; measure all systems, or one (in a process of its own)."""
    parser = argparse.ArgumentParser(description="Search: quality, latency, memory, disk.")
    parser.add_argument("--data", type=Path, help="the collections that `judged` knows")
    parser.add_argument("--set", default="k8s_docs", help="one of them")
    parser.add_argument("--source", type=Path, help="documents of your own instead")
    parser.add_argument("--questions", type=Path, help="with evidence, for --source")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=400, help="questions")
    parser.add_argument("--chunks", type=int, default=0, help="padded to so many chunks")
    parser.add_argument("--update", type=int, default=0, help="chunks replaced, then timed again")
    parser.add_argument("--callers", type=int, default=16)
    parser.add_argument("--processes", type=int, default=0, help="that search, for ours")
    parser.add_argument("--peers-python", type=Path)
    parser.add_argument("--replace", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--system", choices=sorted(SYSTEMS), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not given.data and not (given.source and given.questions):
        parser.error("either --data, or --source and --questions")
    if given.source:
        given.set = "own"
    folder = given.work / (f"{given.set}-{given.chunks}" if given.chunks else given.set)
    if given.replace:
        replace(folder, given)
        return
    if given.system:
        os.environ["GROUNDTONE_RETRIEVAL__PROCESSES"] = str(given.processes)
        print(json.dumps(measured(given.system, folder, given)))
        return
    prepare(folder, given)
    asked = _lines(folder / "export" / "questions.jsonl")
    print(f"{given.set}: {len(asked)} questions, {(folder / 'size.txt').read_text()}\n")
    print("| system | nDCG@10 | recall@5 | MRR@10 | p50 ms | p95 ms | memory MB | disk MB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for system in SYSTEMS:
        show(system, _apart([sys.executable, __file__, *sys.argv[1:], "--system", system]), asked)
    if given.peers_python:
        command = [str(given.peers_python), "-c", TXTAI, str(folder / "export")]
        show("txtai hybrid", _apart(command), asked)


def show(name: str, result: dict[str, Any] | str, asked: Sequence[dict[str, Any]]) -> None:
    """One row of the table; ours with the rows that only it has."""
    from groundtone.evaluation.ranking import ndcg, recall, reciprocal_rank
    from groundtone.evaluation.statistics import mean_interval

    if isinstance(result, str):
        print(f"| {name} | absent: {result} |", flush=True)
        return
    cells = []
    for judge in (ndcg, lambda r, g: recall(r, g, 5), reciprocal_rank):
        pairs = zip(result["found"], asked, strict=True)
        mean = mean_interval([judge(found, row["gains"]) for found, row in pairs])
        assert mean is not None
        cells.append(f"{mean.value:.3f} [{mean.low:.3f}, {mean.high:.3f}]")
    p50, p95 = _quantiles(result["times"])
    cells += [f"{p50:.1f}", f"{p95:.1f}", f"{result['mb']:.0f}", f"{result['disk_mb']:.0f}"]
    print(f"| {name} | {' | '.join(cells)} |", flush=True)
    for what, times in result.get("more", {}).items():
        p50, p95 = _quantiles(times)
        print(f"|   {what} | | | | {p50:.1f} | {p95:.1f} | | |", flush=True)


def prepare(folder: Path, given: argparse.Namespace) -> None:
    """Sync the collection, and write the same windows, vectors and questions for the peers."""
    from judged import Remembering, synced

    collection = _collection(given)
    with synced(collection, given.work) as workspace:
        embedder = workspace.embedder
        assert isinstance(embedder, Remembering)
        vectors = embedder.embed([each.text for each in collection.questions[: given.limit]])
        embedder.save()
    if given.chunks:
        with _padded(collection.source, folder, given) as workspace:
            export(workspace, folder)
            _, chunks = workspace.catalog.counts()
    else:
        with synced(collection, given.work) as workspace:
            export(workspace, folder)
            _, chunks = workspace.catalog.counts()
    np.save(folder / "export" / "asked.npy", vectors)
    with (folder / "export" / "questions.jsonl").open("w", encoding="utf-8") as file:
        for each in collection.questions[: given.limit]:
            file.write(json.dumps({"text": each.text, "gains": each.gains}) + "\n")
    windows = len(np.load(folder / "export" / "vectors.npy", mmap_mode="r"))
    (folder / "size.txt").write_text(f"{chunks:,} chunks, {windows:,} windows")


def _collection(given: argparse.Namespace) -> Any:
    from judged import load, own

    if given.source:
        return own(given.source, given.questions)
    return load(given.set, given.data, given.work)


class Padding:
    """An embedder for made-up text: real vectors, each moved a little, the same for a text.

    Args:
        inner: knows the vectors of real texts.
        vectors: those that made-up text gets, moved.
    """

    def __init__(self, inner: Any, vectors: np.ndarray) -> None:
        self._inner, self._vectors = inner, vectors
        self.fingerprint, self.dimensions = inner.fingerprint, inner.dimensions
        self.max_tokens, self.encode = inner.max_tokens, inner.encode

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of length 1."""
        real = [text for text in texts if not text.startswith("Padding")]
        known = iter(self._inner.embed(real)) if real else iter(())
        return np.stack(
            [next(known) if not t.startswith("Padding") else self._made(t) for t in texts]
        )

    def _made(self, text: str) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        random = np.random.default_rng(seed)
        vector = self._vectors[random.integers(len(self._vectors))]
        vector = vector + random.normal(0, 0.6 / len(vector) ** 0.5, len(vector))
        return (vector / np.linalg.norm(vector)).astype(np.float32)


def _padded(source: Path, folder: Path, given: argparse.Namespace) -> Any:
    """A workspace of the collection and of made-up documents, ``--chunks`` chunks in all."""
    from groundtone import Workspace
    from groundtone.embedding import open_embedder
    from judged import Remembering

    real = Remembering(open_embedder("all-minilm-l6-v2"), given.work / given.set / "vectors.npz")
    (folder / "padding").mkdir(parents=True, exist_ok=True)
    workspace = Workspace.create(folder / "workspace")
    workspace.__dict__["embedder"] = Padding(real, real.vectors())
    with Workspace.open(given.work / given.set / "workspace") as plain:
        _, have = plain.catalog.counts()
        words = [
            w
            for d in plain.catalog.documents()[:300]
            for w in plain.catalog.text(d.version).split()
        ]
    for number in range(max(0, given.chunks - have) // PER_FILE):
        path = folder / "padding" / f"{number:05}.md"
        if not path.exists():
            path.write_text(made_up(words, number, 0), "utf-8")
    workspace.sync(source, folder / "padding")
    return workspace


def made_up(words: Sequence[str], number: int, edition: int) -> str:
    """A document of `PER_FILE` sections, each of 150 words drawn from real ones."""
    random = np.random.default_rng((number, edition))
    parts = [f"# Padding {number} {edition}\n"]
    for section in range(PER_FILE):
        drawn = random.integers(len(words), size=150)
        text = " ".join(words[at].strip("#`*|>-<[]()~=") for at in drawn)
        parts.append(f"## Part {section}\n\n{text}\n")
    return "\n".join(parts)


def export(workspace: Any, folder: Path) -> None:
    """Every window's text and vector, as the peers are given them."""
    (folder / "export").mkdir(parents=True, exist_ok=True)
    texts = []
    with (folder / "export" / "windows.jsonl").open("w", encoding="utf-8") as file:
        for document in workspace.catalog.documents():
            text = workspace.catalog.text(document.version)
            for chunk in workspace.catalog.chunks(document.version):
                for start, end in chunk.windows:
                    texts.append(chunk.lead + text[start:end])
                    row = {"document": document.path, "text": texts[-1]}
                    file.write(json.dumps(row) + "\n")
    vectors = [workspace.embedder.embed(texts[at : at + 512]) for at in range(0, len(texts), 512)]
    np.save(folder / "export" / "vectors.npy", np.concatenate(vectors))


def measured(system: str, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """One system in this process: what it finds, how long it takes, what it needs."""
    asked = [row["text"] for row in _lines(folder / "export" / "questions.jsonl")]
    opened = SYSTEMS[system](folder, given)
    ask, disk, *quick = next(opened)
    times, found = timed(ask, asked)
    if quick:  # what tells the ten best documents does more than a search
        times, _ = timed(quick[0], asked)
    result: dict[str, Any] = {"found": found, "times": times, "disk_mb": disk / 1e6}
    result["mb"] = _memory(given)
    result["more"] = {}
    for what, more in opened:
        result["more"][what] = more
        if len(result["more"]) == 1:  # callers at once; what comes after is a sync's memory
            result["mb"] = _memory(given)
    return result


def timed(ask: Ask, questions: Sequence[str]) -> tuple[list[float], list[list[str]]]:
    """Seconds and answers, one question at a time."""
    for question in questions[:WARM]:
        ask(question)
    times, found = [], []
    for question in questions:
        began = time.perf_counter()
        found.append(ask(question))
        times.append(time.perf_counter() - began)
    return times, found


def ours(folder: Path, given: argparse.Namespace) -> Iterator[Any]:
    """The search of a workspace, as an application calls it; then callers at once, then updates."""
    from groundtone import Workspace

    with Workspace.open(folder / "workspace") as workspace:
        if workspace.searchers is not None:  # as a server does
            workspace.searchers.start()

        def ask(question: str) -> list[str]:
            if given.processes:  # a trace is made here, and would have the table read here
                found = workspace.search(question, 50)
                return list(dict.fromkeys(passage.document for passage in found))[:10]
            [trace] = workspace.retriever.traces([question], 5)
            return list(dict.fromkeys(trace.paths[version] for version, _ in trace.order))[:10]

        def search(question: str) -> list[str]:
            return [passage.document for passage in workspace.search(question, 5)]

        questions = [row["text"] for row in _lines(folder / "export" / "questions.jsonl")]
        began = time.perf_counter()
        while given.chunks and time.perf_counter() < began + WARM_SECONDS:
            search(questions[0])
        yield ask, _size(folder / "workspace" / ".groundtone"), search
        _at_once(search, questions, given.callers)  # to warm up, as for one caller
        yield f"{given.callers} callers at once", _at_once(search, questions, given.callers)
        if given.update and given.chunks:
            # By another process, as a sync beside a server is; the very next searches count.
            subprocess.run(
                [sys.executable, __file__, *sys.argv[1:], "--replace"], check=True, stdout=2
            )
            times = []
            for question in questions:
                began = time.perf_counter()
                search(question)
                times.append(time.perf_counter() - began)
            yield f"after {given.update:,} chunks were replaced", times


def replace(folder: Path, given: argparse.Namespace) -> None:
    """Write another edition of so many chunks, and sync."""
    words = [
        word
        for row in _lines(folder / "export" / "windows.jsonl")[:2000]
        for word in row["text"].split()
    ]
    for number in range(given.update // PER_FILE):
        path = folder / "padding" / f"{number:05}.md"
        path.write_text(made_up(words, number, time.time_ns()), "utf-8")
    with _padded(_collection(given).source, folder, given):
        pass


def bm25(folder: Path, _: argparse.Namespace) -> Iterator[Any]:
    """Plain BM25 by bm25s: English stop words, no stemmer, its defaults."""
    import bm25s

    rows = _lines(folder / "export" / "windows.jsonl")
    index = bm25s.BM25()
    index.index(
        bm25s.tokenize([row["text"] for row in rows], show_progress=False), show_progress=False
    )
    index.save(folder / "export" / "bm25s")

    def ask(question: str) -> list[str]:
        tokens = bm25s.tokenize([question], show_progress=False)
        hits, _ = index.retrieve(tokens, k=min(100, len(rows)), show_progress=False)
        return list(dict.fromkeys(rows[at]["document"] for at in hits[0]))[:10]

    yield ask, _size(folder / "export" / "bm25s")


def dense(folder: Path, _: argparse.Namespace) -> Iterator[Any]:
    """Exact dense search: one matrix product in numpy."""
    from groundtone.embedding import open_embedder

    rows = [row["document"] for row in _lines(folder / "export" / "windows.jsonl")]
    vectors = np.load(folder / "export" / "vectors.npy")
    embedder = open_embedder("all-minilm-l6-v2")

    def ask(question: str) -> list[str]:
        scores = vectors @ embedder.embed([question])[0]
        first = np.argpartition(-scores, min(100, len(rows) - 1))[:100]
        return list(dict.fromkeys(rows[at] for at in first[np.argsort(-scores[first])]))[:10]

    yield ask, vectors.nbytes


SYSTEMS: dict[str, Callable[[Path, argparse.Namespace], Iterator[Any]]] = {
    "ours": ours,
    "bm25s": bm25,
    "exact dense (numpy)": dense,
}


def _at_once(ask: Ask, questions: Sequence[str], callers: int) -> list[float]:
    """Seconds of each question while so many callers ask."""
    times: list[float] = []

    def call(some: Sequence[str]) -> None:
        for question in some:
            began = time.perf_counter()
            ask(question)
            times.append(time.perf_counter() - began)

    threads = [
        threading.Thread(target=call, args=(questions[at::callers],)) for at in range(callers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def _apart(command: Sequence[str]) -> dict[str, Any] | str:
    """A process of its own; its last line is its result. A text says why there is none."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["it failed"])[-1]
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _quantiles(times: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(times)
    return 1e3 * statistics.median(ordered), 1e3 * ordered[int(0.95 * (len(ordered) - 1))]


def _memory(given: argparse.Namespace) -> float:
    """Megabytes: of all processes now where several search, else the peak of this one."""
    return held_mb(os.getpid()) if given.processes else _peak() / 1024


def _peak() -> int:
    """Kilobytes that this process had at most; ru_maxrss would count its parent's too."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
