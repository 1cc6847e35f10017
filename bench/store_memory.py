"""What the embedded store takes in memory while it is filled, by the number of windows.

    python bench/store_memory.py [--windows 122880]

Windows of 84 words and 384 numbers each are added as a sync adds them, 512 at a time, without
reading or embedding. Printed before, during and after each compaction, and at the end: resident
megabytes of the process, of which 168 are there before the first window.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import tempfile
import threading
from pathlib import Path

import numpy as np

from groundtone.index import Entry
from groundtone.index.lance import LanceIndex

BATCH, WORDS, DIMENSIONS = 512, 84, 384


def main() -> None:
    """Fill a store and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--windows", type=int, default=122_880)
    windows = parser.parse_args().windows
    draw, numbers = random.Random(0), np.random.default_rng(0)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(draw.choices(letters, k=draw.randint(3, 10))) for _ in range(30_000)]
    rare = list(itertools.accumulate(1 / (place + 1) for place in range(len(words))))
    texts = [" ".join(draw.choices(words, cum_weights=rare, k=WORDS)) for _ in range(5_000)]
    print("| windows | before | at most | after |\n| ---: | ---: | ---: | ---: |", flush=True)
    with tempfile.TemporaryDirectory(prefix="store-") as folder:
        index = Told(Path(folder) / "index", DIMENSIONS)
        for start in range(0, windows, BATCH):
            vectors = numbers.standard_normal((BATCH, DIMENSIONS), np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            index.add(
                [
                    Entry(
                        id=f"{number:08}",
                        version=f"{number // 20:06}",
                        chunk=number % 20,
                        window=0,
                        text=f"{texts[number * 7919 % len(texts)]} {words[number % len(words)]}",
                        vector=vector,
                        labels=("type:md",),
                        modified=1_700_000_000,
                    )
                    for number, vector in enumerate(vectors, start)
                ]
            )
        index.optimise()


class Told(LanceIndex):
    """An index that tells what its compactions take."""

    def _compact(self) -> None:
        before, most, done = resident(), [0], threading.Event()

        def watch() -> None:
            while not done.wait(0.004):
                most[0] = max(most[0], resident())

        watching = threading.Thread(target=watch)
        watching.start()
        super()._compact()
        done.set()
        watching.join()
        sizes = " | ".join(f"{size / 2**20:.0f}" for size in (before, most[0], resident()))
        print(f"| {self.count():,} | {sizes} |", flush=True)


def resident() -> int:
    """Bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
