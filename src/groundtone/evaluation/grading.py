"""A chat model as the judge of correctness: the same facts as a gold answer, yes or no.

None is needed, and none is asked by default: a judge costs money or time and has opinions. Where
one is named, what it said is kept, so that the same answer is never judged twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from groundtone.answering.prompt import grading
from groundtone.chat import BASE, ChatEngine, Completion
from groundtone.evaluation.arms import Outcome, appending
from groundtone.evaluation.questions import Question

_YES_OR_NO: dict[str, Any] = {
    "type": "object",
    "properties": {"correct": {"type": "string", "enum": ["yes", "no"]}},
    "required": ["correct"],
    "additionalProperties": False,
}
_SAID = re.compile(r"\b(yes|no)\b", re.IGNORECASE)
_MOST_TOKENS = 24


class Judge:
    """Says whether answers are right.

    Args:
        name: of the model, part of what its words are kept under.
        chat: opened at the first answer that it has not judged before.
        keep: JSONL file of what it said.
    """

    def __init__(self, name: str, chat: Callable[[], ChatEngine], keep: Path) -> None:
        self.name = name
        self._chat = chat
        self._keep = keep
        self._said = _read(keep)

    def judge(
        self,
        outcomes: Sequence[Outcome],
        questions: Sequence[Question],
        progress: Callable[[int, int], None] | None = None,
    ) -> Callable[[Outcome], bool | None]:
        """Judge every answer to a question with gold answers; returns what was said of an outcome.

        An answer of which the model said neither yes nor no is not judged: None.

        Raises:
            EngineError: the model failed; what it said until then is kept.
        """
        by_id = {question.id: question for question in questions}
        keys: dict[tuple[str, str], str] = {}
        asked: dict[str, tuple[Question, str]] = {}
        for one in outcomes:
            question = by_id[one.question_id]
            if one.refused or not question.answers or not one.bare_text:
                continue
            key = self._key(question, one.bare_text)
            keys[one.question_id, one.bare_text] = key
            if key not in self._said:
                asked[key] = (question, one.bare_text)
        if asked:
            self._ask(asked, progress)

        def told(one: Outcome) -> bool | None:
            if one.refused or not one.bare_text:
                return False
            return self._said.get(keys.get((one.question_id, one.bare_text), ""))

        return told

    def _ask(
        self,
        asked: dict[str, tuple[Question, str]],
        progress: Callable[[int, int], None] | None,
    ) -> None:
        chat = self._chat()
        with (
            appending(self._keep) as write,
            ThreadPoolExecutor(max_workers=chat.parallel) as pool,
        ):
            said = pool.map(lambda item: (item[0], _verdict(chat, *item[1])), asked.items())
            for done, (key, verdict) in enumerate(said, 1):
                self._said[key] = verdict
                write({"key": key, "correct": verdict})
                if progress:
                    progress(done, len(asked))

    def _key(self, question: Question, text: str) -> str:
        parts = json.dumps([self.name, question.question, question.answers, text])
        return hashlib.sha256(parts.encode()).hexdigest()[:32]


def _verdict(chat: ChatEngine, question: Question, text: str) -> bool | None:
    messages = grading(question.question, question.answers, text)
    stream = chat.stream(messages, model=BASE, max_tokens=_MOST_TOKENS, json_schema=_YES_OR_NO)
    with contextlib.closing(stream):  # type: ignore[type-var]
        done = next(event for event in stream if isinstance(event, Completion))
    word = _SAID.search(done.text)
    return word[1].lower() == "yes" if word else None


def _read(path: Path) -> dict[str, bool | None]:
    known: dict[str, bool | None] = {}
    if not path.is_file():
        return known
    for line in path.read_text("utf-8", errors="replace").split("\n"):
        try:
            row = json.loads(line)
            known[row["key"]] = row["correct"]
        except (ValueError, TypeError, KeyError):
            continue  # cut off: asked again
    return known
