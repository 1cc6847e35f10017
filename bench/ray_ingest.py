"""Ingest on Ray beside ingest here, on the same cores: throughput, and how busy the embedders are.

    python bench/ray_ingest.py FOLDER [--files 300] [--rounds 2] [--json]

Two simulated nodes of one processor each, started by the script, against one process with two
threads. The clock starts, for both, when a tenth of the files is done: the actors are there then.
What starting them takes is told for itself, and what the whole takes. An embedder is busy while its
process says that it is in a call.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.clusters import ray_cluster

from groundtone.syncing import Step
from groundtone.workspace import Workspace

KINDS = {".md", ".html", ".txt", ".pdf"}
LOOK_S = 0.05
CALLED, NAMED = b"ray::Embedding.work", b"ray::Embedding"


class Busy(threading.Thread):
    """Watches the embedders' titles: in a call, or not."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.called = self.seen = 0
        self.counting = threading.Event()
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(LOOK_S):
            titles = [title for title in map(_title, _processes()) if title.startswith(NAMED)]
            if self.counting.is_set():
                self.seen += len(titles)
                self.called += sum(title.startswith(CALLED) for title in titles)

    @property
    def share(self) -> float:
        return self.called / max(1, self.seen)


def _processes() -> list[Path]:
    return [one for one in Path("/proc").iterdir() if one.name.isdecimal()]


def _title(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def synced(source: Path, on: str) -> dict[str, Any]:
    """One sync into a new workspace."""
    first: list[float] = []
    since: list[tuple[float, int]] = []
    busy = Busy()

    def told(step: Step) -> None:
        if step.chunks and not first:
            first.append(time.perf_counter())
        if step.done * 10 >= step.total > 0 and not since:
            since.append((time.perf_counter(), step.windows))
            busy.counting.set()
        if step.done == step.total:
            busy.counting.clear()

    with tempfile.TemporaryDirectory() as folder, Workspace.create(Path(folder) / "kb") as kb:
        _ = kb.embedder
        busy.start()
        began = time.perf_counter()
        report = kb.sync(source, on=on, progress=told)
        ended = time.perf_counter()
        busy.over.set()
        busy.join()
    return {
        "windows": report.embedded,
        "seconds": ended - began,
        "start_s": first[0] - began,
        "windows_per_s": (report.windows - since[0][1]) / (ended - since[0][0]),
        "embedders_busy": busy.share if on else None,
    }


def copied(source: Path, target: Path, files: int) -> Path:
    """The first files of the folder, in their folders."""
    found = sorted(p for p in source.rglob("*") if p.suffix.lower() in KINDS and p.is_file())
    for path in found[:files]:
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place)
    return target


def main() -> int:
    """Measure both in turns; the best of each counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    runs: dict[str, list[dict[str, Any]]] = {"here": [], "ray": []}
    with tempfile.TemporaryDirectory() as work:
        source = copied(given.folder, Path(work) / "source", given.files)
        for _ in range(given.rounds):
            runs["here"].append(synced(source, ""))
            with ray_cluster() as cluster:  # only while it is measured: it takes processor time
                runs["ray"].append(synced(source, cluster.address))
    best = {name: max(some, key=lambda run: run["windows_per_s"]) for name, some in runs.items()}
    share = best["ray"]["windows_per_s"] / best["here"]["windows_per_s"]
    whole = best["here"]["seconds"] / best["ray"]["seconds"]
    if given.json:
        print(json.dumps({"runs": runs, "share": share, "share_with_start": whole}))
        return 0
    for name, row in best.items():
        print(
            f"{name:5} {row['windows']:7,} windows {row['windows_per_s']:7.1f}/s after "
            f"{row['start_s']:5.1f} s of starting, {row['seconds']:6.1f} s in all"
        )
    print(f"Ray reaches {share:.0%} of the throughput here ({whole:.0%} with its start);")
    print(f"its embedders are busy {best['ray']['embedders_busy']:.0%} of the time.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
