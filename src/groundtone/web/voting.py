"""Voting blind on two arms' answers: whose they are is told only after the vote."""

from __future__ import annotations

import asyncio
import hashlib
from itertools import combinations
from typing import Any

from fastapi import Request
from nicegui import ui

from groundtone.catalog.votes import Vote
from groundtone.evaluation.preferring import preference
from groundtone.web import compare
from groundtone.web.elements import button, choice, empty, link, node
from groundtone.web.layout import Visit, frame


@ui.page("/compare/{id}/vote")
async def vote(request: Request, id: str) -> None:
    """One question after the other, two answers each, and how the votes stand."""
    with frame(request, "compare", "Vote") as here:
        job = await asyncio.to_thread(compare.find, here, id)
        if job is None or job.state != "succeeded":
            with empty("There is no such comparison", "Or it has not ended."):
                link("Compare", "/compare", "button")
            return
        found = await asyncio.to_thread(compare.rows_of, job)
        link("Compare", "/compare", "text-link")
        node("h1", "Which answer is better?")
        node("p", "You are told whose they were when all are done.", "lead")
        await Voting(here, id, found["questions"]).show()


class Voting:
    """One person's way through the questions of a comparison."""

    def __init__(self, here: Visit, id: str, rows: list[dict[str, Any]]) -> None:
        self._here, self._id, self._rows = here, id, rows
        self._voter = here.visitor.key or ""
        arms = sorted(rows[0]["arms"]) if rows else []
        self._pairs = [f"{one} / {other}" for one, other in combinations(arms, 2)]
        preferred = "both / rag"
        self._pair = preferred if preferred in self._pairs else next(iter(self._pairs), "")

    async def show(self) -> None:
        """Make the page."""
        if not self._pair:
            empty("Nothing to vote on", "A comparison of two ways of answering can be voted on.")
            return
        choice("Between", [(pair, pair) for pair in self._pairs], self._pair, self._choose)
        self._box = node("div", aria_live="polite")
        await self._next()

    async def _choose(self, pair: str) -> None:
        self._pair = pair
        await self._next()

    async def _next(self) -> None:
        one, other = self._pair.split(" / ")
        votes = await asyncio.to_thread(self._here.workspace.catalog.list_votes, self._id)
        on_these = [v for v in votes if (v.one, v.other) == (one, other)]
        mine = {v.question for v in on_these if v.voter == self._voter}
        left = [row for row in self._rows if row["id"] not in mine]
        self._box.clear()
        with self._box:
            if left:
                node("p", f"{len(self._rows) - len(left) + 1} of {len(self._rows)}", "small count")
                self._question(left[0], one, other)
            else:
                self._result(one, other, [(v.question, v.preferred) for v in on_these])

    def _question(self, row: dict[str, Any], one: str, other: str) -> None:
        node("h2", row["question"], "question")
        # Which stands left is drawn by the question and the voter: alike when the page is reloaded.
        drawn = hashlib.sha256(f"{self._id}/{row['id']}/{self._voter}".encode()).digest()[0] % 2
        shown = (one, other) if drawn else (other, one)
        with node("div", classes="arms"):
            for name, arm in zip(("A", "B"), shown, strict=True):
                with node("div", classes="card"):
                    node("h3", name)
                    node("p", row["arms"][arm]["text"] or "–", "passage-text")
                    button(
                        f"{name} is better",
                        lambda arm=arm: self._vote(row, one, other, arm),
                        "primary",
                    )
        with node("div", classes="buttons"):
            button("Neither is better", lambda: self._vote(row, one, other, ""))

    async def _vote(self, row: dict[str, Any], one: str, other: str, preferred: str) -> None:
        kept = Vote(self._id, row["id"], self._voter, one, other, preferred)
        await asyncio.to_thread(self._here.workspace.catalog.put_vote, kept)
        await self._next()

    def _result(self, one: str, other: str, votes: list[tuple[str, str]]) -> None:
        found = preference(one, other, votes)
        better = one if found.wins > found.losses else other
        sure = found.p < 0.05
        node("h2", f"“{better}” is preferred" if sure else "No proven preference")
        with node("dl", classes="facts"):
            for name, told in (
                (f"for “{one}”", f"{found.wins}"),
                (f"for “{other}”", f"{found.losses}"),
                ("neither", f"{found.ties}"),
                ("p (sign test)", f"{found.p:.3f}"),
            ):
                with node("div", classes="fact"):
                    node("dt", name)
                    node("dd", told)
        if found.lead is not None:
            lead = found.lead
            node(
                "p",
                f"“{one}” leads by {lead.value:+.2f} of a vote a question, 95% interval "
                f"{lead.low:+.2f} to {lead.high:+.2f}, over {found.questions} questions.",
                "note",
            )
