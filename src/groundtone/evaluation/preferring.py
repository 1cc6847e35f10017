"""Blind votes on two arms' answers → which is preferred, and how sure that is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from groundtone.evaluation.statistics import Interval, mcnemar, paired_interval


@dataclass(frozen=True, slots=True)
class Preference:
    """How two arms fared.

    Attributes:
        wins, losses, ties: votes for `one`, for `other`, for neither.
        lead: mean over questions of (votes for `one` − votes for `other`) / votes on it, −1 to 1,
            with the interval of a paired difference over questions: who is preferred on each of
            three has as wide a one whichever of the two it is.
        p: two-sided, of "neither is preferred": the exact sign test over questions, each of which
            counts for the arm that most preferred there.
        questions: that had a vote.
    """

    one: str
    other: str
    wins: int
    losses: int
    ties: int
    lead: Interval | None
    p: float
    questions: int


def preference(one: str, other: str, votes: Iterable[tuple[str, str]]) -> Preference:
    """Count votes.

    Args:
        votes: each (question, preferred arm or "").
    """
    by_question: dict[str, list[int]] = defaultdict(list)
    for question, preferred in votes:
        by_question[question].append((preferred == one) - (preferred == other))
    every = [vote for some in by_question.values() for vote in some]
    means = [sum(some) / len(some) for some in by_question.values()]
    return Preference(
        one,
        other,
        wins=every.count(1),
        losses=every.count(-1),
        ties=every.count(0),
        # Shares of votes for either, as the interval of a difference of passes asks for.
        lead=paired_interval([max(m, 0.0) for m in means], [max(-m, 0.0) for m in means]),
        p=mcnemar(sum(mean > 0 for mean in means), sum(mean < 0 for mean in means)),
        questions=len(means),
    )
