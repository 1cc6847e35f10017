"""The way of a question: retrieve, gate, compose, generate, attribute, label."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from groundtone import sentences
from groundtone.answering import attribution, labels
from groundtone.answering.answer import Answer, Citation, Timings, Usage
from groundtone.answering.labels import LabelTemplate
from groundtone.answering.prompt import Message, Prompt, Shot, compose, turns
from groundtone.answering.refusal import is_refusal
from groundtone.chat import ChatEngine, Completion
from groundtone.retrieval import Passage, Retriever
from groundtone.settings import Answering, Chat

_LIST_MARK = re.compile(r"^(?:\(?\d{1,3}[.)]|[-*•])(?:\s+|$)")


class Answerer:
    """Answers questions with one retriever and one chat engine.

    Args:
        retriever: where passages come from.
        chat: opened at the first question that needs it, since loading weights takes a second.
        settings: labels, refusal, budgets.
        limits: the chat model's limits.
        refuse_below: vector similarity under which the best passage is no evidence.
    """

    def __init__(
        self,
        retriever: Retriever,
        chat: Callable[[], ChatEngine],
        settings: Answering,
        limits: Chat,
        *,
        refuse_below: float,
    ) -> None:
        self._retriever = retriever
        self._chat = chat
        self._settings = settings
        self._limits = limits
        self._refuse_below = refuse_below
        self._label = LabelTemplate(settings.label)

    def ask(self, question: str, **options: object) -> Answer:
        """Answer in one piece; the options are those of :meth:`stream`."""
        for event in self.stream(question, **options):  # type: ignore[arg-type]
            if isinstance(event, Answer):
                return event
        raise AssertionError("stream() ends with an Answer")

    def stream(
        self,
        question: str,
        *,
        model: str,
        system: str = "",
        documents: bool = True,
        shots: Sequence[Shot] = (),
    ) -> Iterator[str | Answer]:
        """Yield pieces of text while the model writes them, then the finished :class:`Answer`.

        The pieces are what the model writes; the answer is what stands after every sentence was
        attributed, so it may hold less.

        Args:
            question: the user's words.
            model: a name the chat engine knows: the base or a tuned model.
            system: the voice; a tuned model is asked with the one it was trained with.
            documents: False asks the model alone (the arms without retrieval).
            shots: worked examples for the few-shot arms.
        """
        began = time.perf_counter()
        passages = self.retrieve(question) if documents else []
        searched = time.perf_counter()
        if documents and not self.enough(passages):
            yield self._refuse(question, passages, "", Usage(), began, searched)
            return
        prompt = self.prompt(question, passages, system=system, shots=shots)
        composed = time.perf_counter()
        written, first, done = "", 0.0, None
        stream = self._chat().stream(
            prompt.messages, model=model, max_tokens=self._limits.max_tokens
        )
        with contextlib.closing(stream):  # type: ignore[type-var]
            for piece in stream:
                if isinstance(piece, Completion):
                    done = piece
                    break
                first = first or time.perf_counter()
                written += piece
                yield piece
                if _loops(written):
                    break
        ended = time.perf_counter()
        yield replace(
            self.finish(
                question,
                written,
                prompt.passages,
                passages,
                cut=done is None or done.finish == "length",
            ),
            model=model,
            usage=self._usage(done, prompt.messages, written),
            timings=Timings(
                search=_ms(began, searched),
                prompt=_ms(searched, composed),
                first_token=_ms(began, first or ended),
                total=_ms(began, time.perf_counter()),
            ),
        )

    def retrieve(self, question: str) -> list[Passage]:
        """The passages for a question, as many as the prompt may show."""
        return self._retriever.search(question, self._settings.passages)

    def enough(self, passages: Sequence[Passage]) -> bool:
        """Whether the best passage is near enough to the question to answer from."""
        return bool(passages) and max(p.dense or -1.0 for p in passages) >= self._refuse_below

    def prompt(
        self,
        question: str,
        passages: Sequence[Passage],
        *,
        system: str = "",
        shots: Sequence[Shot] = (),
        history: Sequence[Message] = (),
    ) -> Prompt:
        """Compose the prompt; used for serving and for training alike."""
        chat = self._chat()
        settings = self._settings

        def count(text: str) -> int:
            return len(chat.tokens(text))

        earlier = [m for shot in shots for m in turns(shot, count, settings.passage_tokens)]
        earlier += history
        spent = sum(count(m["content"]) + 8 for m in earlier) + count(question) + count(system) + 64
        room = chat.context_tokens - self._limits.max_tokens - spent
        return compose(
            question,
            passages,
            count=count,
            system=system or settings.system,
            passage_tokens=settings.passage_tokens,
            budget=max(0, min(room, settings.passages * (settings.passage_tokens + 40))),
            history=earlier,
        )

    def finish(
        self,
        question: str,
        written: str,
        shown: Sequence[Passage],
        retrieved: Sequence[Passage],
        *,
        cut: bool = False,
    ) -> Answer:
        """Turn what the model wrote into an answer: clean, attribute, drop or mark, label.

        Args:
            written: the model's text.
            shown: the passages it saw; empty for the arms without documents.
            retrieved: all that were retrieved, for the record.
            cut: the text ended at the token limit, so its last sentence may be half a one.
        """
        text = labels.strip(written)
        if is_refusal(text, self._settings.refusal):
            return self._refuse(question, retrieved, text, Usage(), 0.0, 0.0)
        spans = sentences.split(text)
        if cut and len(spans) > 1:
            spans = spans[:-1]
        # List marks go: sentences are dropped and joined, and "6." is no figure to look up.
        said = [_LIST_MARK.sub("", " ".join(text[start:end].split())) for start, end in spans]
        said = [s for s in dict.fromkeys(said) if s]  # tiny models repeat themselves
        if not shown:
            # Without documents there is nothing to check against: shown as the model wrote it,
            # invented labels and all, for that is what a reader would get from it.
            shown_text = " ".join(written.split())
            return Answer(question, shown_text, " ".join(said), not said, tuple(said), (), (), "")
        found = attribution.align(said, shown)
        threshold = self._settings.support_below
        kept = [
            (sentence, support)
            for sentence, support in zip(said, found, strict=True)
            if self._settings.check != "strict"
            or (support is not None and support.score >= threshold)
        ]
        if not kept:
            refused = self._refuse(question, retrieved, text, Usage(), 0.0, 0.0)
            return replace(refused, unsupported=tuple(said))
        citations: list[Citation] = []
        markers: list[str] = []
        numbers: dict[int, int] = {}
        for sentence, support in kept:
            if support is None or support.score < threshold:
                markers.append("")
                continue
            passage = shown[support.passage]
            n = numbers.setdefault(support.passage, len(numbers) + 1)
            marker = self._label.render(
                n=n,
                title=passage.title,
                section=passage.section,
                document=passage.document,
                page=passage.page,
            )
            markers.append(marker)
            citations.append(_citation(marker, sentence, passage, support))
        answer = [sentence for sentence, _ in kept]
        cited = {citation.sentence for citation in citations}
        return Answer(
            question=question,
            text=labels.attach(
                answer, [[m] if m else [] for m in markers], per_sentence=self._label.per_sentence
            ),
            bare_text=" ".join(answer),
            refused=False,
            sentences=tuple(answer),
            citations=tuple(citations),
            unsupported=tuple(sentence for sentence in said if sentence not in cited),
            model="",
            passages=tuple(retrieved),
        )

    def _usage(self, done: Completion | None, messages: list[Message], written: str) -> Usage:
        if done is not None:
            return Usage(done.prompt_tokens, done.completion_tokens)
        chat = self._chat()  # stopped by us: counted by us
        return Usage(len(chat.tokens(chat.render(messages))), len(chat.tokens(written)))

    def _refuse(
        self,
        question: str,
        passages: Sequence[Passage],
        written: str,
        usage: Usage,
        began: float,
        searched: float,
    ) -> Answer:
        refusal = self._settings.refusal
        spent = _ms(began, searched) if searched else 0.0
        return Answer(
            question=question,
            text=refusal,
            bare_text=refusal,
            refused=True,
            sentences=(refusal,),
            citations=(),
            unsupported=(),
            model="",
            usage=usage,
            timings=Timings(search=spent, first_token=spent, total=spent),
            passages=tuple(passages),
        )


def _loops(text: str) -> bool:
    """Whether the text has come round: its last finished sentence stood there twice before.

    Tiny models fall into circles; nothing new comes after, so generation is stopped.
    """
    if not text.endswith((".", "!", "?", "\n")):
        return False
    said = [re.sub(r"^\W*\d*\W*", "", part).strip() for part in re.split(r"[.!?]\s|\n", text)]
    said = [part.rstrip(".!?").lower() for part in said if len(part) > 12]
    return len(said) > 2 and said.count(said[-1]) > 2


def _citation(
    marker: str, sentence: str, passage: Passage, support: attribution.Support
) -> Citation:
    return Citation(
        marker=marker,
        sentence=sentence,
        document=passage.document,
        title=passage.title,
        section=passage.section,
        page=passage.page,
        box=passage.box,
        start=passage.start + support.start,
        end=passage.start + support.end,
        quote=passage.text[support.start : support.end],
        score=support.score,
        passage=passage.rank,
    )


def _ms(start: float, end: float) -> float:
    return round((end - start) * 1000, 1)
