"""Searches that other processes make: what they are asked, and how."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from groundtone.index.filters import Filter
from groundtone.retrieval.passage import Passage


@dataclass(frozen=True, slots=True)
class Wanted:
    """One search, as another process is asked for it: at least one passage, among these."""

    question: str
    k: int
    limits: Filter


class Elsewhere(Protocol):
    """Other processes that search the same workspace."""

    count: int

    def wanted(self) -> bool:
        """Whether they are to make the next search; each call counts as one."""

    def __call__(self, batch: Sequence[Wanted]) -> Iterator[list[Passage]]:
        """What each finds, in one of the processes, one after the other. Where one fails, the rest
        is left."""
