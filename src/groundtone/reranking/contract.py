"""What cross-encoders are; apart from the engines, so that who is given one needs none of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

Pair = tuple[str, str]
"""Two texts that are read together: question and passage, or passage and statement."""


class CrossEncoder(Protocol):
    """What every engine offers. Safe to use from several threads."""

    def logits(self, pairs: Sequence[Pair]) -> np.ndarray:
        """The model's raw numbers, float64 [pairs, outputs], in the order of the pairs.

        What is longer than the model's limit is cut, the longer text first.
        """


class Reranker(Protocol):
    """What re-ranks passages. Safe to use from several threads."""

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the question, 0 to 1, in the order of the texts.

        What is longer than the model's limit is cut, the text before the question.
        """


class Entailer(Protocol):
    """What says whether a text bears a statement out. Safe to use from several threads."""

    def entailed(self, pairs: Sequence[Pair]) -> list[float]:
        """For each (text, statement) the probability, 0 to 1, that the text entails it."""
