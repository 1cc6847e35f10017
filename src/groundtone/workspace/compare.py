"""The comparison on a workspace's own questions: every arm asked, judged, held side by side."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from groundtone.answering import labels
from groundtone.answering.checking import CHECK
from groundtone.answering.prompt import Shot
from groundtone.answering.refusal import is_refusal
from groundtone.errors import WrongUse
from groundtone.evaluation import comparing, leakage
from groundtone.evaluation.arms import Ask, Outcome, run_arms
from groundtone.evaluation.comparing import Arm, Contestants
from groundtone.evaluation.grading import Judge
from groundtone.evaluation.manner import Manner
from groundtone.evaluation.measuring import measure
from groundtone.evaluation.observing import Observer
from groundtone.evaluation.questions import Question
from groundtone.evaluation.scoring import Price, Yardsticks
from groundtone.evaluation.style import Style
from groundtone.tuning import examples as reading
from groundtone.workspace import compared, compared_questions, tuned_models
from groundtone.workspace.arm_engines import REMOTE, ArmEngines

if TYPE_CHECKING:
    from groundtone.evaluation.report import Report
    from groundtone.workspace.workspace import Workspace

KEPT = "compare.jsonl"
JUDGED = "compare-judge.jsonl"
_VERSION = 2  # of what is kept of an answer


def compare(
    workspace: Workspace,
    questions: str | Path | Sequence[Question] | None = None,
    *,
    arms: Sequence[str] = comparing.DEFAULT_ARMS,
    tuned: str | Sequence[str] | None = None,
    seeds: int | None = None,
    without_documents: str | None = None,
    further: Sequence[str] = (),
    examples: Path | None = None,
    style: Style | Path | None = None,
    judge: str | None = None,
    price: Price | None = None,
    limit: int | None = None,
    seed: int = 0,
    parallel: int | None = None,
    skip_leaks: bool = False,
    progress: Callable[[int, int, Outcome], None] | None = None,
    judging: Callable[[int, int], None] | None = None,
) -> Report:
    """Put the same questions to every arm and measure.

    Answers are kept in the workspace as they come, so an interrupted comparison goes on where it
    stopped. An answer is asked anew when its model, its prompt's settings, or the passages found
    for its question changed, and only then: a further arm costs only its own answers.

    Args:
        questions: JSONL, see :func:`groundtone.evaluation.load_questions`; None takes the answers
            in the log that were rated good.
        arms: any of :data:`groundtone.evaluation.comparing.ARMS`.
        tuned: the tuned model; several are models of one recipe with different training seeds.
            None takes the active one, else the newest.
        seeds: take so many models of the tuned one's recipe and examples, whatever their seeds.
        without_documents: the model of the arm ``tuned-without-documents+rag``; None takes the
            newest that was tuned so on the same examples.
        further: more arms, each ``NAME=MODEL[+docs][+shots]`` with any model and provider.
        examples: whose answers show the manner, and where few-shot examples come from; None takes
            the tuned model's own.
        style: a declared style, or the file of one; None takes the workspace's ``style.toml``.
        judge: a chat model that judges correctness; None judges by the words alone.
        price: what an answer costs; None takes the price table, the workspace's over ours.
        limit: ask only the first so many questions.
        seed: of the resampling.
        parallel: questions put to an arm at once; None: what a remote engine allows, and 1 for a
            local one, whose times would not be those of one question otherwise.
        skip_leaks: leave out questions that the tuned models' examples give away.
        progress: called with (done, total, outcome) for each answer.
        judging: called with (done, total) for each answer judged.

    Raises:
        WrongUse: faults in the questions file, an unknown arm or model, seeds that are not there,
            or questions that the examples of a tuned model give away.
    """
    declared = Style.load(style) if isinstance(style, Path) else style
    found = compared_questions.asked(workspace, questions)
    wanted = tuned_models.choose(workspace, arms, tuned, seeds, without_documents)
    source = examples or tuned_models.examples_of(workspace, wanted.names)
    few_shot = any("few-shot" in arm for arm in arms) or any("+shots" in arm for arm in further)
    rows = _examples(workspace, source) if source else []
    who = Contestants(
        base=workspace.settings.chat.model,
        tuned=wanted.model,
        system=workspace.voice(wanted.model) if wanted.model else "",
        shots=_shots(workspace, rows) if few_shot else (),
        seeds=wanted.seeds,
        plain=wanted.plain,
    )
    lineup = [comparing.standard(name, who) for name in dict.fromkeys(arms)]
    lineup += [_further(workspace, text, who) for text in further]
    if len({arm.name for arm in lineup}) < len(lineup):
        raise WrongUse("Two arms have the same name.", "Give each --arm a name of its own.")
    leaked = leakage.leaks(found, tuned_models.trained_on(workspace, lineup, source, few_shot))
    if not skip_leaks:
        about = {question.id for question in found[:limit]}
        leakage.refuse([leak for leak in leaked if leak.question.id in about])
    left_out = {leak.question.id for leak in leaked}
    asked = [question for question in found if question.id not in left_out][:limit]
    if not asked:
        raise WrongUse("No question is left to ask.", "Name a file with further questions.")

    with ArmEngines(workspace) as engines:
        outcomes = _outcomes(workspace, engines, lineup, who, asked, parallel, progress)
        outcomes = comparing.merged(lineup, outcomes)
        told = None
        if judge is not None:
            name = workspace.settings.chat.model if judge == "base" else judge
            judged = Judge(name, lambda: engines.chat(name), workspace.state / JUDGED)
            told = judged.judge(outcomes, asked, judging)
    by = Yardsticks(
        style=declared or workspace.style(),
        manner=_manner(workspace, rows),
        judged=told,
        price=price or _prices(workspace),
        documents=frozenset(document.path for document in workspace.catalog.documents()),
    )
    notes = _notes(workspace, who, by, len(left_out))
    if judge is not None:
        notes["Judge"] = judge
    if few_shot_tokens := few_shot_prompt(workspace, who.shots, [q.question for q in asked[:20]]):
        notes["Few-shot with documents"] = f"{few_shot_tokens:.0f} prompt tokens on average"
    notes["Questions"] = f"{len(asked)}, sha256 {_digest(asked)}"
    notes["Command"] = _command(
        questions,
        lineup,
        wanted,
        {
            "--examples": examples,
            "--style": style if isinstance(style, Path) else None,
            "--judge": judge,
            "--limit": limit,
            "--parallel": parallel,
            "--seed": seed or None,
        },
        skip_leaks,
    )
    report = measure(outcomes, asked, by, seed=seed, versus=_versus(lineup), notes=notes)
    compared.keep(report, workspace.state)
    return report


def _outcomes(
    workspace: Workspace,
    engines: ArmEngines,
    lineup: Sequence[Arm],
    who: Contestants,
    asked: Sequence[Question],
    parallel: int | None,
    progress: Callable[[int, int, Outcome], None] | None,
) -> list[Outcome]:
    answer = workspace.settings.answer
    observe = Observer(workspace.answerer, answer, workspace.clocked.embed, workspace.resolves)
    contestants = [
        (arm, label, model)
        for arm in lineup
        for label, model in zip(arm.labels(), arm.models, strict=True)
    ]

    def asking(arm: Arm, label: str, model: str) -> Ask:
        return comparing.asking(arm, label, model, lambda: engines.answerer(model), who, observe)

    return run_arms(
        {label: asking(arm, label, model) for arm, label, model in contestants},
        asked,
        cache=workspace.state / KEPT,
        fingerprints={
            label: _fingerprint(workspace, engines, arm, model, who)
            for arm, label, model in contestants
        },
        found=_passages(workspace),
        progress=progress,
        outermost="arm",
        workers={label: parallel or engines.at_once(model) for _, label, model in contestants},
    )


def few_shot_prompt(
    workspace: Workspace, shots: Sequence[Shot], questions: Sequence[str]
) -> float | None:
    """Mean prompt tokens if every question came with worked examples *and* their documents.

    This is what teaching the style by prompt would cost; counted, not generated.
    """
    if not shots or not questions:
        return None
    answerer, chat = workspace.answerer, workspace.chat
    sizes = [
        len(
            chat.tokens(
                chat.render(
                    answerer.prompt(
                        q, answerer.retrieve(q), shots=shots[: comparing.SHOTS]
                    ).messages
                )
            )
        )
        for q in questions
    ]
    return sum(sizes) / len(sizes)


def _further(workspace: Workspace, text: str, who: Contestants) -> Arm:
    """A further arm, its model's name written out where it is one of the workspace's."""
    from groundtone import weights

    arm = comparing.parse(text, who)
    model = arm.models[0]
    if model.startswith("ft:") or (":" not in model and model not in weights.KNOWN):
        model = workspace.model_name(model)
    return Arm(arm.name, (model,), arm.documents, arm.shots)


def _examples(workspace: Workspace, path: Path) -> list[reading.Example]:
    """The examples that answer, refusals left out."""
    refusal = workspace.settings.answer.refusal
    return [row for row in reading.load(path).rows if not is_refusal(row.answer, refusal)]


def _shots(workspace: Workspace, rows: Sequence[reading.Example]) -> tuple[Shot, ...]:
    """The first examples, each with the passages found for it."""
    return tuple(
        Shot(row.question, row.answer, tuple(workspace.answerer.retrieve(row.question)))
        for row in rows[: comparing.SHOTS]
    )


def _manner(workspace: Workspace, rows: Sequence[reading.Example]) -> Manner | None:
    """What the examples' answers have in common, their labels left out."""
    answers = [labels.strip(row.answer) for row in rows]
    return Manner(answers) if sum(bool(answer) for answer in answers) > 1 else None


