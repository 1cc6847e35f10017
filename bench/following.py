"""How long looking at a folder takes, and how soon ``sync --watch`` shows an edit.

    python bench/following.py FOLDER [--edits 12]

Looks at a copy of the folder, without and with forty ignore rules; then follows it, writes new
files, and asks until each is found. A pause between edits lets each be a set of changes of its own.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from groundtone.syncing.scanning import scan
from groundtone.workspace import Workspace

RULES = [f"/build{number}/" for number in range(10)]
RULES += [f"*.{ending}" for ending in ("log", "pyc", "o", "so", "a", "tmp", "bak", "swp", "out")]
RULES += ["__pycache__/", "dist/", "*.egg-info/", "!keep.log", "docs/_build/", "**/cache/*"] * 4
PAUSE = 1.0


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description="Looking at folders, and following them.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--edits", type=int, default=12, help="0: only look")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        docs = root / "docs"
        shutil.copytree(given.folder, docs)
        look(docs, "no ignore rules")
        (docs / ".gitignore").write_text("\n".join(RULES))
        look(docs, f"{len(RULES)} ignore rules")
        if given.edits:
            follow(root, docs, given.edits)


def look(docs: Path, name: str) -> None:
    """Time one look, the best of seven."""
    taken = []
    for _ in range(7):
        started = time.perf_counter()
        files = len(scan(docs).files)
        taken.append(time.perf_counter() - started)
    print(f"looking at {files:,} files, {name}: {min(taken):.3f} s")


def follow(root: Path, docs: Path, edits: int) -> None:
    """Time from each edit to its being found, and to the end of its sync."""
    Workspace.create(root).close()
    command = [sys.executable, "-m", "groundtone.cli.main", "sync", str(docs)]
    watching = subprocess.Popen(
        [*command, "--watch", "--json", "--workspace", str(root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout is not None and watching.stderr is not None
    watching.stdout.readline()
    while "Watching" not in watching.stderr.readline():
        pass
    time.sleep(2)
    found, synced = [], []
    with Workspace.open(root) as workspace:
        workspace.search("anything", 1)
        for number in range(edits):
            words = f"The tungsten key {number} opens cellar {number}."
            (docs / f"new-{number}.md").write_text(f"# Cellar {number}\n\n{words}\n")
            started = time.perf_counter()
            while f"new-{number}.md" not in {one.document for one in workspace.search(words, 10)}:
                time.sleep(0.02)
            found.append(time.perf_counter() - started)
            synced.append(json.loads(watching.stdout.readline())["seconds"])
            time.sleep(PAUSE)
    watching.send_signal(signal.SIGINT)
    watching.wait()
    print(
        f"{edits} new files, from written to found: median {statistics.median(found):.2f} s, "
        f"longest {max(found):.2f} s; of it syncing: median {statistics.median(synced):.2f} s"
    )


if __name__ == "__main__":
    main()
