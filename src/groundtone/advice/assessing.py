"""Evidence and bill → the situation: each respect with its reason and its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from groundtone.advice import paces
from groundtone.advice.bill import Bill, BreakEven
from groundtone.advice.costs import usd
from groundtone.advice.decision import RESPECTS
from groundtone.advice.knowing import Evidence, Known, shown

STALE_SHARE = 0.10
CADENCE_MONTHS = 3.0
CHANGING = STALE_SHARE / CADENCE_MONTHS
"""Share of the documents a month: faster, and more than a tenth is out of date within a quarter."""
FITS = 0.25
"""Share of the context that the documents together may take."""
HELD = 0.10
"""Share of answers that may break the form before prompting counts as not keeping it."""
LONG = 0.50
"""Share of the context from which on a prompt counts as too long."""
PAYS_MONTHS = 12.0
ENOUGH, PLENTY = 50, 500
Outcome = Literal["better", "worse", "no proven difference"]


@dataclass(frozen=True, slots=True)
class Trained:
    """What a comparison measured training to bring, beside the same arm without.

    Attributes:
        verdict: of the pair in answers passed or in form, whichever is better.
        words: with the numbers.
        n: questions.
    """

    verdict: Outcome
    words: str
    n: int


@dataclass(frozen=True, slots=True)
class Context:
    """What was observed of the workspace and the machine that answers no question by itself.

    Attributes:
        context_tokens: that a prompt and its answer may have together; None: not known.
        training_hours: one training here, predicted; None: not known.
        trained: what training was measured to bring; None: not measured.
    """

    context_tokens: int | None = None
    training_hours: float | None = None
    trained: Trained | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One respect of the situation.

    Attributes:
        respect: one of `decision.RESPECTS`.
        holds: None where it is not known.
        reason: a sentence with the number it rests on.
        how: ``observed``, ``said``, ``computed`` from several, or ``unknown``.
        ask: the key of the question that would settle it; "" where none would.
        flip: what would have to become otherwise, in words.
    """

    respect: str
    holds: bool | None
    reason: str
    how: Literal["observed", "said", "computed", "unknown"]
    ask: str = ""
    flip: str = ""


@dataclass(frozen=True, slots=True)
class Assessment:
    """Every respect, and what contradicts itself in what was said."""

    findings: Mapping[str, Finding]
    contradictions: list[str] = field(default_factory=list)

    def situation(self) -> dict[str, bool | None]:
        """Yes, no or unknown in each respect."""
        return {name: self.findings[name].holds for name in RESPECTS}


MIN_QUESTIONS = 30
"""Fewer compared questions than this do not overrule what training is known to bring."""


def assess(known: Known, bill: Bill, context: Context) -> Assessment:
    """What is the case here, in each respect that the decision asks for."""
    findings = [
        _facts(known),
        _plain(known, "cited", "citations", "Sources must be cited", "Sources need not be cited"),
        _fits(known, context),
        _changing(known),
        _plain(
            known,
            "form",
            "format",
            "A strict format or house style is needed",
            "No strict format is needed",
        ),
        _held(known),
        _heavy(known, bill),
        _trainable(known, bill, context),
        *_examples(known),
        _gains(context.trained),
    ]
    return Assessment({one.respect: one for one in findings}, _contradictions(known))


def _unknown(respect: str, ask: str, what: str) -> Finding:
    return Finding(respect, None, what, "unknown", ask)


def _plain(known: Known, respect: str, key: str, yes: str, no: str) -> Finding:
    evidence = known.get(key)
    if evidence is None:
        return _unknown(respect, key, f"It is not known whether {yes[0].lower()}{yes[1:]}.")
    words, other = (yes, no) if evidence.value else (no, yes)
    flip = f"if {other[0].lower()}{other[1:]}"
    return Finding(
        respect, bool(evidence.value), f"{words} ({evidence.source}).", evidence.how, key, flip
    )


def _facts(known: Known) -> Finding:
    cited = known.get("citations")
    if known.get("facts") is None and cited is not None and cited.value:
        told = f"Answers that must cite sources need documents to cite ({cited.source})."
        return Finding("facts", True, told, "computed", "facts")
    yes, no = "Answers need facts from the documents", "Answers need no facts from documents"
    return _plain(known, "facts", "facts", yes, no)