def _prices(workspace: Workspace) -> Price:
    """Prices by the workspace's table, models of this machine by what its time costs."""
    from groundtone.advice import costs
    from groundtone.advice.prices import load_prices

    known = load_prices(workspace.folder)

    def price(model: str, prompt: int, completion: int, seconds: float) -> float | None:
        asked = costs.price(model, prompt, completion, prices=known)
        if asked is None and not model.removeprefix("ft:").startswith(REMOTE):
            asked = costs.machine_time(known.hardware, seconds)
        return None if asked is None else float(asked)

    return price


def _versus(lineup: Sequence[Arm]) -> str:
    """The arm that the others are held against: rag, else the first."""
    names = [arm.name for arm in lineup]
    return "rag" if "rag" in names else names[0]


def _passages(workspace: Workspace) -> Callable[[Question], str]:
    """What the documents give for a question, as a digest: which passages, in which order."""

    def digest(question: Question) -> str:
        found = workspace.answerer.retrieve(question.question)
        state = [[p.version, p.start, p.end, p.window] for p in found]
        return hashlib.sha256(json.dumps(state).encode()).hexdigest()[:16]

    return digest


def _fingerprint(
    workspace: Workspace, engines: ArmEngines, arm: Arm, model: str, who: Contestants
) -> str:
    """Changes whenever an arm's answers may, its documents aside: see :func:`_passages`."""
    settings = workspace.settings
    state = {
        "version": [_VERSION, CHECK],
        "model": model,
        "served by": engines.engine_of(model),
        "adapter": tuned_models.digest(workspace, model),
        "means": [arm.documents, arm.shots],
        "system": who.system,
        "shots": [asdict(shot) for shot in who.shots[: comparing.SHOTS]] if arm.shots else [],
        "answer": settings.answer.model_dump(mode="json"),
        "chat": settings.chat.model_dump(mode="json", exclude={"model", "threads", "timeout"}),
        "gate": settings.retrieval.refuse_below,
    }
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:16]


