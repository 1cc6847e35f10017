"""One outcome against its question: the numbers, pass or fail, and why.

A number is None where it has no meaning for that question: then the question does not count in
that measure's mean, and ``n`` in the report says how many did.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from groundtone.evaluation.arms import Outcome
from groundtone.evaluation.manner import Manner
from groundtone.evaluation.measures import MEASURES, Kind
from groundtone.evaluation.metrics import METRICS
from groundtone.evaluation.questions import Question
from groundtone.evaluation.style import Style

Price = Callable[[str, int, int, float], float | None]
"""Dollars for (model, prompt tokens, completion tokens, seconds); None where no price is known."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an answer: its kind (a key of KINDS) and a sentence."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Score:
    """One outcome, judged.

    Attributes:
        values: by measure name, a number or None where the measure has no meaning here. Pass/fail
            measures give 1.0 or 0.0.
        faults: everything wrong with it; () is clean. Wrong citations are listed but do not fail
            an answer that is correct and in style.
        reason: one sentence: why it passed, why it failed, or why nothing could be judged.
    """

    values: Mapping[str, float | None]
    faults: tuple[Fault, ...]
    reason: str = ""

    @property
    def passed(self) -> bool | None:
        """Content and form both right; None when the question gives nothing to judge by."""
        value = self.values["passed"]
        return None if value is None else bool(value)


@dataclass(frozen=True, slots=True)
class Yardsticks:
    """What answers are held against, beside their questions. Each is left out where it is None.

    Attributes:
        style: the declared house style.
        manner: what the user's examples have in common.
        judged: what the judge model said of an outcome; None for one it was not asked about.
        price: what an answer cost; None for a model without price.
        documents: paths of the workspace's documents. Evidence that names one of them, or one that
            the answer cites or was shown, means that one alone; any other, each whose path ends in
            it or that it ends in, since a source may be a folder further in or out.
    """

    style: Style | None = None
    manner: Manner | None = None
    judged: Callable[[Outcome], bool | None] | None = None
    price: Price | None = None
    documents: frozenset[str] = frozenset()


def score(outcome: Outcome, question: Question, by: Style | Yardsticks | None = None) -> Score:
    """Judges one outcome; see MEASURES for what each number means and when it is None."""
    by = by if isinstance(by, Yardsticks) else Yardsticks(by)
    values: dict[str, float | None] = dict.fromkeys(MEASURES)
    faults: list[Fault] = []
    content = _content(outcome, question, by, values, faults)
    form = True
    if by.style is not None:
        broken = by.style.check(outcome.text, outcome.refused)
        form = not broken
        values["format"] = float(form)
        faults.extend(Fault("form", f"Form: {fault}.") for fault in broken)
    if content is not None:
        values["passed"] = float(content and form)
    _manner(outcome, by, values)
    _citations(outcome, question, by, values, faults)
    _spent(outcome, by, values)
    return Score(values, tuple(faults), _reason(outcome, question, values, faults))


def _content(
    outcome: Outcome,
    question: Question,
    by: Yardsticks,
    values: dict[str, float | None],
    faults: list[Fault],
) -> bool | None:
    """Fills the measures of content; whether the content is right, None when unknown."""
    refused = outcome.refused
    values["refusal"] = float(refused != question.answerable)
    if not question.answerable:
        values["refusal_right"] = float(refused)
        if not refused:
            faults.append(Fault("answered", "Answered, though the documents hold no answer."))
        return refused
    values["refusal_wrong"] = float(refused)
    if refused:
        faults.append(Fault("refused", "Refused, though the documents hold the answer."))
    if not question.answers:
        return None
    for name, metric in METRICS.items():
        values[name] = 0.0 if refused else float(metric(outcome.bare_text, question.answers))
    right = values["correct"] == 1.0
    overlap = values["f1"] or 0.0
    said = f"The gold answer is not in it (token F1 {overlap:.2f})."
    if by.judged is not None:
        verdict = False if refused else by.judged(outcome)
        if verdict is not None:
            right = verdict
            values["judge"] = float(verdict)
            said = f"Wrong by the judge (token F1 {overlap:.2f})."
    if not right and not refused:
        faults.append(Fault("wrong", said))
    return right


