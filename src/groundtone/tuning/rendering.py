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
from dataclasses import dataclass, field

from groundtone.answering import labels, overlap
from groundtone.answering.labels import LabelTemplate
from groundtone.answering.pipeline import Answerer
from groundtone.answering.refusal import is_refusal
from groundtone.chat import ChatEngine, Message
from groundtone.retrieval import Passage, Retriever
from groundtone.tuning.examples import Example
from groundtone.tuning.grounding import SUPPORTED, holders
from groundtone.tuning.recipe import Contexts


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
        pattern = LabelTemplate(label).pattern() if label else None
        names = pattern is not None and pattern.groupindex.keys() - {"n"}
        self._pattern = pattern if names else None  # [1] names no place that could be looked for
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

    def gold(self, example: Example, found: Sequence[Passage], report: Report) -> list[Passage]:
        """The passages that hold the answer, best first: of those that its labels name, or else of
        what was found. Empty: it stands in none. Labels that name nothing are told in the report.
        """
        labelled = self._labelled(example.answer)
        if not labelled and self._pattern and self._pattern.search(example.answer):
            report.unresolved.append(example.line)
        return holders(labels.strip(example.answer), labelled or found, self._passages)

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
        gold = self.gold(example, found, report)
        if not gold:
            report.unsupported.append(example.line)
            return []
        rows = []
        held = {(p.version, p.chunk) for p in gold}
        others = [p for p in found if (p.version, p.chunk) not in held]
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
        self,
        shown: Sequence[Passage],
        gold: Sequence[Passage],
        draw: random.Random,
        *,
        keep_order: bool,
    ) -> list[Passage]:
        """The passages with the gold ones among them, in their places when they were retrieved."""
        known = {(p.version, p.chunk): p for p in gold}
        result = [known.get((p.version, p.chunk), p) for p in shown]
        missing = [p for p in gold if p not in result]
        others = [p for p in result if p not in gold]
        for passage in reversed(others):  # make room for what is missing
            if len(result) + len(missing) > self._passages:
                result.remove(passage)
        result += missing
        if not keep_order:
            draw.shuffle(result)
        return result

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
        """The passages that the answer's labels name."""
        named: dict[tuple[str, int], Passage] = {}
        for match in self._pattern.finditer(answer) if self._pattern else ():
            place = {name: value for name, value in match.groupdict().items() if value}
            place.pop("n", None)
            for passage in self._retriever.where(**place) if place else ():
                named.setdefault((passage.version, passage.chunk), passage)
        return list(named.values())


def last_place(ids: Sequence[int], part: Sequence[int]) -> int:
    """Start of the last occurrence of `part` in `ids`; 0 when it does not occur."""
    size = len(part)
    for start in range(len(ids) - size, -1, -1):
        if list(ids[start : start + size]) == list(part):
            return start
    return 0
