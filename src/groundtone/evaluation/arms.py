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
            that place of that document); ``before`` and ``after`` are the text around the quote.
        prompt_tokens, completion_tokens: by the model's own tokenizer; None when not known.
        first_token_ms, total_ms: milliseconds from asking; None when not known.
        model: name of the model that answered.
        passages: documents of the passages in the prompt, best first; empty without retrieval.
        citation_recall, citation_precision: of its citations, see `answers_citing`; None for a
            refusal, and where nobody looked.
        faithfulness: share of the sentences the model wrote that the passages found for the
            question support, 0..1; None where it wrote none, and where nobody looked.
        replica: which of the arm's models answered, from 0: models of one recipe that differ in
            their training seed.
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
    citation_recall: float | None = None
    citation_precision: float | None = None
    faithfulness: float | None = None
    replica: int = 0


Ask = Callable[[Question], Outcome]
Progress = Callable[[int, int, Outcome], None]


def run_arms(
    arms: Mapping[str, Ask],
    questions: Sequence[Question],
    *,
    cache: Path | None = None,
    fingerprints: Mapping[str, str] | None = None,
    found: Callable[[Question], str] | None = None,
    progress: Progress | None = None,
    outermost: Literal["question", "arm"] = "question",
    workers: Mapping[str, int] | None = None,
) -> list[Outcome]:
    """Puts every question to every arm; answers already in the cache are not asked again.

    Args:
        arms: in the order in which they are asked.
        cache: a JSONL file to which each outcome is written as soon as it is there, so that an
            interrupted run goes on where it stopped. Lines that cannot be read, such as a last
            line cut off by a kill, count as not there.
        fingerprints: per arm, a text that changes whenever its answers may change: model and
            adapter sha256, prompt, decoding. Cached outcomes of another fingerprint are not used.
        found: what the documents give for a question, as a text that changes with it; part of what
            an outcome is kept under. None: nothing.
        progress: called after each outcome with (done, total, outcome), cached ones included.
        outermost: "question" asks all arms about one question before the next, so that an engine
            can reuse what it read for the arm before; "arm" finishes one arm before the next.
            Latencies of arms whose prompts begin alike are only comparable with "arm".
        workers: per arm, how many questions are put to it at once; 1 for those not named. With
            "question", always 1.

    Returns:
        Outcomes ordered by arm, then question. An exception of an arm ends the run; what was
        answered by then is in the cache.
    """
    if outermost not in ("question", "arm"):
        raise ValueError(f'outermost must be "question" or "arm", not {outermost!r}')
    known = _read(cache) if cache else {}
    prints = fingerprints or {}
    parts = {q.id: found(q) if found else "" for q in questions}
    keys = {
        (name, q.id): _key(name, q, prints.get(name, ""), parts[q.id])
        for name in arms
        for q in questions
    }
    kept: dict[tuple[str, str], Outcome] = {}
    done, total = 0, len(arms) * len(questions)
    with appending(cache) as write:

        def keep(name: str, question: Question, outcome: Outcome, new: bool) -> None:
            nonlocal done
            if (outcome.arm, outcome.question_id) != (name, question.id):
                raise ValueError(
                    f"arm {name} answered as ({outcome.arm}, {outcome.question_id}) "
                    f"to question {question.id}"
                )
            if new:
                write({"key": keys[name, question.id], "outcome": asdict(outcome)})
            kept[name, question.id] = outcome
            done += 1
            if progress:
                progress(done, total, outcome)

        for batch in _batches(arms, questions, outermost):
            missing: list[tuple[str, Question]] = []
            for name, question in batch:
                outcome = known.get(keys[name, question.id])
                if outcome is None:
                    missing.append((name, question))
                else:
                    keep(name, question, outcome, False)
            count = (workers or {}).get(batch[0][0], 1) if outermost == "arm" and batch else 1
            for name, question, outcome in _asked(arms, missing, count):
                keep(name, question, outcome, True)
    return [kept[name, question.id] for name in arms for question in questions]


def _batches(
    arms: Mapping[str, Ask], questions: Sequence[Question], outermost: str
) -> list[list[tuple[str, Question]]]:
    """What may be asked together: one arm's questions, or one question of one arm."""
    if outermost == "arm":
        return [[(name, question) for question in questions] for name in arms if questions]
    return [[(name, question)] for question in questions for name in arms]


def _asked(
    arms: Mapping[str, Ask], wanted: Sequence[tuple[str, Question]], workers: int
) -> Iterator[tuple[str, Question, Outcome]]:
    """Outcomes as they come, `workers` at a time. When one fails, what is not begun is dropped, and
    what others have answered, or were about to, comes before the failure is raised."""
    if workers <= 1 or len(wanted) <= 1:
        for name, question in wanted:
            yield name, question, arms[name](question)
        return
    from concurrent.futures import ThreadPoolExecutor, as_completed

    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="groundtone-compare")
    try:
        futures = {pool.submit(arms[name], question): (name, question) for name, question in wanted}
        failure: BaseException | None = None
        for future in as_completed(futures):
            if future.cancelled():
                continue
            error = future.exception()
            if error is None:
                yield (*futures[future], future.result())
            elif failure is None:
                failure = error
                for other in futures:
                    other.cancel()
        if failure is not None:
            raise failure
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _key(arm: str, question: Question, fingerprint: str, found: str) -> str:
    parts = [arm, question.id, question.question, fingerprint, found]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:32]


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


class appending:
    """Appends JSON lines to a file, each one out of the process before the next is asked.

    Raises:
        WrongUse: the file cannot be written.
    """

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
