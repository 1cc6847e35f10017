"""Models that judge whether passages support a sentence, in place of the fitted score.

None is needed: the fitted score of `groundtone.answering.support` is the default. Whatever judges,
which passage sentences are cited is decided by `groundtone.answering.attribution`, and in the mode
``strict`` every figure still has to stand in a cited passage.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from groundtone.answering.answer import Usage
from groundtone.answering.evidence import Evidence
from groundtone.answering.prompt import Message, judging
from groundtone.answering.wording import wording
from groundtone.chat import BASE, ChatEngine, Completion
from groundtone.errors import EngineError
from groundtone.reranking.contract import Entailer

WINDOW = 1_200  # characters of adjacent sentences: under 512 tokens with the statement
MOST = 4  # stretches that a sentence is held against
_YES_OR_NO: dict[str, Any] = {
    "type": "object",
    "properties": {"supported": {"type": "string", "enum": ["yes", "no"]}},
    "required": ["supported"],
    "additionalProperties": False,
}
_SAID = re.compile(r"\b(yes|no)\b", re.IGNORECASE)
_MOST_TOKENS = 24


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a checker found.

    Attributes:
        scores: for each sentence its support, 0..1.
        usage: what asking a chat model took.
    """

    scores: tuple[float, ...]
    usage: Usage = field(default_factory=Usage)


class Checker(Protocol):
    """What every checker offers. Safe to use from several threads."""

    def judge(self, said: Sequence[str], evidence: Evidence) -> Judgement:
        """Judge each sentence by all the passages.

        Raises:
            EngineError: the model failed.
        """
        ...


class EntailmentChecker:
    """A ``Checker``: the highest probability that a stretch of one passage entails the sentence."""

    def __init__(self, model: Entailer) -> None:
        self._model = model

    def judge(self, said: Sequence[str], evidence: Evidence) -> Judgement:
        """See ``Checker``."""
        known = stretches(evidence)
        pairs = [
            (text, sentence) for sentence in said for text in nearest(sentence, evidence, known)
        ]
        best = dict.fromkeys(said, 0.0)
        for (_, sentence), chance in zip(pairs, self._model.entailed(pairs), strict=True):
            best[sentence] = max(best[sentence], chance)
        return Judgement(tuple(round(best[sentence], 4) for sentence in said))


class ChatChecker:
    """A ``Checker``: a chat model says yes (1) or no (0) to each sentence; it can say nothing else.

    A server that does not hold its model to the schema may get other words back: the first "yes" or
    "no" among them counts, and an answer with neither is a no.

    Args:
        chat: the engine; its base model judges, not a tuned one.
    """

    def __init__(self, chat: Callable[[], ChatEngine]) -> None:
        self._chat = chat

    def judge(self, said: Sequence[str], evidence: Evidence) -> Judgement:
        """See ``Checker``.

        Raises:
            EngineError: the engine failed, or the model said neither yes nor no to any sentence.
        """
        known = stretches(evidence)
        answers = [self._ask(sentence, nearest(sentence, evidence, known)) for sentence in said]
        words = [_SAID.search(done.text) for done in answers]
        if answers and not any(words):
            raise EngineError(
                f"The chat model as checker said neither yes nor no: {answers[0].text[:80]!r}.",
                'Set [answer] checker to "", or name a model that follows a JSON schema.',
            )
        return Judgement(
            tuple(float(bool(word and word[1].lower() == "yes")) for word in words),
            Usage(
                sum(done.prompt_tokens for done in answers),
                sum(done.completion_tokens for done in answers),
            ),
        )

    def _ask(self, sentence: str, texts: Sequence[str]) -> Completion:
        chat = self._chat()
        messages = judging(sentence, texts)
        while len(texts) > 1 and not _fits(chat, messages):
            texts = texts[:-1]
            messages = judging(sentence, texts)
        stream = chat.stream(messages, model=BASE, max_tokens=_MOST_TOKENS, json_schema=_YES_OR_NO)
        with contextlib.closing(stream):  # type: ignore[type-var]
            return next(event for event in stream if isinstance(event, Completion))


def _fits(chat: ChatEngine, messages: Sequence[Message]) -> bool:
    return len(chat.tokens(chat.render(messages))) + _MOST_TOKENS < chat.context_tokens


def stretches(evidence: Evidence, most: int = WINDOW) -> list[tuple[str, frozenset[str]]]:
    """Stretches of adjacent sentences of one passage, each begun with the last one's last sentence.

    Args:
        most: characters of a stretch; a longer sentence stands alone, cut.

    Returns:
        Each with its content words.
    """
    found: list[tuple[str, frozenset[str]]] = []
    for index in range(len(evidence.passages)):
        text = evidence.text(index)
        units = [unit for unit in evidence.units if unit.passage == index]
        first = 0
        while first < len(units):
            last = first
            while last + 1 < len(units) and units[last + 1].end - units[first].start <= most:
                last += 1
            words = frozenset[str]().union(*(u.wording.content for u in units[first : last + 1]))
            found.append((text[units[first].start : units[last].end][:most], words))
            if last + 1 == len(units):
                break
            first = max(last, first + 1)
    return found


def nearest(
    sentence: str, evidence: Evidence, known: Sequence[tuple[str, frozenset[str]]]
) -> list[str]:
    """The stretches that hold most of the sentence's words, the best first; at most `MOST`."""
    words = wording(sentence).content
    order = sorted(known, key=lambda one: -evidence.coverage(words, one[1]))
    return [text for text, _ in order[:MOST]]
