"""RAG and fine-tuning at a glance: the general statement, and beside it what was measured here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NOT_MEASURED = "not measured here"


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what is compared, what holds in general of each way, and what was seen here."""

    what: str
    rag: str
    tuned: str
    here: str


_GENERAL = (
    (
        "weights",
        "Updates weights?",
        "No: documents go into the prompt",
        "Yes: an adapter beside the base",
    ),
    ("data", "Can the data change?", "At once: the next sync brings it", "Only by training again"),
    (
        "compute",
        "Compute",
        "An index, and longer prompts for each answer",
        "A training once, shorter prompts after it",
    ),
    ("expertise", "Expertise", "Tidy documents", "Good examples, and judging what was learnt"),
    ("traceable", "Traceable?", "Yes: every sentence to its passage", "No: a weight has no page"),
    (
        "hallucination",
        "Hallucination",
        "Less: what no passage supports can be dropped",
        "More, where facts were to be learnt by heart",
    ),
    ("deployment", "Deployment", "An index beside the model", "An adapter that must fit its base"),
    ("best", "Best for", "Facts that change or must be cited", "Form, tone, and short prompts"),
)


def rows(here: Mapping[str, str]) -> list[Row]:
    """The table; `here` has what was measured, by the first word of `_GENERAL`'s entries."""
    return [
        Row(what, rag, tuned, here.get(key, NOT_MEASURED)) for key, what, rag, tuned in _GENERAL
    ]
