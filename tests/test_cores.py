"""Cores are those that this process may use, not all of the machine's."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from groundtone.chat.threads import default_threads
from groundtone.cores import usable


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no process is bound to cores")
def test_a_process_bound_to_one_core_counts_one() -> None:
    program = "from groundtone.cores import usable; print(usable())"
    one = min(os.sched_getaffinity(0))
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, check=True, timeout=180,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        preexec_fn=lambda: os.sched_setaffinity(0, [one]),
    )  # fmt: skip
    assert done.stdout == "1\n"


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 2), (3, 2), (16, 8)])
def test_engines_take_all_of_few_cores_and_half_of_many(
    monkeypatch: pytest.MonkeyPatch, cores: int, threads: int
) -> None:
    monkeypatch.delenv("GROUNDTONE_THREADS", raising=False)
    monkeypatch.setattr("groundtone.chat.threads.usable", lambda: cores)
    assert usable() >= 1 and default_threads() == threads
