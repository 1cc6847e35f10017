"""How good an order of documents is: nDCG, recall, reciprocal rank. Checked against trec_eval.

A ranking is a sequence of ids, best first, each at most once; gains say how relevant an id is
(0 or absent: not at all).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


def ndcg(ranking: Sequence[str], gains: Mapping[str, float], k: int = 10) -> float:
    """Normalised discounted cumulative gain of the first ``k``, 0 to 1 (Järvelin and Kekäläinen
    2002, with gains as they are and a discount of log2(rank + 1), as trec_eval's ndcg_cut)."""
    ideal = _dcg(sorted((gain for gain in gains.values() if gain > 0), reverse=True)[:k])
    if not ideal:
        raise ValueError("no document is relevant: nDCG is not defined")
    return _dcg([max(0.0, gains.get(document, 0.0)) for document in ranking[:k]]) / ideal


def recall(ranking: Sequence[str], gains: Mapping[str, float], k: int) -> float:
    """Share of the relevant documents that are among the first ``k``."""
    relevant = {document for document, gain in gains.items() if gain > 0}
    if not relevant:
        raise ValueError("no document is relevant: recall is not defined")
    return len(relevant & set(ranking[:k])) / len(relevant)


def reciprocal_rank(ranking: Sequence[str], gains: Mapping[str, float], k: int = 10) -> float:
    """1 / rank of the first relevant document among the first ``k``, else 0."""
    for rank, document in enumerate(ranking[:k], 1):
        if gains.get(document, 0.0) > 0:
            return 1 / rank
    return 0.0


def _dcg(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))
