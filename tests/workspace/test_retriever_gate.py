"""What the gate of a tuned retriever makes of held-out questions."""

from __future__ import annotations

import numpy as np

from groundtone.retrieval.tuned import Tuned
from groundtone.workspace.judged_questions import Asked
from groundtone.workspace.retriever_gate import measured_on, refusals

TUNED = Tuned("retriever:x", "small@24", {}, None)


def held(groups: list[str]) -> list[Asked]:
    return [
        Asked("question", f"What is {number}?", frozenset({group}), group=group)
        for number, group in enumerate(groups)
    ]


def test_many_questions_on_a_few_documents_prove_little() -> None:
    """Three documents are found better, one worse: 40 questions, but four draws."""
    better = np.repeat([0.2, 0.25, 0.15, -0.05], 10)
    before = np.linspace(0.3, 0.6, 40)
    few = held([name for name in "abcd" for _ in range(10)])
    found = measured_on(few, list(before + better), list(before))
    assert found.groups == 4 and found.to_json()["groups"] == 4
    assert found.difference.low < 0
    [reason] = refusals(TUNED, found, {}, "question")
    assert "40 held-out questions, of 4 groups of documents" in reason
    apart = measured_on(held([str(n) for n in range(40)]), list(before + better), list(before))
    assert apart.difference.low > 0 and refusals(TUNED, apart, {}, "question") == ()
