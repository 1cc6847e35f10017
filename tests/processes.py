"""Several processes of tests (``pytest -n 2``): one core each, and the longest work first.

Libraries that compute start a thread for each core they may use, and the threads of two processes
that spin for the same cores make training five times as slow. So each process is bound to cores of
its own before any of them is loaded; children inherit it.

Tests are handed out by file (``--dist loadfile``): those of one share what is dear to make. Not by
group: pytest-xdist 3.8 names groups where pytest 9.2 no longer looks for them, and every test would
go its own way.
"""

from __future__ import annotations

import os

import pytest

LONGEST = (
    "cli/test_docs.py",
    "workspace/test_tune.py",
    "tuning/test_gguf.py",
    "syncing/test_killed.py",
    "cli/test_tune.py",
    "tuning/test_child.py",
    "server/test_tuning_for_real.py",
    "cli/test_beyond_one_machine.py",
    "syncing/test_on_ray.py",
    "cli/test_demo.py",
    "tuning/test_team.py",
    "workspace/test_exporting.py",
)
"""The files that take longest: begun first, so that no process is left with one at the end."""


def bind() -> None:
    """Bind this process to its share of the cores; nothing without pytest-xdist."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker or not hasattr(os, "sched_setaffinity"):  # not on macOS and Windows
        return
    count = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    number = int(worker.removeprefix("gw")) % count  # one that crashed is followed by a new number
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[number::count] or [cores[number % len(cores)]])


def arrange(items: list[pytest.Item]) -> None:
    """Put the longest files first; all else stays in its order."""

    def rank(item: pytest.Item) -> int:
        file = item.path.as_posix()
        return next((n for n, part in enumerate(LONGEST) if file.endswith(part)), len(LONGEST))

    items.sort(key=rank)
