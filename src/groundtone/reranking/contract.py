"""What a re-ranker is; apart from the engines, so that whoever is given one needs none of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Reranker(Protocol):
    """What every re-ranking engine offers. Safe to use from several threads."""

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the question, 0 to 1, in the order of the texts.

        What is longer than the model's limit is cut, the text before the question.
        """
