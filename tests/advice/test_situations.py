"""Needs as people describe them, with the verdict that each must get, and why.

A change to the rules that turns one of these turns somebody's decision.
"""

from __future__ import annotations

import datetime
import shlex
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from groundtone.advice.advising import advise
from groundtone.advice.assessing import Context, Trained, assess
from groundtone.advice.bill import Arm, Assumptions, Bill, draw_up
from groundtone.advice.knowing import Evidence, Known
from groundtone.advice.prices import Price, Prices, load_prices
from groundtone.advice.questions import read
from groundtone.advice.report import Advice

CONTEXT = Context(context_tokens=4096)
# A support desk: facts in documents too long for a prompt, no form, training possible.
DESK = {
    "facts": "yes",
    "changes": "yearly",
    "citations": "no",
    "corpus_tokens": 200_000,
    "format": "no",
    "long_prompts": "no",
    "examples": 0,
    "hardware": "yes",
}
# A form: no documents, a strict format that prompting does not keep, examples at hand.
FORM = {
    "facts": "no",
    "format": "yes",
    "format_failures": "30%",
    "long_prompts": "no",
    "examples": 200,
    "hardware": "yes",
    "skill": "yes",
}
EVERYTHING = {**DESK, **FORM, "facts": "yes", "citations": "yes", "changes": "weekly"}

SITUATIONS: dict[str, tuple[dict[str, Any], str, set[str]]] = {
    # name: (what is said, verdict, respects that must be among the reasons)
    "a changing catalogue": ({**DESK, "changes": "weekly"}, "RAG", {"facts"}),
    "legal answers with citations": ({**DESK, "citations": "yes"}, "RAG", {"facts"}),
    "legal citations on stable law, many examples, long prompts": (
        {**DESK, "citations": "yes", "changes": "never", "examples": 2000, "long_prompts": "yes"},
        "both",
        {"facts", "heavy", "trainable"},
    ),
    "a stable manual, few examples": (DESK, "RAG", {"facts"}),
    "one page of opening hours": (
        {**DESK, "corpus_tokens": 600, "changes": "daily"},
        "prompt only",
        {"fits"},
    ),
    "one page that must be cited": (
        {**DESK, "corpus_tokens": 600, "citations": "yes"},
        "RAG",
        {"cited"},
    ),
    "a fixed format": (FORM, "fine-tune", {"form", "held", "trainable", "enough"}),
    "a fixed format that a prompt keeps": (
        {**FORM, "format_failures": "2%"},
        "prompt only",
        {"held"},
    ),
    "a fixed format and nothing to train on": (
        {**FORM, "hardware": "no"},
        "prompt only",
        {"trainable"},
    ),
    "a fixed format and too few examples": (
        {**FORM, "examples": 20},
        "prompt only",
        {"enough"},
    ),
    "a fixed format and nobody who knows how": (
        {**FORM, "skill": "no"},
        "prompt only",
        {"trainable"},
    ),
    "a tiny budget": (
        {**EVERYTHING, "budget": 50, "data_cost": 400},
        "RAG",
        {"trainable"},
    ),
    "no budget and no machine of one's own": (
        {**FORM, "budget": 0},
        "prompt only",
        {"trainable"},
    ),
    "a budget that is enough": (
        {**EVERYTHING, "budget": 500, "data_cost": 400},
        "both",
        {"trainable"},
    ),
    "style and facts": (EVERYTHING, "both", {"facts", "form", "held"}),
    "style and facts, examples still to be written": (
        {**EVERYTHING, "examples": 10},
        "RAG",
        {"enough"},
    ),
    "a house style that a prompt keeps, over a changing catalogue": (
        {**EVERYTHING, "format_failures": "5%"},
        "RAG",
        {"held"},
    ),
    "neither facts nor form": (
        {**FORM, "format": "no", "format_failures": 0},
        "prompt only",
        {"facts", "heavy"},
    ),
    "instructions that fill the prompt": (
        {**FORM, "format": "no", "format_failures": 0, "long_prompts": "yes"},
        "fine-tune",
        {"heavy"},
    ),
    "a closed domain learnt by heart": (
        {**DESK, "changes": "never", "examples": 2000, "long_prompts": "yes"},
        "fine-tune",
        {"plenty", "changing", "cited"},
    ),
    "the same domain, but it changes": (
        {**DESK, "changes": "monthly", "examples": 2000, "long_prompts": "yes"},
        "both",
        {"changing"},
    ),
    "the same domain, too few examples for it": (
        {**DESK, "changes": "never", "examples": 100, "long_prompts": "yes"},
        "both",
        {"plenty"},
    ),
    "training that takes too long": (
        {**EVERYTHING, "hours": 1},
        "RAG",
        {"trainable"},
    ),
    "nothing known to matter but citations": (
        {**{k: v for k, v in DESK.items() if k != "facts"}, "citations": "yes"},
        "RAG",
        set(),
    ),
}


