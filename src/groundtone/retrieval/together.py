"""Who comes while others are at work joins the next batch: what all need is then done once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Together(Generic[Asked, Answer]):
    """Works for many threads, a batch at a time, in the order in which they came.

    The first of a batch does the work of all of it in its own thread; each of the others has its
    answer as soon as it is there.

    Args:
        work: answers what was asked, one after the other. Where it fails, the answer that was due
            is the failure; the rest is asked again.
        at_once: batches.
        most: questions in a batch.
    """

    def __init__(
        self, work: Callable[[Sequence[Asked]], Iterator[Answer]], at_once: int, most: int
    ) -> None:
        self._work, self._free, self._most = work, at_once, most
        self._lock = Lock()
        self._waiting: deque[_Place[Asked, Answer]] = deque()

    @property
    def busy(self) -> bool:
        """Whether anybody waits."""
        return bool(self._waiting)

    def __call__(self, asked: Asked) -> Answer:
        """The answer; waits for it."""
        mine: _Place[Asked, Answer] = _Place(asked)
        with self._lock:
            if self._free:
                self._free -= 1
                mine.lead([mine])
            else:
                self._waiting.append(mine)
        try:
            mine.turn.acquire()  # until it is answered, or leads a batch
        except BaseException:  # Ctrl-C
            self._leave(mine)
            raise
        if mine.batch:
            self._lead(mine)
        return mine.answer()

    def _lead(self, mine: _Place[Asked, Answer]) -> None:
        rest = deque(mine.batch)
        try:
            answers = self._work([one.asked for one in rest])
            while rest:
                rest[0].answers.append(next(answers))
                rest.popleft().turn.release()
        except Exception as error:
            rest[0].error = error
            rest.popleft().turn.release()
        finally:
            self._hand_on([one for one in rest if one is not mine])

    def _leave(self, mine: _Place[Asked, Answer]) -> None:
        with self._lock:
            waits = mine in self._waiting
            if waits:
                self._waiting.remove(mine)
        if not waits and mine.batch:
            self._hand_on([one for one in mine.batch if one is not mine])

    def _hand_on(self, rest: list[_Place[Asked, Answer]]) -> None:
        """Let the next batch begin: of those that are left of this one, or else of who waits."""
        with self._lock:
            while self._waiting and len(rest) < self._most:
                rest.append(self._waiting.popleft())
            if rest:
                rest[0].lead(rest)
            else:
                self._free += 1


def _taken() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


@dataclass(eq=False)
class _Place(Generic[Asked, Answer]):
    """One who asks. ``batch``: what it is to work for, itself first."""

    asked: Asked
    turn: Lock = field(default_factory=_taken)
    batch: Sequence[_Place[Asked, Answer]] = ()
    answers: list[Answer] = field(default_factory=list)
    error: Exception | None = None

    def lead(self, batch: Sequence[_Place[Asked, Answer]]) -> None:
        self.batch = batch
        self.turn.release()

    def answer(self) -> Answer:
        if self.error is not None:
            raise self.error
        return self.answers[0]
