"""The measures: what each is called, its unit, which way is better; and kinds of faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["share", "score", "ratio", "tokens", "ms", "usd"]
Kind = Literal["wrong", "refused", "answered", "form", "citation"]
KINDS: dict[Kind, str] = {
    "wrong": "Wrong or incomplete",
    "refused": "Refused needlessly",
    "answered": "Answered the unanswerable",
    "form": "Broke the house style",
    "citation": "Cited the wrong place",
}


@dataclass(frozen=True, slots=True)
class Measure:
    """A column of numbers: what it is called, its unit, which way is better, what it means.

    ``higher_is_better`` is None where neither way is: such a measure is shown, never tested.
    """

    name: str
    title: str
    unit: Unit
    higher_is_better: bool | None
    about: str


_ANSWERABLE = "Over answerable questions with a gold answer; a refusal counts 0."
MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure(
            "passed",
            "Passed",
            "share",
            True,
            "Answerable: correct (where a judge is named: right by the judge) and in the house "
            "style. Unanswerable: refused in the declared words. Over questions with a gold "
            "answer and unanswerable ones.",
        ),
        Measure(
            "correct",
            "Correct",
            "share",
            True,
            f"Exact match, or the shortest gold answer stands in it. {_ANSWERABLE}",
        ),
        Measure("em", "Exact match", "share", True, f"Normalised equality. {_ANSWERABLE}"),
        Measure("f1", "Token F1", "score", True, f"SQuAD's F1, best gold answer. {_ANSWERABLE}"),
        Measure("contains", "Contains gold", "share", True, f"Any gold answer. {_ANSWERABLE}"),
        Measure(
            "all_words",
            "All gold words",
            "share",
            True,
            f"All words of the first gold answer but stop words. {_ANSWERABLE}",
        ),
        Measure("rouge_l", "ROUGE-L", "score", True, f"F1, best gold answer. {_ANSWERABLE}"),
        Measure(
            "judge", "Right by the judge", "share", True, f"A chat model says so. {_ANSWERABLE}"
        ),
        Measure("format", "House style kept", "share", True, "Over all answers and refusals."),
        Measure(
            "style",
            "Style distance",
            "score",
            False,
            "From the examples' answers, 0 to 1: the mean of how far the length is off, and of the "
            "two distances below. Over answers, not refusals, labels left out.",
        ),
        Measure(
            "length_ratio",
            "Length ratio",
            "ratio",
            None,
            "Words over those of the middle example. Over the same answers.",
        ),
        Measure(
            "function_words",
            "Function words",
            "score",
            False,
            "How far the shares of the words of grammar are from the examples'.",
        ),
        Measure(
            "ngrams",
            "Character trigrams",
            "score",
            False,
            "1 minus the cosine with the examples' trigrams.",
        ),
        Measure(
            "citation_resolvable",
            "Citations resolvable",
            "share",
            True,
            "Share of an answer's citations whose quote stands at the cited place. Over answers "
            "with citations.",
        ),
        Measure(
            "citation_right",
            "Right document cited",
            "share",
            True,
            "A gold document is among the cited. Over answers, not refusals, to answerable "
            "questions with gold evidence; an answer without citations counts 0; not measured for "
            "an arm that never cites.",
        ),
        Measure(
            "citation_section",
            "Right section cited",
            "share",
            True,
            "The same where the evidence names a section: document and section are both right.",
        ),
        Measure(
            "citation_precision",
            "Citation precision",
            "share",
            True,
            "ALCE's: share of an answer's citations that support their sentence and are needed. "
            "Over answers with sentences; not measured for an arm that never cites.",
        ),
        Measure(
            "citation_recall",
            "Citation recall",
            "share",
            True,
            "ALCE's: share of an answer's sentences that their cited passages support together. "
            "Over the same answers.",
        ),
        Measure(
            "cited_gold",
            "Cited documents gold",
            "share",
            True,
            "Share of the cited documents that are gold. Over answers with citations to "
            "answerable questions with gold evidence.",
        ),
        Measure(
            "gold_cited",
            "Gold documents cited",
            "share",
            True,
            "Share of the gold documents that are cited; counted over the same answers as the "
            "right document.",
        ),
        Measure(
            "faithfulness",
            "Faithfulness",
            "share",
            True,
            "Share of the sentences that the model wrote, shown or not, that the passages found "
            "for the question support; the same passages for every arm, seen by it or not.",
        ),
        Measure(
            "refusal",
            "Refused when right",
            "share",
            True,
            "Refused where the documents hold no answer, and only there. Over all questions.",
        ),
        Measure(
            "refusal_right",
            "Unanswerable refused",
            "share",
            True,
            "Over unanswerable questions.",
        ),
        Measure(
            "refusal_wrong", "Answerable refused", "share", False, "Over answerable questions."
        ),
        Measure("tokens", "Tokens", "tokens", False, "Prompt and completion. Over all questions."),
        Measure("prompt_tokens", "Prompt tokens", "tokens", False, "Over all questions."),
        Measure("completion_tokens", "Completion tokens", "tokens", False, "Over all questions."),
        Measure("first_token_ms", "Time to first token", "ms", False, "Over all questions."),
        Measure("total_ms", "Total time", "ms", False, "Over all questions."),
        Measure(
            "cost",
            "Cost a question",
            "usd",
            False,
            "By the price table, from the tokens measured, or from your own machine's time; not "
            "measured for a model without price.",
        ),
        Measure(
            "cost_passing",
            "Cost a passing answer",
            "usd",
            False,
            "What all answers cost together, over the number that passed.",
        ),
    )
}
