"""Several processes of tests (``pytest -n 2``): one core each, and the longest work first.

Libraries that compute start a thread for each core they may use, and the threads of two processes
that spin for the same cores make training five times as slow. So each process is bound to cores of
its own before any of them is loaded; children inherit it.
"""

from __future__ import annotations

import os

import pytest

LONGEST = (
    "workspace/test_tune.py",
    "[tune.md]",
    "a_hundred_moments",
    "test_the_table[",
    "test_the_demo_arrives",
    "interrupted_and_resumed",
    "[README.md]",
)
"""Parts of the names of what takes longest: begun first, so that no process is left with it."""


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
    """Hand tests out by file, each that is marked slow by itself, and the longest first.

    A file that is slow as a whole stays together: its tests share what is dear to make.
    """
    groups: dict[str, list[pytest.Item]] = {}
    for item in items:
        alone = any(mark.name == "slow" for mark in item.own_markers)
        name = item.nodeid if alone else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(name.translate(str.maketrans("[]@", "()."))))
        groups.setdefault(name, []).append(item)

    def rank(name: str) -> tuple[int, bool]:
        place = next((n for n, part in enumerate(LONGEST) if part in name), len(LONGEST))
        return place, groups[name][0].get_closest_marker("slow") is None

    items[:] = [item for name in sorted(groups, key=rank) for item in groups[name]]
