"""Rates and budgets of keys hold at the page as they do for the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundtone.catalog.keys import Used
from groundtone.errors import GroundtoneError

if TYPE_CHECKING:
    from groundtone.answering.answer import Usage
    from groundtone.web.site import Site
    from groundtone.web.visitor import Visitor


class NotNow(GroundtoneError):
    """A key may not ask, or not yet."""


def admit(site: Site, visitor: Visitor) -> None:
    """Count one question of a visitor's key; the owner needs none.

    Raises:
        NotNow: the key was revoked since the page was opened, or its rate or budget is used up.
    """
    if visitor.key is None:
        if site.locked():
            raise NotNow("This workspace has keys now.", "Open the page again and sign in.")
        return
    key = site.key(visitor.key)
    if key is None:
        raise NotNow("Your key was revoked.", "Sign in with another.")
    catalog = site.workspace.catalog
    if key.rate is not None and key.rate_seconds is not None:
        count = catalog.count_request(key.id, key.rate_seconds)
        if count > key.rate:
            told = f"Your key may ask {key.rate} times in {key.rate_seconds} seconds."
            raise NotNow(told, "Wait a little.")
    if key.budget_usd is not None and key.budget_seconds is not None:
        spent = catalog.usage(key.id, key.budget_seconds).cost_usd
        if spent >= key.budget_usd:
            raise NotNow(f"The budget of your key is used up (${spent:.2f}).", "Ask its owner.")


def count(site: Site, visitor: Visitor, usage: Usage) -> None:
    """Add what an answer took to what the visitor's key has used."""
    if visitor.key is not None:
        used = Used(1, usage.prompt_tokens, usage.completion_tokens, usage.cost_usd)
        site.workspace.catalog.add_usage({visitor.key: used})
