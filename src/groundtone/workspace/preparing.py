"""Examples made ready for training: checked, rendered with the documents, kept in a folder.

What `tune`, `sweep`, `check` and the API's jobs have in common before anything is trained.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.errors import BadExamples, UnusableExamples, WrongUse
from groundtone.tuning import examples as reading
from groundtone.tuning.base_model import check_architecture
from groundtone.tuning.examples import Example, Fault
from groundtone.tuning.recipe import Contexts, Recipe
from groundtone.weights.cache import sha256_of
from groundtone.workspace import bases

if TYPE_CHECKING:
    from groundtone.tuning.rendering import Rendered, Renderer
    from groundtone.workspace.workspace import Workspace


def prepare(
    workspace: Workspace,
    path: Path,
    folder: Path,
    *,
    recipe: Recipe,
    contexts: Contexts,
    held_out: Path | None = None,
    validation: Path | None = None,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Check the examples and write all that training needs into `folder`, which is made.

    Returns the job without the name of its model. Arguments and errors as in `tune.start`; nothing
    is written when one is raised.
    """
    tuning = workspace.settings.tuning
    recipe = replace(recipe, processes=recipe.processes or tuning.processes)
    base_gguf = bases.base_file(workspace.settings.chat.model)
    check_architecture(base_gguf)
    found = reading.load(path, held_out=held_out)
    found.faults += over_length(workspace, found.rows)
    if found.faults:
        raise BadExamples(path, [str(fault) for fault in found.faults])
    rows = found.rows[:limit]
    if not rows:
        raise _calls_only(path)
    taught, kept_out = split(rows, seed=recipe.seed)
    if validation is not None:
        taught, kept_out = rows, measured_on(validation)
        if long := over_length(workspace, kept_out):
            raise BadExamples(validation, [str(fault) for fault in long])

    invocation = bases.invocation(workspace.chat)
    if recipe.kind == "alora" and not invocation:
        raise WrongUse(
            f"The chat template of {workspace.settings.chat.model} sets nothing between system "
            "message and question, so that no token could switch an activated adapter on.",
            "Train another kind: --kind lora.",
        )
    renderer = renderer_of(workspace)
    tell = (lambda done: progress(done, len(rows))) if progress else None
    train, about = renderer.render(taught, contexts, progress=tell)
    valid, _ = renderer.render(kept_out, replace(contexts, each=1, absent=0.0))
    if contexts.documents and not train:
        raise _unsupported(path, len(taught), "to train on")
    if contexts.documents and not valid:
        raise _unsupported(validation or path, len(kept_out), "to measure on")
    calls, left_out = rendered_tools(workspace, found)
    train += calls
    for file, part in ((path, train), (validation or path, valid)):
        if long := over_context(workspace, part):
            raise BadExamples(file, [str(fault) for fault in long])
    about.kinds.update(row.kind for row in calls)

    folder.mkdir(parents=True, exist_ok=True)  # a caller killed here comes back with the same id
    with (folder / "tokens.jsonl").open("w", encoding="utf-8") as out:
        for name, part in (("train", train), ("held_out", valid)):
            for row in part:
                out.write(json.dumps({"split": name, **asdict(row)}) + "\n")
    job: dict[str, Any] = {
        "base": workspace.settings.chat.model,
        "base_gguf": str(base_gguf),
        "base_sha256": sha256_of(base_gguf),
        "system": common_system(rows),
        "recipe": asdict(recipe),
        "launcher": tuning.launcher,
        "contexts": asdict(contexts),
        "documents": contexts.documents,
        "invocation_tokens": invocation,
        "examples": str(path.resolve()),
        "data_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "rendered": dict(about.kinds),
        "unresolved_labels": about.unresolved,
        "unsupported": about.unsupported,
        "left_out": left_out,
        "tokens": sum(len(r.prefix) + len(r.question) + len(r.answer) for r in train),
    }
    (folder / "held_out.json").write_text(json.dumps([asdict(row) for row in kept_out]), "utf-8")
    return job


def renderer_of(workspace: Workspace) -> Renderer:
    """What turns examples into training sequences, with the parts that serve questions."""
    from groundtone.tuning.rendering import Renderer

    answer = workspace.settings.answer
    return Renderer(
        workspace.retriever,
        workspace.answerer,
        workspace.chat,
        label=answer.label,
        refusal=answer.refusal,
        passages=answer.passages,
        invocation=bases.invocation(workspace.chat),
        end=bases.end_of_turn(bases.base_file(workspace.settings.chat.model)),
    )


