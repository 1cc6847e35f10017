"""Syncs a place in its own process when told to on standard input, so that it can be killed."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.syncing.place import Place

from groundtone.syncing import writing


def main() -> None:
    import lancedb  # noqa: F401  the slow import comes before the clock starts

    writing.WINDOWS = 8  # many batches, so that a kill falls between and inside of them
    print("ready", flush=True)
    sys.stdin.readline()
    Place(Path(sys.argv[1])).sync(rebuild=sys.argv[2] == "rebuild")
    print("done", flush=True)


if __name__ == "__main__":
    main()
