"""Syncs a place again and again, each time in a process of its own that can be killed.

Reads a line for each sync; prints the number of the process that does it, ``done`` and the seconds
it took if it comes to that, and ``over`` when it has ended.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from pathlib import Path

from tests.syncing.place import Place

from groundtone.syncing import run, writing


def main(root: Path, *, rebuild: bool) -> None:
    import lancedb  # noqa: F401  imported once for all of them: it takes longer than a sync

    warnings.simplefilter("ignore")  # that forking is delicate: nothing runs here when it happens
    assert run.sync
    writing.WINDOWS = 8  # many batches, so that a kill falls between and inside of them
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            started = time.perf_counter()
            Place(root).sync(rebuild=rebuild)
            print("done", time.perf_counter() - started, flush=True)
            os._exit(0)
        print(child, flush=True)
        os.waitpid(child, 0)
        print("over", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), rebuild=sys.argv[2] == "rebuild")
