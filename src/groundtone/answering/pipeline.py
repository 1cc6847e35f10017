"""The way of a question: retrieve, gate, compose, generate, check, label."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from groundtone.answering import gate, injection, rescuing, showing
from groundtone.answering.answer import Answer, Timings, Usage, Verdict
from groundtone.answering.checking import Checked, check, clean
from groundtone.answering.clock import Clocked
from groundtone.answering.conversation import Remembered, remember
from groundtone.answering.evidence import Embed, Evidence
from groundtone.answering.following import Follower
from groundtone.answering.judging import Checker
from groundtone.answering.prompt import Message, Prompt, Shot, again, compose, tier_of, turns
from groundtone.chat import ChatEngine, Completion
from groundtone.retrieval import Passage, Retriever
from groundtone.settings import Answering, Chat


@dataclass(slots=True)
class _Written:
    """What one generation gave, and when its first piece came (0: never)."""

    text: str = ""
    usage: Usage = field(default_factory=Usage)
    first: float = 0.0
    cut: bool = False
    ended: bool = False


class Answerer:
    """Answers questions with one retriever and one chat engine.

    Args:
        retriever: where passages come from.
        chat: opened at the first question that needs it, since loading weights takes a second.
        settings: labels, checks, refusal, budgets.
        limits: the chat model's limits.
        refuse_below: vector similarity under which the best passage is no evidence.
        embedder: the retriever's; it makes sentence vectors for the check and the gate, and tells
            what embedding took. None compares words only.
        checker: the model that the settings name to judge sentences, opened at the first question
            that needs it; None keeps the fitted score.
    """

    def __init__(
        self,
        retriever: Retriever,
        chat: Callable[[], ChatEngine],
        settings: Answering,
        limits: Chat,
        *,
        refuse_below: float,
        embedder: Callable[[], Clocked] | None = None,
        checker: Callable[[], Checker] | None = None,
    ) -> None:
        self._retriever = retriever
        self._chat = chat
        self._settings = settings
        self._limits = limits
        self._refuse_below = refuse_below
        self._embedder = embedder
        self._checker = checker

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
        history: Sequence[Message] = (),
        stopped: Callable[[Answer], None] | None = None,
        judged: Callable[[Verdict], None] | None = None,
    ) -> Iterator[str | Answer]:
        """Yield pieces of text while the model writes them, then the finished :class:`Answer`.

        The pieces are what the model writes; the answer is what stands after every sentence was
        checked, so it may hold less, and a retry is not streamed. Closing the iterator, or
        Ctrl-C while it works, stops the model.

        Args:
            question: the user's words.
            model: a name the chat engine knows: the base or a tuned model.
            system: the voice; a tuned model is asked with the one it was trained with.
            documents: False asks the model alone (the arms without retrieval).
            shots: worked examples for the few-shot arms.
            history: the conversation so far (user and assistant), oldest first.
            stopped: given what was written when the model was stopped, unchecked.
            judged: given the verdict of each sentence that was finished, while the next one is
                written; not where a model judges.

        Raises:
            WrongUse: a message of the history without role or content.
        """
        began = time.perf_counter()
        clock = self._embedder() if self._embedder and documents else None
        if clock:
            clock.restart()
        known = self.remembered(question, history)
        passages = self.retrieve(known.searched) if documents else []
        searched = time.perf_counter()
        embed = round(clock.ms, 1) if clock else 0.0
        evidence = (
            gate.evidence(known.searched, passages, embed=self._embed()) if documents else None
        )
        about = {
            "searched": known.searched if documents else "",
            "forgotten": known.forgotten,
            "evidence": evidence,
            "passages": tuple(passages),
            "flagged": tuple(p.rank for p in passages if injection.spans(p.text)),
        }
        search = _ms(began, searched)
        if documents and not self.enough(passages, evidence or 0.0):
            total = _ms(began, time.perf_counter())
            spent = Timings(embed=embed, search=search, first_token=total, total=total)
            refused = showing.refuse(question, self._settings)
            yield replace(refused, timings=spent, **about)  # type: ignore[arg-type]
            return
        prompt = self.asked(known, passages, system=system, shots=shots)
        if self._checker and prompt.passages:
            self._checker()  # what cannot be opened is said before the model writes
        composed = time.perf_counter()
        written = _Written()
        read = Evidence(prompt.passages, self._embed() if prompt.passages else None)
        follower = None
        if judged is not None and prompt.passages and not self._checker:
            follower = Follower(read, self._settings, judged)
        try:
            for piece in self._generate(prompt.messages, model, written):
                yield piece
                if follower:
                    follower.read(written.text)
            wrote = time.perf_counter()
            answer = self.finish(question, written, prompt, read)
            usage = written.usage + answer.usage
            if self._settings.retry and answer.unsupported and prompt.passages:
                second = _Written()
                messages = again(prompt.messages, written.text, answer.unsupported)
                for _ in self._generate(messages, model, second):
                    pass  # not shown
                better = self.finish(question, second, prompt, read)
                usage += second.usage + better.usage
                if not better.refused and (answer.refused or _fewer(better, answer)):
                    answer = better
        except (GeneratorExit, KeyboardInterrupt):
            if stopped is not None:
                spent = Timings(
                    embed=embed,
                    search=search,
                    prompt=_ms(searched, composed),
                    first_token=_ms(began, written.first) if written.first else 0.0,
                    total=_ms(began, time.perf_counter()),
                )
                left = self._stopped(question, written, prompt)
                stopped(replace(left, model=model, timings=spent, **about))  # type: ignore[arg-type]
            raise
        ended = time.perf_counter()
        yield replace(
            answer,
            model=model,
            usage=usage,
            timings=Timings(
                embed=embed,
                search=search,
                prompt=_ms(searched, composed),
                first_token=_ms(began, written.first or wrote),
                check=_ms(wrote, ended),
                total=_ms(began, ended),
            ),
            **about,  # type: ignore[arg-type]
        )

    def retrieve(self, question: str) -> list[Passage]:
        """The passages for a question, as many as the prompt may show."""
        return self._retriever.search(question, self._settings.passages)

    def enough(self, passages: Sequence[Passage], evidence: float) -> bool:
        """Whether the passages are near enough to the question to answer from."""
        near = any((p.dense or -1.0) >= self._refuse_below for p in passages)
        return near and evidence >= self._settings.evidence_below

    def remembered(self, question: str, history: Sequence[Message] = ()) -> Remembered:
        """The question in its conversation: what is searched, and which turns are still known."""
        return remember(question, history, tokens=self._settings.history_tokens)

    def asked(
        self,
        known: Remembered,
        passages: Sequence[Passage],
        *,
        system: str = "",
        shots: Sequence[Shot] = (),
    ) -> Prompt:
        """Compose the prompt for a question of a conversation, for serving and for training.

        A strong model reads the conversation; a smaller one the question made to stand alone.
        """
        if known.history and tier_of(self._chat().name) == "strong":
            return self.prompt(
                known.asked, passages, system=system, shots=shots, history=known.history
            )
        return self.prompt(known.searched, passages, system=system, shots=shots)

    def prompt(
        self,
        question: str,
        passages: Sequence[Passage],
        *,
        system: str = "",
        shots: Sequence[Shot] = (),
        history: Sequence[Message] = (),
    ) -> Prompt:
        """Compose the prompt for a question that stands alone, or after these turns."""
        chat = self._chat()
        settings = self._settings

        def count(text: str) -> int:
            return len(chat.tokens(text))

        earlier = [m for shot in shots for m in turns(shot, count, settings.passage_tokens)]
        earlier += history
        spent = sum(count(m["content"]) + 8 for m in earlier) + count(question) + count(system) + 64
        room = chat.context_tokens - self._limits.max_tokens - spent
        if settings.orders == "cut":
            passages = [injection.blanked(passage) for passage in passages]
        return compose(
            question,
            passages,
            count=count,
            system=system or settings.system,
            passage_tokens=settings.passage_tokens,
            budget=max(0, min(room, settings.passages * (settings.passage_tokens + 40))),
            history=earlier,
            tier=tier_of(chat.name),
            refusal=settings.refusal,
        )

    def finish(
        self, question: str, written: _Written, prompt: Prompt, evidence: Evidence
    ) -> Answer:
        """Turn what the model wrote into an answer: clean, check, drop or mark or quote, label.

        `evidence` is of the prompt's passages. The answer's usage is what a chat model took that
        checked it.
        """
        settings = self._settings
        if not prompt.passages:
            # Without documents there is nothing to check against: shown as the model wrote it,
            # invented labels and all, for that is what a reader would get from it.
            said = clean(written.text, cut=written.cut)
            shown = " ".join(written.text.split())
            return Answer(question, shown, " ".join(said), not said, said, (), (), "")
        checker = self._checker() if self._checker else None
        checked = check(written.text, evidence, settings, cut=written.cut, checker=checker)
        answer = self._shown(question, checked, evidence, prompt.passages)
        return replace(answer, usage=checked.usage)

    def _shown(
        self, question: str, checked: Checked, evidence: Evidence, shown: Sequence[Passage]
    ) -> Answer:
        settings = self._settings
        if checked.refusal:
            return showing.refuse(question, settings)
        told = None
        if settings.check == "strict" and settings.rescue and checked.said:
            told = rescuing.telling(question, evidence)
        if checked.kept:
            sources = [source for _, one in checked.kept if one for source in one.sources]
            if told is None or not rescuing.besides(question, told, sources, evidence):
                return showing.show(question, checked, shown, settings)
        if told is not None:
            return showing.quote(question, told, shown, settings, checked.verdicts)
        return showing.refuse(question, settings, checked.verdicts)

    def _embed(self) -> Embed | None:
        return self._embedder().embed if self._embedder else None

    def _generate(
        self, messages: Sequence[Message], model: str, written: _Written
    ) -> Iterator[str]:
        """Stream one answer into `written`; stopped when it goes in circles."""
        chat = self._chat()
        done: Completion | None = None
        stream = chat.stream(messages, model=model, max_tokens=self._limits.max_tokens)
        with contextlib.closing(stream):  # type: ignore[type-var]
            for piece in stream:
                if isinstance(piece, Completion):
                    done = piece
                    break
                written.first = written.first or time.perf_counter()
                written.text += piece
                yield piece
                if _loops(written.text):
                    break
        written.cut = done is None or done.finish == "length"
        if done is not None:
            written.usage = Usage(done.prompt_tokens, done.completion_tokens)
        else:  # stopped by us: counted by us
            written.usage = self._counted(messages, written.text)
        written.ended = True

    def _counted(self, messages: Sequence[Message], text: str) -> Usage:
        chat = self._chat()
        return Usage(len(chat.tokens(chat.render(messages))), len(chat.tokens(text)))

    def _stopped(self, question: str, written: _Written, prompt: Prompt) -> Answer:
        """What there was when the model was stopped."""
        text = written.text.strip()
        usage = written.usage if written.ended else self._counted(prompt.messages, written.text)
        bare = " ".join(clean(text))
        said = (bare,) if bare else ()
        return Answer(question, text, bare, False, said, (), (), "", usage, stopped=True)


def _loops(text: str) -> bool:
    """Whether the text has come round: its last finished sentence stood there twice before.

    Tiny models fall into circles; nothing new comes after, so generation is stopped.
    """
    if not text.endswith((".", "!", "?", "\n")):
        return False
    said = [re.sub(r"^\W*\d*\W*", "", part).strip() for part in re.split(r"[.!?]\s|\n", text)]
    said = [part.rstrip(".!?").lower() for part in said if len(part) > 12]
    return len(said) > 2 and said.count(said[-1]) > 2


def _fewer(one: Answer, other: Answer) -> bool:
    return len(one.unsupported) < len(other.unsupported)


def _ms(start: float, end: float) -> float:
    return round((end - start) * 1000, 1)
