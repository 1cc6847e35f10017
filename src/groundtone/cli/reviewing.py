"""Drafts looked at one by one in the terminal: kept, edited or dropped."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from groundtone.cli.output import console

if TYPE_CHECKING:
    from groundtone.tuning.drafting import Draft, Drafts

KEYS = "[k]eep  [e]dit  [d]rop  [q]uit and write what was kept"


def review(drafts: Sequence[Draft], doubts: Callable[[Draft], str]) -> list[Draft]:
    """Ask about each draft; the end of the input, or Ctrl-C, ends the review.

    Args:
        doubts: why an edited draft would not have been drafted; "" if it would.

    Returns:
        what was kept, as edited.
    """
    shown = console(stderr=True)
    kept: list[Draft] = []
    try:
        for number, draft in enumerate(drafts, 1):
            decided = _decide(draft, f"{number}/{len(drafts)}", doubts, shown.print)
            if decided is not None:
                kept.append(decided)
    except (EOFError, KeyboardInterrupt, _Quit):
        shown.print(f"{len(kept)} kept.")
    return kept


def reasons(found: Drafts) -> str:
    """What was dropped, and why."""
    return ", ".join(f"{count} {reason}" for reason, count in found.dropped.items() if count)


class _Quit(Exception):
    pass


def _decide(
    draft: Draft, place: str, doubts: Callable[[Draft], str], say: Callable[[str], None]
) -> Draft | None:
    while True:
        support = "" if draft.support is None else f", support {draft.support:.2f}"
        where = " ".join(filter(None, [draft.source.title, draft.source.section]))
        say(f"\n{place} ({draft.by}{support})")
        say(f"Q: {draft.question}")
        say(f"A: {draft.shown}")
        say(f"   {where}: “{' '.join(draft.source.quote.split())}”")
        key = _read(f"{KEYS}: ").lower()[:1]
        if key == "k":
            return draft
        if key == "d":
            return None
        if key == "q":
            raise _Quit
        if key == "e":
            say("An empty line leaves it as it is.")
            question, answer = _read("Q: "), _read("A: ")
            draft = replace(
                draft,
                question=question or draft.question,
                answer=answer or draft.answer,
                by=draft.by.removesuffix(", edited") + ", edited",
                support=None,
            )
            if doubt := doubts(draft):
                say(f"   Mind: {doubt}.")


def _read(prompt: str) -> str:
    """A line of what is typed; asked for on stderr, so that --json stays alone on stdout."""
    print(prompt, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.strip()
