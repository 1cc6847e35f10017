"""A chat engine that says what a test wants, and a retriever that finds what it wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from groundtone.answering.judging import Checker
from groundtone.answering.pipeline import Answerer
from groundtone.chat import Completion, Message
from groundtone.retrieval import Passage
from groundtone.settings import Answering, Chat


class Scripted:
    """Says the given texts, one a question, in pieces of a few characters."""

    name = "scripted"
    parallel = 1
    exact_tokens = True

    def __init__(self, *says: str, context: int = 2_000, finish: str = "stop") -> None:
        self.says = list(says)
        self.context_tokens = context
        self.finish = finish
        self.asked: list[list[Message]] = []

    def render(self, messages: Sequence[Message]) -> str:
        return "\n".join(message["content"] for message in messages)

    def tokens(self, text: str) -> list[int]:
        return list(range(len(text.split())))

    def stream(self, messages: Sequence[Message], **options: Any) -> Iterator[str | Completion]:
        self.asked.append(list(messages))
        text = self.says[min(len(self.asked), len(self.says)) - 1]
        for at in range(0, len(text), 7):
            yield text[at : at + 7]
        yield Completion(text, 10, 5, 1.0, 2.0, self.finish)

    def load(self, adapters: dict[str, Path]) -> None:
        pass

    def close(self) -> None:
        pass


class Found:
    """A retriever that always finds the same and keeps what it was asked."""

    def __init__(self, *passages: Passage) -> None:
        self.passages = passages
        self.searched: list[str] = []

    def search(self, question: str, k: int | None = None) -> list[Passage]:
        self.searched.append(question)
        return [replace(p, rank=rank) for rank, p in enumerate(self.passages[:k], 1)]


def passage(text: str, *, title: str = "Guide", section: str = "2.1", start: int = 100) -> Passage:
    return Passage(
        rank=1, text=text, score=1.0, document=f"{title.lower()}.md", title=title, section=section,
        headings=(f"{section} Part",), page=None, start=start, end=start + len(text), box=None,
        version="v", chunk=0, window=(start, start + len(text)), dense=0.8, lexical=3.0,
    )  # fmt: skip


def answerer(
    engine: Scripted, found: Found, checker: Callable[[], Checker] | None = None, **settings: Any
) -> Answerer:
    """Words only, no gate unless the settings set one."""
    settings = {"evidence_below": 0.0, **settings}
    return Answerer(
        found,
        lambda: engine,
        Answering(**settings),
        Chat(max_tokens=64),
        refuse_below=-1.0,  # type: ignore[arg-type]
        checker=checker,
    )