def _fits(known: Known, context: Context) -> Finding:
    evidence, room = known.get("corpus_tokens"), context.context_tokens
    if evidence is None or room is None:
        return _unknown("fits", "corpus_tokens", "How long the documents are is not known.")
    limit = FITS * room
    fits = float(evidence.value) <= limit
    words = "fit" if fits else "do not fit"
    return Finding(
        "fits",
        fits,
        f"The documents ({float(evidence.value):,.0f} tokens) {words} into a quarter of a prompt "
        f"of {room:,} tokens ({evidence.source}).",
        evidence.how,
        "corpus_tokens",
        f"if the documents {'grew over' if fits else 'were under'} {limit:,.0f} tokens",
    )


def _changing(known: Known) -> Finding:
    evidence = known.get("changes")
    if evidence is None:
        return _unknown("changing", "changes", "How often documents change is not known.")
    rate = float(evidence.value)
    changing = rate > CHANGING
    quickly = (
        f"a tenth of them is out of date {paces.after(STALE_SHARE / rate)}"
        if rate
        else "nothing learnt from them goes out of date"
    )
    return Finding(
        "changing",
        changing,
        f"{paces.change(rate)}, so {quickly} ({evidence.source}).",
        evidence.how,
        "changes",
        f"if {'less' if changing else 'more'} than {CHANGING:.1%} of them changed in a month",
    )


def _held(known: Known) -> Finding:
    evidence = known.get("format_failures")
    if evidence is None:
        return _unknown(
            "held", "format_failures", "How often prompting alone breaks the form is not measured."
        )
    share = float(evidence.value)
    low = share if evidence.low is None else evidence.low
    high = share if evidence.high is None else evidence.high
    interval = "" if evidence.low is None else f" [{low:.0%}, {high:.0%}]"
    told = f"Prompting alone breaks the form in {share:.0%}{interval} of the answers"
    if low <= HELD < high:
        return _unknown(
            "held",
            "format_failures",
            f"{told}: too few questions to say whether that is more than {HELD:.0%} "
            f"({evidence.source}).",
        )
    held = high <= HELD
    return Finding(
        "held",
        held,
        f"{told} ({evidence.source}).",
        evidence.how,
        "format_failures",
        f"if prompting broke the form in {'more' if held else 'less'} than {HELD:.0%}",
    )


def _heavy(known: Known, bill: Bill) -> Finding:
    counted = _relevant(known, bill)
    if counted is not None:
        pays = counted.months is not None and float(counted.months) <= PAYS_MONTHS
        volume = bill.assumptions.volume or 0
        when = (
            "never pays"
            if counted.months is None
            else f"has paid after {float(counted.months):,.1f} months"
        )
        return Finding(
            "heavy",
            pays,
            f"At {volume:,.0f} questions a month training ({usd(bill.setup)} with its examples) "
            f"{when}, “{counted.with_}” in place of “{counted.without}”.",
            "computed",
            "volume",
            _other_volume(bill, counted, pays),
        )
    evidence = known.get("long_prompts")
    if evidence is not None:
        long = bool(evidence.value)
        words = "are too long" if long else "are not too long"
        return Finding(
            "heavy",
            long,
            f"Prompts {words} ({evidence.source}).",
            evidence.how,
            "long_prompts",
            f"if {'neither were prompts too long nor' if long else 'prompts were too long, or'} "
            f"training paid within {PAYS_MONTHS:.0f} months",
        )
    return _unknown("heavy", "long_prompts", "Whether prompts are too long is not known.")


def _relevant(known: Known, bill: Bill) -> BreakEven | None:
    """The pair of arms that are the choice here: documents and worked examples where needed."""
    facts, form = known.get("facts"), known.get("format")
    for one in bill.break_even:
        documents = "rag" in one.without and one.with_ == "both"
        worked = one.without.startswith("few-shot")
        if facts is not None and documents != bool(facts.value):
            continue
        if form is not None and worked and not form.value:
            continue  # nobody would put examples into a prompt that needs no form
        if one.counted:
            return one
    return None


def _other_volume(bill: Bill, counted: BreakEven, pays: bool) -> str:
    """What would turn it, with the number of questions at which it turns."""
    year = f"{PAYS_MONTHS:.0f} months"
    told = "if training " + (f"took longer than {year} to pay" if pays else f"paid within {year}")
    volume = bill.paying_volume(counted, PAYS_MONTHS)
    if volume is None:
        return told
    turn = f"{volume:,.0f} questions a month"
    return f"{told} (under {turn})" if pays else f"{told} (from {turn} on)"


