"""The four-way measurement on a workspace's own questions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from groundtone.answering.prompt import Shot
from groundtone.answering.refusal import is_refusal
from groundtone.errors import WrongUse
from groundtone.evaluation import comparing
from groundtone.evaluation.arms import Outcome, run_arms
from groundtone.evaluation.measuring import measure
from groundtone.evaluation.questions import load_questions
from groundtone.tuning import examples as reading

if TYPE_CHECKING:
    from groundtone.evaluation.report import Report
    from groundtone.evaluation.style import Style
    from groundtone.workspace.workspace import Workspace


def compare(
    workspace: Workspace,
    questions: Path,
    *,
    arms: Sequence[str] = comparing.DEFAULT_ARMS,
    tuned: str | None = None,
    examples: Path | None = None,
    style: Style | None = None,
    limit: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int, Outcome], None] | None = None,
) -> Report:
    """Put the same questions to every arm and measure.

    Answers are kept in the workspace as they come, so an interrupted comparison goes on where it
    stopped; they are asked anew when the model, the documents or the settings changed.

    Args:
        arms: any of ``base``, ``few-shot``, ``rag``, ``few-shot+rag``, ``tuned``, ``both``.
        tuned: the tuned model; None takes the active one, else the newest.
        examples: where few-shot examples come from; None takes the tuned model's own.
        style: None takes the workspace's ``style.toml``.
        limit: ask only the first so many questions.
        seed: of the resampling.

    Raises:
        WrongUse: faults in the questions file, an unknown arm or model.
    """
    asked = load_questions(questions)[:limit]
    needed = {"tuned", "both"} & set(arms)
    model = _tuned(workspace, tuned) if tuned or needed else ""
    source = examples or _own_examples(workspace, model)
    few_shot = any(arm.startswith("few-shot") for arm in arms)
    shots = _shots(workspace, source) if source and (few_shot or examples) else ()
    who = comparing.Contestants(
        base=workspace.settings.chat.model,
        tuned=model,
        system=workspace.voice(model) if model else "",
        shots=shots,
    )
    built = comparing.build(arms, workspace.answerer, who, workspace.resolves)
    prints = _fingerprint(workspace, who)
    outcomes = run_arms(
        built,
        asked,
        cache=workspace.state / "compare.jsonl",
        fingerprints=dict.fromkeys(arms, prints),
        progress=progress,
        outermost="arm",
    )
    notes = {
        "Base model": who.base,
        "Tuned model": model or "none",
        "Decoding": f"greedy, at most {workspace.settings.chat.max_tokens} tokens",
        "Passages": f"{workspace.settings.answer.passages} of at most "
        f"{workspace.settings.answer.passage_tokens} tokens",
        "Documents": "{} documents, {} chunks".format(*workspace.catalog.counts()),
    }
    if few_shot_tokens := few_shot_prompt(workspace, shots, [q.question for q in asked[:20]]):
        notes["Few-shot with documents"] = f"{few_shot_tokens:.0f} prompt tokens on average"
    return measure(
        outcomes, asked, style or workspace.style(), seed=seed, versus="rag", notes=notes
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


def _tuned(workspace: Workspace, name: str | None) -> str:
    if name:
        return workspace.model_name(name)
    if active := workspace.catalog.active_model():
        return active
    models = [m for m in workspace.catalog.list_models() if m.base == workspace.settings.chat.model]
    if not models:
        raise WrongUse(
            "There is no tuned model to compare.",
            "Run `groundtone tune run FILE --suffix NAME` first, or choose --arms base,rag.",
        )
    return models[-1].name


def _own_examples(workspace: Workspace, model: str) -> Path | None:
    stored = workspace.catalog.get_model(model) if model else None
    path = Path(str(stored.settings.get("examples", ""))) if stored else None
    return path if path and path.is_file() else None


def _shots(workspace: Workspace, path: Path) -> tuple[Shot, ...]:
    """The first examples that answer (not refuse), each with the passages found for it."""
    refusal = workspace.settings.answer.refusal
    rows = [r for r in reading.load(path).rows if not is_refusal(r.answer, refusal)]
    return tuple(
        Shot(row.question, row.answer, tuple(workspace.answerer.retrieve(row.question)))
        for row in rows[: comparing.SHOTS]
    )


def _fingerprint(workspace: Workspace, who: comparing.Contestants) -> str:
    """Changes whenever an answer may: models, prompts, settings or documents."""
    state = {
        "contestants": [who.base, who.tuned, who.system, [asdict(s) for s in who.shots]],
        "settings": workspace.settings.model_dump(mode="json"),
        "documents": sorted(workspace.catalog.versions()),
    }
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:16]