def told(answers: dict[str, Any], *seen: Evidence, **more: Any) -> Advice:
    known = Known.of({key: read(key, value) for key, value in answers.items()}, seen)
    return advise(known, more.pop("bill", _bill(answers)), more.pop("context", CONTEXT), **more)


def _bill(answers: dict[str, Any]) -> Bill:
    data = answers.get("data_cost")
    return Bill(data=None if data is None else Decimal(data))


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_situation_gets_its_verdict_and_its_reasons(name: str) -> None:
    answers, verdict, reasons = SITUATIONS[name]
    context = Context(4096, training_hours=8.0 if "hours" in answers else None)
    advice = told(answers, context=context)
    assert advice.verdict == verdict, advice.markdown()
    assert reasons <= {one.respect for one in advice.reasons}
    assert not advice.questions
    assert advice.open == [verdict]
    assert len(advice.commands) == 3
    assert advice.would_change, "something always would"


def test_there_are_twenty_situations_and_every_verdict_among_them() -> None:
    verdicts = [verdict for _, verdict, _ in SITUATIONS.values()]
    assert len(verdicts) >= 20
    assert set(verdicts) == {"prompt only", "RAG", "fine-tune", "both"}


def test_reasons_carry_their_numbers() -> None:
    advice = told({**EVERYTHING, "budget": 50, "data_cost": 400})
    (reason,) = [one for one in advice.reasons if one.respect == "trainable"]
    assert "$400.00" in reason.reason
    assert "50 dollars" in reason.reason
    advice = told({**DESK, "corpus_tokens": 600})
    (reason,) = [one for one in advice.reasons if one.respect == "fits"]
    assert "600 tokens" in reason.reason
    assert "4,096" in reason.reason


MISSING = {
    "nothing at all": ({}, {"facts", "format", "examples", "hardware"}),
    "whether facts are needed": ({k: v for k, v in DESK.items() if k != "facts"}, {"facts"}),
    "how often prompting breaks the form": (
        {k: v for k, v in FORM.items() if k != "format_failures"},
        {"format_failures"},
    ),
    "how many examples there are": (
        {k: v for k, v in FORM.items() if k != "examples"},
        {"examples"},
    ),
    "whether training can be afforded": (
        {k: v for k, v in FORM.items() if k not in ("hardware", "skill")},
        {"hardware"},
    ),
    "whether the budget is enough": ({**FORM, "budget": 500}, {"data_cost"}),
    "whether one page must be cited": (
        {**{k: v for k, v in DESK.items() if k != "citations"}, "corpus_tokens": 600},
        {"citations"},
    ),
}


@pytest.mark.parametrize("name", MISSING)
def test_what_is_missing_becomes_a_question(name: str) -> None:
    answers, asked = MISSING[name]
    advice = told(answers)
    assert advice.verdict == "not enough evidence yet"
    assert asked <= {one.key for one in advice.questions}
    assert len(advice.open) > 1
    assert all(one.text.endswith("?") and "--" in one.how for one in advice.questions)


def test_what_does_not_matter_is_not_asked() -> None:
    advice = told(
        {key: DESK[key] for key in ("facts", "changes", "corpus_tokens", "format", "long_prompts")}
    )
    assert advice.verdict == "RAG", "citations, examples and hardware change nothing here"
    advice = told({"facts": "no", "format": "no", "long_prompts": "no"})
    assert advice.verdict == "prompt only"


