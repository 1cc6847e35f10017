"""A gate with three everyday questions in place of thirty, which would take most of a short run.

All thirty are asked where a tiny model answers them: tests/workspace/test_exporting.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from groundtone.evaluation import everyday


@contextmanager
def short_gate() -> Iterator[None]:
    """Within it, gates of this process are short."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(everyday, "QUESTIONS", everyday.QUESTIONS[:3])
        yield
