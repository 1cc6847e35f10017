"""The arms of a comparison: the same question, engine and decoding, with and without each half."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

from groundtone.answering.answer import Answer, Citation
from groundtone.answering.pipeline import Answerer
from groundtone.answering.prompt import Shot
from groundtone.errors import WrongUse
from groundtone.evaluation.arms import Ask, Outcome
from groundtone.evaluation.questions import Question

ARMS = ("base", "few-shot", "rag", "few-shot+rag", "tuned", "both")
DEFAULT_ARMS = ("base", "few-shot", "rag", "tuned", "both")
SHOTS = 3


@dataclass(frozen=True, slots=True)
class Contestants:
    """What the arms are made of.

    Attributes:
        base: the untuned model's name.
        tuned: the tuned model's name; "" when there is none.
        system: the voice every arm is asked with, the one the tuned model was trained with.
        shots: worked examples of the few-shot arms, with the passages each was answered from.
    """

    base: str
    tuned: str
    system: str
    shots: tuple[Shot, ...]


def build(
    names: Sequence[str],
    answerer: Answerer,
    who: Contestants,
    resolves: Callable[[Answer, Citation], bool],
) -> dict[str, Ask]:
    """The named arms as functions from a question to an outcome.

    Args:
        names: any of :data:`ARMS`.
        resolves: whether a citation's quote stands in the stored document at its place.

    Raises:
        WrongUse: an unknown arm, or one that needs what `who` lacks.
    """
    arms: dict[str, Ask] = {}
    for name in names:
        if name not in ARMS:
            raise WrongUse(f"There is no arm {name!r}.", f"The arms are: {', '.join(ARMS)}.")
        if name in ("tuned", "both") and not who.tuned:
            raise WrongUse(
                f"The arm {name!r} needs a tuned model.",
                "Run `groundtone tune run` first, or name one with --tuned MODEL.",
            )
        if name.startswith("few-shot") and len(who.shots) < SHOTS:
            raise WrongUse(
                f"The arm {name!r} needs {SHOTS} worked examples.",
                "Name an examples file with --examples FILE.",
            )
        arms[name] = _arm(name, answerer, who, resolves)
    return arms


def _arm(
    name: str,
    answerer: Answerer,
    who: Contestants,
    resolves: Callable[[Answer, Citation], bool],
) -> Ask:
    documents = name in ("rag", "few-shot+rag", "both")
    model = who.tuned if name in ("tuned", "both") else who.base
    shots = who.shots[:SHOTS] if name.startswith("few-shot") else ()
    if not documents:
        shots = tuple(replace(shot, passages=()) for shot in shots)

    def ask(question: Question) -> Outcome:
        answer = answerer.ask(
            question.question, model=model, system=who.system, documents=documents, shots=shots
        )
        return outcome(name, question.id, answer, resolves)

    return ask


def outcome(
    arm: str, question_id: str, answer: Answer, resolves: Callable[[Answer, Citation], bool]
) -> Outcome:
    """One answer as the evaluation sees it."""
    return Outcome(
        arm=arm,
        question_id=question_id,
        text=answer.text,
        bare_text=answer.bare_text,
        refused=answer.refused,
        citations=[
            {**asdict(citation), "resolvable": resolves(answer, citation)}
            for citation in answer.citations
        ],
        prompt_tokens=answer.usage.prompt_tokens,
        completion_tokens=answer.usage.completion_tokens,
        first_token_ms=answer.timings.first_token,
        total_ms=answer.timings.total,
        model=answer.model,
        passages=[passage.document for passage in answer.passages],
    )
