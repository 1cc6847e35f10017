"""How work grows with the corpus: ingest, search, memory, and a sync after a fixed change.

    python bench/scale.py --sizes 2000,5000,10000
    python bench/scale.py --sizes 10000,100000,500000 --minutes 15 --json scale.json

One workspace grows from size to size (windows: what is embedded and searched). Its files are made
of the example manual's sentences, repeated with variation: other names, numbers and orders, so that
no two windows are equal. They are read, cut, written and indexed by the real sync; vectors are
synthetic (a direction for each topic, and noise), for embedding is a constant time a window and is
measured by bench/ingest.py. At every size, in this order:

- **ingest**: seconds and processor seconds of all syncs so far that brought new files;
- **re-sync**: 20 files edited and 5 deleted, synced: looking at every file's date is part of it;
- **search**: in a process of its own, as a server does it: p50 and p95 of 200 questions by both
  searches, and the process's memory;
- **disk**: bytes of the index and of the catalog.

Fitted at the end: the exponent b of seconds ~ size^b, and for the search how much p95 grew beside a
logarithm from the first size with a graph (10,000 windows) on: at most 1 is logarithmic.
``--minutes`` leaves out the sizes for which the time would not do, by the speed so far.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import math
import os
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundtone.workspace import Workspace

ROOT = Path(__file__).resolve().parents[1]
DIMENSIONS = 384
FILE_WINDOWS = 42  # of one made file, about
EDITED, DELETED, QUESTIONS, WARM = 20, 5, 200, 20
_WORD = re.compile(r"\w+|[^\w\s]")


class Synthetic:
    """An embedder whose vectors cost nothing: texts that begin alike lie near each other."""

    fingerprint = f"synthetic@{DIMENSIONS}"
    dimensions = DIMENSIONS
    max_tokens = 256

    def encode(self, text: str) -> list[tuple[int, int]]:
        """Words and signs in place of tokens."""
        return [match.span() for match in _WORD.finditer(text)]

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """One of 2,000 directions by the text's longest word, and noise by all of it."""
        rows = np.empty((len(texts), DIMENSIONS), np.float32)
        for row, text in zip(rows, texts, strict=True):
            topic = max(_WORD.findall(text) or [""], key=len)
            row[:] = _direction(int.from_bytes(hashlib.sha1(topic.encode()).digest()[:4]) % 2000)
            seed = int.from_bytes(hashlib.sha1(text.encode()).digest()[:8])
            row += 0.05 * np.random.default_rng(seed).standard_normal(DIMENSIONS, np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


_known: dict[int, np.ndarray] = {}


def _direction(number: int) -> np.ndarray:
    if number not in _known:
        made = np.random.default_rng(number).standard_normal(DIMENSIONS, np.float32)
        _known[number] = made / np.linalg.norm(made)
    return _known[number]


def sentences() -> list[str]:
    """Of the example manual."""
    text = " ".join(p.read_text("utf-8") for p in sorted((ROOT / "examples/manual").glob("*.md")))
    found = re.split(r"(?<=[.!?])\s+", re.sub(r"[#*|`>\n-]+", " ", text))
    return [one.strip() for one in found if 40 < len(one) < 240]


def write_file(path: Path, number: int, said: Sequence[str], version: int = 0) -> None:
    """A document with sections, the same for the same numbers."""
    draw = random.Random(f"{number}/{version}")
    lines = [f"# Guide {number} of the {draw.choice(said).split()[-1]} edition", ""]
    for section in range(7):
        lines += [f"## Part {section}.{draw.randrange(1000)}", ""]
        for _ in range(4):
            some = [_varied(draw.choice(said), draw) for _ in range(7)]
            lines += [" ".join(some), ""]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines), "utf-8")


def _varied(sentence: str, draw: random.Random) -> str:
    words = sentence.split()
    words[draw.randrange(len(words))] = f"{draw.choice('BCDFGHKLMNPRST')}{draw.randrange(10**6)}"
    return " ".join(words)


def place(folder: Path, number: int) -> Path:
    """Where a made file lies: a hundred to a folder."""
    return folder / f"{number // 100:05}" / f"guide-{number}.md"


def opened(folder: Path) -> Workspace:
    """The workspace, with the synthetic embedder."""
    workspace = Workspace.create(folder)
    workspace.__dict__["embedder"] = Synthetic()
    return workspace


def timed_sync(workspace: Workspace, source: Path) -> tuple[float, float, Any]:
    """Seconds, processor seconds (of reading processes too), and the report."""
    began, spent = time.perf_counter(), _spent()
    report = workspace.sync(source)
    return time.perf_counter() - began, _spent() - spent, report


def _spent() -> float:
    times = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in times)