def _trainable(known: Known, bill: Bill, context: Context) -> Finding:
    """No as soon as one thing forbids it; yes when hardware is there and nothing does."""
    hardware, skill = known.get("hardware"), known.get("skill")
    no: list[tuple[str, str, Evidence | None]] = []
    if hardware is not None and not hardware.value:
        no.append(("there is nothing to train on", "hardware", hardware))
    if skill is not None and not skill.value:
        no.append(("nobody can write examples and judge the results", "skill", skill))
    hours, budget, cost = known.number("hours"), known.number("budget"), bill.setup
    if hours is not None and context.training_hours is not None and context.training_hours > hours:
        no.append(
            (
                f"one training takes {context.training_hours:.1f} h, {hours:g} are there",
                "hours",
                known.get("hours"),
            )
        )
    if budget is not None:
        least = cost if cost is not None else bill.data
        if least is not None and float(least) > budget:
            no.append(
                (
                    f"training and examples cost {usd(least)}, {budget:,.10g} dollars are there",
                    "budget",
                    known.get("budget"),
                )
            )
        elif budget == 0 and least is None and not (hardware and hardware.how == "observed"):
            no.append(("there is no money for it", "budget", known.get("budget")))
    if no:
        how = no[0][2].how if no[0][2] is not None else "computed"
        words = "; ".join(what for what, _, _ in no)
        return Finding(
            "trainable",
            False,
            f"Training cannot be afforded: {words}.",
            how,
            no[0][1],
            "if training could be afforded",
        )
    if budget and cost is None and bill.data is None:
        return _unknown(
            "trainable",
            "data_cost",
            f"Whether {budget:,.10g} dollars are enough is not known.",
        )
    if hardware is None:
        return _unknown("trainable", "hardware", "Whether training can be afforded is not known.")
    return Finding(
        "trainable",
        True,
        f"Training can be afforded ({hardware.source}).",
        hardware.how,
        "hardware",
        "if training could not be afforded",
    )


def _examples(known: Known) -> list[Finding]:
    evidence = known.get("examples")
    if evidence is None:
        return [
            _unknown(respect, "examples", "How many good examples there are is not known.")
            for respect in ("enough", "plenty")
        ]
    count = float(evidence.value)

    def one(respect: str, least: int, what: str) -> Finding:
        has = count >= least
        return Finding(
            respect,
            has,
            f"{count:,.0f} good examples, {least} are needed for {what} ({evidence.source}).",
            evidence.how,
            "examples",
            f"with {'fewer than ' if has else ''}{least} examples",
        )

    return [one("enough", ENOUGH, "a style"), one("plenty", PLENTY, "a domain")]


def _gains(trained: Trained | None) -> Finding:
    if trained is None or trained.n < MIN_QUESTIONS:
        why = (
            "What training brings here was not measured."
            if trained is None
            else f"What training brings was measured on {trained.n} questions only; "
            f"{MIN_QUESTIONS} or more would count."
        )
        return Finding("gains", True, why, "unknown", "", "if a comparison showed no gain")
    gains = trained.verdict == "better"
    return Finding(
        "gains",
        gains,
        trained.words,
        "observed",
        "",
        "if a comparison showed " + ("no gain" if gains else "that training is better"),
    )


def _contradictions(known: Known) -> list[str]:
    """Pairs of answers that cannot both be right, each as a question."""

    def both(a: str, b: str) -> tuple[Evidence, Evidence] | None:
        one, other = known.get(a), known.get(b)
        return None if one is None or other is None else (one, other)

    found: list[tuple[str, Evidence, Evidence]] = []
    if (pair := both("facts", "citations")) and not pair[0].value and pair[1].value:
        told = "Answers are said to need no facts from documents, and yet to have to cite them."
        found.append((told, *pair))
    if (pair := both("facts", "changes")) and not pair[0].value and pair[1].value > CHANGING:
        told = "Answers are said to need no facts from documents, and yet these change quickly."
        if pair[1].how == "said":
            found.append((told, *pair))
    if (pair := both("facts", "corpus_tokens")) and pair[0].value and not pair[1].value:
        told = "Answers are said to need facts from documents, and there are no documents."
        found.append((told, *pair))
    if (pair := both("format", "format_failures")) and not pair[0].value and pair[1].value > HELD:
        told = "No strict format is said to be needed, and yet answers to break it."
        if pair[1].how == "said":
            found.append((told, *pair))
    return [
        f"{told} Which of the two is right? ({a.key}: {shown(a)}; {b.key}: {shown(b)})"
        for told, a, b in found
    ]
