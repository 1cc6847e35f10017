"""Training examples drafted from a workspace: by rules, by a model, or from its rated answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone import sentences
from groundtone.answering import labels
from groundtone.answering.evidence import Evidence
from groundtone.answering.prompt import drafting as drafting_prompt
from groundtone.answering.support import score
from groundtone.errors import EngineError, WrongUse
from groundtone.tuning.draft_rules import drafts_of, names_of
from groundtone.tuning.drafting import Draft, Drafts, Source, label_of, select
from groundtone.tuning.examples import questions_of
from groundtone.tuning.grounding import holders
from groundtone.workspace import ledger

if TYPE_CHECKING:
    from groundtone.chat import ChatEngine
    from groundtone.evaluation.style import Style
    from groundtone.workspace.workspace import Workspace

PAIRS = 3
"""Examples that a model is asked for from one passage."""
NOT_SUPPORTED = "not supported by its passage"
_SHORTEST = 200  # characters of a passage worth asking a model about
_SCHEMA = {
    "type": "object",
    "properties": {
        "examples": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"question": {"type": "string"}, "answer": {"type": "string"}},
                "required": ["question", "answer"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["examples"],
    "additionalProperties": False,
}


def draft(
    workspace: Workspace,
    *,
    count: int = 50,
    model: str | None = None,
    beside: Sequence[Path] = (),
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Drafts:
    """Draft examples from the documents, in the declared style, each tied to its passage.

    Args:
        count: so many at most.
        model: a chat engine, named as in the settings, that writes them; None writes by rules.
        beside: examples and questions files whose questions must not be asked again.
        progress: called with (kept, count).

    Raises:
        WrongUse: the workspace holds no documents, or no such engine is known.
        EngineError: the engine failed.
    """
    if not workspace.catalog.counts()[0]:
        raise WrongUse("The workspace holds no documents yet.", "Run `groundtone sync FOLDER`.")
    style = workspace.style()
    made = [
        replace(each, label=label, per_sentence=per_sentence)
        for each in (
            _by_rules(workspace)
            if model is None
            else _by_model(workspace, model, count, seed, style)
        )
        for label, per_sentence in [label_of(workspace.settings.answer.label, each.source)]
    ]
    known = [question for path in beside for _, (question, _) in questions_of(path)]
    supports: dict[int, float] = {}
    found = select(
        made,
        count=count,
        known=known,
        wrong=partial(_wrong, workspace, style, supports),
        seed=seed,
        progress=progress,
    )
    found.kept = [replace(each, support=supports[id(each)]) for each in found.kept]
    return found


def doubts(workspace: Workspace, draft: Draft) -> str:
    """Why a draft, edited perhaps, would not have been kept; "" if it would."""
    return _wrong(workspace, workspace.style(), {}, draft)


def from_log(workspace: Workspace, *, beside: Sequence[Path] = ()) -> Drafts:
    """The answers of the log that somebody rated good, as examples.

    They were checked when they were given; here only those asked already are left out.
    """
    answers = {
        stored.question: stored for stored in workspace.catalog.list_answers(None, rating="good")
    }
    made: list[Draft] = []
    for row in ledger.export(workspace, "examples"):
        question, answer = row["messages"][-2]["content"], row["messages"][-1]["content"]
        stored = answers.get(question)
        cited = stored.answer["citations"] if stored else []
        first: dict[str, Any] = cited[0] if cited else {}
        source = Source(
            document=first.get("document", ""),
            title=first.get("title", ""),
            section=first.get("section", ""),
            page=first.get("page"),
            text="",
            version="",
            chunk=len(made),
            start=first.get("start", 0),
            end=first.get("end", 0),
            quote=first.get("quote", ""),
        )
        support = min((c["score"] for c in cited), default=None)
        made.append(
            Draft(question, answer, "", "log", source, support, stored.model if stored else "")
        )
    known = [question for path in beside for _, (question, _) in questions_of(path)]
    return select(made, count=len(made), known=known, wrong=lambda _: "")


def voice(workspace: Workspace) -> str:
    """The system message that drafts are written with: the one that `ask` uses."""
    return workspace.settings.answer.system


def write(lines: Sequence[dict[str, Any]], path: Path) -> None:
    """Write examples to a new file, whole or not at all.

    Raises:
        WrongUse: the file is there already, or cannot be written.
    """
    if path.exists():
        raise WrongUse(f"{path} is there already.", "Name another file, or move it away.")
    part = path.with_name(path.name + ".part")
    try:
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        part.write_text(text, "utf-8")
        part.replace(path)
    except OSError as error:
        raise WrongUse(f"{path} cannot be written: {error.strerror}.") from None


def _passages(workspace: Workspace) -> Iterator[tuple[Source, tuple[str, ...], frozenset[str]]]:
    """Every passage, its headings, and the words that its document has with a capital."""
    for info in workspace.catalog.documents():
        stored = workspace.catalog.stored(info.version)
        if stored is None:
            continue
        names = names_of(stored.text)
        for chunk in stored.chunks:
            source = Source(
                document=stored.path,
                title=stored.title,
                section=chunk.section,
                page=chunk.page,
                text=stored.text[chunk.start : chunk.end],
                version=stored.version,
                chunk=chunk.ordinal,
                start=chunk.start,
                end=chunk.end,
            )
            yield source, chunk.headings, names


def _by_rules(workspace: Workspace) -> Iterator[Draft]:
    for source, headings, names in _passages(workspace):
        for found in drafts_of(source.text, headings, names):
            place = replace(
                source,
                start=source.start + found.start,
                end=source.start + found.end,
                quote=source.text[found.start : found.end],
            )
            yield Draft(found.question, found.answer, "", found.rule, place)


def _by_model(
    workspace: Workspace, model: str, count: int, seed: int, style: Style | None
) -> Iterator[Draft]:
    import random

    from groundtone.chat import open_chat

    sources = [s for s, _, _ in _passages(workspace) if len(s.text) >= _SHORTEST]
    random.Random(seed).shuffle(sources)
    own = model in ("base", workspace.settings.chat.model)
    engine = workspace.chat if own else open_chat(model, timeout=workspace.settings.chat.timeout)
    try:
        # A third more than are wanted: some will not pass.
        for source in sources[: -(-4 * count // (3 * PAIRS))]:
            for question, answer in _asked(engine, workspace, source, style):
                yield Draft(question, answer, "", "model", source, model=engine.name)
    finally:
        if not own:
            engine.close()


def _asked(
    engine: ChatEngine, workspace: Workspace, source: Source, style: Style | None
) -> Iterator[tuple[str, str]]:
    """What a model writes about one passage; nothing where it writes no JSON."""
    from groundtone.chat import complete

    messages = drafting_prompt(
        source.text, source.title, voice=voice(workspace), rules=_rules(style), pairs=PAIRS
    )
    try:
        text = complete(engine, messages, max_tokens=700, json_schema=_SCHEMA).text
    except EngineError as error:
        if "context" in error.message:
            return  # too long a passage for this model: the next one
        raise
    try:
        pairs = json.loads(text[text.index("{") : text.rindex("}") + 1])["examples"]
    except (ValueError, KeyError, TypeError):
        return
    for pair in pairs if isinstance(pairs, list) else ():
        question = pair.get("question") if isinstance(pair, dict) else None
        answer = pair.get("answer") if isinstance(pair, dict) else None
        if isinstance(question, str) and isinstance(answer, str) and question.strip():
            yield " ".join(question.split()), " ".join(labels.strip(answer).split())


def _rules(style: Style | None) -> list[str]:
    """The declared style in words."""
    if style is None:
        return []
    told = []
    if style.max_sentences:
        told.append(f"An answer has at most {style.max_sentences} sentences.")
    if style.max_words:
        told.append(f"An answer has at most {style.max_words} words.")
    if style.banned_phrases:
        told.append(f"Never write: {', '.join(style.banned_phrases)}.")
    return told


def _wrong(
    workspace: Workspace, style: Style | None, supports: dict[int, float], draft: Draft
) -> str:
    """Why a draft cannot be kept; "" if it can. The cheap questions come first."""
    if not draft.answer:
        return "empty"
    if style is not None and style.check(draft.shown):
        return "not in the declared style"
    evidence = Evidence([f"{draft.source.title}\n{draft.source.text}"], workspace.embedder.embed)
    said = [draft.answer[start:end] for start, end in sentences.split(draft.answer)]
    supports[id(draft)] = least = round(min(score(each, evidence) for each in said), 3)
    if least < workspace.settings.answer.support_below:
        return NOT_SUPPORTED
    shown = workspace.settings.answer.passages
    own = [
        passage
        for passage in workspace.retriever.search(draft.question, shown)
        if (passage.version, passage.chunk) == (draft.source.version, draft.source.chunk)
    ]
    if not own:
        return "its question finds other passages"
    if not holders(labels.strip(draft.shown), own, shown):
        return NOT_SUPPORTED  # as `tune check` would find, and training would leave it out
    return ""
