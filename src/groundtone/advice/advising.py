"""Evidence in, advice out: assess, decide, and say what would change it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from groundtone.advice import glance, paces
from groundtone.advice.assessing import ENOUGH, PLENTY, Assessment, Context, Finding, assess
from groundtone.advice.bill import Bill
from groundtone.advice.costs import usd
from groundtone.advice.decision import RESPECTS, Verdict, possible, turning, undecided
from groundtone.advice.knowing import Known
from groundtone.advice.questions import QUESTIONS, form
from groundtone.advice.report import Advice, Ask, Expectation

_WAYS: tuple[Verdict, ...] = ("prompt only", "RAG", "fine-tune", "both")
_MEASURED_BY = {
    "format_failures": "`groundtone compare FILE --arms rag,few-shot+rag` measures it",
    "examples": "`groundtone tune check FILE`, and --examples-file FILE here, counts them",
    "changes": "syncing now and then lets it be seen",
    "volume": "the log of answers lets it be seen",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next commands are run.

    Attributes:
        documents: how many are synced.
        examples, questions: paths of such files, "" where none is known.
        tuned: the newest tuned model's name, "" for none.
    """

    documents: int = 0
    examples: str = ""
    questions: str = ""
    tuned: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of the ways themselves.

    Attributes:
        expectations: latency and training time, where they were measured or predicted.
        glance: for the table at a glance, by its keys.
    """

    expectations: Sequence[Expectation] = ()
    glance: Mapping[str, str] = field(default_factory=dict)


def advise(
    known: Known,
    bill: Bill | None = None,
    context: Context | None = None,
    place: Place | None = None,
    measured: Measured | None = None,
) -> Advice:
    """The advice for what is known; what is missing or contradicts itself becomes a question."""
    bill, place, measured = bill or Bill(), place or Place(), measured or Measured()
    assessed = assess(known, bill, context or Context())
    situation = assessed.situation()
    open_ways = possible(situation)
    missing = undecided(situation)
    settled = len(open_ways) == 1 and not assessed.contradictions
    verdict: Verdict = next(iter(open_ways)) if settled else "not enough evidence yet"
    questions = [] if settled else _questions(assessed, situation, missing)
    # What is unknown and does not matter is taken as no, to see what would change the verdict.
    told = {name: bool(value) for name, value in situation.items()}
    turns = turning(told) if settled else []
    deciding = {names[0] for names, _ in turns if len(names) == 1}
    if settled:
        reasons = [assessed.findings[name] for name in RESPECTS if name in deciding]
        reasons = [one for one in reasons if _tells(one)] or _first(assessed)
    else:
        reasons = [one for one in _first(assessed) if one.respect not in missing]
    return Advice(
        verdict=verdict,
        open=[way for way in _WAYS if way in open_ways],
        reasons=reasons,
        others=[one for one in assessed.findings.values() if one not in reasons and _tells(one)],
        questions=questions,
        would_change=[
            f"{_if(assessed, names)}: {other}" for names, other in turns if _worth(assessed, names)
        ],
        commands=_commands(verdict, place, situation["facts"], questions),
        expectations=[*_expected(verdict, known), *measured.expectations, *_again(bill)],
        disagreements=known.disagreements(),
        evidence=[evidence for key in QUESTIONS if (evidence := known.get(key)) is not None],
        bill=bill,
        glance=glance.rows(measured.glance),
    )


def _questions(
    assessed: Assessment, situation: Mapping[str, bool | None], missing: Sequence[str]
) -> list[Ask]:
    asked = [Ask("", text, "Correct one of the two.", "") for text in assessed.contradictions]
    for name in missing:
        key = assessed.findings[name].ask
        if not key or any(one.key == key for one in asked):
            continue
        question = QUESTIONS[key]
        option = f"--{key.replace('_', '-')}"
        how = f"{form(question)} ({option}"
        how += f"; {_MEASURED_BY[key]})" if key in _MEASURED_BY else ")"
        ways = {
            decision for value in (True, False) for decision in possible({**situation, name: value})
        }
        named = ", ".join(way for way in _WAYS if way in ways)
        asked.append(Ask(key, question.text, how, f"Open: {named}."))
    return asked


def _first(assessed: Assessment) -> list[Finding]:
    """The known respects, for a verdict that no single one of them decides."""
    return [one for one in assessed.findings.values() if one.holds is not None and _tells(one)]


def _tells(finding: Finding) -> bool:
    """Whether a finding says something: what nobody asked for or measured does not."""
    return finding.how != "unknown"


def _worth(assessed: Assessment, names: Sequence[str]) -> bool:
    return all(assessed.findings[name].flip for name in names)


def _if(assessed: Assessment, names: Sequence[str]) -> str:
    words = " and ".join(
        dict.fromkeys(assessed.findings[name].flip.removeprefix("if ") for name in names)
    )
    return words[0].upper() + words[1:] if words.startswith("with") else f"If {words}"


def _expected(verdict: Verdict, known: Known) -> list[Expectation]:
    if verdict not in ("fine-tune", "both"):
        return []
    have = known.number("examples")
    there = "" if have is None else f"; {have:,.0f} are there"
    return [
        Expectation(
            "Examples",
            f"{ENOUGH} to 100 for a style, {PLENTY} to 1,000 and more for a domain{there}",
            "general experience",
        )
    ]


def _again(bill: Bill) -> list[Expectation]:
    """How often facts that were learnt would have to be learnt anew."""
    kept = bill.retraining
    if kept is None or kept.months is None:
        return []
    value = paces.every(float(kept.months)) if kept.months else "at every change, and still late"
    if kept.monthly is not None:
        value += f", {usd(kept.monthly)} a month"
    tolerated = bill.assumptions.tolerated
    pace = paces.change(float(bill.assumptions.changes or 0))
    how = f"{pace}, {tolerated:.0%} may be out of date"
    return [Expectation("Training again, were facts in the weights", value, how)]


def _commands(
    verdict: Verdict, place: Place, facts: bool | None, questions: Sequence[Ask]
) -> list[str]:
    """The next three; a placeholder in capitals or … is to be filled in."""
    examples = shlex.quote(place.examples or "examples.jsonl")
    asked = shlex.quote(place.questions or "questions.jsonl")
    sync = [] if place.documents else ["groundtone sync FOLDER"]
    check = f"groundtone tune check {examples}"
    run = f"groundtone tune run {examples} --suffix NAME"

    def compare(arms: str) -> str:
        shots = f" --examples {examples}" if "few-shot" in arms and not place.tuned else ""
        return f"groundtone compare {asked} --arms {arms}{shots}"

    match verdict:
        case "prompt only":
            found = [compare("base,few-shot"), "groundtone log list", "groundtone advise"]
        case "RAG":
            found = [
                *sync,
                f"groundtone eval retrieval {asked}",
                f"groundtone eval answers {asked}",
                compare("base,rag"),
            ]
        case "fine-tune":
            found = [check, run, compare("base,few-shot,tuned")]
        case "both":
            found = [*sync, check, run, compare("rag,few-shot+rag,both")]
        case _:
            keys = [one.key for one in questions if one.key][:3]
            said = "".join(f" --{key.replace('_', '-')} …" for key in keys)
            prompting = "base,few-shot" if facts is False else "base,rag,few-shot+rag"
            counting = [check] if "examples" in keys else []
            found = [
                *sync,
                *counting,
                compare(prompting),
                f"groundtone advise{said}",
                "groundtone log list",
            ]
    return found[:3]
