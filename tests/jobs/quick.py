"""A worker that really trains and measures, with two everyday questions in place of thirty.

Run as a module: ``python -m tests.jobs.quick WORKSPACE [NAME]``, or ``… serve …`` as in `stub`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from groundtone.evaluation import everyday

if __name__ == "__main__":
    if sys.argv[1] == "serve":
        from groundtone.cli.main import run
        from groundtone.jobs import supervising

        supervising.WORKER = "tests.jobs.quick"
        sys.exit(run(sys.argv[1:]))
    from groundtone.jobs import worker

    everyday.QUESTIONS = everyday.QUESTIONS[:2]
    worker.main(Path(sys.argv[1]), *sys.argv[2:3])
