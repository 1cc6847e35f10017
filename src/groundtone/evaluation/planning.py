"""What a comparison of this size can see, and how many questions it would take to see more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

POWER = 0.8
MOST = 1_000_000
"""A difference that needs more questions than this is no difference that anybody could prove."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The reach of a paired comparison.

    Attributes:
        detectable: the smallest true difference, in the measure's unit, that as many questions
            would prove in 80 of 100 repetitions (the minimum detectable effect).
        more_questions: how many further questions of the same kind it would take, at the same
            chance, to prove a difference as large as the one seen; 0 when these are enough; None
            when no difference was seen, or when more than a million would be needed.
    """

    detectable: float
    more_questions: int | None


def plan(differences: Sequence[float], *, alpha: float = 0.05, pass_fail: bool = False) -> Plan:
    """Plan by the spread of the differences seen, question by question.

    ``n = ((z(1 - alpha/2) + z(power)) * spread / difference)^2``, and the same solved for the
    difference.

    Args:
        differences: at least one, one per question.
        alpha: the chance of a false alarm that is accepted, already shared out over the pairs
            that are tested together.
        pass_fail: the differences are of 0s and 1s: one question of each kind of discordance is
            added (Agresti and Min 2005), since few questions may show no spread at all.

    >>> plan([1.0, 0.0, 0.0, 1.0, -1.0, 1.0, 0.0, 0.0]).more_questions
    55
    """
    values = list(differences)
    seen = sum(values) / len(values)
    known = [*values, 1.0, -1.0] if pass_fail else values
    mean = sum(known) / len(known)
    spread = math.sqrt(sum((v - mean) ** 2 for v in known) / max(1, len(known) - 1))
    normal = NormalDist()
    reach = normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(POWER)
    n = len(values)
    if not seen:
        return Plan(reach * spread / math.sqrt(n), None)
    needed = (reach * spread / seen) ** 2
    return Plan(
        reach * spread / math.sqrt(n),
        None if needed > MOST else max(0, math.ceil(needed - 1e-9) - n),
    )