def measure_search(folder: Path) -> dict[str, Any]:
    """What a server's process sees; run in a process of its own."""
    said, draw = sentences(), random.Random(5)
    questions = [_varied(draw.choice(said), draw) for _ in range(QUESTIONS + WARM)]
    with opened(folder) as workspace:
        before = _resident()
        times = []
        for question in questions:
            began = time.perf_counter()
            workspace.search(question, 5)
            times.append(1000 * (time.perf_counter() - began))
        times = sorted(times[WARM:])
        return {
            "p50_ms": statistics.median(times),
            "p95_ms": times[int(0.95 * len(times))],
            "memory_mb": _resident() / 1e6,
            "memory_at_start_mb": before / 1e6,
        }


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float | None:
    """b of values ~ sizes^b, by least squares on logarithms; None for one size."""
    if len(sizes) < 2:
        return None
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def grow(work: Path, sizes: Sequence[int], minutes: float) -> list[dict[str, Any]]:
    """Measure at each size; sizes for which the time would not do are left out."""
    said, source = sentences(), work / "source"
    rows: list[dict[str, Any]] = []
    began = time.perf_counter()
    total = total_cpu = 0.0
    files = windows = 0
    with opened(work / "kb") as workspace:
        for size in sizes:
            used = time.perf_counter() - began
            if rows and used + used * (size - windows) / windows > 60 * minutes:
                print(f"{size:,} windows would take more than {minutes:g} minutes: left out")
                break
            while windows < size:  # a few steps: how many windows a file has is known afterwards
                lacking = size - windows
                count = max(1, math.ceil(lacking / (windows / files if files else FILE_WINDOWS)))
                for number in range(files, files + count):
                    write_file(place(source, number), number, said)
                files += count
                seconds, cpu, _ = timed_sync(workspace, source)
                total, total_cpu = total + seconds, total_cpu + cpu
                windows = workspace.indexes.current(DIMENSIONS).count()
            idle, _, _ = timed_sync(workspace, source)
            for number in range(EDITED):
                write_file(place(source, number), number, said, version=size)
            for number in range(files - DELETED, files):
                place(source, number).unlink()
            changed, changed_cpu, report = timed_sync(workspace, source)
            assert report.updated == EDITED and report.deleted == DELETED, report
            files -= DELETED
            windows = workspace.indexes.current(DIMENSIONS).count()
            documents, chunks = workspace.catalog.counts()
            done = subprocess.run(
                [sys.executable, __file__, "--search", str(work / "kb")],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            row = {
                "windows": windows,
                "chunks": chunks,
                "documents": documents,
                "text_mb": _bytes(source) / 1e6,
                "ingest_s": total,
                "ingest_cpu_s": total_cpu,
                "unchanged_s": idle,
                "changed_s": changed,
                "changed_cpu_s": changed_cpu,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
                "index_bytes_a_window": _bytes(work / "kb/.groundtone/index") / windows,
                "catalog_bytes_a_window": (work / "kb/.groundtone/catalog.db").stat().st_size
                / windows,
                **json.loads(done.stdout),
            }
            rows.append(row)
            print(json.dumps({k: round(v, 2) for k, v in row.items()}), flush=True)
    return rows


def fitted(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Exponents, and how p95 grew beside a logarithm."""
    sizes = [row["windows"] for row in rows]
    told: dict[str, Any] = {
        name: exponent(sizes, [row[name] for row in rows])
        for name in ("ingest_s", "ingest_cpu_s", "changed_s", "changed_cpu_s", "p95_ms")
    }
    graph = [row for row in rows if row["windows"] >= 10_000]
    told["p95_over_log"] = [
        (b["p95_ms"] / a["p95_ms"]) / (math.log(b["windows"]) / math.log(a["windows"]))
        for a, b in itertools.pairwise(graph)
    ]
    if len(rows) > 1:
        first, last = rows[0], rows[-1]
        more = last["windows"] - first["windows"]
        told["search_bytes_a_window"] = 1e6 * (last["memory_mb"] - first["memory_mb"]) / more
        told["ingest_peak_bytes_a_window"] = 1e6 * (last["peak_mb"] - first["peak_mb"]) / more
    return told


def main() -> None:
    """Grow, measure, fit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="10000,100000,500000", help="windows, ascending")
    parser.add_argument("--minutes", type=float, default=15, help="in all, about")
    parser.add_argument("--work", type=Path, help="kept afterwards; default: a temporary folder")
    parser.add_argument("--json", type=Path, help="write the numbers there")
    parser.add_argument("--search", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.search:
        print(json.dumps(measure_search(options.search)))
        return
    work = options.work or Path(tempfile.mkdtemp(prefix="scale-"))
    try:
        rows = grow(work, [int(size) for size in options.sizes.split(",")], options.minutes)
    finally:
        if not options.work:
            shutil.rmtree(work, ignore_errors=True)
    told = fitted(rows)
    print(json.dumps(told, indent=1))
    if options.json:
        options.json.write_text(json.dumps({"sizes": rows, "fitted": told}, indent=1), "utf-8")


if __name__ == "__main__":
    # By its name: the processes that read files import the embedder's `encode` from it.
    paths = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    __import__("scale").main()
