"""Training examples as token ids, composed by the very code that composes questions.

Each example is asked as a user would ask it: its passages come from the same retriever, its prompt
from the same function, its ids from the same tokenizer. A question that follows others is searched
and asked as serving does it: small models are asked one that stands alone, strong ones are shown
the turns before. The answer alone is learned; no other token has a part in the loss.

The passage that holds the answer (the gold one) is found by the example's citation label, or else
by how well passages support the answer; labels themselves are cut from the target, since code
renders them.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from groundtone.answering import labels, overlap
from groundtone.answering.labels import LabelTemplate
from groundtone.answering.pipeline import Answerer
from groundtone.answering.refusal import is_refusal
from groundtone.chat import ChatEngine, Message
from groundtone.retrieval import Passage, Retriever
from groundtone.tuning.examples import Example
from groundtone.tuning.recipe import Contexts

SUPPORTED = 0.5
"""An answer counts as grounded in a passage from this support on."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """One training sequence: base reads `prefix`; `question` and `answer` are trained on."""

    line: int
    prefix: tuple[int, ...]
    question: tuple[int, ...]
    answer: tuple[int, ...]
    kind: str


@dataclass(slots=True)
class Report:
    """What happened to the examples: counts by kind, and lines whose label or fact was missing."""

    kinds: Counter[str] = field(default_factory=Counter)
    unresolved: list[int] = field(default_factory=list)
    unsupported: list[int] = field(default_factory=list)


class Renderer:
    """Turns examples into sequences.

    Args:
        retriever, answerer, chat: the ones that serve questions.
        label: the template of the labels in the examples' answers.
        refusal: the sentence that says the documents do not answer.
        passages: how many the prompt shows.
        invocation: ids from whose last occurrence on an activated adapter works.
        end: the special token that ends an answer.
    """

    def __init__(
        self,
        retriever: Retriever,
        answerer: Answerer,
        chat: ChatEngine,
        *,
        label: str,
        refusal: str,
        passages: int,
        invocation: Sequence[int],
        end: str,
    ) -> None:
        self._retriever = retriever
        self._answerer = answerer
        self._chat = chat
        self._pattern = LabelTemplate(label).pattern() if label else None
        self._refusal = refusal
        self._passages = passages
        self._invocation = list(invocation)
        self._end = chat.tokens(end)

    def render(
        self,
        examples: Iterable[Example],
        contexts: Contexts,
        *,
        progress: Callable[[int], None] | None = None,
    ) -> tuple[list[Rendered], Report]:
        """Render every example `contexts.each` times; the same for the same seed."""
        rows: list[Rendered] = []
        report = Report()
        for number, example in enumerate(examples):
            place = f"{example.line}.{example.turn}" if example.turn else example.line
            draw = random.Random(f"{contexts.seed}/{place}")
            rows += self._contexts(example, contexts, draw, report)
            if progress:
                progress(number + 1)
        return rows, report

    def gold(self, example: Example, found: Sequence[Passage]) -> Passage | None:
        """The passage that holds the answer: where its label points, else the best supporter."""
        answer = labels.strip(example.answer)
        candidates = self._labelled(example.answer) or list(found)
        supports = [overlap.support(answer, [passage]) for passage in candidates]
        best = max(range(len(candidates)), key=supports.__getitem__, default=None)
        return candidates[best] if best is not None and supports[best] >= SUPPORTED else None

    def _contexts(
        self, example: Example, contexts: Contexts, draw: random.Random, report: Report
    ) -> list[Rendered]:
        if contexts.without and draw.random() < contexts.without:
            report.kinds["without documents"] += 1
            if not contexts.documents:
                return [self._plain(example)]
            return [self._row(example, (), labels.strip(example.answer), "without documents")]
        answer = labels.strip(example.answer)
        searched = self._answerer.remembered(example.question, example.history).searched
        found = self._retriever.search(searched, max(12, 3 * self._passages))
        served = found[: self._passages]
        if is_refusal(answer, self._refusal):
            report.kinds["refusal"] += 1
            return [self._row(example, served, self._refusal, "refusal")]
        if (
            self._pattern
            and self._pattern.search(example.answer)
            and not self._labelled(example.answer)
        ):
            report.unresolved.append(example.line)
        gold = self.gold(example, found)
        if gold is None:
            report.unsupported.append(example.line)
            return []
        gold = replace(gold, window=self._window(gold, answer))
        rows = []
        others = [p for p in found if (p.version, p.chunk) != (gold.version, gold.chunk)]
        for number in range(contexts.each):
            shown = served if number == 0 else draw.sample(others, min(len(others), self._passages))
            shown = self._with_gold(shown, gold, draw, keep_order=number == 0)
            rows.append(self._row(example, shown, answer, "grounded"))
        if draw.random() < contexts.absent:
            without = [p for p in others if overlap.support(answer, [p]) < SUPPORTED][
                : self._passages
            ]
            if without:
                rows.append(self._row(example, without, self._refusal, "absent"))
        report.kinds.update(row.kind for row in rows)
        return rows

    def _with_gold(
        self, shown: Sequence[Passage], gold: Passage, draw: random.Random, *, keep_order: bool
    ) -> list[Passage]:
        """The passages with the gold one among them, in its place when it was retrieved."""
        key = (gold.version, gold.chunk)
        result = [gold if (p.version, p.chunk) == key else p for p in shown]
        if gold not in result:
            result = [*result[: self._passages - 1], gold]
        if not keep_order:
            draw.shuffle(result)
        return result

    def _window(self, gold: Passage, answer: str) -> tuple[int, int]:
        """The part of the gold passage to show must hold the answer, whatever window matched."""
        support = overlap.align([answer], [gold])[0]
        if support is None:
            return gold.window
        start, end = gold.start + support.start, gold.start + support.end
        low, high = gold.window
        return gold.window if low <= start and end <= high else (start, end)

    def _row(
        self, example: Example, passages: Sequence[Passage], answer: str, kind: str
    ) -> Rendered:
        known = self._answerer.remembered(example.question, example.history)
        prompt = self._answerer.asked(known, passages, system=example.system)
        return self._of(prompt.messages, example, answer, kind)

    def _plain(self, example: Example) -> Rendered:
        """As a program sends it to the chat API: its own messages, all turns, and no more."""
        system = [{"role": "system", "content": example.system}] if example.system else []
        asked = {"role": "user", "content": example.question}
        messages = [*system, *example.history, asked]
        return self._of(messages, example, example.answer, "without documents")

    def _of(
        self, messages: Sequence[Message], example: Example, answer: str, kind: str
    ) -> Rendered:
        ids = self._chat.tokens(self._chat.render(messages))
        cut = last_place(ids, self._invocation)
        target = (*self._chat.tokens(answer), *self._end)
        return Rendered(example.line, tuple(ids[:cut]), tuple(ids[cut:]), target, kind)

    def _labelled(self, answer: str) -> list[Passage]:
        match = self._pattern.search(answer) if self._pattern else None
        if match is None:
            return []
        named = {name: value for name, value in match.groupdict().items() if value}
        named.pop("n", None)
        return self._retriever.where(**named) if named else []


def last_place(ids: Sequence[int], part: Sequence[int]) -> int:
    """Start of the last occurrence of `part` in `ids`; 0 when it does not occur."""
    size = len(part)
    for start in range(len(ids) - size, -1, -1):
        if list(ids[start : start + size]) == list(part):
            return start
    return 0