def _notes(workspace: Workspace, who: Contestants, by: Yardsticks, left_out: int) -> dict[str, str]:
    settings = workspace.settings
    notes = {
        "Base model": who.base,
        "Tuned model": ", ".join((who.tuned, *who.seeds)) or "none",
        "Decoding": f"greedy, at most {settings.chat.max_tokens} tokens",
        "Passages": f"{settings.answer.passages} of at most "
        f"{settings.answer.passage_tokens} tokens, the same for every arm",
        "Documents": "{} documents, {} chunks".format(*workspace.catalog.counts()),
        "Citations and faithfulness judged by": "groundtone.support",
    }
    for name in dict.fromkeys((who.tuned, *who.seeds, who.plain)):
        if name and (adapter := tuned_models.digest(workspace, name)):
            notes[f"Adapter of {name}"] = f"sha256 {adapter}"
    if by.manner is not None:
        notes["Style distance"] = (
            f"the examples themselves lie {by.manner.own:.3f} from one another"
        )
    if left_out:
        notes["Left out"] = f"{left_out} questions that the examples give away"
    return notes


def _digest(value: Sequence[Question]) -> str:
    return hashlib.sha256(json.dumps([asdict(one) for one in value]).encode()).hexdigest()[:16]


def _command(
    questions: str | Path | Sequence[Question] | None,
    lineup: Sequence[Arm],
    wanted: tuned_models.Chosen,
    options: Mapping[str, str | int | Path | None],
    skip_leaks: bool,
) -> str:
    """The command line that measures the same again, where its files are.

    A file that was named from the root is named without its folders: reports are handed on. What
    only Python can be given, a list of questions or a style that is no file, cannot be said.
    """
    words = ["groundtone", "compare"]
    if questions is None:
        words.append("--from-log")
    elif isinstance(questions, str | Path):
        words.append(_named(Path(questions)))
    standard = [arm.name for arm in lineup if arm.name in comparing.ARMS]
    words += ["--arms", ",".join(standard)]
    if wanted.model:  # in no arm either, its voice and its examples belong to the rest
        words += ["--tuned", ",".join((wanted.model, *wanted.seeds))]
    if any(arm.name == comparing.PLAIN for arm in lineup):
        words += ["--without-documents", wanted.plain]
    for arm in lineup:
        if arm.name not in comparing.ARMS:
            means = "+docs" * arm.documents + "+shots" * arm.shots
            words += ["--arm", f"{arm.name}={arm.models[0]}{means}"]
    for name, value in options.items():
        if value is not None:
            words += [name, _named(value) if isinstance(value, Path) else str(value)]
    if skip_leaks:
        words.append("--skip-leaks")
    return shlex.join(words)


def _named(path: Path) -> str:
    return path.name if path.is_absolute() else str(path)
