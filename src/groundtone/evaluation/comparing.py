"""The arms of a comparison: the same question and decoding, with and without each half."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from groundtone.answering.answer import Answer, Citation
from groundtone.answering.pipeline import Answerer
from groundtone.answering.prompt import Shot
from groundtone.errors import WrongUse
from groundtone.evaluation.arms import Ask, Outcome
from groundtone.evaluation.observing import outcome
from groundtone.evaluation.questions import Question

PLAIN = "tuned-without-documents+rag"
ARMS = ("base", "few-shot", "rag", "few-shot+rag", "tuned", PLAIN, "both")
DEFAULT_ARMS = ("base", "few-shot", "rag", "tuned", "both")
SHOTS = 3
_MEANS = ("docs", "shots")

Observe = Callable[[str, Question, Answer, bool], Outcome]
"""Makes an outcome of (arm, question, answer, whether the arm had seen documents)."""


@dataclass(frozen=True, slots=True)
class Contestants:
    """What the arms are made of.

    Attributes:
        base: the untuned model's name.
        tuned: the tuned model's name; "" when there is none.
        system: the voice every arm is asked with, the one the tuned model was trained with.
        shots: worked examples of the few-shot arms, with the passages each was answered from.
        seeds: further models of the tuned one's recipe that differ from it in their training seed.
        plain: a model tuned on the same examples without documents; "" when there is none.
    """

    base: str
    tuned: str
    system: str
    shots: tuple[Shot, ...]
    seeds: tuple[str, ...] = ()
    plain: str = ""


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to answer.

    Attributes:
        name: as it is called in the report.
        models: who answers; several are of one recipe with different training seeds.
        documents: whether the model sees passages.
        shots: whether it sees worked examples.
    """

    name: str
    models: tuple[str, ...]
    documents: bool = False
    shots: bool = False

    def labels(self) -> list[str]:
        """A name for each of its models: the arm's own, then with #2, #3, …"""
        return [self.name if not at else f"{self.name}#{at + 1}" for at in range(len(self.models))]


def standard(name: str, who: Contestants) -> Arm:
    """The arm of one of the names in :data:`ARMS`.

    Raises:
        WrongUse: an unknown name, or an arm that needs what `who` lacks.
    """
    if name not in ARMS:
        raise WrongUse(
            f"There is no arm {name!r}.",
            f"The arms are: {', '.join(ARMS)}. Further ones: --arm NAME=MODEL[+docs][+shots].",
        )
    if name in ("tuned", "both") and not who.tuned:
        raise WrongUse(
            f"The arm {name!r} needs a tuned model.",
            "Run `groundtone tune run` first, or name one with --tuned MODEL.",
        )
    if name == PLAIN and not who.plain:
        raise WrongUse(
            f"The arm {name!r} needs a model that was tuned without documents.",
            "Name one with --without-documents MODEL.",
        )
    shots = name.startswith("few-shot")
    if shots:
        _enough(name, who)
    models: tuple[str, ...] = (who.base,)
    if name in ("tuned", "both"):
        models = (who.tuned, *who.seeds)
    elif name == PLAIN:
        models = (who.plain,)
    return Arm(name, models, name.endswith("rag") or name == "both", shots)


def parse(text: str, who: Contestants) -> Arm:
    """A further arm: ``NAME=MODEL[+docs][+shots]``, such as ``gpt=openai:gpt-4o-mini+docs``.

    MODEL is a tuned model of the workspace, ``base``, or any name that a chat engine has. A part
    after ``+`` that is neither word belongs to the model's name.

    Raises:
        WrongUse: another form, the name of a standard arm, or too few worked examples.
    """
    name, _, rest = text.partition("=")
    name, model, means = name.strip(), rest.strip(), set[str]()
    while "+" in model and model.rsplit("+", 1)[1] in _MEANS:
        model, _, last = model.rpartition("+")
        means.add(last)
    if not name or not model or name in ARMS or "#" in name:
        raise WrongUse(
            f"{text!r} is no arm.",
            "Write NAME=MODEL, +docs for passages, +shots for worked examples, with a name of its "
            "own: --arm gpt=openai:gpt-4o-mini+docs",
        )
    if "shots" in means:
        _enough(name, who)
    return Arm(name, (who.base if model == "base" else model,), "docs" in means, "shots" in means)


def _enough(name: str, who: Contestants) -> None:
    if len(who.shots) < SHOTS:
        raise WrongUse(
            f"The arm {name!r} needs {SHOTS} worked examples.",
            "Name an examples file with --examples FILE.",
        )


def build(
    names: Sequence[str],
    answerer: Answerer,
    who: Contestants,
    resolves: Callable[[Answer, Citation], bool],
) -> dict[str, Ask]:
    """The named arms, each by its first model, as functions from a question to an outcome.

    Args:
        names: any of :data:`ARMS`.
        resolves: whether a citation's quote stands in the stored document at its place.

    Raises:
        WrongUse: an unknown arm, or one that needs what `who` lacks.
    """

    def observe(arm: str, question: Question, answer: Answer, documents: bool) -> Outcome:
        return outcome(arm, question.id, answer, resolves)

    return {
        arm.name: asking(arm, arm.name, arm.models[0], lambda: answerer, who, observe)
        for arm in (standard(name, who) for name in names)
    }


def asking(
    arm: Arm,
    label: str,
    model: str,
    answerer: Callable[[], Answerer],
    who: Contestants,
    observe: Observe,
) -> Ask:
    """One model of an arm as a function from a question to an outcome.

    Args:
        label: what its outcomes are called.
        answerer: of the engine that serves `model`; asked for at the first question, so that an
            arm whose answers are all kept opens no engine.
        observe: makes the outcome.
    """
    shots = who.shots[:SHOTS] if arm.shots else ()
    if not arm.documents:
        shots = tuple(replace(shot, passages=()) for shot in shots)

    def ask(question: Question) -> Outcome:
        answer = answerer().ask(
            question.question,
            model=model,
            system=who.system,
            documents=arm.documents,
            shots=shots,
        )
        return observe(label, question, answer, arm.documents)

    return ask


def merged(arms: Sequence[Arm], outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Outcomes under their labels → under their arms, with the number of the model."""
    places = {
        label: (arm.name, number) for arm in arms for number, label in enumerate(arm.labels())
    }
    return [replace(one, arm=places[one.arm][0], replica=places[one.arm][1]) for one in outcomes]