def _reason(
    outcome: Outcome,
    question: Question,
    values: Mapping[str, float | None],
    faults: list[Fault],
) -> str:
    """Why it passed or failed, in a sentence."""
    if values["passed"] is None:
        return "No gold answer to judge by."
    if not values["passed"]:
        against = [fault.text for fault in faults if fault.kind != "citation"]
        return against[0] if against else "Failed."
    if not question.answerable:
        return "Refused, as it should be."
    if values["judge"]:
        return "Right by the judge."
    return "Equals a gold answer." if values["em"] else "The gold answer stands in it."


def _manner(outcome: Outcome, by: Yardsticks, values: dict[str, float | None]) -> None:
    if by.manner is None or outcome.refused:
        return
    distance = by.manner.distance(outcome.bare_text)
    if distance is not None:
        values["style"] = distance.overall
        values["length_ratio"] = distance.length_ratio
        values["function_words"] = distance.function_words
        values["ngrams"] = distance.ngrams


def _spent(outcome: Outcome, by: Yardsticks, values: dict[str, float | None]) -> None:
    for name in ("prompt_tokens", "completion_tokens", "first_token_ms", "total_ms"):
        value = getattr(outcome, name)
        values[name] = None if value is None else float(value)
    prompt, completion = outcome.prompt_tokens, outcome.completion_tokens
    if prompt is None or completion is None:
        return
    values["tokens"] = float(prompt + completion)
    if by.price is not None and outcome.model:
        seconds = (outcome.total_ms or 0.0) / 1000
        values["cost"] = by.price(outcome.model, prompt, completion, seconds)


def _citations(
    outcome: Outcome,
    question: Question,
    by: Yardsticks,
    values: dict[str, float | None],
    faults: list[Fault],
) -> None:
    cited = outcome.citations
    if cited:
        dead = sum(not citation.get("resolvable") for citation in cited)
        values["citation_resolvable"] = 1 - dead / len(cited)
        if dead:
            faults.append(Fault("citation", f"{dead} of {len(cited)} citations do not resolve."))
    values["citation_precision"] = outcome.citation_precision
    values["citation_recall"] = outcome.citation_recall
    values["faithfulness"] = outcome.faithfulness
    if outcome.refused or not question.answerable or not question.evidence:
        return
    documents = {str(citation.get("document", "")) for citation in cited}
    seen = {_plain(path) for path in (*documents, *outcome.passages)}
    gold = {evidence.doc for evidence in question.evidence}
    # Which of the cited each piece of evidence means.
    meant = {doc: _meant(doc, documents, seen, by.documents) for doc in gold}
    hit = {doc for doc, found in meant.items() if found}
    values["citation_right"] = float(bool(hit))
    values["gold_cited"] = len(hit) / len(gold)
    if documents:
        values["cited_gold"] = len(set().union(*meant.values())) / len(documents)
    sections = [evidence for evidence in question.evidence if evidence.section]
    if sections:
        found = any(
            str(citation.get("document", "")) in meant[evidence.doc]
            and _same_section(evidence.section or "", str(citation.get("section") or ""))
            for evidence in sections
            for citation in cited
        )
        values["citation_section"] = float(found)
    if cited and not hit:
        faults.append(Fault("citation", f"Cites {_some(documents)}; the gold is {_some(gold)}."))


def _meant(gold: str, cited: set[str], seen: set[str], known: frozenset[str]) -> set[str]:
    """Those of the cited documents that a gold path means; see `Yardsticks.documents`."""
    path = _plain(gold)
    exact = path in seen or path in known
    return {one for one in cited if (path == _plain(one) if exact else _tail(path, _plain(one)))}


def _plain(path: str) -> str:
    return path.replace("\\", "/").removeprefix("./").strip("/")


def _tail(one: str, two: str) -> bool:
    """Equal paths, or one the tail of the other."""
    return bool(one and two) and (one == two or one.endswith("/" + two) or two.endswith("/" + one))


def _same_section(left: str, right: str) -> bool:
    """Equal leading numbers ("2.1" and "2.1 Reset a password"), else equal titles."""
    one, two = (_section(text) for text in (left, right))
    if one[0] and two[0]:
        return one[0] == two[0]
    return bool(one[1]) and one[1] == two[1]


def _section(text: str) -> tuple[str, str]:
    plain = re.sub(r"^(?:section|sec\.|§)\s*", "", text.strip().casefold())
    number = re.match(r"(?:\d+(?:\.\d+)*|[a-z](?:\.\d+)+)(?=[.:)\s]|$)", plain)
    if number is None:
        return "", plain
    return number.group(), plain[number.end() :].strip(" .:)") or plain


def _some(names: set[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")
