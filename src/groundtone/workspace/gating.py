"""The gate of a freshly trained model: held-out examples, everyday questions, parity with PEFT."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.chat import complete
from groundtone.evaluation import everyday
from groundtone.tuning.examples import Example

if TYPE_CHECKING:
    from groundtone.chat.llama import LlamaEngine
    from groundtone.evaluation.arms import Outcome
    from groundtone.evaluation.everyday import Probe
    from groundtone.evaluation.gate import Gate, Parity
    from groundtone.workspace.workspace import Workspace

Event = dict[str, Any]
GATE_QUESTIONS = 16
TIE = 0.5
"""Nats between PEFT's two likeliest tokens under which the served model may choose the other: with
a base in 8 bits llama.cpp rounds its activations to 8 bits too."""


def measure(workspace: Workspace, model: str, folder: Path) -> Generator[Event, None, Gate]:
    """Ask held-out examples and everyday questions with and without the adapter, and decide.

    Held-out examples are asked with documents, unless the run was trained without any. Yields
    ``gating``.
    """
    from groundtone.answering import labels
    from groundtone.answering.refusal import is_refusal
    from groundtone.evaluation import comparing, gate
    from groundtone.evaluation.arms import run_arms
    from groundtone.evaluation.measuring import measure as judge
    from groundtone.evaluation.questions import Question

    settings = workspace.settings.answer
    stored = workspace.catalog.get_model(model)
    documents = stored is None or bool(stored.settings.get("documents", True))
    before, after = ("rag", "both") if documents else ("base", "tuned")
    rows = [Example(**row) for row in json.loads((folder / "held_out.json").read_text("utf-8"))]
    questions = [
        Question(
            id=f"line-{row.line}" + (f".{row.turn}" if row.turn else ""),
            question=workspace.answerer.remembered(row.question, row.history).searched,
            answers=() if refused else (labels.strip(row.answer),),
            evidence=(),
            answerable=not refused,
        )
        for row in rows[:GATE_QUESTIONS]
        for refused in [is_refusal(row.answer, settings.refusal)]
    ]
    style = workspace.style() or gate.infer_style(
        [row.answer for row in rows],
        label=settings.label if documents else "",
        refusal=settings.refusal,
    )
    who = comparing.Contestants(
        base=workspace.settings.chat.model, tuned=model, system=workspace.voice(model), shots=()
    )
    arms = comparing.build((before, after), workspace.answerer, who, workspace.resolves)
    outcomes: list[Outcome] = []
    total = len(questions) + len(everyday.QUESTIONS)
    for number, question in enumerate(questions):
        yield {"event": "gating", "model": model, "question": number, "of": total}
        outcomes += run_arms(arms, [question])
    general = yield from _probe(workspace, model, len(questions))
    return gate.decide(
        judge(outcomes, questions, style),
        tuned=after,
        base=before,
        general=general,
        parity=parity(workspace, model, folder),
    )


def _probe(workspace: Workspace, model: str, done: int) -> Generator[Event, None, Probe]:
    base, chat = workspace.settings.chat.model, workspace.chat
    voice = workspace.voice(model)
    known = workspace.state / "everyday.json"  # what the base says stays the same
    key = json.dumps([base, voice, everyday.TOKENS])
    kept: dict[str, list[str]] = json.loads(known.read_text("utf-8")) if known.is_file() else {}
    answers: dict[str, list[str]] = {base: kept.get(key, []), model: []}
    total = done + len(everyday.QUESTIONS)
    for number, (question, _) in enumerate(everyday.QUESTIONS):
        yield {"event": "gating", "model": model, "question": done + number, "of": total}
        prompt = workspace.answerer.prompt(question, (), system=voice).messages
        for name, said in answers.items():
            if len(said) <= number:
                done_one = complete(chat, prompt, model=name, max_tokens=everyday.TOKENS)
                said.append(done_one.text)
    if key not in kept:
        partial = known.with_suffix(".part")
        partial.write_text(json.dumps({**kept, key: answers[base]}), "utf-8")
        partial.replace(known)
    return everyday.probed(answers[base], answers[model])


def parity(workspace: Workspace, model: str, folder: Path) -> Parity | None:
    """Whether what is served writes what PEFT wrote after training; None without a record."""
    from groundtone.chat.llama import LlamaEngine

    record = folder / "parity.json"
    if not record.is_file() or not isinstance(workspace.chat, LlamaEngine):
        return None
    return compared(workspace.chat, model, json.loads(record.read_text("utf-8")))


def compared(engine: LlamaEngine, model: str, rows: Sequence[dict[str, Any]]) -> Parity:
    """An engine's continuations of prompts beside PEFT's.

    Args:
        rows: each with ``prompt`` and ``answer`` (ids), and ``margins``: how far apart PEFT's two
            likeliest tokens were at each of the answer's.
    """
    from groundtone.chat.places import common_prefix
    from groundtone.evaluation.gate import Parity

    equal = near = 0
    for row in rows:
        wanted: list[int] = row["answer"]
        text = engine.go_on(row["prompt"], model=model, max_tokens=len(wanted)).text
        written = engine.tokens(text)
        same = common_prefix(wanted, written)
        ended = same == len(written) and same >= len(wanted) - 1  # the ending token is not written
        equal += ended
        near += not ended and row["margins"][min(same, len(wanted) - 1)] < TIE
    return Parity(equal, near, len(rows))
