"""What people at the pages add to answers: who asked, and what should have been said."""

from __future__ import annotations

import time
from collections.abc import Collection

from sqlalchemy import Column, Float, ForeignKey, String, Table, Text, delete, insert, select

from groundtone.catalog.schema import SOME, Database, metadata, slices

askers = Table(
    "askers",
    metadata,
    Column("answer", ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String, nullable=False, index=True),
)
corrections = Table(
    "corrections",
    metadata,
    Column("answer", ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True),
    Column("text", Text, nullable=False),
    Column("written_at", Float, nullable=False),
)


class Feedback(Database):
    """The part of the catalog that knows what people said about answers besides their rating."""

    def put_asker(self, answer: str, key: str) -> None:
        """Note by whose key an answer was asked for."""
        with self.write() as connection:
            connection.execute(insert(askers).values(answer=answer, key=key))

    def asker(self, answer: str) -> str | None:
        """Id of the key by which an answer was asked for; None for the owner, or when unknown."""
        with self.read() as connection:
            return connection.scalar(select(askers.c.key).where(askers.c.answer == answer))

    def asked_by(self, key: str) -> set[str]:
        """Ids of the answers that were asked for by this key."""
        with self.read() as connection:
            return set(connection.scalars(select(askers.c.answer).where(askers.c.key == key)))

    def correct(self, answer: str, text: str) -> None:
        """Keep what an answer should have said; "" takes it back."""
        with self.write() as connection:
            connection.execute(delete(corrections).where(corrections.c.answer == answer))
            if text:
                row = {"answer": answer, "text": text, "written_at": time.time()}
                connection.execute(insert(corrections).values(row))

    def corrections(self, answers: Collection[str]) -> dict[str, str]:
        """What answers should have said, for those of these ids that were corrected."""
        found: dict[str, str] = {}
        with self.read() as connection:
            for some in slices(sorted(answers), SOME):
                query = select(corrections).where(corrections.c.answer.in_(some))
                found |= {row.answer: row.text for row in connection.execute(query)}
        return found
