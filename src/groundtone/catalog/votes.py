"""Votes: which of two answers somebody preferred, without knowing whose they were."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field

from sqlalchemy import Column, Float, String, Table, Text, delete, insert, select

from groundtone.catalog.schema import Database, metadata

votes = Table(
    "votes",
    metadata,
    Column("comparison", String, primary_key=True),
    Column("question", String, primary_key=True),
    Column("voter", String, primary_key=True),
    Column("one", String, primary_key=True),
    Column("other", String, primary_key=True),
    Column("preferred", Text, nullable=False),
    Column("voted_at", Float, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Vote:
    """One preference.

    Attributes:
        comparison: id of the job whose answers were shown.
        question: its id there.
        voter: id of their key; "" for the owner.
        one, other: the two arms, in the order of the alphabet.
        preferred: one of them, or "" where neither was better.
    """

    comparison: str
    question: str
    voter: str
    one: str
    other: str
    preferred: str
    voted_at: float = field(default_factory=time.time)


class Votes(Database):
    """The part of the catalog that knows preferences."""

    def put_vote(self, vote: Vote) -> None:
        """Keep a vote; an earlier one by the same person on the same two answers is replaced."""
        names = ("comparison", "question", "voter", "one", "other")
        same = [votes.c[name] == getattr(vote, name) for name in names]
        with self.write() as connection:
            connection.execute(delete(votes).where(*same))
            connection.execute(insert(votes).values(asdict(vote)))

    def list_votes(self, comparison: str) -> list[Vote]:
        """All votes on the answers of a comparison, oldest first."""
        query = select(votes).where(votes.c.comparison == comparison).order_by(votes.c.voted_at)
        with self.read() as connection:
            return [Vote(**row._mapping) for row in connection.execute(query)]
