"""Judging while the model writes: each sentence as soon as the next one has begun."""

from __future__ import annotations

from collections.abc import Callable

from groundtone.answering.answer import Verdict
from groundtone.answering.checking import check, clean
from groundtone.answering.evidence import Evidence
from groundtone.settings import Answering


class Follower:
    """Reads along and tells of every finished sentence whether the passages support it.

    Args:
        evidence: of the passages shown; the vectors made here are there for the check at the end.
        settings: mode and threshold.
        tell: given each finished sentence's verdict, once. The last sentence's comes with the
            answer, for only then it is known to be whole.
    """

    def __init__(
        self, evidence: Evidence, settings: Answering, tell: Callable[[Verdict], None]
    ) -> None:
        self._evidence = evidence
        self._settings = settings
        self._tell = tell
        self._told: set[str] = set()

    def read(self, text: str) -> None:
        """Take all that was written so far."""
        for sentence in clean(text)[:-1]:
            if sentence not in self._told:
                self._told.add(sentence)
                for verdict in check(sentence, self._evidence, self._settings).verdicts:
                    self._tell(verdict)