CONTRADICTIONS = {
    "cite what is not needed": {**DESK, "facts": "no", "citations": "yes"},
    "documents that change but are not needed": {**FORM, "changes": "daily"},
    "facts from no documents": {**DESK, "corpus_tokens": 0},
    "a format that is not needed and broken": {**FORM, "format": "no"},
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_contradiction_becomes_a_question_not_a_guess(name: str) -> None:
    advice = told(CONTRADICTIONS[name])
    assert advice.verdict == "not enough evidence yet"
    assert any("Which of the two is right?" in one.text for one in advice.questions)


def test_what_was_observed_wins_and_the_disagreement_is_told() -> None:
    seen = Evidence("changes", 0.4, "observed", "12 syncs in 60 days")
    advice = told({**DESK, "changes": "never", "examples": 2000, "long_prompts": "yes"}, seen)
    assert advice.verdict == "both", "said: never; seen: 40% a month"
    (disagreement,) = advice.disagreements
    assert "Said: 0.0%" in str(disagreement)
    assert "12 syncs in 60 days" in str(disagreement)
    (used,) = [one for one in advice.evidence if one.key == "changes"]
    assert used.how == "observed"


def test_every_command_that_is_advised_exists() -> None:
    import typer

    from groundtone.cli.main import app

    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    advised = [told(answers) for answers, *_ in SITUATIONS.values()]
    advised += [told(answers) for answers, _ in MISSING.values()]
    for command in {command for advice in advised for command in advice.commands}:
        words = shlex.split(command)
        assert words[0] == "groundtone"
        found = known[words[1]]
        groups = getattr(found, "commands", {})
        found = groups.get(words[2], groups.get("run", found)) if groups else found
        options = {name for parameter in found.params for name in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, command


def test_how_often_learnt_facts_would_be_learnt_anew() -> None:
    assumed = Assumptions(changes=0.05, price_as="gpt-4.1-mini", training_tokens=420_000)
    bill = draw_up(ARMS, assumed, load_prices())
    (again,) = [one for one in told(DESK, bill=bill).expectations if "again" in one.what]
    assert again.value == "every 2.0 months, $1.05 a month"
    assert not [one for one in told(DESK).expectations if "again" in one.what]


def test_few_questions_leave_the_form_open() -> None:
    form = {key: value for key, value in FORM.items() if key != "format_failures"}
    wide = Evidence("format_failures", 0.12, "observed", "8 questions", low=0.02, high=0.45)
    advice = told(form, wide)
    assert advice.verdict == "not enough evidence yet"
    assert [one.key for one in advice.questions] == ["format_failures"]
    narrow = Evidence("format_failures", 0.25, "observed", "200 questions", low=0.2, high=0.31)
    assert told(form, narrow).verdict == "fine-tune"


def test_training_that_was_measured_to_bring_nothing_is_not_advised() -> None:
    nothing = Trained("no proven difference", "Both pass 60 of 120.", 120)
    advice = told(EVERYTHING, context=Context(4096, trained=nothing))
    assert advice.verdict == "RAG"
    assert "Both pass 60 of 120." in [one.reason for one in advice.reasons]
    few = Trained("no proven difference", "Both pass 5 of 10.", 10)
    assert told(EVERYTHING, context=Context(4096, trained=few)).verdict == "both"


ARMS = [
    Arm("few-shot", "openai:gpt-4.1-mini", 1500, 80, 1.2, 0.6, "here"),
    Arm("tuned", "openai:gpt-4.1-mini", 200, 60, 0.9, 0.6, "here"),
]


@pytest.mark.parametrize(("volume", "verdict"), [(1_000_000, "fine-tune"), (20_000, "prompt only")])
def test_a_high_volume_pays_for_training(volume: float, verdict: str) -> None:
    """300,000 tokens trained and 400 dollars of examples, against shorter prompts."""
    assumed = Assumptions(
        volume=volume, price_as="gpt-4.1-mini", training_tokens=300_000, data=Decimal(400)
    )
    bill = draw_up(ARMS, assumed, load_prices())
    advice = told({**FORM, "format_failures": "2%", "volume": volume}, bill=bill)
    assert advice.verdict == verdict
    assert "heavy" in {one.respect for one in advice.reasons}
    (turned,) = [text for text in advice.would_change if "questions a month" in text]
    pays = verdict == "fine-tune"
    assert ("(under " if pays else "(from ") in turned and (" on)" in turned) is not pays


def test_the_volume_that_would_pay_counts_hosting() -> None:
    assumed = Assumptions(price_as="small", training_tokens=1e6, data=Decimal(100))
    day = datetime.date.today()
    small = Price("p", "small", Decimal(2), Decimal(8), "s", day)
    tuned = replace(small, model="ft:small", training=Decimal(5), hosting_per_hour=Decimal("0.1"))
    prices = Prices({"small": small, "ft:small": tuned})
    arms = [Arm("few-shot", "any", 2000, 100, 1.0), Arm("tuned", "any", 500, 100, 0.5)]

    def heavy(volume: float) -> str:
        bill = draw_up(arms, replace(assumed, volume=volume), prices)
        known = Known.of({key: read(key, value) for key, value in FORM.items()})
        found = assess(known, bill, CONTEXT).findings["heavy"]
        return f"{found.holds}: {found.reason} {found.flip}"

    # $105 over twelve months and $73 of hosting a month, against $0.003 saved a question
    assert "never pays" in heavy(20_000)
    assert "if training paid within 12 months (from 27,250 questions a month on)" in heavy(20_000)
    assert heavy(27_200).startswith("False") and heavy(27_300).startswith("True")
    assert heavy(27_300).endswith("longer than 12 months to pay (under 27,250 questions a month)")