def measured_on(path: Path) -> list[Example]:
    """The examples of a validation file, of which one is enough.

    Raises:
        BadExamples: faults in it.
        UnusableExamples: there is none, or tools are called in all of them.
    """
    found = reading.load(path)
    if faults := [str(fault) for fault in found.faults if fault.line]:
        raise BadExamples(path, faults)
    if not found.rows:
        nothing = UnusableExamples(path, f"There are no examples in {path}.", "Write at least one.")
        raise _calls_only(path) if found.dialogues else nothing
    return found.rows


def _calls_only(path: Path) -> UnusableExamples:
    return UnusableExamples(
        path,
        f"In {path} tools are called in every example.",
        "Add examples that answer without a call: a model is measured on these.",
    )


def _unsupported(path: Path, count: int, purpose: str) -> UnusableExamples:
    """No answer of so many stands in the documents, so that none can be shown with its passages."""
    if not count:
        problem = f"{path} has too few examples to hold some out {purpose}."
        return UnusableExamples(path, problem, "Add some, or use more of them.")
    return UnusableExamples(
        path,
        f"None of the answers {purpose} in {path} ({count} looked at) is supported by the "
        "documents of this workspace.",
        "Sync the documents that the examples were written from, or correct their labels.",
    )


def split(rows: Sequence[Example], *, seed: int) -> tuple[list[Example], list[Example]]:
    """Examples to train on, and a tenth (8 to 24, at most a third) to hold out."""
    size = min(max(8, len(rows) // 10), 24, len(rows) // 3)
    shuffled = list(rows)
    random.Random(seed).shuffle(shuffled)
    lines = {row.line for row in shuffled[:size]}  # all turns of a line stay on one side
    return (
        [row for row in rows if row.line not in lines],
        [row for row in shuffled if row.line in lines],
    )


def over_length(workspace: Workspace, rows: Sequence[Example]) -> list[Fault]:
    """Examples of which something would be cut off, labels perhaps: refused, never cut."""
    settings, count = workspace.settings, workspace.chat.tokens
    limit = settings.chat.max_tokens
    # What is left for question and voice, with one passage shown and the answer whole.
    room = workspace.chat.context_tokens - limit - settings.answer.passage_tokens - 104
    told = []
    for row in rows:
        if (size := len(count(row.answer))) > limit:
            what = f"the answer has {size} tokens; an answer may have {limit}"
            remedy = "Shorten it, or raise max_tokens under [chat] in groundtone.toml."
        elif (size := len(count(row.question)) + len(count(row.system))) > room:
            what = f"question and system message have {size} tokens; there is room for {room}"
            remedy = "Shorten them, or raise context_tokens under [chat] in groundtone.toml."
        else:
            continue
        told.append(Fault(row.line, "messages", what, remedy, "over length"))
    return told


def over_context(workspace: Workspace, rows: Sequence[Rendered]) -> list[Fault]:
    """Lines of which a rendered example, prompt and answer, is longer than the context.

    Earlier turns and passages are counted here, and messages about tools, which `over_length` does
    not know.
    """
    room = workspace.chat.context_tokens
    sizes: dict[int, int] = {}
    for row in rows:
        size = len(row.prefix) + len(row.question) + len(row.answer)
        sizes[row.line] = max(size, sizes.get(row.line, 0))
    return [
        Fault(
            line,
            "messages",
            f"all messages together have {size} tokens as the model reads them; there is room for "
            f"{room}",
            "Shorten them, leave out earlier turns, or raise context_tokens under [chat] in "
            "groundtone.toml.",
            "over length",
        )
        for line, size in sizes.items()
        if size > room
    ]


def over_context_whole(workspace: Workspace, found: reading.Examples) -> list[Fault]:
    """The same of a file that is shown without documents, where all earlier turns are read."""
    rows, _ = renderer_of(workspace).render(found.rows, Contexts.none())
    return over_context(workspace, rows)


def over_context_tools(workspace: Workspace, found: reading.Examples) -> list[Fault]:
    """The same of a file's examples in which tools are called."""
    return over_context(workspace, rendered_tools(workspace, found)[0])


def rendered_tools(
    workspace: Workspace, found: reading.Examples
) -> tuple[list[Rendered], list[int]]:
    """Examples in which tools are called, by the base's template; and lines it has no form for."""
    if not found.dialogues:
        return [], []
    from groundtone.chat.vocabulary import vocabulary
    from groundtone.tuning import dialogues

    template = vocabulary(bases.base_file(workspace.settings.chat.model))
    begin = bases.invocation(workspace.chat)
    return dialogues.render(found.dialogues, template, workspace.chat.tokens, begin)


def common_system(rows: Sequence[Example]) -> str:
    """The system message most examples share: the voice the model will be asked with."""
    voices = [row.system for row in rows]
    return max(set(voices), key=lambda voice: (voices.count(voice), voice))
