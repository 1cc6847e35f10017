"""The same questions through every arm, resumable.

An arm is a name and a function from a question to an outcome; the workspace composes it (base,
few-shot, rag, tuned, both), so that this module knows nothing of models or retrieval.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import IO, Any, Literal

from groundtone.errors import WrongUse
from groundtone.evaluation.questions import Question


@dataclass(frozen=True)
class Outcome:
    """What one arm said to one question, and what it took.

    Attributes:
        arm, question_id: which.
        text: the answer as a user sees it, citation labels and all.
        bare_text: the same without labels; this is what is compared with the gold answer.
        refused: whether the answer is a refusal.
        citations: one mapping per citation with the keys ``document``, ``section``, ``title``,
            ``page``, ``start``, ``end``, ``quote`` and ``resolvable`` (bool: the quote stands at
            that place of that document).
        prompt_tokens, completion_tokens: by the model's own tokenizer; None when not known.
        first_token_ms, total_ms: milliseconds from asking; None when not known.
        model: name of the model that answered.
        passages: documents of the passages in the prompt, best first; empty without retrieval.
    """

    arm: str
    question_id: str
    text: str
    bare_text: str
    refused: bool = False
    citations: list[dict[str, Any]] = field(default_factory=list)
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    first_token_ms: float | None = None
    total_ms: float | None = None
    model: str = ""
    passages: list[str] = field(default_factory=list)


Ask = Callable[[Question], Outcome]
Progress = Callable[[int, int, Outcome], None]


def run_arms(
    arms: Mapping[str, Ask],
    questions: Sequence[Question],
    *,
    cache: Path | None = None,
    fingerprints: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    outermost: Literal["question", "arm"] = "question",
) -> list[Outcome]:
    """Puts every question to every arm; answers already in the cache are not asked again.

    Args:
        arms: in the order in which they are asked.
        cache: a JSONL file to which each outcome is written as soon as it is there, so that an
            interrupted run goes on where it stopped. Lines that cannot be read, such as a last
            line cut off by a kill, count as not there.
        fingerprints: per arm, a text that changes whenever its answers may change: model and
            adapter sha256, prompt, decoding, index state. Cached outcomes of another fingerprint
            are not used.
        progress: called after each outcome with (done, total, outcome), cached ones included.
        outermost: "question" asks all arms about one question before the next, so that an engine
            can reuse what it read for the arm before; "arm" finishes one arm before the next.
            Latencies of arms whose prompts begin alike are only comparable with "arm".

    Returns:
        Outcomes ordered by arm, then question. An exception of an arm ends the run; what was
        answered by then is in the cache.
    """
    known = _read(cache) if cache else {}
    prints = fingerprints or {}
    found: dict[tuple[str, str], Outcome] = {}
    done, total = 0, len(arms) * len(questions)
    with _appending(cache) as write:
        for name, question in _order(arms, questions, outermost):
            key = _key(name, question, prints.get(name, ""))
            outcome = known.get(key)
            if outcome is None:
                outcome = arms[name](question)
                if (outcome.arm, outcome.question_id) != (name, question.id):
                    raise ValueError(
                        f"arm {name} answered as ({outcome.arm}, {outcome.question_id}) "
                        f"to question {question.id}"
                    )
                write({"key": key, "outcome": asdict(outcome)})
            found[name, question.id] = outcome
            done += 1
            if progress:
                progress(done, total, outcome)
    return [found[name, question.id] for name in arms for question in questions]


def _order(
    arms: Mapping[str, Ask], questions: Sequence[Question], outermost: str
) -> Iterator[tuple[str, Question]]:
    if outermost == "question":
        return ((name, question) for question in questions for name in arms)
    if outermost == "arm":
        return ((name, question) for name in arms for question in questions)
    raise ValueError(f'outermost must be "question" or "arm", not {outermost!r}')


def _key(arm: str, question: Question, fingerprint: str) -> str:
    parts = json.dumps([arm, question.id, question.question, fingerprint], ensure_ascii=False)
    return hashlib.sha256(parts.encode()).hexdigest()[:32]


def _read(path: Path) -> dict[str, Outcome]:
    if not path.is_file():
        return {}
    names = {item.name for item in fields(Outcome)}
    known: dict[str, Outcome] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            row = json.loads(line)
            known[row["key"]] = Outcome(
                **{name: value for name, value in row["outcome"].items() if name in names}
            )
        except (ValueError, TypeError, KeyError, AttributeError):
            continue  # cut off or foreign: ask again
    return known


class _appending:
    """Appends JSON lines to a file, each one out of the process before the next is asked."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def __enter__(self) -> Callable[[dict[str, Any]], None]:
        if self._path:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                torn = self._path.exists() and self._path.read_bytes()[-1:] not in (b"\n", b"")
                self._file = self._path.open("a", encoding="utf-8")
            except OSError as error:
                raise WrongUse(
                    f"{self._path}: {error.strerror or error}.",
                    "Name a file for the cache of answers that can be written.",
                ) from error
            if torn:
                self._file.write("\n")
        return self._write

    def _write(self, row: dict[str, Any]) -> None:
        if self._file:
            self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
            self._file.flush()

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()
