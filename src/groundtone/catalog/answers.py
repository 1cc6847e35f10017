"""Answers: every question that was answered, and what people thought of it."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Select, func, insert, select

from groundtone.catalog.schema import Database, answers, ratings

RATINGS = ("good", "bad")


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """One answered question.

    Attributes:
        answer: the whole answer as JSON values, as ``ask --json`` prints it.
        rating: ``good``, ``bad`` or "" where nobody has said.
        note: what the rater added.
    """

    id: str
    question: str
    model: str
    answer: dict[str, Any]
    created_at: float = field(default_factory=time.time)
    rating: str = ""
    note: str = ""


class Answers(Database):
    """The part of the catalog that knows answers: the ledger."""

    def put_answer(self, answer: StoredAnswer) -> None:
        """Add an answered question."""
        row = asdict(answer)
        del row["rating"], row["note"]
        with self.write() as connection:
            connection.execute(insert(answers).values(row))

    def list_answers(
        self, limit: int | None = 100, *, rating: str | None = None, since: float = 0.0
    ) -> list[StoredAnswer]:
        """Answered questions, newest first.

        Args:
            rating: only those rated so; "" for those not rated.
            since: only those answered later, in seconds since 1970.
        """
        query = _rated().where(answers.c.created_at >= since)
        if rating is not None:
            wanted = ratings.c.rating == rating if rating else ratings.c.rating.is_(None)
            query = query.where(wanted)
        query = query.order_by(answers.c.created_at.desc(), answers.c.id).limit(limit)
        with self.read() as connection:
            return [_stored(row._mapping) for row in connection.execute(query)]

    def count_answers(self) -> tuple[int, float]:
        """How many there are, stopped ones too, and when the first was given, in seconds since
        1970; 0 where there is none."""
        query = select(func.count(), func.min(answers.c.created_at)).select_from(answers)
        with self.read() as connection:
            count, first = connection.execute(query).one()
        return int(count), float(first or 0.0)

    def find_answers(self, id: str) -> list[StoredAnswer]:
        """Those whose id begins so, with or without the ``answer-`` before it; two at most."""
        begin = id if id.startswith("answer-") else f"answer-{id}"
        query = _rated().where(answers.c.id.startswith(begin, autoescape=True)).limit(2)
        with self.read() as connection:
            return [_stored(row._mapping) for row in connection.execute(query)]

    def rate(self, id: str, rating: str, note: str = "") -> None:
        """Rate an answer; a rating before it is replaced, and "" takes it back."""
        with self.write() as connection:
            if not rating:
                connection.execute(ratings.delete().where(ratings.c.answer == id))
                return
            row = {"rating": rating, "note": note, "rated_at": time.time()}
            connection.execute(ratings.delete().where(ratings.c.answer == id))
            connection.execute(insert(ratings).values(answer=id, **row))


def _rated() -> Select[Any]:
    columns = (answers, ratings.c.rating, ratings.c.note)
    return select(*columns).select_from(answers.outerjoin(ratings))


def _stored(row: Any) -> StoredAnswer:
    told = dict(row)
    return StoredAnswer(**{**told, "rating": told["rating"] or "", "note": told["note"] or ""})
